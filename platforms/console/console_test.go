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
