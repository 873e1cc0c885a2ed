package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Session is one evaluation. First the host hands in the entry and, round by
// round, the files that loads name; all of them are parsed and resolved, so
// that all static errors come out at once. Only then does anything run.
type Session struct {
	config *Config
	files  []*File // in the order of handing in; the entry first
	byPath map[string]*File
	asked  []string         // wanted and not yet handed in
	known  map[string]bool  // asked for at some time
	wants  map[string]Place // who wants a path, for the error if it is absent
	round  int
	bytes  int
	over   bool // more input than allowed: ask for nothing more

	thread *starlark.Thread
	module *File // whose top level is running
	marked Place // the statement that is running
	stop   *Failure
	out    *Results
	errors []*Failure
}

// File is one source file and what became of it.
type File struct {
	path    string
	index   int32
	syntax  *syntax.File
	program *starlark.Program
	loads   []Load
	calls   map[spot]*syntax.CallExpr // by the place of "("; made when first needed
	globals starlark.StringDict
	loaded  bool
}

// Load is one load statement.
type Load struct {
	name, path string
	at         Place
	stmt       *syntax.LoadStmt
}

type spot struct{ line, column int32 }

func newSession(c *Config, entry string) *Session {
	return &Session{
		config: c,
		byPath: map[string]*File{},
		asked:  []string{entry},
		known:  map[string]bool{entry: true},
		wants:  map[string]Place{entry: {file: entry}},
		out:    &Results{limit: c.Limits.OutputBytes},
	}
}

// wanted returns the paths to be handed in next; none when all is there or enough has gone wrong.
func (s *Session) wanted() []byte {
	s.round++
	if s.over || s.round > s.config.Limits.LoadDepth+2 {
		s.asked = nil
	}
	return []byte(strings.Join(s.asked, "\x00"))
}

func (s *Session) nextAsked() string {
	next := s.asked[0]
	s.asked = s.asked[1:]
	return next
}

func (s *Session) absent() {
	path := s.nextAsked()
	at := s.wants[path]
	if at.line == 0 {
		s.report(&Failure{kind: "resolve", at: at, message: "no such file"})
		return
	}
	s.report(&Failure{kind: "resolve", at: at, message: fmt.Sprintf("load: there is no file %q", clip(path, maxMessage))})
}

func (s *Session) provide(text string) {
	f := &File{path: s.nextAsked(), index: int32(len(s.files))}
	s.files = append(s.files, f)
	s.byPath[f.path] = f
	if s.bytes += len(text); s.bytes > s.config.Limits.InputBytes {
		if !s.over {
			s.over = true
			message := fmt.Sprintf("the source files are larger than %d bytes", s.config.Limits.InputBytes)
			s.report(limitAt(Place{file: f.path}, "input", message))
		}
		return
	}
	s.compile(f, strings.TrimPrefix(text, "\ufeff"))
}

func (s *Session) compile(f *File, text string) {
	mark(f.index, 0, 0)
	parsed, err := s.config.options.Parse(f.path, text, 0)
	if err != nil {
		s.report(staticFailures(err, nil)...)
		return
	}
	f.syntax = parsed
	s.collectLoads(f)
	markStatements(parsed, f.index)
	program, err := starlark.FileProgram(parsed, s.config.predeclared.Has)
	if err != nil {
		s.report(staticFailures(err, s.config.predeclared)...)
		return
	}
	f.program = program
}

func (s *Session) collectLoads(f *File) {
	for _, stmt := range f.syntax.Stmts {
		load, ok := stmt.(*syntax.LoadStmt)
		if !ok {
			continue
		}
		at := placeOf(load.Module.TokenPos)
		path, err := s.config.Loads.resolve(f.path, load.ModuleName())
		if err != nil {
			s.report(&Failure{kind: "resolve", at: at, message: err.Error()})
			continue
		}
		f.loads = append(f.loads, Load{load.ModuleName(), path, at, load})
		if !s.known[path] {
			s.known[path] = true
			s.wants[path] = at
			s.asked = append(s.asked, path)
		}
	}
}

// checkLoadedNames reports names that a loaded file does not define, before anything runs.
func (s *Session) checkLoadedNames() {
	for _, f := range s.files {
		for _, l := range f.loads {
			if target := s.byPath[l.path]; target != nil && target.program != nil {
				s.checkNames(l, target)
			}
		}
	}
}

func (s *Session) checkNames(l Load, target *File) {
	defined := map[string]bool{}
	var names []string
	for _, b := range target.syntax.Module.(*resolve.Module).Globals {
		defined[b.First.Name] = true
		names = append(names, b.First.Name)
	}
	for _, from := range l.stmt.From {
		if !defined[from.Name] {
			message := fmt.Sprintf("load: %s does not define %s", l.name, from.Name)
			s.report(&Failure{kind: "resolve", at: placeOf(from.NamePos), message: message, suggestion: nearest(from.Name, names)})
		}
	}
}

func (s *Session) report(failures ...*Failure) { s.errors = append(s.errors, failures...) }

// run executes the entry if all files are fine, and renders the result.
func (s *Session) run() []byte {
	if len(s.files) > 0 && !s.over {
		s.checkGraph()
		s.checkLoadedNames()
	}
	if len(s.errors) == 0 {
		s.execute()
	}
	s.sortErrors()
	return s.render()
}

// sortErrors puts them in the order in which a reader meets them.
func (s *Session) sortErrors() {
	index := func(f *Failure) int {
		if file := s.byPath[f.at.file]; file != nil {
			return int(file.index)
		}
		return -1
	}
	slices.SortStableFunc(s.errors, func(a, b *Failure) int {
		return cmp.Or(cmp.Compare(index(a), index(b)), cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.column, b.at.column))
	})
}
