package telemetry

import (
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"liqbot/secret"
)

const (
	redacted = "[redacted]"
	// minSecret is the shortest value looked for, in bytes. Anything shorter is no
	// token, and replacing it would tear holes into innocent words.
	minSecret = 6
)

// Redactor replaces secret values in text, also where they are escaped as in a
// URL, a Go string or JSON. It is the second line of defence: the first is that
// nobody reveals a secret.Secret to a log. It is immutable and safe for
// concurrent use.
type Redactor struct{ replacer *strings.Replacer }

// NewRedactor looks for these secrets. Unset ones, and values of fewer than six
// bytes, are left out.
func NewRedactor(secrets ...secret.Secret) *Redactor {
	var all []string
	for _, s := range secrets {
		if len(s.Reveal()) >= minSecret {
			all = append(all, spellings(s.Reveal())...)
		}
	}
	// The longest goes first, so that a secret that begins with another one does
	// not leave its tail behind.
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	var pairs []string
	for _, form := range slices.Compact(all) {
		pairs = append(pairs, form, redacted)
	}
	return &Redactor{replacer: strings.NewReplacer(pairs...)}
}

// String returns s without secrets.
func (r *Redactor) String(s string) string { return r.replacer.Replace(s) }

// Writer returns a writer that redacts what goes through it. A secret is found
// within one call of Write, not across two; slog and fmt write a line at once.
func (r *Redactor) Writer(w io.Writer) io.Writer { return &redactingWriter{redactor: r, next: w} }

type redactingWriter struct {
	redactor *Redactor
	next     io.Writer
}

func (w *redactingWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.next, w.redactor.String(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// spellings returns the ways in which a value may stand in output: raw, escaped
// for a URL, and each of these inside one or two layers of quotes, as in an
// error that quotes a URL and is then quoted by the log handler.
func spellings(value string) []string {
	forms := []string{value}
	for _, escaped := range []string{url.QueryEscape(value), url.PathEscape(value)} {
		forms = append(forms, escaped, lowerHex(escaped))
	}
	for range 2 {
		for _, f := range slices.Clone(forms) {
			forms = append(forms, inQuotes(f), inJSON(f))
		}
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

var escapedByte = regexp.MustCompile(`%[0-9A-F]{2}`)

// lowerHex writes %3A as %3a, which is the same URL.
func lowerHex(s string) string { return escapedByte.ReplaceAllStringFunc(s, strings.ToLower) }

func inQuotes(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

func inJSON(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(quoted[1 : len(quoted)-1])
}
