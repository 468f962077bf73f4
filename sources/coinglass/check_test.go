package coinglass_test

import (
	"strings"
	"testing"
	"time"

	"liqbot/secret"
	"liqbot/sources/coinglass"
	"liqbot/sources/coinglass/coinglasstest"
)

func TestCheck(t *testing.T) {
	plan := func(level string, left time.Duration, expired bool) string {
		return coinglasstest.Data(map[string]any{"level": level, "expire_time": at().Now().Add(left).UnixMilli(), "expired": expired})
	}
	const long = 90 * 24 * time.Hour
	tests := []struct {
		name    string
		prepare func(*coinglasstest.Server)
		want    []string // "+" or "-", what, and words of the text
	}{
		{"all is well", func(*coinglasstest.Server) {}, []string{
			"+key: accepted", "+plan: professional, until 2026-07-15",
			"+map: levels for BTC from Binance, OKX, Bybit", "+price: BTC at 90131.50 USD on Binance, 0s old", "+requests: of 1200 allowed",
		}},
		{"plan too low", func(s *coinglasstest.Server) {
			s.Reply(coinglasstest.Subscription, plan("STANDARD", long, false))
			s.Reply(coinglasstest.AggregatedMap, coinglasstest.Refusal("401", "Upgrade plan"))
		}, []string{"+key", "+plan: standard", "-map: Professional", "+price", "+requests"}},
		{"plan expired", func(s *coinglasstest.Server) {
			s.Reply(coinglasstest.Subscription, plan("PROFESSIONAL", long, true))
		}, []string{"+key", "-plan: expired", "+map", "+price", "+requests"}},
		{"plan ran out unnoticed", func(s *coinglasstest.Server) {
			s.Reply(coinglasstest.Subscription, plan("PROFESSIONAL", -time.Hour, false))
		}, []string{"+key", "-plan: expired", "+map", "+price", "+requests"}},
		{"plan ends soon", func(s *coinglasstest.Server) {
			s.Reply(coinglasstest.Subscription, plan("PROFESSIONAL", 48*time.Hour, false))
		}, []string{"+key", "+plan: ends soon: on 2026-04-18", "+map", "+price", "+requests"}},
		{"no word about the plan", func(s *coinglasstest.Server) {
			s.Fail(coinglasstest.Subscription, coinglasstest.Fault{Status: 404})
		}, []string{"+plan: not told", "+map", "+price", "+requests"}},
		{"key refused", func(s *coinglasstest.Server) {
			s.Fail("", coinglasstest.Fault{Status: 401})
		}, []string{"-key: COINGLASS_API_KEY"}},
		{"out of order", func(s *coinglasstest.Server) {
			s.Fail("", coinglasstest.Fault{Status: 500})
		}, []string{"-reach: status 500"}},
		{"nobody there", func(s *coinglasstest.Server) {
			s.Fail("", coinglasstest.Fault{Drop: true})
		}, []string{"-reach: network"}},
		{"empty map, no price", func(s *coinglasstest.Server) {
			s.Reply(coinglasstest.AggregatedMap, coinglasstest.KeyedMap(0))
			s.Fail(coinglasstest.PriceHistory, coinglasstest.Fault{Status: 500})
		}, []string{"+key", "+plan", "-map: empty", "-price: status 500", "+requests"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, srv := at(), coinglasstest.New(t)
			s := source(t, srv, onClock(srv, c))
			tt.prepare(srv)
			compare(t, s.Check(t.Context()), tt.want)
		})
	}
}

func compare(t *testing.T, got []coinglass.Finding, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d findings, want %d: %+v", len(got), len(want), got)
	}
	for i, f := range got {
		sign := "-"
		if f.OK {
			sign = "+"
		}
		head, words, _ := strings.Cut(want[i], ": ")
		if sign+f.What != head || !strings.Contains(f.Text, words) {
			t.Errorf("finding %d is %s%s: %s; want %s", i, sign, f.What, f.Text, want[i])
		}
	}
}

func TestCheckWithoutKey(t *testing.T) {
	srv := coinglasstest.New(t)
	s := source(t, srv, func(cfg *coinglass.Config) { cfg.Key = secret.Secret{} })
	compare(t, s.Check(t.Context()), []string{"-key: COINGLASS_API_KEY"})
	if srv.Requests("") != 0 {
		t.Error("asked without a key")
	}
}
