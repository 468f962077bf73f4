package main

import (
	"bytes"
	"image/png"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// checkPNG is the script command "png FILE WIDTH HEIGHT".
func checkPNG(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: png FILE WIDTH HEIGHT")
	}
	picture, err := png.Decode(bytes.NewReader([]byte(ts.ReadFile(args[0]))))
	ts.Check(err)
	for i, got := range []int{picture.Bounds().Dx(), picture.Bounds().Dy()} {
		if want, err := strconv.Atoi(args[i+1]); err != nil || got != want {
			ts.Fatalf("%s is %v, want %sx%s", args[0], picture.Bounds().Max, args[1], args[2])
		}
	}
}

// waitFile is the script command "waitfile FILE": it waits until the file has
// content.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfile FILE")
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if info, err := os.Stat(ts.MkAbs(args[0])); err == nil && info.Size() > 0 {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	ts.Fatalf("%s does not come", args[0])
}

// damage is the script command "damage FILE": it flips bytes here and there.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage FILE")
	}
	content := []byte(ts.ReadFile(args[0]))
	for i := 8192; i < len(content); i += 7 {
		content[i] ^= 0xff
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o600))
}

// swapBytes is the script command "swapbytes FILE OLD NEW": it puts bytes, written as in a
// Go string, in the place of as many others, everywhere.
func swapBytes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: swapbytes FILE OLD NEW")
	}
	var parts [2]string
	for i, quoted := range args[1:] {
		var err error
		parts[i], err = strconv.Unquote(`"` + quoted + `"`)
		ts.Check(err)
	}
	content := ts.ReadFile(args[0])
	if !strings.Contains(content, parts[0]) || len(parts[0]) != len(parts[1]) {
		ts.Fatalf("%s has no %q, or that is not as long as %q", args[0], parts[0], parts[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(content, parts[0], parts[1])), 0o600))
}
