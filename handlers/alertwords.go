package handlers

import (
	"math"
	"slices"
	"strconv"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// alertTitle says in one line what has happened. To word another rule, add its title here
// and its lines to wordRule.
func alertTitle(l *locales.Language, a *alert.Alert) chat.Text {
	coin := string(a.Coin)
	switch a.Rule {
	case alert.Price:
		return l.Text(sideOf(a, "alert.reached_up", "alert.reached_down"), "coin", coin, "level", l.TypedPrice(a.LevelUSD))
	case alert.Approach:
		return l.Text(sideOf(a, "alert.near_up", "alert.near_down"), "coin", coin, "level", l.Level(a.LevelUSD), "distance", l.SignedPercent(a.LevelUSD/a.PriceUSD-1))
	case alert.Imbalance:
		key := sideOf(a, "alert.short_heavy", "alert.long_heavy")
		if a.Flipped {
			key = sideOf(a, "alert.short_flip", "alert.long_flip")
		}
		return l.Text(key, "coin", coin, "ratio", l.Times(a.Strength))
	case alert.Cascade:
		return l.Text("alert.cascade", "coin", coin, "amount", l.Amount(a.Strength), "span", l.Span(a.Span))
	case alert.Large:
		return l.Text(sideOf(a, "alert.large_short", "alert.large_long"), "coin", coin, "amount", l.Amount(a.Strength), "venue", string(a.Venue))
	case alert.Funding:
		return l.Text(sideOf(a, "alert.funding_up", "alert.funding_down"), "coin", coin, "rate", l.SignedFinePercent(a.Value))
	case alert.OpenInterest:
		return l.Text(sideOf(a, "alert.oi_up", "alert.oi_down"), "coin", coin, "change", l.Percent(a.Strength), "span", l.Span(a.Span))
	case alert.Notice:
		words := a.Words[:chat.Prefix(a.Words, maxNoticeTitle)]
		if words != a.Words {
			words += "…"
		}
		return slices.Concat(l.Text("alert.notice"), chat.Plainly(": "+words))
	case alert.Summary:
		return l.Text("summary.burst", "n", strconv.Itoa(len(a.Items)))
	case alert.Outcome:
		key := sideOf(a, "outcome.up", "outcome.down")
		return l.Text(key, "coin", coin, "level", l.Level(a.LevelUSD), "span", l.Span(a.Span))
	default:
		return l.Text(sideOf(a, "alert.broke_up", "alert.broke_down"), "coin", coin, "level", l.Level(a.LevelUSD))
	}
}

// sideOf chooses by the direction of an alert.
func sideOf(a *alert.Alert, rising, falling string) string {
	if a.Rising {
		return rising
	}
	return falling
}

// maxNoticeTitle is how much of a notice stands in a list of alerts, in UTF-16 units.
const maxNoticeTitle = 300

// pricedAt is the market time of an alert's price.
func pricedAt(a *alert.Alert) time.Time {
	if a.Rule == alert.Large && !a.Crossed.IsZero() {
		return a.Crossed // At is when the order was
	}
	return a.At
}

// wordRule says what a rule found beyond the title.
func wordRule(p *paragraphs, a *alert.Alert, l *locales.Language) {
	switch a.Rule {
	case alert.Breakout:
		wordBreakout(p, a, l)
	case alert.Approach:
		p.gap()
		p.line(l.Text(sideOf(a, "alert.ahead_short", "alert.ahead_long"), "amount", l.Amount(a.Strength)))
	case alert.Imbalance:
		p.gap()
		p.line(l.Text("alert.same_distance"))
	case alert.Cascade:
		p.gap()
		p.line(l.Text(sideOf(a, "alert.mostly_short", "alert.mostly_long")))
		if a.Usual > 0 {
			p.line(l.Text("alert.multiple", "times", l.ShortTimes(math.Round(10*a.Strength/a.Usual)/10), "usual", l.Amount(a.Usual), "span", l.Span(a.Span)))
		}
		p.line(l.Text("alert.lower_bound"))
	case alert.Large:
		p.gap()
		p.line(l.Text("alert.order", "price", l.Price(a.LevelUSD), "time", l.DateTimeSeconds(a.At)))
	case alert.Funding:
		p.gap()
		p.line(l.Text("alert.funding_usual", "usual", l.SignedFinePercent(a.Usual), "change", l.SignedFinePercent(a.Value-a.Usual)))
	case alert.OpenInterest:
		p.gap()
		p.line(l.Text("alert.oi_now", "amount", l.Amount(a.Value)))
		if a.Usual > 0 {
			p.line(l.Text("alert.oi_usual", "usual", l.Percent(a.Usual), "span", l.Span(a.Span)))
		}
	default:
	}
}

func wordBreakout(p *paragraphs, a *alert.Alert, l *locales.Language) {
	if held := a.At.Sub(a.Crossed); held >= time.Second {
		p.line(l.Text("alert.held", "span", l.Span(held)))
	}
	p.gap()
	p.line(l.Text(sideOf(a, "alert.behind_short", "alert.behind_long"), "amount", l.Amount(a.IntensityUSD), "level", l.Level(a.LevelUSD)))
	if a.Last.IsZero() {
		p.line(l.Text("alert.first", "coin", string(a.Coin)))
	} else {
		p.line(l.Text("alert.last", "coin", string(a.Coin), "span", l.Span(a.At.Sub(a.Last))))
	}
}

// wordSides says how both sides compare now at the same distance, for an alert about that.
func wordSides(p *paragraphs, a *alert.Alert, l *locales.Language, snap *snapshot.Snapshot) {
	if a.Rule != alert.Imbalance || snap == nil {
		return
	}
	t := snap.Summary.Totals
	p.line(l.Text("liq.even", "band", l.ShortPercent(t.Band), "short", l.Amount(t.ShortUSD), "long", l.Amount(t.LongUSD)))
}

// wordLate says that an alert could not be sent in time, and how things stand.
func wordLate(p *paragraphs, a *alert.Alert, l *locales.Language, snap *snapshot.Snapshot) {
	p.line(l.Text("alert.late", "time", l.DateTime(a.At)))
	if snap == nil {
		p.line(l.Text("alert.late_blind"))
		p.gap()
		return
	}
	now := l.Text("alert.now", "price", l.Price(snap.Price.USD), "time", l.DateTimeSeconds(snap.Price.Provenance.AsOf))
	if state := standing(l, a, snap.Price.USD); state != "" {
		now = append(now, chat.Plainly(" "+state)...)
	}
	p.line(now)
	p.gap()
}

// standing says on which side of an alert's level a price is.
func standing(l *locales.Language, a *alert.Alert, usd float64) string {
	if !market.Positive(a.LevelUSD) || a.Rule != alert.Breakout && a.Rule != alert.Price {
		return ""
	}
	if a.Rising == (usd > a.LevelUSD) {
		return l.Say("alert.still_beyond")
	}
	return l.Say("alert.back_again")
}

// baseRates are how often a breakout held after a time when the rules were replayed over
// recorded markets, all coins together, for coins that have no record of their own yet.
// They are the figures of docs/alerts.md, made 2026-11-29 by
//
//	bot replay --data ../shared/data/market --report docs/alerts.md
var baseRates = map[time.Duration]struct{ held, count int }{
	time.Hour:      {292, 609},
	4 * time.Hour:  {282, 609},
	24 * time.Hour: {275, 607},
}

// leastBase is how many outcomes a coin needs for a rate of its own.
const leastBase = 10

// wordOutcome says what became of a breakout.
func wordOutcome(p *paragraphs, a *alert.Alert, l *locales.Language) {
	f := a.Followed
	if f == nil {
		return
	}
	key := "outcome.failed"
	if f.Held {
		key = "outcome.held"
	}
	p.line(l.Text(key, "price", l.Price(f.ToUSD), "level", l.Level(a.LevelUSD)))
	p.line(l.Text("outcome.move", "move", l.SignedPercent(f.ToUSD/f.FromUSD-1), "from", l.Price(f.FromUSD),
		"best", l.SignedPercent(f.BestUSD/f.FromUSD-1), "worst", l.SignedPercent(f.WorstUSD/f.FromUSD-1)))
	if f.Watched {
		side := "outcome.longs"
		if a.Side() == market.Short {
			side = "outcome.shorts"
		}
		p.line(l.Text(side, "amount", l.Amount(f.LiquidatedUSD)))
	}
	held, count, key := f.BaseHeld, f.BaseCount, "outcome.base"
	if count < leastBase {
		base := baseRates[f.After]
		held, count, key = base.held, base.count, "outcome.base_replayed"
	}
	if count > 0 {
		p.line(l.Text(key, "held", strconv.Itoa(held), "of", strconv.Itoa(count), "share", l.WholePercent(float64(held)/float64(count)),
			"coin", string(a.Coin), "span", l.Span(f.After)))
	} else {
		p.line(l.Text("outcome.no_base"))
	}
}
