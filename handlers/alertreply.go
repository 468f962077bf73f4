package handlers

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// alertWindow is the look-back of the map whose key levels are watched.
const alertWindow = market.Week

const (
	// pictureWait is how long an alert waits for a map to show, as after a restart.
	pictureWait = 3 * time.Second
	// maxAlertWordings bounds the worded alerts that are remembered, in all languages.
	maxAlertWordings = 256
)

// errNotWorded: wording the alert failed for somebody else who wanted it too.
var errNotWorded = errors.New("alert was not worded")

// alertKey names a worded alert.
type alertKey struct {
	id, language string
	shape        chat.Shape
}

// alertWording is an alert that is worded once for all who get it.
type alertWording struct {
	once  sync.Once
	reply chat.Reply
}

// AlertReply words an alert for a recipient, with the map's picture and the buttons
// to mute and to stop. It does so once for each language and shape. repeat marks a
// message that may have arrived before. After an error it may be asked again.
func (h *Handlers) AlertReply(ctx context.Context, a *alert.Alert, to alert.Recipient, shape chat.Shape, repeat bool) (chat.Reply, error) {
	l := locales.For(h.alertLanguage(ctx, to))
	key := alertKey{id: a.ID, language: l.Tag(), shape: shape}
	found, known := h.alerted.LoadOrStore(key, new(alertWording))
	if !known && h.alertWordings.Add(1) > maxAlertWordings {
		h.alerted.Clear()
		h.alertWordings.Store(0)
	}
	w := found.(*alertWording)
	defer func() {
		if w.reply.Picture == nil { // the next one may have a picture
			h.alerted.CompareAndDelete(key, found)
		}
	}()
	w.once.Do(func() { w.reply = h.alertReply(ctx, a, l, shape) })
	reply := w.reply
	if reply.Silent() {
		return reply, errNotWorded
	}
	if repeat {
		reply.Text = slices.Concat(l.Text("alert.repeat"), chat.Plainly("\n"), reply.Text)
	}
	return reply, ctx.Err()
}

// alertLanguage is the language that the recipient's chat has chosen, else that of
// the member who subscribed.
func (h *Handlers) alertLanguage(ctx context.Context, to alert.Recipient) string {
	home := to.Home
	if home == (chat.Target{}) {
		home = to.Target
	}
	chosen, err := h.opts.Settings.Settings(ctx, home)
	if err != nil {
		h.opts.Log.Error("chat settings not read", slog.Any("err", err))
	}
	if chosen.Language != "" {
		return chosen.Language
	}
	return to.Language
}

func (h *Handlers) alertReply(ctx context.Context, a *alert.Alert, l *locales.Language, shape chat.Shape) chat.Reply {
	snap := h.alertMap(ctx, a.Coin)
	reply := chat.Reply{Text: h.wordAlert(a, l, snap), Buttons: alertButtons(l, a), Language: l.Tag()}
	if snap == nil {
		return reply
	}
	picture, err := h.opts.Charts.LiquidationMap(ctx, snap, l, shape)
	if err != nil {
		h.opts.Log.Error("picture of an alert not made", slog.String("key", snap.Key.String()), slog.Any("err", err))
		return reply
	}
	reply.Picture = picture
	return reply
}

// alertMap is the coin's map as it is now; nil when none is fresh, as after a
// restart.
func (h *Handlers) alertMap(ctx context.Context, coin market.Coin) *snapshot.Snapshot {
	key := snapshot.Key{Coin: coin, Window: alertWindow}
	s := h.opts.Snapshots.Get(key)
	if s == nil {
		wait, cancel := context.WithTimeout(ctx, pictureWait)
		defer cancel()
		var err error
		if s, err = h.opts.Snapshots.Wait(wait, key); err != nil {
			return nil
		}
	}
	if s.Age(h.opts.Now()) > h.opts.StaleAfter {
		return nil
	}
	return s
}

