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
	maxAlertWordings = 1024
)

// errNotWorded: wording the alert failed for somebody else who wanted it too.
var errNotWorded = errors.New("alert was not worded")

// alertKey names a worded alert.
type alertKey struct {
	id, language, zone string
	shape              chat.Shape
	// late is the minute that a late alert tells the state of, zero for one in time.
	late int64
}

// alertWording is an alert that is worded once for all who get it.
type alertWording struct {
	once  sync.Once
	reply chat.Reply
}

// AlertReply words the alert of a delivery, with the map's picture and the buttons to mute
// and to stop. It does so once for each language, time zone and shape. A delivery's Repeat
// marks a message that may have arrived before. After an error it may be asked again.
func (h *Handlers) AlertReply(ctx context.Context, d alert.Delivery, shape chat.Shape) (chat.Reply, error) {
	a := d.Alert
	l, zone := h.alertLanguage(ctx, d.To)
	key := alertKey{id: a.ID, language: l.Tag(), zone: zone, shape: shape}
	if d.Late {
		key.late = h.opts.Now().Unix() / 60
	}
	if a.Rule == alert.Summary {
		return h.marked(h.summaryReply(ctx, a, d.To, l, shape), d, l), ctx.Err()
	}
	found, known := h.alerted.LoadOrStore(key, new(alertWording))
	if !known && h.alertWordings.Add(1) > maxAlertWordings {
		h.alerted.Clear()
		h.alertWordings.Store(0)
	}
	w := found.(*alertWording)
	defer func() {
		if w.reply.Picture == nil && pictured(a) { // the next one may have a picture
			h.alerted.CompareAndDelete(key, found)
		}
	}()
	w.once.Do(func() { w.reply = h.alertReply(ctx, a, l, shape, d.Late) })
	if w.reply.Silent() {
		return w.reply, errNotWorded
	}
	return h.marked(w.reply, d, l), ctx.Err()
}

// marked marks a reply that may have arrived before.
func (h *Handlers) marked(reply chat.Reply, d alert.Delivery, l *locales.Language) chat.Reply {
	if d.Repeat {
		reply.Text = slices.Concat(l.Text("alert.repeat"), chat.Plainly("\n"), reply.Text)
	}
	return reply
}

// alertLanguage is the language that the recipient's chat has chosen, else that of the
// member who subscribed, with the chat's time zone and its name.
func (h *Handlers) alertLanguage(ctx context.Context, to alert.Recipient) (l *locales.Language, zone string) {
	home := to.Home
	if home == (chat.Target{}) {
		home = to.Target
	}
	chosen, err := h.opts.Settings.Settings(ctx, home)
	if err != nil {
		h.opts.Log.Error("chat settings not read", slog.Any("err", err))
	}
	l = locales.For(to.Language)
	if chosen.Language != "" {
		l = locales.For(chosen.Language)
	}
	if chosen.TimeZone == "" {
		return l, ""
	}
	location, ok := loadZone(chosen.TimeZone)
	if !ok {
		return l, ""
	}
	return l.In(location), chosen.TimeZone
}

func (h *Handlers) alertReply(ctx context.Context, a *alert.Alert, l *locales.Language, shape chat.Shape, late bool) chat.Reply {
	if a.Rule == alert.Notice {
		return chat.Reply{Text: slices.Concat(l.Text("alert.notice"), chat.Plainly("\n"+a.Words)), Language: l.Tag()}
	}
	var snap *snapshot.Snapshot
	if late || pictured(a) {
		snap = h.alertMap(ctx, a.Coin)
	}
	reply := chat.Reply{Text: h.wordAlert(a, l, snap, late), Buttons: alertButtons(l, a), Language: l.Tag()}
	if snap == nil || !pictured(a) {
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

// pictured reports whether an alert comes with the map: one that is about the map does.
func pictured(a *alert.Alert) bool {
	switch a.Rule {
	case alert.Breakout, alert.Approach, alert.Imbalance, alert.Cascade, alert.Price:
		return true
	default:
		return false
	}
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
func (h *Handlers) wordAlert(a *alert.Alert, l *locales.Language, snap *snapshot.Snapshot, late bool) chat.Text {
	var p paragraphs
	if late {
		wordLate(&p, a, l, snap)
	}
	p.line(alertTitle(l, a))
	p.mark(l, a.Provenance.Demo, a.Provenance.RecordedAt)
	if a.Rule == alert.Outcome {
		wordOutcome(&p, a, l)
		wordAlertFoot(&p, a, l, snap)
		return p.text
	}
	key := "alert.mark_price"
	if a.Kind == market.LastPrice {
		key = "alert.last_price"
	}
	if a.PriceUSD > 0 {
		p.line(l.Text(key, "price", l.Price(a.PriceUSD), "time", l.DateTimeSeconds(pricedAt(a))))
	}
	wordRule(&p, a, l)
	wordSides(&p, a, l, snap)
	if a.Solo {
		p.line(l.Text("alert.solo"))
	}
	if !a.BlindSince.IsZero() {
		p.line(l.Text("alert.blind", "from", l.DateTimeSeconds(a.BlindSince), "to", l.DateTimeSeconds(a.At)))
	}
	if pictured(a) {
		wordNext(&p, l, snap)
	}
	p.gap()
	wordAlertFoot(&p, a, l, snap)
	return p.text
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
	if missing := venueList(provenance.Missing); missing != "" {
		foot.line(l.Text("label.venues_missing", "venues", missing))
	}
	if a.Rule == alert.Breakout || a.Rule == alert.Approach || a.Rule == alert.Imbalance || snap != nil && pictured(a) {
		foot.line(l.Text("label.relative"))
	}
	p.line(italic(foot.text))
}

// alertButtons are the ways out of an alert: for a while, for good, or to the map.
func alertButtons(l *locales.Language, a *alert.Alert) [][]chat.Button {
	coin := string(a.Coin)
	stop := chat.Button{Label: l.Say("button.stop", "coin", coin), Data: press("unsubscribe", coin)}
	switch {
	case a.Rule == alert.Outcome:
		return [][]chat.Button{{
			{Label: l.Say("button.record"), Data: press("record", coin)},
			{Label: l.Say("button.no_followups"), Data: press("followups", "off")},
		}}
	case a.Rule == alert.Price: // it has stopped by itself, or is in the list
		stop = chat.Button{Label: l.Say("button.alerts"), Data: press("alerts")}
	case a.Rule.Known():
		stop = chat.Button{Label: l.Say("button.stop_rule", "coin", coin, "rule", ruleName(l, a.Rule)), Data: press("unsubscribe", coin, string(a.Rule))}
	}
	return [][]chat.Button{
		{{Label: l.Say("button.mute", "span", l.Span(8*time.Hour)), Data: press("mute", "8h")}, stop},
		{{Label: l.Say("button.map", "coin", coin), Data: press("liq", coin)}},
	}
}
