package handlers

import (
	"context"
	"log/slog"
	"strings"

	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// liq answers /liq: the map's picture, its key levels and a reading.
func liq(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.snapshot(ctx)
	if !ok {
		return refusal
	}
	reply := chat.Reply{
		Text:    c.framed(s, "liq", wordLiq),
		Buttons: windowButtons(c.lang, "liq", s.Key, true),
		Edit:    c.edit,
	}
	reply.Buttons[1] = append(reply.Buttons[1], c.heatButton(s.Key)...)
	picture, err := c.picture(ctx, s)
	if err != nil {
		c.opts.Log.Error("picture not made", slog.String("key", s.Key.String()), slog.Any("err", err))
		reply.Text = append(reply.Text, chat.Span{Text: "\n"})
		reply.Text = append(reply.Text, c.lang.Text("error.no_picture")...)
		return reply
	}
	reply.Picture = picture
	return reply
}

func (c *call) picture(ctx context.Context, s *snapshot.Snapshot) (*chat.Picture, error) {
	if p, ok := c.opts.Charts.Ready(s, c.lang, c.Shape); ok {
		return p, nil
	}
	if c.Working != nil {
		c.Working()
	}
	return c.opts.Charts.LiquidationMap(ctx, s, c.lang, c.Shape)
}

// wordLiq words what a map says, without anything that changes as it ages.
func wordLiq(c *call, s *snapshot.Snapshot) chat.Text {
	l := c.lang
	p := paragraphs{}
	if isWarming(s) {
		p.line(warmingLine(l, s.Model.Age(), s.Model.WarmUp))
	}
	p.line(priceLine(l, s))
	p.gap()
	p.line(c.sideLine(s, market.Short))
	p.line(c.sideLine(s, market.Long))
	p.gap()
	p.line(readingLine(l, s))
	if s.Map.TotalUSD(market.Long) > 0 && s.Map.TotalUSD(market.Short) > 0 {
		t := s.Summary.Totals
		p.line(l.Text("liq.even", "band", l.ShortPercent(t.Band), "short", l.Amount(t.ShortUSD), "long", l.Amount(t.LongUSD)))
		if s.Summary.Reversed() {
			p.line(l.Text("liq.reversed", "times", l.Times(s.Summary.Even.Ratio)))
		}
	}
	if r := s.Range; r != nil {
		p.line(l.Text("liq.range", "high", l.Level(r.HighUSD), "low", l.Level(r.LowUSD)))
	}
	if s.ETF != nil {
		p.line(etfLine(l, s.Key.Coin, s.ETF))
	}
	if s.Beside != nil {
		p.gap()
		p.line(besideLine(l, s))
	}
	p.line(l.Text("why.hint", "coin", strings.ToLower(string(s.Key.Coin)), "window", string(s.Key.Window)))
	return p.text
}

func priceLine(l *locales.Language, s *snapshot.Snapshot) chat.Text {
	key := "label.mark_price"
	if s.Price.Kind == market.LastPrice {
		key = "label.last_price"
	}
	return l.Text(key, "price", l.Price(s.Price.USD))
}

// sideLine says what lies above or below, up to the key level.
func (c *call) sideLine(s *snapshot.Snapshot, side market.Side) chat.Text {
	l, level, found, none := c.lang, s.Summary.Above, "liq.above", "liq.above_none"
	if side == market.Long {
		level, found, none = s.Summary.Below, "liq.below", "liq.below_none"
	}
	if level == nil {
		return l.Text(none, "band", l.ShortPercent(s.Summary.KeyLevelBand), "amount", l.Amount(s.Map.TotalUSD(side)))
	}
	return l.Text(found,
		"price", l.Level(level.PriceUSD),
		"distance", l.SignedPercent(level.Distance),
		"amount", l.Amount(level.IntensityUSD))
}

func readingLine(l *locales.Language, s *snapshot.Snapshot) chat.Text {
	if s.Map.TotalUSD(market.Long) == 0 || s.Map.TotalUSD(market.Short) == 0 {
		return l.Text("liq.one_sided")
	}
	times := l.Times(s.Summary.Imbalance.Ratio)
	switch s.Summary.Imbalance.Reading {
	case liquidation.ShortHeavy:
		return l.Text("liq.short_heavy", "times", times)
	case liquidation.LongHeavy:
		return l.Text("liq.long_heavy", "times", times)
	case liquidation.Balanced:
		return l.Text("liq.balanced", "times", times)
	default:
		return l.Text("liq.not_meaningful")
	}
}

func etfLine(l *locales.Language, coin market.Coin, f *market.ETFFlow) chat.Text {
	key := "liq.etf_latest"
	if f.Week == market.LastWeek {
		key = "liq.etf_last_week"
	}
	return l.Text(key,
		"days", l.Days(f.From, f.To),
		"amount", l.SignedAmount(f.NetUSD),
		"coins", l.Number(f.NetCoins, 0),
		"coin", string(coin))
}

// windowButtons are the buttons to look further back and to refresh. With edit
// they replace the message they stand under.
func windowButtons(l *locales.Language, name string, key snapshot.Key, edit bool) [][]chat.Button {
	coin := string(key.Coin)
	data := func(args ...string) string {
		if edit {
			args = append(args, "edit")
		}
		return press(name, args...)
	}
	keys := map[market.Window]string{market.Day: "window.day", market.Week: "window.week", market.Month: "window.month"}
	var row []chat.Button
	for _, w := range market.Windows() {
		row = append(row, chat.Button{Label: l.Say(keys[w]), Data: data(coin, string(w)), Active: w == key.Window})
	}
	// Buttons of one message need different data: the window comes first here.
	refresh := chat.Button{Label: l.Say("button.refresh"), Data: data(string(key.Window), coin)}
	return [][]chat.Button{row, {refresh}}
}

// paragraphs puts lines together.
type paragraphs struct {
	text chat.Text
}

func (p *paragraphs) line(t chat.Text) {
	if len(p.text) > 0 {
		p.text = append(p.text, chat.Span{Text: "\n"})
	}
	p.text = append(p.text, t...)
}

// gap leaves a line empty before the next one.
func (p *paragraphs) gap() { p.text = append(p.text, chat.Span{Text: "\n"}) }

// maxVenues bounds the venues that a reply lists by name.
const maxVenues = 8

func venueList(venues []market.Venue) string {
	names := make([]string, 0, len(venues))
	for _, v := range venues {
		if v != "" && len(names) < maxVenues {
			names = append(names, string(v))
		}
	}
	if more := len(venues) - len(names); more > 0 && len(names) == maxVenues {
		names[maxVenues-1] += " …"
	}
	return strings.Join(names, ", ")
}
