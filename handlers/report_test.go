package handlers_test

import (
	"strings"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/handlers"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// estimated is a snapshot of the bot's own estimate, with everything a source can tell.
func estimated(tb testing.TB, key snapshot.Key, age time.Duration) *snapshot.Snapshot {
	tb.Helper()
	return figures(tb, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
		s.ID = 0
		in.Provenance = market.Provenance{Source: "exchanges", Origin: market.Estimate, AsOf: now.Add(-8 * time.Second), Venues: sixVenues[:3], Missing: sixVenues[3:]}
		s.Price.Provenance.Source, s.Price.Provenance.Venues, s.Price.Provenance.AsOf = "exchanges", sixVenues[:1], now.Add(-2*time.Second)
		s.Venues = []market.VenueFigures{{
			Venue: "Binance", AsOf: now,
			Funding: &market.VenueFunding{Rate: 0.0003, Interval: 8 * time.Hour, UsualRate: 0.0001, HasUsual: true},
		}}
		last := now.Add(-time.Minute)
		s.Model = &snapshot.Model{
			Parameters: "b3c1a0d4e5f60718", Input: "0011223344556677", BarLength: 5 * time.Minute, First: last.Add(-age), Last: last, WarmUp: 168 * time.Hour,
			LastPrice: sixVenues[1:2], Assumed: sixVenues[2:3],
			Standing: []snapshot.Standing{{Venue: "Binance", Long: 0.235, Short: 0.31}, {Venue: "OKX", Long: 0, Short: 0.2}},
		}
	})
}

func TestReportIsAnArticle(t *testing.T) {
	r := newRoom(t)
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	r.market.all[key] = estimated(t, key, 200*time.Hour)
	reply := r.Handle(t.Context(), typed("/report btc"))
	wantAll(t, reply.Text.String(),
		"📰 BTC: shorts outweigh longs 1.73x · 7d", "Mark price: $90,131.71, down 1.23% in 24 h", "In the upper part of its 7-day range, 66%",
		"🔵 Above: $2.705B of short liquidation intensity up to $94,681 (+5.05%), heaviest at $94,650 – $94,681", "shorts must buy back",
		"🟠 Below: $1.563B of long liquidation intensity down to $86,137 (-4.43%)", "longs are sold",
		"Same distance, ±5%: shorts $1B, longs $1.563B – longs outweigh shorts 1.56x", "There the other side is ahead", "has more to lose",
		"7-day range: $84,466 – $93,012, 10.12% wide", "Liquidated in 24 hours, at least: longs $68M, shorts $14M – mostly longs. Reported by Binance, OKX.",
		"16 Nov – 20 Nov 2026: net inflow of $459M", "Funding on Binance: 0.0300% per 8 hours, longs pay shorts; above its usual 0.0100%",
		"Open interest: $57.44B, up 0.90% in 24 h", "Breakout up: confirmed above $94,681 for 10 seconds, off if it falls back below $94,650",
		"Breakout down: confirmed below $86,137", "8 seconds ago", "exchanges (estimate)", "Missing: Hyperliquid, Gate, Bitget", "Not financial advice")
	if data := reply.Buttons[0]; data[0].Data != "v1|report|BTC|7d|edit" || data[1].Data != "v1|liq|BTC|7d" || data[2].Data != "v1|why|BTC|7d" {
		t.Errorf("buttons = %+v", reply.Buttons)
	}
	if again := r.Handle(t.Context(), pressed("v1|report|BTC|7d|edit")); !again.Edit || again.Text.String() != reply.Text.String() {
		t.Errorf("pressed: %v\n%s", again.Edit, again.Text)
	}
}

// The longest things that can be said at once still fit.
func TestLongestReportFitsDiscord(t *testing.T) {
	r := newRoom(t)
	key := snapshot.Key{Coin: "PEPE", Window: market.Month}
	s := figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
		*s = *estimated(t, key, 200*time.Hour)
		in.MarkUSD, in.Levels = 0.0000043219, nil
		for i := range 30 {
			step := 1 + float64(i)/500
			in.Levels = append(in.Levels, liquidation.Level{PriceUSD: 0.00000433 * step, Side: market.Short, IntensityUSD: 123456},
				liquidation.Level{PriceUSD: 0.00000431 / step, Side: market.Long, IntensityUSD: 94567})
		}
		in.Provenance = market.Provenance{Source: "exchanges", Origin: market.Estimate, AsOf: now.Add(-14 * time.Minute), Venues: sixVenues[:5], Missing: sixVenues[5:], RecordedAt: now.AddDate(-1, 0, 0)}
		s.Price.USD, s.Price.Provenance = in.MarkUSD, in.Provenance
		s.Liquidations.Provenance.Venues = sixVenues
		s.Range.LowUSD, s.Range.HighUSD = 0.0000041234, 0.0000044321
	})
	r.market.all[key] = s
	for _, tag := range locales.Tags() {
		request := typed("/report pepe 30d")
		request.LanguageHint = tag
		reply := r.Handle(t.Context(), request)
		if units := discordUnits(reply.Text); units > 2000 {
			t.Errorf("%s: %d units:\n%s", tag, units, reply.Text)
		}
	}
}

