package handlers

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"liqbot/chat"
	"liqbot/market"
	"liqbot/snapshot"
)

// topCoins is how many coins a list of /top has.
const topCoins = 10

// ranked is a coin in a list of /top.
type ranked struct {
	coin        market.Coin
	long, short float64
	asOf        time.Time
	// since is when the coin began to be watched, if that is within the day.
	since time.Time
}

func (r ranked) total() float64 { return r.long + r.short }

// top answers /top: the coins of which most was liquidated in a day, and those with the
// most intensity near the price, of all that the source can tell now.
func top(ctx context.Context, c *call) chat.Reply {
	_, window := c.defaults()
	for i, word := range c.args {
		w, ok := parseWindow(word)
		if !ok || i > 0 {
			return c.fail("top.usage")
		}
		window = w
	}
	ready := c.ready(ctx, window)
	if len(ready) == 0 {
		return c.fail("top.none")
	}
	l, p := c.lang, paragraphs{}
	p.line(l.Text("top.title"))
	first := ready[0]
	p.mark(l, slices.ContainsFunc(ready, (*snapshot.Snapshot).Demo), first.Price.Provenance.RecordedAt)
	p.gap()
	p.line(l.Text("top.realised"))
	c.topRealised(&p, ready)
	p.gap()
	p.line(l.Text("top.intensity", "band", l.ShortPercent(first.Summary.KeyLevelBand), "window", string(window)))
	var maps []ranked
	for _, s := range ready {
		t := s.Map.Totals(s.Summary.KeyLevelBand)
		maps = append(maps, ranked{coin: s.Key.Coin, long: t.LongUSD, short: t.ShortUSD, asOf: s.AsOf()})
	}
	rank(maps)
	c.ranking(&p, maps)
	p.gap()
	eldest := slices.MinFunc(ready, func(a, b *snapshot.Snapshot) int { return a.AsOf().Compare(b.AsOf()) })
	p.line(l.Text("top.ready", "n", strconv.Itoa(len(ready)), "age", l.Age(eldest.Age(c.now))))
	foot := paragraphs{}
	of := first.Map.Provenance()
	foot.line(l.Text("label.source", "source", of.Source+" ("+originOf(l, of.Origin)+")"))
	foot.line(l.Text("label.relative"))
	p.line(italic(foot.text))
	return chat.Reply{Text: p.text, Buttons: c.topButtons(window, maps), Edit: c.edit}
}

// ready are the snapshots of a window that are fresh enough to show, by coin.
func (c *call) ready(ctx context.Context, window market.Window) []*snapshot.Snapshot {
	if c.opts.All == nil {
		return nil
	}
	var ready []*snapshot.Snapshot
	for _, s := range c.opts.All(ctx, window) {
		if s.Key.Window == window && s.Age(c.now) <= c.opts.RefuseAfter {
			ready = append(ready, s)
		}
	}
	slices.SortFunc(ready, func(a, b *snapshot.Snapshot) int { return cmp.Compare(a.Key.Coin, b.Key.Coin) })
	return ready
}

// topRealised lists by what was liquidated in a day, as far as the source tells.
func (c *call) topRealised(p *paragraphs, ready []*snapshot.Snapshot) {
	l := c.lang
	var lost []ranked
	told := false
	for _, s := range ready {
		switch {
		case s.Realised != nil && c.current(s.Realised.AsOf):
			sum := s.Realised.Sum(day)
			told = true
			r := ranked{coin: s.Key.Coin, long: sum.LongUSD, short: sum.ShortUSD, asOf: sum.To}
			if first, late := firstWatched(sum); late {
				r.since = first
			}
			lost = append(lost, r)
		case s.Realised == nil && s.Liquidations != nil && s.Liquidations.Over == day && c.current(s.Liquidations.Provenance.AsOf):
			q := s.Liquidations
			told = true
			lost = append(lost, ranked{coin: s.Key.Coin, long: q.LongUSD, short: q.ShortUSD, asOf: q.Provenance.AsOf})
		}
	}
	if !told {
		p.line(l.Text("top.realised_unknown", "source", c.opts.Snapshots.Source()))
		return
	}
	rank(lost)
	c.ranking(p, lost)
	// A coin that nobody reads of does not matter: it may have been followed just now.
	var since time.Time
	for _, r := range lost[:min(len(lost), topCoins)] {
		if r.total() > 0 && r.since.After(since) {
			since = r.since
		}
	}
	if !since.IsZero() {
		p.line(l.Text("rekt.since", "time", l.DateTime(since), "span", l.Span(max(0, c.now.Sub(since)))))
	}
}

// firstWatched is when the first venue began to be watched, and whether that is within
// the span.
func firstWatched(sum snapshot.RealisedSum) (first time.Time, late bool) {
	for _, v := range sum.Venues {
		if !v.Since.IsZero() && (first.IsZero() || v.Since.Before(first)) {
			first = v.Since
		}
	}
	return first, first.Sub(sum.From) >= market.RealisedLength
}

// rank puts the largest first.
func rank(all []ranked) {
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(b.total(), a.total()) })
}

// ranking lists the first, and marks what is stale.
func (c *call) ranking(p *paragraphs, all []ranked) {
	l := c.lang
	for i, r := range all[:min(len(all), topCoins)] {
		if r.total() == 0 {
			if i == 0 {
				p.line(l.Text("top.realised_none"))
			}
			return
		}
		p.line(l.Text("top.line", "n", strconv.Itoa(i+1), "coin", string(r.coin), "amount", l.Amount(r.total()), "share", l.WholePercent(r.long/r.total())))
		if age := c.now.Sub(r.asOf); age > c.opts.StaleAfter {
			p.text = append(p.text, chat.Span{Text: " "})
			p.text = append(p.text, l.Text("top.stale", "age", l.Age(age))...)
		}
	}
}

// topButtons lead to the other windows and to the maps of the first coins.
func (c *call) topButtons(window market.Window, maps []ranked) [][]chat.Button {
	l := c.lang
	labels := map[market.Window]string{market.Day: "window.day", market.Week: "window.week", market.Month: "window.month"}
	var row, coins []chat.Button
	for _, w := range market.Windows() {
		row = append(row, chat.Button{Label: l.Say(labels[w]), Data: press("top", string(w), "edit"), Active: w == window})
	}
	for _, r := range maps[:min(len(maps), rowCoins)] {
		coins = append(coins, chat.Button{Label: string(r.coin), Data: press("liq", string(r.coin))})
	}
	return [][]chat.Button{row, coins}
}
