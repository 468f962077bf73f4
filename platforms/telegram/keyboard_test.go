package telegram_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
)

// choices are those of a menu: the values, with a star at the active one.
func choices(values ...string) []chat.MenuChoice {
	var out []chat.MenuChoice
	for _, v := range values {
		v, active := strings.CutSuffix(v, "*")
		out = append(out, chat.MenuChoice{Label: v, Value: v, Active: active})
	}
	return out
}

func TestMenusAreButtons(t *testing.T) {
	button := [][]chat.Button{{{Label: "Back", Data: "back"}}}
	long := strings.Repeat("n", 12)
	var many []string
	for i := range 25 {
		many = append(many, fmt.Sprint(i))
	}
	tests := map[string]struct {
		buttons [][]chat.Button
		menus   []chat.Menu
		want    []string // rows: labels and data
	}{
		"three in a row":        {nil, []chat.Menu{{Data: "w", Choices: choices("1d", "7d*", "30d")}}, []string{"1d=w|1d, • 7d •=w|7d, 30d=w|30d"}},
		"even rows":             {nil, []chat.Menu{{Data: "w", Choices: choices("a", "b", "c", "d")}}, []string{"a=w|a, b=w|b", "c=w|c, d=w|d"}},
		"longer, two in a row":  {nil, []chat.Menu{{Data: "w", Choices: choices("a", long, "c", "d")}}, []string{"a=w|a, " + long + "=w|" + long, "c=w|c, d=w|d"}},
		"long, one in a row":    {nil, []chat.Menu{{Data: "w", Choices: []chat.MenuChoice{{Label: strings.Repeat("ц", 21), Value: "a"}, {Label: "b", Value: "b"}}}}, []string{strings.Repeat("ц", 21) + "=w|a", "b=w|b"}},
		"below the buttons":     {button, []chat.Menu{{Data: "w", Choices: choices("a")}, {Data: "x", Choices: choices("a")}}, []string{"Back=back", "a=w|a", "a=x|a"}},
		"too long, empty":       {button, []chat.Menu{{Data: "w", Choices: choices("", strings.Repeat("v", 63), "b")}, {Data: "x"}}, []string{"Back=back", "b=w|b"}},
		"more than fit in all":  {nil, []chat.Menu{{Data: "a", Choices: choices(many...)}, {Data: "b", Choices: choices(many...)}, {Data: "c", Choices: choices(many...)}, {Data: "d", Choices: choices(many...)}, {Data: "e", Choices: choices("no")}}, nil},
		"nothing but a picture": {nil, nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := begin(t, always(chat.Reply{Text: chat.Plainly("x"), Buttons: tt.buttons, Menus: tt.menus}))
			h.PrivateText(ann, "/x")
			var got []string
			n := 0
			for _, row := range h.messages(ann, 1)[0].Buttons {
				var line []string
				for _, b := range row {
					line = append(line, b.Text+"="+b.Data)
					n++
				}
				got = append(got, strings.Join(line, ", "))
			}
			if len(tt.menus) == 5 && n == 100 {
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

// A pick is a press of Data and the value; the menu stays with the picture.
func TestPickFromAMenu(t *testing.T) {
	t.Parallel()
	h := begin(t, func(_ context.Context, r chat.Request) chat.Reply {
		return chat.Reply{
			Text: chat.Plainly("now " + r.Press), Edit: true, Picture: picture(t, "k"),
			Menus: []chat.Menu{{Data: "v1|w", Label: "Window", Choices: choices("1d", "7d")}},
		}
	})
	h.PrivateText(ann, "/liq")
	m := h.messages(ann, 1)[0]
	h.Press(ann, m, m.Buttons[0][1].Data)
	h.WaitFor("edit", func() bool { return h.Messages(ann)[0].Text == "now v1|w|7d" })
	if got := h.Messages(ann)[0].Buttons; len(got) != 1 || len(got[0]) != 2 {
		t.Errorf("buttons = %v", got)
	}
}

// Telegram has no forms: the text says what to type.
func TestFormIsLeftOut(t *testing.T) {
	t.Parallel()
	form := &chat.Form{Title: "t", Command: "/x", Fields: []chat.Field{{Name: "a", Label: "A"}}}
	h := begin(t, always(chat.Reply{Text: chat.Plainly("type it"), Form: form}))
	h.PrivateText(ann, "/liq")
	h.Press(ann, h.messages(ann, 1)[0], "d")
	if got := h.messages(ann, 2)[1]; got.Text != "type it" {
		t.Errorf("message = %+v", got)
	}
}
