package handlers_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// exchanges is what a source says that reads the exchanges itself.
func exchanges(tb testing.TB, key snapshot.Key, change func(*snapshot.Snapshot, *liquidation.Input)) *snapshot.Snapshot {
	tb.Helper()
	return figures(tb, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
		measured := market.Provenance{Source: "Exchanges", Origin: market.Measured, AsOf: now.Add(-8 * time.Second)}
		in.Provenance.Source, in.Provenance.Origin = "Exchanges", market.Estimate
		in.Provenance.Venues, in.Provenance.Missing = []market.Venue{"Binance", "OKX", "Bybit"}, []market.Venue{"Gate"}
		s.Price.Provenance = measured
		s.ETF, s.Liquidations, s.Range = nil, nil, nil
		s.OpenInterest.Provenance = measured
		s.OpenInterest.Provenance.Venues = []market.Venue{"Binance", "OKX"}
		s.Venues = []market.VenueFigures{
			{
				Venue: "Binance", Symbol: "BTCUSDT", MarkUSD: 90131.71, AsOf: now.Add(-2 * time.Second), Coverage: market.Sampled,
				OpenInterest: openInterestOf(400000, 0.012, true, now.Add(-40*time.Second)),
				Funding:      &market.VenueFunding{Rate: 0.0001, Interval: 8 * time.Hour, NextAt: now.Add(2 * time.Hour), UsualRate: 0.00005, HasUsual: true},
				LongShort:    &market.LongShort{At: now.Add(-5 * time.Minute), Long: 0.6212, Short: 0.3788},
			},
			{
				Venue: "OKX", Symbol: "BTC-USDT-SWAP", MarkUSD: 90130, AsOf: now.Add(-3 * time.Second), Coverage: market.Sampled,
				OpenInterest: openInterestOf(200000, 0, false, now.Add(-10*time.Second)),
				Funding:      &market.VenueFunding{Rate: -0.0002, Interval: 4 * time.Hour, NextAt: now.Add(-time.Minute)},
			},
			{Venue: "Bybit", Symbol: "BTCUSDT", MarkUSD: 90129, AsOf: now.Add(-3 * time.Second), Coverage: market.EveryOrder},
		}
		s.Realised = orders()
		if change != nil {
			change(s, in)
		}
	})
}

func openInterestOf(coins, change float64, known bool, at time.Time) *market.OpenInterest {
	return &market.OpenInterest{
		Coins: coins, USD: coins * 90000, Change24h: change, HasChange24h: known,
		Provenance: market.Provenance{Source: "Exchanges", Origin: market.Measured, AsOf: at},
	}
}

// orders are $68M of longs and $14M of shorts in a day, $1M and $4M of them in the last
// hour.
func orders() *snapshot.Realised {
	row := func(ago time.Duration, v market.Venue, long, short float64, largest market.Liquidation) market.Realised {
		return market.Realised{Start: now.Add(-ago).Truncate(market.RealisedLength), Venue: v, LongUSD: long, ShortUSD: short, Orders: 617, Largest: largest}
	}
	order := func(ago time.Duration, side market.Side, usd float64) market.Liquidation {
		return market.Liquidation{At: now.Add(-ago), Side: side, Coins: usd / 90000, PriceUSD: 90000}
	}
	return &snapshot.Realised{
		AsOf: now.Add(-8 * time.Second),
		Rows: []market.Realised{
			row(20*time.Hour, "Binance", 50e6, 10e6, order(20*time.Hour, market.Long, 2.1e6)),
			row(3*time.Hour, "Bybit", 17e6, 0, order(3*time.Hour, market.Long, 1.5e6)),
			row(30*time.Minute, "Bybit", 1e6, 4e6, order(30*time.Minute, market.Short, 0.9e6)),
		},
		Watched: []snapshot.WatchedVenue{
			{Venue: "Binance", Coverage: market.Sampled, Since: now.Add(-72 * time.Hour)},
			{Venue: "Bybit", Coverage: market.EveryOrder, Since: now.Add(-72 * time.Hour)},
			{Venue: "OKX", Coverage: market.Sampled, Since: now.Add(-72 * time.Hour)},
		},
	}
}

// liveRoom is a bot whose source reads the exchanges itself.
func liveRoom(tb testing.TB, change func(*snapshot.Snapshot, *liquidation.Input)) *room {
	tb.Helper()
	r := newRoom(tb)
	for key := range r.market.all {
		r.market.all[key] = exchanges(tb, key, change)
	}
	return r
}

