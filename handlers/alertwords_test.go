package handlers_test

import (
	"strings"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
)

// found are alerts of every rule, as the watcher makes them.
func found() []alert.Alert {
	live := market.Provenance{Source: "Exchanges", Origin: market.Estimate, AsOf: now, Venues: []market.Venue{"Binance", "Bybit"}}
	base := alert.Alert{Coin: "BTC", Window: market.Week, PriceUSD: 95230.4, Kind: market.MarkPrice, At: now, Crossed: now, Provenance: live, Notable: true}
	with := func(rule alert.Rule, change func(*alert.Alert)) alert.Alert {
		a := base
		a.ID, a.Rule = string(rule), rule
		change(&a)
		return a
	}
	return []alert.Alert{
		with(alert.Approach, func(a *alert.Alert) { a.Strength, a.LevelUSD, a.Rising = 6e8, 96000, true }),
		with(alert.Imbalance, func(a *alert.Alert) { a.Strength, a.Value, a.Rising = 3.2, 3.2, true }),
		with(alert.Imbalance, func(a *alert.Alert) { a.ID, a.Strength, a.Flipped = "flip", 1.6, true }),
		with(alert.Cascade, func(a *alert.Alert) { a.Strength, a.Value, a.Usual, a.Span = 48e6, 48e6, 4e6, 15*time.Minute }),
		with(alert.Large, func(a *alert.Alert) {
			a.Strength, a.LevelUSD, a.Venue, a.At = 5.2e6, 95100, "Bybit", now.Add(-3*time.Second)
		}),
		with(alert.Funding, func(a *alert.Alert) { a.Strength, a.Value, a.Usual, a.Rising = 0.0006, 0.0007, 0.0001, true }),
		with(alert.OpenInterest, func(a *alert.Alert) { a.Strength, a.Value, a.Usual, a.Span = 0.062, 8.1e9, 0.007, time.Hour }),
		with(alert.Outcome, func(a *alert.Alert) {
			a.LevelUSD, a.Rising, a.Span = 94681, true, 4*time.Hour
			a.Followed = &alert.Followed{
				ID: "a", After: 4 * time.Hour, FromUSD: 94702, ToUSD: 95230.4, BestUSD: 96000, WorstUSD: 94100,
				LiquidatedUSD: 31e6, Watched: true, Held: true, BaseHeld: 14, BaseCount: 25,
			}
		}),
		with(alert.Notice, func(a *alert.Alert) { a.Words = "Moving at noon." }),
	}
}

func TestEveryRuleIsWorded(t *testing.T) {
	r := newRoom(t)
	to := alert.Recipient{Target: typed("").Target, Kind: chat.Private, Language: "en"}
	want := map[string][]string{
		"approach":  {"BTC is near $96,000", "+0.81%", "$600M of short liquidation intensity", "not dollars that will be liquidated"},
		"imbalance": {"shorts outweigh longs 3.20x", "same distance"},
		"flip":      {"the heavier side is now longs, 1.60x"},
		"cascade":   {"$48M liquidated within 15 minutes", "Mostly longs", "12x the usual $4M", "lower bound"},
		"large":     {"one long of $5.2M liquidated on Bybit", "At $95,100.00, 24 Nov 2026 14:05:05 UTC", "$95,230.40 at 24 Nov 2026 14:05:08 UTC"},
		"funding":   {"funding jumped to +0.0700% per 8 hours", "Usual lately: +0.0100%", "+0.0600% points"},
		"oi":        {"open interest shrank by 6.20% within 60 minutes", "Now $8.1B", "Usual within 60 minutes: 0.70%"},
		"outcome": {
			"BTC 4 hours after the break above $94,681", "held: $95,230.40 is still beyond", "+0.56%", "+1.37%", "-0.64%",
			"Shorts reported as liquidated since: at least $31M", "Of 25 earlier BTC breakouts 14 held after 4 hours (56%)",
		},
		"notice": {"From the bot's host", "Moving at noon."},
	}
	for _, a := range found() {
		reply, err := r.worded(t, &a, to, chat.Portrait, false)
		if err != nil {
			t.Fatal(err)
		}
		wantAll(t, reply.Text.String(), want[a.ID]...)
		if a.Rule != alert.Notice && (len(reply.Buttons) == 0 || button(reply, "Mute")+button(reply, "🔕")+button(reply, "Record") == "") {
			t.Errorf("%s: buttons %+v", a.ID, reply.Buttons)
		}
	}
}

