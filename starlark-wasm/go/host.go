package main

// The host's two functions. Neither can fail, and neither tells the time.

// tick asks the host whether to go on: 0 yes, 1 time is up, 2 cancelled.
//
//go:wasmimport starlark tick
func tick() int32

// mark tells the host which statement is about to run, so that it can say so
// should this instance die before it can. The file is an index into the order
// in which files were handed in; line 0 means that it is being parsed.
//
//go:wasmimport starlark mark
func mark(file, line, column int32)