func wantNone(t *testing.T, got string, nevers ...string) {
	t.Helper()
	for _, never := range nevers {
		if strings.Contains(got, never) {
			t.Errorf("reply contains %q:\n%s", never, got)
		}
	}
}

func TestRektSaysWhoLost(t *testing.T) {
	r := liveRoom(t, nil)
	reply := r.Handle(t.Context(), typed("/rekt btc"))
	got := reply.Text.String()
	wantAll(t, got, "BTC liquidations · 24 hours", "Longs lost 4.86x as much as shorts: $54M more", "Longs: at least $68M (83%)", "Shorts: at least $14M (17%)",
		"at least $82M, orders seen: 1,851", "Largest order: $2.1M, a long on Binance at $90,000, 20 hours ago",
		"Binance: ≥ $50M · ≥ $10M", "Bybit: $18M · $4M", "No order seen: OKX", "≥ lower bound, only part is seen: Binance",
		"24 Nov 2026 14:05 UTC · 8 seconds ago", "Source: Exchanges (reported)", "Missing: Gate", "Not financial advice")
	wantNone(t, got, "DEMO", "Stale", "Watched without", "{", "intensity")
	if reply.Picture == nil || reply.Edit || reply.Private {
		t.Errorf("reply = %+v", reply)
	}
	row := reply.Buttons[0]
	if len(row) != 4 || row[1].Data != "v1|rekt|BTC|4h|edit" || !row[3].Active || reply.Buttons[1][0].Data != "v1|rekt|24h|BTC|edit" {
		t.Errorf("buttons = %+v", reply.Buttons)
	}
}

func TestRektReadsCoinAndSpan(t *testing.T) {
	r := liveRoom(t, nil)
	for text, want := range map[string]string{
		"/rekt":                "BTC liquidations · 24 hours",
		"/rekt eth":            "ETH liquidations · 24 hours",
		"/rekt 1h":             "BTC liquidations · 1 hour\n",
		"/rekt sol 4H":         "SOL liquidations · 4 hours",
		"/rekt 12h $doge":      "DOGE liquidations · 12 hours",
		"/rekt btc 1d":         "BTC liquidations · 24 hours",
		"/rekt btc 60m":        "BTC liquidations · 1 hour\n",
		"/rekt btc 4ч":         "BTC liquidations · 4 hours",
		"/rekt 比特币 12小时":       "BTC liquidations · 12 hours",
		"/rekt btc 1h 4h":      "/rekt btc 4h",
		"/rekt btc eth":        "/rekt btc 4h",
		"/rekt btc 7d":         "/rekt btc 4h",
		"/rekt btc 2h":         "/rekt btc 4h",
		"/rekt btc 4x":         "do not know that coin",
		"/rekt etg":            "Did you mean",
		"/rekt \xff":           "BTC liquidations · 24 hours",
		"/rekt btc 9999999999": "do not know that coin",
	} {
		wantAll(t, r.say(t, typed(text)), want)
	}
	reply := r.Handle(t.Context(), pressed("v1|rekt|1h|ETH|edit"))
	wantAll(t, reply.Text.String(), "ETH liquidations · 1 hour", "Shorts lost 4.00x as much as longs: $3M more")
	if !reply.Edit {
		t.Error("the message is not edited")
	}
}

// edge is a day at the border of what /rekt can say.
type edge struct {
	change  func(*snapshot.Snapshot, *liquidation.Input)
	wants   []string
	nevers  []string
	picture bool
}

func TestRektAtTheEdges(t *testing.T) {
	for name, c := range rektEdges() {
		t.Run(name, func(t *testing.T) {
			reply := liveRoom(t, c.change).Handle(t.Context(), typed("/rekt btc"))
			wantAll(t, reply.Text.String(), c.wants...)
			wantNone(t, reply.Text.String(), append(c.nevers, "NaN", "Inf", "{")...)
			if (reply.Picture != nil) != c.picture {
				t.Errorf("picture: %v", reply.Picture)
			}
		})
	}
	r := liveRoom(t, nil)
	r.charts.err = errors.New("no ink")
	wantAll(t, r.say(t, typed("/rekt btc")), "at least $82M", "picture could not be made")
}

