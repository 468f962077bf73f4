package handlers

import (
	"context"
	"slices"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// why answers /why: where the last picture comes from and how it was made.
func why(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.snapshot(ctx)
	if !ok {
		return refusal
	}
	coin, window := string(s.Key.Coin), string(s.Key.Window)
	buttons := windowButtons(c.lang, "why", s.Key, true)
	buttons[1] = append(buttons[1],
		chat.Button{Label: c.lang.Say("button.map", "coin", coin), Data: press("liq", coin, window)},
		chat.Button{Label: c.lang.Say("button.report"), Data: press("report", coin, window)},
	)
	// The two ages run on while the snapshot stays: they are worded each time.
	body := append(c.ages(s), chat.Span{Text: "\n"})
	body = append(body, c.wordedFor(s, "why", wordWhy)...)
	return chat.Reply{Text: c.enclosed(s, "why", body), Buttons: buttons, Edit: c.edit}
}

// ages says how old the price and the map are, each by itself.
func (c *call) ages(s *snapshot.Snapshot) chat.Text {
	l := c.lang
	price, levels := s.Price.Provenance, s.Map.Provenance()
	key := "why.price_mark"
	if s.Price.Kind == market.LastPrice {
		key = "why.price_last"
	}
	source := price.Source
	if names := venueList(price.Venues); names != "" {
		source += " (" + names + ")"
	}
	var p paragraphs
	p.line(l.Text(key, "source", source, "age", l.Age(max(0, c.now.Sub(price.AsOf)))))
	p.line(l.Text("why.map", "source", levels.Source, "origin", originOf(l, levels.Origin), "age", l.Age(max(0, c.now.Sub(levels.AsOf)))))
	return p.text
}

// wordWhy words how the map was made, as far as the source tells.
func wordWhy(c *call, s *snapshot.Snapshot) chat.Text {
	l := c.lang
	var p paragraphs
	shown := len(s.Map.Levels(market.Long)) + len(s.Map.Levels(market.Short))
	p.line(l.Text("why.levels", "n", l.Number(float64(shown), 0), "swept", l.Number(float64(s.Map.Swept()), 0)))
	switch {
	case s.Demo():
		p.gap()
		p.line(l.Text("why.demo"))
	case s.Model == nil:
		p.gap()
		p.line(l.Text("why.vendor", "source", s.Map.Provenance().Source))
	default:
		modelLines(&p, l, s)
	}
	return p.text
}

// modelLines say what an estimate was made of.
func modelLines(p *paragraphs, l *locales.Language, s *snapshot.Snapshot) {
	m := s.Model
	p.line(l.Text("why.candles", "length", l.Span(m.BarLength), "first", l.DateTime(m.First), "last", l.DateTime(m.Last), "span", l.Span(max(0, m.Age()))))
	if m.Warming() {
		p.line(warmingLine(l, m.Age(), m.WarmUp))
	}
	marked := slices.DeleteFunc(slices.Clone(s.Map.Provenance().Venues), func(v market.Venue) bool { return slices.Contains(m.LastPrice, v) })
	if names := venueList(marked); names != "" {
		p.line(l.Text("why.swept_mark", "venues", names))
	}
	if names := venueList(m.LastPrice); names != "" {
		p.line(l.Text("why.swept_last", "venues", names))
	}
	if names := venueList(m.Assumed); names != "" {
		p.line(l.Text("why.assumed", "venues", names))
	} else {
		p.line(l.Text("why.assumed_none"))
	}
	if len(m.Standing) > 0 {
		p.line(l.Text("why.standing"))
		for _, st := range m.Standing {
			p.line(l.Text("why.standing_venue", "venue", string(st.Venue), "long", share(l, st.Long), "short", share(l, st.Short)))
		}
	}
	p.line(l.Text("why.hashes", "parameters", m.Parameters, "input", m.Input))
	p.gap()
	p.line(l.Text("why.method"))
	p.line(l.Text("why.realised"))
}

// share writes a fraction as a percentage, "?" for one that is none.
func share(l *locales.Language, fraction float64) string {
	if !market.Finite(fraction) {
		return "?"
	}
	return l.Percent(fraction)
}
