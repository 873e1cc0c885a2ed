package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// Data in which this key stands was made by a value builtin, so no user data may have it.
const constructedKey = "$builtin"

// The integers that a JSON number holds exactly everywhere.
const maxSafeInt = 1<<53 - 1

// valueError says why a value can't be data, and where inside the value.
type valueError struct{ path, message, limit string }

// valueEncoder writes one value as JSON.
type valueEncoder struct {
	out      []byte
	maxDepth int
	maxBytes int
	path     []starlark.Value // the containers around the current value
}

func (e *valueEncoder) encode(v starlark.Value) *valueError {
	if len(e.out) > e.maxBytes {
		return &valueError{limit: "output", message: "makes the output larger than allowed"}
	}
	switch v := v.(type) {
	case starlark.NoneType:
		e.out = append(e.out, "null"...)
	case starlark.Bool:
		e.out = strconv.AppendBool(e.out, bool(v))
	case starlark.String:
		e.out = appendString(e.out, string(v))
	case starlark.Int:
		return e.integer(v)
	case starlark.Float:
		return e.float(float64(v))
	case *constructed:
		e.out = append(e.out, v.data...)
	case *starlark.List, starlark.Tuple, *starlark.Dict, *starlarkstruct.Struct:
		return e.container(v)
	default:
		return &valueError{message: fmt.Sprintf("is of type %s, which can't be data", v.Type())}
	}
	return nil
}

func (e *valueEncoder) integer(v starlark.Int) *valueError {
	n, ok := v.Int64()
	if !ok || n > maxSafeInt || n < -maxSafeInt {
		return &valueError{message: "is an integer beyond ±(2^53 - 1), which JSON numbers don't hold exactly"}
	}
	e.out = strconv.AppendInt(e.out, n, 10)
	return nil
}

func (e *valueEncoder) float(v float64) *valueError {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return &valueError{message: "is a float that is not finite, which can't be data"}
	}
	e.out = strconv.AppendFloat(e.out, v, 'g', -1, 64)
	return nil
}

func (e *valueEncoder) container(v starlark.Value) *valueError {
	if len(e.path) >= e.maxDepth {
		return e.tooDeep(v)
	}
	e.path = append(e.path, v)
	err := e.content(v)
	e.path = e.path[:len(e.path)-1]
	return err
}

// tooDeep tells a value that contains itself from one that is just deep. Only
// lists and dicts can be changed after they were put somewhere.
func (e *valueEncoder) tooDeep(v starlark.Value) *valueError {
	for _, around := range e.path {
		_, isTuple := around.(starlark.Tuple)
		if !isTuple && v == around {
			return &valueError{message: "contains itself, which can't be data"}
		}
	}
	return &valueError{limit: "nesting", message: fmt.Sprintf("is nested more than %d deep", e.maxDepth)}
}

func (e *valueEncoder) content(v starlark.Value) *valueError {
	switch v := v.(type) {
	case *starlark.List:
		return e.items(v)
	case starlark.Tuple:
		return e.items(v)
	case *starlark.Dict:
		return e.dict(v)
	default:
		return e.fields(v.(*starlarkstruct.Struct))
	}
}

func (e *valueEncoder) items(v starlark.Indexable) *valueError {
	e.out = append(e.out, '[')
	for i := range v.Len() {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := e.encode(v.Index(i)); err != nil {
			return err.below(fmt.Sprintf("[%d]", i))
		}
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *valueEncoder) dict(v *starlark.Dict) *valueError {
	e.out = append(e.out, '{')
	first := true
	for key, value := range v.Entries() {
		name, ok := starlark.AsString(key)
		if !ok {
			return &valueError{message: fmt.Sprintf("has a key of type %s; only strings can be keys of data", key.Type())}
		}
		if err := e.member(first, name, value); err != nil {
			return err
		}
		first = false
	}
	e.out = append(e.out, '}')
	return nil
}

func (e *valueEncoder) fields(v *starlarkstruct.Struct) *valueError {
	e.out = append(e.out, '{')
	for i, name := range v.AttrNames() {
		value, _ := v.Attr(name)
		if err := e.member(i == 0, name, value); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	return nil
}

func (e *valueEncoder) member(first bool, name string, value starlark.Value) *valueError {
	if name == constructedKey {
		return &valueError{message: "has the key " + strconv.Quote(name) + ", which is reserved"}
	}
	if !first {
		e.out = append(e.out, ',')
	}
	e.out = append(appendString(e.out, name), ':')
	if err := e.encode(value); err != nil {
		return err.below("[" + strconv.Quote(clip(name, maxPath)) + "]")
	}
	return nil
}

// Where in a value something is matters as long as one can take it in.
const maxPath = 100

// below puts a step in front of the path.
func (e *valueError) below(step string) *valueError {
	if e.path = step + e.path; len(e.path) > maxPath {
		e.path = strings.ToValidUTF8(e.path[:maxPath], "") + "…"
	}
	return e
}

// constructed is what a builtin of kind value returns: opaque to Starlark.
type constructed struct {
	name string
	data []byte
}

var _ starlark.Value = (*constructed)(nil)

func (c *constructed) String() string        { return "<" + c.name + ">" }
func (c *constructed) Type() string          { return c.name }
func (c *constructed) Freeze()               {}
func (c *constructed) Truth() starlark.Bool  { return true }
func (c *constructed) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable: %s", c.name) }

func constructedData(b *binding) []byte {
	out := append([]byte(nil), `{"`+constructedKey+`":`...)
	out = appendString(out, b.declaration.Name)
	out = append(out, `,"args":`...)
	out = b.appendArguments(out)
	out = append(out, `,"position":{"file":`...)
	out = appendString(out, b.site.at.file)
	out = append(out, `,"line":`...)
	out = strconv.AppendInt(out, int64(b.site.at.line), 10)
	out = append(out, `,"column":`...)
	out = strconv.AppendInt(out, int64(b.site.at.column), 10)
	return append(out, "}}"...)
}