func rektEdges() map[string]edge {
	rows := func(change func(*market.Realised)) func(*snapshot.Snapshot, *liquidation.Input) {
		return func(s *snapshot.Snapshot, _ *liquidation.Input) {
			for i := range s.Realised.Rows {
				change(&s.Realised.Rows[i])
			}
		}
	}
	since := func(ages ...time.Duration) func(*snapshot.Snapshot, *liquidation.Input) {
		return func(s *snapshot.Snapshot, _ *liquidation.Input) {
			for i := range s.Realised.Watched {
				s.Realised.Watched[i].Since = now.Add(-ages[i])
			}
		}
	}
	const h = time.Hour
	return map[string]edge{
		"only longs": {
			rows(func(r *market.Realised) { r.ShortUSD = 0 }),
			[]string{"Nearly only longs", "Shorts: none reported", "Longs: at least $68M (100%)", "Binance: ≥ $50M · –"},
			[]string{"$0", "(0%"},
			true,
		},
		"only shorts": {
			rows(func(r *market.Realised) { r.LongUSD = 0 }),
			[]string{"Nearly only shorts", "Longs: none reported"},
			nil, true,
		},
		"even": {
			rows(func(r *market.Realised) { r.ShortUSD = r.LongUSD }),
			[]string{"lost about the same: 1.00x"},
			nil, true,
		},
		"nothing": {
			func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Realised.Rows = nil },
			[]string{"No exchange reported a liquidation in this time", "Exchanges (reported)", "8 seconds ago"},
			[]string{"$0", "Nearly", "NaN", "Largest"},
			false,
		},
		"watched for some hours": {
			since(5*h, 5*h, 5*h),
			[]string{"Watched without a gap only since 24 Nov 2026 09:05 UTC (4 hours)"},
			[]string{"only since:"},
			true,
		},
		"one venue came later": {
			since(72*h, 2*h, 72*h),
			[]string{"⏳ Watched without a gap only since: Bybit 12:05 UTC\n"},
			[]string{"OKX 1", "Binance 1"},
			true,
		},
		"demo": {
			func(s *snapshot.Snapshot, in *liquidation.Input) {
				in.Provenance.Demo, s.Price.Provenance.Demo = true, true
			},
			[]string{"DEMO"},
			nil, true,
		},
		"stale": {
			func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Realised.AsOf = now.Add(-3 * time.Minute) },
			[]string{"Stale data: 3 minutes ago"},
			nil, true,
		},
		"too old": {
			func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Realised.AsOf = now.Add(-16 * time.Minute) },
			[]string{"No fresh data for BTC"},
			[]string{"$"},
			false,
		},
		"snapshot too old": {
			func(_ *snapshot.Snapshot, in *liquidation.Input) { in.Provenance.AsOf = now.Add(-16 * time.Minute) },
			[]string{"No fresh data for BTC"},
			[]string{"$"},
			false,
		},
	}
}

func TestOpenInterestByVenue(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*snapshot.Snapshot, *liquidation.Input)
		wants, nevers []string
	}{
		"live": {nil, []string{
			"BTC open interest", "Total: 637,000 BTC · $57.44B · +0.90% in 24 h", "Binance: 400,000 BTC · $36B · +1.20%", "OKX: 200,000 BTC · $18B\n",
			"counts coins", "14:04 UTC · 40 seconds ago", "Source: Exchanges (reported)", "Missing: Bybit, Gate",
		}, []string{"Stale"}},
		"one venue is too old": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Venues[0].OpenInterest.Provenance.AsOf = now.Add(-20 * time.Minute)
		}, []string{"Total: 200,000 BTC · $18B\n", "OKX: 200,000", "Missing: Binance, Bybit, Gate"}, []string{"400,000", "637,000"}},
		"all are too old": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			for i := range 2 {
				s.Venues[i].OpenInterest.Provenance.AsOf = now.Add(-20 * time.Minute)
			}
		}, []string{"No fresh data for BTC", "20 minutes ago"}, []string{"$"}},
		"stale": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Venues[1].OpenInterest.Provenance.AsOf = now.Add(-5 * time.Minute)
		}, []string{"Stale data: 5 minutes ago"}, nil},
		"no venue tells it": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Venues, s.OpenInterest = s.Venues[2:], nil
		}, []string{"does not tell the open interest of BTC"}, []string{"$", "Total"}},
		"the source's total is of other venues": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.OpenInterest.Provenance.Venues = []market.Venue{"Binance", "Gate"}
		}, []string{"Total: 600,000 BTC · $54B\n", "Binance: 400,000", "OKX: 200,000"}, []string{"637,000"}},
		"small": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Venues = s.Venues[:1]
			s.Venues[0].OpenInterest = openInterestOf(12.345, -0.5, true, now)
		}, []string{"Binance: 12.35 BTC · $1.111M · -50.00%", "Total: 12.35 BTC"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := liveRoom(t, c.change).say(t, typed("/oi btc"))
			wantAll(t, got, c.wants...)
			wantNone(t, got, c.nevers...)
		})
	}
}

