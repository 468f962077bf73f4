package handlers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// inGroup is what a member types in a group.
func inGroup(text string, admin bool) chat.Request {
	r := typed(text)
	r.Kind, r.Target = chat.Group, chat.Target{Platform: chat.Telegram, Chat: "-100"}
	r.Member, r.MemberName = chat.Member{Platform: chat.Telegram, ID: "9"}, "Anna"
	r.IsAdmin = func(context.Context) (bool, error) { return admin, nil }
	return r
}

// button is the data of the button of a reply whose label has a text, "" for none.
func button(reply chat.Reply, label string) string {
	for _, row := range reply.Buttons {
		for _, b := range row {
			if strings.Contains(b.Label, label) {
				return b.Data
			}
		}
	}
	for _, menu := range reply.Menus {
		for _, choice := range menu.Choices {
			if strings.Contains(choice.Label, label) {
				return menu.Data + "|" + choice.Value
			}
		}
	}
	return ""
}

// press presses a button in the place of a request.
func (r *room) press(t *testing.T, in chat.Request, data string) chat.Reply {
	t.Helper()
	if len(data) > chat.MaxPress {
		t.Errorf("the button %q is too long", data)
	}
	in.Text, in.Press = "", data
	return r.Handle(t.Context(), in)
}

func (r *room) wishes(tb testing.TB, t chat.Target) *alert.Chat {
	tb.Helper()
	a, err := r.alerts.Alerts(tb.Context(), t)
	if err != nil {
		tb.Fatal(err)
	}
	return &a
}

func TestSubscribeAndUnsubscribe(t *testing.T) {
	r := newRoom(t)
	here := typed("").Target
	wantAll(t, r.say(t, typed("/subscribe btc")), "Subscribed", "BTC", "for 10 seconds", "$90,131.71", "$94,681", "$2.705B", "$86,137", "those that stand out")
	wantAll(t, r.say(t, typed("/subscribe BTCUSDT")), "Already subscribed to BTC")
	wantAll(t, r.say(t, typed("/subscribe eth")), "ETH")
	if got := r.wishes(t, here).Subscriptions; len(got) != 2 || got[0].Coin != "BTC" || got[0].Rule != alert.Breakout || got[1].Coin != "ETH" {
		t.Errorf("subscriptions = %+v", got)
	}
	wantAll(t, r.say(t, typed("/alerts")), "BTC", "ETH", "the usual ones")
	wantAll(t, r.say(t, typed("/unsubscribe")), "Which alerts", "BTC, ETH", "/unsubscribe all")
	wantAll(t, r.say(t, typed("/unsubscribe sol")), "Which alerts")
	wantAll(t, r.say(t, typed("/unsubscribe btc")), "No more BTC alerts")
	wantAll(t, r.say(t, typed("/unsubscribe")), "No more ETH alerts")
	wantAll(t, r.say(t, typed("/unsubscribe all")), "No alerts here", "/subscribe btc")
	if got := r.wishes(t, here).Subscriptions; len(got) != 0 {
		t.Errorf("subscriptions = %+v", got)
	}
	r.say(t, typed("/subscribe"))
	if got := r.wishes(t, here).Subscriptions; len(got) != 1 || got[0].Coin != "BTC" {
		t.Errorf("/subscribe alone means the chat's coin, got %+v", got)
	}
}

