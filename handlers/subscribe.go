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

// subscribe answers /subscribe: from now on the chat hears of what rules find on a coin.
func subscribe(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if s.mute {
		return c.cannotPost(s)
	}
	rules, words := takeRules(c.args)
	if slices.ContainsFunc(words, func(w string) bool { return ruleWord(w) == alert.Price }) {
		return c.fail("error.level_usage")
	}
	coin, refusal, ok := c.coinArg(words)
	if !ok {
		return refusal
	}
	if _, listed := c.coin(string(coin)); !listed {
		return c.unknownCoin(string(coin))
	}
	if len(rules) == 0 {
		rules = []alert.Rule{alert.Breakout}
	}
	again := true
	entry := c.entry("subscribe", "coin", string(coin), "rules", ruleList(rules))
	a, refusal, ok := c.changeAlerts(ctx, s, entry, func(a *alert.Chat) error {
		for _, rule := range rules {
			again = addSubscription(a, alert.Subscription{Rule: rule, Coin: coin, Thread: s.target.Thread, Since: c.now}) && again
		}
		return nil
	})
	if !ok {
		return refusal
	}
	reply := chat.Reply{Text: c.subscribed(s, coin, rules, a, again), Buttons: c.subscribedButtons(s, coin), Edit: c.edit}
	if menu := c.moreRules(s, coin, a); len(menu.Choices) > 0 && menu.Data != "" {
		reply.Menus = []chat.Menu{menu}
	}
	return c.told(s, reply)
}

// ruleList writes rules for the chat's log.
func ruleList(rules []alert.Rule) string {
	var names []string
	for _, r := range rules {
		names = append(names, string(r))
	}
	return strings.Join(names, ",")
}

// addSubscription adds a subscription, or takes it up again, and reports whether it was
// there.
func addSubscription(a *alert.Chat, sub alert.Subscription) (again bool) {
	at := slices.IndexFunc(a.Subscriptions, func(have alert.Subscription) bool {
		return have.Rule == sub.Rule && have.Coin == sub.Coin && have.Thread == sub.Thread
	})
	if at >= 0 {
		a.Subscriptions[at].Paused, a.Subscriptions[at].Barred = false, false
		return true
	}
	a.Subscriptions = append(a.Subscriptions, sub)
	return false
}

// moreRules offers the rules that the chat does not hear of.
func (c *call) moreRules(s subject, coin market.Coin, a alert.Chat) chat.Menu {
	if s.name != "" { // the place would stand before the choice
		return chat.Menu{}
	}
	menu := chat.Menu{Data: press("subscribe", string(coin)), Label: c.lang.Say("subscribe.more")}
	have := rulesOf(a, coin, s.target.Thread)
	for _, rule := range alert.Rules() {
		if !slices.Contains(have, rule) {
			menu.Choices = append(menu.Choices, chat.MenuChoice{Label: ruleName(c.lang, rule), Value: string(rule)})
		}
	}
	return menu
}

