package discord_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
)

func TestMarkdown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		text chat.Text
		want string
	}{
		{"styles", chat.Text{{Text: "a "}, {Text: "b", Style: chat.Bold}, {Text: " c ", Style: chat.Italic}, {Text: "/liq btc", Style: chat.Code}}, "a **b** *c* `/liq btc`"},
		{"bold then italic", chat.Text{{Text: "a", Style: chat.Bold}, {Text: "b", Style: chat.Italic}}, "**a**\u200b*b*"},
		{"bold twice", chat.Text{{Text: "a", Style: chat.Bold}, {Text: "b", Style: chat.Bold}}, "**ab**"},
		{"moment", chat.Text{{Text: "As of "}, {Text: "12 seconds ago", At: time.Unix(1790000000, 0)}}, "As of <t:1790000000:R>"},
		{"markup in the text", chat.Plainly(`*a* _b_ ~c~ |d| ` + "`e`" + ` [f](g) \`), `\*a\* \_b\_ \~c\~ \|d\| ` + "\\`e\\`" + ` \[f\](g) \\`},
		{"mentions", chat.Plainly("@everyone <@&1> <#2> <t:0>"), `\@everyone \<\@&1> \<#2> \<t:0>`},
		{"line starts", chat.Plainly("# a\n - b\n> c\n1 - 2 > 0 # d"), "\\# a\n \\- b\n\\> c\n1 - 2 > 0 # d"},
		{"backtick in code", chat.Text{{Text: "a`b", Style: chat.Code}}, "`a'b`"},
		{"empty styles", chat.Text{{Text: " ", Style: chat.Bold}, {Text: "", Style: chat.Code}, {Text: "x"}}, " x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, discord.Markdown(tt.text, 2000)); diff != "" {
				t.Errorf("markdown (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLongTextIsCut(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		long := strings.Repeat("清*🧪 ", 3000)
		reply := chat.Reply{Text: chat.Text{{Text: "start "}, {Text: long, Style: chat.Bold}, {Text: "end"}}}
		if strings.Contains(r.Text, "btc") {
			reply.Picture = &chat.Picture{PNG: png, Name: "../../x y.png", Alt: strings.Repeat("я", 2000)}
		}
		for range 7 {
			reply.Buttons = append(reply.Buttons, []chat.Button{
				{Label: long, Data: "same"},
				{Label: "b", Data: "same"},
				{Label: "c", Data: "same"},
				{Label: "", Data: "x"},
				{Label: "d", Data: ""},
				{Label: "e", Data: "same"},
				{Label: "f", Data: "g"},
				{Label: "h", Data: "i"},
			})
		}
		return reply
	})
	for _, coin := range []string{"btc", "eth"} {
		m := w.Slash(discordtest.Guild(), "liq", discordtest.Value{Name: "coin", Value: coin}).Reply()
		if text := m.Text(); !strings.HasPrefix(text, "start **清") || !strings.HasSuffix(text, "**…") {
			t.Errorf("%s: got %q...", coin, text[:40])
		}
		if n := len(m.Buttons); n != 5 {
			t.Errorf("%s: got %d rows of buttons, want 5", coin, n)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add("plain *bold*", "@everyone", uint8(1), 40)
	f.Add("`code`\n# x", "清🧪", uint8(3), 5)
	f.Fuzz(func(t *testing.T, a, b string, style uint8, limit int) {
		limit = max(1, limit%5000)
		text := chat.Text{{Text: a}, {Text: b, Style: chat.Style(style % 4)}, {Text: a, Style: chat.Bold}}
		got := discord.Markdown(text, limit)
		if n := len(utf16.Encode([]rune(got))); n > limit {
			t.Fatalf("got %d units, limit %d", n, limit)
		}
		if style%4 == 0 && strings.Contains(strings.ReplaceAll(got, `\@`, ""), "@") {
			t.Fatalf("an unescaped mention in %q", got)
		}
	})
}
