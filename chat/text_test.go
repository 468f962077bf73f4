package chat_test

import (
	"testing"

	"liqbot/chat"
)

func TestUnitsAndPrefixCountAsThePlatformsDo(t *testing.T) {
	for _, c := range []struct {
		text         string
		units, limit int
		prefix       string
	}{
		{"", 0, 5, ""},
		{"abc", 3, 2, "ab"},
		{"цена", 4, 4, "цена"},
		{"a🔵b", 4, 2, "a"},
		{"a🔵b", 4, 3, "a🔵"},
		{"🇺🇦", 4, 0, ""},
	} {
		if got := chat.Units(c.text); got != c.units {
			t.Errorf("%q has %d units, want %d", c.text, got, c.units)
		}
		if got := c.text[:chat.Prefix(c.text, c.limit)]; got != c.prefix {
			t.Errorf("%q within %d is %q, want %q", c.text, c.limit, got, c.prefix)
		}
	}
}
