package handlers

import (
	"context"
	"time"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// year is how long a rate is reckoned to be paid, without compounding, to make it an
// annual one.
const year = 365 * 24 * time.Hour

// funding answers /funding: the funding rate by venue, and who pays it.
func funding(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.snapshot(ctx)
	if !ok {
		return refusal
	}
	var rows []market.VenueFigures
	var shown []market.Venue
	var moments []time.Time
	age := time.Duration(0)
	for _, v := range s.Venues {
		switch {
		case v.Funding == nil:
		case !c.current(v.AsOf):
			age = c.now.Sub(v.AsOf)
		default:
			rows, shown, moments = append(rows, v), append(shown, v.Venue), append(moments, v.AsOf)
		}
	}
	f := s.Funding
	switch {
	case len(rows) > 0:
		return c.fundingReply(s, c.wordFundings(rows), s.Price.Provenance.Source, oldest(moments), missingVenues(s, shown))
	case age > 0:
		return c.tooOld(s.Key.Coin, age)
	case f == nil:
		return c.untold(s, "funding", "fees.unknown")
	case !c.current(f.Provenance.AsOf):
		return c.tooOld(s.Key.Coin, c.now.Sub(f.Provenance.AsOf))
	}
	p := paragraphs{text: c.wordFunding(f.Venue, market.VenueFunding{Rate: f.Rate, Interval: f.Interval})}
	p.line(c.lang.Text("fees.unsplit", "source", c.opts.Snapshots.Source(), "venue", string(f.Venue)))
	return c.fundingReply(s, p.text, f.Provenance.Source, f.Provenance.AsOf, nil)
}

func (c *call) fundingReply(s *snapshot.Snapshot, body chat.Text, source string, asOf time.Time, missing []market.Venue) chat.Reply {
	return chat.Reply{
		Text: c.enclose(reported{
			snapshot: s, title: c.lang.Text("fees.title", "coin", string(s.Key.Coin)), body: body, source: source, asOf: asOf, missing: missing,
		}),
		Buttons: c.figureButtons("funding", s.Key.Coin),
		Edit:    c.edit,
	}
}

func (c *call) wordFundings(rows []market.VenueFigures) chat.Text {
	l := c.lang
	p := paragraphs{}
	if mean, ok := meanFunding(rows); ok && len(rows) > 1 {
		p.line(l.Text("fees.mean", "rate", l.SignedFinePercent(mean), "year", l.SignedPercent(annual(mean, 8*time.Hour)), "payer", payer(l, mean)))
		p.gap()
	}
	for _, v := range rows {
		p.line(c.wordFunding(v.Venue, *v.Funding))
	}
	p.gap()
	p.line(l.Text("fees.note"))
	return p.text
}

// wordFunding says in two lines what a venue takes, and what that is over other times.
func (c *call) wordFunding(venue market.Venue, f market.VenueFunding) chat.Text {
	l := c.lang
	p := paragraphs{}
	p.line(l.Text("fees.venue", "venue", string(venue), "rate", l.SignedFinePercent(f.Rate), "interval", hours(l, f.Interval), "payer", payer(l, f.Rate)))
	var parts []chat.Text
	if f.Interval > 0 && f.Interval != 8*time.Hour {
		parts = append(parts, l.Text("fees.eight", "rate", l.SignedFinePercent(f.EightHourRate())))
	}
	if f.Interval > 0 {
		parts = append(parts, l.Text("fees.year", "rate", l.SignedPercent(annual(f.Rate, f.Interval))))
	}
	if f.HasUsual {
		parts = append(parts, l.Text("fees.usual", "rate", l.SignedFinePercent(f.UsualRate)))
	}
	if f.NextAt.After(c.now) {
		parts = append(parts, l.Text("fees.next", "time", l.Clock(f.NextAt)))
	}
	line := chat.Plainly("   ")
	for i, part := range parts {
		if i > 0 {
			line = append(line, chat.Span{Text: " · "})
		}
		line = append(line, part...)
	}
	if len(parts) > 0 {
		p.line(line)
	}
	return p.text
}

// meanFunding is the mean rate for eight hours, each venue weighing as much as its open
// interest. It is false when no open interest is known.
func meanFunding(rows []market.VenueFigures) (rate float64, ok bool) {
	sum, weight := 0.0, 0.0
	for _, v := range rows {
		if v.OpenInterest != nil && v.Funding.Interval > 0 {
			sum += v.Funding.EightHourRate() * v.OpenInterest.USD
			weight += v.OpenInterest.USD
		}
	}
	if !market.Positive(weight) {
		return 0, false
	}
	return sum / weight, true
}

// annual is a rate for a year, without compounding.
func annual(rate float64, interval time.Duration) float64 {
	return rate * float64(year) / float64(interval)
}

// payer says which side pays a rate. One that is shown as zero is paid by nobody.
func payer(l *locales.Language, rate float64) string {
	const shownAsZero = 0.0000005
	switch {
	case rate >= shownAsZero:
		return l.Say("fees.longs_pay")
	case rate <= -shownAsZero:
		return l.Say("fees.shorts_pay")
	default:
		return l.Say("fees.nobody_pays")
	}
}
