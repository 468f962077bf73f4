package handlers

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// lookbacks are the spans that /rekt knows, shortest first. The longest is also the one
// of a command that names none.
var lookbacks = []time.Duration{time.Hour, 4 * time.Hour, 12 * time.Hour, day}

const day = 24 * time.Hour

// rekt answers /rekt: what was liquidated in a span, by side and venue, with a picture.
func rekt(ctx context.Context, c *call) chat.Reply {
	coin, span, refusal, ok := c.rektTarget()
	if !ok {
		return refusal
	}
	_, window := c.defaults()
	s, refusal, ok := c.recent(ctx, snapshot.Key{Coin: coin, Window: window})
	switch {
	case !ok:
		return refusal
	case s.Realised == nil:
		return c.rektUntold(s)
	case !c.current(s.Realised.AsOf):
		return c.tooOld(coin, c.now.Sub(s.Realised.AsOf))
	}
	sum := s.Realised.Sum(span)
	reply := chat.Reply{
		Text: c.enclose(reported{
			snapshot: s, title: c.lang.Text("rekt.title", "coin", string(coin), "span", hours(c.lang, span)),
			body: c.wordRekt(sum), source: s.Price.Provenance.Source, asOf: sum.To, missing: unwatched(s),
		}),
		Buttons: c.rektButtons(coin, span),
		Edit:    c.edit,
	}
	if sum.TotalUSD() == 0 {
		return reply
	}
	picture, err := c.opts.Charts.Rekt(ctx, s, span, c.lang, c.Shape)
	if err != nil {
		c.opts.Log.Error("picture not made", slog.String("key", s.Key.String()), slog.Any("err", err))
		reply.Text = append(reply.Text, chat.Span{Text: "\n"})
		reply.Text = append(reply.Text, c.lang.Text("error.no_picture")...)
		return reply
	}
	reply.Picture = picture
	return reply
}

// rektTarget reads a coin and a span from the arguments, in either order. The reply is
// the refusal.
func (c *call) rektTarget() (coin market.Coin, span time.Duration, refusal chat.Reply, ok bool) {
	coin, _ = c.defaults()
	span = day
	var haveCoin, haveSpan bool
	for _, word := range c.args {
		length, err := locales.ParseSpan(word)
		found, listed := c.coin(word)
		switch {
		case err == nil && slices.Contains(lookbacks, length) && !haveSpan:
			span, haveSpan = length, true
		case listed && !haveCoin:
			coin, haveCoin = found, true
		case listed, err == nil, looksLikeWindow(word):
			return "", 0, c.fail("rekt.usage"), false
		default:
			return "", 0, c.unknownCoin(word), false
		}
	}
	return coin, span, chat.Reply{}, true
}

// hours words a length of time, in hours where it is a whole number of them.
func hours(l *locales.Language, d time.Duration) string {
	if d < time.Hour || d%time.Hour != 0 {
		return l.Span(d)
	}
	return l.Count("span.hours", int(d/time.Hour))
}

func (c *call) rektButtons(coin market.Coin, span time.Duration) [][]chat.Button {
	l, short := c.lang, func(d time.Duration) string { return strconv.Itoa(int(d/time.Hour)) + "h" }
	var row []chat.Button
	for _, d := range lookbacks {
		row = append(row, chat.Button{
			Label:  l.Say("rekt.hours", "n", strconv.Itoa(int(d/time.Hour))),
			Data:   press("rekt", string(coin), short(d), "edit"),
			Active: d == span,
		})
	}
	// Buttons of one message need different data: the span comes first here.
	return [][]chat.Button{row, {
		{Label: l.Say("button.refresh"), Data: press("rekt", short(span), string(coin), "edit")},
		{Label: l.Say("button.map", "coin", string(coin)), Data: press("liq", string(coin))},
	}}
}

// rektUntold says what is known from a source that does not tell venues apart.
func (c *call) rektUntold(s *snapshot.Snapshot) chat.Reply {
	reply := c.untold(s, "rekt", "rekt.unknown")
	reply.Buttons = [][]chat.Button{reply.Buttons[1][1:]}
	if q := s.Liquidations; q != nil && c.current(q.Provenance.AsOf) {
		l, p := c.lang, paragraphs{text: reply.Text}
		p.line(l.Text("rekt.whole", "span", l.Span(q.Over), "long", l.Amount(q.LongUSD), "short", l.Amount(q.ShortUSD)))
		p.line(l.Text("label.as_of", "time", l.DateTime(q.Provenance.AsOf)))
		p.text = append(p.text, chat.Span{Text: " · "}, chat.Span{Text: l.Age(max(0, c.now.Sub(q.Provenance.AsOf))), At: q.Provenance.AsOf})
		reply.Text = p.text
	}
	return reply
}