func TestAlertButtonsPauseResumeAndDrop(t *testing.T) {
	r := newRoom(t)
	here := typed("").Target
	r.say(t, typed("/subscribe btc"))
	r.say(t, typed("/alert btc 94,681"))
	reply := r.Handle(t.Context(), typed("/alerts"))
	wantAll(t, reply.Text.String(), "BTC breakouts, the usual ones", "BTC rises to $94,681, once")
	id := r.wishes(t, here).Levels[0].ID
	for _, step := range []struct {
		data, want string
		paused     bool
	}{
		{"v1|alerts|pause|BTC|edit", "paused", true},
		{"v1|alerts|pause|BTC|edit", "paused", true},
		{"v1|alerts|resume|BTC|edit", "the usual ones", false},
	} {
		reply := r.Handle(t.Context(), pressed(step.data))
		wantAll(t, reply.Text.String(), step.want)
		if got := r.wishes(t, here).Subscriptions[0].Paused; got != step.paused || !reply.Edit {
			t.Errorf("%s: paused %v, edit %v", step.data, got, reply.Edit)
		}
	}
	r.say(t, pressed("v1|alerts|level|"+number(id)+"|edit"))
	r.say(t, pressed("v1|alerts|drop|BTC|edit"))
	if got := r.wishes(t, here); len(got.Subscriptions)+len(got.Levels) != 0 {
		t.Errorf("after dropping all: %+v", got)
	}
}

func number(id uint64) string {
	var digits []byte
	for ; id > 0; id /= 10 {
		digits = append([]byte{byte('0' + id%10)}, digits...)
	}
	return string(digits)
}

func TestThresholdsAreReadAsPeopleTypeThem(t *testing.T) {
	r := newRoom(t)
	for text, want := range map[string]float64{
		"/threshold btc breakout 1.5B":          1.5e9,
		"/threshold btc breakout 1500M":         1.5e9,
		"/threshold btc breakout 1,500,000,000": 1.5e9,
		"/threshold btc breakout 15亿":           1.5e9,
		"/threshold btc breakout 1,5 млрд":      1.5e9,
		"/threshold BTC 2b":                     2e9,
		"/threshold breakout 3b":                3e9,
		"/threshold btc breakout off":           0,
	} {
		reply := r.say(t, typed(text))
		if got := r.wishes(t, typed("").Target).Threshold(alert.Breakout, "BTC"); got != want {
			t.Errorf("%s sets %v, want %v:\n%s", text, got, want, reply)
		}
	}
	wantAll(t, r.say(t, typed("/threshold btc breakout 1.5B")), "from $1.5B", "not subscribed yet: /subscribe btc", "$2.705B")
	wantAll(t, r.say(t, typed("/threshold btc")), "from $1.5B", "/threshold btc breakout 1.5B")
}

func TestBadInputOfAlertsShowsWhatWorksAndChangesNothing(t *testing.T) {
	r := newRoom(t)
	here := typed("").Target
	r.say(t, typed("/subscribe btc"))
	before := r.wishes(t, here)
	for text, want := range map[string]string{
		"/threshold btc breakout lots": "/threshold btc breakout 1.5B",
		"/threshold btc breakout -5":   "/threshold btc breakout 1.5B",
		"/threshold btc brekout 1b":    "/threshold btc breakout 1.5B",
		"/threshold btc price 1b":      "Kinds of alerts that have a threshold: breakout, approach",
		"/threshold btc 1.5":           "Did you leave out the unit",
		"/threshold xyzzy 1b":          "I do not know that coin",
		"/alert btc -5":                "/alert btc 94681",
		"/alert btc 0":                 "/alert btc 94681",
		"/alert btc":                   "/alert btc 94681",
		"/alert btc soon":              "/alert btc 94681",
		"/alert btc 1":                 "too far away",
		"/alert btc 90131.71":          "Choose a price above or below",
		"/alert":                       "/alert btc 94681",
		"/alert btc 1e999":             "/alert btc 94681",
		"/mute whenever":               "/mute 8h",
		"/mute 8":                      "/mute 8h",
		"/mute -1h":                    "/mute 8h",
		"/mute 400d":                   "/mute 8h",
		"/subscribe btc eth":           "One coin at a time",
		"/subscribe xyzzy":             "I do not know that coin",
		"/subscribe btc @news":         "no other channels",
		"/settings everything":         "/settings log",
		"/alerts pause":                "/alerts",
		"/alerts explode btc":          "/alerts",
	} {
		if got := r.say(t, typed(text)); !strings.Contains(got, want) {
			t.Errorf("%s: lacks %q:\n%s", text, want, got)
		}
	}
	for _, data := range []string{"v1|alerts|explode|BTC", "v1|alert|BTC|94681", "v1|threshold|BTC|breakout|lots", "v1|mute|never", "v1|subscribe", "v1|unsubscribe|", "v0|mute|8h"} {
		r.say(t, pressed(data))
	}
	after := r.wishes(t, here)
	if len(after.Thresholds) != 0 || len(after.Levels) != 0 || !after.MutedUntil.IsZero() || len(after.Subscriptions) != len(before.Subscriptions) {
		t.Errorf("something changed: %+v", after)
	}
}

