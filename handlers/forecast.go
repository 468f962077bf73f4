package handlers

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"liqbot/alert"
	"liqbot/market"
)

// Past is where it is kept what the rules found.
type Past interface {
	// History lists what a rule found on a coin from a moment on, the oldest first,
	// whoever heard of it; without a coin, that of all coins.
	History(ctx context.Context, rule alert.Rule, coin market.Coin, from time.Time) ([]alert.Past, error)
	// Watching is since when the rules look at a coin, the zero time for never.
	Watching(ctx context.Context, coin market.Coin) (time.Time, error)
}

// youngWatch is how long a coin has to be watched before it is said what a setting would
// have done, and not only how little is known.
const youngWatch = 6 * time.Hour

// forecastSpan is how far back it is counted what a setting would have done.
const forecastSpan = 7 * 24 * time.Hour

// forecast is what a chat would have heard with some settings.
type forecast struct {
	// fired counts the alerts that would have been sent.
	fired int
	// span is the time that it is counted over: less than forecastSpan where the rules
	// have not looked at the coins for as long.
	span time.Duration
}

// ruleCoin is what is counted: a rule on a coin.
type ruleCoin struct {
	rule alert.Rule
	coin market.Coin
}

// heardOf lists the rules and coins that a chat hears of.
func heardOf(a alert.Chat) []ruleCoin {
	var all []ruleCoin
	for _, sub := range a.Subscriptions {
		if rc := (ruleCoin{sub.Rule, sub.Coin}); !sub.Paused && !slices.Contains(all, rc) {
			all = append(all, rc)
		}
	}
	return all
}

// pastOf collects what the rules found lately. A false says that it cannot be told.
func (c *call) pastOf(ctx context.Context, of []ruleCoin) (found []alert.Past, span time.Duration, ok bool) {
	span = forecastSpan
	for _, rc := range of {
		since, err := c.opts.Past.Watching(ctx, rc.coin)
		if err == nil {
			var some []alert.Past
			some, err = c.opts.Past.History(ctx, rc.rule, rc.coin, c.now.Add(-forecastSpan))
			found = append(found, some...)
		}
		if err != nil {
			c.opts.Log.Error("past alerts not read", slog.Any("err", err))
			return nil, 0, false
		}
		if since.IsZero() {
			since = c.now
		}
		span = min(span, max(0, c.now.Sub(since)))
	}
	found = c.ofThisMarket(found)
	slices.SortStableFunc(found, func(a, b alert.Past) int { return a.At.Compare(b.At) })
	return found, span, true
}

// ofThisMarket leaves out what was found on another kind of market than is shown now: an
// invented one, say.
func (c *call) ofThisMarket(found []alert.Past) []alert.Past {
	coin, _ := c.defaults()
	snap := c.peek(coin, alertWindow)
	if snap == nil {
		return found
	}
	return slices.DeleteFunc(found, func(a alert.Past) bool { return !a.Provenance.Comparable(snap.Price.Provenance) })
}

// count is what a chat with some wishes would have heard of what was found.
func (c *call) count(found []alert.Past, span time.Duration, a alert.Chat) forecast {
	f := forecast{span: span}
	told := map[ruleCoin]time.Time{}
	day, today := "", 0
	for i := range found {
		past := &found[i]
		rc := ruleCoin{past.Rule, past.Coin}
		if !past.Meets(a.Threshold(past.Rule, past.Coin)) {
			continue
		}
		if last, ok := told[rc]; ok && a.Terms.Cooldown > 0 && past.At.Sub(last) < a.Terms.Cooldown {
			continue
		}
		if d := past.At.In(c.lang.Zone()).Format(time.DateOnly); d != day {
			day, today = d, 0
		}
		if a.Terms.Cap > 0 && today >= a.Terms.Cap {
			continue
		}
		today++
		told[rc] = past.At
		f.fired++
	}
	return f
}

// sayForecast says what a change would have done, next to what is now.
func (c *call) sayForecast(ctx context.Context, p *paragraphs, of []ruleCoin, before, after alert.Chat, kept bool) {
	if c.opts.Past == nil || len(of) == 0 {
		return
	}
	found, span, ok := c.pastOf(ctx, of)
	if !ok {
		p.line(c.lang.Text("forecast.unknown"))
		return
	}
	if coin, _ := c.defaults(); c.peek(coin, alertWindow) != nil {
		provenance := c.peek(coin, alertWindow).Price.Provenance
		p.mark(c.lang, provenance.Demo, provenance.RecordedAt)
	}
	when := c.lang.Say("forecast.as_now")
	if kept {
		when = c.lang.Say("forecast.before")
	}
	is, was := c.count(found, span, after), c.count(found, span, before)
	if span < youngWatch {
		p.line(c.lang.Text("forecast.young", "span", c.lang.Span(max(time.Second, span)),
			"times", c.lang.Count("forecast.times", is.fired), "when", when, "now", c.lang.Count("forecast.times", was.fired)))
		return
	}
	p.line(c.lang.Text("forecast.fired", "times", c.lang.Count("forecast.times", is.fired), "span", c.lang.Span(max(time.Second, is.span)),
		"when", when, "now", c.lang.Count("forecast.times", was.fired)))
	if span < forecastSpan-time.Hour {
		p.line(c.lang.Text("forecast.short", "span", c.lang.Span(max(time.Second, span))))
	}
}
