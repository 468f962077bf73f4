// Package handlers turns a request into a reply: it parses what was typed or
// pressed, asks whether the member may, and words the answer from a snapshot that
// is already in memory. One file a command; the table of them is in commands.go.
// It knows no platform, no bbolt and no HTTP, and owns no goroutine.
package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// Snapshots is where commands read the market.
type Snapshots interface {
	// Get returns the newest snapshot of a key, nil when there is none yet.
	Get(snapshot.Key) *snapshot.Snapshot
	// Wait is Get, but waits for the first one.
	Wait(context.Context, snapshot.Key) (*snapshot.Snapshot, error)
	// Coins lists the coins there are, nil while they are not known.
	Coins() []market.Coin
	// Source is the name of the source.
	Source() string
	// LastFailure is the newest failure of the source, nil when there was none.
	LastFailure() *snapshot.Failure
}

// Settings is where a chat's choices are kept.
type Settings interface {
	Settings(context.Context, chat.Target) (chat.Settings, error)
	// Change returns once the change and its line in the chat's log are kept for good.
	Change(context.Context, chat.Target, chat.Entry, func(*chat.Settings)) error
}

// Charts makes pictures.
type Charts interface {
	// Ready returns a picture that is already made.
	Ready(*snapshot.Snapshot, *locales.Language, chat.Shape) (*chat.Picture, bool)
	// LiquidationMap returns the picture and makes it if need be.
	LiquidationMap(context.Context, *snapshot.Snapshot, *locales.Language, chat.Shape) (*chat.Picture, error)
	// Rekt returns the picture of what was liquidated in a span of a snapshot that has
	// Realised.
	Rekt(context.Context, *snapshot.Snapshot, time.Duration, *locales.Language, chat.Shape) (*chat.Picture, error)
	// Heatmap returns the picture of a heatmap.
	Heatmap(context.Context, *snapshot.Heatmap, *locales.Language, chat.Shape) (*chat.Picture, error)
}

// Status is what /stats shows of the rest of the bot.
type Status struct {
	Version   string
	Started   time.Time
	Snapshots int
	Chats     int
	Platforms []PlatformStatus
	// Census and Totals are those of alerts, Queued what is on its way.
	Census alert.Census
	Totals alert.Totals
	Queued int
}

// PlatformStatus is the state of one platform.
type PlatformStatus struct {
	Name string
	Up   bool
	// Detail is a constant phrase for why it is not up.
	Detail string
}

