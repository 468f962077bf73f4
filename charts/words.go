package charts

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/snapshot"
)

// words is every text on a picture but the labels of the axes.
type words struct {
	title, note, verdict string
	// unreal is the word for a market that is not the present one, empty for a live
	// one; recorded is the time of a recording.
	unreal, recorded string
	// warming says that the map is younger than it should be, reversed that the verdict is the
	// other way round at the same distance; empty otherwise.
	warming, reversed string
	long, short       sideWords
	// mark is the coin with its price, price the price alone.
	mark, price      string
	relative, source string
}

// sideWords is what is said of one side. Without a key level only none is set.
type sideWords struct {
	total, condition, brief, price, distance, none string
}

func newWords(s *snapshot.Snapshot, l *locales.Language) words {
	band := l.ShortPercent(s.Summary.KeyLevelBand)
	w := words{
		title:    l.Say("chart.title", "coin", string(s.Key.Coin)),
		note:     l.Say("chart.estimate", "window", windowName(l, s.Key.Window)),
		verdict:  verdict(s.Summary.Imbalance, l),
		mark:     l.Say("chart.mark", "coin", string(s.Key.Coin), "price", l.Price(s.Price.USD)),
		price:    l.Price(s.Price.USD),
		relative: l.Say("chart.relative"),
		source:   l.Say("chart.source", "source", s.Map.Provenance().Source, "time", l.DateTime(s.AsOf())),
		long:     newSideWords(l, s.Summary.Below, "chart.longs_to", "chart.longs_short", l.Say("chart.no_longs", "band", band)),
		short:    newSideWords(l, s.Summary.Above, "chart.shorts_to", "chart.shorts_short", l.Say("chart.no_shorts", "band", band)),
	}
	recorded := s.Map.Provenance().RecordedAt
	if recorded.IsZero() {
		recorded = s.Price.Provenance.RecordedAt
	}
	if m := s.Model; m != nil && m.Warming() {
		w.warming = l.Say("chart.warming", "have", wholeHours(m.Age()), "need", wholeHours(m.WarmUp))
	}
	if s.Summary.Reversed() {
		w.reversed = l.Say("chart.same_distance", "band", l.ShortPercent(s.Summary.Totals.Band), "verdict", verdict(s.Summary.Even, l))
	}
	switch {
	case s.Demo():
		w.unreal = l.Say("chart.demo")
	case !recorded.IsZero():
		w.unreal, w.recorded = l.Say("chart.recorded"), l.DateTime(recorded)
	}
	return w
}

func wholeHours(d time.Duration) string { return strconv.Itoa(int(max(0, d) / time.Hour)) }

func newSideWords(l *locales.Language, k *liquidation.KeyLevel, condition, brief, none string) sideWords {
	if k == nil {
		return sideWords{none: none}
	}
	price := l.Level(k.PriceUSD)
	return sideWords{
		total:     l.Amount(k.IntensityUSD),
		condition: l.Say(condition),
		brief:     l.Say(brief, "price", price),
		price:     price,
		distance:  l.SignedPercent(k.Distance),
	}
}

func verdict(i liquidation.Imbalance, l *locales.Language) string {
	switch i.Reading {
	case liquidation.ShortHeavy:
		return l.Say("chart.short_heavy", "times", l.Times(i.Ratio))
	case liquidation.LongHeavy:
		return l.Say("chart.long_heavy", "times", l.Times(i.Ratio))
	case liquidation.Balanced:
		return l.Say("chart.balanced", "times", l.Times(i.Ratio))
	default:
		return l.Say("chart.not_meaningful")
	}
}

func windowName(l *locales.Language, w market.Window) string {
	switch w {
	case market.Day:
		return l.Say("window.day_long")
	case market.Week:
		return l.Say("window.week_long")
	case market.Month:
		return l.Say("window.month_long")
	default:
		return string(w)
	}
}

// maxAlt is the limit of chat.Picture.Alt in bytes.
const maxAlt = 1000

// alt describes the picture to those who do not see it.
func alt(s *snapshot.Snapshot, l *locales.Language) string {
	w := newWords(s, l)
	text := l.Say("liq.alt",
		"coin", string(s.Key.Coin), "window", windowName(l, s.Key.Window), "price", l.Price(s.Price.USD),
		"above", w.short.spoken(), "below", w.long.spoken(), "reading", w.verdict)
	if w.reversed != "" {
		text += " " + w.reversed
	}
	if w.warming != "" {
		text = w.warming + ". " + text
	}
	if w.unreal != "" {
		text = strings.TrimSpace(w.unreal+" "+w.recorded) + ". " + text
	}
	for len(text) > maxAlt {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

func (w sideWords) spoken() string {
	if w.none != "" {
		return w.none
	}
	return w.total + " (" + w.price + ", " + w.distance + ")"
}

// fileName is a name of letters, digits and dashes: "liq-btc-7d.png".
func fileName(key snapshot.Key) string {
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, strings.ToLower(s))
	}
	return "liq-" + clean(string(key.Coin)) + "-" + clean(string(key.Window)) + ".png"
}

// tick is a labelled value of an axis.
type tick struct {
	value float64
	label string
}

// labelled gives at most so many ticks, fewer where neighbours would otherwise
// have the same label.
func labelled(low, high float64, most int, label func(float64) string) []tick {
	for n := most; n > 0; n-- {
		values := ticks(low, high, n)
		out := make([]tick, 0, len(values))
		distinct := true
		for i, v := range values {
			out = append(out, tick{v, label(v)})
			distinct = distinct && (i == 0 || out[i-1].label != out[i].label)
		}
		if distinct && len(out) > 0 {
			return out
		}
	}
	return nil
}

// share is the part of the longs in both key levels' sum, for the split bar.
func share(s liquidation.Summary) (long, short float64) {
	if s.Below != nil {
		long = s.Below.IntensityUSD
	}
	if s.Above != nil {
		short = s.Above.IntensityUSD
	}
	if sum := long + short; sum > 0 && !math.IsInf(sum, 0) {
		return long / sum, short / sum
	}
	return 0, 0
}
