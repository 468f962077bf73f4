package handlers

import (
	"context"
	"slices"
	"time"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// openInterest answers /oi: the open interest of a coin, in total and by venue.
func openInterest(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.snapshot(ctx)
	if !ok {
		return refusal
	}
	var rows []*market.OpenInterest
	var shown []market.Venue
	var moments []time.Time
	age := time.Duration(0)
	for _, v := range s.Venues {
		switch {
		case v.OpenInterest == nil:
		case !c.current(v.OpenInterest.Provenance.AsOf):
			age = c.now.Sub(v.OpenInterest.Provenance.AsOf)
		default:
			rows, shown = append(rows, v.OpenInterest), append(shown, v.Venue)
			moments = append(moments, v.OpenInterest.Provenance.AsOf)
		}
	}
	switch {
	case len(rows) > 0:
		return c.openInterestReply(s, wordOpenInterests(c.lang, s, rows, shown), oldest(moments), missingVenues(s, shown))
	case age > 0:
		return c.tooOld(s.Key.Coin, age)
	case s.OpenInterest == nil:
		return c.untold(s, "oi", "oi.unknown")
	case !c.current(s.OpenInterest.Provenance.AsOf):
		return c.tooOld(s.Key.Coin, c.now.Sub(s.OpenInterest.Provenance.AsOf))
	}
	p := paragraphs{text: openInterestTotal(c.lang, s.Key.Coin, s.OpenInterest)}
	if venues := venueList(s.OpenInterest.Provenance.Venues); venues != "" {
		p.line(c.lang.Text("label.venues", "venues", venues))
	}
	p.line(c.lang.Text("oi.unsplit", "source", c.opts.Snapshots.Source()))
	return c.openInterestReply(s, p.text, s.OpenInterest.Provenance.AsOf, s.OpenInterest.Provenance.Missing)
}

func (c *call) openInterestReply(s *snapshot.Snapshot, body chat.Text, asOf time.Time, missing []market.Venue) chat.Reply {
	source := s.Price.Provenance.Source
	if s.OpenInterest != nil {
		source = s.OpenInterest.Provenance.Source
	}
	return chat.Reply{
		Text: c.enclose(reported{
			snapshot: s, title: c.lang.Text("oi.title", "coin", string(s.Key.Coin)), body: body, source: source, asOf: asOf, missing: missing,
		}),
		Buttons: c.figureButtons("oi", s.Key.Coin),
		Edit:    c.edit,
	}
}

func wordOpenInterests(l *locales.Language, s *snapshot.Snapshot, rows []*market.OpenInterest, venues []market.Venue) chat.Text {
	// The source's own total has a change; it is only shown if it is of these venues.
	total := s.OpenInterest
	if total == nil || !slices.Equal(slices.Sorted(slices.Values(total.Provenance.Venues)), slices.Sorted(slices.Values(venues))) {
		total = new(market.OpenInterest)
		for _, o := range rows {
			total.Coins += o.Coins
			total.USD += o.USD
		}
	}
	p := paragraphs{text: openInterestTotal(l, s.Key.Coin, total)}
	p.gap()
	noted := false
	for i, o := range rows {
		key := "oi.venue"
		if o.HasChange24h {
			key, noted = "oi.venue_change", true
		}
		p.line(l.Text(key, "venue", string(venues[i]), "coins", coinAmount(l, o.Coins), "coin", string(s.Key.Coin),
			"amount", l.Amount(o.USD), "change", l.SignedPercent(o.Change24h)))
	}
	if noted {
		p.gap()
		p.line(l.Text("oi.note"))
	}
	return p.text
}

func openInterestTotal(l *locales.Language, coin market.Coin, o *market.OpenInterest) chat.Text {
	key := "oi.total"
	if o.HasChange24h {
		key = "oi.total_change"
	}
	return l.Text(key, "coins", coinAmount(l, o.Coins), "coin", string(coin), "amount", l.Amount(o.USD), "change", l.SignedPercent(o.Change24h))
}

// coinAmount writes a number of coins without needless decimals.
func coinAmount(l *locales.Language, coins float64) string {
	if coins < 100 {
		return l.Number(coins, 2)
	}
	return l.Number(coins, 0)
}
