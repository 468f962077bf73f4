package okx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/okx"
	"liqbot/feeds/okx/okxtest"
	"liqbot/market"
)

var small = feedtest.Market{Share: 0.3}

// TestWeekOfCandles counts what seven days cost and what of them is known.
func TestWeekOfCandles(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small)
	to := d.Base().Now().Truncate(feeds.CandleLength)
	from := to.Add(-7 * 24 * time.Hour)
	got, err := f.Candles(t.Context(), okxtest.Contract("PEPE"), from, to)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2016 || !got[0].Start.Equal(from) || !got[2015].End().Equal(to) {
		t.Fatalf("%d candles, want all 2016", len(got))
	}
	takers := 0
	for i, c := range got {
		if i > 0 && !c.Start.Equal(got[i-1].End()) {
			t.Fatalf("candle %d starts at %v, want %v", i, c.Start, got[i-1].End())
		}
		if c.MarkHighUSD == 0 {
			t.Fatalf("no mark prices at %v", c.Start)
		}
		if want := small.Candle("PEPE", c.Start); c.HasTaker {
			takers++
			if math.Abs(c.TakerBuyCoins/want.TakerBuyCoins-1) > 1e-9 || math.Abs(c.VolumeCoins/want.VolumeCoins-1) > 1e-9 {
				t.Fatalf("at %v takers bought %g of %g, want %g of %g", c.Start, c.TakerBuyCoins, c.VolumeCoins, want.TakerBuyCoins, want.VolumeCoins)
			}
		}
	}
	if takers != 0 {
		t.Errorf("takers are known of %d candles of a week, want that nobody waits for them", takers)
	}
	for path, most := range map[string]int{
		"market/candles": 5, "market/history-candles": 2, "market/mark-price-candles": 15, "market/history-mark-price-candles": 6,
	} {
		if n := d.Requests("/api/v5/" + path); n == 0 || n > most {
			t.Errorf("%d requests for %s, want at most %d", n, path, most)
		}
	}
	if n := d.Requests("/api/v5/rubik/stat/taker-volume-contract"); n != 0 {
		t.Errorf("%d requests for takers of a week", n)
	}
}

func TestCandleEdges(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small)
	now := d.Base().Now()
	bar := now.Truncate(feeds.CandleLength)
	for name, c := range map[string]struct {
		from, to    time.Time
		first, last time.Time
	}{
		"the running bar is left out": {bar.Add(-10 * time.Minute), now.Add(time.Hour), bar.Add(-10 * time.Minute), bar.Add(-5 * time.Minute)},
		"bounds within bars":          {bar.Add(-61 * time.Minute), bar.Add(-49 * time.Minute), bar.Add(-60 * time.Minute), bar.Add(-50 * time.Minute)},
		"end is not included":         {bar.Add(-60 * time.Minute), bar.Add(-50 * time.Minute), bar.Add(-60 * time.Minute), bar.Add(-55 * time.Minute)},
		"last year":                   {bar.AddDate(-1, 0, 0), bar.AddDate(-1, 0, 0).Add(30 * time.Minute), bar.AddDate(-1, 0, 0), bar.AddDate(-1, 0, 0).Add(25 * time.Minute)},
	} {
		got, err := f.Candles(t.Context(), okxtest.Contract("BTC"), c.from, c.to)
		if err != nil || len(got) == 0 {
			t.Errorf("%s: %d candles, %v", name, len(got), err)
			continue
		}
		if first, last := got[0].Start, got[len(got)-1].Start; !first.Equal(c.first) || !last.Equal(c.last) {
			t.Errorf("%s: candles of %v to %v, want %v to %v", name, first, last, c.first, c.last)
		}
	}
	before := d.Base().Requests()
	if got, err := f.Candles(t.Context(), okxtest.Contract("BTC"), bar, bar); len(got) != 0 || err != nil || d.Base().Requests() != before {
		t.Errorf("an empty span gave %d candles, %v, %d requests", len(got), err, d.Base().Requests()-before)
	}
	if got, err := f.Candles(t.Context(), okxtest.Contract("BTC"), time.Unix(1573500000, 0), time.Unix(1573557900, 0)); err != nil || len(got) != 2 {
		t.Errorf("before the contract was listed: %d candles, %v, want the first 2", len(got), err)
	}
}

