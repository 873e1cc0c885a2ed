package main

import (
	"runtime/debug"

	"go.starlark.net/lib/json"
	"go.starlark.net/lib/math"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// Config is what many evaluations share. The host fills in every default.
type Config struct {
	Builtins []*Declaration `json:"builtins"`
	Dialect  Dialect        `json:"dialect"`
	Loads    LoadRules      `json:"loads"`
	Limits   Limits         `json:"limits"`
	Globals  bool           `json:"globals"`

	options     *syntax.FileOptions
	predeclared starlark.StringDict
}

// Declaration is a builtin as the host declares it.
type Declaration struct {
	Name       string      `json:"name"`
	Parameters []Parameter `json:"parameters"`
	Value      bool        `json:"value"`
	Lenient    bool        `json:"lenient"`
	EntryOnly  bool        `json:"entryOnly"`

	index  int
	places map[string]int
}

// Parameter is one parameter of a Declaration.
type Parameter struct {
	Name        string `json:"name"`
	Required    bool   `json:"required"`
	KeywordOnly bool   `json:"keywordOnly"`
}

// Dialect switches parts of the language on.
type Dialect struct {
	Recursion       bool `json:"recursion"`
	While           bool `json:"while"`
	TopLevelControl bool `json:"topLevelControl"`
	Sets            bool `json:"sets"`
	GlobalReassign  bool `json:"globalReassign"`
	Struct          bool `json:"struct"`
	JSON            bool `json:"json"`
	Math            bool `json:"math"`
}

// Limits bound one evaluation. Memory, and time that runs out within one step, are the host's to enforce.
type Limits struct {
	TimeMs      int    `json:"timeMs"`
	Steps       uint64 `json:"steps"`
	OutputBytes int    `json:"outputBytes"`
	InputBytes  int    `json:"inputBytes"`
	LoadDepth   int    `json:"loadDepth"`
	ValueDepth  int    `json:"valueDepth"`
	MemoryBytes int64  `json:"memoryBytes"`
}

// prepared computes what every evaluation needs, once.
func (c *Config) prepared() *Config {
	c.options = &syntax.FileOptions{
		Recursion:       c.Dialect.Recursion,
		While:           c.Dialect.While,
		TopLevelControl: c.Dialect.TopLevelControl,
		Set:             c.Dialect.Sets,
		GlobalReassign:  c.Dialect.GlobalReassign,
	}
	c.predeclared = c.extras()
	c.predeclared[markName] = starlark.NewBuiltin(markName, markStatement)
	for i, d := range c.Builtins {
		d.index = i
		d.places = make(map[string]int, len(d.Parameters))
		for place, p := range d.Parameters {
			d.places[p.Name] = place
		}
		c.predeclared[d.Name] = starlark.NewBuiltin(d.Name, d.call)
	}
	// The collector works harder before the hard limit is near, since reaching it is fatal.
	debug.SetMemoryLimit(c.Limits.MemoryBytes * 3 / 4)
	return c
}

func (c *Config) extras() starlark.StringDict {
	extras := starlark.StringDict{}
	if c.Dialect.Struct {
		extras["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	}
	if c.Dialect.JSON {
		extras["json"] = json.Module
	}
	if c.Dialect.Math {
		extras["math"] = math.Module
	}
	return extras
}
