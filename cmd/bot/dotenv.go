package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// maxDotenv bounds a .env file, in bytes.
const maxDotenv = 1 << 20

// readDotenv reads a .env file; one that is not there is empty. An error names the
// line and never quotes it: it may hold a secret.
func readDotenv(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil //nolint:nilnil // no file is no keys
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, err)
	case len(content) > maxDotenv:
		return nil, fmt.Errorf("%s: is %d bytes long; want lines of KEY=value", path, len(content))
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff")) // as some editors on Windows write it
	values, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		return nil, fmt.Errorf("%s: line %d cannot be read; want lines of KEY=value, as in .env.example", path, brokenLine(string(content)))
	}
	return values, nil
}

// brokenLine finds the first line up to which the file cannot be read.
func brokenLine(content string) int {
	lines := strings.SplitAfter(content, "\n")
	for n := range lines {
		if _, err := godotenv.Unmarshal(strings.Join(lines[:n+1], "")); err != nil {
			return n + 1
		}
	}
	return len(lines)
}

// keyShape is what names of keys look like.
var keyShape = regexp.MustCompile(`^[A-Za-z][A-Za-z]{0,14}(_[A-Za-z]{1,14}){0,4}$`)

// unknownKeys warns of keys that the bot does not have.
func unknownKeys(values map[string]string, path string) []string {
	var warnings []string
	for name := range values {
		switch {
		case known(name):
		case !keyShape.MatchString(name):
			// It may be a secret in the wrong place.
			warnings = append(warnings, path+": a line is no key of this bot; want lines of KEY=value, as in .env.example")
		default:
			warnings = append(warnings, fmt.Sprintf("%s: %q is no key of this bot; did you mean %s?", path, name, nearestKey(name)))
		}
	}
	slices.Sort(warnings)
	return warnings
}

func known(name string) bool {
	return slices.ContainsFunc(keys, func(k key) bool {
		return k.name == name || (k.secret && k.name+"_FILE" == name)
	})
}
