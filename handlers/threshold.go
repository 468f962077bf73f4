package handlers

import (
	"context"
	"strconv"
	"strings"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
)

// leastThreshold is less than any threshold that makes a difference, in USD: below it a
// unit was left out.
const leastThreshold = 1000

// threshold answers /threshold: how much intensity must lie behind a level for its
// breakout to be worth an alert in this chat.
func threshold(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	coin, words, refusal, ok := c.leadingCoin()
	if !ok {
		return refusal
	}
	if len(words) > 0 && ruleWord(words[0]) != "" {
		if ruleWord(words[0]) != alert.Breakout {
			return c.fail("error.threshold_rule")
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return c.thresholds(ctx, s, coin)
	}
	usd := 0.0
	if len(words) > 1 || !offWord(words[0]) {
		var err error
		if usd, err = locales.ParseAmount(strings.Join(words, " ")); err != nil {
			return c.fail("error.threshold_amount")
		}
		if usd < leastThreshold {
			return c.fail("error.threshold_small", "amount", c.lang.Amount(usd))
		}
	}
	return c.setThreshold(ctx, s, coin, usd)
}

func (c *call) setThreshold(ctx context.Context, s subject, coin market.Coin, usd float64) chat.Reply {
	if ok, refusal := c.mayChangeIn(ctx, s); !ok {
		return refusal
	}
	before, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	was := before.Threshold(alert.Breakout, coin)
	entry := c.entry("threshold", "coin", string(coin), "rule", string(alert.Breakout), "from", number(was), "to", number(usd))
	a, refusal, ok := c.changeAlerts(ctx, s, entry, func(a *alert.Chat) error {
		a.SetThreshold(alert.Breakout, coin, usd)
		return nil
	})
	if !ok {
		return refusal
	}
	l := c.lang
	var p paragraphs
	if usd > 0 {
		p.line(l.Text("threshold.set", "coin", string(coin), "amount", l.Amount(usd)))
	} else {
		p.line(l.Text("threshold.any", "coin", string(coin)))
	}
	c.afterThreshold(&p, coin, a)
	return c.told(s, chat.Reply{Text: p.text, Buttons: c.thresholdButtons(s, coin, usd), Edit: c.edit})
}

// afterThreshold says what a threshold means now.
func (c *call) afterThreshold(p *paragraphs, coin market.Coin, a alert.Chat) {
	subscribed := false
	for _, sub := range a.Subscriptions {
		subscribed = subscribed || sub.Coin == coin
	}
	if !subscribed {
		p.line(c.lang.Text("threshold.not_subscribed", "coin", lower(coin)))
	}
	p.gap()
	p.line(c.nearestLevels(coin))
}

// thresholds shows what is set, and how to set it.
func (c *call) thresholds(ctx context.Context, s subject, coin market.Coin) chat.Reply {
	a, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	l := c.lang
	var p paragraphs
	usd := a.Threshold(alert.Breakout, coin)
	if usd > 0 {
		p.line(l.Text("threshold.current", "coin", string(coin), "amount", l.Amount(usd)))
	} else {
		p.line(l.Text("threshold.current_any", "coin", string(coin)))
	}
	p.line(l.Text("threshold.usage"))
	c.afterThreshold(&p, coin, a)
	return c.told(s, chat.Reply{Text: p.text, Buttons: c.thresholdButtons(s, coin, usd)})
}

// offered are the thresholds that buttons offer, in USD and as they are typed.
var offered = []struct {
	usd   float64
	typed string
}{{0, "off"}, {500e6, "500M"}, {1e9, "1B"}, {2e9, "2B"}}

func (c *call) thresholdButtons(s subject, coin market.Coin, now float64) [][]chat.Button {
	l := c.lang
	var row []chat.Button
	for _, o := range offered {
		label := l.Say("button.any")
		if o.usd > 0 {
			label = l.Amount(o.usd)
		}
		row = append(row, chat.Button{
			Label: label, Active: o.usd == now,
			Data: c.pressFor(s, "threshold", string(coin), string(alert.Breakout), o.typed, "edit"),
		})
	}
	return trimmed([][]chat.Button{row})
}

// number writes a number for the chat's log.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
