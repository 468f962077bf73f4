package handlers_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"liqbot/accuracy"
	"liqbot/handlers"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// fakeAccuracy knows some coins' reports.
type fakeAccuracy map[market.Coin]accuracy.Report

func (f fakeAccuracy) Report(c market.Coin) (accuracy.Report, bool) {
	r, ok := f[c]
	return r, ok
}

func (f fakeAccuracy) Skipped(c market.Coin) map[accuracy.Reason]int {
	if c == "SOL" {
		return nil
	}
	return map[accuracy.Reason]int{accuracy.Warming: 2, accuracy.Stale: 1, accuracy.Gap: 4}
}

func heldUp() accuracy.Report {
	sample := func(hours, spans, orders int) accuracy.Sample {
		return accuracy.Sample{Over: time.Duration(hours) * time.Hour, Spans: spans, Days: 20, Orders: orders, Venues: []market.Venue{"Bybit", "Gate"}, Ready: true}
	}
	part := sample(1, 400, 9000)
	part.Venues, part.Sampled = []market.Venue{"Binance", "Bybit", "Gate"}, []market.Venue{"Binance"}
	return accuracy.Report{
		Coin: "BTC", Parameters: "1a2b3c4d", Hours: 470, Since: now.Add(-20 * 24 * time.Hour), Until: now.Add(-35 * time.Minute),
		Ranked: []accuracy.Ranked{
			{Sample: sample(1, 463, 4312), Rho: .413, Lo: .31, Hi: .5, Long: .45, Short: .376},
			{Sample: sample(4, 110, 4100), Rho: -.004, Lo: -.13, Hi: .12, Long: .1, Short: -.108},
			{Sample: part, Rho: .37, Lo: .3, Hi: .44, Long: .4, Short: .34},
		},
		Levels: []accuracy.Levels{
			{Sample: sample(1, 460, 3900), Precision: .3125, Lo: .284, Hi: .347, Usual: .22, Lift: 1.42, LiftLo: 1.2, LiftHi: 1.61},
			{Sample: sample(4, 108, 3800), Precision: .41, Lo: .38, Hi: .45, Usual: .36, Lift: 1.14, LiftLo: .95, LiftHi: 1.3},
		},
	}
}

func tooEarly() accuracy.Report {
	nan := math.NaN()
	sample := func(hours, days, orders, spans int) accuracy.Sample {
		return accuracy.Sample{Over: time.Duration(hours) * time.Hour, Spans: spans, Days: days, Orders: orders, Venues: []market.Venue{"Bybit"}}
	}
	ranked := func(s accuracy.Sample) accuracy.Ranked {
		return accuracy.Ranked{Sample: s, Rho: nan, Lo: nan, Hi: nan, Long: nan, Short: nan}
	}
	leveled := func(s accuracy.Sample) accuracy.Levels {
		return accuracy.Levels{Sample: s, Precision: nan, Lo: nan, Hi: nan, Usual: nan, Lift: nan, LiftLo: nan, LiftHi: nan}
	}
	part := sample(1, 9, 400, 200)
	part.Sampled = []market.Venue{"Binance"}
	return accuracy.Report{
		Coin: "ETH", Parameters: "1a2b3c4d", Hours: 200, Since: now.Add(-9 * 24 * time.Hour), Until: now.Add(-time.Hour),
		Ranked: []accuracy.Ranked{ranked(sample(1, 9, 12, 200)), ranked(sample(4, 15, 40, 50)), ranked(part)},
		Levels: []accuracy.Levels{leveled(sample(1, 9, 12, 200)), leveled(sample(4, 15, 40, 50))},
	}
}

// accurateRoom is a bot that checks its maps.
func accurateRoom(tb testing.TB) *room {
	tb.Helper()
	r := liveRoom(tb, func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Model = &snapshot.Model{Parameters: "1a2b3c4d"} })
	r.check(fakeAccuracy{"BTC": heldUp(), "ETH": tooEarly(), "DOGE": {Coin: "DOGE"}})
	return r
}

// check makes the room's handlers anew, with these reports.
func (r *room) check(a handlers.Accuracy) {
	r.Handlers = handlers.New(handlers.Options{
		Snapshots: r.market, Settings: r.settings, Alerts: r.alerts, Charts: r.charts, Accuracy: a,
		StaleAfter: 2 * time.Minute, RefuseAfter: 15 * time.Minute, ColdWait: 50 * time.Millisecond,
		Now: func() time.Time { return now },
	})
}

