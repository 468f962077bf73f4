// Package telegram connects the bot to Telegram: updates become chat requests,
// replies become messages, photos, edits, toasts and inline results. It keeps the
// limits and the markup of the Bot API (https://core.telegram.org/bots/api) and
// leaves what is said to the handler of chat.Bot. Requests go through
// github.com/go-telegram/bot; receiving is done here, so that an update is
// confirmed only once it is safe.
//
// An Adapter's Run owns every goroutine: one that receives, one that registers
// menus, a fixed number that answer, and short-lived ones for signs of life. All
// of them have ended when Run returns. Updates of one chat are answered in order,
// different chats at the same time. Send, which needs no Run, posts unasked from
// its caller's goroutine; both keep the limits of one token together.
package telegram

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-telegram/bot"

	"liqbot/chat"
	"liqbot/secret"
)

// DefaultAPIURL is where Telegram serves the Bot API.
const DefaultAPIURL = "https://api.telegram.org"

// Config is what an Adapter needs.
type Config struct {
	// Token is the bot's token from BotFather; space around it is dropped.
	Token secret.Secret
	// APIURL is the base of the Bot API without "/bot<token>"; empty means
	// DefaultAPIURL.
	APIURL string
	// Webhook receives updates by HTTP; nil means long polling.
	Webhook *Webhook
	Bot     chat.Bot
	// Claims remembers what was answered; nil means that nothing is remembered.
	Claims chat.Claims
	// Inbox keeps updates that have to wait longer than Telegram remembers them; nil
	// means that a restart loses those.
	Inbox chat.Inbox
	// Log gets no chat text, no token and no id of a person or chat; nil discards.
	Log *slog.Logger
	// Count is told of one event: update, ignored, dropped_malformed, dropped_old,
	// dropped_overload, duplicate, reply, reply_failed, rate_limited, panic or
	// webhook_denied. Nil is allowed; it must be safe for concurrent use.
	Count func(event string)
	// State is told when Telegram becomes reachable or stops being so; the reason
	// holds no secret and no address. Nil is allowed.
	State func(up bool, reason string)
	// Rate is how many new messages a second go out in all, at most; posts are spaced
	// by it and leave room for replies. 0 means 28, as Telegram takes about 30.
	Rate float64
	// PaidBroadcast lets Telegram take more posts a second than it does for nothing, up to
	// 1,000: each above that costs the bot Stars. Replies are never paid for.
	PaidBroadcast bool
	// Timing holds waits; its zero fields have sane values.
	Timing Timing
}

// Webhook says how Telegram reaches the bot.
type Webhook struct {
	// URL is the public https address of the handler.
	URL string
	// Secret is 1 to 256 of A-Z, a-z, 0-9, "_" and "-"; the zero Secret means that a
	// random one is made by New.
	Secret secret.Secret
}

// Timing is how long the adapter waits. A zero field means its default.
type Timing struct {
	// Poll is how long Telegram may hold a request for updates: 25 s.
	Poll time.Duration
	// Call is the time limit of one API call: 20 s.
	Call time.Duration
	// Retry is the first wait after a failure, doubled up to MaxRetry: 500 ms, 30 s.
	Retry, MaxRetry time.Duration
	// Conflict is the first wait when another bot polls with the token: 5 s.
	Conflict time.Duration
	// Settle is how long the next request for updates, which confirms the last
	// ones, is held back for those that nobody has begun to answer: 1 s.
	Settle time.Duration
	// Pause is the longest that a reply waits for a chat that Telegram has paused or
	// that has had as many messages as it may: 60 s.
	Pause time.Duration
	// Toast is how long a pressed button may show its spinner while the handler is
	// at work: 400 ms.
	Toast time.Duration
	// Inline is how long a member who types waits for the results at most: 1 s.
	Inline time.Duration
	// Drain is how long replies may take to finish at a shutdown: 8 s.
	Drain time.Duration
	// Lull is how long after New the first post goes out: what an earlier process has
	// sent until a moment ago counts for the limits too: 1.1 s.
	Lull time.Duration
}

func (t Timing) withDefaults() Timing {
	for field, value := range map[*time.Duration]time.Duration{
		&t.Poll: 25 * time.Second, &t.Call: 20 * time.Second,
		&t.Retry: 500 * time.Millisecond, &t.MaxRetry: 30 * time.Second,
		&t.Conflict: 5 * time.Second, &t.Settle: time.Second,
		&t.Pause: time.Minute, &t.Toast: 400 * time.Millisecond,
		&t.Inline: time.Second, &t.Drain: 8 * time.Second, &t.Lull: 1100 * time.Millisecond,
	} {
		if *field <= 0 {
			*field = value
		}
	}
	return t
}

