package handlers

import (
	"context"
	"errors"
	"math"
	"strings"

	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// How a path is cut.
const (
	// mostSteps is into how many steps, leastStep how short one may be as a fraction of
	// the price: levels are not known more precisely.
	mostSteps = 5
	leastStep = 0.005
)

// What replays of recorded markets found, see package backtest: the share of the swept
// intensity that was reported as liquidated, and how many times the liquidations went
// with twice the intensity in moves of the same size.
const (
	realisedShare = 0.01
	twiceTheMass  = 1.3
)

// cascadeMoves are those that the buttons offer.
var cascadeMoves = []float64{-0.1, -0.05, -0.02, 0.02, 0.05, 0.1}

// cascade answers /cascade: what lies on the way from the price to another one.
func cascade(ctx context.Context, c *call) chat.Reply {
	coin, window, words, refusal, ok := c.cascadeWords()
	if !ok {
		return refusal
	}
	s, refusal, ok := c.recent(ctx, snapshot.Key{Coin: coin, Window: window})
	if !ok {
		return refusal
	}
	mark := s.Map.MarkUSD()
	goal, err := parseGoal(strings.Join(words, " "))
	target := 0.0
	if err == nil {
		target, err = goal.price(mark)
	}
	if err == nil {
		target = roundOut(target, mark, goal)
		path, failure := s.Map.Cascade(target, stepsTo(target, mark))
		if err = failure; err == nil {
			return chat.Reply{
				Text:    c.enclosed(s, "cascade", c.wordCascade(s, path)),
				Buttons: c.cascadeButtons(s.Key, goal), Edit: c.edit,
			}
		}
	}
	return c.cascadeRefused(s, target, err)
}

// cascadeWords takes coin and window out of the arguments; what is left says how far.
func (c *call) cascadeWords() (coin market.Coin, window market.Window, rest []string, refusal chat.Reply, ok bool) {
	coin, window = c.defaults()
	var haveCoin, haveWindow bool
	for _, word := range c.args {
		if w, is := parseWindow(word); is && !haveWindow {
			window, haveWindow = w, true
			continue
		}
		_, err := parseGoal(word)
		found, listed := c.coin(word)
		switch {
		case listed && err != nil && !haveCoin:
			coin, haveCoin = found, true
		case err != nil && !haveCoin && looksLikeCoin(word):
			return "", "", nil, c.unknownCoin(word), false
		default:
			rest = append(rest, word)
		}
	}
	return coin, window, rest, chat.Reply{}, true
}

// looksLikeCoin reports whether a word can be no part of a goal.
func looksLikeCoin(word string) bool {
	return !strings.ContainsAny(word, "0123456789") && strings.Trim(minus.Replace(word), "+-%$") != "" && !isDirection(word)
}

// stepsTo is into how many steps the way to a target is cut.
func stepsTo(targetUSD, markUSD float64) int {
	return int(min(max(math.Abs(targetUSD/markUSD-1)/leastStep+1e-9, 1), mostSteps))
}

// roundOut rounds the target of a move outward to the step that is shown, so that the
// sum is the one up to the price that people read. A typed price stays.
func roundOut(targetUSD, markUSD float64, g goal) float64 {
	if g.usd > 0 {
		return targetUSD
	}
	scale := math.Pow10(-market.LevelExponent(targetUSD))
	rounded := math.Ceil(targetUSD*scale-1e-6) / scale
	if targetUSD < markUSD {
		rounded = math.Floor(targetUSD*scale+1e-6) / scale
	}
	if !market.Positive(rounded) {
		return targetUSD
	}
	return rounded
}

// wordCascade words the path, and what of it may be said.
func (c *call) wordCascade(s *snapshot.Snapshot, path []liquidation.CascadeStep) chat.Text {
	l, end := c.lang, path[len(path)-1]
	side, some, none := market.Short, "cascade.up", "cascade.up_none"
	if end.Distance < 0 {
		side, some, none = market.Long, "cascade.down", "cascade.down_none"
	}
	var p paragraphs
	p.line(priceLine(l, s))
	p.line(c.cascadeTo(end))
	p.gap()
	if end.CumulativeUSD == 0 {
		p.line(l.Text(none))
	} else {
		p.line(l.Text(some, "amount", l.Amount(end.CumulativeUSD)))
		p.gap()
		c.cascadeSteps(&p, path)
		if zone, ok := densest(s.Map, side, end); ok {
			p.line(l.Text("cascade.zone", "zone", zoneOf(l, zone), "amount", l.Amount(zone.IntensityUSD)))
		}
	}
	p.gap()
	p.line(l.Text("cascade.scenario"))
	share, times := l.WholePercent(realisedShare), l.ShortTimes(twiceTheMass)
	if s.Map.Provenance().Origin == market.Estimate && !s.Demo() {
		p.line(l.Text("cascade.realised", "share", share, "times", times))
	} else {
		p.line(l.Text("cascade.vendor", "source", s.Map.Provenance().Source, "share", share, "times", times))
	}
	return p.text
}

// cascadeTo says where the path ends.
func (c *call) cascadeTo(end liquidation.CascadeStep) chat.Text {
	key := "cascade.rise"
	if end.Distance < 0 {
		key = "cascade.fall"
	}
	return c.lang.Text(key, "price", c.lang.TypedPrice(end.PriceUSD), "distance", c.lang.SignedPercent(end.Distance))
}

func (c *call) cascadeSteps(p *paragraphs, path []liquidation.CascadeStep) {
	l := c.lang
	p.line(l.Text("cascade.steps"))
	for i, step := range path {
		price := l.Level(step.PriceUSD)
		if i == len(path)-1 { // as it was typed
			price = l.TypedPrice(step.PriceUSD)
		}
		amount := func(usd float64) string {
			if usd == 0 {
				return l.Say("figures.none")
			}
			return l.Amount(usd)
		}
		p.line(l.Text("cascade.step", "price", price, "distance", l.SignedPercent(step.Distance),
			"amount", amount(step.IntensityUSD), "sum", amount(step.CumulativeUSD)))
	}
}

// densest is the strongest cluster that lies on the way as a whole.
func densest(m *liquidation.Map, side market.Side, end liquidation.CascadeStep) (liquidation.Cluster, bool) {
	clusters := m.Clusters(side, math.Abs(end.Distance))
	if len(clusters) == 0 {
		return liquidation.Cluster{}, false
	}
	return clusters[0], true
}

// cascadeButtons offer other moves, and lead to the map.
func (c *call) cascadeButtons(key snapshot.Key, g goal) [][]chat.Button {
	l, coin, window := c.lang, string(key.Coin), string(key.Window)
	var rows [][]chat.Button
	for i, move := range cascadeMoves {
		if i%3 == 0 {
			rows = append(rows, nil)
		}
		last := len(rows) - 1
		rows[last] = append(rows[last], chat.Button{
			Label: signed(l, move), Data: press("cascade", coin, typedMove(move), window, "edit"),
			Active: g.usd == 0 && math.Abs(g.move-move) < 1e-9,
		})
	}
	return append(rows, append([]chat.Button{
		{Label: l.Say("button.map", "coin", coin), Data: press("liq", coin, window)},
		{Label: l.Say("button.levels"), Data: press("levels", coin, window)},
	}, c.heatButton(key)...))
}

// signed writes a move without needless zeros: "+5%".
func signed(l *locales.Language, move float64) string {
	if move > 0 {
		return "+" + l.ShortPercent(move)
	}
	return l.ShortPercent(move)
}

// cascadeRefused answers a target that cannot be, with examples that work on this map.
func (c *call) cascadeRefused(s *snapshot.Snapshot, target float64, err error) chat.Reply {
	l, mark := c.lang, s.Map.MarkUSD()
	low, below := s.Map.Farthest(market.Long)
	high, above := s.Map.Farthest(market.Short)
	down, up := exampleMove(low/mark-1, below, -1), exampleMove(high/mark-1, above, 1)
	price := target
	if _, bad := s.Map.Cascade(target, 1); bad != nil {
		price = roundOut(mark*(1+down), mark, goal{})
	}
	args := []string{"coin", string(s.Key.Coin), "mark", l.Price(mark), "down", typedMove(down), "up", typedMove(up), "price", typedPrice(price)}
	key := "cascade.usage"
	switch beyond := errors.Is(err, liquidation.ErrBeyond); {
	case errors.Is(err, liquidation.ErrAtMark):
		key = "cascade.here"
	case errors.Is(err, errGoalSide):
		key = "cascade.side"
	case beyond && target < mark && !below:
		key = "cascade.empty_down"
	case beyond && target > mark && !above:
		key = "cascade.empty_up"
	case beyond && target < mark:
		key, args = "cascade.beyond_down", append(args, "edge", l.Level(low))
	case beyond:
		key, args = "cascade.beyond_up", append(args, "edge", l.Level(high))
	}
	reply := c.fail(key, args...)
	var row []chat.Button
	for _, move := range []float64{down, up} {
		if _, bad := s.Map.Cascade(roundOut(mark*(1+move), mark, goal{}), 1); bad == nil {
			row = append(row, chat.Button{Label: signed(l, move), Data: press("cascade", string(s.Key.Coin), typedMove(move), string(s.Key.Window))})
		}
	}
	reply.Buttons = trimmed([][]chat.Button{row})
	return reply
}

// exampleMove is a move that stays on the map: 5 %, or less when the side has levels and
// they end before.
func exampleMove(edge float64, has bool, sign float64) float64 {
	const usual, inside = 0.05, 0.9
	reach := inside * math.Abs(edge)
	if !has || reach >= usual || reach == 0 {
		return sign * usual
	}
	digit := math.Pow10(int(math.Floor(math.Log10(reach))))
	return sign * math.Floor(reach/digit) * digit
}
