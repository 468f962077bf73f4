package handlers

import (
	"context"

	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// shownClusters is how many dense zones of a side /levels lists.
const shownClusters = 4

// levels answers /levels: the densest zones above and below, as text.
func levels(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.snapshot(ctx)
	if !ok {
		return refusal
	}
	buttons := windowButtons(c.lang, "levels", s.Key, true)
	buttons[1] = append(buttons[1], chat.Button{
		Label: c.lang.Say("button.map", "coin", string(s.Key.Coin)),
		Data:  press("liq", string(s.Key.Coin), string(s.Key.Window)),
	})
	return chat.Reply{
		Text:    c.framed(s, "levels", wordLevels),
		Buttons: buttons,
		Edit:    c.edit,
	}
}

func wordLevels(c *call, s *snapshot.Snapshot) chat.Text {
	var p paragraphs
	p.line(priceLine(c.lang, s))
	p.gap()
	p.line(c.lang.Text("levels.above"))
	c.zones(&p, s, s.Summary.ClustersAbove, s.Summary.Above)
	p.gap()
	p.line(c.lang.Text("levels.below"))
	c.zones(&p, s, s.Summary.ClustersBelow, s.Summary.Below)
	return p.text
}

// zones lists clusters, the strongest first, and then the key level.
func (c *call) zones(p *paragraphs, s *snapshot.Snapshot, clusters []liquidation.Cluster, key *liquidation.KeyLevel) {
	l := c.lang
	if len(clusters) == 0 || key == nil {
		p.line(l.Text("levels.none", "band", l.ShortPercent(s.Summary.KeyLevelBand)))
		return
	}
	for _, cluster := range clusters[:min(len(clusters), shownClusters)] {
		p.line(zoneLine(l, cluster))
	}
	p.line(l.Text("levels.key", "price", l.Level(key.PriceUSD), "amount", l.Amount(key.IntensityUSD)))
}

func zoneLine(l *locales.Language, c liquidation.Cluster) chat.Text {
	return l.Text("levels.line",
		"zone", zoneOf(l, c),
		"distance", l.SignedPercent(c.Distance),
		"move", l.Move(c.DistanceUSD, c.FromUSD),
		"amount", l.Amount(c.IntensityUSD))
}

// zoneOf writes a zone from its lower to its upper edge.
func zoneOf(l *locales.Language, c liquidation.Cluster) string {
	from, to := c.FromUSD, c.ToUSD
	if c.Side == market.Long {
		from, to = to, from
	}
	zone := l.Level(from)
	if upper := l.Level(to); upper != zone {
		zone += " – " + upper
	}
	return zone
}