func TestMuteAndUnmute(t *testing.T) {
	r := newRoom(t)
	wantAll(t, r.say(t, typed("/mute 8h")), "Muted", "24 Nov 2026 22:05 UTC")
	if got := r.wishes(t, typed("").Target).MutedUntil; !got.Equal(now.Add(8 * time.Hour)) {
		t.Errorf("muted until %v", got)
	}
	wantAll(t, r.say(t, typed("/mute")), "Muted")
	wantAll(t, r.say(t, pressed("v1|mute|off")), "Alerts are on")
	wantAll(t, r.say(t, typed("/mute 30 минут")), "14:35")
	wantAll(t, r.say(t, typed("/mute off")), "Alerts are on")
}

func TestGroupsBelongToTheirAdmins(t *testing.T) {
	r := newRoom(t)
	group := inGroup("", true).Target
	changes := []string{
		"/subscribe btc", "/alert btc 94681", "/mute 8h", "/threshold btc breakout 1.5B", "/unsubscribe all",
	}
	for _, text := range changes {
		wantAll(t, r.say(t, inGroup(text+"", false)), "nly admins", "")
	}
	r.say(t, inGroup("/subscribe btc", true))
	for _, data := range []string{"v1|alerts|pause|BTC|edit", "v1|alerts|drop|BTC|edit", "v1|unsubscribe|BTC", "v1|mute|8h", "v1|threshold|BTC|breakout|1B|edit", "v1|subscribe|ETH"} {
		forged := inGroup("", false)
		forged.Press = data
		reply := r.Handle(t.Context(), forged)
		wantAll(t, reply.Text.String(), "nly admins")
		if !reply.Private {
			t.Errorf("%s: the refusal is shown to everyone", data)
		}
	}
	unsure := inGroup("/mute 8h", false)
	unsure.IsAdmin = func(context.Context) (bool, error) { return false, errors.New("timeout") }
	wantAll(t, r.say(t, unsure), "could not check", "Nothing was changed")
	got := r.wishes(t, group)
	if len(got.Subscriptions) != 1 || got.Subscriptions[0].Paused || !got.MutedUntil.IsZero() || len(got.Thresholds)+len(got.Levels) != 0 {
		t.Errorf("members changed the group's alerts: %+v", got)
	}
	wantAll(t, r.say(t, inGroup("/alerts", false)), "BTC breakouts")
}

func TestSettingsAndTheirLog(t *testing.T) {
	r := newRoom(t)
	wantAll(t, r.say(t, inGroup("/settings log", true)), "Nothing was changed")
	for _, text := range []string{"/subscribe btc", "/threshold btc breakout 1.5B", "/alert eth 91000", "/mute 8h", "/mute off", "/unsubscribe all"} {
		reply := r.Handle(t.Context(), inGroup(text, true))
		if data := button(reply, "Keep"); data != "" {
			r.press(t, inGroup("", true), data)
		}
	}
	wantAll(t, r.say(t, inGroup("/settings", false)),
		"Language: English", "BTC, 7d", "Alerts: none", "BTC breakouts: from $1.5B", "Alerts are on", "10 seconds", "15 minutes", "Only admins")
	wantAll(t, r.say(t, inGroup("/settings log", false)),
		"Anna: subscribed to BTC", "Anna: BTC breakouts: the usual ones → from $1.5B", "Anna: asked for ETH at $91,000", "muted until", "ended the mute", "ended all alerts")
	anonymous := inGroup("/subscribe sol", true)
	anonymous.Member, anonymous.MemberName = chat.Member{}, ""
	r.say(t, anonymous)
	wantAll(t, r.say(t, inGroup("/settings log", false)), "an admin: subscribed to SOL")
}

