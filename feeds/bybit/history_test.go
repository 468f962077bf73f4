package bybit_test

import (
	"errors"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/feeds/bybit"
	"liqbot/feeds/bybit/bybittest"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// lawful fails the test if the feed did what Bybit forbids.
func lawful(t *testing.T, d *bybittest.Double) {
	t.Helper()
	if v := d.Violations(); len(v) > 0 {
		t.Errorf("violations: %v", v)
	}
}

func TestContractsOverPages(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3}, bybittest.Fillers(2100))
	got, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of := func(symbol string, coin market.Coin, coins, tick float64) market.Contract {
		return market.Contract{Venue: "Bybit", Symbol: symbol, Coin: coin, QuotedCoins: coins, ContractCoins: coins, Quote: "USDT", TickUSD: tick, MaxLeverage: 100, FundingInterval: 8 * time.Hour}
	}
	want := []market.Contract{of("1000PEPEUSDT", "PEPE", 1000, 1e-10), of("BTCUSDT", "BTC", 1, 0.1), of("ETHUSDT", "ETH", 1, 0.1), of("SOLUSDT", "SOL", 1, 0.1)}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := d.Base().Requests(); n != 3 {
		t.Errorf("%d requests for three pages", n)
	}
	lawful(t, d)
}

func TestMultipliersOfNames(t *testing.T) {
	row := func(symbol, base string) string {
		return `{"symbol":"` + symbol + `","contractType":"LinearPerpetual","status":"Trading","baseCoin":"` + base + `","quoteCoin":"USDT","settleCoin":"USDT"}`
	}
	names := [][2]string{{"SHIB1000USDT", "SHIB1000"}, {"1000000MOGUSDT", "1000000MOG"}, {"10000SATSUSDT", "10000SATS"}, {"1INCHUSDT", "1INCH"}, {"1000BONKUSDT", "BONK"}}
	var rows []string
	for _, n := range names {
		rows = append(rows, row(n[0], n[1]))
	}
	f := answering(`{"retCode":0,"result":{"list":[` + strings.Join(rows, ",") + `],"nextPageCursor":""},"time":1791565601500}`)
	got, err := f.Contracts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	coins := map[market.Coin]float64{}
	for _, c := range got {
		coins[c.Coin] = c.QuotedCoins
	}
	want := map[market.Coin]float64{"SHIB": 1000, "MOG": 1e6, "SATS": 10000, "1INCH": 1, "BONK": 1000}
	if diff := cmp.Diff(want, coins); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEdges asks for spans whose ends are beside and on candles.
func TestEdges(t *testing.T) {
	t.Parallel()
	m := feedtest.Market{Share: 0.3}
	f, d := start(t, m)
	btc := listed()[0]
	const bar = feeds.CandleLength
	open := d.Base().Now().Truncate(bar)
	base := open.Add(-5000 * bar)
	tests := map[string]struct {
		from, to time.Time
		first    time.Time
		n, asks  int
	}{
		"one":                {base, base.Add(bar), base, 1, 2},
		"none":               {base, base, time.Time{}, 0, 0},
		"backwards":          {base.Add(bar), base, time.Time{}, 0, 0},
		"between":            {base.Add(time.Second), base.Add(bar), time.Time{}, 0, 0},
		"a ms more":          {base, base.Add(bar + time.Millisecond), base, 2, 2},
		"a ms later":         {base.Add(time.Millisecond), base.Add(3 * bar), base.Add(bar), 2, 2},
		"a page":             {base, base.Add(1000 * bar), base, 1000, 2},
		"a page and one":     {base, base.Add(1001 * bar), base, 1001, 4},
		"seven days":         {open.Add(-2016 * bar), open, open.Add(-2016 * bar), 2016, 6},
		"without the open":   {open.Add(-2 * bar), open.Add(10 * bar), open.Add(-2 * bar), 2, 2},
		"older than it is":   {open.Add(-100 * 24 * time.Hour), open.Add(-89 * 24 * time.Hour), d.Base().Now().Add(-90 * 24 * time.Hour).Truncate(time.Hour), 288, 6},
		"not yet":            {open.Add(bar), open.Add(20 * bar), time.Time{}, 0, 1},
		"all of the old age": {base.Add(-40000 * bar), base.Add(-39000 * bar), time.Time{}, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := d.Base().Requests()
			got, err := f.Candles(t.Context(), btc, tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			if !d.Base().Now().Truncate(bar).Equal(open) {
				t.Skip("the open bar closed meanwhile")
			}
			asks := d.Base().Requests() - before
			if asks != tt.asks {
				t.Errorf("%d requests, want %d", asks, tt.asks)
			}
			if name == "older than it is" && len(got) > 250 && len(got) < 300 {
				return // how many depends on the hour
			}
			if len(got) != tt.n {
				t.Fatalf("%d candles, want %d", len(got), tt.n)
			}
			for i, c := range got {
				if at := tt.first.Add(time.Duration(i) * bar); !c.Start.Equal(at) || c.HasTaker || c.MarkHighUSD == 0 {
					t.Fatalf("candle %d: %+v, want %v", i, c, at)
				}
			}
		})
	}
	lawful(t, d)
}

// TestMissingMark: the bar is told without the extremes of the mark.
func TestMissingMark(t *testing.T) {
	start := time.UnixMilli(1670608800000).UTC()
	kline := `{"retCode":0,"result":{"list":[["1670608800000","17071","17073","17027","17055.5","268611","15.7"],["1670608500000","1","2","3","4","5","6"]]},"time":1672025956592}`
	marks := `{"retCode":0,"result":{"list":[["1670609100000","17164.16","17164.16","17121.5","17131.64"]]},"time":1672026361839}`
	f := bybit.New(bybit.Config{Client: &http.Client{Transport: byPath{"/v5/market/kline": kline, "/v5/market/mark-price-kline": marks}}})
	got, err := f.Candles(t.Context(), listed()[0], start.Add(-time.Hour), start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []market.Candle{{Start: start, Length: feeds.CandleLength, OpenUSD: 17071, HighUSD: 17073, LowUSD: 17027, CloseUSD: 17055.5, VolumeCoins: 268611}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// byPath answers by path.
type byPath map[string]string

func (b byPath) RoundTrip(r *http.Request) (*http.Response, error) {
	return always{b[r.URL.Path]}.RoundTrip(r)
}

func TestRecordedOpenInterest(t *testing.T) {
	body, err := os.ReadFile("testdata/rest_open_interest_2026-09-15.json")
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1789458600000).UTC()
	got, err := answering(string(body)).OpenInterest(t.Context(), listed()[0], at.Add(-10*time.Minute), at.Add(5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	want := []market.OpenInterestPoint{{At: at.Add(-10 * time.Minute), Coins: 26326.209}, {At: at.Add(-5 * time.Minute), Coins: 26336.672}, {At: at, Coins: 26332.321}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMonthOfOpenInterest(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]bybittest.Option{"one side told": nil, "both sides only": {bybittest.NoSingle()}} {
		t.Run(name, func(t *testing.T) {
			m := feedtest.Market{Share: 0.3}
			f, d := start(t, m, opts...)
			to := d.Base().Now().Truncate(feeds.CandleLength)
			got, err := f.OpenInterest(t.Context(), listed()[2], to.Add(-30*24*time.Hour), to)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 8640 || d.Base().Requests() != 44 {
				t.Fatalf("%d points of %d requests", len(got), d.Base().Requests())
			}
			for _, p := range got {
				if want := m.OpenInterestCoins("PEPE", p.At); math.Abs(p.Coins/want-1) > 1e-9 {
					t.Fatalf("%v: %g coins, want %g", p.At, p.Coins, want)
				}
			}
			lawful(t, d)
		})
	}
}

func TestFundings(t *testing.T) {
	t.Parallel()
	m := feedtest.Market{Share: 0.3}
	f, d := start(t, m)
	to := d.Base().Now().Truncate(8 * time.Hour)
	from := to.Add(-80 * 24 * time.Hour)
	got, err := f.Fundings(t.Context(), listed()[0], from, to)
	if err != nil {
		t.Fatal(err)
	}
	var want []market.FundingPoint
	for at := from; at.Before(to); at = at.Add(8 * time.Hour) {
		want = append(want, market.FundingPoint{At: at.UTC(), Rate: m.FundingRate("BTC", at)})
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("(-want +got):\n%.1000s", diff)
	}
	lawful(t, d)
}

func TestLongShort(t *testing.T) {
	t.Parallel()
	m := feedtest.Market{Share: 0.3}
	f, d := start(t, m)
	got, err := f.LongShort(t.Context(), listed()[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := m.LongShare("BTC", got.At); math.Abs(got.Long-want) > 1e-3 || math.Abs(got.Long+got.Short-1) > 1e-9 || d.Base().Now().Sub(got.At) > 5*time.Minute {
		t.Errorf("got %+v, want %g long", got, want)
	}
	lawful(t, d)
}

func TestTiers(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3})
	got, err := f.Tiers(t.Context(), listed()[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []market.LeverageTier{
		{FromUSD: 0, ToUSD: 300_000, MaxLeverage: 150, MaintenanceMarginRate: 0.0033},
		{FromUSD: 300_000, ToUSD: 9_000_000, MaxLeverage: 100, MaintenanceMarginRate: 0.005, DeductionUSD: 510},
		{FromUSD: 9_000_000, ToUSD: math.Inf(1), MaxLeverage: 10, MaintenanceMarginRate: 0.05, DeductionUSD: 405_510},
	}
	if diff := cmp.Diff(want, got.Tiers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if off := d.Base().Now().Sub(got.AsOf); off < 0 || off > 5*time.Second {
		t.Errorf("as of %v", got.AsOf)
	}
	lawful(t, d)
}

func TestTiersInOtherForms(t *testing.T) {
	row := func(limit, maintenance, leverage string) string {
		return `{"symbol":"BTCUSDT","riskLimitValue":` + limit + `,"maintenanceMargin":` + maintenance + `,"maxLeverage":` + leverage + `}`
	}
	want := []market.LeverageTier{
		{FromUSD: 0, ToUSD: 300_000, MaxLeverage: 100, MaintenanceMarginRate: 0.005},
		{FromUSD: 300_000, ToUSD: math.Inf(1), MaxLeverage: 50, MaintenanceMarginRate: 0.01, DeductionUSD: 1500},
	}
	tests := map[string]struct {
		rows []string
		want []market.LeverageTier
		bad  feeds.Problem
	}{
		"fractions, no deductions": {rows: []string{row(`"600000"`, `"0.01"`, `"50"`), row(`"300000"`, `"0.005"`, `"100.00"`)}, want: want},
		"numbers":                  {rows: []string{row(`600000`, `0.01`, `50`), row(`300000`, `0.005`, `100`)}, want: want},
		"percent":                  {rows: []string{row(`"600000"`, `"1"`, `"50"`), row(`"300000"`, `"0.5"`, `"100.00"`)}, want: want},
		"falling rates":            {rows: []string{row(`600000`, `0.004`, `50`), row(`300000`, `0.005`, `100`)}, bad: feeds.BadData},
		"more than the margin":     {rows: []string{row(`600000`, `0.5`, `50`), row(`300000`, `0.005`, `100`)}, bad: feeds.BadData},
		"a hole":                   {rows: []string{row(`"x"`, `0.01`, `50`), row(`300000`, `0.005`, `100`)}, bad: feeds.BadData},
		"another symbol only":      {rows: []string{`{"symbol":"ETHUSDT","riskLimitValue":1,"maintenanceMargin":0.005,"maxLeverage":100}`}, bad: feeds.NotListed},
		"none":                     {bad: feeds.NotListed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := answering(`{"retCode":0,"result":{"list":[` + strings.Join(tt.rows, ",") + `],"nextPageCursor":""},"time":1791565601500}`)
			got, err := f.Tiers(t.Context(), listed()[0])
			if (err != nil) != (tt.bad != "") || err != nil && feeds.ProblemOf(err) != tt.bad {
				t.Fatalf("error %v, want %q", err, tt.bad)
			}
			if diff := cmp.Diff(tt.want, got.Tiers, cmpopts.EquateApprox(1e-12, 0)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordedTiers(t *testing.T) {
	result, err := os.ReadFile("testdata/rest_risk_limit_testnet_2026-09-17_part.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := answering(`{"retCode":0,"result":`+string(result)+`,"time":1791565601500}`).Tiers(t.Context(), listed()[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []market.LeverageTier{
		{ToUSD: 300_000, MaxLeverage: 150, MaintenanceMarginRate: 0.0033},
		{FromUSD: 300_000, ToUSD: math.Inf(1), MaxLeverage: 100, MaintenanceMarginRate: 0.005, DeductionUSD: 510},
	}
	if diff := cmp.Diff(want, got.Tiers, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status   int
		header   http.Header
		body     string
		want     feeds.Problem
		min, max time.Duration
	}{
		"too frequent":      {status: 403, body: "403, access too frequent", want: feeds.RateLimited, min: 9 * time.Minute, max: 10 * time.Minute},
		"country":           {status: 403, body: "<html>The Amazon CloudFront distribution is configured to block access from your country</html>", want: feeds.Blocked, min: 9 * time.Minute, max: 10 * time.Minute},
		"too many visits":   {status: 200, body: `{"retCode":10006,"retMsg":"Too many visits!","result":{}}`, want: feeds.RateLimited, min: time.Second, max: 10 * time.Second},
		"until told":        {status: 200, header: http.Header{"X-Bapi-Limit-Reset-Timestamp": {ms(time.Now().Add(40 * time.Second))}}, body: `{"retCode":10006,"retMsg":"Too many visits!"}`, want: feeds.RateLimited, min: 30 * time.Second, max: 42 * time.Second},
		"load":              {status: 429, body: ``, want: feeds.RateLimited, min: time.Second, max: time.Minute},
		"symbol":            {status: 200, body: `{"retCode":10001,"retMsg":"params error: symbol invalid","result":{}}`, want: feeds.NotListed},
		"whitelist":         {status: 200, body: `{"retMsg":"nope","retCode":10029}`, want: feeds.NotListed},
		"parameter":         {status: 200, body: `{"retCode":10001,"retMsg":"params error: limit"}`, want: feeds.BadData},
		"region":            {status: 200, body: `{"retCode":10024,"retMsg":"compliance"}`, want: feeds.Blocked, min: 9 * time.Minute, max: 10 * time.Minute},
		"timeout":           {status: 200, body: `{"retCode":10000,"retMsg":"Server Timeout"}`, want: feeds.Unavailable},
		"path":              {status: 404, body: `{"retCode":10017,"retMsg":"Route not found."}`, want: feeds.Blocked},
		"gateway":           {status: 502, body: `<html>`, want: feeds.Unavailable},
		"web page":          {status: 200, body: `<html>`, want: feeds.BadData},
		"no code":           {status: 200, body: `{}`, want: feeds.BadData},
		"code of a type":    {status: 200, body: `{"retCode":[],"result":{"list":[]}}`, want: feeds.BadData},
		"no list":           {status: 200, body: `{"retCode":0,"result":{}}`, want: feeds.BadData},
		"only broken rows":  {status: 200, body: `{"retCode":0,"result":{"list":[5]}}`, want: feeds.BadData},
		"half of an answer": {status: 200, body: `{"retCode":0,"result":{"list":[`, want: feeds.BadData},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, d := start(t, feedtest.Market{Share: 0.3})
			d.Base().Refuse(1, tt.status, tt.header, tt.body)
			now := d.Base().Now()
			_, err := f.Candles(t.Context(), listed()[0], now.Add(-time.Hour), now)
			e, ok := errors.AsType[*feeds.Error](err)
			if !ok || e.Venue != bybit.Venue || e.Problem != tt.want {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if tt.min == 0 {
				if !e.RetryAt.IsZero() {
					t.Errorf("stops until %v", e.RetryAt)
				}
				return
			}
			if wait := time.Until(e.RetryAt); wait < tt.min || wait > tt.max {
				t.Errorf("stops for %v, want %v to %v", wait, tt.min, tt.max)
			}
			before := d.Base().Requests()
			if _, err := f.ServerTime(t.Context()); err == nil || d.Base().Requests() != before {
				t.Errorf("asked again at once; error %v", err)
			}
		})
	}
}

func TestNotListed(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3})
	gone := market.Contract{Symbol: "LUNAUSDT", QuotedCoins: 1, ContractCoins: 1}
	now := d.Base().Now()
	if _, err := f.Candles(t.Context(), gone, now.Add(-time.Hour), now); feeds.ProblemOf(err) != feeds.NotListed {
		t.Errorf("candles: %v", err)
	}
	if _, err := f.Tiers(t.Context(), gone); feeds.ProblemOf(err) != feeds.NotListed {
		t.Errorf("tiers: %v", err)
	}
}

// TestBelowTheLimit asks for as much as it can: the double bans who asks for more.
func TestBelowTheLimit(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 0.3})
	begin := time.Now()
	for time.Since(begin) < time.Second {
		if _, err := f.ServerTime(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.Base().Requests(); n < 20 || n > 60+80+20 {
		t.Errorf("%d requests in a second", n)
	}
	lawful(t, d)
}

// TestNothingLeft: an answer that says so is good, and the next request waits.
func TestNothingLeft(t *testing.T) {
	t.Parallel()
	f, d := start(t, feedtest.Market{Share: 0.3})
	reset := time.Now().Add(time.Second).Truncate(time.Millisecond)
	d.Base().Refuse(1, http.StatusOK, http.Header{"X-Bapi-Limit-Status": {"0"}, "X-Bapi-Limit-Reset-Timestamp": {ms(reset)}}, `{"retCode":0,"result":{"timeNano":"1791565601500000000"}}`)
	for range 2 {
		if _, err := f.ServerTime(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if early := time.Until(reset); early > 50*time.Millisecond {
		t.Errorf("asked again %v before the reset", early)
	}
}
