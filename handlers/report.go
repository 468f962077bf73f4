package handlers

import (
	"context"
	"math"
	"strconv"
	"time"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/report"
	"liqbot/snapshot"
)

// writeReport answers /report: a short article on a coin.
func writeReport(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.snapshot(ctx)
	if !ok {
		return refusal
	}
	coin, window := string(s.Key.Coin), string(s.Key.Window)
	return chat.Reply{
		Text: c.framed(s, "report", wordReport),
		Buttons: [][]chat.Button{{
			{Label: c.lang.Say("button.refresh"), Data: press("report", coin, window, "edit")},
			{Label: c.lang.Say("button.map", "coin", coin), Data: press("liq", coin, window)},
			{Label: c.lang.Say("button.why"), Data: press("why", coin, window)},
		}},
		Edit: c.edit,
	}
}

// headReport words the headline and the marks of data that is not of a live market.
func headReport(c *call, s *snapshot.Snapshot) chat.Text {
	h := report.Write(s, c.now).Headline
	var p paragraphs
	p.line(c.lang.Text("report.title", "coin", string(s.Key.Coin), "window", string(s.Key.Window), "verdict", verdict(c.lang, h.Lead, h.Band)))
	p.mark(c.lang, s.Demo(), s.Price.Provenance.RecordedAt)
	return p.text
}

// wordReport words the article. Its age limits are a matter of an hour and more, so that
// it may be worded once for a snapshot, which is not shown for as long.
func wordReport(c *call, s *snapshot.Snapshot) chat.Text {
	var p paragraphs
	for i, sentences := range report.Write(s, c.now).Paragraphs {
		if i > 0 {
			p.gap()
		}
		for _, sentence := range sentences {
			p.line(c.sentence(s, sentence))
		}
	}
	return p.text
}

// sentence words one statement.
func (c *call) sentence(s *snapshot.Snapshot, sentence report.Sentence) chat.Text {
	l := c.lang
	switch v := sentence.(type) {
	case report.Warming:
		return warmingLine(l, v.Have, v.Need)
	case report.Price:
		return append(priceLine(l, s), changed(l, v.Change, priceChange)...)
	case report.Place:
		return l.Text(places[v.Where], "share", l.ShortPercent(v.Fraction))
	case report.Zone:
		return zoneSentence(l, v)
	case report.EmptyZone:
		return l.Text(bySide(v.Side, "liq.above_none", "liq.below_none"), "band", l.ShortPercent(v.Band), "amount", l.Amount(v.TotalUSD))
	case report.Even:
		t := v.Totals
		return l.Text("report.even", "band", l.ShortPercent(t.Band), "short", l.Amount(t.ShortUSD), "long", l.Amount(t.LongUSD), "verdict", verdict(l, v.Lead, t.Band))
	case report.Reversed:
		return l.Text("report.reversed")
	case report.NoDirection:
		return l.Text("report.no_direction")
	case report.MoreToLose:
		return l.Text("report.more_to_lose")
	case report.LongsRealiseMore:
		return l.Text("report.longs_realise")
	case report.Breakout:
		return l.Text(bySide(v.Side, "report.breakout_short", "report.breakout_long"),
			"price", l.Level(v.ConfirmUSD), "hold", l.Span(c.opts.Hold), "cancel", l.Level(v.CancelUSD))
	case report.Signs:
		return l.Text("report.signs")
	default:
		return daySentence(l, v)
	}
}

// daySentence words what the last days brought.
func daySentence(l *locales.Language, sentence report.Sentence) chat.Text {
	switch v := sentence.(type) {
	case report.Range:
		return l.Text("report.range", "low", l.Level(v.LowUSD), "high", l.Level(v.HighUSD), "width", l.Percent(v.Width))
	case report.Liquidated:
		return liquidatedSentence(l, v)
	case report.Flow:
		key := map[report.Direction]string{report.Up: "report.etf_in", report.Down: "report.etf_out", report.Flat: "report.etf_flat"}[v.Direction]
		return l.Text(key, "days", l.Days(v.From, v.To), "amount", l.Amount(math.Abs(v.NetUSD)))
	case report.Funding:
		return fundingSentence(l, v)
	case report.OpenInterest:
		if v.Change == nil {
			return l.Text("report.open_interest", "amount", l.Amount(v.USD))
		}
		return l.Text(interestChange[v.Change.Direction], "amount", l.Amount(v.USD), "change", l.Percent(math.Abs(v.Change.Fraction)))
	default:
		return nil
	}
}