func TestChannelsAreForTheirAdmins(t *testing.T) {
	r := newRoom(t)
	channel := chat.Target{Platform: chat.Telegram, Chat: "-1007"}
	from := func(text string, place chat.Place, err error) chat.Request {
		q := typed(text)
		q.Place = func(_ context.Context, name string) (chat.Place, error) {
			if name != "@news" {
				t.Errorf("asked for %q", name)
			}
			return place, err
		}
		return q
	}
	mine := chat.Place{Target: channel, Kind: chat.Channel, Admin: true, CanPost: true}
	for name, c := range map[string]struct {
		place chat.Place
		err   error
		want  string
	}{
		"unknown":     {err: chat.ErrNoPlace, want: "cannot see that channel"},
		"unsure":      {err: errors.New("timeout"), want: "could not check"},
		"of others":   {place: chat.Place{Target: channel, Kind: chat.Channel, CanPost: true}, want: "Only admins of that channel"},
		"without bot": {place: chat.Place{Target: channel, Kind: chat.Channel, Admin: true}, want: "may not post"},
	} {
		t.Run(name, func(t *testing.T) {
			wantAll(t, r.say(t, from("/subscribe btc @news", c.place, c.err)), c.want)
		})
	}
	if got := r.wishes(t, channel); len(got.Subscriptions) != 0 {
		t.Fatalf("subscribed: %+v", got)
	}
	wantAll(t, r.say(t, from("/subscribe btc @news", mine, nil)), "📣 @news", "Subscribed to BTC")
	wantAll(t, r.say(t, from("/threshold btc breakout 1.5b @news", mine, nil)), "$1.5B")
	got := r.wishes(t, channel)
	if len(got.Subscriptions) != 1 || got.Kind != chat.Channel || got.Threshold(alert.Breakout, "BTC") != 1.5e9 {
		t.Errorf("channel = %+v", got)
	}
	if own := r.wishes(t, typed("").Target); len(own.Subscriptions)+len(own.Thresholds) != 0 {
		t.Errorf("the private chat was changed: %+v", own)
	}
	wantAll(t, r.say(t, from("/alerts @news", mine, nil)), "BTC breakouts, from $1.5B")
	wantAll(t, r.say(t, from("/unsubscribe btc @news", mine, nil)), "No more BTC")
}

func TestTopicsHaveAlertsOfTheirOwn(t *testing.T) {
	r := newRoom(t)
	in := func(text, thread string) chat.Request {
		q := inGroup(text, true)
		q.Target.Thread = thread
		return q
	}
	r.say(t, in("/subscribe btc", "5"))
	r.say(t, in("/subscribe btc", "6"))
	got := r.wishes(t, in("", "").Target).Subscriptions
	if len(got) != 2 || got[0].Thread == got[1].Thread {
		t.Fatalf("subscriptions = %+v", got)
	}
	wantAll(t, r.say(t, in("/alerts", "5")), "another topic")
	r.say(t, in("/unsubscribe btc", "5"))
	if got := r.wishes(t, in("", "").Target).Subscriptions; len(got) != 1 || got[0].Thread != "6" {
		t.Errorf("subscriptions = %+v", got)
	}
}

// breakout is the alert of the mission.
func breakout() *alert.Alert {
	return &alert.Alert{
		ID: "a", Rule: alert.Breakout, Coin: "BTC", Window: market.Week, Rising: true, LevelUSD: 94681, PriceUSD: 95230.4, Kind: market.MarkPrice,
		IntensityUSD: 2.705e9, IntensityAt: now.Add(-time.Minute), At: now, Crossed: now.Add(-11 * time.Second), Last: now.Add(-5 * time.Hour),
		Provenance: market.Provenance{Source: "CoinGlass", Origin: market.Vendor, AsOf: now, Venues: []market.Venue{"Binance", "OKX"}},
	}
}

