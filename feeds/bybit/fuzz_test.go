package bybit_test

import (
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/bybit"
	"liqbot/market"
)

// judge is a sink that fails a test for figures that cannot be.
type judge struct{ t *testing.T }

func (j judge) Dropped(feeds.Reason)    {}
func (j judge) Frame(string, []byte)    {}
func (j judge) Connected(string, error) {}

func (j judge) Update(u feeds.Update) {
	price := func(v float64) bool { return v == 0 || feeds.PossiblePrice(v) }
	good := u.Contract != nil && !u.At.IsZero() && u.At.Before(recorded.Add(time.Hour))
	switch u.Kind {
	case feeds.Ticker:
		good = good && price(u.MarkUSD) && price(u.IndexUSD) && price(u.LastUSD) && feeds.PossibleVolume(u.OpenInterestCoins) &&
			feeds.PossibleFunding(u.FundingRate) && u.FundingInterval >= 0 && (u.HasFunding || u.FundingRate == 0)
	case feeds.Liquidation:
		good = good && feeds.PossiblePrice(u.Order.PriceUSD) && feeds.PossibleCoins(u.Order.Coins) &&
			(u.Order.Side == market.Long || u.Order.Side == market.Short)
	default:
		good = false
	}
	if !good {
		j.t.Fatalf("impossible: %+v", u)
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"ws_allliquidation_2026-10-09.jsonl", "ws_tickers_2026-08-13.jsonl", "ws_control.jsonl", "doc_ws_trade.json"} {
		for _, l := range lines(f, name) {
			f.Add(l)
		}
	}
	f.Add([]byte(`{"data":[{"markPrice":"1e300","openInterest":"1e17"}],"ts":1791565600000,"type":"snapshot","topic":"tickers.1000PEPEUSDT"}`))
	first := lines(f, "ws_tickers_2026-08-13.jsonl")[0]
	f.Fuzz(func(t *testing.T, frame []byte) {
		d := bybit.NewDecoder(listed(), judge{t}, func() time.Time { return recorded })
		d.Decode(frame)
		d.Decode(first)
		d.Decode(frame)
	})
}

// always answers every request with one body.
type always struct{ body string }

func (a always) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

func answering(body string) *bybit.Feed {
	return bybit.New(bybit.Config{Client: &http.Client{Transport: always{body}}})
}

func FuzzREST(f *testing.F) {
	names, err := filepath.Glob("testdata/*.json")
	if err != nil || len(names) == 0 {
		f.Fatal(err, names)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	tiers, err := os.ReadFile("testdata/rest_risk_limit_testnet_2026-09-17_part.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"retCode":0,"retMsg":"OK","result":` + string(tiers) + `,"time":1791565601500}`)
	f.Add(`{"retCode":10006,"retMsg":"Too many visits!"}`)
	btc := listed()[0]
	f.Fuzz(func(t *testing.T, body string) {
		checkLists(t, answering(body), btc)
		checkHistory(t, answering(body), btc)
	})
}

func checkLists(t *testing.T, feed *bybit.Feed, c market.Contract) {
	t.Helper()
	ctx := t.Context()
	list, err := feed.Contracts(ctx)
	if err != nil && list != nil {
		t.Fatal("contracts and an error")
	}
	for _, c := range list {
		if c.Coin == "" || !(c.QuotedCoins >= 1) || c.MaxLeverage < 0 || c.TickUSD < 0 || c.FundingInterval < 0 {
			t.Fatalf("impossible: %+v", c)
		}
	}
	tiers, err := feed.Tiers(ctx, c)
	from, rate := 0.0, 0.0
	for _, tier := range tiers.Tiers {
		if err != nil || tier.FromUSD != from || !(tier.ToUSD > from) || tier.MaintenanceMarginRate < rate || tier.MaintenanceMarginRate > 1/tier.MaxLeverage || math.IsNaN(tier.DeductionUSD) {
			t.Fatalf("impossible: %+v %v", tiers, err)
		}
		from, rate = tier.ToUSD, tier.MaintenanceMarginRate
	}
	if at, err := feed.ServerTime(ctx); err == nil && (at.Year() < 2009 || at.Year() > 2100) {
		t.Fatalf("impossible time %v", at)
	}
	if ratio, err := feed.LongShort(ctx, c); err == nil && !(math.Abs(ratio.Long+ratio.Short-1) <= 0.02) {
		t.Fatalf("impossible: %+v", ratio)
	}
}

func checkHistory(t *testing.T, feed *bybit.Feed, c market.Contract) {
	t.Helper()
	ctx := t.Context()
	for _, to := range []time.Time{time.UnixMilli(1670609100000), time.UnixMilli(1789458900000)} {
		from := to.Add(-4 * time.Hour)
		candles, _ := feed.Candles(ctx, c, from, to)
		for i, k := range candles {
			if !feeds.PossibleCandle(k) || k.Start.Before(from) || !k.Start.Before(to) || i > 0 && !k.Start.After(candles[i-1].Start) {
				t.Fatalf("impossible: %+v", k)
			}
		}
		points, _ := feed.OpenInterest(ctx, c, from, to)
		for i, p := range points {
			if !feeds.PossibleCoins(p.Coins) || p.At.Before(from) || !p.At.Before(to) || i > 0 && !p.At.After(points[i-1].At) {
				t.Fatalf("impossible: %+v", p)
			}
		}
		paid, _ := feed.Fundings(ctx, c, from, to)
		for i, p := range paid {
			if !feeds.PossibleFunding(p.Rate) || p.At.Before(from) || !p.At.Before(to) || i > 0 && !p.At.After(paid[i-1].At) {
				t.Fatalf("impossible: %+v", p)
			}
		}
	}
}
