// Package demo is an invented market that plays in a loop: a recording, embedded
// in the binary and played by package recorded like any other. What it holds is
// told by package invent and written by go generate. It starts no goroutine.
package demo

import (
	"bytes"
	_ "embed"
	"io"

	"liqbot/sources/recorded"
)

//go:generate go run ./generate

//go:embed demo.jsonl.gz
var recording []byte

// New plays the demo from its beginning. Path, Open and Name of the options are
// the demo's own; the rest is as in recorded.New.
func New(o recorded.Options) (*recorded.Source, error) {
	o.Path, o.Name = "", ""
	o.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(recording)), nil }
	return recorded.New(o)
}
