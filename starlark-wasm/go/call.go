package main

import (
	"fmt"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// argument is one argument of a call that found its parameter.
type argument struct {
	place int // index of the parameter
	value []byte
	at    Place
}

// A call can have a million problems; nobody reads more than these.
const maxProblems = 100

// problem is what is wrong with a call.
type problem struct {
	kind, name, message, suggestion string
	at                              Place
}

// callSite is where a declared builtin was called.
type callSite struct {
	at    Place
	stack []Frame
	expr  *syntax.CallExpr // nil if the call was made by another builtin
}

// binding matches the arguments of one call to the parameters.
type binding struct {
	declaration *Declaration
	session     *Session
	site        callSite
	given       []bool
	arguments   []argument
	problems    []problem
	limit       *Failure
}

// call is what Starlark calls for every declared builtin.
func (d *Declaration) call(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	s := thread.Local(sessionKey).(*Session)
	b := &binding{declaration: d, session: s, site: s.siteOf(thread), given: make([]bool, len(d.Parameters))}
	b.bind(args, kwargs)
	if b.limit != nil {
		return nil, b.limit
	}
	if len(b.problems) > 0 && !d.Lenient {
		first := b.problems[0]
		return nil, &Failure{kind: "runtime", at: first.at, message: first.message, suggestion: first.suggestion}
	}
	if d.Value {
		return &constructed{name: d.Name, data: constructedData(b)}, nil
	}
	return starlark.None, s.out.addCall(b)
}

func (b *binding) bind(args starlark.Tuple, kwargs []starlark.Tuple) {
	d := b.declaration
	if d.EntryOnly && b.session.module != b.session.files[0] {
		b.complain("loaded", "", b.site.at, "%s may not be called by the top level of a loaded file", d.Name)
	}
	for i, value := range args {
		b.bindPositional(i, value)
	}
	for _, pair := range kwargs {
		b.bindKeyword(string(pair[0].(starlark.String)), pair[1])
	}
	for place, p := range d.Parameters {
		if p.Required && !b.given[place] {
			b.complain("missing", p.Name, b.site.at, "%s: missing argument for %s", d.Name, p.Name)
		}
	}
}

func (b *binding) bindPositional(i int, value starlark.Value) {
	d, at := b.declaration, b.positionalPlace(i)
	if i < len(d.Parameters) && !d.Parameters[i].KeywordOnly {
		b.set(i, value, at)
		return
	}
	most := 0
	for most < len(d.Parameters) && !d.Parameters[most].KeywordOnly {
		most++
	}
	b.complain("extra", "", at, "%s takes at most %d positional arguments", d.Name, most)
}

func (b *binding) bindKeyword(name string, value starlark.Value) {
	d, at := b.declaration, b.keywordPlace(name)
	place, ok := d.places[name]
	switch {
	case !ok:
		b.unknown(name, at)
	case b.given[place]:
		b.complain("duplicate", name, at, "%s: got multiple values for %s", d.Name, name)
	default:
		b.set(place, value, at)
	}
}

func (b *binding) unknown(name string, at Place) {
	known := len(b.problems)
	b.complain("unknown", clip(name, maxMessage), at, "%s: unexpected keyword argument %s", b.declaration.Name, clip(name, maxMessage))
	if len(b.problems) > known {
		b.problems[known].suggestion = nearest(name, b.declaration.parameterNames())
	}
}

func (b *binding) set(place int, value starlark.Value, at Place) {
	b.given[place] = true
	encoder := &valueEncoder{maxDepth: b.session.config.Limits.ValueDepth, maxBytes: b.session.out.room()}
	if err := encoder.encode(value); err != nil {
		name := b.declaration.Parameters[place].Name
		if err.limit != "" {
			b.limit = limitAt(at, err.limit, fmt.Sprintf("%s: %s%s %s", b.declaration.Name, name, err.path, err.message))
			return
		}
		b.complain("invalid", name, at, "%s: %s%s %s", b.declaration.Name, name, err.path, err.message)
		return
	}
	b.arguments = append(b.arguments, argument{place, encoder.out, at})
}

func (b *binding) complain(kind, name string, at Place, format string, args ...any) {
	if len(b.problems) == maxProblems {
		return
	}
	if at.line == 0 {
		at = b.site.at
	}
	b.problems = append(b.problems, problem{kind: kind, name: name, at: at, message: fmt.Sprintf(format, args...)})
}

func (d *Declaration) parameterNames() []string {
	names := make([]string, len(d.Parameters))
	for i, p := range d.Parameters {
		names[i] = p.Name
	}
	return names
}

// siteOf finds the call in the syntax tree, which knows where each argument stands.
func (s *Session) siteOf(thread *starlark.Thread) callSite {
	site := callSite{stack: framesOf(thread.CallStack())}
	if len(site.stack) == 0 {
		return site
	}
	last := &site.stack[len(site.stack)-1]
	if thread.CallFrame(1).Pos.Line > 0 {
		site.expr = s.callExpr(last.Place)
	}
	if site.expr != nil {
		name := calledName(site.expr)
		last.line, last.column = name.Line, name.Col
	}
	site.at = last.Place
	return site
}

func calledName(call *syntax.CallExpr) syntax.Position {
	switch fn := call.Fn.(type) {
	case *syntax.Ident:
		return fn.NamePos
	case *syntax.DotExpr:
		return fn.NamePos
	default:
		return call.Lparen
	}
}

// callExpr finds a call by the place of its parenthesis, which is what a frame knows.
func (s *Session) callExpr(at Place) *syntax.CallExpr {
	f := s.byPath[at.file]
	if f.calls == nil {
		f.calls = map[spot]*syntax.CallExpr{}
		syntax.Walk(f.syntax, func(n syntax.Node) bool {
			if call, ok := n.(*syntax.CallExpr); ok {
				f.calls[spot{call.Lparen.Line, call.Lparen.Col}] = call
			}
			return true
		})
	}
	return f.calls[spot{at.line, at.column}]
}

func (b *binding) positionalPlace(i int) Place {
	if b.site.expr == nil || i >= len(b.site.expr.Args) {
		return Place{}
	}
	for _, arg := range b.site.expr.Args[:i+1] {
		if isStarred(arg) || keywordOf(arg) != nil {
			return Place{}
		}
	}
	return placeOf(syntax.Start(b.site.expr.Args[i]))
}

func (b *binding) keywordPlace(name string) Place {
	if b.site.expr == nil {
		return Place{}
	}
	for _, arg := range b.site.expr.Args {
		if id := keywordOf(arg); id != nil && id.Name == name {
			return placeOf(id.NamePos)
		}
	}
	return Place{}
}

func isStarred(arg syntax.Expr) bool {
	unary, ok := arg.(*syntax.UnaryExpr)
	return ok && (unary.Op == syntax.STAR || unary.Op == syntax.STARSTAR)
}

func keywordOf(arg syntax.Expr) *syntax.Ident {
	if binary, ok := arg.(*syntax.BinaryExpr); ok && binary.Op == syntax.EQ {
		return binary.X.(*syntax.Ident)
	}
	return nil
}
