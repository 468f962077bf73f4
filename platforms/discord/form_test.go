package discord_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
)

func threshold() *chat.Form {
	return &chat.Form{Title: "Least amount", Command: "/threshold btc", Fields: []chat.Field{
		{Name: "amount", Label: "USD", Example: "5m", Value: "1m"},
		{Name: "note", Label: "Note", Optional: true},
	}}
}

// offering shows a button to whoever types and a form to whoever presses it; what else is
// asked goes to asked.
func offering(form *chat.Form, asked chan<- chat.Request) chat.Handler {
	return func(_ context.Context, r chat.Request) chat.Reply {
		switch {
		case r.Text == "/liq":
			return picture("start")
		case r.Press != "" && form != nil:
			return chat.Reply{Text: chat.Plainly("type it"), Form: form}
		}
		asked <- r
		return chat.Reply{Text: chat.Plainly("got it"), Private: true}
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	asked := make(chan chat.Request, 1)
	w := start(t, discordtest.New(t), offering(threshold(), asked))
	m := w.Slash(discordtest.Guild(), "liq").Reply()
	from := discordtest.Guild()
	from.User, from.Nick, from.Permissions = "77", "Ann", discordtest.ManageGuild
	i := w.Press(from, m, m.Press("1d"))
	want := discordtest.Form{CustomID: "f|/threshold btc", Title: "Least amount", Fields: []discordtest.Field{
		{CustomID: "amount", Label: "USD", Placeholder: "5m", Value: "1m", Required: true, MaxLength: 256},
		{CustomID: "note", Label: "Note", MaxLength: 256},
	}}
	if diff := cmp.Diff(want, i.Form()); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{9}, i.Acks()); diff != "" || len(w.Messages(discordtest.ChannelID)) != 1 {
		t.Errorf("the form is not all that was answered: %s", diff)
	}
	for _, c := range []struct {
		values map[string]string
		want   string
	}{
		{map[string]string{"amount": " 5 m ", "note": "big  one"}, "/threshold btc 5 m big one"},
		{map[string]string{"note": ""}, "/threshold btc 1m"},
		{map[string]string{"amount": strings.Repeat("й", 256)}, "/threshold btc " + strings.Repeat("й", 256)},
	} {
		sent := i.Submit(c.values)
		r := <-asked
		if r.Text != c.want || r.Press != "" || !r.Addressed || r.ID != "discord:"+sent.ID || r.Member.ID != "77" || r.MemberName != "Ann" || r.Kind != chat.Group {
			t.Errorf("request %+v, want the text %q", r, c.want)
		}
		if admin, err := r.IsAdmin(t.Context()); !admin || err != nil {
			t.Errorf("IsAdmin: %t, %v", admin, err)
		}
		if got := sent.Reply(); got.Text() != "got it" || !got.Ephemeral || got.ID == m.ID {
			t.Errorf("reply %+v", got)
		}
	}
}

// A form comes as long as nobody sees a wait, and not after.
func TestFormOfASlowHandler(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		wait  time.Duration
		works bool
		grace time.Duration
		ack   int
	}{
		"slower than a command may be": {700 * time.Millisecond, false, 0, 9},
		"too slow":                     {600 * time.Millisecond, false, time.Millisecond, 6},
		"works on a picture":           {50 * time.Millisecond, true, 0, 6},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, discordtest.New(t), func(_ context.Context, r chat.Request) chat.Reply {
				if r.Press == "" {
					return picture("start")
				}
				if tt.works {
					r.Working()
				}
				<-time.After(tt.wait)
				return chat.Reply{Text: chat.Plainly("type it"), Form: threshold()}
			}, func(c *discord.Config) { c.Timing.Grace = tt.grace })
			m := w.Slash(discordtest.Guild(), "liq").Reply()
			i := w.Press(discordtest.Guild(), m, m.Press("1d"))
			if got := i.WaitAck(); got != tt.ack {
				t.Errorf("first answer of type %d, want %d", got, tt.ack)
			}
			if tt.ack == 9 {
				return
			}
			seen := w.WaitMessages(discordtest.ChannelID, 2)
			if got := seen[1].Text(); got != "type it" {
				t.Errorf("got %q, want the text of the form", got)
			}
		})
	}
}

