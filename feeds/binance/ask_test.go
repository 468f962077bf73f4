package binance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/binance"
	"liqbot/feeds/binance/binancetest"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

// answers is a transport that gives one answer after the other, the last one for ever.
type answers struct {
	list []answer
	at   []time.Time
	// clock, if not 0, is the time that is told whenever it is asked for, ms.
	clock int64
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.clock != 0 && r.URL.Path == "/fapi/v1/time" {
		return respond(answer{http.StatusOK, nil, fmt.Sprintf(`{"serverTime":%d}`, a.clock)}), nil
	}
	now := a.list[0]
	if len(a.list) > 1 {
		a.list = a.list[1:]
	}
	a.at = append(a.at, time.Now())
	return respond(now), nil
}

func respond(a answer) *http.Response {
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body))}
}

func feedOf(list ...answer) (*binance.Feed, *answers) {
	a := &answers{list: list}
	return binance.New(binance.Config{APIURL: "http://venue.test", Client: &http.Client{Transport: a}}), a
}

const okTime = `{"serverTime":1499827319559}`

func TestRefusals(t *testing.T) {
	const tooMany = `{"code":-1003,"msg":"Too many requests; current limit of IP(194.233.0.1) is 2400 requests per minute. Please use the websocket for live updates to avoid polling the API."}`
	banned := func(in time.Duration) string {
		return fmt.Sprintf(`{"code":-1003,"msg":"Way too many requests; IP banned until %d. Please use the websocket for live updates to avoid bans."}`, time.Now().Add(in).UnixMilli())
	}
	tests := map[string]struct {
		answer  func() answer
		problem feeds.Problem
		// least and most bound how long the venue is left alone.
		least, most time.Duration
	}{
		"too many":             {func() answer { return answer{429, nil, tooMany} }, feeds.RateLimited, time.Second, 62 * time.Second},
		"too many, told when":  {func() answer { return answer{429, http.Header{"Retry-After": {"17"}}, tooMany} }, feeds.RateLimited, 17 * time.Second, 17 * time.Second},
		"no body":              {func() answer { return answer{429, nil, ""} }, feeds.RateLimited, time.Second, 62 * time.Second},
		"too many, status 200": {func() answer { return answer{200, nil, tooMany} }, feeds.RateLimited, time.Second, 62 * time.Second},
		"banned":               {func() answer { return answer{418, nil, banned(7 * time.Minute)} }, feeds.RateLimited, 7 * time.Minute, 7*time.Minute + 2*time.Second},
		"banned, not told":     {func() answer { return answer{418, nil, "{}"} }, feeds.RateLimited, 2 * time.Minute, 2 * time.Minute},
		"banned for a century": {func() answer { return answer{418, nil, banned(100 * 365 * 24 * time.Hour)} }, feeds.RateLimited, 72 * time.Hour, 73 * time.Hour},
		"no such symbol":       {func() answer { return answer{400, nil, `{"code":-1121,"msg":"Invalid symbol."}`} }, feeds.NotListed, 0, 0},
		"bad parameter":        {func() answer { return answer{400, nil, `{"code":-1130,"msg":"x"}`} }, feeds.BadData, 0, 0},
		"second shape":         {func() answer { return answer{200, nil, string(lines(t, "errors.jsonl")[1])} }, feeds.BadData, 0, 0},
		"key wanted":           {func() answer { return answer{401, nil, `{"code":-2014,"msg":"API-key format invalid."}`} }, feeds.Blocked, 0, 0},
		"firewall":             {func() answer { return answer{403, nil, "<html>"} }, feeds.Blocked, time.Minute, time.Hour},
		"place": {func() answer {
			return answer{451, nil, `{"code":0,"msg":"Service unavailable from a restricted location"}`}
		}, feeds.Blocked, time.Minute, time.Hour},
		"gone":               {func() answer { return answer{404, nil, "<html>"} }, feeds.Blocked, 0, 0},
		"overload":           {func() answer { return answer{503, nil, "Service Unavailable."} }, feeds.Unavailable, 0, 0},
		"internal":           {func() answer { return answer{500, nil, `{"code":-1001,"msg":"Internal error"}`} }, feeds.Unavailable, 0, 0},
		"list for an object": {func() answer { return answer{200, nil, `[]`} }, feeds.BadData, 0, 0},
		"empty":              {func() answer { return answer{200, nil, ``} }, feeds.BadData, 0, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, _ := feedOf(test.answer())
				_, err := f.ServerTime(t.Context())
				e, ok := errors.AsType[*feeds.Error](err)
				if !ok || e.Problem != test.problem || e.Venue != "Binance" {
					t.Fatalf("got %v, want %s", err, test.problem)
				}
				left := time.Duration(0)
				if !e.RetryAt.IsZero() {
					left = time.Until(e.RetryAt)
				}
				if left < test.least || left > test.most {
					t.Errorf("left alone for %v, want %v to %v", left, test.least, test.most)
				}
			})
		})
	}
}

