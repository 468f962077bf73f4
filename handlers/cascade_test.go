package handlers_test

import (
	"errors"
	"strings"
	"testing"

	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// wide lets a map reach farther than its key levels.
func wide(_ *snapshot.Snapshot, in *liquidation.Input) {
	in.Levels = append(in.Levels,
		liquidation.Level{PriceUSD: 60_000, Side: market.Long, IntensityUSD: 1e6}, liquidation.Level{PriceUSD: 150_000, Side: market.Short, IntensityUSD: 1e6})
}

func TestCascadeSaysWhatLiesOnTheWay(t *testing.T) {
	r := liveRoom(t, wide)
	reply := r.Handle(t.Context(), typed("/cascade btc -5%"))
	got := reply.Text.String()
	wantAll(t, got, "BTC scenario · 7d", "Mark price: $90,131.71", "If it falls to $85,625 (-5.00%)", "On the way lies $1.563B of long liquidation intensity", "Longs there are sold",
		"$89,230 (-1.00%): – · –\n", "$87,427 (-3.00%): $500M · $500M", "$85,625 (-5.00%): $1.063B · $1.563B", "Densest on the way: $86,137, $1.063B",
		"A scenario, not a forecast", "about 1% of the intensity", "about 1.3x the liquidations",
		"Source: Exchanges (estimate)", "Missing: Gate", "8 seconds ago", "not dollars that will be liquidated", "Not financial advice")
	wantNone(t, got, "DEMO", "Stale", "{", "short liquidation")
	if reply.Private || reply.Edit || reply.Picture != nil {
		t.Errorf("reply = %+v", reply)
	}
	b := reply.Buttons
	if len(b) != 3 || b[0][1].Data != "v1|cascade|BTC|-5%|7d|edit" || !b[0][1].Active || b[1][1].Active || b[1][1].Label != "+5%" || b[2][0].Data != "v1|liq|BTC|7d" {
		t.Errorf("buttons = %+v", b)
	}
	up := r.say(t, typed("/cascade btc 94681 1d"))
	wantAll(t, up, "BTC scenario · 1d", "If it rises to $94,681 (+5.05%)", "$2.705B of short liquidation intensity", "Shorts there must buy back", "$94,681 (+5.05%): $1.705B · $2.705B")
}

// What was fitted on the bot's own estimate is not said of a vendor's map.
func TestCascadeClaimsOnlyWhatWasTested(t *testing.T) {
	vendor := newRoom(t).say(t, typed("/cascade btc -4%"))
	wantAll(t, vendor, "What CoinGlass shows has not been tested like that", "For the bot's own estimate: about 1%")
	for _, tag := range locales.Tags() {
		request := typed("/cascade btc +2%")
		request.LanguageHint = tag
		got := strings.ToLower(liveRoom(t, nil).say(t, request))
		wantNone(t, got, "{", "target price", "expect", "цель", "目标")
	}
	demo := liveRoom(t, func(s *snapshot.Snapshot, in *liquidation.Input) {
		in.Provenance.Demo, s.Price.Provenance.Demo = true, true
	}).say(t, typed("/cascade btc -4%"))
	wantAll(t, demo, "DEMO", "has not been tested")
}

func TestCascadeReadsTargetsAsPeopleTypeThem(t *testing.T) {
	r := liveRoom(t, wide)
	fall5, rise5 := "BTC scenario · 7d\nMark price: $90,131.71\nIf it falls to $85,625 (-5.00%)", "If it rises to $94,639 (+5.00%)"
	for text, want := range map[string]string{
		"/cascade btc -5%":          fall5,
		"/cascade -5% btc":          fall5,
		"/cascade -5":               fall5,
		"/cascade btc -5 %":         fall5,
		"/cascade btc − 5 %":        fall5,
		"/cascade btc −5%":          fall5,
		"/cascade btc –5％":          fall5,
		"/cascade btc -5,0%":        fall5,
		"/cascade btc down 5%":      fall5,
		"/cascade btc down 5":       fall5,
		"/cascade btc down to -5%":  fall5,
		"/cascade btc DOWN -5":      fall5,
		"/cascade btc 跌5%":          fall5,
		"/cascade btc 下跌 5％":        fall5,
		"/cascade btc вниз на 5%":   fall5,
		"/cascade btc 7d -5%":       fall5,
		"/cascade btc 5%":           rise5,
		"/cascade btc +5":           rise5,
		"/cascade btc up 5":         rise5,
		"/cascade btc +5%":          rise5,
		"/cascade btc 85000":        "If it falls to $85,000 (-5.69%)",
		"/cascade btc 85k":          "If it falls to $85,000 (-5.69%)",
		"/cascade btc $85,000":      "If it falls to $85,000 (-5.69%)",
		"/cascade btc 85 000":       "If it falls to $85,000 (-5.69%)",
		"/cascade btc 8.5万":         "If it falls to $85,000 (-5.69%)",
		"/cascade btc 跌至85000":      "If it falls to $85,000 (-5.69%)",
		"/cascade btc to 85000":     "If it falls to $85,000 (-5.69%)",
		"/cascade btc -85000":       "If it falls to $85,000 (-5.69%)",
		"/cascade btc 85000.5":      "If it falls to $85,000.5 (-5.69%)",
		"/cascade btc 95k 1d":       "If it rises to $95,000 (+5.40%)",
		"/cascade BTCUSDT +0.3%":    "If it rises to $90,403 (+0.30%)",
		"/cascade btc -30%":         "If it falls to $63,092 (-30.00%)",
		"/cascade eth@x":            "",
		"/cascade eth -2%":          "ETH scenario",
		"/cascade@name_bot sol 92k": "SOL scenario",
	} {
		if got := r.say(t, typed(text)); !strings.Contains(got, want) {
			t.Errorf("%s: want %q:\n%s", text, want, got)
		}
	}
	if got := r.say(t, pressed("v1|cascade|BTC|-5%|7d|edit")); !strings.Contains(got, fall5) {
		t.Errorf("pressed:\n%s", got)
	}
}

// Every refusal has an example, and every example works.
func TestCascadeRefusesWithAnExampleThatWorks(t *testing.T) {
	only := func(side market.Side) func(*snapshot.Snapshot, *liquidation.Input) {
		return func(_ *snapshot.Snapshot, in *liquidation.Input) {
			var kept []liquidation.Level
			for _, l := range in.Levels {
				if l.Side == side {
					kept = append(kept, l)
				}
			}
			in.Levels = kept
		}
	}
	near := func(_ *snapshot.Snapshot, in *liquidation.Input) {
		in.Levels = []liquidation.Level{
			{PriceUSD: 90_431, Side: market.Short, IntensityUSD: 1e6}, {PriceUSD: 88_000, Side: market.Long, IntensityUSD: 1e6},
		}
	}
	for _, tt := range []struct {
		name, text, want string
		change           func(*snapshot.Snapshot, *liquidation.Input)
	}{
		{"nothing", "/cascade", "How far?", nil},
		{"only a coin", "/cascade btc", "How far?", nil},
		{"zero", "/cascade btc 0", "How far?", nil},
		{"zero percent", "/cascade btc 0%", "How far?", nil},
		{"words", "/cascade btc moon", "How far?", nil},
		{"all of it", "/cascade btc -100%", "How far?", nil},
		{"more than all", "/cascade btc -250%", "How far?", nil},
		{"two directions", "/cascade btc up down 5%", "How far?", nil},
		{"up by minus", "/cascade btc up -5%", "How far?", nil},
		{"two moves", "/cascade btc -5% +5%", "How far?", nil},
		{"endless", "/cascade btc 1e400", "How far?", nil},
		{"the mark", "/cascade btc 90131.71", "is at $90,131.71 right now", nil},
		{"the other side", "/cascade btc -94k", "is on the other side", nil},
		{"the other side, beyond", "/cascade btc -950k", "is on the other side", nil},
		{"beyond, down", "/cascade btc -50%", "reaches down to $86,137", nil},
		{"beyond, up", "/cascade btc 500k", "reaches up to $94,681", nil},
		{"a percentage as a price", "/cascade btc 5", "reaches down to $86,137", nil},
		{"nothing below", "/cascade btc -1%", "has no levels below", only(market.Short)},
		{"nothing above", "/cascade btc +1%", "has no levels above", only(market.Long)},
		{"a near edge", "/cascade btc +5%", "reaches up to $90,431", near},
		{"a near edge below", "/cascade btc -5%", "reaches down to $88,000", near},
		{"usage of a small map", "/cascade btc x", "How far?", near},
		{"unknown coin", "/cascade etg -5%", "Did you mean", nil},
		{"unknown coin behind", "/cascade -5% etg", "Did you mean", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := liveRoom(t, tt.change)
			reply := r.Handle(t.Context(), typed(tt.text))
			got := reply.Text.String()
			if !strings.Contains(got, tt.want) || !reply.Private || strings.Contains(got, "{") {
				t.Errorf("want %q:\n%s", tt.want, got)
			}
			for _, part := range strings.Split(got, "/cascade ")[1:] {
				example := "/cascade " + strings.TrimRight(strings.Join(strings.Fields(part)[:2], " "), ",.")
				if answer := r.say(t, typed(example)); !strings.Contains(answer, "scenario") && !emptySide(answer) {
					t.Errorf("the example %q gets:\n%s", example, answer)
				}
			}
		})
	}
}

