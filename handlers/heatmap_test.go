package handlers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"liqbot/handlers"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// fakeHeatmaps has one heatmap for every coin.
type fakeHeatmaps struct {
	change func(*snapshot.Heatmap)
	err    error
	wait   bool
	asked  []snapshot.Key
}

func (f *fakeHeatmaps) Heatmap(ctx context.Context, coin market.Coin, window market.Window) (*snapshot.Heatmap, error) {
	f.asked = append(f.asked, snapshot.Key{Coin: coin, Window: window})
	if f.wait {
		<-ctx.Done()
		return nil, &snapshot.Error{Problem: snapshot.Unavailable, Err: ctx.Err()}
	}
	if f.err != nil {
		return nil, f.err
	}
	asOf := now.Add(-3 * time.Minute)
	m := &snapshot.Heatmap{
		ID: 1, Coin: coin, Window: window, Start: asOf.Add(-2 * time.Hour), Step: time.Hour, Columns: 2, Rows: 3, LowUSD: 90_000, Ratio: 1.002002,
		Cells: []float32{0, 1e6, 2e6, 0, 3e6, 48_123_456}, Candles: make([]snapshot.HeatCandle, 2), CandleVenue: "Binance", BarLength: 5 * time.Minute,
		Provenance: market.Provenance{Source: "Exchanges", Origin: market.Estimate, AsOf: asOf, Venues: []market.Venue{"Binance", "OKX"}, Missing: []market.Venue{"Gate"}},
	}
	if f.change != nil {
		f.change(m)
	}
	return m, nil
}

// heatRoom is a bot whose source replays.
func heatRoom(tb testing.TB, f *fakeHeatmaps) *room {
	tb.Helper()
	r := liveRoom(tb, nil)
	r.Handlers = handlers.New(handlers.Options{
		Snapshots: r.market, Settings: r.settings, Alerts: r.alerts, Charts: r.charts, Heatmaps: f,
		StaleAfter: 2 * time.Minute, RefuseAfter: 15 * time.Minute, ColdWait: 50 * time.Millisecond,
		Now: func() time.Time { return now },
	})
	return r
}

func TestHeatmapHasAPictureAndSaysHowToReadIt(t *testing.T) {
	f := &fakeHeatmaps{}
	r := heatRoom(t, f)
	reply := r.Handle(t.Context(), typed("/heatmap btc 1d"))
	got := reply.Text.String()
	wantAll(t, got, "BTC liquidation heatmap · 1d", "Mark price: $90,131.71", "Time runs to the right", "Brightest: $48M or more per 0.2% of price. Candles: Binance",
		"candles of 5 minutes up to 24 Nov 2026 14:02 UTC", "As of 24 Nov 2026 14:02 UTC · 3 minutes ago", "Source: Exchanges (estimate)", "Exchanges: Binance, OKX", "Missing: Gate",
		"not dollars that will be liquidated", "Not financial advice")
	wantNone(t, got, "DEMO", "Stale", "Drawn from", "Only part", "{")
	if reply.Picture == nil || reply.Picture.Name != "heatmap.png" || reply.Private || reply.Edit {
		t.Errorf("reply = %+v", reply)
	}
	b := reply.Buttons
	if len(b) != 2 || b[0][0].Data != "v1|heatmap|BTC|1d|edit" || !b[0][0].Active || b[0][1].Active || b[1][0].Data != "v1|heatmap|1d|BTC|edit" || b[1][1].Data != "v1|liq|BTC|1d" {
		t.Errorf("buttons = %+v", b)
	}
	if again := r.Handle(t.Context(), pressed(b[1][0].Data)); !again.Edit || again.Picture == nil {
		t.Errorf("refreshed: %+v", again)
	}
	liq := r.Handle(t.Context(), typed("/liq btc 30d"))
	if last := liq.Buttons[1]; last[len(last)-1].Data != "v1|heatmap|BTC|7d" {
		t.Errorf("/liq leads to %+v", last)
	}
}

func TestHeatmapReadsCoinAndWindow(t *testing.T) {
	for text, want := range map[string]snapshot.Key{
		"/heatmap":             {Coin: "BTC", Window: market.Week},
		"/heatmap eth":         {Coin: "ETH", Window: market.Week},
		"/heatmap 24h sol":     {Coin: "SOL", Window: market.Day},
		"/heatmap BTCUSDT 1w":  {Coin: "BTC", Window: market.Week},
		"/heatmap@name_bot 1d": {Coin: "BTC", Window: market.Day},
	} {
		f := &fakeHeatmaps{}
		heatRoom(t, f).say(t, typed(text))
		if len(f.asked) != 1 || f.asked[0] != want {
			t.Errorf("%s asks for %v, want %v", text, f.asked, want)
		}
	}
	for text, want := range map[string]string{
		"/heatmap btc 30d": "1d or 7d", "/heatmap btc 3d": "1d, 7d and 30d", "/heatmap btc eth": "/liq btc 7d", "/heatmap etg": "Did you mean",
	} {
		f := &fakeHeatmaps{}
		if got := heatRoom(t, f).say(t, typed(text)); !strings.Contains(got, want) || len(f.asked) != 0 {
			t.Errorf("%s: want %q and no question, asked %v:\n%s", text, want, f.asked, got)
		}
	}
	// A chat whose own window is a month gets the week.
	f := &fakeHeatmaps{}
	r := heatRoom(t, f)
	r.say(t, typed("/default eth 30d"))
	r.say(t, typed("/heatmap"))
	if len(f.asked) != 1 || f.asked[0] != (snapshot.Key{Coin: "ETH", Window: market.Week}) {
		t.Errorf("asked for %v", f.asked)
	}
}

