// Command starlark-wasm is go.starlark.net as a WebAssembly reactor: the host
// configures it, hands in an entry file and whatever the loads ask for, and
// runs it; everything goes over one input and one output buffer. The host side
// is ../src/machine.ts, which is also where the exchange is described.
package main

import (
	"encoding/json"
	"unsafe"
)

// The buffers are globals so that the collector keeps what the host points at.
var (
	input   []byte
	output  []byte
	config  *Config
	session *Session
)

func main() {}

// buffer makes room for size bytes of input and returns their address.
//
//go:wasmexport buffer
func buffer(size int32) unsafe.Pointer {
	if int(size) > cap(input) {
		input = make([]byte, size)
	}
	input = input[:size]
	return unsafe.Pointer(unsafe.SliceData(input))
}

// outputAt returns the address of what the last call left in the output buffer.
//
//go:wasmexport output
func outputAt() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(output)) }

// configure takes a Config as JSON from the input; it stays for all evaluations to come.
// Returns 0, or -1 with a message in the output (its length is -result-1).
//
//go:wasmexport configure
func configure() int32 {
	next := new(Config)
	if err := json.Unmarshal(input, next); err != nil {
		output = []byte(err.Error())
		return -int32(len(output)) - 1
	}
	config = next.prepared()
	return 0
}

// begin starts an evaluation of the entry whose path is the input. Returns the
// length of the list of wanted paths (NUL between them) in the output.
//
//go:wasmexport begin
func begin() int32 {
	session = newSession(config, string(input))
	return reply(session.wanted())
}

// provide hands in one wanted file, the next one in the order of asking: its text is the input.
//
//go:wasmexport provide
func provide() { session.provide(string(input)) }

// absent says that the next wanted file does not exist.
//
//go:wasmexport absent
func absent() { session.absent() }

// wanted is to be called when all wanted files were handed in or declared
// absent; it returns as begin does. An empty list means: run.
//
//go:wasmexport wanted
func wanted() int32 { return reply(session.wanted()) }

// run evaluates, and returns the length of the result (JSON) in the output.
//
//go:wasmexport run
func run() int32 {
	result := session.run()
	session = nil
	return reply(result)
}

func reply(data []byte) int32 {
	output = data
	return int32(len(data))
}
