package chat

import (
	"strings"
	"time"
)

// Style is how a piece of text looks.
type Style uint8

// The styles of text.
const (
	Plain Style = iota
	Bold
	Italic
	// Code is for what people copy or type: a price, a command.
	Code
)

// Span is a piece of text in one style. The text is raw: platforms escape it.
type Span struct {
	Text  string
	Style Style
	// At is set when Text words the age of a moment; a platform that can show
	// running ages may do so instead of printing Text.
	At time.Time
}

// Text is a message: spans in order. Line breaks are "\n" inside spans.
type Text []Span

// String is the text without styles.
func (t Text) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Plainly is a Text of one plain span.
func Plainly(s string) Text { return Text{{Text: s}} }

// Units is the length of a text in UTF-16 code units, by which Telegram and
// Discord count.
func Units(s string) int {
	n := 0
	for _, r := range s {
		n += unitsOf(r)
	}
	return n
}

// Prefix returns how many bytes of s fit in this many UTF-16 code units.
func Prefix(s string, limit int) int {
	n := 0
	for i, r := range s {
		if n += unitsOf(r); n > limit {
			return i
		}
	}
	return len(s)
}

func unitsOf(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}
