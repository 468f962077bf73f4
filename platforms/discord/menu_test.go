package discord_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/discord/discordtest"
)

// choices are those of a menu: the values, with a star at the active ones.
func choices(values ...string) []chat.MenuChoice {
	var out []chat.MenuChoice
	for _, v := range values {
		v, active := strings.CutSuffix(v, "*")
		out = append(out, chat.MenuChoice{Label: "pick " + v, Value: v, Active: active})
	}
	return out
}

func TestPickFromAMenu(t *testing.T) {
	t.Parallel()
	asked := make(chan chat.Request, 2)
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		asked <- r
		reply := picture("now " + r.Press)
		reply.Edit = r.Press != ""
		reply.Menus = []chat.Menu{{Data: "v1|w", Label: "Window", Choices: choices("1d", "7d*")}}
		return reply
	})
	m := w.Slash(discordtest.Guild(), "liq").Reply()
	want := []discordtest.Menu{{CustomID: "v1|w", Placeholder: "Window", Options: []discordtest.Pick{
		{Label: "pick 1d", Value: "1d"}, {Label: "pick 7d", Value: "7d", Default: true},
	}}}
	if diff := cmp.Diff(want, m.Menus); diff != "" || len(m.Buttons) != 2 {
		t.Errorf("%d rows of buttons, menus (-want +got):\n%s", len(m.Buttons), diff)
	}
	<-asked
	from := discordtest.Guild()
	from.User, from.Permissions = "77", discordtest.ManageGuild
	edited := w.Select(from, m, "Window", "1d").Reply()
	r := <-asked
	if r.Press != "v1|w|1d" || r.Text != "" || r.Member.ID != "77" {
		t.Errorf("request %+v, want the press v1|w|1d of 77", r)
	}
	if admin, err := r.IsAdmin(t.Context()); !admin || err != nil {
		t.Errorf("IsAdmin: %t, %v, want the rights of the one who picks", admin, err)
	}
	if edited.ID != m.ID || !strings.Contains(edited.Text(), "now v1") || len(edited.Menus) != 1 {
		t.Errorf("edited %+v", edited)
	}
}

// Whatever a reply holds, the message is one that Discord takes.
func TestMenusThatDoNotFit(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprint(i))
	}
	button := func(n int) []chat.Button {
		return []chat.Button{{Label: "b", Data: fmt.Sprint("b", n)}, {Label: "c", Data: fmt.Sprint("c", n)}}
	}
	five := func(data string) (out []chat.Menu) {
		for n := range 6 {
			out = append(out, chat.Menu{Data: fmt.Sprint(data, n), Choices: choices("a")})
		}
		return out
	}
	rows := [][]chat.Button{button(1), button(2), button(3), button(4), button(5), button(6)}
	tests := map[string]struct {
		reply                  chat.Reply
		rows, buttons          int
		menus, picks, defaults int
	}{
		"too many choices":  {chat.Reply{Menus: []chat.Menu{{Data: "m", Choices: choices(many...)}}}, 0, 0, 1, 25, 0},
		"two are active":    {chat.Reply{Menus: []chat.Menu{{Data: "m", Choices: choices("a*", "b*")}}}, 0, 0, 1, 2, 1},
		"the same twice":    {chat.Reply{Menus: []chat.Menu{{Data: "m", Choices: choices("a", "a", "b")}, {Data: "m", Choices: choices("c")}}}, 0, 0, 1, 2, 0},
		"empty":             {chat.Reply{Menus: []chat.Menu{{Data: "m"}, {Data: "", Choices: choices("a")}, {Data: "n", Choices: []chat.MenuChoice{{Label: " ", Value: "x"}, {Label: "x"}}}}}, 0, 0, 0, 0, 0},
		"long":              {chat.Reply{Menus: []chat.Menu{{Data: "m", Label: strings.Repeat("й", 200), Choices: []chat.MenuChoice{{Label: strings.Repeat("й", 200), Value: "x"}, {Label: "y", Value: strings.Repeat("y", 63)}, {Label: "z", Value: "ж"}}}}}, 0, 0, 1, 1, 0},
		"six menus":         {chat.Reply{Menus: five("m"), Buttons: rows}, 0, 0, 5, 5, 0},
		"rows are filled":   {chat.Reply{Menus: five("m")[:2], Buttons: rows}, 3, 12, 2, 2, 0},
		"rows stay":         {chat.Reply{Menus: five("m")[:2], Buttons: rows[:3]}, 3, 6, 2, 2, 0},
		"last are left out": {chat.Reply{Menus: five("m")[:4], Buttons: rows}, 1, 5, 4, 4, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, w := idle(t, discordtest.New(t))
			tt.reply.Text = chat.Plainly("x")
			wantOutcome(t, a.Send(t.Context(), postTo("5", "event", tt.reply)), posted)
			m := w.Messages("5")[0]
			buttons, picks, defaults := 0, 0, 0
			for _, row := range m.Buttons {
				buttons += len(row)
			}
			for _, menu := range m.Menus {
				picks += len(menu.Options)
				for _, o := range menu.Options {
					if o.Default {
						defaults++
					}
				}
			}
			got := []int{len(m.Buttons), buttons, len(m.Menus), picks, defaults}
			if diff := cmp.Diff([]int{tt.rows, tt.buttons, tt.menus, tt.picks, tt.defaults}, got); diff != "" {
				t.Errorf("rows, buttons, menus, choices, defaults (-want +got):\n%s", diff)
			}
		})
	}
}

// A client of one's own making sends what it likes.
func TestForgedPicks(t *testing.T) {
	t.Parallel()
	presses := make(chan string, 1)
	w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
		presses <- r.Press
		return chat.Reply{Text: chat.Plainly("x"), Menus: []chat.Menu{{Data: "w", Choices: choices("1d")}}}
	})
	m := w.Slash(discordtest.Guild(), "liq").Reply()
	<-presses
	pick := func(id string, values ...any) any {
		return map[string]any{"custom_id": id, "component_type": 3, "values": values}
	}
	for name, tt := range map[string]struct {
		data any
		want string
	}{
		"value that is not there": {pick("w", "9d"), "w|9d"},
		"menu that is not there":  {pick("owner", "all"), "owner|all"},
		"two values":              {pick("w", "1d", "7d"), "unknown"},
		"no value":                {pick("w"), "unknown"},
		"empty value":             {pick("w", ""), "unknown"},
		"number":                  {pick("w", 7), "unknown"},
		"too long":                {pick("w", strings.Repeat("x", 100)), "unknown"},
		"no ASCII":                {pick("w", "1d\n\u202e"), "unknown"},
		"users":                   {map[string]any{"custom_id": "w", "component_type": 5, "values": []string{"1"}}, "w"},
		"button that is too long": {map[string]any{"custom_id": strings.Repeat("x", 100), "component_type": 2}, "unknown"},
		"button with a number":    {map[string]any{"custom_id": "3|w|1d", "component_type": 2}, "w|1d"},
		"nothing":                 {map[string]any{}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			i := w.Claim(discordtest.Guild(), m, tt.data)
			if got := <-presses; got != tt.want {
				t.Errorf("press %q, want %q", got, tt.want)
			}
			i.Reply()
		})
	}
}
