package handlers_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/handlers"
	"liqbot/market"
	"liqbot/storage"
)

// atChannel is what the admin of @news types in private.
func atChannel(text string) chat.Request {
	q := typed(text)
	q.Place = func(context.Context, string) (chat.Place, error) {
		return chat.Place{Target: chat.Target{Platform: chat.Telegram, Chat: "-1007"}, Kind: chat.Channel, Admin: true, CanPost: true}, nil
	}
	return q
}

func TestSettingsOfAnotherChannel(t *testing.T) {
	r := keptRoom(t)
	channel := chat.Target{Platform: chat.Telegram, Chat: "-1007"}
	r.say(t, typed("/timezone new york"))
	wantAll(t, r.say(t, atChannel("/quiet 23:00-07:00 @news")), "@news", "23:00–07:00", "Time zone: UTC")
	wantAll(t, r.say(t, atChannel("/timezone berlin @news")), "@news", "Europe/Berlin", "15:05 CET")
	wantAll(t, r.say(t, atChannel("/lang ru @news")), "@news", "Русский")
	wantAll(t, r.say(t, atChannel("/default eth 1d @news")), "@news", "ETH", "1d")
	wantAll(t, r.say(t, atChannel("/settings who @news")), "set in that channel itself")
	got, err := r.alerts.Settings(t.Context(), channel)
	if err != nil || got.TimeZone != "Europe/Berlin" || got.Language != "ru" || got.Coin != "ETH" {
		t.Errorf("the channel has %+v, %v", got, err)
	}
	if own, _ := r.alerts.Settings(t.Context(), typed("").Target); own.TimeZone != "America/New_York" || own.Language != "" || own.Coin != "" {
		t.Errorf("the private chat has %+v", own)
	}
	// What is deleted is the channel's, and nothing else.
	r.say(t, typed("/subscribe btc"))
	wantAll(t, r.say(t, typed("/deletemydata everything")), "/deletemydata @yourchannel")
	ask := r.Handle(t.Context(), atChannel("/deletemydata @news"))
	wantAll(t, ask.Text.String(), "@news", "for all of its members")
	press := atChannel("")
	press.Press = button(ask, "Delete everything")
	wantAll(t, r.Handle(t.Context(), press).Text.String(), "@news", "Deleted")
	if got, _ := r.alerts.Settings(t.Context(), channel); got.TimeZone != "" {
		t.Errorf("the channel still has %+v", got)
	}
	if r.wishes(t, typed("").Target).Empty() {
		t.Error("the private chat was deleted")
	}
}

func TestGroupsAreNotLeafedThroughByEverybody(t *testing.T) {
	r := keptRoom(t)
	admin, member := inGroup("", true), inGroup("", false)
	page := r.Handle(t.Context(), inGroup("/settings", false))
	for _, label := range []string{"Quiet hours", "What counts", "Who may use what"} {
		data := button(page, label)
		wantAll(t, r.press(t, member, data).Text.String(), "nly admins")
		if next := r.press(t, admin, data); !next.Edit {
			t.Errorf("%s: the page is a message of its own", label)
		}
	}
	wantAll(t, r.say(t, inGroup("/settings quiet", false)), "Quiet hours: none")
}

func TestUndoIsOfferedOnlyForWhatWasChanged(t *testing.T) {
	at := now
	r := newRoomWith(t, func(o *handlers.Options) {
		o.Settings = o.Alerts.(*storage.Store)
		o.Now = func() time.Time { at = at.Add(time.Second); return at }
	})
	if reply := r.Handle(t.Context(), typed("/cap 7")); button(reply, "Undo") == "" {
		t.Error("a change without a way back")
	}
	for _, text := range []string{"/quiet off", "/followups on", "/digest off"} {
		if reply := r.Handle(t.Context(), typed(text)); button(reply, "Undo") != "" {
			t.Errorf("%s changed nothing and offers to undo something", text)
		}
	}
	if reply := r.Handle(t.Context(), typed("/settings")); button(reply, "Undo") == "" {
		t.Error("the settings do not offer to undo the newest change")
	}
}

func TestWordsThatMeanEverythingSwitchNothingOff(t *testing.T) {
	r := keptRoom(t)
	for _, text := range []string{"/mute 8h", "/quiet 23-7", "/cap 5", "/alert btc 95000"} {
		r.say(t, typed(text))
	}
	for _, text := range []string{"/mute all", "/quiet all", "/cap all", "/alert btc all"} {
		r.say(t, typed(text))
	}
	got := r.wishes(t, typed("").Target)
	if got.MutedUntil.IsZero() || !got.Terms.Quiet.On || got.Terms.Cap != 5 || len(got.Levels) != 1 {
		t.Errorf("something was switched off: %+v", got)
	}
	wantAll(t, r.say(t, typed("/mute until friday")), "28 Nov 2026 00:00 UTC")
	wantAll(t, r.say(t, typed("/alert btc 96000 for 3 days")), "Nobody waits for it after")
	wantAll(t, r.say(t, typed("/threshold btc imbalance 3:1")), "from 3x")
}

func TestButtonsCountAsTheirPreviewDoes(t *testing.T) {
	r := keptRoom(t)
	r.say(t, typed("/subscribe btc"))
	r.recorded(t, 3e9, 2e9, 1.5e9)
	r.say(t, typed("/cooldown 100h"))
	page := r.Handle(t.Context(), typed("/threshold btc breakout"))
	if label := labelOf(page, "500M"); label != "$500M · 1" {
		t.Errorf("the button says %q", label)
	}
	wantAll(t, r.press(t, typed(""), button(page, "500M")).Text.String(), "fired 1 time ")
}

func TestARecordedMarketIsMarkedInRecordAndPreview(t *testing.T) {
	r := keptRoom(t)
	for key, s := range r.market.all {
		moved := *s
		moved.Price.Provenance.RecordedAt = now.AddDate(0, -1, 0)
		r.market.all[key] = &moved
	}
	a := breakout()
	a.Strength, a.Notable, a.Provenance.RecordedAt = 2e9, true, now.AddDate(0, -1, 0)
	live := breakout()
	live.ID, live.Strength, live.Notable = "live", 2e9, true
	if _, err := r.alerts.Record(t.Context(), alert.Step{Seen: []market.Coin{"BTC"}, Alerts: []alert.Alert{*a, *live}}); err != nil {
		t.Fatal(err)
	}
	wantAll(t, r.say(t, typed("/record btc")), "Recorded market of", "1 breakout found")
	r.say(t, typed("/subscribe btc"))
	wantAll(t, r.say(t, typed("/threshold btc breakout 1B preview")), "Recorded market of", "fired 1 time")
}

func TestHeldNoticesAndFollowUpsSayWhatTheySay(t *testing.T) {
	r := newRoom(t)
	to := alert.Recipient{Target: typed("").Target, Kind: chat.Private, Language: "en"}
	all := found()
	held := alert.Alert{ID: "h", Rule: alert.Summary, At: now, Items: all[len(all)-2:], Quiet: now.Add(-time.Hour)}
	reply, err := r.worded(t, &held, to, chat.Portrait, false)
	if err != nil {
		t.Fatal(err)
	}
	text := reply.Text.String()
	wantAll(t, text, "2 alerts", "4 hours: held (+0.56%)", "From the bot's host: Moving at noon.")
	if strings.Contains(text, "broke") {
		t.Errorf("a notice is told as a breakout:\n%s", text)
	}
}
