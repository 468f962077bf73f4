package discord

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"liqbot/chat"
)

// markdown renders text in Discord's dialect, at most limit UTF-16 units. Span
// texts are raw and come out as they are read, whatever they hold.
func markdown(text chat.Text, limit int) string {
	var b writer
	for _, s := range joined(text) {
		rendered := b.render(s)
		if b.units+chat.Units(rendered) <= limit {
			b.write(rendered)
			continue
		}
		b.write(b.shortened(s, limit-b.units))
		break
	}
	return b.text.String()
}

// fits reports whether the whole text keeps to the limit.
func fits(text chat.Text, limit int) bool {
	const all = 1 << 30
	return chat.Units(markdown(text, all)) <= limit
}

// joined makes one span of neighbours in the same style: between two bold spans
// there would be four asterisks.
func joined(text chat.Text) chat.Text {
	var out chat.Text
	for _, s := range text {
		if s.Text == "" {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Style == s.Style && out[n-1].At.IsZero() && s.At.IsZero() {
			out[n-1].Text += s.Text
			continue
		}
		out = append(out, s)
	}
	return out
}

// writer is the text so far.
type writer struct {
	text  strings.Builder
	units int
	last  byte
}

func (w *writer) write(s string) {
	if s == "" {
		return
	}
	w.text.WriteString(s)
	w.units += chat.Units(s)
	w.last = s[len(s)-1]
}

func (w *writer) render(s chat.Span) string {
	if !s.At.IsZero() {
		return fmt.Sprintf("<t:%d:R>", s.At.Unix())
	}
	lineStart := w.last == 0 || w.last == '\n'
	switch s.Style {
	case chat.Bold:
		return w.around("**", s.Text)
	case chat.Italic:
		return w.around("*", s.Text)
	case chat.Code:
		if strings.TrimSpace(s.Text) == "" {
			return s.Text
		}
		return "`" + strings.ReplaceAll(s.Text, "`", "'") + "`"
	default:
		return escape(s.Text, lineStart)
	}
}

// channelMention is the name by which a member picks a channel. It tells nobody, so it may
// stand as it is and is shown as the channel's name.
var channelMention = regexp.MustCompile(`^<#\d{1,20}>$`)

// around puts marks around text, and spaces outside the marks. A zero-width
// space keeps the marks apart from those of the span before.
func (w *writer) around(mark, text string) string {
	inner := strings.TrimSpace(text)
	if inner == "" || channelMention.MatchString(inner) {
		return text
	}
	start := strings.Index(text, inner)
	before, after := text[:start], text[start+len(inner):]
	if before == "" && w.last == '*' {
		before = "\u200b"
	}
	return before + mark + escape(inner, false) + mark + after
}

// shortened renders as much of a span as room allows, with an ellipsis.
func (w *writer) shortened(s chat.Span, room int) string {
	const ellipsis = "…"
	if room < chat.Units(ellipsis) {
		return ""
	}
	if !s.At.IsZero() {
		return ellipsis
	}
	whole := s.Text
	for n := min(len(whole)-1, chat.Prefix(whole, room)); n > 0; n-- { // rendering makes nothing shorter
		if !utf8.RuneStart(whole[n]) {
			continue
		}
		s.Text = whole[:n]
		if rendered := w.render(s); chat.Units(rendered) <= room-chat.Units(ellipsis) {
			return rendered + ellipsis
		}
	}
	return ellipsis
}

// escape puts a backslash before what Discord would read as markup or as a
// mention, and before what begins a heading, quote or list.
// https://support.discord.com/hc/en-us/articles/210298617
func escape(s string, lineStart bool) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune("\\*_~|`<[]@", r), lineStart && strings.ContainsRune("#>-+", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		lineStart = r == '\n' || lineStart && r == ' '
	}
	return b.String()
}

// cut shortens plain text to limit UTF-16 units.
func cut(s string, limit int) string {
	if chat.Units(s) <= limit {
		return s
	}
	return s[:chat.Prefix(s, limit-1)] + "…"
}
