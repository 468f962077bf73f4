package locales

import (
	"strings"

	"liqbot/chat"
)

// message is a parsed message: pieces in order.
type message []piece

// piece is literal text, or the name of a placeholder.
type piece struct {
	text        string
	placeholder bool
	style       chat.Style
}

func (l *Language) template(raw string) message {
	if t, ok := l.templates.Load(raw); ok {
		return t.(message)
	}
	t := parse(raw)
	l.templates.Store(raw, t)
	return t
}

// parse splits a message at {placeholders}, *bold* and `code`.
func parse(raw string) message {
	var m message
	var literal strings.Builder
	style := chat.Plain
	flush := func() {
		if literal.Len() > 0 {
			m = append(m, piece{text: literal.String(), style: style})
			literal.Reset()
		}
	}
	toggle := func(s chat.Style) {
		flush()
		if style == s {
			s = chat.Plain
		}
		style = s
	}
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '*':
			toggle(chat.Bold)
		case '`':
			toggle(chat.Code)
		case '{':
			end := strings.IndexByte(raw[i:], '}')
			if end < 0 {
				literal.WriteByte(raw[i])
				continue
			}
			flush()
			m = append(m, piece{text: raw[i+1 : i+end], placeholder: true, style: style})
			i += end
		default:
			literal.WriteByte(raw[i])
		}
	}
	flush()
	return m
}

// text fills the placeholders. Neighbouring pieces of one style become one span.
func (m message) text(args []string) chat.Text {
	out := make(chat.Text, 0, len(m))
	for _, p := range m {
		s := p.text
		if p.placeholder {
			s = lookup(args, p.text)
		}
		if s == "" {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Style == p.style {
			out[n-1].Text += s
			continue
		}
		out = append(out, chat.Span{Text: s, Style: p.style})
	}
	return out
}

func lookup(args []string, name string) string {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return args[i+1]
		}
	}
	return "{" + name + "}"
}
