package main

import (
	"fmt"
	"path"
	"strings"
)

// LoadRules say how the names in load statements become paths.
type LoadRules struct {
	Root     string `json:"root"`
	Relative bool   `json:"relative"`
}

// resolve returns the path that a load in the file from means by name.
func (r LoadRules) resolve(from, name string) (string, error) {
	if r.Relative {
		if rest, ok := relativeName(name); ok {
			return r.checked(name, path.Join(path.Dir(from), rest))
		}
	}
	rest, ok := strings.CutPrefix(name, r.Root)
	if !ok {
		return "", fmt.Errorf("load name %q should %s", clip(name, maxPath), r.expected())
	}
	if rest != path.Clean(rest) {
		return "", fmt.Errorf("load name %q is not a plain path", clip(name, maxPath))
	}
	return r.checked(name, rest)
}

func relativeName(name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, ":"); ok {
		return rest, true
	}
	return name, strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../")
}

func (r LoadRules) checked(name, p string) (string, error) {
	if p == "." || p == ".." || strings.HasPrefix(p, "../") {
		return "", fmt.Errorf("load name %q leaves the tree of files", clip(name, maxPath))
	}
	if p == "" || strings.HasPrefix(p, "/") || strings.ContainsAny(p, "\\\x00") {
		return "", fmt.Errorf("load name %q is not a plain path", clip(name, maxPath))
	}
	return p, nil
}

func (r LoadRules) expected() string {
	if r.Relative {
		return fmt.Sprintf("begin with %q (a path from the root) or with \":\", \"./\" or \"../\" (a path from this file's folder)", r.Root)
	}
	return fmt.Sprintf("begin with %q (a path from the root)", r.Root)
}

// checkGraph reports load cycles and chains of loads that are too long.
func (s *Session) checkGraph() {
	walk := &graphWalk{session: s, heights: map[*File]int{}, onPath: map[*File]bool{}}
	walk.visit(s.files[0])
}

type graphWalk struct {
	session *Session
	heights map[*File]int // files done, with the length of the longest chain below
	onPath  map[*File]bool
	path    []*File
	failed  bool
}

func (w *graphWalk) visit(f *File) int {
	if height, done := w.heights[f]; done {
		return height
	}
	w.onPath[f] = true
	w.path = append(w.path, f)
	height := 0
	for _, l := range f.loads {
		if target := w.session.byPath[l.path]; target != nil && !w.failed {
			height = max(height, 1+w.follow(l, target))
		}
	}
	w.path = w.path[:len(w.path)-1]
	w.onPath[f] = false
	w.heights[f] = height
	return height
}

func (w *graphWalk) follow(l Load, target *File) int {
	limit := w.session.config.Limits.LoadDepth
	if w.onPath[target] {
		w.session.report(limitAt(l.at, "load-cycle", "load cycle: "+w.cycle(target)))
		return 0
	}
	if len(w.path)+w.heights[target] > limit {
		w.failed = true
		w.session.report(limitAt(l.at, "load-depth", fmt.Sprintf("loads are nested more than %d deep", limit)))
		return 0
	}
	return w.visit(target)
}

// cycle renders the part of the path that leads from target back to it.
func (w *graphWalk) cycle(target *File) string {
	var names []string
	for _, f := range w.path {
		if len(names) > 0 || f == target {
			names = append(names, f.path)
		}
	}
	if len(names) > 8 {
		names = append(append(names[:4:4], "…"), names[len(names)-3:]...)
	}
	return strings.Join(append(names, target.path), " → ")
}