// wordAlert words an alert. Its times are moments, not ages: the message may be
// read, or sent, later than it is made.
func (h *Handlers) wordAlert(a *alert.Alert, l *locales.Language, snap *snapshot.Snapshot) chat.Text {
	var p paragraphs
	p.line(alertTitle(l, a))
	p.mark(l, a.Provenance.Demo, a.Provenance.RecordedAt)
	key := "alert.mark_price"
	if a.Kind == market.LastPrice {
		key = "alert.last_price"
	}
	p.line(l.Text(key, "price", l.Price(a.PriceUSD), "time", l.DateTimeSeconds(a.At)))
	if a.Rule == alert.Breakout {
		h.wordBreakout(&p, a, l)
	}
	if !a.BlindSince.IsZero() {
		p.line(l.Text("alert.blind", "from", l.DateTime(a.BlindSince), "to", l.DateTime(a.At)))
	}
	wordNext(&p, l, snap)
	p.gap()
	wordAlertFoot(&p, a, l, snap)
	return p.text
}

func alertTitle(l *locales.Language, a *alert.Alert) chat.Text {
	coin := string(a.Coin)
	switch {
	case a.Rule == alert.Price && a.Rising:
		return l.Text("alert.reached_up", "coin", coin, "level", l.TypedPrice(a.LevelUSD))
	case a.Rule == alert.Price:
		return l.Text("alert.reached_down", "coin", coin, "level", l.TypedPrice(a.LevelUSD))
	case a.Rising:
		return l.Text("alert.broke_up", "coin", coin, "level", l.Level(a.LevelUSD))
	default:
		return l.Text("alert.broke_down", "coin", coin, "level", l.Level(a.LevelUSD))
	}
}

func (h *Handlers) wordBreakout(p *paragraphs, a *alert.Alert, l *locales.Language) {
	if held := a.At.Sub(a.Crossed); held >= time.Second {
		p.line(l.Text("alert.held", "span", l.Span(held)))
	}
	key := "alert.behind_long"
	if a.Rising {
		key = "alert.behind_short"
	}
	p.gap()
	p.line(l.Text(key, "amount", l.Amount(a.IntensityUSD), "level", l.Level(a.LevelUSD)))
	if a.Last.IsZero() {
		p.line(l.Text("alert.first", "coin", string(a.Coin)))
	} else {
		p.line(l.Text("alert.last", "coin", string(a.Coin), "span", l.Span(a.At.Sub(a.Last))))
	}
}

// wordNext says which key levels come next.
func wordNext(p *paragraphs, l *locales.Language, snap *snapshot.Snapshot) {
	if snap == nil || snap.Summary.Above == nil && snap.Summary.Below == nil {
		return
	}
	p.gap()
	p.line(l.Text("alert.next"))
	keyLevels(p, l, snap)
}

func wordAlertFoot(p *paragraphs, a *alert.Alert, l *locales.Language, snap *snapshot.Snapshot) {
	provenance := a.Provenance
	if a.Rule == alert.Price && snap != nil { // the map's figures are in the message too
		provenance = snap.Map.Provenance()
	}
	var foot paragraphs
	foot.line(l.Text("label.source", "source", provenance.Source+" ("+originOf(l, provenance.Origin)+")"))
	if venues := venueList(provenance.Venues); venues != "" {
		foot.line(l.Text("label.venues", "venues", venues))
	}
	foot.line(l.Text("label.relative"))
	p.line(italic(foot.text))
}

// alertButtons are the ways out of an alert: for a while, for good, or to the map.
func alertButtons(l *locales.Language, a *alert.Alert) [][]chat.Button {
	coin := string(a.Coin)
	return [][]chat.Button{
		{
			{Label: l.Say("button.mute", "span", l.Span(8*time.Hour)), Data: press("mute", "8h")},
			{Label: l.Say("button.stop", "coin", coin), Data: press("unsubscribe", coin)},
		},
		{{Label: l.Say("button.map", "coin", coin), Data: press("liq", coin)}},
	}
}