// TestOpenInterestJoin: five minutes for five days, hours before.
func TestOpenInterestJoin(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small)
	to := d.Base().Now().Truncate(time.Hour)
	from := to.Add(-10 * 24 * time.Hour)
	got, err := f.OpenInterest(t.Context(), okxtest.Contract("ETH"), from, to)
	if err != nil || len(got) < 1500 {
		t.Fatalf("%d points, %v", len(got), err)
	}
	fine := 0
	for i, p := range got {
		if math.Abs(p.Coins/small.OpenInterestCoins("ETH", p.At)-1) > 1e-9 {
			t.Fatalf("%g coins at %v, want %g", p.Coins, p.At, small.OpenInterestCoins("ETH", p.At))
		}
		if i == 0 {
			continue
		}
		switch step := p.At.Sub(got[i-1].At); {
		case step == feeds.CandleLength:
			fine++
		case step <= 0, step > time.Hour, fine > 0:
			t.Fatalf("point %d is %v behind the last", i, step)
		}
	}
	if fine < 1420 || !got[0].At.Equal(from) {
		t.Errorf("%d fine steps from %v, want about 1430 from %v", fine, got[0].At, from)
	}
	if n := d.Requests("/api/v5/rubik/stat/contracts/open-interest-history"); n > 17 {
		t.Errorf("%d requests, want at most 15 fine and 2 coarse ones", n)
	}
}

// TestPageEnds: nothing is missing or double where pages meet, whether or not the entry
// at the end of a page comes again.
func TestPageEnds(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]okxtest.Option{"exclusive": nil, "inclusive": {okxtest.InclusiveEnd()}} {
		f, d := pair(t, small, opts...)
		to := d.Base().Now().Truncate(time.Hour)
		got, err := f.OpenInterest(t.Context(), okxtest.Contract("BTC"), to.Add(-20*time.Hour), to)
		if err != nil || len(got) != 240 {
			t.Errorf("%s: %d points, %v, want 240", name, len(got), err)
		}
		for i, p := range got {
			if want := to.Add(-20 * time.Hour).Add(time.Duration(i) * feeds.CandleLength); !p.At.Equal(want) {
				t.Fatalf("%s: point %d is of %v, want %v", name, i, p.At, want)
			}
		}
		if n := d.Requests("/api/v5/rubik/stat/contracts/open-interest-history"); n != 3 {
			t.Errorf("%s: %d requests, want 3", name, n)
		}
	}
}

func TestFundings(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small)
	to := d.Base().Now()
	got, err := f.Fundings(t.Context(), okxtest.Contract("SOL"), to.AddDate(0, 0, -30), to)
	if err != nil || len(got) < 89 || len(got) > 91 {
		t.Fatalf("%d rates, %v, want three a day", len(got), err)
	}
	for i, p := range got {
		// The forecast of the double is a tenth higher than what was paid.
		if want := small.FundingRate("SOL", p.At); math.Abs(p.Rate-want) > 1e-12 || i > 0 && !p.At.After(got[i-1].At) {
			t.Fatalf("rate %d is %g at %v, want %g", i, p.Rate, p.At, want)
		}
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small)
	now := d.Base().Now()
	ratio, err := f.LongShort(t.Context(), okxtest.Contract("BTC"))
	if want := small.LongShare("BTC", now); err != nil || math.Abs(ratio.Long-want) > 1e-3 || math.Abs(ratio.Long+ratio.Short-1) > 1e-9 || now.Sub(ratio.At) > 10*time.Minute {
		t.Errorf("ratio %+v, %v, want %g long", ratio, err, want)
	}
	byCoin, err := f.OpenInterests(t.Context())
	if err != nil || len(byCoin) != 4 {
		t.Errorf("open interest of %d coins, %v", len(byCoin), err)
	}
	for coin, usd := range byCoin {
		if want := small.OpenInterestCoins(coin, now) * small.MarkUSD(coin, now); math.Abs(usd/want-1) > 1e-3 {
			t.Errorf("%s: %g USD, want %g", coin, usd, want)
		}
	}
	tiers, err := f.Tiers(t.Context(), okxtest.Contract("BTC"))
	if err != nil || len(tiers.Tiers) != 3 || now.Sub(tiers.AsOf).Abs() > 5*time.Second {
		t.Fatalf("tiers %+v, %v", tiers, err)
	}
	// The first tier ends at 1000 contracts of 0.01 BTC.
	first, last, end := tiers.Tiers[0], tiers.Tiers[2], 10*small.MarkUSD("BTC", now)
	if first.FromUSD != 0 || math.Abs(first.ToUSD/end-1) > 1e-3 || first.MaintenanceMarginRate != 0.004 || first.MaxLeverage != 100 || first.DeductionUSD != 0 {
		t.Errorf("first tier %+v, want it to end at %g USD", first, end)
	}
	if !math.IsInf(last.ToUSD, 1) || last.FromUSD != tiers.Tiers[1].ToUSD {
		t.Errorf("last tier %+v", last)
	}
}