// The bodies that other venues' clients recorded are errors too where a list is due.
func TestErrorObjectIsNoList(t *testing.T) {
	f, _ := feedOf(answer{200, nil, string(lines(t, "errors.jsonl")[1])})
	_, err := f.Fundings(t.Context(), market.Contract{Symbol: "BTCUSDT"}, time.Now().Add(-time.Hour), time.Now())
	if feeds.ProblemOf(err) != feeds.BadData {
		t.Errorf("got %v, want bad data", err)
	}
}

func TestOverloadIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := feedOf(
			answer{503, nil, "Service Unavailable."},
			answer{503, nil, `{"code":-1008,"msg":"Server is currently overloaded with other requests. Please try again in a few minutes."}`},
			answer{200, nil, okTime},
		)
		if _, err := f.ServerTime(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(a.at) != 3 || a.at[1].Sub(a.at[0]) != 200*time.Millisecond || a.at[2].Sub(a.at[1]) != 400*time.Millisecond {
			t.Errorf("asked at %v", a.at)
		}
	})
}

// Others behind the same address may use the limit up; the venue tells.
func TestUsedWeightHoldsRequests(t *testing.T) {
	used := func(n string) http.Header { return http.Header{"X-Mbx-Used-Weight-1m": {n}} }
	synctest.Test(t, func(t *testing.T) {
		const early = `{"serverTime":1499827277559}` // 17.6 s of the venue's minute are over
		f, a := feedOf(answer{200, used("2199"), early}, answer{200, used("2200"), early}, answer{200, used("7"), early})
		for range 3 {
			if _, err := f.ServerTime(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if d := a.at[1].Sub(a.at[0]); d != 0 {
			t.Errorf("waited %v although little was used", d)
		}
		if d := a.at[2].Sub(a.at[1]); d < 42*time.Second || d > 44*time.Second {
			t.Errorf("waited %v, want until the next minute", d)
		}
	})
}

// A fresh start asks for a month of several contracts as fast as it may: no limit breaks.
func TestMonthsOfManyContractsStayWithinLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := feedOf(answer{200, nil, "[]"})
		a.clock = fuzzNow
		now := time.UnixMilli(fuzzNow).Add(-24 * time.Hour)
		for range 50 {
			c := market.Contract{Symbol: "BTCUSDT", QuotedCoins: 1, ContractCoins: 1}
			if _, err := f.Candles(t.Context(), c, now.Add(-30*24*time.Hour), now); err != nil {
				t.Fatal(err)
			}
		}
		// 18 pages of 499, of weight 2; in no minute may there be more than 2400.
		if len(a.at) != 50*18 {
			t.Errorf("%d requests, want %d", len(a.at), 50*18)
		}
		for i := range a.at {
			if i >= 800 && a.at[i].Sub(a.at[i-800]) < time.Minute {
				t.Fatalf("800 requests within %v", a.at[i].Sub(a.at[i-800]))
			}
		}
	})
}

func TestWeightThatOthersUsedIsRespected(t *testing.T) {
	f, d := start(t, feedtest.Market{Share: 1})
	d.Use(2300)
	if _, err := f.ServerTime(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := d.Base().Requests()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := f.ServerTime(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want to wait for the next minute", err)
	}
	if n := d.Base().Requests() - before; n != 0 {
		t.Errorf("%d requests while little was left", n)
	}
}

func TestBanIsObeyed(t *testing.T) {
	d := binancetest.Start(feedtest.Market{Share: 1}, binancetest.WithLimits(binancetest.Limits{MinuteWeight: 60, Statistics: 5, Funding: 5}))
	defer d.Close()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	f := binance.New(binance.Config{APIURL: d.API(), Client: client})
	c := contract(t, f, "BTC")
	now := d.Base().Now()
	// The double allows five requests for statistics, the feed believes in a thousand.
	_, err := f.OpenInterest(t.Context(), c, now.Add(-30*24*time.Hour), now)
	if feeds.ProblemOf(err) != feeds.RateLimited {
		t.Fatalf("got %v, want a rate limit", err)
	}
	if _, err := f.ServerTime(t.Context()); feeds.ProblemOf(err) != feeds.RateLimited {
		t.Errorf("asked on: %v", err)
	}
	if v := d.Violations(); len(v) != 1 {
		t.Errorf("violations %v, want only the first", v)
	}
}
