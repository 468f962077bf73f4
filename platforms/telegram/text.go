package telegram

import (
	"html"
	"strings"

	"liqbot/chat"
)

// Limits of the Bot API in UTF-16 units after parsing
// (https://core.telegram.org/bots/api#sendmessage, #sendphoto,
// #answercallbackquery).
const (
	maxText    = 4096
	maxCaption = 1024
	maxToast   = 200
)

// markup writes a text as Telegram's HTML. It is the only place where text is
// escaped (https://core.telegram.org/bots/api#html-style).
func markup(t chat.Text) string {
	var b strings.Builder
	for _, s := range t {
		tag := ""
		switch s.Style {
		case chat.Bold:
			tag = "b"
		case chat.Italic:
			tag = "i"
		case chat.Code:
			tag = "code"
		default:
		}
		if tag == "" || s.Text == "" {
			b.WriteString(html.EscapeString(s.Text))
			continue
		}
		b.WriteString("<" + tag + ">" + html.EscapeString(s.Text) + "</" + tag + ">")
	}
	return b.String()
}

// clean drops what Telegram does not take: broken UTF-8 and control characters.
func clean(t chat.Text) chat.Text {
	out := make(chat.Text, 0, len(t))
	for _, s := range t {
		s.Text = strings.Map(func(r rune) rune {
			if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s.Text, ""))
		out = append(out, s)
	}
	return out
}

func blank(t chat.Text) bool { return strings.TrimSpace(t.String()) == "" }

// cut returns what fits in limit units and the rest, which is empty when all of
// it fits. It cuts at the end of a line, else at a space, else where it has to.
func cut(t chat.Text, limit int) (head, rest chat.Text) {
	s := t.String()
	at := chat.Prefix(s, limit)
	if at == len(s) {
		return t, nil
	}
	if i := strings.LastIndexByte(s[:at+1], '\n'); i > 0 {
		at = i
	} else if i := strings.LastIndexByte(s[:at+1], ' '); i > 0 {
		at = i
	}
	head, rest = splitAt(t, at)
	for len(rest) > 0 {
		rest[0].Text = strings.TrimLeft(rest[0].Text, "\n ")
		if rest[0].Text != "" {
			break
		}
		rest = rest[1:]
	}
	return head, rest
}

// splitAt splits a text at a byte; styles go on in the second part.
func splitAt(t chat.Text, at int) (head, rest chat.Text) {
	for _, s := range t {
		n := min(max(at, 0), len(s.Text))
		at -= len(s.Text)
		if n > 0 {
			a := s
			a.Text = s.Text[:n]
			head = append(head, a)
		}
		if n < len(s.Text) {
			b := s
			b.Text = s.Text[n:]
			rest = append(rest, b)
		}
	}
	return head, rest
}

// split cuts a text into messages.
func split(t chat.Text, limit int) []chat.Text {
	var parts []chat.Text
	for len(t) > 0 {
		var head chat.Text
		if head, t = cut(t, limit); !blank(head) {
			parts = append(parts, head)
		}
	}
	return parts
}