// TestRecordedContracts reads recorded lists, in which inverse swaps and those of other
// units stand beside linear ones.
func TestRecordedContracts(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small)
	for file, want := range map[string][]string{
		"rest_instruments_2026.json": {"BTC-USDT-SWAP BTC 0.01 0.1 100"},
		"rest_instruments_2025.json": {"ETH-USDT-SWAP ETH 0.1 0.01 100", "BTC-USDT-SWAP BTC 0.01 0.1 100"},
		"rest_instruments_2022.json": {
			"LTC-USDT-SWAP LTC 1 0.01 75", "DOGE-USDT-SWAP DOGE 1000 1e-06 75", "SOL-USDT-SWAP SOL 1 0.001 75", "1INCH-USDT-SWAP 1INCH 1 0.0001 75",
			"KISHU-USDT-SWAP KISHU 1e+09 1e-11 75", "SOS-USDT-SWAP SOS 1e+06 1e-09 75",
		},
	} {
		body, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		d.Base().Refuse(1, http.StatusOK, nil, string(body))
		list, err := f.Contracts(t.Context())
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		var got []string
		for _, c := range list {
			got = append(got, fmt.Sprint(c.Symbol, " ", c.Coin, " ", c.ContractCoins, " ", c.TickUSD, " ", c.MaxLeverage))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// TestMultiplier: sizes are contracts x value x multiplier, of a thousand coins if the
// name says so.
func TestMultiplier(t *testing.T) {
	t.Parallel()
	f, d := pair(t, small)
	d.Base().Refuse(1, http.StatusOK, nil, `{"code":"0","msg":"","data":[{"instId":"1000BONK-USDT-SWAP","instFamily":"1000BONK-USDT","instType":"SWAP","ctType":"linear",`+
		`"ctVal":"10","ctMult":"5","ctValCcy":"1000BONK","settleCcy":"USDT","state":"live","tickSz":"0.001","lever":"20"}]}`)
	got, err := f.Contracts(t.Context())
	want := []market.Contract{{Venue: "OKX", Symbol: "1000BONK-USDT-SWAP", Coin: "BONK", QuotedCoins: 1000, ContractCoins: 50_000, Quote: "USDT", TickUSD: 1e-6, MaxLeverage: 20}}
	if diff := cmp.Diff(want, got, approximately); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   feeds.Problem
		// later: it says when to come again.
		later bool
	}{
		"too fast, with HTTP 200":  {200, `{"code":"50011","msg":"Too Many Requests","data":[]}`, feeds.RateLimited, true},
		"too fast":                 {429, `{"code":"50011","msg":"Too Many Requests"}`, feeds.RateLimited, true},
		"busy":                     {429, `{"code":"50013","msg":"System busy"}`, feeds.RateLimited, true},
		"too fast, a page":         {429, `<html>`, feeds.RateLimited, true},
		"not there":                {503, `{"code":"50001","msg":"Service temporarily unavailable"}`, feeds.Unavailable, false},
		"not in this country":      {200, `{"code":"50051","msg":"This service isn't available in your country"}`, feeds.Blocked, true},
		"page before the venue":    {403, `<html>cf-error</html>`, feeds.Blocked, true},
		"offline":                  {410, `{"code":"50005","msg":"API endpoint is offline"}`, feeds.Blocked, false},
		"no such contract":         {200, `{"code":"51001","msg":"Instrument ID does not exist","data":[]}`, feeds.NotListed, false},
		"no such family":           {400, `{"code":"51000","data":[],"msg":"Parameter instFamily error"}`, feeds.NotListed, false},
		"wrong parameter":          {400, `{"code":"51000","data":[],"msg":"Parameter limit error"}`, feeds.BadData, false},
		"no JSON":                  {200, `<html>`, feeds.BadData, false},
		"cut off":                  {200, `{"code":"0","data":[["17`, feeds.BadData, false},
		"without code":             {200, `{"data":[]}`, feeds.BadData, false},
		"data of another type":     {200, `{"code":"0","msg":"","data":5}`, feeds.BadData, false},
		"gone":                     {404, `{"code":"404","msg":"Not Found"}`, feeds.Blocked, false},
		"gateway":                  {502, `<html>`, feeds.Unavailable, false},
		"no row that can be read":  {200, `{"code":"0","msg":"","data":[["1","2"],["x"],[]]}`, feeds.BadData, false},
		"ratio that cannot be":     {200, `{"code":"0","msg":"","data":[["1790000000000","-3"]]}`, feeds.BadData, false},
		"code that is not a text":  {200, `{"code":1,"msg":"Operation failed"}`, feeds.BadData, false},
		"trailing bytes":           {200, `{"code":"0","msg":"","data":[["1790000000000","3"]]}x`, feeds.BadData, false},
		"answer without any data":  {200, `{"code":"0","msg":""}`, feeds.BadData, false},
		"row of the wrong century": {200, `{"code":"0","msg":"","data":[["99","3"]]}`, feeds.BadData, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := pair(t, small)
			d.Base().Refuse(1, c.status, nil, c.body)
			_, err := f.LongShort(t.Context(), okxtest.Contract("BTC"))
			e, ok := errors.AsType[*feeds.Error](err)
			if !ok || e.Problem != c.want || e.Venue != okx.Venue || (time.Until(e.RetryAt) > time.Second) != c.later {
				t.Errorf("got %v, want %s, later: %v", err, c.want, c.later)
			}
		})
	}
}

