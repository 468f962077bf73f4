package coinglass

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"liqbot/secret"
	"liqbot/snapshot"
	"liqbot/sources/coinglass/wire"
)

// endpoint is a path of the API.
type endpoint string

// The endpoints, all GET.
const (
	aggregatedMap     endpoint = "/api/futures/liquidation/aggregated-map"
	pairMap           endpoint = "/api/futures/liquidation/map"
	priceHistory      endpoint = "/api/futures/price/history"
	liquidationTotals endpoint = "/api/futures/liquidation/exchange-list"
	openInterestList  endpoint = "/api/futures/open-interest/exchange-list"
	fundingList       endpoint = "/api/futures/funding-rate/exchange-list"
	bitcoinFlows      endpoint = "/api/etf/bitcoin/flow-history"
	ethereumFlows     endpoint = "/api/etf/ethereum/flow-history"
	supportedCoins    endpoint = "/api/futures/supported-coins"
	supportedPairs    endpoint = "/api/futures/supported-exchange-pairs"
	subscription      endpoint = "/api/user/account/subscription"
)

// Limits of a body as it is read, so after decompression.
const (
	mostMapBytes = 16 << 20
	mostBytes    = 4 << 20
)

func (e endpoint) limit() int64 {
	switch e {
	case aggregatedMap, pairMap:
		return mostMapBytes
	default:
		return mostBytes
	}
}

// tryTimeout bounds one try when the host brings no client.
const tryTimeout = 10 * time.Second

// client asks the API: within the budget, again after a passing failure, and
// with every failure turned into a *snapshot.Error without the key in it.
type client struct {
	base   string
	key    secret.Secret
	http   *http.Client
	budget *budget
	retry  Retry
}

func newClient(cfg Config) *client {
	hc := http.Client{Timeout: tryTimeout}
	if cfg.Client != nil {
		hc = *cfg.Client
	}
	// A redirect would carry the key to wherever it points.
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{base: cfg.URL, key: cfg.Key, http: &hc, budget: newBudget(cfg.Now), retry: cfg.Retry}
}

// read asks an endpoint and decodes what it answers.
func read[T any](ctx context.Context, c *client, e endpoint, query url.Values, decode func([]byte) (T, error)) (T, error) {
	var zero T
	data, err := c.get(ctx, e, query)
	if err != nil {
		return zero, err
	}
	value, err := decode(data)
	if err != nil {
		return zero, c.refuse(e, snapshot.BadData, "", err)
	}
	return value, nil
}

// ask is read for a shelf.
func ask[T any](c *client, e endpoint, query url.Values, decode func([]byte) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) { return read(ctx, c, e, query, decode) }
}

// get returns the data of a reply. The error is a *snapshot.Error.
func (c *client) get(ctx context.Context, e endpoint, query url.Values) ([]byte, error) {
	if !c.key.Set() {
		return nil, c.refuse(e, snapshot.Unauthorized, hintNoKey, errors.New("no API key is set"))
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval, pauses.Multiplier = c.retry.First, c.retry.Longest, 2
	data, err := backoff.Retry(ctx, func() ([]byte, error) {
		data, again, err := c.try(ctx, e, query)
		if err != nil && !again {
			err = backoff.Permanent(err)
		}
		return data, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(c.retry.Tries), backoff.WithMaxElapsedTime(0))
	if p, ok := errors.AsType[*backoff.PermanentError](err); ok {
		err = p.Unwrap()
	}
	if _, known := errors.AsType[*snapshot.Error](err); err != nil && !known {
		err = c.refuse(e, snapshot.Unavailable, "", err)
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// try asks once. Again says that the failure may pass soon.
func (c *client) try(ctx context.Context, e endpoint, query url.Values) (data []byte, again bool, err error) {
	if err := c.budget.take(ctx); err != nil {
		return nil, false, err
	}
	address := c.base + string(e)
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, false, c.refuse(e, snapshot.Unavailable, hintAddress, err)
	}
	req.Header.Set("CG-API-KEY", c.key.Reveal())
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, ctx.Err() == nil, c.unreachable(e, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, e.limit()+1))
	switch {
	case err != nil:
		return nil, ctx.Err() == nil, c.unreachable(e, fmt.Errorf("read body: %w", err))
	case int64(len(body)) > e.limit():
		err := fmt.Errorf("body of more than %d bytes", e.limit())
		return nil, false, c.refuse(e, snapshot.Unavailable, hintAddress, err)
	default:
		return c.open(e, resp, body, query.Has("symbol"))
	}
}

// open takes the data out of a reply, or finds out what is wrong with it.
func (c *client) open(e endpoint, resp *http.Response, body []byte, coin bool) (data []byte, again bool, err error) {
	reply, decodeErr := wire.DecodeReply(body)
	a := answer{endpoint: e, status: resp.StatusCode, header: resp.Header, reply: reply, coin: coin}
	if resp.StatusCode != http.StatusOK || decodeErr == nil && reply.Code != wire.Success {
		return c.refusal(a)
	}
	c.budget.note(resp.Header)
	switch {
	case decodeErr == nil:
		return reply.Data, false, nil
	case errors.Is(decodeErr, wire.ErrNotJSON):
		return nil, true, c.refuse(e, snapshot.Unavailable, hintAddress, decodeErr)
	default:
		return nil, false, c.refuse(e, snapshot.BadData, "", decodeErr)
	}
}

// refuse builds the error for a failure of an endpoint.
func (c *client) refuse(e endpoint, p snapshot.Problem, hint string, err error) *snapshot.Error {
	return &snapshot.Error{Problem: p, Hint: hint, Err: c.wrap(e, err)}
}

func (c *client) wrap(e endpoint, err error) error {
	return c.clean(fmt.Errorf("coinglass: %s: %w", e, err))
}

// cleaned is an error whose text is fit for a log.
type cleaned struct {
	text string
	err  error
}

func (e *cleaned) Error() string { return e.text }
func (e *cleaned) Unwrap() error { return e.err }

// clean takes the key out of an error's text, and anything that would break a
// line of log: a server may have echoed what we sent.
func (c *client) clean(err error) error {
	const most = 300
	text := err.Error()
	if c.key.Set() {
		text = strings.ReplaceAll(text, c.key.Reveal(), "[redacted]")
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	if text == err.Error() {
		return err
	}
	return &cleaned{text: text, err: err}
}