// unwatched are the venues that a snapshot knows of and whose orders are not seen.
func unwatched(s *snapshot.Snapshot) []market.Venue {
	var watched []market.Venue
	for _, w := range s.Realised.Watched {
		watched = append(watched, w.Venue)
	}
	return missingVenues(s, watched)
}

// wordRekt words what was liquidated: who lost more, both sides, the largest order, the
// venues, and what is not in it.
func (c *call) wordRekt(sum snapshot.RealisedSum) chat.Text {
	l, p := c.lang, paragraphs{}
	if sum.TotalUSD() == 0 {
		p.line(l.Text("rekt.nothing"))
		c.watchedLines(&p, sum)
		return p.text
	}
	p.line(rektReading(l, sum))
	p.line(lostLine(l, sum.LongUSD, sum.TotalUSD(), "rekt.long", "rekt.long_none"))
	p.line(lostLine(l, sum.ShortUSD, sum.TotalUSD(), "rekt.short", "rekt.short_none"))
	p.line(l.Text("rekt.total", "amount", l.Amount(sum.TotalUSD()), "orders", l.Number(float64(sum.Orders), 0)))
	if o := sum.Largest; o != nil {
		key := "rekt.largest_long"
		if o.Side == market.Short {
			key = "rekt.largest_short"
		}
		p.gap()
		p.line(l.Text(key, "amount", l.Amount(o.NotionalUSD()), "venue", string(sum.LargestAt), "price", l.Level(o.PriceUSD),
			"age", l.Age(max(0, c.now.Sub(o.At)))))
	}
	c.rektVenues(&p, sum)
	c.watchedLines(&p, sum)
	return p.text
}

func rektReading(l *locales.Language, sum snapshot.RealisedSum) chat.Text {
	i := sum.Imbalance()
	key := "rekt.even"
	switch {
	case i.Reading == liquidation.LongHeavy:
		key = "rekt.longs_more"
	case i.Reading == liquidation.ShortHeavy:
		key = "rekt.shorts_more"
	case i.Reading == liquidation.NotMeaningful && sum.LongUSD > sum.ShortUSD:
		key = "rekt.only_longs"
	case i.Reading == liquidation.NotMeaningful:
		key = "rekt.only_shorts"
	}
	return l.Text(key, "times", l.Times(i.Ratio), "amount", l.Amount(math.Abs(sum.LongUSD-sum.ShortUSD)))
}

func lostLine(l *locales.Language, usd, total float64, key, none string) chat.Text {
	if usd == 0 {
		return l.Text(none)
	}
	return l.Text(key, "amount", l.Amount(usd), "share", l.WholePercent(usd/total))
}

// rektVenues lists the venues, those that show only part of it with a sign.
func (c *call) rektVenues(p *paragraphs, sum snapshot.RealisedSum) {
	l := c.lang
	var quiet, partly []market.Venue
	p.gap()
	p.line(l.Text("rekt.venues"))
	for _, v := range sum.Venues {
		if v.TotalUSD() == 0 {
			quiet = append(quiet, v.Venue)
			continue
		}
		whole := v.Coverage == market.EveryOrder
		if !whole {
			partly = append(partly, v.Venue)
		}
		amount := func(usd float64) string {
			switch {
			case usd == 0:
				return l.Say("figures.none")
			case whole:
				return l.Amount(usd)
			default:
				return l.Say("figures.at_least", "amount", l.Amount(usd))
			}
		}
		p.line(l.Text("rekt.venue", "venue", string(v.Venue), "long", amount(v.LongUSD), "short", amount(v.ShortUSD)))
	}
	if len(quiet) > 0 {
		p.line(l.Text("rekt.quiet", "venues", venueList(quiet)))
	}
	if len(partly) > 0 {
		p.line(l.Text("rekt.bound", "venues", venueList(partly)))
	}
}

// watchedLines says from when on venues were watched, where that is not the whole span:
// in one line when all began together.
func (c *call) watchedLines(p *paragraphs, sum snapshot.RealisedSum) {
	l := c.lang
	var late []snapshot.RealisedVenue
	watched := 0
	for _, v := range sum.Venues {
		if v.Since.IsZero() {
			continue
		}
		watched++
		if v.Since.Sub(sum.From) >= market.RealisedLength {
			late = append(late, v)
		}
	}
	if len(late) == 0 {
		return
	}
	p.gap()
	bySince := func(a, b snapshot.RealisedVenue) int { return a.Since.Compare(b.Since) }
	first, last := slices.MinFunc(late, bySince).Since, slices.MaxFunc(late, bySince).Since
	if len(late) == watched && last.Sub(first) < market.RealisedLength {
		p.line(l.Text("rekt.since", "time", l.DateTime(last), "span", l.Span(max(0, sum.To.Sub(last)))))
		return
	}
	var each []string
	for _, v := range late {
		each = append(each, string(v.Venue)+" "+l.Clock(v.Since))
	}
	p.line(l.Text("rekt.since_venues", "venues", strings.Join(each, ", ")))
}
