package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// farthest is how many times the price a level may be, or a part of it: beyond, it
// was meant for another coin or has a zero too many.
const farthest = 20

// level answers /alert: the chat is told when the price reaches a level, once or each time,
// for ever or until a moment.
func level(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if s.mute {
		return c.cannotPost(s)
	}
	coin, words, refusal, ok := c.leadingCoin()
	if !ok {
		return refusal
	}
	if len(words) == 0 {
		return c.fail("error.level_usage")
	}
	if last := len(words) - 1; offWord(words[last]) && words[last] != "0" {
		return c.dropLevels(ctx, s, coin, words[:last])
	}
	words, repeat, until, refusal, ok := c.levelTerms(words)
	if !ok {
		return refusal
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
	wanted := alert.Level{Coin: coin, USD: usd, Rising: usd > price, Thread: s.target.Thread, Since: c.now, Repeat: repeat, Until: until}
	_, refusal, ok = c.changeAlerts(ctx, s, c.entry("level", "coin", string(coin), "usd", number(usd)), func(a *alert.Chat) error {
		same := func(have alert.Level) bool {
			return have.Coin == coin && have.USD == usd && have.Rising == wanted.Rising && have.Thread == wanted.Thread
		}
		if at := slices.IndexFunc(a.Levels, same); at >= 0 {
			a.Levels[at].Repeat, a.Levels[at].Until = repeat, until
			return nil
		}
		a.Levels = append(a.Levels, wanted)
		return nil
	})
	if !ok {
		return refusal
	}
	return c.told(s, chat.Reply{Text: c.levelSet(snap, wanted), Buttons: trimmed([][]chat.Button{{
		{Label: l.Say("button.alerts"), Data: c.pressFor(s, "alerts")},
		{Label: l.Say("button.map", "coin", string(coin)), Data: press("liq", string(coin))},
	}})})
}

var (
	repeatWords = []string{"repeat", "repeating", "each", "always", "повтор", "повторять", "каждый", "重复", "每次"}
	onceWords   = []string{"once", "один", "однажды", "раз", "一次"}
	untilWords  = []string{"until", "till", "til", "for", "до", "直到", "至"}
)

// levelTerms takes what stands behind a price: "repeat", "until friday". The reply is the
// refusal.
func (c *call) levelTerms(words []string) (rest []string, repeat bool, until time.Time, refusal chat.Reply, ok bool) {
	words = splitUntil(words)
	if at := slices.IndexFunc(words, func(w string) bool { return slices.Contains(untilWords, strings.ToLower(w)) }); at >= 0 {
		moment, _ := takeWord(words[at+1:], slices.Concat(repeatWords, onceWords))
		var err error
		until, err = parseMoment(moment, c.now.In(c.lang.Zone()))
		switch {
		case errors.Is(err, errPast):
			return nil, false, until, c.fail("error.past"), false
		case err != nil:
			return nil, false, until, c.fail("error.until"), false
		}
		_, repeat = takeWord(words[at+1:], repeatWords)
		words = words[:at]
	}
	words, again := takeWord(words, repeatWords)
	words, _ = takeWord(words, onceWords)
	return words, repeat || again, until, chat.Reply{}, true
}

// splitUntil separates "直到周五", which is written without a space.
func splitUntil(words []string) []string {
	var out []string
	for _, w := range words {
		if rest, ok := strings.CutPrefix(w, "直到"); ok && rest != "" {
			out = append(out, "直到", rest)
			continue
		}
		out = append(out, w)
	}
	return out
}

// dropLevels drops the level at a price, or all of a coin.
func (c *call) dropLevels(ctx context.Context, s subject, coin market.Coin, price []string) chat.Reply {
	usd := 0.0
	if len(price) > 0 {
		var err error
		if usd, err = locales.ParseAmount(strings.Join(price, " ")); err != nil {
			return c.fail("error.level_amount")
		}
	}
	a, refusal, ok := c.changeAlerts(ctx, s, c.entry("level_drop"), func(a *alert.Chat) error {
		a.Levels = slices.DeleteFunc(a.Levels, func(have alert.Level) bool { return have.Coin == coin && (usd == 0 || have.USD == usd) })
		return nil
	})
	if !ok {
		return refusal
	}
	return c.listed(ctx, s, a)
}

func (c *call) levelSet(snap *snapshot.Snapshot, wanted alert.Level) chat.Text {
	l, key := c.lang, "level.falls"
	if wanted.Rising {
		key = "level.rises"
	}
	var p paragraphs
	p.line(l.Text(key, "coin", string(wanted.Coin), "price", l.TypedPrice(wanted.USD),
		"distance", l.SignedPercent(wanted.USD/snap.Price.USD-1)))
	often := "level.told_once"
	if wanted.Repeat {
		often = "level.told_each_time"
	}
	p.line(l.Text(often))
	if !wanted.Until.IsZero() {
		p.line(l.Text("level.told_until", "time", l.DateTime(wanted.Until)))
	}
	p.mark(l, snap.Demo(), snap.Price.Provenance.RecordedAt)
	p.line(l.Text("level.now", "price", l.Price(snap.Price.USD), "age", l.Age(snap.Age(c.now)), "source", snap.Price.Provenance.Source))
	return p.text
}

// leadingCoin reads a coin that may stand before other words, and returns those.
func (c *call) leadingCoin() (coin market.Coin, rest []string, refusal chat.Reply, ok bool) {
	coin, _ = c.defaults()
	if len(c.args) == 0 {
		return coin, nil, chat.Reply{}, true
	}
	if last := len(c.args) - 1; last > 0 { // "94681 btc"
		if _, err := locales.ParseAmount(c.args[0]); err == nil {
			if found, listed := c.coin(c.args[last]); listed {
				return found, c.args[:last], chat.Reply{}, true
			}
		}
	}
	word := c.args[0]
	if found, listed := c.coin(word); listed {
		return found, c.args[1:], chat.Reply{}, true
	}
	_, err := locales.ParseAmount(word)
	if err == nil || ruleWord(word) != "" || offWord(word) || everyWord(word) || strings.IndexAny(word, "-−+.,") == 0 {
		return coin, c.args, chat.Reply{}, true
	}
	return "", nil, c.unknownCoin(word), false
}

// fresh is a coin's snapshot that is fresh enough to measure distances by. The reply
// is the refusal.
func (c *call) fresh(ctx context.Context, coin market.Coin) (*snapshot.Snapshot, chat.Reply, bool) {
	s, refusal, ok := c.newest(ctx, snapshot.Key{Coin: coin, Window: alertWindow})
	if !ok {
		return nil, refusal, false
	}
	if age := s.Age(c.now); age > c.opts.StaleAfter {
		return nil, c.fail("error.not_fresh", "coin", string(coin), "age", c.lang.Age(age)), false
	}
	return s, chat.Reply{}, true
}
