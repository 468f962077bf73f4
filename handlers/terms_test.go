package handlers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/handlers"
	"liqbot/market"
)

func TestWhenAChatIsTold(t *testing.T) {
	r := keptRoom(t)
	here := typed("").Target
	for _, c := range []struct {
		text, want string
		terms      alert.Terms
	}{
		{"/quiet 23:00-07:00", "Quiet hours: 23:00–07:00. Alerts are held", alert.Terms{Quiet: alert.Quiet{On: true, From: 1380, To: 420}}},
		{"/quiet 22-8 silent", "22:00–08:00. Alerts come without a sound", alert.Terms{Quiet: alert.Quiet{On: true, From: 1320, To: 480, Silent: true}}},
		{"/quiet 11pm to 7am", "23:00–07:00", alert.Terms{Quiet: alert.Quiet{On: true, From: 1380, To: 420}}},
		{"/quiet с 23 до 7", "23:00–07:00", alert.Terms{Quiet: alert.Quiet{On: true, From: 1380, To: 420}}},
		{"/quiet off", "Quiet hours: none", alert.Terms{}},
		{"/digest 9:00", "Daily digest: 09:00, beside", alert.Terms{Digest: alert.Digest{On: true, At: 540}}},
		{"/digest 18 only", "Daily digest: 18:00, instead", alert.Terms{Digest: alert.Digest{On: true, At: 1080, Only: true}}},
		{"/digest off", "Daily digest: none", alert.Terms{}},
		{"/cap 5", "Daily cap: 5", alert.Terms{Cap: 5}},
		{"/cooldown 2h", "Cooldown: 2 hours", alert.Terms{Cap: 5, Cooldown: 2 * time.Hour}},
		{"/cap off", "Daily cap: none", alert.Terms{Cooldown: 2 * time.Hour}},
		{"/cooldown off", "Cooldown: the usual", alert.Terms{}},
		{"/followups off", "Follow-ups: none", alert.Terms{NoOutcomes: true}},
		{"/followups on", "told later, without a sound (60 minutes, 4 hours)", alert.Terms{}},
	} {
		wantAll(t, r.say(t, typed(c.text)), c.want)
		if got := r.wishes(t, here).Terms; got != c.terms {
			t.Errorf("%s: terms (-want +got):\n%s", c.text, cmp.Diff(c.terms, got))
		}
	}
}

func TestBadTermsShowWhatWorksAndChangeNothing(t *testing.T) {
	r := keptRoom(t)
	for text, want := range map[string]string{
		"/quiet bla": "/quiet 23:00-07:00", "/quiet 23:00": "/quiet 23:00-07:00", "/quiet 25-7": "/quiet 23:00-07:00", "/quiet 7-7": "/quiet 23:00-07:00",
		"/quiet 23-7 silent hold": "/quiet 23:00-07:00", "/digest noonish": "/digest 9:00", "/digest 9:00 10:00": "/digest 9:00", "/digest 24:30": "/digest 9:00",
		"/cap lots": "/cap 5", "/cap -3": "/cap 5", "/cap 5 6": "/cap 5", "/cap 99999": "/cap 5", "/cooldown soon": "/cooldown 2h", "/cooldown 400d": "/cooldown 2h",
		"/followups perhaps": "/followups on", "/timezone nowhere": "/timezone Europe/Berlin", "/timezone ../../etc/passwd": "/timezone Europe/Berlin",
		"/timezone UTC+99": "/timezone Europe/Berlin", "/timezone Local": "/timezone Europe/Berlin", "/permit liq admins": "private chat", "/permit nosuch admins": "/permit liq admins",
		"/permit settings admins": "/permit liq admins", "/permit liq cats": "/permit liq admins",
		"/threshold btc imbalance lots": "/threshold btc imbalance 3", "/threshold btc oi -5": "/threshold btc oi 5", "/threshold btc cascade 5": "Did you leave out the unit",
		"/subscribe btc brekout": "breakout, approach", "/subscribe btc price": "/alert btc 94681",
		"/alert btc 94681 until yesterday": "until friday", "/alert btc 94681 until 2020-01-01": "in the past", "/alert btc 94681 until": "until friday",
		"/alert btc 94681 until 2026-13-45": "until friday", "/alert btc 94681 until 2099-01-01": "until friday",
	} {
		if got := r.say(t, typed(text)); !strings.Contains(got, want) {
			t.Errorf("%s: lacks %q:\n%s", text, want, got)
		}
	}
	if got := r.wishes(t, typed("").Target); !got.Empty() {
		t.Errorf("something changed: %+v", got)
	}
}

