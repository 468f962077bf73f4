package coinglass_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass/coinglasstest"
)

func TestBudgetStaysBelowTheLimit(t *testing.T) {
	const limit = 40
	c, srv := at(), coinglasstest.New(t)
	srv.Limit(limit)
	s := source(t, srv, onClock(srv, c))
	end := c.Now().Add(time.Minute)
	for c.Now().Before(end) {
		// Refused at once rather than in five seconds: time stands still meanwhile.
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, _ = s.Fetch(ctx, snapshot.Key{Coin: "BTC", Window: market.Week})
		cancel()
		c.add(500 * time.Millisecond)
	}
	got := srv.Requests("")
	if got > limit || got < limit/2 {
		t.Errorf("%d requests in a minute, want %d at most and not much fewer", got, limit)
	}
	for _, r := range srv.Seen("") {
		if r.Status == http.StatusTooManyRequests {
			t.Fatal("the server had to refuse a request")
		}
	}
}

func TestLimitIsKeptWithoutACount(t *testing.T) {
	const limit = 40
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	srv.Fail("", coinglasstest.Fault{
		Body:   coinglasstest.KeyedMap(coinglasstest.BitcoinPrice, coinglasstest.Row{Price: 90000, Level: 1}),
		Header: map[string]string{"API-KEY-MAX-LIMIT": strconv.Itoa(limit), "API-KEY-USE-LIMIT": "1"},
	})
	for range 240 { // a minute
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, _ = s.Fetch(ctx, week)
		cancel()
		c.add(250 * time.Millisecond)
	}
	if got := srv.Requests(""); got > limit || got < limit/2 {
		t.Errorf("%d requests in a minute, want %d at most and not much fewer", got, limit)
	}
}

func TestUsedUpElsewhere(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	used := coinglasstest.Fault{
		Body:   coinglasstest.KeyedMap(coinglasstest.BitcoinPrice, coinglasstest.Row{Price: 90000, Level: 1}),
		Header: map[string]string{"API-KEY-MAX-LIMIT": "300", "API-KEY-USE-LIMIT": "299"},
	}
	srv.Fail(coinglasstest.AggregatedMap, used)
	fetch(t, s, week)
	asked := srv.Requests("")
	_, err := s.Fetch(t.Context(), week)
	e := problem(t, err, snapshot.RateLimited)
	if want := c.Now().Truncate(time.Minute).Add(time.Minute); !e.RetryAt.Equal(want) {
		t.Errorf("retry at %s, want the next minute %s", e.RetryAt, want)
	}
	if srv.Requests("") != asked {
		t.Error("asked although other programs have used up the key")
	}
	srv.Heal(coinglasstest.AggregatedMap)
	c.add(time.Minute)
	fetch(t, s, week)
}

func TestTooManyRequests(t *testing.T) {
	tests := []struct {
		name, retryAfter string
		want             time.Duration
	}{
		{"seconds", "17", 17 * time.Second},
		{"date", at().Now().Add(42 * time.Second).Format(http.TimeFormat), 42 * time.Second},
		{"not told", "", 5 * time.Second},
		{"nonsense", "soon", 5 * time.Second},
		{"for ever", "1e30", time.Hour},
		{"negative", "-3", 5 * time.Second},
		{"at once", "0", time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, srv := at(), coinglasstest.New(t)
			s := source(t, srv, onClock(srv, c))
			fault := status(429)
			fault.Header = map[string]string{"Retry-After": tt.retryAfter}
			srv.Fail(coinglasstest.AggregatedMap, fault)
			_, err := s.Fetch(t.Context(), week)
			if got := problem(t, err, snapshot.RateLimited).RetryAt.Sub(c.Now()); got != tt.want {
				t.Errorf("retry after %s, want %s", got, tt.want)
			}
			c.add(tt.want - time.Second)
			_, err = s.Fetch(t.Context(), week)
			_ = problem(t, err, snapshot.RateLimited)
			if got := srv.Requests(coinglasstest.AggregatedMap); got != 1 {
				t.Errorf("%d requests before the time is up", got)
			}
			srv.Heal(coinglasstest.AggregatedMap)
			c.add(2 * time.Second)
			fetch(t, s, week)
		})
	}
}

func TestRepeatedRefusalsWaitLonger(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	srv.Fail("", status(429))
	waits := make([]string, 0, 6)
	for range 6 {
		_, err := s.Fetch(t.Context(), week)
		wait := problem(t, err, snapshot.RateLimited).RetryAt.Sub(c.Now())
		waits = append(waits, strconv.Itoa(int(wait.Seconds())))
		c.add(wait)
	}
	if got := strings.Join(waits, " "); got != "5 10 20 40 60 60" {
		t.Errorf("waits of %s s", got)
	}
}
