// Command generate writes the recording that package demo embeds. It is run by
// go generate in the folder of that package.
package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"

	"liqbot/sources/demo/invent"
)

func main() {
	if err := run("demo.jsonl.gz"); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes the file, without a time in its gzip header, so that equal code
// gives equal bytes.
func run(path string) error {
	var text, packed bytes.Buffer
	if err := invent.Write(&text); err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, packed.Bytes(), 0o600)
}