func bySide(side market.Side, short, long string) string {
	if side == market.Short {
		return short
	}
	return long
}

// verdict says which side is ahead; band is where the sides were looked for.
func verdict(l *locales.Language, lead report.Lead, band float64) string {
	switch lead.Degree {
	case report.Level:
		return l.Say("report.level")
	case report.Slight:
		return l.Say(bySide(lead.Side, "report.slight_short", "report.slight_long"), "times", l.Times(lead.Ratio))
	case report.Clear:
		return l.Say(bySide(lead.Side, "report.clear_short", "report.clear_long"), "times", l.Times(lead.Ratio))
	case report.Lopsided:
		return l.Say(bySide(lead.Side, "report.lopsided_short", "report.lopsided_long"))
	case report.Alone:
		return l.Say(bySide(lead.Side, "report.alone_short", "report.alone_long"), "band", l.ShortPercent(band))
	default:
		return l.Say("report.nothing", "band", l.ShortPercent(band))
	}
}

var (
	priceChange    = map[report.Direction]string{report.Up: "report.price_up", report.Down: "report.price_down", report.Flat: "report.price_flat"}
	interestChange = map[report.Direction]string{report.Up: "report.open_interest_up", report.Down: "report.open_interest_down", report.Flat: "report.open_interest_flat"}
	places         = map[report.Where]string{
		report.AtLow: "report.place_at_low", report.NearLow: "report.place_near_low", report.LowerPart: "report.place_lower", report.Middle: "report.place_middle",
		report.UpperPart: "report.place_upper", report.NearHigh: "report.place_near_high", report.AtHigh: "report.place_at_high",
	}
)

// changed words how a figure changed, nothing when that is not known.
func changed(l *locales.Language, change *report.Change, keys map[report.Direction]string) chat.Text {
	if change == nil {
		return nil
	}
	return l.Text(keys[change.Direction], "change", l.Percent(math.Abs(change.Fraction)))
}

func zoneSentence(l *locales.Language, z report.Zone) chat.Text {
	k := z.Key
	return l.Text(bySide(k.Side, "report.zone_short", "report.zone_long"),
		"amount", l.Amount(k.IntensityUSD), "price", l.Level(k.PriceUSD), "distance", l.SignedPercent(k.Distance), "zone", zoneOf(l, k.Cluster))
}

func liquidatedSentence(l *locales.Language, v report.Liquidated) chat.Text {
	key := "report.liquidated"
	switch {
	case v.LongUSD == 0 && v.ShortUSD == 0:
		key = "report.liquidated_none"
	case v.Mostly != 0:
		key = bySide(v.Mostly, "report.liquidated_short", "report.liquidated_long")
	}
	text := l.Text(key, "span", l.Span(v.Over), "long", l.Amount(v.LongUSD), "short", l.Amount(v.ShortUSD))
	if names := venueList(v.Venues); names != "" {
		text = append(text, l.Text("report.liquidated_by", "venues", names)...)
	}
	return text
}

func fundingSentence(l *locales.Language, v report.Funding) chat.Text {
	payer := l.Say("report.payer_none")
	if v.Payer != 0 {
		payer = l.Say(bySide(v.Payer, "report.payer_short", "report.payer_long"))
	}
	args := []string{"venue", string(v.Venue), "rate", l.FinePercent(v.Rate), "interval", l.Span(v.Interval), "payer", payer}
	if v.Usual == nil {
		return l.Text("report.funding", args...)
	}
	key := map[report.Direction]string{report.Up: "report.funding_above", report.Down: "report.funding_below", report.Flat: "report.funding_near"}[v.Usual.Direction]
	return l.Text(key, append(args, "usual", l.FinePercent(v.Usual.Rate))...)
}

// warmingLine says that a map is younger than it should be.
func warmingLine(l *locales.Language, have, need time.Duration) chat.Text {
	return l.Text("why.warming", "have", wholeHours(have), "need", wholeHours(need))
}

func wholeHours(d time.Duration) string { return strconv.Itoa(int(max(0, d) / time.Hour)) }

// isWarming reports whether a snapshot's map is younger than it should be.
func isWarming(s *snapshot.Snapshot) bool { return s.Model != nil && s.Model.Warming() }