func TestTimeZonesAsPeopleNameThem(t *testing.T) {
	for text, want := range map[string]string{
		"Europe/Berlin": "15:05 CET", "berlin": "15:05 CET", "new york": "09:05 EST", "UTC+3": "17:05 +03", "GMT-5": "09:05 -05", "+5:30": "19:35 IST",
		"Москва": "17:05 MSK", "上海": "22:05 CST", "utc": "14:05 UTC", "kyiv": "16:05 EET", "buenos aires": "11:05 -03", "europe/london": "14:05 GMT",
	} {
		r := keptRoom(t)
		wantAll(t, r.say(t, typed("/timezone "+text)), want)
		wantAll(t, r.say(t, typed("/mute 1h")), strings.Fields(want)[1])
	}
}

func TestLevelsThatRepeatOrEnd(t *testing.T) {
	r := keptRoom(t) // a Tuesday, 14:05 UTC
	r.say(t, typed("/timezone Europe/Berlin"))
	for text, want := range map[string]alert.Level{
		"/alert btc 95001 repeat":               {Repeat: true},
		"/alert btc 95002 until friday":         {Until: time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC)},
		"/alert btc 95003 until fri 18:00":      {Until: time.Date(2026, 11, 27, 17, 0, 0, 0, time.UTC)},
		"/alert btc 95004 until tomorrow":       {Until: time.Date(2026, 11, 25, 23, 0, 0, 0, time.UTC)},
		"/alert btc 95005 until 18:00":          {Until: time.Date(2026, 11, 24, 17, 0, 0, 0, time.UTC)},
		"/alert btc 95006 until 9:00":           {Until: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)},
		"/alert btc 95007 until 2026-12-01":     {Until: time.Date(2026, 12, 1, 23, 0, 0, 0, time.UTC)},
		"/alert btc 95008 until 1 Dec repeat":   {Until: time.Date(2026, 12, 1, 23, 0, 0, 0, time.UTC), Repeat: true},
		"/alert btc 95009 repeat until 3d":      {Until: now.Add(72 * time.Hour), Repeat: true},
		"/alert btc 95010 повтор до пятницы":    {Until: time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC), Repeat: true},
		"/alert btc 95011 直到周五":                 {Until: time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC)},
		"/alert btc 95012 until tuesday":        {Until: time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC)},
		"/alert btc 95013 until Jan 5":          {Until: time.Date(2027, 1, 5, 23, 0, 0, 0, time.UTC)},
		"/alert btc 95014 until 5 january 2027": {Until: time.Date(2027, 1, 5, 23, 0, 0, 0, time.UTC)},
		"/alert btc 95,015 until 1.12.2026":     {Until: time.Date(2026, 12, 1, 23, 0, 0, 0, time.UTC)},
	} {
		reply := r.say(t, typed(text))
		levels := r.wishes(t, typed("").Target).Levels
		if len(levels) == 0 || !levels[len(levels)-1].Until.Equal(want.Until) || levels[len(levels)-1].Repeat != want.Repeat {
			t.Errorf("%s: want %+v:\n%s", text, want, reply)
		}
		r.say(t, typed("/alert btc off"))
	}
	r.say(t, typed("/alert btc 95000 repeat until friday"))
	wantAll(t, r.say(t, typed("/alerts")), "BTC rises to $95,000, each time, until 28 Nov 2026 00:00 CET")
}

