package locales

import (
	"math"
	"strconv"
	"strings"
	"time"

	"liqbot/market"
)

// numbers is how a language writes figures: the [numbers] table of its file.
// Facts: Unicode CLDR 48.2 (https://cldr.unicode.org) and, where they differ,
// the habits of trading media.
type numbers struct {
	Decimal, Group string
	// Price is a USD price, Percent a percentage, Times a multiple; {n} is the
	// number.
	Price, Percent, Times string
	// Amount is a USD amount in words that suit a sentence, Axis a short one for a
	// picture, Count a plain number: steps from the largest power down.
	Amount, Axis []step
	// AxisPrice is a USD price on a picture's axis.
	AxisPrice []step `toml:"axis_price"`
	// DateTime, Date and DayMonth are layouts of package time, in UTC.
	DateTime string `toml:"date_time"`
	Date     string
	DayMonth string `toml:"day_month"`
}

// step writes numbers from 10^Power on, divided by it.
type step struct {
	Power int
	Text  string
}

// Number writes a number with this many decimals and the language's separators.
func (l *Language) Number(v float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	if v < 0 && strings.Trim(s, "0.") != "" {
		b.WriteByte('-')
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(l.numbers.Group)
		}
		b.WriteRune(digit)
	}
	if fraction != "" {
		b.WriteString(l.numbers.Decimal)
		b.WriteString(fraction)
	}
	return b.String()
}

// Price writes a traded or mark price in USD: cents for large prices, five
// significant digits for small ones.
func (l *Language) Price(usd float64) string {
	return fill(l.numbers.Price, l.Number(usd, priceDecimals(usd)))
}

// Level writes the price of a liquidation level or of a high or low, to the step
// of market.LevelExponent.
func (l *Language) Level(usd float64) string {
	return fill(l.numbers.Price, l.Number(usd, levelDecimals(usd)))
}

// TypedPrice writes a price that a member has typed, with all its decimals:
// "$94,681.5".
func (l *Language) TypedPrice(usd float64) string {
	_, fraction, _ := strings.Cut(strconv.FormatFloat(usd, 'f', -1, 64), ".")
	return fill(l.numbers.Price, l.Number(usd, min(len(fraction), 12)))
}

// Move writes a signed difference in USD with as many decimals as a level near a
// price has.
func (l *Language) Move(usd, nearUSD float64) string {
	sign := "+"
	if usd < 0 {
		sign = "-"
	}
	return sign + fill(l.numbers.Price, l.Number(math.Abs(usd), levelDecimals(nearUSD)))
}

func priceDecimals(usd float64) int {
	if !market.Positive(usd) {
		return 2
	}
	return max(2, 4-int(math.Floor(math.Log10(usd))))
}

func levelDecimals(usd float64) int {
	if !market.Positive(usd) {
		return 0
	}
	return -market.LevelExponent(usd)
}

// Amount writes an amount or intensity in USD with four significant digits:
// "$2.705B".
func (l *Language) Amount(usd float64) string { return l.stepped(l.numbers.Amount, usd, 4) }

// SignedAmount is Amount with a plus sign for gains.
func (l *Language) SignedAmount(usd float64) string {
	if usd > 0 {
		return "+" + l.Amount(usd)
	}
	return l.Amount(usd)
}

// AxisAmount is a short amount for a picture.
func (l *Language) AxisAmount(usd float64) string { return l.stepped(l.numbers.Axis, usd, 4) }

// AxisPrice is a short price for a picture's axis.
func (l *Language) AxisPrice(usd float64) string {
	if usd < 1000 || len(l.numbers.AxisPrice) == 0 {
		return fill(l.numbers.axisPattern(), trimZeros(l.Number(usd, levelDecimals(usd)), l.numbers.Decimal))
	}
	return l.stepped(l.numbers.AxisPrice, usd, 5)
}

func (n numbers) axisPattern() string {
	if len(n.AxisPrice) > 0 {
		return n.AxisPrice[len(n.AxisPrice)-1].Text
	}
	return n.Price
}

// stepped divides by the largest step that fits and keeps some significant
// digits. The last step of every table has power 0.
func (l *Language) stepped(steps []step, v float64, digits int) string {
	size := math.Abs(v)
	for i, s := range steps {
		unit := math.Pow10(s.Power)
		if size < unit && i+1 < len(steps) {
			continue
		}
		scaled := size / unit
		decimals := 0
		if scaled > 0 {
			decimals = min(max(0, digits-1-int(math.Floor(math.Log10(scaled)))), digits-1)
		}
		rounded := math.Round(scaled*math.Pow10(decimals)) / math.Pow10(decimals)
		if i > 0 && rounded*unit >= math.Pow10(steps[i-1].Power) {
			return l.stepped(steps[:i], math.Copysign(math.Pow10(steps[i-1].Power), v), digits)
		}
		text := fill(s.Text, trimZeros(l.Number(rounded, decimals), l.numbers.Decimal))
		if v < 0 && rounded != 0 {
			return "-" + text
		}
		return text
	}
	return l.Number(v, 0)
}