// worded is an alert as a recipient gets it.
func (r *room) worded(t *testing.T, a *alert.Alert, to alert.Recipient, shape chat.Shape, repeat bool) (chat.Reply, error) {
	t.Helper()
	return r.AlertReply(t.Context(), alert.Delivery{Alert: a, To: to, Repeat: repeat}, shape)
}

func TestAlertSaysWhatHappened(t *testing.T) {
	r := newRoom(t)
	to := alert.Recipient{Target: typed("").Target, Kind: chat.Private, Language: "en"}
	reply, err := r.worded(t, breakout(), to, chat.Portrait, false)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, reply.Text.String(), "BTC broke above $94,681", "Mark price $95,230.40 at 24 Nov 2026 14:05:08 UTC", "for 11 seconds",
		"Up to $94,681 lay $2.705B of short liquidation intensity", "Shorts there must buy back", "5 hours before", "Next key levels", "CoinGlass (vendor's estimate)",
		"not dollars that will be liquidated")
	if reply.Picture == nil || reply.Buttons[0][0].Data != "v1|mute|8h" || reply.Buttons[0][1].Data != "v1|unsubscribe|BTC|breakout" {
		t.Errorf("reply = %+v", reply)
	}
	again, _ := r.worded(t, breakout(), to, chat.Portrait, false)
	if again.Picture != reply.Picture || r.charts.made != 1 {
		t.Errorf("the picture was made %d times", r.charts.made)
	}
	repeat, _ := r.worded(t, breakout(), to, chat.Portrait, true)
	wantAll(t, repeat.Text.String(), "Repeat")
}

func TestAlertFitsACaptionInEveryLanguage(t *testing.T) {
	const caption = 1024 // https://core.telegram.org/bots/api#sendphoto
	r := newRoom(t)
	long := breakout()
	long.Provenance.Demo = true
	long.BlindSince = now.Add(-time.Hour)
	long.Provenance.Venues = []market.Venue{"Binance", "OKX", "Bybit", "Bitget", "Hyperliquid", "Gate", "Kraken", "Deribit", "BitMEX"}
	for _, tag := range locales.Tags() {
		for _, rising := range []bool{true, false} {
			a := *long
			a.ID, a.Rising = tag+map[bool]string{true: "up"}[rising], rising
			reply, err := r.worded(t, &a, alert.Recipient{Target: typed("").Target, Language: tag}, chat.Wide, true)
			if err != nil {
				t.Fatal(err)
			}
			if n := chat.Units(reply.Text.String()); n > caption || reply.Language != tag {
				t.Errorf("%s: %d units in %s:\n%s", tag, n, reply.Language, reply.Text)
			}
		}
	}
}

func TestAlertSpeaksTheChatsLanguage(t *testing.T) {
	r := newRoom(t)
	to := alert.Recipient{Target: typed("").Target, Language: "ru"}
	reply, _ := r.worded(t, breakout(), to, chat.Wide, false)
	wantAll(t, reply.Text.String(), "пробил")
	r.say(t, typed("/lang zh"))
	reply, _ = r.worded(t, breakout(), to, chat.Wide, false)
	wantAll(t, reply.Text.String(), "向上突破")
}

func TestAlertWithoutAFreshMapHasNoPicture(t *testing.T) {
	r := newRoom(t)
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	old := *r.market.all[key]
	old.Price.Provenance.AsOf = now.Add(-time.Hour)
	r.market.all[key] = &old
	reply, err := r.worded(t, breakout(), alert.Recipient{Target: typed("").Target, Language: "en"}, chat.Wide, false)
	if err != nil || reply.Picture != nil {
		t.Errorf("picture %v, err %v", reply.Picture, err)
	}
	wantAll(t, reply.Text.String(), "BTC broke above $94,681")
	if strings.Contains(reply.Text.String(), "Next key levels") {
		t.Errorf("an old map is shown as the next levels:\n%s", reply.Text)
	}
}

