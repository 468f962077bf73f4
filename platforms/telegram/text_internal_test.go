package telegram

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-telegram/bot/models"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
)

// The cutting has no door of its own; through the server only few shapes come by.
func TestCut(t *testing.T) {
	bold := func(s string) chat.Span { return chat.Span{Text: s, Style: chat.Bold} }
	tests := map[string]struct {
		text       chat.Text
		limit      int
		head, rest chat.Text
	}{
		"fits":            {chat.Plainly("abc"), 3, chat.Plainly("abc"), nil},
		"line end":        {chat.Plainly("ab\ncd ef"), 6, chat.Plainly("ab"), chat.Plainly("cd ef")},
		"line end at it":  {chat.Plainly("abc\ndef"), 3, chat.Plainly("abc"), chat.Plainly("def")},
		"space":           {chat.Plainly("ab cd"), 4, chat.Plainly("ab"), chat.Plainly("cd")},
		"nothing to cut":  {chat.Plainly("abcdef"), 4, chat.Plainly("abcd"), chat.Plainly("ef")},
		"surrogate pair":  {chat.Plainly("a🚀b"), 2, chat.Plainly("a"), chat.Plainly("🚀b")},
		"inside a style":  {chat.Text{{Text: "x"}, bold("ab\ncd")}, 4, chat.Text{{Text: "x"}, bold("ab")}, chat.Text{bold("cd")}},
		"between styles":  {chat.Text{bold("ab\n"), {Text: "cd"}}, 3, chat.Text{bold("ab")}, chat.Text{{Text: "cd"}}},
		"trailing blanks": {chat.Plainly("ab\n\n\n"), 2, chat.Plainly("ab"), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			head, rest := cut(tt.text, tt.limit)
			if diff := cmp.Diff([]chat.Text{tt.head, tt.rest}, []chat.Text{head, rest}, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("cut (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("a <b> & \"c\"\n🚀", "second\nline", 5)
	f.Add("\n\n\n", " ", 2)
	f.Fuzz(func(t *testing.T, a, b string, limit int) {
		limit = 2 + (limit&0xff)%100
		text := clean(chat.Text{{Text: a, Style: chat.Bold}, {Text: b}})
		kept := ""
		for _, part := range split(text, limit) {
			plain, _, err := telegramtest.ParseHTML(markup(part))
			if err != nil {
				t.Fatalf("markup is not taken: %v", err)
			}
			if plain != part.String() || !utf8.ValidString(plain) || chat.Units(plain) > limit {
				t.Fatalf("part %q became %q, limit %d", part, plain, limit)
			}
			kept += plain
		}
		without := strings.NewReplacer(" ", "", "\n", "", "\t", "")
		if squeeze(without.Replace(kept)) != squeeze(without.Replace(text.String())) {
			t.Fatalf("kept %q of %q", kept, text)
		}
	})
}

// squeeze drops all space, since blank parts are not sent.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func FuzzCutCommand(f *testing.F) {
	f.Add("/liq@bot btc", 8)
	f.Add("/🚀", 2)
	f.Fuzz(func(t *testing.T, text string, length int) {
		name, rest, ok := cutCommand(text, []models.MessageEntity{{Type: models.MessageEntityTypeBotCommand, Length: length}})
		if ok && (name+rest != text || name == "" || name[0] != '/') {
			t.Fatalf("%q became %q and %q", text, name, rest)
		}
	})
}