func TestHeatmapTellsWhatItLacks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*snapshot.Heatmap)
		wants  []string
		nevers []string
	}{
		{"short history", func(m *snapshot.Heatmap) { m.Drawn = 1 }, []string{"Drawn from 24 Nov 2026 13:02 UTC on"}, nil},
		{"a young venue", func(m *snapshot.Heatmap) { m.Partly = []market.Venue{"OKX"} }, []string{"Only part of the time: OKX"}, nil},
		{"demo", func(m *snapshot.Heatmap) { m.Provenance.Demo = true }, []string{"DEMO"}, nil},
		{"recorded", func(m *snapshot.Heatmap) { m.Provenance.RecordedAt = now.AddDate(0, -1, 0) }, []string{"Recorded market"}, nil},
		{"as old as a candle", func(m *snapshot.Heatmap) { m.Provenance.AsOf = now.Add(-7 * time.Minute) }, []string{"7 minutes ago"}, []string{"Stale"}},
		{"stale", func(m *snapshot.Heatmap) { m.Provenance.AsOf = now.Add(-8 * time.Minute) }, []string{"Stale data: 8 minutes ago"}, nil},
		{"too old", func(m *snapshot.Heatmap) { m.Provenance.AsOf = now.Add(-16 * time.Minute) }, []string{"16 minutes"}, []string{"Brightest"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := heatRoom(t, &fakeHeatmaps{change: tt.change}).say(t, typed("/heatmap btc"))
			wantAll(t, got, tt.wants...)
			wantNone(t, got, append(tt.nevers, "{")...)
		})
	}
}

func TestNoHeatmapGetsAFriendlyAnswer(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    *fakeHeatmaps
		want string
	}{
		{"too little history", &fakeHeatmaps{err: &snapshot.Error{Problem: snapshot.TooYoung}}, "too little history of BTC"},
		{"no exchange can be believed", &fakeHeatmaps{err: &snapshot.Error{Problem: snapshot.Unavailable}}, "cannot be reached right now"},
		{"not listed", &fakeHeatmaps{err: &snapshot.Error{Problem: snapshot.NotListed}}, "BTC"},
		{"not in time", &fakeHeatmaps{wait: true}, "Warming up"},
		{"bad data", &fakeHeatmaps{err: &snapshot.Error{Problem: snapshot.BadData}}, "BTC"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reply := heatRoom(t, tt.f).Handle(t.Context(), typed("/heatmap btc"))
			if got := reply.Text.String(); !strings.Contains(got, tt.want) || strings.Contains(got, "{") || reply.Picture != nil {
				t.Errorf("want %q:\n%s", tt.want, got)
			}
		})
	}
	for _, tag := range locales.Tags() {
		request := typed("/heatmap eth 1d")
		request.LanguageHint = tag
		reply := newRoom(t).Handle(t.Context(), request)
		wantAll(t, reply.Text.String(), "CoinGlass", "Exchanges", "/liq ETH")
		if reply.Picture != nil || len(reply.Buttons) != 1 || reply.Buttons[0][0].Data != "v1|liq|ETH|1d" {
			t.Errorf("%s: %+v", tag, reply)
		}
	}
	demo := newRoom(t)
	for key := range demo.market.all {
		demo.market.all[key] = figures(t, key, func(s *snapshot.Snapshot, in *liquidation.Input) {
			in.Provenance.Demo, s.Price.Provenance.Demo = true, true
		})
	}
	wantAll(t, demo.say(t, typed("/heatmap btc")), "DEMO")
	failing := heatRoom(t, &fakeHeatmaps{})
	failing.charts.err = errors.New("no paint")
	wantAll(t, failing.say(t, typed("/heatmap btc")), "The picture could not be made", "Brightest")
	quick := typed("/heatmap btc")
	quick.Quick = true
	f := &fakeHeatmaps{}
	if reply := heatRoom(t, f).Handle(t.Context(), quick); reply.Picture != nil || len(f.asked) != 0 {
		t.Errorf("a quick reply waits: %+v", reply)
	}
}
