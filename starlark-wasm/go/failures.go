package main

import (
	"errors"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Place is a position in a file; line 0 means that it is not known.
type Place struct {
	file         string
	line, column int32
}

// Frame is one Starlark frame of a stack.
type Frame struct {
	Place
	name string
}

// Failure is an error as the host gets it. Builtins return it as a Go error, too.
type Failure struct {
	kind, limit string
	message     string
	suggestion  string
	at          Place
	stack       []Frame
}

func (f *Failure) Error() string { return f.message }

func limitAt(at Place, limit, message string) *Failure {
	return &Failure{kind: "limit", limit: limit, at: at, message: message}
}

func placeOf(p syntax.Position) Place { return Place{p.Filename(), p.Line, p.Col} }

// Messages may quote what the source made up, so they are cut.
const maxMessage = 2_000

func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// A file can have a million errors; nobody reads more than these.
const maxStaticFailures = 100

// staticFailures turns what the parser and the resolver return into failures.
func staticFailures(err error, predeclared starlark.StringDict) []*Failure {
	var list resolve.ErrorList
	var syntaxErr syntax.Error
	switch {
	case errors.As(err, &list):
		failures := make([]*Failure, 0, len(list))
		for _, e := range list[:min(len(list), maxStaticFailures)] {
			failures = append(failures, resolveFailure(e, predeclared))
		}
		return failures
	case errors.As(err, &syntaxErr):
		return []*Failure{{kind: "syntax", at: placeOf(syntaxErr.Pos), message: syntaxErr.Msg}}
	default:
		return []*Failure{{kind: "syntax", message: err.Error()}}
	}
}

// resolveFailure adds what the resolver can't suggest: it knows the names of the file, not the builtins.
func resolveFailure(e resolve.Error, predeclared starlark.StringDict) *Failure {
	message, suggestion := splitSuggestion(e.Msg)
	if name, ok := strings.CutPrefix(message, "undefined: "); ok {
		candidates := append(predeclared.Keys(), starlark.Universe.Keys()...)
		if suggestion != "" {
			candidates = append(candidates, suggestion)
		}
		suggestion = nearest(name, candidates)
	}
	return &Failure{kind: "resolve", at: placeOf(e.Pos), message: message, suggestion: suggestion}
}

// splitSuggestion takes Starlark's "(did you mean x?)" off a message.
func splitSuggestion(message string) (string, string) {
	const opening = " (did you mean "
	at := strings.LastIndex(message, opening)
	if at < 0 || !strings.HasSuffix(message, "?)") {
		return message, ""
	}
	suggestion := message[at+len(opening) : len(message)-len("?)")]
	return message[:at], strings.TrimPrefix(suggestion, ".")
}

// framesOf keeps the Starlark frames of a stack, outermost first.
func framesOf(stack starlark.CallStack) []Frame {
	frames := make([]Frame, 0, len(stack))
	for _, fr := range stack {
		if fr.Pos.Line > 0 {
			frames = append(frames, Frame{placeOf(fr.Pos), fr.Name})
		}
	}
	return frames
}

// callerPlace is where the innermost Starlark frame stands.
func callerPlace(thread *starlark.Thread) Place {
	for depth := range thread.CallStackDepth() {
		if pos := thread.CallFrame(depth).Pos; pos.Line > 0 {
			return placeOf(pos)
		}
	}
	return Place{}
}
