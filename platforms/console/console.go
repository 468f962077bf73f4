// Package console prints a reply on a terminal. It is the platform of the command
// line: one request, one reply, no settings, no goroutine.
package console

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"liqbot/chat"
)

// Target is the chat of the command line.
var Target = chat.Target{Platform: chat.Console, Chat: "console"}

// Request is a command typed on the command line, in the language of a POSIX
// locale such as "ru_RU.UTF-8" or of a plain tag.
func Request(text, language string) chat.Request {
	return chat.Request{
		ID:           "console",
		Target:       Target,
		Kind:         chat.Private,
		Member:       chat.Member{Platform: chat.Console, ID: "console"},
		Text:         text,
		Addressed:    true,
		LanguageHint: language,
	}
}

// visible drops control characters: on a terminal they are commands.
func visible(r rune) rune {
	if unicode.IsControl(r) && r != '\n' {
		return -1
	}
	return r
}

// Print writes the text of a reply. With bold, bold text is bold on a terminal
// that knows ANSI escapes.
func Print(w io.Writer, r chat.Reply, bold bool) error {
	for _, span := range r.Text {
		text := strings.Map(visible, span.Text)
		if bold && span.Style == chat.Bold {
			text = "\x1b[1m" + text + "\x1b[0m"
		}
		if _, err := io.WriteString(w, text); err != nil {
			return fmt.Errorf("print reply: %w", err)
		}
	}
	if _, err := io.WriteString(w, "\n"+choices(r)); err != nil {
		return fmt.Errorf("print reply: %w", err)
	}
	return nil
}

// choices lists what could be pressed or picked under a reply that is a question: one
// without a picture.
func choices(r chat.Reply) string {
	if r.Picture != nil {
		return ""
	}
	var labels []string
	for _, row := range r.Buttons {
		for _, b := range row {
			labels = append(labels, b.Label)
		}
	}
	var out strings.Builder
	out.WriteString(line(labels))
	for _, m := range r.Menus {
		labels := []string{m.Label + ":"}
		for _, c := range m.Choices {
			labels = append(labels, c.Label)
		}
		out.WriteString(line(labels))
	}
	return out.String()
}

// line sets labels beside each other, empty for none.
func line(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	return "  " + strings.Map(visible, strings.Join(labels, "  ")) + "\n"
}