// flaky answers the requests of these numbers, counted by path, as the venue does when it
// is asked too fast.
type flaky struct {
	to    http.RoundTripper
	path  string
	at    int64
	count atomic.Int64
}

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, f.path) || f.count.Add(1) != f.at {
		return f.to.RoundTrip(r)
	}
	body := io.NopCloser(strings.NewReader(`{"code":"50011","msg":"Too Many Requests","data":[]}`))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body, Request: r}, nil
}

// TestPullGoesOn: pages that are there are not thrown away because a later one was asked
// for too fast; a pull that has not begun is refused at once.
func TestPullGoesOn(t *testing.T) {
	t.Parallel()
	d := okxtest.Start(small)
	t.Cleanup(d.Close)
	inner := &http.Transport{}
	t.Cleanup(inner.CloseIdleConnections)
	to := d.Base().Now().Truncate(time.Hour)
	for at, points := range map[int64]int{1: 0, 2: 288} {
		client := &http.Client{Transport: &flaky{to: inner, path: "/open-interest-history", at: at}}
		f := okx.New(okx.Config{APIURL: d.API(), Client: client})
		got, err := f.OpenInterest(t.Context(), okxtest.Contract("BTC"), to.Add(-24*time.Hour), to)
		if len(got) != points || (points == 0) != (feeds.ProblemOf(err) == feeds.RateLimited && err != nil) {
			t.Errorf("refused at request %d: %d points, %v, want %d", at, len(got), err, points)
		}
	}
}

// TestLimits: in any two seconds, counted at the venue's side, no more are sent than may
// be, and contracts are counted each for itself.
func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := okx.NewLimits()
		start := time.Now()
		var at []time.Duration
		for range 9 {
			done, err := l.TakeRatio(t.Context(), "BTC-USDT-SWAP")
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, time.Since(start))
			done()
		}
		for i := 5; i < len(at); i++ {
			if at[i]-at[i-5] <= 2*time.Second {
				t.Errorf("request %d came %v after the fifth before it", i, at[i]-at[i-5])
			}
		}
		if at[8] > 5*time.Second {
			t.Errorf("nine requests took %v", at[8])
		}
		other := time.Now()
		if _, err := l.TakeRatio(t.Context(), "ETH-USDT-SWAP"); err != nil || time.Since(other) != 0 {
			t.Errorf("another contract waited %v, %v", time.Since(other), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var err error
		for range 30 {
			var done func()
			if done, err = l.TakeTime(ctx); err != nil {
				break
			}
			done()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the wait ended with %v, want the context's error", err)
		}
	})
}
