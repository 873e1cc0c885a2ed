package main

import (
	"errors"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// panicFailure is for a fault of the interpreter, or for a builtin of Starlark's that wants more than could ever be
// had. It ends this evaluation only; the stack is gone by then, but not the mark.
func (s *Session) panicFailure(r any) *Failure {
	text := fmt.Sprint(r)
	if strings.Contains(text, "makeslice") || strings.Contains(text, "too large") || strings.Contains(text, "overflow") {
		return limitAt(s.marked, "memory", "needs more memory than there could be")
	}
	return &Failure{kind: "runtime", at: s.marked, message: "internal error: " + text}
}

// How many steps pass between two questions to the host whether to go on: about a millisecond.
const stepsPerTick = 10_000

const sessionKey = "session"

func (s *Session) execute() {
	defer func() {
		if r := recover(); r != nil {
			s.report(s.panicFailure(r))
		}
	}()
	s.thread = &starlark.Thread{Name: s.files[0].path, Print: s.print, Load: s.load, OnMaxSteps: s.onSteps}
	s.thread.SetLocal(sessionKey, s)
	s.thread.SetMaxExecutionSteps(min(stepsPerTick, s.config.Limits.Steps))
	err := s.initialize(s.files[0])
	if err == nil && s.config.Globals {
		err = s.out.addGlobals(s, s.files[0])
	}
	if err != nil {
		s.report(s.runtimeFailure(err))
	}
}

// initialize runs a file's top level. Loaded files share the thread of their
// loader: one count of steps, one stack, and backtraces that show the loads.
func (s *Session) initialize(f *File) error {
	loader := s.module
	s.module = f
	globals, err := f.program.Init(s.thread, s.config.predeclared)
	s.module = loader
	globals.Freeze()
	f.globals, f.loaded = globals, true
	return err
}

func (s *Session) load(thread *starlark.Thread, name string) (starlark.StringDict, error) {
	path, err := s.config.Loads.resolve(thread.CallFrame(0).Pos.Filename(), name)
	if err != nil {
		return nil, err
	}
	f := s.byPath[path]
	if !f.loaded {
		if err := s.initialize(f); err != nil {
			return nil, err
		}
	}
	return f.globals, nil
}

func (s *Session) print(thread *starlark.Thread, message string) {
	if err := s.out.addPrint(s, message, callerPlace(thread)); err != nil {
		s.halt(err.(*Failure))
	}
}

func (s *Session) onSteps(thread *starlark.Thread) {
	limit := s.config.Limits.Steps
	if thread.Steps >= limit {
		s.halt(&Failure{kind: "limit", limit: "steps", message: fmt.Sprintf("more than %d computation steps", limit)})
		return
	}
	if why := tick(); why != 0 {
		s.halt(s.stopped(why))
		return
	}
	thread.SetMaxExecutionSteps(min(thread.Steps+stepsPerTick, limit))
}

func (s *Session) stopped(why int32) *Failure {
	if why == 1 {
		return &Failure{kind: "limit", limit: "time", message: fmt.Sprintf("took longer than %d ms", s.config.Limits.TimeMs)}
	}
	return &Failure{kind: "limit", limit: "cancelled", message: "was cancelled"}
}

// halt makes the thread stop at its next step; the first reason counts.
func (s *Session) halt(why *Failure) {
	if s.stop == nil {
		s.stop = why
	}
	s.thread.Cancel(why.message)
}

// runtimeFailure finds the innermost error with its stack, whichever file it arose in.
func (s *Session) runtimeFailure(err error) *Failure {
	failure := &Failure{kind: "runtime", message: err.Error()}
	var evalErr *starlark.EvalError
	for cause := err; errors.As(cause, &evalErr); cause = evalErr.Unwrap() {
		failure.message, failure.suggestion = splitSuggestion(evalErr.Msg)
		failure.stack = framesOf(evalErr.CallStack)
	}
	failure.stack = withoutRefused(failure.stack, failure.message)
	var own *Failure
	if s.stop != nil {
		own = s.stop
	} else if !errors.As(err, &own) {
		own = failure
	}
	own.stack = failure.stack
	if own.at.line == 0 && len(own.stack) > 0 {
		own.at = own.stack[len(own.stack)-1].Place
	}
	return own
}

// withoutRefused drops the innermost frame if it is that of a function which
// never began, because its arguments don't fit or it is called recursively: what
// is wrong is the call.
func withoutRefused(stack []Frame, message string) []Frame {
	last := len(stack) - 1
	if last > 0 && strings.HasPrefix(message, "function "+stack[last].name+" ") {
		return stack[:last]
	}
	return stack
}

// The name has a NUL, so no source can spell it and no misspelling comes near it.
const markName = "\x00 the host is told where evaluation is"

// markStatements puts a call of the mark builtin before each top-level
// statement. Loads and definitions cost nothing by themselves.
func markStatements(f *syntax.File, index int32) {
	marked := make([]syntax.Stmt, 0, 2*len(f.Stmts))
	for _, stmt := range f.Stmts {
		switch stmt.(type) {
		case *syntax.LoadStmt, *syntax.DefStmt:
		default:
			marked = append(marked, markCall(syntax.Start(stmt), index))
		}
		marked = append(marked, stmt)
	}
	f.Stmts = marked
}

func markCall(at syntax.Position, index int32) syntax.Stmt {
	number := func(n int32) syntax.Expr {
		return &syntax.Literal{Token: syntax.INT, TokenPos: at, Value: int64(n)}
	}
	return &syntax.ExprStmt{X: &syntax.CallExpr{
		Fn:     &syntax.Ident{NamePos: at, Name: markName},
		Lparen: at,
		Args:   []syntax.Expr{number(index), number(at.Line), number(at.Col)},
		Rparen: at,
	}}
}

func markStatement(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	var at [3]int32
	for i := range at {
		n, _ := args[i].(starlark.Int).Int64()
		at[i] = int32(n)
	}
	mark(at[0], at[1], at[2])
	s := thread.Local(sessionKey).(*Session)
	s.marked = Place{s.files[at[0]].path, at[1], at[2]}
	return starlark.None, nil
}
