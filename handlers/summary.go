package handlers

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

const (
	// shownItems bounds the alerts that a summary names one by one.
	shownItems = 10
	// digestCoins bounds the coins of a digest.
	digestCoins = 6
)

// summaryReply words several alerts in one message: what was held back, what came in quick
// succession, or the daily digest.
func (h *Handlers) summaryReply(ctx context.Context, a *alert.Alert, to alert.Recipient, l *locales.Language, shape chat.Shape) chat.Reply {
	var p paragraphs
	n := strconv.Itoa(len(a.Items))
	switch {
	case a.Digest:
		p.line(l.Text("summary.digest", "time", l.DateTime(a.At)))
	case !a.Quiet.IsZero():
		p.line(l.Text("summary.held", "alerts", l.Count("summary.alerts", len(a.Items)), "since", l.DateTime(a.Quiet)))
	default:
		p.line(l.Text("summary.burst", "n", n))
	}
	demo, recorded := marksOf(a.Items)
	p.mark(l, demo, recorded)
	if a.Digest {
		h.wordDigest(ctx, &p, to, l)
		p.gap()
		if len(a.Items) == 0 {
			p.line(l.Text("summary.nothing"))
		} else {
			p.line(l.Text("summary.items", "n", n))
		}
	}
	wordItems(&p, a, l)
	reply := chat.Reply{Language: l.Tag(), Buttons: summaryButtons(l, a)}
	if !a.Digest {
		reply.Picture = h.newestMap(ctx, a, l, shape, &p)
	}
	p.gap()
	p.line(italic(l.Text("label.relative")))
	reply.Text = p.text
	return reply
}

// wordItems lists alerts, a line each.
func wordItems(p *paragraphs, summary *alert.Alert, l *locales.Language) {
	items := summary.Items
	for i := range items[:min(len(items), shownItems)] {
		a, when := &items[i], l.Clock
		if summary.At.Sub(a.At) > 18*time.Hour { // the time of day would not tell the day
			when = l.DateTime
		}
		p.line(slices.Concat(chat.Plainly(when(a.At)+" "), alertTitle(l, a), cameOf(l, a)))
	}
	if more := len(items) - shownItems; more > 0 {
		p.line(l.Text("summary.more", "n", strconv.Itoa(more)))
	}
}

// cameOf says of a follow-up what became of the breakout, in short.
func cameOf(l *locales.Language, a *alert.Alert) chat.Text {
	if a.Followed == nil {
		return nil
	}
	key := "record.failed"
	if a.Followed.Held {
		key = "record.held"
	}
	return chat.Plainly(" · " + l.Say(key, "span", l.Span(a.Followed.After), "move", l.SignedPercent(a.Followed.ToUSD/a.Followed.FromUSD-1)))
}

// newestMap is the picture of the coin of the newest alert, and says where its price is.
func (h *Handlers) newestMap(ctx context.Context, a *alert.Alert, l *locales.Language, shape chat.Shape, p *paragraphs) *chat.Picture {
	if len(a.Items) == 0 || a.Items[len(a.Items)-1].Coin == "" {
		return nil
	}
	coin := a.Items[len(a.Items)-1].Coin
	snap := h.alertMap(ctx, coin)
	if snap == nil {
		return nil
	}
	p.gap()
	p.line(l.Text("summary.now", "coin", string(coin), "price", l.Price(snap.Price.USD), "time", l.DateTime(snap.Price.Provenance.AsOf)))
	picture, err := h.opts.Charts.LiquidationMap(ctx, snap, l, shape)
	if err != nil {
		h.opts.Log.Error("picture of a summary not made", slog.String("key", snap.Key.String()), slog.Any("err", err))
		return nil
	}
	return picture
}

// marksOf is what marks alerts that are not of a live market.
func marksOf(items []alert.Alert) (demo bool, recorded time.Time) {
	for i := range items {
		demo = demo || items[i].Provenance.Demo
		if at := items[i].Provenance.RecordedAt; !at.IsZero() {
			recorded = at
		}
	}
	return demo, recorded
}

// wordDigest says how the coins stand that a chat hears of.
func (h *Handlers) wordDigest(ctx context.Context, p *paragraphs, to alert.Recipient, l *locales.Language) {
	for _, coin := range h.digestCoins(ctx, to) {
		snap := h.opts.Snapshots.Get(snapshot.Key{Coin: coin, Window: alertWindow})
		if snap == nil || snap.Age(h.opts.Now()) > h.opts.StaleAfter {
			p.line(l.Text("summary.no_data", "coin", string(coin)))
			continue
		}
		p.gap()
		p.line(l.Text("summary.coin", "coin", string(coin), "price", l.Price(snap.Price.USD)))
		p.mark(l, snap.Demo(), snap.Price.Provenance.RecordedAt)
		keyLevels(p, l, snap)
		if snap.Realised != nil && len(snap.Realised.Watched) > 0 {
			sum := snap.Realised.Sum(24 * time.Hour)
			p.line(l.Text("summary.realised", "longs", l.Amount(sum.LongUSD), "shorts", l.Amount(sum.ShortUSD)))
		}
		p.line(l.Text("label.source", "source", snap.Map.Provenance().Source+" ("+originOf(l, snap.Map.Provenance().Origin)+")"))
	}
}

// digestCoins are the coins that a chat hears of, those of the chat's choice without any.
func (h *Handlers) digestCoins(ctx context.Context, to alert.Recipient) []market.Coin {
	a, err := h.opts.Alerts.Alerts(ctx, to.Target)
	if err != nil {
		h.opts.Log.Error("chat alerts not read", slog.Any("err", err))
	}
	coins := coinsOf(a)
	if len(coins) == 0 {
		coins = []market.Coin{DefaultCoin}
	}
	return firstCoins(coins, digestCoins)
}

func summaryButtons(l *locales.Language, a *alert.Alert) [][]chat.Button {
	row := []chat.Button{
		{Label: l.Say("button.mute", "span", l.Span(8*time.Hour)), Data: press("mute", "8h")},
		{Label: l.Say("button.alerts"), Data: press("alerts")},
	}
	var maps []chat.Button
	var seen []market.Coin
	for i := range a.Items {
		if coin := a.Items[i].Coin; coin != "" && !slices.Contains(seen, coin) && len(seen) < 3 {
			seen = append(seen, coin)
			maps = append(maps, chat.Button{Label: l.Say("button.map", "coin", string(coin)), Data: press("liq", string(coin))})
		}
	}
	return trimmed([][]chat.Button{row, maps})
}
