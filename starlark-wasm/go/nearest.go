package main

import "strings"

// nearest returns the candidate that is the likeliest meaning of name, or "".
// Case and underscores are ignored, as in Starlark's own suggestions.
func nearest(name string, candidates []string) string {
	if len(name) > 64 {
		return ""
	}
	folded := fold(name)
	best, bound := "", max(2, len(folded)/3+1)
	for _, candidate := range candidates {
		if len(candidate) > 64 || candidate == markName {
			continue
		}
		if d := distance(folded, fold(candidate)); d < bound {
			best, bound = candidate, d
		}
	}
	return best
}

func fold(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "") }

// distance counts the edits (insert, remove, replace a byte, swap two neighbours) between two names.
func distance(a, b string) int {
	before, row, next := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, make([]int, len(b)+1)
	}
	return row[len(b)]
}
