package handlers

import (
	"slices"
	"time"

	"liqbot/chat"
	"liqbot/market"
	"liqbot/snapshot"
)

// reported is a reply of figures that venues reported, which is not about the map.
type reported struct {
	snapshot *snapshot.Snapshot
	title    chat.Text
	body     chat.Text
	// source is who told the figures, asOf the time of the oldest of them.
	source string
	asOf   time.Time
	// missing are the venues whose figures should be there and are not.
	missing []market.Venue
	// undated leaves the marking of stale data out, for figures that change once a day.
	undated bool
}

// enclose puts a title and what marks the data before the figures, and their source and
// age behind them.
func (c *call) enclose(r reported) chat.Text {
	l := c.lang
	age := max(0, c.now.Sub(r.asOf))
	p := paragraphs{text: slices.Clone(r.title)}
	p.mark(l, r.snapshot.Demo(), r.snapshot.Price.Provenance.RecordedAt)
	if age > c.opts.StaleAfter && !r.undated {
		p.line(l.Text("label.stale", "age", l.Age(age)))
	}
	p.line(r.body)
	p.gap()
	p.line(l.Text("label.as_of", "time", l.DateTime(r.asOf)))
	p.text = append(p.text, chat.Span{Text: " · "}, chat.Span{Text: l.Age(age), At: r.asOf})
	foot := paragraphs{}
	foot.line(l.Text("label.source", "source", r.source+" ("+originOf(l, market.Measured)+")"))
	if missing := venueList(r.missing); missing != "" {
		foot.line(l.Text("label.venues_missing", "venues", missing))
	}
	foot.line(l.Text("figures.reported"))
	p.line(italic(foot.text))
	return p.text
}

// missingVenues are the venues that a snapshot knows of and that are not shown.
func missingVenues(s *snapshot.Snapshot, shown []market.Venue) []market.Venue {
	of := s.Map.Provenance()
	all := slices.Concat(of.Venues, of.Missing)
	for _, v := range s.Venues {
		all = append(all, v.Venue)
	}
	var missing []market.Venue
	for _, v := range all {
		if v != "" && !slices.Contains(shown, v) && !slices.Contains(missing, v) {
			missing = append(missing, v)
		}
	}
	return missing
}

// current reports whether a figure is fresh enough to be shown.
func (c *call) current(asOf time.Time) bool { return c.now.Sub(asOf) <= c.opts.RefuseAfter }

// oldest is the earliest of some moments.
func oldest(moments []time.Time) time.Time { return slices.MinFunc(moments, time.Time.Compare) }

// figureButtons refresh a reply and lead to the other figures of the coin.
func (c *call) figureButtons(name string, coin market.Coin) [][]chat.Button {
	l := c.lang
	labels := map[string]string{
		"oi": "figures.button_oi", "funding": "figures.button_funding", "longshort": "figures.button_longshort",
	}
	row := []chat.Button{{Label: l.Say("button.refresh"), Data: press(name, string(coin), "edit")}}
	for _, other := range []string{"oi", "funding", "longshort"} {
		if other != name {
			row = append(row, chat.Button{Label: l.Say(labels[other]), Data: press(other, string(coin), "edit")})
		}
	}
	return [][]chat.Button{row, {
		{Label: l.Say("figures.button_rekt"), Data: press("rekt", string(coin))},
		{Label: l.Say("button.map", "coin", string(coin)), Data: press("liq", string(coin))},
	}}
}

// untold answers that the source does not tell the figures, with the buttons to others.
func (c *call) untold(s *snapshot.Snapshot, name, key string) chat.Reply {
	p := paragraphs{text: c.lang.Text(key, "source", c.opts.Snapshots.Source(), "coin", string(s.Key.Coin))}
	p.mark(c.lang, s.Demo(), s.Price.Provenance.RecordedAt)
	return chat.Reply{Text: p.text, Buttons: c.figureButtons(name, s.Key.Coin), Edit: c.edit}
}
