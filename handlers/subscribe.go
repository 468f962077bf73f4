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

// subscribe answers /subscribe: from now on the chat hears of a coin's breakouts.
func subscribe(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if s.mute {
		return c.cannotPost(s)
	}
	coin, refusal, ok := c.coinArg()
	if !ok {
		return refusal
	}
	if _, listed := c.coin(string(coin)); !listed {
		return c.unknownCoin(string(coin))
	}
	again := false
	a, refusal, ok := c.changeAlerts(ctx, s, c.entry("subscribe", "coin", string(coin)), func(a *alert.Chat) error {
		at := slices.IndexFunc(a.Subscriptions, func(sub alert.Subscription) bool {
			return sub.Rule == alert.Breakout && sub.Coin == coin && sub.Thread == s.target.Thread
		})
		if again = at >= 0; again {
			a.Subscriptions[at].Paused, a.Subscriptions[at].Barred = false, false
			return nil
		}
		a.Subscriptions = append(a.Subscriptions, alert.Subscription{
			Rule: alert.Breakout, Coin: coin, Thread: s.target.Thread, Since: c.now,
		})
		return nil
	})
	if !ok {
		return refusal
	}
	return c.told(s, chat.Reply{
		Text:    c.subscribed(coin, a, again),
		Buttons: c.subscribedButtons(s, coin),
		Edit:    c.edit,
	})
}

// subscribed words what the chat will hear of, and where the market stands.
func (c *call) subscribed(coin market.Coin, a alert.Chat, again bool) chat.Text {
	l, key := c.lang, "subscribe.done"
	if again {
		key = "subscribe.again"
	}
	var p paragraphs
	p.line(l.Text(key, "coin", string(coin)))
	p.line(l.Text("subscribe.means", "hold", l.Span(c.opts.Hold)))
	if usd := a.Threshold(alert.Breakout, coin); usd > 0 {
		p.line(l.Text("subscribe.threshold", "amount", l.Amount(usd)))
	} else {
		p.line(l.Text("subscribe.any", "coin", lower(coin)))
	}
	c.sayMuted(&p, a)
	p.gap()
	p.line(c.nearestLevels(coin))
	return p.text
}

// nearestLevels words the key levels as they are now, with what marks the data, its
// source and its age; or that nothing fresh is known.
func (c *call) nearestLevels(coin market.Coin) chat.Text {
	l, snap := c.lang, c.peek(coin, alertWindow)
	if snap == nil || snap.Age(c.now) > c.opts.StaleAfter {
		return l.Text("subscribe.no_data", "coin", string(coin))
	}
	var p paragraphs
	p.mark(l, snap.Demo(), snap.Price.Provenance.RecordedAt)
	p.line(l.Text("subscribe.now", "price", l.Price(snap.Price.USD), "age", l.Age(snap.Age(c.now))))
	keyLevels(&p, l, snap)
	provenance := snap.Map.Provenance()
	p.line(l.Text("label.source", "source", provenance.Source+" ("+originOf(l, provenance.Origin)+")"))
	return p.text
}

// keyLevels are the key levels of both sides, a line each.
func keyLevels(p *paragraphs, l *locales.Language, snap *snapshot.Snapshot) {
	if k := snap.Summary.Above; k != nil {
		p.line(l.Text("subscribe.above", "price", l.Level(k.PriceUSD), "distance", l.SignedPercent(k.Distance), "amount", l.Amount(k.IntensityUSD)))
	}
	if k := snap.Summary.Below; k != nil {
		p.line(l.Text("subscribe.below", "price", l.Level(k.PriceUSD), "distance", l.SignedPercent(k.Distance), "amount", l.Amount(k.IntensityUSD)))
	}
}

func (c *call) subscribedButtons(s subject, coin market.Coin) [][]chat.Button {
	l := c.lang
	return trimmed([][]chat.Button{{
		{Label: l.Say("button.alerts"), Data: c.pressFor(s, "alerts")},
		{Label: l.Say("button.map", "coin", string(coin)), Data: press("liq", string(coin))},
		{Label: l.Say("button.stop", "coin", string(coin)), Data: c.pressFor(s, "unsubscribe", string(coin))},
	}})
}

// trimmed leaves out buttons that do nothing and rows that are empty.
func trimmed(rows [][]chat.Button) [][]chat.Button {
	var out [][]chat.Button
	for _, row := range rows {
		row = slices.DeleteFunc(row, func(b chat.Button) bool { return b.Data == "" })
		if len(row) > 0 {
			out = append(out, row)
		}
	}
	return out
}

