package telegramtest

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf16"
)

// Entity is a formatted part of a text; offset and length count UTF-16 units.
type Entity struct {
	Type           string
	Offset, Length int
}

// tags are the tags that the API takes, with the entity each becomes.
var tags = map[string]string{
	"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
	"s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
	"a": "text_link", "blockquote": "blockquote", "span": "spoiler", "tg-spoiler": "spoiler",
	"tg-emoji": "custom_emoji", "tg-time": "date_time",
}

// understood are the named references that are decoded; others stay as they are.
var understood = []string{"&lt;", "&gt;", "&amp;", "&quot;"}

type openTag struct {
	name   string
	offset int
}

// ParseHTML reads Telegram's HTML: the text that people see, and its formatting.
// The error has the words of the real server.
func ParseHTML(source string) (string, []Entity, error) {
	var text strings.Builder
	var open []openTag
	var entities []Entity
	for i := 0; i < len(source); {
		switch source[i] {
		case '&':
			n := reference(source[i:])
			text.WriteString(decode(source[i : i+n]))
			i += n
		case '<':
			end := strings.IndexByte(source[i:], '>')
			if end < 0 {
				return "", nil, fmt.Errorf("can't parse entities: Unclosed start tag at byte offset %d", i)
			}
			var err error
			if open, entities, err = tag(source[i+1:i+end], i, Units(text.String()), open, entities); err != nil {
				return "", nil, err
			}
			i += end + 1
		default:
			text.WriteByte(source[i])
			i++
		}
	}
	if len(open) > 0 {
		last := open[len(open)-1].name
		return "", nil, fmt.Errorf("can't parse entities: Can't find end tag corresponding to start tag %q", last)
	}
	return text.String(), entities, nil
}

// tag handles what stands between "<" and ">".
func tag(inside string, at, offset int, open []openTag, entities []Entity) ([]openTag, []Entity, error) {
	if name, closing := strings.CutPrefix(inside, "/"); closing {
		if len(open) == 0 {
			return nil, nil, fmt.Errorf("can't parse entities: Unexpected end tag at byte offset %d", at)
		}
		last := open[len(open)-1]
		if !strings.EqualFold(name, last.name) {
			return nil, nil, fmt.Errorf("can't parse entities: Unmatched end tag at byte offset %d, expected \"</%s>\", found \"</%s>\"", at, last.name, name)
		}
		if offset > last.offset {
			entities = append(entities, Entity{tags[last.name], last.offset, offset - last.offset})
		}
		return open[:len(open)-1], entities, nil
	}
	name, attributes, _ := strings.Cut(strings.ToLower(inside), " ")
	if _, ok := tags[name]; !ok || name == "span" && !strings.Contains(attributes, "tg-spoiler") {
		return nil, nil, fmt.Errorf("can't parse entities: Unsupported start tag %q at byte offset %d", name, at)
	}
	return append(open, openTag{name, offset}), entities, nil
}

// reference returns the length of the character reference that s begins with; a
// lone "&" has length 1.
func reference(s string) int {
	end := strings.IndexByte(s, ';')
	if end < 0 || end > 10 {
		return 1
	}
	if ref := s[:end+1]; strings.HasPrefix(ref, "&#") || slices.Contains(understood, ref) {
		return end + 1
	}
	return 1
}

func decode(ref string) string {
	if len(ref) == 1 {
		return ref
	}
	return html.UnescapeString(ref)
}

// Units is the length of a text as Telegram counts it.
func Units(s string) int { return len(utf16.Encode([]rune(s))) }
