package handlers

import (
	"context"
	"slices"
	"time"

	"liqbot/chat"
	"liqbot/market"
	"liqbot/snapshot"
)

// etfCoins are the coins that /etf shows when none is named.
func etfCoins() []market.Coin { return []market.Coin{"BTC", "ETH"} }

// etf answers /etf: the net flow into the spot ETFs of a coin, or of the main ones.
func etf(ctx context.Context, c *call) chat.Reply {
	if len(c.args) > 0 {
		s, refusal, ok := c.snapshot(ctx)
		if !ok {
			return refusal
		}
		return c.etfReply([]*snapshot.Snapshot{s})
	}
	_, window := c.defaults()
	listed := c.opts.Snapshots.Coins()
	if len(listed) == 0 {
		return c.trouble(nil, "")
	}
	var found []*snapshot.Snapshot
	refusal := c.fail("etf.unknown", "source", c.opts.Snapshots.Source())
	for _, coin := range etfCoins() {
		if !slices.Contains(listed, coin) {
			continue
		}
		s, why, ok := c.recent(ctx, snapshot.Key{Coin: coin, Window: window})
		if !ok {
			refusal = why
			continue
		}
		found = append(found, s)
	}
	if len(found) == 0 {
		return refusal
	}
	return c.etfReply(found)
}

// etfReply words the flows of the snapshots that have one.
func (c *call) etfReply(all []*snapshot.Snapshot) chat.Reply {
	l := c.lang
	p := paragraphs{}
	var moments []time.Time
	source := ""
	for _, s := range all {
		if s.ETF != nil {
			p.line(etfLine(l, s.Key.Coin, s.ETF))
			moments, source = append(moments, s.ETF.Provenance.AsOf), s.ETF.Provenance.Source
		}
	}
	first := all[0]
	if len(moments) > 0 {
		return chat.Reply{Text: c.enclose(reported{
			snapshot: first, title: l.Text("etf.title"), body: p.text, source: source, asOf: oldest(moments), undated: true,
		}), Edit: c.edit}
	}
	// Of a source that tells no venues apart it is the coin that has no ETF.
	if p.text = l.Text("etf.unknown", "source", c.opts.Snapshots.Source()); len(all) == 1 && first.Venues == nil {
		p.text = l.Text("etf.unknown_coin", "coin", string(first.Key.Coin))
	}
	p.mark(l, first.Demo(), first.Price.Provenance.RecordedAt)
	return chat.Reply{Text: p.text, Edit: c.edit}
}
