package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/bwmarrin/discordgo"
)

// Error codes of Discord that the bot acts upon.
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
const (
	codeMissingAccess      = 50001
	codeMissingPermissions = 50013
	codeTooLarge           = 40005
	codeAnswered           = 40060
	codeUnknownInteraction = 10062
	codeInvalidToken       = 50027
	codeUnknownChannel     = 10003
	codeInvalidForm        = 50035
	codeMayNotReadHistory  = 160002
)

// told lists the codes whose message is worth a line in the log. A server in
// between may answer JSON too, and say in it what it likes.
var told = []int{
	codeMissingAccess, codeMissingPermissions, codeTooLarge, codeAnswered, codeUnknownInteraction, codeInvalidToken,
	codeUnknownChannel, codeInvalidForm, codeMayNotReadHistory,
	10002,  // unknown application
	10004,  // unknown guild
	10008,  // unknown message
	10013,  // unknown user
	10015,  // unknown webhook
	20016,  // slow mode
	20022,  // announcement edited too often
	20028,  // channel written to too fast
	20029,  // guild written to too fast
	30034,  // daily limit of new commands
	40001,  // unauthorized
	40002,  // account to be verified
	40062,  // service resource limited
	40333,  // turned away by the servers in front
	50006,  // empty message
	50007,  // user takes no messages
	50008,  // no text channel
	50024,  // wrong kind of channel
	50083,  // archived thread
	50109,  // invalid JSON
	50278,  // no guild in common
	130000, // overloaded
	160005, // locked thread
	200000, // blocked by moderation
	200001, // title blocked by moderation
	240000, // blocked by a link filter
}

// errUnreadable is that of an answer in another form than Discord's.
var errUnreadable = errors.New("the answer cannot be read")

// maxSaid is how much of a message of Discord is kept, in characters.
const maxSaid = 100

// apiError is a call that Discord refused or that did not come through. It holds
// no address: interaction tokens stand in addresses.
type apiError struct {
	op string
	// status is 0 when no answer came.
	status int
	// code and message are Discord's own, where the answer had ones that are known.
	code       int
	message    string
	retryAfter time.Duration
	// foreign: the answer is not in the form of Discord's API. global: a 429 is for
	// all calls of the bot.
	foreign, global bool
	err             error
}

func (e *apiError) Error() string {
	switch {
	case e.status == 0:
		return fmt.Sprintf("%s: %v", e.op, e.err)
	case e.code == 0:
		return fmt.Sprintf("%s: HTTP status %d", e.op, e.status)
	default:
		return fmt.Sprintf("%s: HTTP status %d, code %d: %s", e.op, e.status, e.code, e.message)
	}
}

func (e *apiError) Unwrap() error { return e.err }

// said keeps what the body of an answer tells, if it is Discord that speaks: the
// message short and on one line.
func (e *apiError) said(code int, message string) {
	if !slices.Contains(told, code) {
		return
	}
	printable := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, message))
	e.code, e.message = code, string(printable[:min(len(printable), maxSaid)])
}

// unclear reports that the call may or may not have taken effect.
func (e *apiError) unclear() bool { return e.status == 0 || e.status >= 500 }

// restError makes an apiError of what discordgo returns, which may hold request
// headers and addresses.
func restError(op string, err error) error {
	if refused, ok := errors.AsType[*discordgo.RESTError](err); ok {
		out := &apiError{op: op, status: refused.Response.StatusCode}
		if refused.Message != nil {
			out.said(refused.Message.Code, refused.Message.Message)
		}
		if out.status == http.StatusTooManyRequests {
			out.retryAfter = retryHeader(refused.Response.Header)
		}
		return out
	}
	if limited, ok := errors.AsType[*discordgo.RateLimitError](err); ok {
		return &apiError{op: op, status: http.StatusTooManyRequests, retryAfter: limited.RetryAfter}
	}
	return &apiError{op: op, err: withoutAddress(err)}
}

// withoutAddress drops the address that net/http puts into its errors.
func withoutAddress(err error) error {
	if located, ok := errors.AsType[*url.Error](err); ok {
		return located.Err
	}
	return err
}

// retryAfter is how long an error asks to wait.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.retryAfter
	}
	return 0
}

func codeOf(err error) int {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.code
	}
	return 0
}

// courier calls the routes that an interaction's token opens. discordgo would
// keep a rate-limit bucket in memory for each of these tokens for ever; these
// routes need neither the bot token nor a bucket.
// https://discord.com/developers/docs/interactions/receiving-and-responding
type courier struct {
	client *http.Client
	timing Timing
	count  func(string)
}