// What Discord would not take as a form is said in words.
func TestFormsThatDoNotFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("й", 300)
	change := func(c func(*chat.Form)) *chat.Form {
		f := threshold()
		c(f)
		return f
	}
	tests := map[string]struct {
		form *chat.Form
		fits bool
	}{
		"long words": {change(func(f *chat.Form) {
			f.Title, f.Command = long, "/"+strings.Repeat("x", 97)
			f.Fields[0] = chat.Field{Name: "a", Label: long, Example: long, Value: long}
		}), true},
		"long command":  {change(func(f *chat.Form) { f.Command = "/" + strings.Repeat("x", 98) }), false},
		"no command":    {change(func(f *chat.Form) { f.Command = "threshold" }), false},
		"line break":    {change(func(f *chat.Form) { f.Command = "/a\nb" }), false},
		"no title":      {change(func(f *chat.Form) { f.Title = " " }), false},
		"no fields":     {change(func(f *chat.Form) { f.Fields = nil }), false},
		"six fields":    {change(func(f *chat.Form) { f.Fields = make([]chat.Field, 6) }), false},
		"no label":      {change(func(f *chat.Form) { f.Fields[1].Label = "" }), false},
		"the same name": {change(func(f *chat.Form) { f.Fields[1].Name = "amount" }), false},
		"no name":       {change(func(f *chat.Form) { f.Fields[1].Name = "" }), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, discordtest.New(t), offering(tt.form, nil))
			m := w.Slash(discordtest.Guild(), "liq").Reply()
			i := w.Press(discordtest.Guild(), m, m.Press("1d"))
			if tt.fits {
				i.Form()
				return
			}
			if got := i.Reply(); got.Text() != "type it" {
				t.Errorf("got %q", got.Text())
			}
		})
	}
}

// A form that Discord refuses all the same does not leave the member without an answer.
func TestFormThatIsRefused(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), offering(threshold(), nil))
	m := w.Slash(discordtest.Guild(), "liq").Reply()
	w.Fail(discordtest.Fault{Method: "POST", Path: "/callback", Status: 400, Body: `{"code":50035,"message":"Invalid Form Body"}`})
	if got := w.Press(discordtest.Guild(), m, m.Press("1d")).Reply(); got.Text() != "type it" {
		t.Errorf("got %q", got.Text())
	}
}

// A command has no form: Discord would show one, the bot's text says what to type.
func TestFormForACommand(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t), func(context.Context, chat.Request) chat.Reply {
		return chat.Reply{Text: chat.Plainly("type it"), Form: threshold()}
	})
	if got := w.Slash(discordtest.Guild(), "liq").Reply(); got.Text() != "type it" {
		t.Errorf("got %q", got.Text())
	}
}

// A client of one's own making sends what it likes, whether there was a form or not. It
// gets no further than by typing: the rights are those that Discord tells of the sender.
func TestForgedForms(t *testing.T) {
	t.Parallel()
	asked := make(chan chat.Request, 1)
	w := start(t, discordtest.New(t), offering(nil, asked))
	line := func(value any) any {
		return map[string]any{"type": 1, "components": []any{map[string]any{"type": 4, "custom_id": "a", "value": value}}}
	}
	fill := func(id string, lines ...any) any { return map[string]any{"custom_id": id, "components": lines} }
	for name, tt := range map[string]struct {
		data        any
		text, press string
	}{
		"owner's command":  {fill("f|/stats"), "/stats", ""},
		"line breaks":      {fill("f|/x", line("a\n/stats\r\nb\u2028c")), "/x a /stats b c", ""},
		"a novel":          {fill("f|/x", line(strings.Repeat("n", 4000))), "/x " + strings.Repeat("n", 256), ""},
		"many lines":       {fill("f|/x", line("1"), line("2"), line("3"), line("4"), line("5"), line("6")), "/x 1 2 3 4 5", ""},
		"no lines":         {fill("f|/x", map[string]any{"type": 1, "components": []any{}}), "/x", ""},
		"buttons":          {fill("f|/x", map[string]any{"type": 1, "components": []any{map[string]any{"type": 2, "custom_id": "a"}}}), "/x", ""},
		"line of tomorrow": {fill("f|/x", map[string]any{"type": 18, "component": map[string]any{"type": 4}}), "", "unknown"},
		"no command":       {fill("f|stats"), "", "f|stats"},
		"empty command":    {fill("f|"), "", "f|"},
		"too long":         {fill("f|/" + strings.Repeat("x", 98)), "", "unknown"},
		"control":          {fill("f|/x\n/stats"), "", "unknown"},
		"old form":         {fill("v0"), "", "v0"},
		"a button's id":    {fill("2|liq:BTC"), "", "liq:BTC"},
		"nothing":          {map[string]any{}, "", "unknown"},
		"null":             {nil, "", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			w.Fill(discordtest.Guild(), "", tt.data).Reply()
			r := <-asked
			if r.Text != tt.text || r.Press != tt.press {
				t.Errorf("text %q and press %q, want %q and %q", r.Text, r.Press, tt.text, tt.press)
			}
			if admin, err := r.IsAdmin(t.Context()); admin || err != nil || r.Member.ID != discordtest.UserID {
				t.Errorf("IsAdmin: %t, %v for %s", admin, err, r.Member.ID)
			}
		})
	}
	i := w.Fill(discordtest.Guild(), "", fill("f|/x"))
	i.Reply()
	<-asked
	i.Again()
	w.counted(discord.EventDuplicate, 1)
}

