package handlers_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/locales"
	"liqbot/market"
)

// The checker below knows the wording of /report and the snapshot, and nothing of the
// rules: each claim it finds in the text is worked out again from the levels and figures
// that went in, and each claim that the figures allow has to be there.

// generatedCases is two of each combination of parts.
const generatedCases = 2048

func TestReportSaysNothingThatTheNumbersDeny(t *testing.T) {
	r := newRoom(t)
	said, longest := make(map[string]int), make(map[string]int)
	for n := range generatedCases {
		g := generate(t, n)
		r.market.all[g.Key] = g.Snapshot
		for _, tag := range locales.Tags() {
			request := typed("/report " + string(g.Key.Coin))
			request.LanguageHint = tag
			reply := r.Handle(t.Context(), request)
			c := checker{t: t, g: g, l: locales.For(tag), w: wordings[tag], said: said, longest: longest, text: reply.Text.String()}
			c.check(reply)
			if t.Failed() {
				t.Fatalf("case %d in %s:\n%s", n, tag, reply.Text)
			}
		}
	}
	t.Log("longest reports:", longest)
	// A claim that no case made was not checked.
	for _, tag := range locales.Tags() {
		for name := range wordings[tag] {
			if said[tag+" "+name] == 0 {
				t.Errorf("%s: no case said %s", tag, name)
			}
		}
	}
}

type checker struct {
	t    *testing.T
	g    generated
	l    *locales.Language
	w    map[string]string
	said map[string]int
	text string
	// longest is the most units of a report in each language.
	longest map[string]int
}

var compiled = make(map[string]*regexp.Regexp)

func compile(pattern string) *regexp.Regexp {
	if compiled[pattern] == nil {
		compiled[pattern] = regexp.MustCompile(pattern)
	}
	return compiled[pattern]
}

// said reports whether a text has a wording; most are plain, which is quicker to see.
func said(pattern, text string) bool {
	if regexp.QuoteMeta(pattern) == pattern {
		return strings.Contains(text, pattern)
	}
	return compile(pattern).MatchString(text)
}

// claim checks that a text makes a claim exactly when it is true.
func (c *checker) claim(name, text string, truth bool) {
	c.t.Helper()
	pattern, known := c.w[name]
	if !known {
		c.t.Fatalf("no wording of %q", name)
	}
	is := said(pattern, text)
	if is {
		c.said[c.l.Tag()+" "+name]++
	}
	if is != truth {
		c.t.Errorf("%q is said: %v, true: %v", name, is, truth)
	}
}

func (c *checker) shows(figures ...string) {
	c.t.Helper()
	for _, f := range figures {
		if !strings.Contains(c.text, f) {
			c.t.Errorf("report lacks %q", f)
		}
	}
}

// unsigned checks figures whose way the words tell.
func (c *checker) unsigned(figure string) {
	c.t.Helper()
	c.shows(figure)
	if strings.Contains(c.text, " -"+figure) {
		c.t.Errorf("the words tell which way %s went, and a sign as well", figure)
	}
}