func TestPriceAlertAndBlindTimes(t *testing.T) {
	r := newRoom(t)
	a := breakout()
	a.ID, a.Rule, a.IntensityUSD, a.BlindSince = "p", alert.Price, 0, now.Add(-time.Hour)
	reply, _ := r.worded(t, a, alert.Recipient{Target: typed("").Target, Language: "en"}, chat.Wide, false)
	wantAll(t, reply.Text.String(), "BTC rose to $94,681, the price you asked for", "did not see: between 24 Nov 2026 13:05:08 UTC and 24 Nov 2026 14:05:08 UTC")
	if strings.Contains(reply.Text.String(), "Up to $94,681 lay") {
		t.Errorf("a price alert speaks of intensity behind its level:\n%s", reply.Text)
	}
}

func TestCoinThatIsNotListedAnyMoreCanBeDropped(t *testing.T) {
	for _, request := range []chat.Request{typed("/unsubscribe sol"), pressed("v1|alerts|drop|SOL|edit")} {
		r := newRoom(t)
		r.say(t, typed("/subscribe sol"))
		r.market.coins = []market.Coin{"BTC"}
		r.say(t, request)
		if got := r.wishes(t, request.Target).Subscriptions; len(got) != 0 {
			t.Errorf("%s%s: %+v", request.Text, request.Press, got)
		}
	}
}

func TestChatThatSpeaksCanBeReachedAgain(t *testing.T) {
	r := newRoom(t)
	here := typed("").Target
	r.say(t, typed("/subscribe btc"))
	if err := r.alerts.Left(t.Context(), here, "bot was blocked by the user"); err != nil {
		t.Fatal(err)
	}
	r.say(t, typed("/subscribe eth"))
	if got := r.wishes(t, here); got.Retired != (alert.Retirement{}) {
		t.Errorf("still given up: %+v", got.Retired)
	}
}

func TestFiguresAreLabelledWhereverTheyStand(t *testing.T) {
	for _, text := range []string{"/subscribe btc", "/threshold btc", "/threshold btc breakout 1.5b", "/alert btc 94681"} {
		r := newRoom(t)
		key := snapshot.Key{Coin: "BTC", Window: market.Week}
		r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
			s.Price.Provenance.Demo, in.Provenance.Demo = true, true
		})
		wantAll(t, r.say(t, typed(text)), "DEMO", "CoinGlass", "seconds ago")
		r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Price.Provenance.RecordedAt = now.AddDate(0, -1, 0)
		})
		wantAll(t, r.say(t, typed(text)), "Recorded market of 24 Oct 2026")
	}
	r := newRoom(t)
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	old := *r.market.all[key]
	old.Price.Provenance.AsOf = now.Add(-time.Hour)
	r.market.all[key] = &old
	wantAll(t, r.say(t, typed("/subscribe btc")), "no fresh data for BTC")
	wantAll(t, r.say(t, typed("/alert btc 94681")), "no fresh price for BTC")
}

func TestNoAlertsArePromisedWhereTheBotMayNotPost(t *testing.T) {
	r := newRoom(t)
	for _, text := range []string{"/subscribe btc", "/alert btc 94681"} {
		q := inGroup(text, true)
		q.CannotPost = true
		wantAll(t, r.say(t, q), "may not post in this channel")
	}
	if got := r.wishes(t, inGroup("", true).Target); len(got.Subscriptions)+len(got.Levels) != 0 {
		t.Errorf("kept %+v", got)
	}
}

func TestPricesAreDroppedByTyping(t *testing.T) {
	r := newRoom(t)
	for _, text := range []string{"/alert btc 94681", "/alert 95000 btc", "/alert btc 95k off"} {
		r.say(t, typed(text))
	}
	if got := r.wishes(t, typed("").Target).Levels; len(got) != 1 || got[0].USD != 94681 {
		t.Errorf("levels = %+v, want the one at 94681", got)
	}
	wantAll(t, r.say(t, typed("/alert btc off")), "No alerts here")
}
