package telegramtest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/platforms/telegram/telegramtest"
)

func TestParseHTML(t *testing.T) {
	type entities = []telegramtest.Entity
	tests := map[string]struct {
		source, text string
		entities     entities
		err          string
	}{
		"plain":            {source: "a & b", text: "a & b"},
		"escapes":          {source: "&lt;b&gt; &amp; &#34;&#39;&quot;", text: `<b> & "'"`},
		"unknown name":     {source: "a&nbsp;b&apos;", text: "a&nbsp;b&apos;"},
		"nested":           {source: "🚀<b>x<i>y</i></b>", text: "🚀xy", entities: entities{{Type: "italic", Offset: 3, Length: 1}, {Type: "bold", Offset: 2, Length: 2}}},
		"link":             {source: `<a href="https://x">l</a>`, text: "l", entities: entities{{Type: "text_link", Length: 1}}},
		"unsupported":      {source: "a<br>b", err: "Unsupported start tag \"br\" at byte offset 1"},
		"span, no class":   {source: "<span>b</span>", err: "Unsupported start tag"},
		"not closed":       {source: "<b>x", err: "Can't find end tag"},
		"crossed":          {source: "<b><i>x</b></i>", err: "Unmatched end tag"},
		"closed only":      {source: "x</b>", err: "Unexpected end tag"},
		"lone less-than":   {source: "1 < 2", err: "Unclosed start tag"},
		"empty is nothing": {source: "<b></b>", text: ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text, got, err := telegramtest.ParseHTML(tt.source)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("err = %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || text != tt.text {
				t.Errorf("ParseHTML = %q, %v, want %q", text, err, tt.text)
			}
			if diff := cmp.Diff(tt.entities, got); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
		})
	}
}