// recorded keeps breakouts of the last days as the watcher would.
func (r *room) recorded(t *testing.T, strengths ...float64) {
	t.Helper()
	for i, s := range strengths {
		a := breakout()
		a.ID, a.Strength, a.Notable, a.At = fmt.Sprint("past", i), s, s >= 1e9, now.Add(-time.Duration(i+1)*20*time.Hour)
		if _, err := r.alerts.Record(t.Context(), alert.Step{Seen: []market.Coin{"BTC"}, Alerts: []alert.Alert{*a}}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAChangeIsShownBeforeItIsKept(t *testing.T) {
	r := keptRoom(t)
	admin := inGroup("", true)
	group := admin.Target
	r.say(t, inGroup("/subscribe btc", true))
	r.recorded(t, 3e9, 2e9, 5e8, 4e8, 3e8)
	least := func() float64 { return r.wishes(t, group).Threshold(alert.Breakout, "BTC") }
	// From the settings, by menus and buttons only.
	page := r.Handle(t.Context(), inGroup("/settings", true))
	page = r.press(t, admin, button(page, "What counts"))
	page = r.press(t, admin, button(page, "breakouts"))
	wantAll(t, page.Text.String(), "BTC breakouts here: the usual ones", "fired 2 times")
	if label := labelOf(page, "500M"); label != "$500M · 3" {
		t.Errorf("the button says %q", label)
	}
	page = r.press(t, admin, button(page, "500M"))
	wantAll(t, page.Text.String(), "Preview", "Nothing is changed yet", "the usual ones → from $500M", "fired 3 times", "as it is now: 2 times", "Keep it?")
	if least() != 0 || !page.Edit {
		t.Fatalf("changed before it was kept: %v, edit %v", least(), page.Edit)
	}
	keep := button(page, "Keep")
	forged := inGroup("", false)
	wantAll(t, r.press(t, forged, keep).Text.String(), "nly admins")
	if least() != 0 {
		t.Fatal("a member who is no admin kept it")
	}
	kept := r.press(t, admin, keep)
	wantAll(t, kept.Text.String(), "BTC breakouts: from $500M")
	if least() != 5e8 {
		t.Fatalf("threshold %v", least())
	}
	// Pressed again it is kept already; after another change the button is too old.
	wantAll(t, r.press(t, admin, keep).Text.String(), "how it is already")
	r.say(t, inGroup("/threshold btc breakout 2B", true))
	wantAll(t, r.press(t, admin, keep).Text.String(), "changed meanwhile")
	if least() != 2e9 {
		t.Fatalf("an old button set %v", least())
	}
	// The way back.
	wantAll(t, r.press(t, admin, button(kept, "Undo")).Text.String(), "changed since")
	wantAll(t, r.say(t, inGroup("/settings undo", false)), "nly admins")
	wantAll(t, r.say(t, inGroup("/settings undo", true)), "Taken back: BTC breakouts: from $500M → from $2B (Anna")
	if least() != 5e8 {
		t.Errorf("threshold after undo %v", least())
	}
	wantAll(t, r.say(t, inGroup("/settings log", false)), "Anna: took back: BTC breakouts")
}

func labelOf(reply chat.Reply, part string) string {
	for _, row := range reply.Buttons {
		for _, b := range row {
			if strings.Contains(b.Label, part) {
				return b.Label
			}
		}
	}
	return ""
}

func TestATypedChangeIsKeptWithWhatItWouldHaveDone(t *testing.T) {
	r := keptRoom(t)
	r.say(t, typed("/subscribe btc"))
	r.recorded(t, 3e9, 2e9, 5e8)
	wantAll(t, r.say(t, typed("/threshold btc breakout 2.5B preview")), "Preview", "fired 1 time ")
	if got := r.wishes(t, typed("").Target).Thresholds; len(got) != 0 {
		t.Errorf("a preview set %+v", got)
	}
	wantAll(t, r.say(t, typed("/threshold btc breakout any")), "BTC breakouts: all of them", "fired 3 times", "before: 2 times")
	wantAll(t, r.say(t, typed("/cap 1")), "Daily cap: 1", "fired 2 times", "before: 3 times")
	wantAll(t, r.say(t, typed("/cooldown 30h")), "fired 2 times")
	wantAll(t, r.say(t, typed("/threshold btc cascade any")), "BTC cascades: all of them", "fired 0 times")
}

func TestFormsAskForOtherValues(t *testing.T) {
	r := keptRoom(t)
	typed := func(text string) chat.Request {
		q := typed(text)
		q.Target.Platform = chat.Discord
		return q
	}
	page := r.Handle(t.Context(), typed("/threshold btc cascade"))
	form := r.press(t, typed(""), button(page, "Other"))
	if form.Form == nil || form.Form.Command != "/threshold preview BTC cascade" || len(form.Form.Fields) != 1 || form.Silent() {
		t.Fatalf("%+v", form)
	}
	wantAll(t, r.say(t, typed(form.Form.Command+" 20M")), "Preview", "from $20M")
	page = r.Handle(t.Context(), typed("/settings quiet"))
	form = r.press(t, typed(""), button(page, "Other"))
	if form.Form == nil {
		t.Fatalf("%+v", form)
	}
	wantAll(t, r.say(t, typed(form.Form.Command+" 21-6")), "21:00–06:00")
}

func TestEveryButtonOfTheSettingsWorks(t *testing.T) {
	r := keptRoom(t)
	r.say(t, typed("/subscribe btc"))
	r.recorded(t, 3e9)
	seen := map[string]bool{}
	var walk func(reply chat.Reply, depth int)
	walk = func(reply chat.Reply, depth int) {
		var all []string
		for _, row := range reply.Buttons {
			for _, b := range row {
				all = append(all, b.Data)
			}
		}
		for _, menu := range reply.Menus {
			for _, choice := range menu.Choices {
				all = append(all, menu.Data+"|"+choice.Value)
			}
			if len(menu.Choices) == 0 || len(menu.Choices) > 25 {
				t.Errorf("a menu of %d choices", len(menu.Choices))
			}
		}
		if rows := len(reply.Buttons) + len(reply.Menus); rows > 5 {
			t.Errorf("%d rows do not fit into a message of Discord:\n%s", rows, reply.Text)
		}
		for _, data := range all {
			if seen[data] || depth == 0 {
				continue
			}
			seen[data] = true
			next := r.press(t, typed(""), data)
			if text := next.Text.String(); strings.Contains(text, "older message") || strings.Contains(text, "did not get") || strings.Contains(text, "went wrong") {
				t.Errorf("%s: %s", data, text)
			}
			walk(next, depth-1)
		}
	}
	walk(r.Handle(t.Context(), typed("/settings")), 4)
	if len(seen) < 60 {
		t.Errorf("only %d buttons were pressed", len(seen))
	}
}

func TestWhoMayUseWhat(t *testing.T) {
	r := keptRoom(t)
	wantAll(t, r.say(t, inGroup("/permit liq admins", false)), "nly admins")
	wantAll(t, r.say(t, inGroup("/permit liq admins", true)), "/liq is for: admins")
	wantAll(t, r.say(t, inGroup("/liq btc", false)), "In this chat /liq is for its admins")
	wantAll(t, r.say(t, inGroup("/liq btc", true)), "$90,131.71")
	wantAll(t, r.say(t, inGroup("/subscribe btc", false)), "nly admins")
	wantAll(t, r.say(t, inGroup("/permit subscribe everyone", true)), "/subscribe is for: everyone")
	wantAll(t, r.say(t, inGroup("/subscribe btc", false)), "Subscribed")
	wantAll(t, r.say(t, inGroup("/threshold btc breakout 1B", false)), "nly admins")
	wantAll(t, r.say(t, inGroup("/settings", false)), "Only admins: /liq", "Everyone, although it changes something: /subscribe")
	wantAll(t, r.say(t, inGroup("/permit liq usual", true)), "/liq is for: everyone")
	wantAll(t, r.say(t, inGroup("/liq btc", false)), "$90,131.71")
	wantAll(t, r.say(t, inGroup("/settings log", false)), "Anna: /liq for admins", "/subscribe for everyone")
	wantAll(t, r.say(t, inGroup("/settings undo", true)), "Taken back: /liq for as usual")
	wantAll(t, r.say(t, inGroup("/liq btc", false)), "for its admins")
}

func TestAlertsComeHere(t *testing.T) {
	r := keptRoom(t)
	in := func(text, thread string) chat.Request {
		q := inGroup(text, true)
		q.Target.Thread = thread
		return q
	}
	r.say(t, in("/subscribe btc", "5"))
	r.say(t, in("/subscribe eth", "6"))
	wantAll(t, r.say(t, in("/settings here", "7")), "come here now: BTC, ETH")
	for _, sub := range r.wishes(t, in("", "").Target).Subscriptions {
		if sub.Thread != "7" {
			t.Errorf("%+v", sub)
		}
	}
}

func TestRecordShowsTheBadOnesToo(t *testing.T) {
	r := keptRoom(t)
	wantAll(t, r.say(t, typed("/record")), "No breakout of all coins")
	r.recorded(t, 3e9, 2e9)
	for i, held := range []bool{true, false} {
		a := alert.Alert{
			ID: fmt.Sprint("o", i), Rule: alert.Outcome, Coin: "BTC",
			Followed: &alert.Followed{ID: fmt.Sprint("past", i), After: time.Hour, FromUSD: 95000, ToUSD: map[bool]float64{true: 96900, false: 94050}[held], Held: held},
		}
		if _, err := r.alerts.Record(t.Context(), alert.Step{Alerts: []alert.Alert{a}}); err != nil {
			t.Fatal(err)
		}
	}
	wantAll(t, r.say(t, typed("/record btc")), "2 breakouts found", "1 of 2 still beyond the level (50%)", "held (+2.00%)", "failed (-1.00%)")
	wantAll(t, r.say(t, typed("/record xyzzy")), "do not know that coin")
}

func TestDeleteMyData(t *testing.T) {
	r := keptRoom(t)
	for _, text := range []string{"/subscribe btc", "/alert btc 95000", "/timezone berlin", "/threshold btc breakout 1B"} {
		r.say(t, typed(text))
	}
	ask := r.Handle(t.Context(), typed("/deletemydata"))
	wantAll(t, ask.Text.String(), "cannot be taken back")
	if r.wishes(t, typed("").Target).Empty() {
		t.Fatal("deleted without being confirmed")
	}
	wantAll(t, r.press(t, typed(""), button(ask, "Delete everything")).Text.String(), "Deleted", "subscriptions: 1, prices: 1, thresholds: 1", "Lines of the log: 4")
	if !r.wishes(t, typed("").Target).Empty() {
		t.Error("not deleted")
	}
	wantAll(t, r.press(t, typed(""), "v1|deletemydata|yes").Text.String(), "nothing to delete")
	wantAll(t, r.press(t, inGroup("", false), "v1|deletemydata|yes").Text.String(), "nly admins")
}

func TestBroadcastIsShownAndConfirmed(t *testing.T) {
	var sent []string
	r := newRoomWith(t, func(o *handlers.Options) {
		o.Broadcast = func(_ context.Context, id, words string) (int, error) {
			sent = append(sent, id+" "+words)
			return 3, nil
		}
	})
	owner := typed("")
	owner.Member.ID = "1"
	say := func(text string) chat.Reply {
		q := owner
		q.Text = text
		return r.Handle(t.Context(), q)
	}
	wantAll(t, r.say(t, typed("/broadcast hello")), "Only the bot's owners")
	wantAll(t, r.press(t, typed(""), "v1|broadcast|b1").Text.String(), "Only the bot's owners")
	wantAll(t, say("/broadcast").Text.String(), "/broadcast The bot moves")
	wantAll(t, say("/broadcast "+strings.Repeat("long ", 400)).Text.String(), "too long")
	words := "Two lines\nof *news*, " + strings.Repeat("and more ", 40)
	preview := say("/broadcast " + words)
	wantAll(t, preview.Text.String(), "Preview", strings.TrimSpace(words), "Send it?")
	if len(sent) != 0 {
		t.Fatal("sent without being confirmed")
	}
	wantAll(t, r.press(t, owner, button(preview, "Send")).Text.String(), "On its way to 3 chats")
	wantAll(t, r.press(t, owner, button(preview, "Send")).Text.String(), "sent already")
	wantAll(t, r.press(t, owner, button(say("/broadcast no"), "Cancel")).Text.String(), "Nothing was sent")
	if len(sent) != 1 || !strings.HasSuffix(sent[0], strings.TrimSpace(words)) {
		t.Errorf("sent %q", sent)
	}
	wantAll(t, say("/health").Text.String(), "Health", "✅ telegram: up", "❌ discord: down")
}

func TestFavouriteCoinsComeFirst(t *testing.T) {
	r := keptRoom(t)
	wantAll(t, r.say(t, typed("/default doge sol 1d")), "DOGE, SOL", "1d")
	reply := r.Handle(t.Context(), typed("/start"))
	var labels []string
	for _, b := range reply.Buttons[0] {
		labels = append(labels, b.Label)
	}
	if !slices.Equal(labels, []string{"DOGE map", "SOL map", "BTC map"}) {
		t.Errorf("buttons %v", labels)
	}
	wantAll(t, r.say(t, typed("/liq")), "DOGE")
}