func TestWhyTellsWhatTheMapIsMadeOf(t *testing.T) {
	r := newRoom(t)
	key := snapshot.Key{Coin: "BTC", Window: market.Day}
	r.market.all[key] = estimated(t, key, 92*time.Hour+40*time.Minute)
	reply := r.Handle(t.Context(), typed("/why btc 1d"))
	wantAll(t, reply.Text.String(),
		"How the BTC map was made · 1d", "Price: mark price, exchanges (Binance), 2 seconds ago", "Map: exchanges, estimate, 8 seconds ago",
		"Levels on it: 5; already passed and left out: 0", "Candles of 5 minutes: 20 Nov 2026 17:24 UTC – 24 Nov 2026 14:04 UTC",
		"Warming up: 92 of 168 hours of history", "Swept by the mark price: Binance, Bybit\n", "Swept by the last price, for want of mark candles: OKX\n",
		"Past open interest assumed, from the present one: Bybit\n", "Binance: longs 23.50%, shorts 31.00%", "OKX: longs 0.00%, shorts 20.00%",
		"Model b3c1a0d4e5f60718, input 0011223344556677", "about a hundredth", "Exchanges: Binance, OKX, Bybit\n", "Missing: Hyperliquid, Gate, Bitget", "Not financial advice")
	if data := reply.Buttons; !data[0][0].Active || data[1][1].Data != "v1|liq|BTC|1d" || data[1][2].Data != "v1|report|BTC|1d" {
		t.Errorf("buttons = %+v", data)
	}
	if units := chat.Units(reply.Text.String()); units > 1900 {
		t.Errorf("%d units", units)
	}
}

func TestWhySaysWhatASourceDoesNotTell(t *testing.T) {
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	r := newRoom(t)
	got := r.say(t, typed("/why"))
	wantAll(t, got, "CoinGlass, vendor's estimate", "CoinGlass does not tell more", "only this bot's own estimate")
	for _, never := range []string{"Model", "Candles of", "Warming", "Swept", "0.00%", "DEMO"} {
		if strings.Contains(got, never) {
			t.Errorf("contains %q:\n%s", never, got)
		}
	}
	r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
		s.ID, in.Provenance.Demo, s.Price.Kind = 2, true, market.LastPrice
	})
	wantAll(t, r.say(t, typed("/why btc")), "DEMO", "The market is invented", "Price: last price")
}

// The ages of /why run on while the snapshot stays the same.
func TestWhyAgesRunOn(t *testing.T) {
	r := newRoom(t)
	moment := now
	h := handlers.New(handlers.Options{
		Snapshots: r.market, Settings: r.settings, Alerts: r.alerts, Charts: r.charts, Hold: time.Second,
		StaleAfter: 2 * time.Minute, RefuseAfter: 15 * time.Minute, Now: func() time.Time { return moment },
	})
	for _, want := range []string{"8 seconds ago", "38 seconds ago"} {
		got := h.Handle(t.Context(), typed("/why btc")).Text.String()
		if n := strings.Count(got, want); n != 3 {
			t.Errorf("%d times %q:\n%s", n, want, got)
		}
		moment = moment.Add(30 * time.Second)
	}
}

func TestLiqSaysThatTheMapWarmsUpAndHowItIsMade(t *testing.T) {
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	for name, c := range map[string]struct {
		age  time.Duration
		want bool
	}{"young": {92 * time.Hour, true}, "old enough": {168 * time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			r.market.all[key] = estimated(t, key, c.age)
			got := r.say(t, typed("/liq btc"))
			if strings.Contains(got, "Warming up: 92 of 168 hours of history") != c.want {
				t.Errorf("want the line: %v\n%s", c.want, got)
			}
			wantAll(t, got, "How this is estimated: /why btc 7d")
		})
	}
}

// What a Telegram picture can carry as its caption is 1,024 units.
func TestLiqFitsACaption(t *testing.T) {
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	for _, tag := range locales.Tags() {
		r := newRoom(t)
		r.market.all[key] = estimated(t, key, 92*time.Hour)
		request := typed("/liq btc")
		request.LanguageHint = tag
		if got := r.say(t, request); chat.Units(got) > 1024 {
			t.Errorf("%s: %d units:\n%s", tag, chat.Units(got), got)
		}
	}
}

func TestReportAndWhyRefuseAsLiqDoes(t *testing.T) {
	r := newRoom(t)
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
		s.ID, in.Provenance.AsOf = 2, now.Add(-16*time.Minute)
	})
	for text, want := range map[string]string{
		"/report btc": "No fresh data for BTC", "/why btc": "No fresh data for BTC", "/report": "No fresh data", "/report qwertyuiop": "/liq btc",
		"/why etg": "Did you mean", "/why btc 3d": "1d, 7d and 30d", "/report btc eth": "/liq btc 7d",
	} {
		if got := r.say(t, typed(text)); !strings.Contains(got, want) {
			t.Errorf("%s: %q lacks %q", text, got, want)
		}
	}
}
