package console_test

import (
	"strings"
	"testing"

	"liqbot/chat"
	"liqbot/platforms/console"
)

func TestPrint(t *testing.T) {
	reply := chat.Reply{Text: chat.Text{{Text: "BTC", Style: chat.Bold}, {Text: " at\n"}, {Text: "\x1b[31m$1\a", Style: chat.Code}}}
	for name, c := range map[string]struct {
		bold bool
		want string
	}{
		"plain": {false, "BTC at\n[31m$1\n"},
		"bold":  {true, "\x1b[1mBTC\x1b[0m at\n[31m$1\n"},
	} {
		var out strings.Builder
		if err := console.Print(&out, reply, c.bold); err != nil || out.String() != c.want {
			t.Errorf("%s: %q, %v; want %q", name, out.String(), err, c.want)
		}
	}
}

// What could be pressed or picked is listed; nothing can be, so forms are left out.
func TestPrintChoices(t *testing.T) {
	reply := chat.Reply{
		Text:    chat.Plainly("Settings"),
		Buttons: [][]chat.Button{{{Label: "Back", Data: "b"}}, {{Label: "\x1b[31mMore", Data: "m"}}},
		Menus: []chat.Menu{
			{Data: "w", Label: "Window", Choices: []chat.MenuChoice{{Label: "1 day", Value: "1d"}, {Label: "7 days", Value: "7d", Active: true}}},
			{Data: "c", Label: "Coin", Choices: []chat.MenuChoice{{Label: "BTC", Value: "BTC"}}},
		},
		Form: &chat.Form{Title: "left out"},
	}
	var out strings.Builder
	want := "Settings\n  Back  [31mMore\n  Window:  1 day  7 days\n  Coin:  BTC\n"
	if err := console.Print(&out, reply, false); err != nil || out.String() != want {
		t.Errorf("%q, %v; want %q", out.String(), err, want)
	}
	reply.Picture = &chat.Picture{}
	out.Reset()
	if err := console.Print(&out, reply, false); err != nil || out.String() != "Settings\n" {
		t.Errorf("with a picture: %q, %v", out.String(), err)
	}
}