// Adapter is the bot on Telegram. Run may be called again after it has returned,
// not twice at once.
type Adapter struct {
	cfg     Config
	api     *api
	secret  secret.Secret // of the webhook
	uploads *uploads
	pacer   *pacer
	moves   moves
	// unpaid is set once Telegram did not take a post to be paid for.
	unpaid atomic.Bool
	// current is what the webhook hands updates to; nil while Run is not running.
	current atomic.Pointer[session]
}

var (
	tokenShape  = regexp.MustCompile(`^[0-9]{1,20}:[A-Za-z0-9_-]{1,200}$`)
	secretShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
)

// New checks the configuration. It calls nobody and starts nothing. No error
// shows the token or the secret.
func New(cfg Config) (*Adapter, error) {
	token := strings.TrimSpace(cfg.Token.Reveal())
	if !tokenShape.MatchString(token) {
		return nil, errors.New("telegram: token does not look like one; BotFather gives digits, a colon and letters, as in 123456:ABC-DEF")
	}
	if cfg.Bot.Handle == nil {
		return nil, errors.New("telegram: no handler")
	}
	base, err := baseURL(cfg.APIURL)
	if err != nil {
		return nil, err
	}
	hook, err := webhookSecret(cfg.Webhook)
	if err != nil {
		return nil, err
	}
	if cfg.Rate < 0 || math.IsNaN(cfg.Rate) || cfg.Rate > maxRate {
		return nil, fmt.Errorf("telegram: rate must be 0 to %d messages a second", maxRate)
	}
	cfg.setDefaults()
	wire := newTransport(token)
	library, err := bot.New(token,
		bot.WithSkipGetMe(), bot.WithServerURL(base),
		bot.WithHTTPClient(cfg.Timing.Poll, wire),
		// Only failures to close a body or a pipe come here, and they may print it.
		bot.WithErrorsHandler(func(error) {}),
	)
	if err != nil {
		return nil, errors.New("telegram: token refused by the client library")
	}
	a := &Adapter{
		cfg: cfg, secret: hook, uploads: newUploads(), pacer: newPacer(cfg.Rate, time.Now().Add(cfg.Timing.Lull)),
		api: &api{Bot: library, wire: wire, root: base + "/bot" + token + "/", limit: cfg.Timing.Call},
	}
	wire.refused = a.refusedMethod
	return a, nil
}

func (c *Config) setDefaults() {
	c.Timing = c.Timing.withDefaults()
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Count == nil {
		c.Count = func(string) {}
	}
	if c.State == nil {
		c.State = func(bool, string) {}
	}
}

func baseURL(raw string) (string, error) {
	raw = strings.TrimRight(strings.TrimSpace(raw), "/")
	if raw == "" {
		return DefaultAPIURL, nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("telegram: API address must look like https://host, without a query")
	}
	return raw, nil
}

// webhookSecret returns the secret that Telegram has to show with each update.
func webhookSecret(w *Webhook) (secret.Secret, error) {
	if w == nil {
		return secret.Secret{}, nil
	}
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return secret.Secret{}, errors.New("telegram: webhook address must look like https://host/path")
	}
	if !w.Secret.Set() {
		return secret.New(rand.Text()), nil
	}
	if !secretShape.MatchString(w.Secret.Reveal()) {
		return secret.Secret{}, errors.New("telegram: webhook secret must be 1 to 256 of A-Z, a-z, 0-9, _ and -")
	}
	return w.Secret, nil
}

// WebhookHandler receives updates from Telegram. It has to be served at the path
// of Webhook.URL; it is nil when the adapter polls.
func (a *Adapter) WebhookHandler() http.Handler {
	if a.cfg.Webhook == nil {
		return nil
	}
	return http.HandlerFunc(a.serveWebhook)
}

// claimed reports whether this request is ours to answer. A store that fails does
// not silence the bot: answering twice after a crash is the smaller harm.
func (a *Adapter) claimed(first bool, err error) bool {
	if err != nil {
		a.cfg.Log.Warn("telegram claims failed, answering all the same", slog.String("err", fmt.Sprintf("%T", err)))
		return true
	}
	if !first {
		a.cfg.Count("duplicate")
	}
	return first
}
