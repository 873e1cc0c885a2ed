package main

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"go.starlark.net/resolve"
)

// Results gathers what goes back to the host. The JSON is terse, since there
// may be very many calls: files and parameters are numbers; ../src/wire.ts
// describes it and makes it readable.
type Results struct {
	calls, prints, globals []byte
	limit                  int
}

// room is how many bytes may still be added.
func (r *Results) room() int { return r.limit - len(r.calls) - len(r.prints) - len(r.globals) }

func (r *Results) checkRoom(at Place) error {
	if r.room() >= 0 {
		return nil
	}
	return limitAt(at, "output", fmt.Sprintf("the output is larger than %d bytes", r.limit))
}

// addCall appends [builtin, args, place, argument places, module, frames, problems].
func (r *Results) addCall(b *binding) error {
	s, out := b.session, separated(r.calls)
	out = append(out, '[')
	out = strconv.AppendInt(out, int64(b.declaration.index), 10)
	out = b.appendArguments(append(out, ','))
	out = s.appendPlace(append(out, ','), b.site.at)
	out = b.appendPlaces(append(out, ','))
	out = append(out, ',')
	out = strconv.AppendInt(out, int64(s.module.index), 10)
	out = s.appendFrames(append(out, ','), b.site.stack)
	out = b.appendProblems(append(out, ','))
	r.calls = append(out, ']')
	return r.checkRoom(b.site.at)
}

func (r *Results) addPrint(s *Session, message string, at Place) error {
	if len(message) > r.room() {
		return limitAt(at, "output", fmt.Sprintf("the output is larger than %d bytes", r.limit))
	}
	out := append(separated(r.prints), '[')
	out = append(appendString(out, message), ',')
	r.prints = append(s.appendPlace(out, at), ']')
	return r.checkRoom(at)
}

// addGlobals keeps the file's own names that are data and don't begin with an underscore.
func (r *Results) addGlobals(s *Session, f *File) error {
	for _, binding := range f.syntax.Module.(*resolve.Module).Globals {
		name := binding.First.Name
		value, ok := f.globals[name]
		if !ok || name[0] == '_' {
			continue
		}
		encoder := &valueEncoder{maxDepth: s.config.Limits.ValueDepth, maxBytes: r.room()}
		if err := encoder.encode(value); err != nil {
			if err.limit != "" {
				return limitAt(placeOf(binding.First.NamePos), err.limit, name+err.path+" "+err.message)
			}
			continue
		}
		r.globals = append(appendString(separated(r.globals), name), ':')
		r.globals = append(r.globals, encoder.out...)
		if err := r.checkRoom(placeOf(binding.First.NamePos)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) render() []byte {
	r := s.out
	out := make([]byte, 0, len(r.calls)+len(r.prints)+len(r.globals)+256)
	out = append(append(append(out, `{"calls":[`...), r.calls...), `],"prints":[`...)
	out = append(append(append(out, r.prints...), `],"globals":{`...), r.globals...)
	out = append(out, `},"errors":[`...)
	for i, failure := range s.errors[:min(len(s.errors), maxStaticFailures)] {
		if i > 0 {
			out = append(out, ',')
		}
		out = s.appendFailure(out, failure)
	}
	out = append(out, `],"steps":`...)
	steps := uint64(0)
	if s.thread != nil {
		steps = s.thread.Steps
	}
	return append(strconv.AppendUint(out, steps, 10), '}')
}

// appendFailure writes [kind, limit, message, suggestion, place, frames]; the
// file is spelled out, since it may be one that was never handed in.
func (s *Session) appendFailure(out []byte, f *Failure) []byte {
	out = append(out, '[')
	for _, text := range []string{f.kind, f.limit, clip(f.message, maxMessage), f.suggestion, f.at.file} {
		out = append(appendString(out, text), ',')
	}
	out = append(strconv.AppendInt(out, int64(f.at.line), 10), ',')
	out = append(strconv.AppendInt(out, int64(f.at.column), 10), ',')
	return append(s.appendFrames(out, f.stack), ']')
}

func (b *binding) appendArguments(out []byte) []byte {
	out = append(out, '{')
	for i, a := range b.arguments {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, b.declaration.Parameters[a.place].Name), ':')
		out = append(out, a.value...)
	}
	return append(out, '}')
}

// appendPlaces writes [parameter, line, column, …] of the arguments whose place is known.
func (b *binding) appendPlaces(out []byte) []byte {
	out = append(out, '[')
	first := true
	for _, a := range b.arguments {
		if a.at.line == 0 {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = appendNumbers(out, int32(a.place), a.at.line, a.at.column)
	}
	return append(out, ']')
}

func (b *binding) appendProblems(out []byte) []byte {
	out = append(out, '[')
	for i, p := range b.problems {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '[')
		for _, text := range []string{p.kind, p.name, p.message, p.suggestion} {
			out = append(appendString(out, text), ',')
		}
		out = append(b.session.appendPlace(out, p.at), ']')
	}
	return append(out, ']')
}

// A stack can be 100,000 frames deep; its two ends say what there is to say.
const framesKept = 50

// appendFrames writes [name, file, line, column, …].
func (s *Session) appendFrames(out []byte, stack []Frame) []byte {
	if len(stack) > 2*framesKept {
		stack = append(stack[:framesKept:framesKept], stack[len(stack)-framesKept:]...)
	}
	out = append(out, '[')
	for i, frame := range stack {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, frame.name), ',')
		out = s.appendPlace(out, frame.Place)
	}
	return append(out, ']')
}

// appendPlace writes file,line,column without brackets.
func (s *Session) appendPlace(out []byte, at Place) []byte {
	index := int32(-1)
	if f := s.byPath[at.file]; f != nil {
		index = f.index
	}
	return appendNumbers(out, index, at.line, at.column)
}

func appendNumbers(out []byte, numbers ...int32) []byte {
	for i, n := range numbers {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, int64(n), 10)
	}
	return out
}

func separated(out []byte) []byte {
	if len(out) > 0 {
		return append(out, ',')
	}
	return out
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string. Starlark strings need not be UTF-8; what is not becomes U+FFFD.
func appendString(out []byte, text string) []byte {
	out = append(out, '"')
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
			i++
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			i++
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			r, size := utf8.DecodeRuneInString(text[i:])
			out = utf8.AppendRune(out, r)
			i += size
		}
	}
	return append(out, '"')
}