var backtest = []string{
	"Backtest – recorded data of Binance, not live; BTC, ETH and SOL", "June–July 2024, 1 hour: +0.47 [+0.43, +0.50]; map of the start of each span +0.47; same positions spread evenly +0.40",
	"November 2024 – July 2025, 4 hours: +0.45 [+0.41, +0.47]; map of the start of each span +0.33; same positions spread evenly +0.39", "ETH shorts over 4 hours, gained nothing",
	"nothing of where the price goes", "not dollars that will be liquidated",
}

func TestAccuracySaysHowTheMapHeldUp(t *testing.T) {
	r := accurateRoom(t)
	reply := r.Handle(t.Context(), typed("/accuracy $btc"))
	got := reply.Text.String()
	wantAll(t, got, backtest...)
	wantAll(t, got, "BTC: how well the map holds up", "Exchanges that report every order: Bybit, Gate",
		"1 hour: +0.41 [+0.31, +0.50] · longs +0.45, shorts +0.38 · n 463, days 20", "4 hours: 0.00 [-0.13, +0.12] · longs +0.10, shorts -0.11 · n 110",
		"only part (Binance; lower bounds): Binance, Bybit, Gate\n1 hour: +0.37 [+0.30, +0.44]",
		"1 hour: 31% [28%, 35%], usual 22%: 1.42x [1.20x, 1.61x] · orders 3,900, days 20", "Hours that count: 470, ", "(35 minutes ago) · model 1a2b3c4d",
		"map not whole, fresh or warm: 3 · watching interrupted: 4", "Range given")
	wantNone(t, got, "NaN", "{", "DEMO", "no figure", "data missing", "Rank correlation with")
	if row := reply.Buttons[0]; row[0].Data != "v1|accuracy|BTC|edit" || row[1].Data != "v1|why|BTC" || reply.Edit || reply.Private {
		t.Errorf("%+v", reply)
	}
	if reply = r.Handle(t.Context(), pressed("v1|accuracy|ETH|edit")); !reply.Edit || !strings.Contains(reply.Text.String(), "ETH: how well") {
		t.Errorf("%+v", reply)
	}
}

func TestAccuracyTellsNoFigureTooEarly(t *testing.T) {
	r := accurateRoom(t)
	got := r.say(t, typed("/accuracy eth"))
	wantAll(t, got, "1 hour: no figure yet – 9 of 14 days, 12 of 30 orders seen", "4 hours: no figure yet – 50 of 60 stretches", "4 hours: no figure – too little was liquidated")
	wantAll(t, got, backtest...)
	wantNone(t, got, "NaN", "{", "lower bounds")
	for _, coin := range []string{"sol", "doge"} {
		got = r.say(t, typed("/accuracy "+coin))
		wantAll(t, got, "No hour of "+strings.ToUpper(coin)+" counts yet", "not live")
		wantNone(t, got, "NaN", "{", "By hour", "Hours that count")
	}
	for text, want := range map[string]string{"/accuracy etg": "Did you mean", "/accuracy btc eth": "/liq btc 7d", "/accuracy 3d": "Windows are"} {
		wantAll(t, r.say(t, typed(text)), want)
	}
}

func TestAccuracyOfASourceThatIsNotChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*snapshot.Snapshot, *liquidation.Input)
		want   string
	}{
		"a vendor":       {nil, "is not this bot's own estimate"},
		"a single reply": {func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Model = new(snapshot.Model) }, "here nothing is kept"},
		"demo":           {func(_ *snapshot.Snapshot, in *liquidation.Input) { in.Provenance.Demo = true }, "DEMO"},
	} {
		t.Run(name, func(t *testing.T) {
			got := liveRoom(t, c.change).say(t, typed("/accuracy"))
			wantAll(t, got, backtest...)
			wantAll(t, got, c.want)
			wantNone(t, got, "By hour", "NaN", "{")
		})
	}
}

func TestAccuracyInEveryLanguage(t *testing.T) {
	r := accurateRoom(t)
	report := heldUp()
	report.Vendor = &accuracy.VendorAgreement{Vendor: "CoinGlass", Rho: .61, Lo: .5, Hi: .7, N: 48, Since: now.Add(-48 * time.Hour)}
	r.check(fakeAccuracy{"BTC": report, "ETH": tooEarly()})
	for _, tag := range locales.Tags() {
		for _, coin := range []string{"btc", "eth", "sol"} {
			request := typed("/accuracy " + coin)
			request.LanguageHint = tag
			got := r.say(t, request)
			wantNone(t, got, "{", "accuracy.", "NaN")
			if n := len([]rune(got)); n > 2000 {
				t.Errorf("%s, %s: %d characters", tag, coin, n)
			}
			if coin == "btc" {
				wantAll(t, got, "CoinGlass", "1a2b3c4d")
			}
		}
	}
}
