// Package rest asks a venue over HTTP within its limits: every request is paid from a
// budget before it is sent, and a refusal stops all requests of that venue until the
// time it names. It knows no venue.
package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"liqbot/feeds"
	"liqbot/market"
)

// Budget is a limit of a venue: Weight in each Per. Use less than the venue allows.
type Budget struct {
	// Name tells it from the venue's other budgets in a Cost.
	Name   string
	Weight int
	Per    time.Duration
	// Burst is the weight that may be spent at once; Weight/8, at least 1, if 0. In any
	// Per at most Weight+Burst is spent, so keep Weight+Burst below the venue's limit.
	Burst int
}

// Cost is what a request takes from a budget. Weights above the burst are paid in parts.
type Cost struct {
	Budget string
	Weight int
}

// Config says how a client behaves. Venue and URL are needed.
type Config struct {
	Venue market.Venue
	// URL is the base: "https://fapi.binance.com", without a slash at its end.
	URL     string
	Budgets []Budget
	// Judge looks at an answer before it is believed: nil when it is good, else an error,
	// best a *feeds.Error, whose RetryAt stops the venue's requests. Statuses of 400 and
	// above that Judge accepts are judged as HTTP says. Nil accepts all.
	Judge func(status int, header http.Header, body []byte) error
	// Header is sent with each request.
	Header http.Header
	// Client sends; one with a timeout of 15 s if nil.
	Client *http.Client
	// MaxBody bounds an answer, bytes; 16 MB if 0.
	MaxBody int64
	Log     *slog.Logger
}

// Client is safe for concurrent use.
type Client struct {
	cfg     Config
	budgets map[string]*rate.Limiter

	mu sync.Mutex
	// until is when the venue may be asked again, refusal why not before.
	until   time.Time
	refusal error
	// held is when requests that wait may go on.
	held time.Time
}

// New makes a client.
func New(cfg Config) *Client {
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 15 * time.Second}
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 16 << 20
	}
	if cfg.Judge == nil {
		cfg.Judge = func(int, http.Header, []byte) error { return nil }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Client{cfg: cfg, budgets: make(map[string]*rate.Limiter)}
	for _, b := range cfg.Budgets {
		burst := b.Burst
		if burst <= 0 {
			burst = max(1, b.Weight/8)
		}
		c.budgets[b.Name] = rate.NewLimiter(rate.Limit(float64(b.Weight)/b.Per.Seconds()), burst)
	}
	return c
}

// Get asks for a path. The answer has passed Judge. The error is a *feeds.Error, or the
// context's. A venue that has refused is not asked again before its time: the error then
// comes at once.
func (c *Client) Get(ctx context.Context, path string, query url.Values, costs ...Cost) ([]byte, error) {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, costs)
}

// Post sends a JSON body to a path, as Get does.
func (c *Client) Post(ctx context.Context, path string, body []byte, costs ...Cost) ([]byte, error) {
	return c.do(ctx, http.MethodPost, path, body, costs)
}

// Spend takes from a budget what the venue says was used beyond what is known here. It
// waits for nothing.
func (c *Client) Spend(cost Cost) {
	if l := c.budgets[cost.Budget]; l != nil {
		for left := cost.Weight; left > 0; left -= l.Burst() {
			l.ReserveN(time.Now(), min(left, l.Burst()))
		}
	}
}

// Hold lets requests wait until a moment, as when the venue's own count says that little
// is left of a limit. Unlike a refusal it is no error.
func (c *Client) Hold(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until.After(c.held) {
		c.held = until
	}
}