// Percent writes a fraction as a percentage with two decimals: 0.0234 is "2.34%".
func (l *Language) Percent(fraction float64) string {
	return fill(l.numbers.Percent, l.Number(fraction*100, 2))
}

// ShortPercent writes a fraction as a percentage without needless zeros: "5%".
func (l *Language) ShortPercent(fraction float64) string {
	return fill(l.numbers.Percent, trimZeros(l.Number(fraction*100, 2), l.numbers.Decimal))
}

// FinePercent writes a fraction as a percentage with four decimals, as a funding
// rate needs.
func (l *Language) FinePercent(fraction float64) string {
	return fill(l.numbers.Percent, l.Number(fraction*100, 4))
}

// SignedFinePercent is FinePercent with a plus sign for what is above zero.
func (l *Language) SignedFinePercent(fraction float64) string {
	if fraction >= 0.0000005 {
		return "+" + l.FinePercent(fraction)
	}
	return l.FinePercent(fraction)
}

// WholePercent writes a fraction as a percentage without decimals: 0.8293 is "83%".
func (l *Language) WholePercent(fraction float64) string {
	return fill(l.numbers.Percent, l.Number(fraction*100, 0))
}

// SignedPercent is Percent with a plus sign for gains.
func (l *Language) SignedPercent(fraction float64) string {
	if fraction >= 0.00005 {
		return "+" + l.Percent(fraction)
	}
	return l.Percent(fraction)
}

// Times writes a multiple: "1.73x".
func (l *Language) Times(v float64) string {
	return fill(l.numbers.Times, l.Number(v, 2))
}

// ShortTimes is Times without needless zeros: "1.3x".
func (l *Language) ShortTimes(v float64) string {
	return fill(l.numbers.Times, trimZeros(l.Number(v, 2), l.numbers.Decimal))
}

// DateTime writes a moment in the language's zone, with the zone's name.
func (l *Language) DateTime(t time.Time) string { return t.In(l.Zone()).Format(l.numbers.DateTime) }

// DateTimeSeconds is DateTime with seconds.
func (l *Language) DateTimeSeconds(t time.Time) string {
	return t.In(l.Zone()).Format(strings.Replace(l.numbers.DateTime, "04", "04:05", 1))
}

// Clock writes the time of day in the language's zone, with the zone's name: "16:00 UTC".
func (l *Language) Clock(t time.Time) string { return t.In(l.Zone()).Format("15:04 MST") }

// DayMonth writes a day in UTC without its year: "5 Jan".
func (l *Language) DayMonth(t time.Time) string { return t.UTC().Format(l.numbers.DayMonth) }

// Days writes a span of days of which both ends count: "5 Jan – 9 Jan 2026".
func (l *Language) Days(from, to time.Time) string {
	from, to = from.UTC(), to.UTC()
	switch {
	case from.Equal(to):
		return to.Format(l.numbers.Date)
	case from.Year() == to.Year():
		return from.Format(l.numbers.DayMonth) + " – " + to.Format(l.numbers.Date)
	default:
		return from.Format(l.numbers.Date) + " – " + to.Format(l.numbers.Date)
	}
}

// Age words how long ago something was: "12 seconds ago".
func (l *Language) Age(d time.Duration) string {
	switch {
	case d < time.Second:
		return l.Say("age.now")
	case d < 2*time.Minute:
		return l.Count("age.seconds", int(d/time.Second))
	case d < 2*time.Hour:
		return l.Count("age.minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return l.Count("age.hours", int(d/time.Hour))
	default:
		return l.Count("age.days", int(d/(24*time.Hour)))
	}
}

// Span words a length of time: "15 minutes".
func (l *Language) Span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return l.Count("span.seconds", int(d/time.Second))
	case d < 2*time.Hour:
		return l.Count("span.minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return l.Count("span.hours", int(d/time.Hour))
	default:
		return l.Count("span.days", int(d/(24*time.Hour)))
	}
}

func fill(pattern, number string) string { return strings.Replace(pattern, "{n}", number, 1) }

// trimZeros drops zeros at the end of a fraction.
func trimZeros(s, decimal string) string {
	if !strings.Contains(s, decimal) {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), decimal)
}
