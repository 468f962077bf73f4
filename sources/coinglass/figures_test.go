package coinglass_test

import (
	"strings"
	"testing"
	"time"

	"liqbot/snapshot"
	"liqbot/sources/coinglass"
	"liqbot/sources/coinglass/coinglasstest"
)

func TestOptionalFigures(t *testing.T) {
	tests := []struct {
		path string
		gone func(*snapshot.Snapshot) bool
	}{
		{coinglasstest.PriceHistory, func(s *snapshot.Snapshot) bool { return s.Range == nil && !s.Price.HasChange24h }},
		{coinglasstest.BitcoinFlows, func(s *snapshot.Snapshot) bool { return s.ETF == nil }},
		{coinglasstest.LiquidationTotals, func(s *snapshot.Snapshot) bool { return s.Liquidations == nil }},
		{coinglasstest.OpenInterest, func(s *snapshot.Snapshot) bool { return s.OpenInterest == nil }},
		{coinglasstest.Funding, func(s *snapshot.Snapshot) bool { return s.Funding == nil }},
	}
	faults := map[string]coinglasstest.Fault{
		"500": status(500), "403": status(403), "404": status(404), "page": {Body: page},
		"too large": {Body: "{", Padding: 5 << 20}, "null": {Body: `{"code":"0","data":null}`},
		"odd": {Body: `{"code":"0","data":[{"exchange":"All"}]}`},
	}
	for _, tt := range tests {
		for name, fault := range faults {
			t.Run(tt.path+" "+name, func(t *testing.T) {
				srv := coinglasstest.New(t)
				srv.Fail(tt.path, fault)
				if snap := fetch(t, source(t, srv), week); !tt.gone(snap) {
					t.Errorf("a figure that was not served: %+v", snap)
				}
			})
		}
	}
}

func TestHangingFiguresAreLeftOut(t *testing.T) {
	srv := coinglasstest.New(t)
	for _, path := range []string{
		coinglasstest.PriceHistory, coinglasstest.BitcoinFlows, coinglasstest.LiquidationTotals,
		coinglasstest.OpenInterest, coinglasstest.Funding,
	} {
		srv.Fail(path, coinglasstest.Fault{Hang: true})
	}
	s := source(t, srv, func(cfg *coinglass.Config) {
		cfg.Client.Timeout, cfg.Retry.Tries = 300*time.Millisecond, 1
	})
	snap := fetch(t, s, week)
	if snap.Range != nil || snap.ETF != nil || snap.Liquidations != nil || snap.OpenInterest != nil || snap.Funding != nil {
		t.Errorf("a figure that was not served: %+v", snap)
	}
}

func TestOptionalFigureIsKeptThenDropped(t *testing.T) {
	c, srv, log := at(), coinglasstest.New(t), new(lines)
	s := source(t, srv, onClock(srv, c), logTo(log))
	first := fetch(t, s, week).OpenInterest
	srv.Fail(coinglasstest.OpenInterest, status(500))
	for range 5 {
		c.add(5 * time.Minute)
		kept := fetch(t, s, week).OpenInterest
		if kept == nil || !kept.Provenance.AsOf.Equal(first.Provenance.AsOf) {
			t.Fatalf("at %s: %+v, want the figure of %s", c.Now(), kept, first.Provenance.AsOf)
		}
	}
	c.add(10 * time.Minute)
	if old := fetch(t, s, week).OpenInterest; old != nil {
		t.Errorf("a figure of %s at %s", old.Provenance.AsOf, c.Now())
	}
	srv.Heal(coinglasstest.OpenInterest)
	c.add(time.Minute)
	if fetch(t, s, week).OpenInterest == nil {
		t.Error("the figure did not come back")
	}
	if failed, back := strings.Count(log.String(), "cannot be had"), strings.Count(log.String(), "is back"); failed != 1 || back != 1 {
		t.Errorf("%d lines of failure and %d of return, want one each:\n%s", failed, back, log)
	}
}

func TestFailingFigureIsNotHammered(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	srv.Fail(coinglasstest.Funding, coinglasstest.Fault{Status: 403})
	for range 18 { // three minutes
		fetch(t, s, week)
		c.add(10 * time.Second)
	}
	if got := srv.Requests(coinglasstest.Funding); got != 1 {
		t.Errorf("%d requests for a figure that the plan does not have", got)
	}
	srv.Fail(coinglasstest.Funding, status(500))
	c.add(10 * time.Minute)
	for range 18 {
		fetch(t, s, week)
		c.add(10 * time.Second)
	}
	if got := srv.Requests(coinglasstest.Funding) - 1; got != 18 { // six rounds of three tries
		t.Errorf("%d requests to a failing server in three minutes, want 18", got)
	}
}