func TestFundingByVenue(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*snapshot.Snapshot, *liquidation.Input)
		wants, nevers []string
	}{
		// The mean is (0.01% x 400,000 - 0.04% x 200,000) / 600,000.
		"live": {nil, []string{
			"BTC funding", "Mean by open interest: -0.0067% per 8 h, -7.30% a year · shorts pay",
			"Binance: +0.0100% per 8 hours · longs pay", "year: +10.95% · usual: +0.0050% · next: 16:05 UTC",
			"OKX: -0.0200% per 4 hours · shorts pay", "8 h: -0.0400% · year: -43.80%\n",
			"3 seconds ago", "Source: Exchanges (reported)", "Missing: Bybit, Gate",
		}, []string{"Stale"}},
		"nobody pays": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Venues = s.Venues[:1]
			s.Venues[0].Funding = &market.VenueFunding{Interval: time.Hour}
		}, []string{"Binance: 0.0000% per 1 hour · nobody pays", "year: 0.00%"}, []string{"Mean", "-0", "+0"}},
		"no open interest": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Venues[0].OpenInterest, s.Venues[1].OpenInterest = nil, nil
		}, []string{"Binance: +0.0100%"}, []string{"Mean", "NaN"}},
		"too old": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Venues = s.Venues[:1]
			s.Venues[0].AsOf = now.Add(-20 * time.Minute)
		}, []string{"No fresh data for BTC"}, []string{"%"}},
		"no venue tells it": {func(s *snapshot.Snapshot, _ *liquidation.Input) {
			s.Venues, s.Funding = s.Venues[2:], nil
		}, []string{"does not tell the funding of BTC"}, []string{"%"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := liveRoom(t, c.change).say(t, typed("/funding btc"))
			wantAll(t, got, c.wants...)
			wantNone(t, got, c.nevers...)
		})
	}
}

func TestLongShortByVenue(t *testing.T) {
	got := liveRoom(t, nil).say(t, typed("/longshort btc"))
	wantAll(t, got, "long and short accounts", "Binance: 🟠 62.12% long · 🔵 37.88% short · 5 minutes ago", "Accounts, not money", "Exchanges (reported)", "Missing: Gate")
	wantNone(t, got, "Stale", "Missing: OKX", "Missing: Bybit")
	old := func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Venues[0].LongShort.At = now.Add(-3 * time.Hour) }
	got = liveRoom(t, old).say(t, typed("/longshort btc"))
	wantAll(t, got, "No exchange tells the share of BTC accounts")
	wantNone(t, got, "%", "62")
}

// What a source without venues does not know is said so, never shown as a zero.
func TestSourceThatDoesNotTellVenuesApart(t *testing.T) {
	r := newRoom(t)
	for text, wants := range map[string][]string{
		"/rekt btc":      {"CoinGlass does not tell", "The source Exchanges does", "for 24 hours, at least: longs $68M, shorts $14M", "8 seconds ago"},
		"/oi btc":        {"Total: 637,000 BTC · $57.44B · +0.90% in 24 h", "CoinGlass does not tell it by exchange", "Exchanges: Binance, OKX", "CoinGlass (reported)"},
		"/funding btc":   {"Binance: +0.0073% per 8 hours · longs pay", "year: +8.04%", "for Binance only"},
		"/longshort btc": {"CoinGlass does not tell", "Exchanges does"},
		"/etf":           {"last week (16 Nov – 20 Nov 2026): +$459M (5,891 BTC)", "(5,891 ETH)", "CoinGlass (reported)"},
		"/etf eth":       {"(5,891 ETH)"},
	} {
		reply := r.Handle(t.Context(), typed(text))
		wantAll(t, reply.Text.String(), wants...)
		wantNone(t, reply.Text.String(), "$0", "NaN", "{", "Missing")
		if reply.Picture != nil {
			t.Errorf("%s: a picture of nothing", text)
		}
	}
	key := snapshot.Key{Coin: "BTC", Window: market.Week}
	r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
		s.OpenInterest, s.Funding, s.Liquidations, s.ETF = nil, nil, nil, nil
		in.Provenance.Demo, s.Price.Provenance.Demo = true, true
	})
	for text, want := range map[string]string{
		"/rekt btc": "does not tell what was liquidated", "/oi btc": "does not tell the open interest", "/funding btc": "does not tell the funding",
		"/longshort btc": "does not tell which share", "/etf btc": "No spot ETF flow is known for BTC",
	} {
		got := r.say(t, typed(text))
		wantAll(t, got, want, "DEMO")
		wantNone(t, got, "$", "%")
	}
}

