package hyperliquid_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/hyperliquid"
)

// always answers each request with the same body.
type always []byte

func (a always) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(a)), Request: r}, nil
}

// FuzzAnswers gives any body as the answer of every request.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(recorded(f, "rest_candleSnapshot_kPEPE_1h_202305.json"), `"1h"`, `"5m"`)))
	f.Add([]byte("[" + recorded(f, "rest_meta_20230717.json") + `,[{"markPx":"1.5","openInterest":"3"}]]`))
	f.Add([]byte(recorded(f, "rest_userFills_liquidation_2026.json")))
	f.Add([]byte(`[{"coin":"kPEPE","fundingRate":"0.0000125","premium":"0.0003","time":1790232000057}]`))
	f.Add([]byte(`[{"universe":[{"name":"kPEPE","szDecimals":0,"maxLeverage":10,"marginTableId":51}],"marginTables":[[51,{"description":"tiered 10x","marginTiers":[{"lowerBound":"0.0","maxLeverage":10},{"lowerBound":"3000000.0","maxLeverage":5}]}]]},[{"markPx":"0.0044"}]]`))
	f.Add([]byte(`{"assetPositions":[{"position":{"coin":"ETH","entryPx":"2986.3","leverage":{"rawUsd":"-95.059824","type":"isolated","value":20},"liquidationPx":"2866.26936529","positionValue":"100.02765","szi":"0.0335"},"type":"oneWay"}],"time":1708622398623}`))
	f.Add([]byte(`{"specialStatuses":null,"time":1790231586439}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		// One that has asked nothing yet does not wait for its budget.
		fresh := func() *hyperliquid.Feed {
			return hyperliquid.New(hyperliquid.Config{Client: &http.Client{Transport: always(body)}, Watch: []string{liquidated}})
		}
		from := time.Now().Add(-time.Hour)
		contracts, err := fresh().Contracts(t.Context())
		both(t, len(contracts), err)
		for _, c := range contracts {
			if c.Coin == "" || c.Symbol == "" || !(c.QuotedCoins > 0) || !(c.TickUSD >= 0) || !(c.MaxLeverage >= 0) {
				t.Errorf("contract %+v", c)
			}
		}
		tiers, err := fresh().Tiers(t.Context(), pepe)
		both(t, len(tiers.Tiers), err)
		for i, tier := range tiers.Tiers {
			if !(tier.ToUSD > tier.FromUSD) || !(tier.MaintenanceMarginRate > 0 && tier.MaintenanceMarginRate <= 0.5) || i > 0 && !(tier.DeductionUSD > tiers.Tiers[i-1].DeductionUSD) {
				t.Errorf("tiers %+v", tiers.Tiers)
			}
		}
		past, err := fresh().PastLiquidations(t.Context(), pepe, time.Time{}, from.AddDate(100, 0, 0))
		both(t, len(past), err)
		for _, o := range past {
			if !feeds.PossiblePrice(o.PriceUSD) || !feeds.PossibleCoins(o.Coins) {
				t.Errorf("order %+v", o)
			}
		}
		held, err := fresh().Positions(t.Context(), []string{liquidated})
		both(t, len(held), err)
		for _, p := range held {
			if !feeds.PossibleCoins(p.Coins) || !feeds.PossiblePrice(p.EntryUSD) || !(p.LiquidationUSD >= 0) || p.Coin == "" {
				t.Errorf("position %+v", p)
			}
		}
		if at, err := fresh().ServerTime(t.Context()); err == nil && at.Year() < 2009 {
			t.Errorf("time %v", at)
		}
	})
}

// FuzzPages is FuzzAnswers for what is asked for in pages.
func FuzzPages(f *testing.F) {
	f.Add([]byte(`[{"t":1790232000000,"T":1790232299999,"s":"kPEPE","i":"5m","o":"0.0016","c":"0.0016","h":"0.0017","l":"0.0015","v":"520665683.0","n":709}]`))
	f.Add([]byte(`[{"coin":"kPEPE","fundingRate":"0.0000125","premium":"0.0003","time":1790232000057}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		feed := hyperliquid.New(hyperliquid.Config{Client: &http.Client{Transport: always(body)}})
		now := time.Now()
		candles, err := feed.Candles(t.Context(), pepe, now.AddDate(0, 0, -7), now)
		both(t, len(candles), err)
		for i, c := range candles {
			if !feeds.PossibleCandle(c) || i > 0 && !c.Start.After(candles[i-1].Start) || c.End().After(now) {
				t.Errorf("candle %+v", c)
			}
		}
		fundings, err := feed.Fundings(t.Context(), pepe, now.AddDate(0, 0, -7), now)
		both(t, len(fundings), err)
		for _, p := range fundings {
			if !feeds.PossibleFunding(p.Rate) || !p.At.Before(now) {
				t.Errorf("funding %+v", p)
			}
		}
	})
}

// both fails on an error together with a value, and on an error of no kind.
func both(t *testing.T, n int, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if _, ok := errors.AsType[*feeds.Error](err); !ok || n > 0 {
		t.Errorf("%d values and %v", n, err)
	}
}