func (c *checker) check(reply chat.Reply) {
	c.t.Helper()
	lines := strings.Split(c.text, "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "⚖️") })
	if at < 0 {
		c.t.Fatal("no comparison at the same distance")
	}
	c.sides(lines[0], lines[at])
	c.place()
	c.week()
	c.derivatives()
	c.marks()
	c.form(reply)
}

// reaching adds up what lies between the mark and a price.
func (c *checker) reaching(side market.Side, usd float64) float64 {
	sum := 0.0
	for _, l := range c.g.levels {
		between := l.PriceUSD > c.g.mark && l.PriceUSD <= usd
		if side == market.Long {
			between = l.PriceUSD < c.g.mark && l.PriceUSD >= usd
		}
		if l.Side == side && between {
			sum += l.IntensityUSD
		}
	}
	return sum
}

// standing says in one word how two sums compare.
func standing(long, short float64) string {
	heavy, light, side := short, long, "short"
	if long > short {
		heavy, light, side = long, short, "long"
	}
	switch {
	case heavy == 0:
		return "nothing"
	case light == 0:
		return "alone " + side
	case light/(heavy+light) < 0.02:
		return "lopsided " + side
	case heavy/light < 1.01:
		return "level"
	case heavy/light < 1.2:
		return "slight " + side
	default:
		return "clear " + side
	}
}

var standings = []string{"nothing", "alone long", "alone short", "lopsided long", "lopsided short", "level", "slight long", "slight short", "clear long", "clear short"}

// sides checks the headline, the zones, the comparison and what follows from them.
func (c *checker) sides(headline, even string) {
	l, s := c.l, c.g.Snapshot
	var long, short float64
	if k := s.Summary.Above; k != nil {
		short = c.reaching(market.Short, k.PriceUSD)
		c.zone("🔵", k, short)
	}
	if k := s.Summary.Below; k != nil {
		long = c.reaching(market.Long, k.PriceUSD)
		c.zone("🟠", k, long)
	}
	c.claim("break up", c.text, s.Summary.Above != nil)
	c.claim("break down", c.text, s.Summary.Below != nil)
	c.claim("signs", c.text, s.Summary.Above != nil || s.Summary.Below != nil)
	near, far := c.reaching(market.Long, c.g.mark*0.95*(1-1e-12)), c.reaching(market.Short, c.g.mark*1.05*(1+1e-12))
	first, second := standing(long, short), standing(near, far)
	for _, name := range standings {
		c.claim(name, headline, name == first)
		c.claim(name, even, name == second)
	}
	c.shows(l.Amount(near), l.Amount(far))
	ahead := func(of string) string { return strings.TrimPrefix(of[strings.LastIndexByte(of, ' ')+1:], " ") }
	one, other := ahead(first), ahead(second)
	sides := (one == "long" || one == "short") && (other == "long" || other == "short")
	c.claim("reversed", c.text, sides && one != other)
	own := s.Model != nil && s.Model.Last.Sub(s.Model.First) >= 168*time.Hour && s.Map.Provenance().Origin == market.Estimate && !s.Map.Provenance().Demo
	clear := strings.HasPrefix(second, "clear")
	c.claim("more to lose", c.text, own && clear)
	c.claim("no direction", c.text, !own || !clear)
	narrow := second == "level" || strings.HasPrefix(second, "slight") || second == "clear short" && far/near < 1.66
	c.claim("longs realise", c.text, own && narrow)
	c.claim("warming", c.text, s.Model != nil && s.Model.Last.Sub(s.Model.First) < 168*time.Hour)
}

// zone checks one side's line: its figure is the sum up to the price it names, which lies
// beyond the mark.
func (c *checker) zone(mark string, k *liquidation.KeyLevel, sum float64) {
	lines := strings.Split(c.text, "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, mark) })
	if at < 0 {
		c.t.Fatalf("no line for the %s side", k.Side)
	}
	sign := "+"
	if k.Side == market.Long {
		sign = "-"
	}
	for _, want := range []string{c.l.Amount(sum), c.l.Level(k.PriceUSD), c.l.SignedPercent((k.PriceUSD - c.g.mark) / c.g.mark)} {
		if !strings.Contains(lines[at], want) {
			c.t.Errorf("%q lacks %q", lines[at], want)
		}
	}
	if beyond := (k.PriceUSD > c.g.mark) == (sign == "+"); !beyond || k.PriceUSD == c.g.mark {
		c.t.Errorf("key level %v of the %s side with the mark at %v", k.PriceUSD, k.Side, c.g.mark)
	}
	c.breakout(k)
}

// breakout checks that a breakout is called off at or inside the level that confirms it,
// by the figures as they are shown.
func (c *checker) breakout(k *liquidation.KeyLevel) {
	arrow := "⬆️"
	if k.Side == market.Long {
		arrow = "⬇️"
	}
	lines := strings.Split(c.text, "\n")
	line := lines[slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, arrow) })]
	if !strings.Contains(line, c.l.Level(k.PriceUSD)) {
		c.t.Errorf("%q lacks the level %v", line, k.PriceUSD)
	}
	numbers := pricesIn(c.l.Tag(), line)
	if len(numbers) != 2 {
		c.t.Fatalf("%d prices in %q: %v", len(numbers), line, numbers)
	}
	confirm, cancel := numbers[0], numbers[1]
	if k.Side == market.Short && cancel > confirm || k.Side == market.Long && cancel < confirm {
		c.t.Errorf("confirmed at %v, called off at %v: %q", confirm, cancel, line)
	}
}