// subscribed words what the chat will hear of, and where the market stands.
func (c *call) subscribed(s subject, coin market.Coin, rules []alert.Rule, a alert.Chat, again bool) chat.Text {
	l, key := c.lang, "subscribe.done"
	if again {
		key = "subscribe.again"
	}
	var p paragraphs
	p.line(l.Text(key, "coin", string(coin), "rules", ruleNames(l, rules)))
	for _, rule := range rules[:min(len(rules), 3)] {
		p.line(l.Text("rule."+string(rule)+"_means", "hold", l.Span(c.opts.Hold)))
	}
	for _, rule := range rules {
		if v := a.Threshold(rule, coin); v > 0 {
			p.line(l.Text("threshold.set", "coin", string(coin), "rule", ruleName(l, rule), "least", least(l, rule, v)))
		}
	}
	if a.Threshold(rules[0], coin) == 0 {
		p.line(l.Text("subscribe.usual", "coin", lower(coin), "rule", string(rules[0]), "value", exampleOf(rules[0])))
	}
	if all := rulesOf(a, coin, s.target.Thread); len(all) > len(rules) {
		p.line(l.Text("subscribe.all", "coin", string(coin), "rules", ruleNames(l, all)))
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
		return c.drop(ctx, s, coinsOf(a)[0], nil)
	}
	rules, words := takeRules(c.args)
	coin, refusal, ok := c.coinArg(words)
	switch own, had := ownCoin(strings.Join(words, ""), a); {
	case !ok && had:
		return c.drop(ctx, s, own, rules)
	case !ok:
		return refusal
	case !slices.Contains(coinsOf(a), coin) && c.Press == "":
		return c.whichToDrop(s, a)
	default: // also for a button under the last alert on a price: there is nothing more
		return c.drop(ctx, s, coin, rules)
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

// drop ends a coin's alerts, or those of some rules only: those of this topic or, where it
// has none, all of the chat's.
func (c *call) drop(ctx context.Context, s subject, coin market.Coin, rules []alert.Rule) chat.Reply {
	entry := c.entry("unsubscribe", "coin", string(coin))
	if len(rules) > 0 {
		entry = c.entry("unsubscribe", "coin", string(coin), "rules", ruleList(rules))
	}
	a, refusal, ok := c.changeAlerts(ctx, s, entry, func(a *alert.Chat) error {
		meant := func(sub alert.Subscription) bool {
			return sub.Coin == coin && (len(rules) == 0 || slices.Contains(rules, sub.Rule))
		}
		here := func(thread string) bool { return thread == s.target.Thread }
		if !slices.ContainsFunc(a.Subscriptions, func(sub alert.Subscription) bool { return meant(sub) && here(sub.Thread) }) &&
			!slices.ContainsFunc(a.Levels, func(level alert.Level) bool { return level.Coin == coin && here(level.Thread) }) {
			here = func(string) bool { return true }
		}
		a.Subscriptions = slices.DeleteFunc(a.Subscriptions, func(sub alert.Subscription) bool { return meant(sub) && here(sub.Thread) })
		if len(rules) == 0 {
			a.Levels = slices.DeleteFunc(a.Levels, func(level alert.Level) bool { return level.Coin == coin && here(level.Thread) })
		}
		return nil
	})
	if !ok {
		return refusal
	}
	text := c.lang.Text("unsubscribe.done", "coin", string(coin))
	if left := rulesOf(a, coin, s.target.Thread); len(rules) > 0 {
		text = c.lang.Text("unsubscribe.rules", "coin", string(coin), "rules", ruleNames(c.lang, rules))
		if len(left) > 0 {
			text = slices.Concat(text, chat.Plainly("\n"), c.lang.Text("subscribe.all", "coin", string(coin), "rules", ruleNames(c.lang, left)))
		}
	}
	return c.told(s, chat.Reply{
		Text: text,
		Buttons: trimmed([][]chat.Button{{
			{Label: c.lang.Say("button.subscribe", "coin", string(coin)), Data: c.pressFor(s, "subscribe", string(coin))}, c.undoButton(ctx, s),
		}}),
	})
}

func (c *call) dropAll(ctx context.Context, s subject, a alert.Chat) chat.Reply {
	if len(coinsOf(a)) == 0 {
		return c.whichToDrop(s, a)
	}
	_, refusal, ok := c.changeAlerts(ctx, s, c.entry("unsubscribe_all"), func(a *alert.Chat) error {
		a.Subscriptions, a.Levels, a.Terms.Digest = nil, nil, alert.Digest{}
		return nil
	})
	if !ok {
		return refusal
	}
	return c.told(s, chat.Reply{Text: c.lang.Text("unsubscribe.all"), Buttons: trimmed([][]chat.Button{{c.undoButton(ctx, s)}})})
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
	for _, coin := range c.favourites(3) {
		row = append(row, subscribeButton(c.lang, coin, c.pressFor(s, "subscribe", string(coin))))
	}
	return trimmed([][]chat.Button{row})
}

func subscribeButton(l *locales.Language, coin market.Coin, data string) chat.Button {
	return chat.Button{Label: l.Say("button.subscribe", "coin", string(coin)), Data: data}
}
