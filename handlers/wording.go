package handlers

import (
	"context"
	"errors"
	"strings"
	"time"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// snapshot finds the snapshot that the arguments ask for, fresh enough to show.
// The reply is the refusal.
func (c *call) snapshot(ctx context.Context) (*snapshot.Snapshot, chat.Reply, bool) {
	coin, window, refusal, ok := c.target()
	if !ok {
		return nil, refusal, false
	}
	return c.recent(ctx, snapshot.Key{Coin: coin, Window: window})
}

// recent finds the snapshot of a key, fresh enough to show. The reply is the refusal.
func (c *call) recent(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, chat.Reply, bool) {
	s, refusal, ok := c.newest(ctx, key)
	if !ok {
		return nil, refusal, false
	}
	if age := s.Age(c.now); age > c.opts.RefuseAfter {
		return nil, c.tooOld(key.Coin, age), false
	}
	return s, chat.Reply{}, true
}

// tooOld refuses to show data of this age.
func (c *call) tooOld(coin market.Coin, age time.Duration) chat.Reply {
	return c.fail("error.too_old", "coin", string(coin), "age", c.lang.Age(age), "limit", c.lang.Span(c.opts.RefuseAfter))
}

// newest is the newest snapshot of a key, whatever its age, and the first one if need
// be. The reply is the refusal.
func (c *call) newest(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, chat.Reply, bool) {
	if s := c.opts.Snapshots.Get(key); s != nil {
		return s, chat.Reply{}, true
	}
	if _, listed := c.coin(string(key.Coin)); !listed {
		return nil, c.unknownCoin(string(key.Coin)), false
	}
	if c.Quick {
		return nil, c.trouble(nil, key.Coin), false
	}
	s, err := c.cold(ctx, key)
	if err != nil {
		return nil, c.trouble(err, key.Coin), false
	}
	return s, chat.Reply{}, true
}

// awaitCoins waits until it is known which coins there are, as right after the start:
// without them no coin that a member names could be told from a mistake.
func (c *call) awaitCoins(ctx context.Context) {
	known := func() bool { return c.opts.Snapshots.Coins() != nil || c.opts.Snapshots.LastFailure() != nil }
	if c.Quick || known() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.ColdWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !known() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// cold waits for the first snapshot of a key.
func (c *call) cold(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	if c.Working != nil {
		c.Working()
		c.Working = nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.ColdWait)
	defer cancel()
	return c.opts.Snapshots.Wait(ctx, key)
}

// trouble words why there is no snapshot. A nil error means that the source has
// not answered yet at all.
func (c *call) trouble(err error, coin market.Coin) chat.Reply {
	if coin == "" {
		coin, _ = c.defaults()
	}
	name := string(coin)
	if f := c.opts.Snapshots.LastFailure(); err == nil && f != nil {
		err = f.Err
	}
	if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return c.fail("error.warming_up", "coin", name)
	}
	switch snapshot.ProblemOf(err) {
	case snapshot.RateLimited:
		return c.fail("error.rate_limited", "coin", name)
	case snapshot.Unauthorized, snapshot.PlanTooLow:
		return c.fail("error.host_only")
	case snapshot.BadData:
		return c.fail("error.bad_data", "coin", name)
	case snapshot.NotListed:
		return c.fail("error.not_listed", "coin", name)
	default:
		return c.fail("error.unavailable", "coin", name)
	}
}

// wordKey names what has been worded: one text for a part of a reply, coin, window
// and language.
type wordKey struct {
	part, language, zone string
	key                  snapshot.Key
}

type worded struct {
	id   uint64
	text chat.Text
}

// worder words one part of a reply.
type worder func(*call, *snapshot.Snapshot) chat.Text

// wordedFor words a snapshot once, however often it is asked for. A newer
// snapshot takes the place of the older one.
func (c *call) wordedFor(s *snapshot.Snapshot, part string, word worder) chat.Text {
	key := wordKey{part: part, language: c.lang.Tag(), zone: c.settings.TimeZone, key: s.Key}
	if found, ok := c.worded.Load(key); ok {
		if w, ok := found.(*worded); ok && w.id == s.ID && s.ID != 0 {
			return w.text
		}
	}
	w := &worded{id: s.ID, text: word(c, s)}
	if _, replaced := c.worded.Swap(key, w); !replaced && c.wordings.Add(1) > maxWordings {
		c.worded.Clear()
		c.wordings.Store(0)
	}
	return w.text
}

// maxWordings bounds what is remembered: some hundred coins in every language.
const maxWordings = 4000

// framed words a snapshot: the title and what marks the data, the body of the
// command, then the data's source and age.
func (c *call) framed(s *snapshot.Snapshot, command string, body worder) chat.Text {
	return c.enclosed(s, command, c.wordedFor(s, command, body))
}

// enclosed is framed for a body that is worded already.
func (c *call) enclosed(s *snapshot.Snapshot, command string, middle chat.Text) chat.Text {
	l := c.lang
	age := s.Age(c.now)
	head := c.wordedFor(s, command+" head", titled[command])
	foot := c.wordedFor(s, "foot", wordFoot)
	text := make(chat.Text, 0, len(head)+len(middle)+len(foot)+8)
	text = append(text, head...)
	if age > c.opts.StaleAfter {
		text = append(text, chat.Span{Text: "\n"})
		text = append(text, l.Text("label.stale", "age", l.Age(age))...)
	}
	text = append(text, chat.Span{Text: "\n"})
	text = append(text, middle...)
	text = append(text, chat.Span{Text: "\n\n"})
	text = append(text, l.Text("label.as_of", "time", l.DateTime(s.AsOf()))...)
	text = append(text, chat.Span{Text: " · "}, chat.Span{Text: l.Age(age), At: s.AsOf()}, chat.Span{Text: "\n"})
	return append(text, foot...)
}

// titled words the head of each command that shows a snapshot.
var titled = map[string]worder{
	"liq":     headed("liq.title"),
	"levels":  headed("levels.title"),
	"price":   headed("price.title"),
	"cascade": headed("cascade.title"),
	"report":  headReport,
	"why":     headed("why.title"),
}

// headed words a title and the marks of data that is not of a live market.
func headed(title string) worder {
	return func(c *call, s *snapshot.Snapshot) chat.Text {
		var p paragraphs
		p.line(c.lang.Text(title, "coin", string(s.Key.Coin), "window", string(s.Key.Window)))
		p.mark(c.lang, s.Demo(), s.Price.Provenance.RecordedAt)
		return p.text
	}
}

// mark says of data that it is not of a live market, and nothing of data that is.
func (p *paragraphs) mark(l *locales.Language, demo bool, recordedAt time.Time) {
	var mark chat.Text
	switch {
	case demo:
		mark = l.Text("label.demo")
	case !recordedAt.IsZero():
		mark = l.Text("label.recorded", "time", l.DateTime(recordedAt))
	}
	if mark != nil && !strings.Contains(p.text.String(), mark.String()) { // once is enough
		p.line(mark)
	}
}

// wordFoot is where the map comes from and what its figures are not.
func wordFoot(c *call, s *snapshot.Snapshot) chat.Text {
	l := c.lang
	provenance := s.Map.Provenance()
	var p paragraphs
	p.line(l.Text("label.source", "source", provenance.Source+" ("+originOf(l, provenance.Origin)+")"))
	if venues := venueList(provenance.Venues); venues != "" {
		p.line(l.Text("label.venues", "venues", venues))
	} else {
		p.line(l.Text("label.venues_unknown"))
	}
	if missing := venueList(provenance.Missing); missing != "" {
		p.line(l.Text("label.venues_missing", "venues", missing))
	}
	p.line(l.Text("label.relative"))
	return italic(p.text)
}

// italic sets in italics what has no style.
func italic(text chat.Text) chat.Text {
	for i := range text {
		if text[i].Style == chat.Plain {
			text[i].Style = chat.Italic
		}
	}
	return text
}

func originOf(l *locales.Language, o market.Origin) string {
	switch o {
	case market.Estimate:
		return l.Say("label.origin_estimate")
	case market.Measured:
		return l.Say("label.origin_measured")
	default:
		return l.Say("label.origin_vendor")
	}
}