// pricesIn reads the prices of a line as a reader would.
func pricesIn(tag, line string) []float64 {
	pattern := map[string]string{"en": `\$([\d,.]*\d)`, "ru": `\$([\d\x{a0},]*\d)`, "zh-Hans": `([\d,.]*\d) 美元`}[tag]
	var out []float64
	for _, m := range compile(pattern).FindAllStringSubmatch(line, -1) {
		plain := strings.ReplaceAll(m[1], ",", "")
		if tag == "ru" {
			plain = strings.ReplaceAll(strings.ReplaceAll(m[1], "\u00a0", ""), ",", ".")
		}
		var v float64
		if _, err := fmt.Sscan(plain, &v); err == nil {
			out = append(out, v)
		}
	}
	return out
}

// fresh reports whether a figure is of the last hour.
func fresh(p market.Provenance) bool { return now.Sub(p.AsOf) <= time.Hour }

// place checks the price, its change and where it is in the range.
func (c *checker) place() {
	s, l := c.g.Snapshot, c.l
	c.shows(l.Price(c.g.mark))
	change := s.Price.Change24h
	known := s.Price.HasChange24h && !math.IsNaN(change)
	shown := math.Round(math.Abs(change)*1e4) / 1e4
	c.claim("price up", c.text, known && shown > 0 && change > 0)
	c.claim("price down", c.text, known && shown > 0 && change < 0)
	c.claim("price flat", c.text, known && shown == 0)
	r := s.Range
	there := r != nil && r.HighUSD > r.LowUSD && r.LowUSD > 0 && fresh(r.Provenance)
	c.claim("range", c.text, there)
	f := math.NaN()
	if there {
		f = (c.g.mark - r.LowUSD) / (r.HighUSD - r.LowUSD)
		c.shows(l.Level(r.HighUSD), l.Level(r.LowUSD))
	}
	c.claim("at low", c.text, there && c.g.mark <= r.LowUSD)
	c.claim("near low", c.text, there && c.g.mark > r.LowUSD && f <= 0.1)
	c.claim("lower", c.text, f > 0.1 && f < 0.4)
	c.claim("middle", c.text, f >= 0.4 && f <= 0.6)
	c.claim("upper", c.text, f > 0.6 && f < 0.9)
	c.claim("near high", c.text, there && f >= 0.9 && c.g.mark < r.HighUSD)
	c.claim("at high", c.text, there && c.g.mark >= r.HighUSD)
}

// week checks what was liquidated and the flows.
func (c *checker) week() {
	s, l := c.g.Snapshot, c.l
	q := s.Liquidations
	there := q != nil && fresh(q.Provenance) && !math.IsNaN(q.LongUSD+q.ShortUSD)
	sum := 0.0
	if there {
		sum = q.LongUSD + q.ShortUSD
	}
	c.claim("liquidated", c.text, sum > 0)
	c.claim("none liquidated", c.text, there && sum == 0)
	c.claim("mostly long", c.text, sum > 0 && q.LongUSD >= 0.6*sum)
	c.claim("mostly short", c.text, sum > 0 && q.ShortUSD >= 0.6*sum)
	if sum > 0 {
		c.shows(l.Amount(q.LongUSD), l.Amount(q.ShortUSD))
	}
	f := s.ETF
	news := f != nil && !math.IsInf(f.NetUSD, 0) && now.Sub(f.To) <= 14*24*time.Hour
	c.claim("inflow", c.text, news && f.NetUSD >= 0.5)
	c.claim("outflow", c.text, news && f.NetUSD <= -0.5)
	c.claim("no flow", c.text, news && math.Abs(f.NetUSD) < 0.5)
	if news && math.Abs(f.NetUSD) >= 0.5 {
		c.unsigned(l.Amount(math.Abs(f.NetUSD)))
	}
}

