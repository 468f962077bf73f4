package handlers

import (
	"context"
	"math"
	"strconv"
	"strings"

	"liqbot/accuracy"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// Accuracy is the self-check of the live map.
type Accuracy interface {
	// Report is how well the map of a coin has held up, false while nothing is known of it.
	Report(market.Coin) (accuracy.Report, bool)
	// Skipped counts the hours that were left out since the start.
	Skipped(market.Coin) map[accuracy.Reason]int
}

// howAccurate answers /accuracy: how well the live map has held up, with the scores of
// the backtest beside it.
func howAccurate(_ context.Context, c *call) chat.Reply {
	coin, _, refusal, ok := c.target()
	if !ok {
		return refusal
	}
	l := c.lang
	p := paragraphs{text: l.Text("accuracy.title", "coin", string(coin))}
	s := c.opts.Snapshots.Get(snapshot.Key{Coin: coin, Window: DefaultWindow})
	if s != nil {
		p.mark(l, s.Demo(), s.Price.Provenance.RecordedAt)
	}
	if c.opts.Accuracy == nil {
		p.line(c.unchecked(s))
	} else {
		c.checked(&p, coin)
	}
	p.gap()
	backtested(&p, l)
	p.gap()
	p.line(l.Text("accuracy.limits"))
	p.line(italic(l.Text("label.relative")))
	name := string(coin)
	return chat.Reply{Text: p.text, Edit: c.edit, Buttons: [][]chat.Button{{
		{Label: l.Say("button.refresh"), Data: press("accuracy", name, "edit")},
		{Label: l.Say("button.why"), Data: press("why", name)},
		{Label: l.Say("button.map", "coin", name), Data: press("liq", name)},
	}}}
}

// unchecked says why there is no live score.
func (c *call) unchecked(s *snapshot.Snapshot) chat.Text {
	source := c.opts.Snapshots.Source()
	switch {
	case s != nil && s.Demo():
		return c.lang.Text("accuracy.demo")
	case s != nil && s.Model != nil:
		return c.lang.Text("accuracy.unkept", "source", source)
	default:
		return c.lang.Text("accuracy.vendor", "source", source)
	}
}

// checked words the live scores of a coin.
func (c *call) checked(p *paragraphs, coin market.Coin) {
	l := c.lang
	r, known := c.opts.Accuracy.Report(coin)
	if !known || r.Hours == 0 {
		p.line(l.Text("accuracy.none", "coin", string(coin)))
	} else {
		p.line(l.Text("accuracy.intro", "source", c.opts.Snapshots.Source()))
		p.gap()
		rankedLines(p, l, r.Ranked)
		p.gap()
		p.line(l.Text("accuracy.levels"))
		for _, one := range r.Levels {
			p.line(levelsLine(l, one))
		}
		if v := r.Vendor; v != nil {
			p.gap()
			p.line(l.Text("accuracy.agreement", "vendor", v.Vendor, "rho", correlation(l, v.Rho), "lo", correlation(l, v.Lo), "hi", correlation(l, v.Hi),
				"n", l.Number(float64(v.N), 0), "time", l.DateTime(v.Since)))
		}
		p.gap()
		p.line(l.Text("accuracy.since", "n", l.Number(float64(r.Hours), 0), "from", l.DateTime(r.Since), "until", l.DateTime(r.Until),
			"age", l.Age(max(0, c.now.Sub(r.Until))), "parameters", r.Parameters))
	}
	p.leftOut(l, c.opts.Accuracy.Skipped(coin))
}

// rankedLines are the scores by hour: first of the venues that report every order, then
// of all, once there is one to tell.
func rankedLines(p *paragraphs, l *locales.Language, all []accuracy.Ranked) {
	p.line(l.Text("accuracy.ranked"))
	named, sampled := false, false
	for _, r := range all {
		full := len(r.Sampled) == 0
		switch {
		case !full && !r.Ready:
			continue
		case !full && !sampled:
			p.line(l.Text("accuracy.sampled", "venues", venueList(r.Venues), "sampled", venueList(r.Sampled)))
			sampled = true
		case full && !named && len(r.Venues) > 0:
			p.line(l.Text("accuracy.full", "venues", venueList(r.Venues)))
			named = true
		}
		p.line(rankedLine(l, r))
	}
}

func rankedLine(l *locales.Language, r accuracy.Ranked) chat.Text {
	if !r.Ready {
		return early(l, r.Sample, r.Spans < accuracy.FewestSpans)
	}
	return l.Text("accuracy.ranked_line", "span", hours(l, r.Over), "rho", correlation(l, r.Rho), "lo", correlation(l, r.Lo), "hi", correlation(l, r.Hi),
		"long", correlation(l, r.Long), "short", correlation(l, r.Short), "n", l.Number(float64(r.Spans), 0), "days", strconv.Itoa(r.Days))
}

func levelsLine(l *locales.Language, r accuracy.Levels) chat.Text {
	if !r.Ready {
		return early(l, r.Sample, false)
	}
	return l.Text("accuracy.levels_line", "span", hours(l, r.Over), "share", l.WholePercent(r.Precision),
		"lo", l.WholePercent(r.Lo), "hi", l.WholePercent(r.Hi), "usual", l.WholePercent(r.Usual), "lift", l.Times(r.Lift),
		"lift_lo", l.Times(r.LiftLo), "lift_hi", l.Times(r.LiftHi), "orders", l.Number(float64(r.Orders), 0), "days", strconv.Itoa(r.Days))
}

// early says what is still missing before a score can be told.
func early(l *locales.Language, s accuracy.Sample, spans bool) chat.Text {
	span := hours(l, s.Over)
	switch {
	case s.Days < accuracy.FewestDays || s.Orders < accuracy.FewestOrders:
		return l.Text("accuracy.early", "span", span, "days", strconv.Itoa(s.Days), "need_days", strconv.Itoa(accuracy.FewestDays),
			"orders", l.Number(float64(s.Orders), 0), "need_orders", strconv.Itoa(accuracy.FewestOrders))
	case spans:
		return l.Text("accuracy.early_spans", "span", span, "n", strconv.Itoa(s.Spans), "need", strconv.Itoa(accuracy.FewestSpans))
	default:
		return l.Text("accuracy.uneventful", "span", span)
	}
}

// backtested words the published scores, which are not live.
func backtested(p *paragraphs, l *locales.Language) {
	p.line(l.Text("accuracy.backtest"))
	periods := map[string]string{"A": "accuracy.set_a", "B": "accuracy.set_b"}
	for _, b := range accuracy.Backtest() {
		p.line(l.Text("accuracy.backtest_line", "period", l.Say(periods[b.Set]), "span", hours(l, b.Over),
			"rho", correlation(l, b.Rho), "lo", correlation(l, b.Lo), "hi", correlation(l, b.Hi), "frozen", correlation(l, b.Frozen),
			"uniform", correlation(l, b.Uniform)))
	}
	p.line(l.Text("accuracy.backtest_note"))
}

// leftOut says how many hours did not count, in three kinds.
func (p *paragraphs) leftOut(l *locales.Language, skipped map[accuracy.Reason]int) {
	kinds := make([]int, 3)
	for why, n := range skipped {
		switch why {
		case accuracy.Unwatched, accuracy.Gap, accuracy.Unseen, accuracy.Late:
			kinds[1] += n
		case accuracy.NoCandles, accuracy.Unreadable, accuracy.Unsaved:
			kinds[2] += n
		default:
			kinds[0] += n
		}
	}
	var parts []string
	for i, key := range []string{"accuracy.out_map", "accuracy.out_watch", "accuracy.out_data"} {
		if kinds[i] > 0 {
			parts = append(parts, l.Say(key, "n", strconv.Itoa(kinds[i])))
		}
	}
	if len(parts) > 0 {
		p.line(l.Text("accuracy.out", "parts", strings.Join(parts, " · ")))
	}
}

// correlation writes a correlation with its sign: "+0.41".
func correlation(l *locales.Language, v float64) string {
	if math.Round(v*100) > 0 {
		return "+" + l.Number(v, 2)
	}
	return l.Number(v, 2)
}