func TestETFOfASourceThatReadsExchanges(t *testing.T) {
	r := liveRoom(t, nil)
	for _, text := range []string{"/etf", "/etf btc"} {
		got := r.say(t, typed(text))
		wantAll(t, got, "exchanges do not know them", "CoinGlass does")
		wantNone(t, got, "$")
	}
	delete(r.market.all, snapshot.Key{Coin: "ETH", Window: market.Week})
	wantAll(t, r.say(t, typed("/etf")), "CoinGlass does")
}

func TestTopRanksWhatIsReady(t *testing.T) {
	r := liveRoom(t, nil)
	part := map[market.Coin]float64{"BTC": 1, "ETH": 3, "SOL": 0.5, "DOGE": 0.1, "PEPE": 0.2, "W": 0}
	for key := range r.market.all {
		r.market.all[key] = exchanges(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
			for i := range s.Realised.Rows {
				s.Realised.Rows[i].LongUSD *= part[key.Coin]
				s.Realised.Rows[i].ShortUSD *= part[key.Coin]
			}
			for i := range in.Levels {
				in.Levels[i].IntensityUSD *= 1.1 - part[key.Coin]/4
			}
			switch key.Coin {
			case "SOL":
				in.Provenance.AsOf = now.Add(-5 * time.Minute)
			case "DOGE":
				in.Provenance.AsOf = now.Add(-16 * time.Minute)
			case "ETH", "W": // W is not in the list of what was liquidated
				for i := range s.Realised.Watched {
					s.Realised.Watched[i].Since = now.Add(map[market.Coin]time.Duration{"ETH": -5 * time.Hour, "W": -time.Hour}[key.Coin])
				}
			}
		})
	}
	reply := r.Handle(t.Context(), typed("/top"))
	got := reply.Text.String()
	wantAll(t, got, "Liquidated in 24 hours, at least", "1. ETH: $246M, longs 83%\n2. BTC: $82M, longs 83%\n3. SOL: $41M, longs 83%\n4. PEPE: $16.4M",
		"Watched without a gap only since 24 Nov 2026 09:05 UTC (5 hours)", "intensity within ±6% · 7d", "1. W: $4.695B, longs 37%\n2. PEPE", "⚠️ 5 minutes ago", "Coins compared: 5. The oldest figure: 5 minutes ago", "Exchanges (estimate)", "not dollars that will be liquidated")
	wantNone(t, got, "DOGE", "$0", "DEMO", "5. W")
	if reply.Buttons[0][0].Data != "v1|top|1d|edit" || !reply.Buttons[0][1].Active || reply.Buttons[1][0].Data != "v1|liq|W" {
		t.Errorf("buttons = %+v", reply.Buttons)
	}
	wantAll(t, r.say(t, typed("/top 1d")), "within ±6% · 1d")
	wantAll(t, r.say(t, typed("/top btc")), "/top 1d")
	wantAll(t, r.say(t, typed("/top 1d 7d")), "/top 1d")
	r.market.all = nil
	wantAll(t, r.say(t, typed("/top")), "No coin is ready yet")
}

func TestTopOfOtherSources(t *testing.T) {
	r := newRoom(t)
	wantAll(t, r.say(t, typed("/top")), "1. BTC: $82M, longs 83%", "CoinGlass (vendor's estimate)")
	for key := range r.market.all {
		r.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
			s.Liquidations = nil
			in.Provenance.Demo = true
		})
	}
	wantAll(t, r.say(t, typed("/top")), "not told by CoinGlass", "1. BTC: $4.268B", "DEMO")
}

// A phone shows some thirty lines; platforms cut captions at 1,024 characters.
func TestFiguresAreShortInEveryLanguage(t *testing.T) {
	r := liveRoom(t, nil)
	for _, tag := range locales.Tags() {
		for _, text := range []string{"/rekt btc", "/top", "/oi btc", "/funding btc", "/longshort btc", "/etf"} {
			request := typed(text)
			request.LanguageHint = tag
			reply := r.Handle(t.Context(), request)
			got := reply.Text.String()
			if n := len([]rune(got)); n > 1000 {
				t.Errorf("%s in %s has %d characters:\n%s", text, tag, n, got)
			}
			wantNone(t, got, "{", "figures.", "rekt.", "fees.", "<")
			if testing.Verbose() {
				t.Logf("%s in %s\n%s", text, tag, got)
			}
		}
	}
}