// Options are what handlers work with.
type Options struct {
	Snapshots Snapshots
	// All lists the snapshots of a window that the source can tell without fetching, for
	// /top; others among them do no harm. It returns soon. nil means that there is none.
	All      func(context.Context, market.Window) []*snapshot.Snapshot
	Settings Settings
	Alerts   Alerts
	// Past is where previews and /record look, Keeper takes changes back and deletes; nil
	// where there are none.
	Past   Past
	Keeper Keeper
	// Broadcast queues what an owner tells everybody; nil where nobody can be told.
	Broadcast func(ctx context.Context, id, words string) (queued int, err error)
	Charts    Charts
	// Heatmaps is where /heatmap looks; nil means that the source has none.
	Heatmaps Heatmaps
	// Accuracy is the self-check of the live map; nil where the source has none.
	Accuracy Accuracy
	// Status is asked by /stats.
	Status func(context.Context) Status
	// Owners are the members who may use owners' commands.
	Owners []chat.Member
	// StaleAfter marks older data as stale, RefuseAfter refuses to show it.
	StaleAfter, RefuseAfter time.Duration
	// KeyLevelBand and SymmetricBand are fractions of the mark, for texts.
	KeyLevelBand, SymmetricBand float64
	// Hold is how long a price stays beyond a level before that is an alert, Cooldown
	// the least time between two alerts of a side, Rest that for chats without a threshold,
	// Follow when it is told what became of a breakout; for texts.
	Hold, Cooldown, Rest time.Duration
	Follow               []time.Duration
	// ColdWait bounds the wait for a coin's first snapshot.
	ColdWait time.Duration
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Handlers answers requests. It is safe for concurrent use.
type Handlers struct {
	opts     Options
	commands map[string]command
	owners   map[chat.Member]bool
	worded   sync.Map // wordKey -> *worded
	wordings atomic.Int64
	answered atomic.Uint64
	// alerted holds the worded alerts: alertKey -> *alertWording.
	alerted       sync.Map
	alertWordings atomic.Int64
	drafts        drafts
	records       records
}

// New makes the handlers. Snapshots, Settings, Alerts, Charts and Status have to be
// set.
func New(opts Options) *Handlers {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.KeyLevelBand == 0 {
		opts.KeyLevelBand = liquidation.KeyLevelBand
	}
	if opts.SymmetricBand == 0 {
		opts.SymmetricBand = liquidation.SymmetricBand
	}
	h := &Handlers{opts: opts, commands: make(map[string]command), owners: make(map[chat.Member]bool)}
	for _, c := range commandTable() {
		h.commands[c.name] = c
	}
	for _, m := range opts.Owners {
		h.owners[m] = true
	}
	return h
}

// DefaultWindow is the look-back of a chat that has chosen none, DefaultCoin the
// coin.
const (
	DefaultWindow = market.Week
	DefaultCoin   = market.Coin("BTC")
)

// call is one request on its way through a command.
type call struct {
	chat.Request
	*Handlers
	settings chat.Settings
	lang     *locales.Language
	// args are what stood behind the command, cleaned up; of a press, its fields.
	args []string
	// edit asks to replace the message of the press.
	edit bool
	now  time.Time
	// admin is set once the platform has said that the member administers the chat.
	admin bool
}

// Handle answers a request. It never panics and never fails: trouble is worded in
// the reply and logged for the host.
func (h *Handlers) Handle(ctx context.Context, r chat.Request) (reply chat.Reply) {
	name := "unknown"
	c := &call{Request: r, Handlers: h, lang: locales.For(hinted(r)), now: h.opts.Now()}
	defer func() {
		if p := recover(); p != nil {
			h.opts.Log.Error("command panicked", slog.String("command", name),
				slog.String("panic", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
			reply = c.fail("error.broken")
		}
		h.answered.Add(1)
	}()
	c.recall(ctx)
	cmd, answer := c.parse()
	if cmd.run == nil {
		return answer
	}
	name = cmd.name
	if cmd.owner && !h.owners[r.Member] {
		return c.fail("error.owners_only")
	}
	if slices.Contains(cmd.options, coinOption) {
		c.awaitCoins(ctx)
	}
	if ok, refusal := c.admitted(ctx, cmd); !ok {
		return refusal
	}
	reply = cmd.run(ctx, c)
	if !reply.Silent() {
		reply.Language = c.lang.Tag()
	}
	return reply
}

// recall fetches what the chat has chosen and settles the language.
func (c *call) recall(ctx context.Context) {
	settings, err := c.opts.Settings.Settings(ctx, c.Chooser())
	if err != nil {
		c.opts.Log.Error("chat settings not read", slog.Any("err", err))
		return
	}
	c.settings = settings
	c.settle()
}

// settle makes the language that of the chat's settings, with its time zone.
func (c *call) settle() {
	if c.settings.Language != "" {
		c.lang = locales.For(c.settings.Language)
	}
	if zone, ok := loadZone(c.settings.TimeZone); ok && zone != c.lang.Zone() {
		c.lang = c.lang.In(zone)
	}
}

// hinted is the language by the platform's hints.
func hinted(r chat.Request) string {
	for _, hint := range []string{r.LanguageHint, r.ChatLanguageHint} {
		if tag, ok := locales.Match(hint); ok {
			return tag
		}
	}
	return locales.Default
}

// fail is a reply that only says what went wrong.
func (c *call) fail(key string, args ...string) chat.Reply {
	return chat.Reply{Text: c.lang.Text(key, args...), Private: true, Language: c.lang.Tag()}
}

// mayChange asks whether the member may change the chat's settings: in a private
// chat the member may, elsewhere its administrators. The reply is the refusal.
func (c *call) mayChange(ctx context.Context) (bool, chat.Reply) {
	if c.Kind == chat.Private || c.admin {
		return true, chat.Reply{}
	}
	if c.IsAdmin == nil {
		return false, c.fail("error.admins_only")
	}
	admin, err := c.IsAdmin(ctx)
	switch {
	case err != nil:
		c.opts.Log.Warn("administrators not checked", slog.String("platform", string(c.Target.Platform)), slog.Any("err", err))
		return false, c.fail("error.admin_check")
	case !admin:
		return false, c.fail("error.admins_only")
	default:
		c.admin = true
		return true, chat.Reply{}
	}
}

// change keeps a change of the chat's settings. The reply is the refusal.
func (c *call) change(ctx context.Context, e chat.Entry, f func(*chat.Settings)) (bool, chat.Reply) {
	if err := c.opts.Settings.Change(ctx, c.Chooser(), e, f); err != nil {
		c.opts.Log.Error("chat settings not saved", slog.Any("err", err))
		return false, c.fail("error.not_saved")
	}
	f(&c.settings)
	return true, chat.Reply{}
}