// wait waits while requests are held.
func (c *Client) wait(ctx context.Context) error {
	for {
		c.mu.Lock()
		left := time.Until(c.held)
		c.mu.Unlock()
		if left <= 0 {
			return nil
		}
		if err := feeds.Pause(ctx, left); err != nil {
			return err
		}
	}
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, costs []Cost) ([]byte, error) {
	if err := c.refused(); err != nil {
		return nil, err
	}
	for _, cost := range costs {
		if err := c.pay(ctx, cost); err != nil {
			return nil, err
		}
	}
	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	if err := c.refused(); err != nil { // while this one waited
		return nil, err
	}
	answer, err := c.send(ctx, method, path, body)
	if err == nil {
		return answer, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	e, ok := errors.AsType[*feeds.Error](err)
	if !ok {
		e = &feeds.Error{Venue: c.cfg.Venue, Problem: feeds.Unavailable, Err: err}
	}
	c.stop(e)
	return nil, e
}

func (c *Client) pay(ctx context.Context, cost Cost) error {
	l := c.budgets[cost.Budget]
	if l == nil {
		return fmt.Errorf("%s: no budget %q", c.cfg.Venue, cost.Budget)
	}
	for left := cost.Weight; left > 0; left -= l.Burst() {
		if err := l.WaitN(ctx, min(left, l.Burst())); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &feeds.Error{Venue: c.cfg.Venue, Problem: feeds.Unavailable, Err: fmt.Errorf("wait for the rate limit: %w", err)}
		}
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.URL+path, content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", feeds.WithoutAddress(err))
	}
	maps.Copy(req.Header, c.cfg.Header)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.cfg.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", pathOnly(path), feeds.WithoutAddress(err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", pathOnly(path), err)
	}
	if int64(len(answer)) > c.cfg.MaxBody {
		return nil, &feeds.Error{Venue: c.cfg.Venue, Problem: feeds.BadData, Err: fmt.Errorf("%s: answer is larger than %d bytes", pathOnly(path), c.cfg.MaxBody)}
	}
	if err := c.cfg.Judge(resp.StatusCode, resp.Header, answer); err != nil {
		return nil, fmt.Errorf("%s: %w", pathOnly(path), err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, c.byStatus(resp, path)
	}
	return answer, nil
}

// byStatus is the error of a status that the venue's Judge did not know.
func (c *Client) byStatus(resp *http.Response, path string) error {
	e := &feeds.Error{Venue: c.cfg.Venue, Problem: feeds.Unavailable, Err: fmt.Errorf("%s: HTTP %d", pathOnly(path), resp.StatusCode)}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusTeapot:
		e.Problem, e.RetryAt = feeds.RateLimited, RetryAfter(resp.Header, time.Now(), time.Minute)
	case http.StatusForbidden, http.StatusUnavailableForLegalReasons:
		e.Problem, e.RetryAt = feeds.Blocked, RetryAfter(resp.Header, time.Now(), 10*time.Minute)
	case http.StatusNotFound, http.StatusGone:
		e.Problem = feeds.Blocked
	case http.StatusBadRequest:
		e.Problem = feeds.BadData
	}
	return e
}

// longestBan bounds what a venue may name: Binance's longest ban is three days, more is a
// mistake that would keep the venue away for good.
// https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info
const longestBan = 3 * 24 * time.Hour

// RetryAfter reads the header of that name, which is a number of seconds or a date; it is
// now plus otherwise when there is none, and at most three days ahead.
func RetryAfter(h http.Header, now time.Time, otherwise time.Duration) time.Time {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return now.Add(time.Duration(min(s, int(longestBan/time.Second))) * time.Second)
	}
	if at, err := http.ParseTime(v); err == nil && at.After(now) {
		return now.Add(min(at.Sub(now), longestBan))
	}
	return now.Add(otherwise)
}

// stop keeps requests back that the venue has said it will refuse.
func (c *Client) stop(e *feeds.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.RetryAt.After(c.until) {
		if !time.Now().Before(c.until) {
			c.cfg.Log.Warn("venue refuses", slog.Time("until", e.RetryAt), slog.Any("err", e))
		}
		c.until, c.refusal = e.RetryAt, e
	}
}

func (c *Client) refused() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.until) {
		return c.refusal
	}
	return nil
}

func pathOnly(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}