// derivatives checks funding and open interest against what is usual.
func (c *checker) derivatives() {
	s, l := c.g.Snapshot, c.l
	rate, usual, interval, venue := c.funding()
	there := venue != ""
	c.claim("funding", c.text, there)
	c.claim("longs pay", c.text, there && rate >= 0.0000005)
	c.claim("shorts pay", c.text, there && rate <= -0.0000005)
	c.claim("nobody pays", c.text, there && math.Abs(rate) < 0.0000005)
	off := rate - usual
	wide := math.Max(0.000002, 0.00001*interval.Hours()/8)
	c.claim("above usual", c.text, there && off >= wide)
	c.claim("below usual", c.text, there && off <= -wide)
	c.claim("about usual", c.text, there && math.Abs(off) < wide)
	if there {
		c.shows(string(venue), l.FinePercent(rate))
	}
	o := s.OpenInterest
	there = o != nil && fresh(o.Provenance)
	c.claim("interest", c.text, there)
	change := math.NaN()
	if there {
		c.shows(l.Amount(o.USD))
		if o.HasChange24h {
			change = o.Change24h
		}
	}
	shown := math.Round(math.Abs(change)*1e4) / 1e4
	if shown > 0 {
		c.unsigned(l.Percent(math.Abs(change)))
	}
	c.claim("interest up", c.text, shown > 0 && change > 0)
	c.claim("interest down", c.text, shown > 0 && change < 0)
	c.claim("interest flat", c.text, shown == 0)
}

// funding is what the report should quote: of the largest venue with a usual rate, else
// of the largest, else the source's own; usual is NaN when it is not known.
func (c *checker) funding() (rate, usual float64, interval time.Duration, venue market.Venue) {
	for _, need := range []bool{true, false} {
		for _, v := range c.g.Venues {
			f := v.Funding
			if f == nil || math.IsNaN(f.Rate) || now.Sub(v.AsOf) > time.Hour || need && (!f.HasUsual || math.IsNaN(f.UsualRate)) {
				continue
			}
			if !need {
				return f.Rate, math.NaN(), f.Interval, v.Venue
			}
			return f.Rate, f.UsualRate, f.Interval, v.Venue
		}
	}
	if f := c.g.Funding; f != nil && !math.IsNaN(f.Rate) && fresh(f.Provenance) {
		return f.Rate, math.NaN(), f.Interval, f.Venue
	}
	return 0, math.NaN(), 0, ""
}

// marks checks that what the data is and is not stands with it.
func (c *checker) marks() {
	s := c.g.Snapshot
	p := s.Map.Provenance()
	if strings.Contains(c.text, "DEMO") != p.Demo {
		c.t.Errorf("DEMO is not said as it is")
	}
	c.claim("stale", c.text, now.Sub(p.AsOf) > 2*time.Minute)
	c.shows(p.Source, c.l.Say("label.relative"), c.l.Age(now.Sub(p.AsOf)), c.l.DateTime(p.AsOf))
	for _, v := range slices.Concat(p.Venues, p.Missing) {
		c.shows(string(v))
	}
	if !p.Demo && !p.RecordedAt.IsZero() {
		c.shows("⏪", c.l.DateTime(p.RecordedAt))
	}
}

var (
	broken  = []string{"NaN", "Inf", "∞", "{", "}", "%!", "  ", "()", "（）", "report.", "why.", "liq.", "label."}
	escaped = regexp.MustCompile("[\\\\*_~|`<\\[\\]@]")
)

func (c *checker) never(text string, words []string) {
	c.t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			c.t.Errorf("report contains %q", word)
		}
	}
}

// form checks the text as a text: nothing left open, no promise, short enough for both
// platforms with their markup.
func (c *checker) form(reply chat.Reply) {
	c.never(c.text, broken)
	c.never(strings.ToLower(strings.ReplaceAll(c.text, c.l.Say("label.relative"), "")), promises[c.l.Tag()])
	units := discordUnits(reply.Text)
	c.longest[c.l.Tag()] = max(c.longest[c.l.Tag()], units)
	if units > 2000 {
		c.t.Errorf("report has %d units with markup, of which Discord takes 2,000", units)
	}
	if reply.Private || len(reply.Buttons) == 0 {
		c.t.Errorf("reply %+v", reply)
	}
}

// discordUnits is the length of a text with Discord's markup.
func discordUnits(text chat.Text) int {
	units := chat.Units(text.String()) + len(escaped.FindAllString(text.String(), -1))
	for _, span := range text {
		units += map[chat.Style]int{chat.Bold: 4, chat.Italic: 2, chat.Code: 2}[span.Style]
	}
	return units
}