// unsubscribe answers /unsubscribe: the chat hears no more of a coin, or of any.
func unsubscribe(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if ok, refusal := c.mayChangeIn(ctx, s); !ok {
		return refusal
	}
	a, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	switch {
	case len(c.args) == 1 && allWord(c.args[0]):
		return c.dropAll(ctx, s, a)
	case len(c.args) == 0 && len(coinsOf(a)) != 1:
		return c.whichToDrop(s, a)
	case len(c.args) == 0:
		return c.drop(ctx, s, coinsOf(a)[0])
	}
	coin, refusal, ok := c.coinArg()
	own, had := ownCoin(c.args[0], a)
	switch {
	case !ok && had:
		return c.drop(ctx, s, own)
	case !ok:
		return refusal
	case !slices.Contains(coinsOf(a), coin) && c.Press == "":
		return c.whichToDrop(s, a)
	default: // also for a button under the last alert on a price: there is nothing more
		return c.drop(ctx, s, coin)
	}
}

// ownCoin is the coin that a word names among those that a chat has asked for, of which
// some may not be listed any more.
func ownCoin(word string, a alert.Chat) (market.Coin, bool) {
	coin := market.Coin(strings.ToUpper(word))
	return coin, slices.Contains(coinsOf(a), coin)
}

func allWord(word string) bool {
	return slices.Contains([]string{"all", "everything", "*", "все", "всё", "全部", "所有"}, strings.ToLower(word))
}

// coinsOf lists the coins that a chat has asked for, each once.
func coinsOf(a alert.Chat) []market.Coin {
	var coins []market.Coin
	add := func(coin market.Coin) {
		if !slices.Contains(coins, coin) {
			coins = append(coins, coin)
		}
	}
	for _, sub := range a.Subscriptions {
		add(sub.Coin)
	}
	for _, level := range a.Levels {
		add(level.Coin)
	}
	return coins
}

// drop ends a coin's alerts: those of this topic or, where it has none, all of the
// chat's.
func (c *call) drop(ctx context.Context, s subject, coin market.Coin) chat.Reply {
	_, refusal, ok := c.changeAlerts(ctx, s, c.entry("unsubscribe", "coin", string(coin)), func(a *alert.Chat) error {
		here := func(thread string) bool { return thread == s.target.Thread }
		if !slices.ContainsFunc(a.Subscriptions, func(sub alert.Subscription) bool { return sub.Coin == coin && here(sub.Thread) }) &&
			!slices.ContainsFunc(a.Levels, func(level alert.Level) bool { return level.Coin == coin && here(level.Thread) }) {
			here = func(string) bool { return true }
		}
		a.Subscriptions = slices.DeleteFunc(a.Subscriptions, func(sub alert.Subscription) bool { return sub.Coin == coin && here(sub.Thread) })
		a.Levels = slices.DeleteFunc(a.Levels, func(level alert.Level) bool { return level.Coin == coin && here(level.Thread) })
		return nil
	})
	if !ok {
		return refusal
	}
	return c.told(s, chat.Reply{
		Text:    c.lang.Text("unsubscribe.done", "coin", string(coin)),
		Buttons: trimmed([][]chat.Button{{{Label: c.lang.Say("button.subscribe", "coin", string(coin)), Data: c.pressFor(s, "subscribe", string(coin))}}}),
	})
}

func (c *call) dropAll(ctx context.Context, s subject, a alert.Chat) chat.Reply {
	if len(coinsOf(a)) == 0 {
		return c.whichToDrop(s, a)
	}
	_, refusal, ok := c.changeAlerts(ctx, s, c.entry("unsubscribe_all"), func(a *alert.Chat) error {
		a.Subscriptions, a.Levels = nil, nil
		return nil
	})
	if !ok {
		return refusal
	}
	return c.told(s, chat.Reply{Text: c.lang.Text("unsubscribe.all")})
}

// whichToDrop asks which alerts are meant.
func (c *call) whichToDrop(s subject, a alert.Chat) chat.Reply {
	coins := coinsOf(a)
	if len(coins) == 0 {
		return c.told(s, chat.Reply{Text: c.lang.Text("alerts.none"), Buttons: c.offerSubscription(s), Private: true})
	}
	var row []chat.Button
	for _, coin := range coins[:min(len(coins), rowCoins)] {
		row = append(row, chat.Button{Label: c.lang.Say("button.stop", "coin", string(coin)), Data: c.pressFor(s, "unsubscribe", string(coin))})
	}
	all := chat.Button{Label: c.lang.Say("button.stop_all"), Data: c.pressFor(s, "unsubscribe", "all")}
	return c.told(s, chat.Reply{
		Text:    c.lang.Text("unsubscribe.which", "coins", coinList(coins)),
		Buttons: trimmed([][]chat.Button{row, {all}}),
	})
}

// offerSubscription are buttons for a chat that has asked for nothing.
func (c *call) offerSubscription(s subject) [][]chat.Button {
	var row []chat.Button
	for _, coin := range firstCoins(c.opts.Snapshots.Coins(), 3) {
		row = append(row, subscribeButton(c.lang, coin, c.pressFor(s, "subscribe", string(coin))))
	}
	return trimmed([][]chat.Button{row})
}

func subscribeButton(l *locales.Language, coin market.Coin, data string) chat.Button {
	return chat.Button{Label: l.Say("button.subscribe", "coin", string(coin)), Data: data}
}