// The server is as strict about forms as Discord, also where the adapter never errs.
func TestServerChecksForms(t *testing.T) {
	t.Parallel()
	w := start(t, discordtest.New(t, discordtest.Tolerant()), func(ctx context.Context, r chat.Request) chat.Reply {
		<-ctx.Done()
		return chat.Reply{}
	}, func(c *discord.Config) { c.Timing.Patience, c.Timing.Drain = time.Minute, 10*time.Millisecond })
	answer := func(i *discordtest.Interaction, kind int, data string) (status int, said string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL()+"/api/v10/interactions/"+i.ID+"/"+i.Token+"/callback",
			strings.NewReader(`{"type":`+strconv.Itoa(kind)+`,"data":`+data+`}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"User-Agent": {"DiscordBot (x, 1)"}, "Content-Type": {"application/json"}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	line := func(fields string) string { return `{"type":1,"components":[{"type":4,"style":1,` + fields + `}]}` }
	form := func(id, title string, lines ...string) string {
		return `{"custom_id":"` + id + `","title":"` + title + `","components":[` + strings.Join(lines, ",") + `]}`
	}
	long := func(n int) string { return strings.Repeat("я", n) }
	good := line(`"custom_id":"a","label":"A"`)
	i := w.Slash(discordtest.Guild(), "liq")
	for name, c := range map[string]struct{ data, want string }{
		"no title":        {form("f", "", good), `"title"`},
		"long title":      {form("f", long(46), good), `"title"`},
		"no id":           {form("", "t", good), `"custom_id"`},
		"long id":         {form(long(101), "t", good), `"custom_id"`},
		"no lines":        {form("f", "t"), `"components"`},
		"six lines":       {form("f", "t", good, good, good, good, good, good), `"components"`},
		"the same twice":  {form("f", "t", good, good), "DUPLICATED"},
		"button":          {form("f", "t", `{"type":1,"components":[{"type":2,"style":1,"label":"b","custom_id":"b"}]}`), "UNION_TYPE"},
		"two in a row":    {form("f", "t", `{"type":1,"components":[{"type":4,"style":1,"label":"A","custom_id":"a"},{"type":4,"style":1,"label":"B","custom_id":"b"}]}`), `"data"`},
		"long label":      {form("f", "t", line(`"custom_id":"a","label":"`+long(46)+`"`)), `"label"`},
		"long example":    {form("f", "t", line(`"custom_id":"a","label":"A","placeholder":"`+long(101)+`"`)), `"placeholder"`},
		"value too long":  {form("f", "t", line(`"custom_id":"a","label":"A","max_length":2,"value":"abc"`)), `"value"`},
		"length too long": {form("f", "t", line(`"custom_id":"a","label":"A","max_length":4001`)), `"max_length"`},
	} {
		if status, said := answer(i, 9, c.data); status != http.StatusBadRequest || !strings.Contains(said, c.want) {
			t.Errorf("%s: %d %s, want %s", name, status, said, c.want)
		}
	}
	if status, said := answer(i, 9, form("f", "t", good)); status != http.StatusNoContent || i.Form().Title != "t" {
		t.Errorf("good: %d %s", status, said)
	}
	if status, said := answer(i, 9, form("f", "t", good)); status != http.StatusBadRequest || !strings.Contains(said, "40060") {
		t.Errorf("twice: %d %s", status, said)
	}
	if status, said := answer(i.Submit(map[string]string{"a": "x"}), 9, form("f", "t", good)); status != http.StatusBadRequest {
		t.Errorf("a form after a form: %d %s", status, said)
	}
}