// emptySide is the answer to an example for the side on which a map has nothing.
func emptySide(answer string) bool { return strings.Contains(answer, "has no levels") }

func TestCascadeOfStaleAndMissingData(t *testing.T) {
	r := liveRoom(t, nil)
	key := snapshot.Key{Coin: "ETH", Window: market.Week}
	delete(r.market.all, key)
	r.market.err = &snapshot.Error{Problem: snapshot.Unavailable, Err: errors.New("down")}
	wantNone(t, r.say(t, typed("/cascade eth -5%")), "scenario", "{")
}

// FuzzCascade: whatever is typed, there is an answer, and a path ends where it says.
func FuzzCascade(f *testing.F) {
	for _, s := range []string{"-5%", "5%", "+5", "85000", "85k", "−5 %", "跌5%", "1e9%", "up-5", "btc", "%", "-", "$", "0.0000001%", "to to to", "down 1.5万", "-5%%", "5 5", "+-5"} {
		f.Add(s)
	}
	r := liveRoom(f, nil)
	f.Fuzz(func(t *testing.T, s string) {
		got := r.Handle(t.Context(), typed("/cascade btc "+s)).Text.String()
		if got == "" || strings.Contains(got, "{") || strings.Contains(got, "NaN") || strings.Contains(got, "Inf") || strings.Contains(got, "Something went wrong") {
			t.Errorf("%q gets %q", s, got)
		}
		if strings.Contains(got, "scenario ·") && !strings.Contains(got, "If it falls to") && !strings.Contains(got, "If it rises to") {
			t.Errorf("%q gets a scenario without an end: %q", s, got)
		}
	})
}