// parcel is one call.
type parcel struct {
	op, method, address string
	// token is the bot token, empty where the address opens the route.
	token   string
	body    any
	picture *attached
	// into takes the JSON of a good answer; nil if it does not matter.
	into any
	// repeatable: doing it twice is the same as doing it once.
	repeatable bool
	// try bounds one attempt; zero for Timing.Call.
	try time.Duration
}

// maxTries bounds the attempts at one call.
const maxTries = 6

// deliver makes the call, again after a 429, and after an unclear outcome if it
// is repeatable, until ctx ends.
func (c *courier) deliver(ctx context.Context, p parcel) error {
	wait := backoff{low: c.timing.BackoffMin / 4, high: c.timing.BackoffMax}
	for try := 1; ; try++ {
		err := c.once(ctx, p)
		failed, ok := errors.AsType[*apiError](err)
		if err == nil || !ok || try == maxTries {
			return err
		}
		switch {
		case failed.status == http.StatusTooManyRequests:
			c.count(EventRateLimited)
		case failed.unclear() && p.repeatable:
			c.count(EventRetry)
		default:
			return err
		}
		pause := max(wait.next(), failed.retryAfter)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < pause {
			return err
		}
		sleep(ctx, pause)
		if ctx.Err() != nil {
			return err
		}
	}
}

func (c *courier) once(ctx context.Context, p parcel) error {
	if p.try > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.try)
		defer cancel()
	}
	req, err := p.request(ctx)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return &apiError{op: p.op, err: withoutAddress(err)}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return p.read(text, err)
	}
	if err != nil {
		text = nil
	}
	return refused(p.op, resp, text)
}

// request makes the HTTP request. Its error holds no address.
func (p parcel) request(ctx context.Context) (*http.Request, error) {
	contentType, body, err := encode(p)
	if err != nil {
		return nil, fmt.Errorf("%s: encode: %w", p.op, err)
	}
	req, err := http.NewRequestWithContext(ctx, p.method, p.address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: the address is not valid", p.op)
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bot "+p.token)
	}
	req.Header.Set("User-Agent", userAgent)
	return req, nil
}

// read takes a good answer. Where nothing is to be read, the call took effect
// whatever became of the answer.
func (p parcel) read(text []byte, err error) error {
	if p.into == nil {
		return nil
	}
	if err != nil {
		return &apiError{op: p.op, err: withoutAddress(err)}
	}
	if json.Unmarshal(text, p.into) != nil {
		return &apiError{op: p.op, err: errUnreadable}
	}
	return nil
}

func encode(p parcel) (contentType string, body []byte, err error) {
	switch {
	case p.body == nil:
		return "", nil, nil
	case p.picture == nil:
		body, err = json.Marshal(p.body)
		return "application/json", body, err
	default:
		return discordgo.MultipartBodyWithJSON(p.body, []*discordgo.File{{
			Name: p.picture.name, ContentType: "image/png", Reader: bytes.NewReader(p.picture.png),
		}})
	}
}

// refused reads an error answer. Cloudflare answers with HTML, so the body may
// say nothing.
func refused(op string, resp *http.Response, body []byte) *apiError {
	var said struct {
		Code       int     `json:"code"`
		Message    string  `json:"message"`
		RetryAfter float64 `json:"retry_after"`
		Global     bool    `json:"global"`
	}
	out := &apiError{op: op, status: resp.StatusCode}
	out.foreign = json.Unmarshal(body, &said) != nil
	if !out.foreign {
		out.said(said.Code, said.Message)
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		out.retryAfter = max(seconds(said.RetryAfter), retryHeader(resp.Header))
		out.global = said.Global || resp.Header.Get("X-RateLimit-Global") == "true" || resp.Header.Get("X-RateLimit-Scope") == "global"
	}
	return out
}

// retryHeader is how long an answer asks to wait.
func retryHeader(h http.Header) time.Duration { return secondsHeader(h, "Retry-After") }

// secondsHeader reads a header in seconds, fractions allowed.
func secondsHeader(h http.Header, name string) time.Duration {
	value, err := strconv.ParseFloat(h.Get(name), 64)
	if err != nil {
		return 0
	}
	return seconds(value)
}

// seconds makes a duration of what a server asked for, at most a day.
func seconds(s float64) time.Duration {
	const day = 24 * 3600
	if s > 0 {
		return time.Duration(min(s, day) * float64(time.Second))
	}
	return 0
}
