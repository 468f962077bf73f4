package telegram

import (
	"strconv"
	"strings"
	"testing"
)

// What is asked of Telegram is a public name or the id of a channel, whatever is
// typed.
func FuzzPlaceName(f *testing.F) {
	for _, s := range []string{"@name", "https://t.me/name", "T.me/name/", "-1001234567890", "t.me/+invite", "@1", "-100", "t.me/c/1/2", "https://t.me/name?x=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		switch name := placeName(typed).(type) {
		case nil:
		case string:
			if rest, ok := strings.CutPrefix(name, "@"); !ok || !usernameShape.MatchString(rest) || !strings.Contains(typed, rest) {
				t.Errorf("%q became %q", typed, name)
			}
		case int64:
			if name >= 0 || strconv.FormatInt(name, 10) != strings.TrimSpace(typed) {
				t.Errorf("%q became %d", typed, name)
			}
		default:
			t.Errorf("%q became %T", typed, name)
		}
	})
}
