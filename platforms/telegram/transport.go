package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-telegram/bot"
)

// maxAnswer is the largest answer that is read, in bytes: a hundred updates fit.
const maxAnswer = 16 << 20

// api is the client library and, for what it does not export, a plain call.
type api struct {
	*bot.Bot
	wire  *transport
	root  string
	limit time.Duration
}

// call makes a request that the library has no method for, with a JSON body.
func (a *api) call(ctx context.Context, method string, params, result any) error {
	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("telegram: encode %s: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.root+method, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("telegram: build %s: %s", method, a.wire.redact(err))
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.wire.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Result json.RawMessage `json:"result"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return &apiError{method: method, reason: "unreadable answer"}
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return &apiError{method: method, reason: "unexpected answer"}
	}
	return nil
}

// outcomeKey leads to a bool that a call with this context sets when Telegram has
// carried it out: the errors of the library do not tell.
type outcomeKey struct{}

func watched(ctx context.Context) context.Context {
	return context.WithValue(ctx, outcomeKey{}, new(bool))
}

func carriedOut(ctx context.Context) bool {
	done, ok := ctx.Value(outcomeKey{}).(*bool)
	return ok && *done
}

// transport sends requests. It stands below the library and turns everything that
// is not a success into an *apiError: the library puts whole bodies and, at times,
// the token into its errors, and knows neither codes nor whether a request went
// out at all.
type transport struct {
	client *http.Client
	token  string
	// refused is told of each call that Telegram wants repeated later; nil is allowed.
	refused func(method string, after time.Duration)
}

func newTransport(token string) *transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	// A connection that the server has closed meanwhile costs a reply, since it is
	// not known whether the request was read.
	t.IdleConnTimeout = 30 * time.Second
	return &transport{token: token, client: &http.Client{
		Transport: t,
		// A redirect would carry the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Do sends a request whose body it holds in memory, so that the HTTP client may
// send it again when nothing of it was written.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	method := path.Base(req.URL.Path)
	out, written, err := replayable(req)
	if err != nil {
		return nil, &apiError{method: method, reason: "request could not be built"}
	}
	resp, err := t.client.Do(out)
	if err != nil {
		return nil, t.broken(method, err, written.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, t.broken(method, err, true)
	}
	if failure := t.judge(method, resp.StatusCode, answer); failure != nil {
		if failure.class == rateLimited && t.refused != nil {
			t.refused(method, failure.retryAfter)
		}
		return nil, failure
	}
	if done, ok := req.Context().Value(outcomeKey{}).(*bool); ok {
		*done = true
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	return resp, nil
}

func replayable(req *http.Request) (*http.Request, *atomic.Bool, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, nil, err
		}
		_ = req.Body.Close()
	}
	written := new(atomic.Bool)
	out := req.Clone(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteHeaders: func() { written.Store(true) },
	}))
	out.Body, out.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		out.Body, _ = out.GetBody()
	}
	return out, written, nil
}

// broken describes a request that got no answer.
func (t *transport) broken(method string, err error, written bool) *apiError {
	e := &apiError{method: method, class: unsent, cause: contextError(err)}
	if written {
		e.class = uncertain
	}
	e.reason = t.redact(err)
	return e
}

// contextError keeps only what callers compare with; the rest may show the URL.
func contextError(err error) error {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}

// judge returns nil for a success.
func (t *transport) judge(method string, status int, answer []byte) *apiError {
	var a struct {
		OK          bool   `json:"ok"`
		Code        int    `json:"error_code"`
		Description string `json:"description"`
		Parameters  struct {
			RetryAfter int   `json:"retry_after"`
			MigrateTo  int64 `json:"migrate_to_chat_id"`
		} `json:"parameters"`
	}
	if len(answer) > maxAnswer || json.Unmarshal(answer, &a) != nil {
		return foreign(method, status)
	}
	if a.OK {
		return nil
	}
	if a.Code == 0 {
		a.Code = status
	}
	// Hidden before anything is cut: half a token would not be found any more.
	e := newAPIError(method, a.Code, t.hide(a.Description))
	e.retryAfter = seconds(a.Parameters.RetryAfter)
	if e.migrateTo = a.Parameters.MigrateTo; e.migrateTo != 0 {
		e.class = migrated
	}
	return e
}

// foreign describes an answer that is not from the Bot API, as a proxy gives: it
// does not say what Telegram has done.
func foreign(method string, status int) *apiError {
	e := newAPIError(method, status, "answer is not from the Bot API")
	if e.class == final {
		e.class = uncertain
	}
	return e
}

// seconds is safe for absurd numbers.
func seconds(n int) time.Duration {
	return time.Duration(min(max(n, 0), 1<<31)) * time.Second
}

// redact words an error of the network without the address, which holds the token.
func (t *transport) redact(err error) string {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return clip(t.hide(err.Error()))
}

func (t *transport) hide(s string) string {
	return strings.NewReplacer(t.token, "***", url.PathEscape(t.token), "***", url.QueryEscape(t.token), "***").Replace(s)
}
