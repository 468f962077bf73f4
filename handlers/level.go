package handlers

import (
	"context"
	"slices"
	"strings"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// farthest is how many times the price a level may be, or a part of it: beyond, it
// was meant for another coin or has a zero too many.
const farthest = 20

// level answers /alert: the chat is told once when the price reaches a level.
func level(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if s.mute {
		return c.fail("error.place_cannot_post")
	}
	coin, words, refusal, ok := c.leadingCoin()
	if !ok {
		return refusal
	}
	if len(words) == 0 {
		return c.fail("error.level_usage")
	}
	usd, err := locales.ParseAmount(strings.Join(words, " "))
	if err != nil {
		return c.fail("error.level_amount")
	}
	snap, refusal, ok := c.fresh(ctx, coin)
	if !ok {
		return refusal
	}
	l, price := c.lang, snap.Price.USD
	switch {
	case usd > price*farthest || usd < price/farthest:
		return c.fail("error.level_far", "coin", string(coin), "price", l.Price(price))
	case usd == price:
		return c.fail("error.level_here", "coin", string(coin), "price", l.Price(price))
	}
	wanted := alert.Level{Coin: coin, USD: usd, Rising: usd > price, Thread: s.target.Thread, Since: c.now}
	_, refusal, ok = c.changeAlerts(ctx, s, c.entry("level", "coin", string(coin), "usd", number(usd)), func(a *alert.Chat) error {
		same := func(have alert.Level) bool {
			return have.Coin == coin && have.USD == usd && have.Rising == wanted.Rising && have.Thread == wanted.Thread
		}
		if !slices.ContainsFunc(a.Levels, same) {
			a.Levels = append(a.Levels, wanted)
		}
		return nil
	})
	if !ok {
		return refusal
	}
	return chat.Reply{Text: c.levelSet(snap, wanted), Buttons: trimmed([][]chat.Button{{
		{Label: l.Say("button.alerts"), Data: c.pressFor(s, "alerts")},
		{Label: l.Say("button.map", "coin", string(coin)), Data: press("liq", string(coin))},
	}})}
}

func (c *call) levelSet(snap *snapshot.Snapshot, wanted alert.Level) chat.Text {
	l, key := c.lang, "level.falls"
	if wanted.Rising {
		key = "level.rises"
	}
	var p paragraphs
	p.line(l.Text(key, "coin", string(wanted.Coin), "price", l.TypedPrice(wanted.USD),
		"distance", l.SignedPercent(wanted.USD/snap.Price.USD-1)))
	if snap.Demo() {
		p.line(l.Text("label.demo"))
	}
	p.line(l.Text("subscribe.now", "price", l.Price(snap.Price.USD), "age", l.Age(snap.Age(c.now))))
	return p.text
}

// leadingCoin reads a coin that may stand before other words, and returns those.
func (c *call) leadingCoin() (coin market.Coin, rest []string, refusal chat.Reply, ok bool) {
	coin, _ = c.defaults()
	if len(c.args) == 0 {
		return coin, nil, chat.Reply{}, true
	}
	word := c.args[0]
	if found, listed := c.coin(word); listed {
		return found, c.args[1:], chat.Reply{}, true
	}
	_, err := locales.ParseAmount(word)
	if err == nil || ruleWord(word) != "" || offWord(word) || strings.IndexAny(word, "-−+.,") == 0 {
		return coin, c.args, chat.Reply{}, true
	}
	return "", nil, c.unknownCoin(word), false
}

// fresh is a coin's snapshot that is fresh enough to measure distances by. The reply
// is the refusal.
func (c *call) fresh(ctx context.Context, coin market.Coin) (*snapshot.Snapshot, chat.Reply, bool) {
	key := snapshot.Key{Coin: coin, Window: alertWindow}
	s := c.opts.Snapshots.Get(key)
	if s == nil {
		if _, listed := c.coin(string(coin)); !listed {
			return nil, c.unknownCoin(string(coin)), false
		}
		var err error
		if s, err = c.cold(ctx, key); err != nil {
			return nil, c.trouble(err, coin), false
		}
	}
	if age := s.Age(c.now); age > c.opts.StaleAfter {
		return nil, c.fail("error.too_old", "coin", string(coin), "age", c.lang.Age(age), "limit", c.lang.Span(c.opts.StaleAfter)), false
	}
	return s, chat.Reply{}, true
}
