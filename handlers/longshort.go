package handlers

import (
	"context"
	"slices"
	"time"

	"liqbot/chat"
	"liqbot/market"
)

// ratioAge is how old a share of accounts may be. Venues tell it for stretches of up to
// an hour and it moves slowly, so that it may be older than a price.
const ratioAge = 2 * time.Hour

// longShort answers /longshort: which share of a venue's accounts is long or short.
func longShort(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.snapshot(ctx)
	if !ok {
		return refusal
	}
	if s.Venues == nil {
		return c.untold(s, "longshort", "longshort.unknown")
	}
	l := c.lang
	p := paragraphs{}
	var shown []market.Venue
	var moments []time.Time
	// A venue that tells none, as some never do, is not missing.
	missing := slices.Clone(s.Map.Provenance().Missing)
	for _, v := range s.Venues {
		if v.LongShort == nil {
			continue
		}
		if c.now.Sub(v.LongShort.At) > ratioAge {
			missing = append(missing, v.Venue)
			continue
		}
		shown, moments = append(shown, v.Venue), append(moments, v.LongShort.At)
		p.line(l.Text("longshort.venue", "venue", string(v.Venue), "long", l.ShortPercent(v.LongShort.Long),
			"short", l.ShortPercent(v.LongShort.Short), "age", l.Age(max(0, c.now.Sub(v.LongShort.At)))))
	}
	if len(shown) == 0 {
		return c.untold(s, "longshort", "longshort.none")
	}
	p.gap()
	p.line(l.Text("longshort.note"))
	return chat.Reply{
		Text: c.enclose(reported{
			snapshot: s, title: l.Text("longshort.title", "coin", string(s.Key.Coin)), body: p.text, source: s.Price.Provenance.Source,
			asOf: oldest(moments), missing: missing, undated: true,
		}),
		Buttons: c.figureButtons("longshort", s.Key.Coin),
		Edit:    c.edit,
	}
}
