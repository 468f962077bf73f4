package rest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/rest"
)

// venue answers with what the test sets and counts.
type venue struct {
	asked  atomic.Int32
	answer func(w http.ResponseWriter, r *http.Request)
}

func ask(t *testing.T, change func(*rest.Config), answer func(w http.ResponseWriter, r *http.Request)) (*rest.Client, *venue) {
	t.Helper()
	v := &venue{answer: answer}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.asked.Add(1)
		v.answer(w, r)
	}))
	t.Cleanup(s.Close)
	cfg := rest.Config{Venue: "Test", URL: s.URL, Budgets: []rest.Budget{{Name: "weight", Weight: 100, Per: time.Second, Burst: 10}}}
	if change != nil {
		change(&cfg)
	}
	return rest.New(cfg), v
}

func status(code int, header http.Header, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func TestAnswersByStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code    int
		header  http.Header
		problem feeds.Problem
		wait    time.Duration
	}{
		"limit with a time": {429, http.Header{"Retry-After": {"7"}}, feeds.RateLimited, 7 * time.Second},
		"limit without":     {429, nil, feeds.RateLimited, time.Minute},
		"ban":               {418, http.Header{"Retry-After": {"120"}}, feeds.RateLimited, 2 * time.Minute},
		"not here":          {451, nil, feeds.Blocked, 10 * time.Minute},
		"forbidden":         {403, nil, feeds.Blocked, 10 * time.Minute},
		"gone":              {404, nil, feeds.Blocked, 0},
		"their fault":       {502, nil, feeds.Unavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, v := ask(t, nil, status(c.code, c.header, "<html>"))
			_, err := client.Get(t.Context(), "/x", nil, rest.Cost{Budget: "weight", Weight: 1})
			e, ok := errors.AsType[*feeds.Error](err)
			if !ok || e.Problem != c.problem || e.Venue != "Test" {
				t.Fatalf("got %v, want %s", err, c.problem)
			}
			if until := time.Until(e.RetryAt); c.wait > 0 && (until > c.wait || until < c.wait-5*time.Second) {
				t.Errorf("to be asked again in %v, want %v", until, c.wait)
			}
			_, again := client.Get(t.Context(), "/y", nil, rest.Cost{Budget: "weight", Weight: 1})
			if kept := v.asked.Load() == 1; kept != (c.wait > 0) || again == nil {
				t.Errorf("asked %d times, want it to keep away: %v", v.asked.Load(), c.wait > 0)
			}
		})
	}
}

func TestJudgeSeesErrorsBehindStatus200(t *testing.T) {
	t.Parallel()
	retry := time.Now().Add(time.Hour)
	client, v := ask(t, func(c *rest.Config) {
		c.Judge = func(_ int, _ http.Header, body []byte) error {
			if strings.Contains(string(body), "10006") {
				return &feeds.Error{Venue: "Test", Problem: feeds.RateLimited, RetryAt: retry, Err: errors.New("too many visits")}
			}
			return nil
		}
	}, status(200, nil, `{"retCode":10006}`))
	for range 2 {
		_, err := client.Get(t.Context(), "/x", nil)
		if e, ok := errors.AsType[*feeds.Error](err); !ok || !e.RetryAt.Equal(retry) {
			t.Errorf("got %v", err)
		}
	}
	if v.asked.Load() != 1 {
		t.Errorf("asked %d times, want once", v.asked.Load())
	}
}

// In any second at most budget and burst are spent, whatever is asked.
func TestBudget(t *testing.T) {
	t.Parallel()
	client, v := ask(t, nil, status(200, nil, "{}"))
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	for ctx.Err() == nil {
		_, _ = client.Get(ctx, "/x", nil, rest.Cost{Budget: "weight", Weight: 5})
	}
	most := int32(10+100*time.Since(start).Seconds())/5 + 1
	if n := v.asked.Load(); n > most || n < 6 {
		t.Errorf("%d requests of weight 5, want at most %d and not many fewer", n, most)
	}
}

func TestSpendMakesTheNextWait(t *testing.T) {
	t.Parallel()
	client, _ := ask(t, nil, status(200, nil, "{}"))
	client.Spend(rest.Cost{Budget: "weight", Weight: 40})
	start := time.Now()
	if _, err := client.Get(t.Context(), "/x", nil, rest.Cost{Budget: "weight", Weight: 1}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 200*time.Millisecond {
		t.Errorf("waited %v, want about 300 ms", took)
	}
}

// While a venue refuses, its answer comes at once, however little of a budget is left.
func TestARefusalDoesNotWaitForTheBudget(t *testing.T) {
	t.Parallel()
	client, v := ask(t, nil, status(429, nil, ""))
	_, _ = client.Get(t.Context(), "/x", nil, rest.Cost{Budget: "weight", Weight: 1})
	client.Spend(rest.Cost{Budget: "weight", Weight: 1000})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := client.Get(ctx, "/x", nil, rest.Cost{Budget: "weight", Weight: 1})
	if feeds.ProblemOf(err) != feeds.RateLimited || v.asked.Load() != 1 {
		t.Errorf("got %v after %d requests", err, v.asked.Load())
	}
}

// What is not the context's own end is the venue's: a budget that is spent beyond the
// deadline.
func TestABudgetBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	client, _ := ask(t, nil, status(200, nil, "{}"))
	client.Spend(rest.Cost{Budget: "weight", Weight: 10_000})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := client.Get(ctx, "/x", nil, rest.Cost{Budget: "weight", Weight: 1})
	if e, ok := errors.AsType[*feeds.Error](err); !ok || e.Venue != "Test" {
		t.Errorf("got %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": time.Minute, "soon": time.Minute, "-5": time.Minute, "0": 0, "90": 90 * time.Second,
		"Sat, 28 Nov 2026 12:02:00 GMT": 2 * time.Minute, "Sat, 28 Nov 2026 11:00:00 GMT": time.Minute,
		"9223372036854775807": 72 * time.Hour, "Sat, 28 Nov 2076 12:00:00 GMT": 72 * time.Hour,
	} {
		if got := rest.RetryAfter(http.Header{"Retry-After": {header}}, now, time.Minute).Sub(now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	client, _ := ask(t, func(c *rest.Config) { c.MaxBody = 100 }, status(200, nil, strings.Repeat("x", 101)))
	_, err := client.Get(t.Context(), "/x", nil)
	if feeds.ProblemOf(err) != feeds.BadData {
		t.Errorf("got %v", err)
	}
}

// A host's own address may hold a secret: no error names it.
func TestErrorsDoNotNameTheAddress(t *testing.T) {
	t.Parallel()
	client := rest.New(rest.Config{Venue: "Test", URL: "http://127.0.0.1:1/secret"})
	_, err := client.Get(t.Context(), "/x", url.Values{"symbol": {"BTC"}})
	if err == nil || strings.Contains(fmt.Sprint(err), "secret") {
		t.Errorf("got %v", err)
	}
}
