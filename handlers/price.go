package handlers

import (
	"context"

	"liqbot/chat"
	"liqbot/snapshot"
)

// price answers /price: the price and what else is known of the coin.
func price(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.snapshot(ctx)
	if !ok {
		return refusal
	}
	coin := string(s.Key.Coin)
	return chat.Reply{
		Text: c.framed(s, "price", wordPrice),
		Buttons: [][]chat.Button{{
			{Label: c.lang.Say("button.refresh"), Data: press("price", coin, "edit")},
			{Label: c.lang.Say("button.map", "coin", coin), Data: press("liq", coin)},
			{Label: c.lang.Say("button.levels"), Data: press("levels", coin)},
		}},
		Edit: c.edit,
	}
}

func wordPrice(c *call, s *snapshot.Snapshot) chat.Text {
	l := c.lang
	var p paragraphs
	p.line(priceLine(l, s))
	if s.Price.HasChange24h {
		p.line(l.Text("price.change", "change", l.SignedPercent(s.Price.Change24h)))
	}
	if r := s.Range; r != nil {
		p.line(l.Text("liq.range", "high", l.Level(r.HighUSD), "low", l.Level(r.LowUSD)))
	}
	if o := s.OpenInterest; o != nil && o.HasChange24h {
		p.line(l.Text("price.open_interest_change", "amount", l.Amount(o.USD), "change", l.SignedPercent(o.Change24h)))
	} else if o != nil {
		p.line(l.Text("price.open_interest", "amount", l.Amount(o.USD)))
	}
	if f := s.Funding; f != nil {
		p.line(l.Text("price.funding", "venue", string(f.Venue), "rate", l.FinePercent(f.Rate), "interval", l.Span(f.Interval)))
	}
	if q := s.Liquidations; q != nil {
		p.line(l.Text("price.liquidations", "span", l.Span(q.Over), "long", l.Amount(q.LongUSD), "short", l.Amount(q.ShortUSD)))
	}
	if s.ETF != nil {
		p.line(etfLine(l, s.Key.Coin, s.ETF))
	}
	return p.text
}