func TestEveryAlertFitsInEveryLanguage(t *testing.T) {
	const caption = 1024 // https://core.telegram.org/bots/api#sendphoto
	r := newRoom(t)
	for _, tag := range locales.Tags() {
		to := alert.Recipient{Target: typed("").Target, Language: tag}
		for _, a := range found() {
			a.ID += tag
			a.Provenance.Demo, a.Solo, a.BlindSince = true, true, now.Add(-time.Hour)
			for _, late := range []bool{false, true} {
				reply, err := r.AlertReply(t.Context(), alert.Delivery{Alert: &a, To: to, Repeat: true, Late: late}, chat.Wide)
				text := reply.Text.String()
				if err != nil || chat.Units(text) > caption {
					t.Errorf("%s: %d units, %v:\n%s", a.ID, chat.Units(text), err, text)
				}
				if strings.Contains(text, "{") || strings.Contains(text, "alert.") || strings.Contains(text, "outcome.") {
					t.Errorf("%s: unfinished words:\n%s", a.ID, text)
				}
				for _, row := range reply.Buttons {
					for _, b := range row {
						if len(b.Data) > chat.MaxPress || b.Data == "" {
							t.Errorf("%s: button %+v", a.ID, b)
						}
					}
				}
			}
		}
	}
}

func TestASummaryNamesItsAlerts(t *testing.T) {
	r := keptRoom(t)
	r.say(t, typed("/subscribe btc"))
	r.say(t, typed("/timezone Europe/Berlin"))
	to := alert.Recipient{Target: typed("").Target, Kind: chat.Private, Language: "en"}
	all := found()[:5]
	held := alert.Alert{ID: "s", Rule: alert.Summary, At: now, Items: all, Quiet: now.Add(-8 * time.Hour)}
	reply, err := r.worded(t, &held, to, chat.Portrait, false)
	if err != nil || reply.Picture == nil {
		t.Fatalf("%+v, %v", reply, err)
	}
	wantAll(t, reply.Text.String(), "5 alerts, since 24 Nov 2026 07:05 CET", "15:05 CET", "BTC is near $96,000", "one long of $5.2M", "Now BTC $90,131.71")
	burst := held
	burst.ID, burst.Quiet = "b", time.Time{}
	reply, _ = r.worded(t, &burst, to, chat.Portrait, false)
	wantAll(t, reply.Text.String(), "5 alerts at once")
	digest := alert.Alert{ID: "d", Rule: alert.Summary, Digest: true, At: now, Items: all[:1]}
	reply, _ = r.worded(t, &digest, to, chat.Portrait, false)
	wantAll(t, reply.Text.String(), "Daily digest, 24 Nov 2026 15:05 CET", "BTC $90,131.71", "$2.705B of short", "Alerts held back: 1", "BTC is near")
	digest.ID, digest.Items = "e", nil
	reply, _ = r.worded(t, &digest, to, chat.Portrait, false)
	wantAll(t, reply.Text.String(), "No alerts were held back")
}

func TestALateAlertSaysHowThingsStand(t *testing.T) {
	r := newRoom(t)
	to := alert.Recipient{Target: typed("").Target, Kind: chat.Private, Language: "en"}
	a := breakout()
	reply, err := r.AlertReply(t.Context(), alert.Delivery{Alert: a, To: to, Late: true}, chat.Wide)
	if err != nil {
		t.Fatal(err)
	}
	wantAll(t, reply.Text.String(), "Late: this is from 24 Nov 2026 14:05 UTC", "Now: $90,131.71", "Back on the other side of the level")
	r.market.all = nil
	a.ID = "blind"
	reply, _ = r.AlertReply(t.Context(), alert.Delivery{Alert: a, To: to, Late: true}, chat.Wide)
	wantAll(t, reply.Text.String(), "How things stand now is not known")
}
