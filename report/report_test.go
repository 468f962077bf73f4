package report_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/report"
	"liqbot/snapshot"
)

var now = time.Date(2026, 11, 24, 14, 5, 8, 0, time.UTC)

var measured = market.Provenance{Source: "exchanges", Origin: market.Measured, AsOf: now.Add(-8 * time.Second), Venues: []market.Venue{"Binance", "OKX"}}

// market0 has a price of 100 with shorts of 3 up to 104 and longs of 2 down to 97.
func market0(tb testing.TB, change func(*snapshot.Snapshot, *liquidation.Input)) *snapshot.Snapshot {
	tb.Helper()
	in := liquidation.Input{
		Coin: "BTC", Window: market.Week, MarkUSD: 100, Provenance: measured,
		Levels: []liquidation.Level{
			{PriceUSD: 104, Side: market.Short, IntensityUSD: 3},
			{PriceUSD: 97, Side: market.Long, IntensityUSD: 2},
		},
	}
	in.Provenance.Origin = market.Estimate
	s := &snapshot.Snapshot{
		Key:   snapshot.Key{Coin: "BTC", Window: market.Week},
		Price: market.Price{USD: 100, Kind: market.MarkPrice, Provenance: measured},
	}
	if change != nil {
		change(s, &in)
	}
	m, err := liquidation.New(in)
	if err != nil {
		tb.Fatal(err)
	}
	s.Map, s.Summary = m, m.Summarise(0.06, 0.05)
	return s
}

// find returns the sentence of a type, false when there is none.
func find[T report.Sentence](a report.Article) (T, bool) {
	for _, p := range a.Paragraphs {
		for _, s := range p {
			if found, ok := s.(T); ok {
				return found, true
			}
		}
	}
	var none T
	return none, false
}

func TestHeadlineSaysWhoIsAhead(t *testing.T) {
	for name, c := range map[string]struct {
		long, short float64
		want        report.Lead
	}{
		"shorts":         {2, 3, report.Lead{Degree: report.Clear, Side: market.Short, Ratio: 1.5}},
		"longs":          {3, 2, report.Lead{Degree: report.Clear, Side: market.Long, Ratio: 1.5}},
		"shorts a bit":   {10, 11, report.Lead{Degree: report.Slight, Side: market.Short, Ratio: 1.1}},
		"longs a bit":    {11, 10, report.Lead{Degree: report.Slight, Side: market.Long, Ratio: 1.1}},
		"the same":       {5, 5, report.Lead{Degree: report.Level}},
		"hardly apart":   {1000, 1009, report.Lead{Degree: report.Level}},
		"at a hundredth": {1000, 1010, report.Lead{Degree: report.Slight, Side: market.Short, Ratio: 1.01}},
		"at the border":  {10, 12, report.Lead{Degree: report.Clear, Side: market.Short, Ratio: 1.2}},
		"almost empty":   {1, 99, report.Lead{Degree: report.Lopsided, Side: market.Short}},
		"almost empty 2": {99, 1, report.Lead{Degree: report.Lopsided, Side: market.Long}},
		"only shorts":    {0, 1, report.Lead{Degree: report.Alone, Side: market.Short}},
		"only longs":     {1, 0, report.Lead{Degree: report.Alone, Side: market.Long}},
	} {
		t.Run(name, func(t *testing.T) {
			a := report.Write(market0(t, func(_ *snapshot.Snapshot, in *liquidation.Input) {
				in.Levels[0].IntensityUSD, in.Levels[1].IntensityUSD = c.short, c.long
			}), now)
			if diff := cmp.Diff(report.Headline{Lead: c.want, Band: 0.06}, a.Headline); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			even, _ := find[report.Even](a)
			if diff := cmp.Diff(c.want, even.Lead); diff != "" {
				t.Errorf("same distance (-want +got)\n%s", diff)
			}
		})
	}
}

func TestFarLevelsAreNoZone(t *testing.T) {
	a := report.Write(market0(t, func(_ *snapshot.Snapshot, in *liquidation.Input) {
		in.Levels[0].PriceUSD, in.Levels[1].PriceUSD = 150, 50
	}), now)
	if a.Headline.Degree != report.Nothing {
		t.Errorf("headline %+v", a.Headline)
	}
	if empty, ok := find[report.EmptyZone](a); !ok || empty.TotalUSD != 3 {
		t.Errorf("%+v, %v", empty, ok)
	}
	if b, ok := find[report.Breakout](a); ok {
		t.Errorf("a breakout of nothing: %+v", b)
	}
	if _, ok := find[report.Signs](a); ok {
		t.Error("signs of no breakout")
	}
}

func TestPlaceInTheRange(t *testing.T) {
	for name, c := range map[string]struct {
		low, high float64
		want      report.Place
	}{
		"at the low":        {100, 110, report.Place{Where: report.AtLow, Fraction: 0.01}},
		"below":             {101, 110, report.Place{Where: report.AtLow, Fraction: 0.01}},
		"near the low":      {99, 109, report.Place{Where: report.NearLow, Fraction: 0.1}},
		"lower part":        {98, 108, report.Place{Where: report.LowerPart, Fraction: 0.2}},
		"middle":            {95, 105, report.Place{Where: report.Middle, Fraction: 0.5}},
		"upper part":        {92, 102, report.Place{Where: report.UpperPart, Fraction: 0.8}},
		"near the high":     {91, 101, report.Place{Where: report.NearHigh, Fraction: 0.9}},
		"a hair from it":    {50, 100.001, report.Place{Where: report.NearHigh, Fraction: 0.99}},
		"at the high":       {90, 100, report.Place{Where: report.AtHigh, Fraction: 0.99}},
		"above":             {90, 99, report.Place{Where: report.AtHigh, Fraction: 0.99}},
		"a range of no use": {100, 100, report.Place{}},
		"nonsense":          {math.NaN(), 100, report.Place{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := market0(t, nil)
			s.Range = &market.PriceRange{LowUSD: c.low, HighUSD: c.high, Window: market.Week, Provenance: measured}
			got, ok := find[report.Place](report.Write(s, now))
			if diff := cmp.Diff(c.want, got); diff != "" || ok != (c.want.Fraction > 0) {
				t.Errorf("there: %v (-want +got)\n%s", ok, diff)
			}
		})
	}
}

func TestOldFiguresAreLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		age  time.Duration
		want bool
	}{"an hour": {time.Hour, true}, "more": {time.Hour + time.Second, false}, "never": {math.MaxInt64, false}} {
		t.Run(name, func(t *testing.T) {
			p := measured
			p.AsOf = now.Add(-c.age)
			s := market0(t, nil)
			s.Range = &market.PriceRange{LowUSD: 90, HighUSD: 110, Window: market.Week, Provenance: p}
			s.Liquidations = &market.Liquidations{LongUSD: 1, ShortUSD: 2, Over: time.Hour, Provenance: p}
			s.OpenInterest = &market.OpenInterest{USD: 5, Provenance: p}
			s.Funding = &market.Funding{Venue: "OKX", Rate: 0.0001, Interval: time.Hour, Provenance: p}
			a := report.Write(s, now)
			_, ranged := find[report.Range](a)
			_, lost := find[report.Liquidated](a)
			_, open := find[report.OpenInterest](a)
			_, paid := find[report.Funding](a)
			if diff := cmp.Diff([]bool{c.want, c.want, c.want, c.want}, []bool{ranged, lost, open, paid}); diff != "" {
				t.Errorf("range, liquidated, interest, funding (-want +got)\n%s", diff)
			}
		})
	}
}

func TestFundingAgainstItsUsual(t *testing.T) {
	venue := func(name market.Venue, rate, usual float64, has bool, interval time.Duration) market.VenueFigures {
		return market.VenueFigures{Venue: name, AsOf: now, Funding: &market.VenueFunding{Rate: rate, UsualRate: usual, HasUsual: has, Interval: interval}}
	}
	const eight = 8 * time.Hour
	for name, c := range map[string]struct {
		venues []market.VenueFigures
		want   report.Funding
	}{
		"above":             {[]market.VenueFigures{venue("OKX", 0.0003, 0.0001, true, eight)}, report.Funding{Venue: "OKX", Rate: 0.0003, Interval: eight, Payer: market.Long, Usual: &report.Usual{Rate: 0.0001, Direction: report.Up}}},
		"negative, above":   {[]market.VenueFigures{venue("OKX", -0.0001, -0.0003, true, eight)}, report.Funding{Venue: "OKX", Rate: -0.0001, Interval: eight, Payer: market.Short, Usual: &report.Usual{Rate: -0.0003, Direction: report.Up}}},
		"below":             {[]market.VenueFigures{venue("OKX", 0.0001, 0.0003, true, eight)}, report.Funding{Venue: "OKX", Rate: 0.0001, Interval: eight, Payer: market.Long, Usual: &report.Usual{Rate: 0.0003, Direction: report.Down}}},
		"about":             {[]market.VenueFigures{venue("OKX", 0.000105, 0.0001, true, eight)}, report.Funding{Venue: "OKX", Rate: 0.000105, Interval: eight, Payer: market.Long, Usual: &report.Usual{Rate: 0.0001, Direction: report.Flat}}},
		"nothing is paid":   {[]market.VenueFigures{venue("OKX", 0.0000004, 0, false, eight)}, report.Funding{Venue: "OKX", Rate: 0.0000004, Interval: eight}},
		"the one that told": {[]market.VenueFigures{{Venue: "Gate", AsOf: now}, venue("OKX", 1, 0, false, eight), venue("Bybit", 0.0001, 0.0001, true, time.Hour)}, report.Funding{Venue: "Bybit", Rate: 0.0001, Interval: time.Hour, Payer: market.Long, Usual: &report.Usual{Rate: 0.0001}}},
		"the largest":       {[]market.VenueFigures{venue("OKX", 0.0001, 0, false, eight), venue("Bybit", 0.0002, 0, false, eight)}, report.Funding{Venue: "OKX", Rate: 0.0001, Interval: eight, Payer: market.Long}},
		"none":              {nil, report.Funding{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := market0(t, nil)
			s.Venues = c.venues
			got, _ := find[report.Funding](report.Write(s, now))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What replays showed is said of the bot's own estimate alone, once it is warm.
func TestOnlyWhatReplaysShowedIsClaimed(t *testing.T) {
	own := func(s *snapshot.Snapshot, _ *liquidation.Input) {
		s.Model = &snapshot.Model{First: now.Add(-200 * time.Hour), Last: now, WarmUp: 168 * time.Hour}
	}
	for name, c := range map[string]struct {
		change              func(*snapshot.Snapshot, *liquidation.Input)
		lose, longs, warmer bool
	}{
		"own, shorts ahead": {own, true, true, false},
		"own, longs ahead": {func(s *snapshot.Snapshot, in *liquidation.Input) {
			own(s, in)
			in.Levels[1].IntensityUSD = 9
		}, true, false, false},
		"own, shorts far ahead": {func(s *snapshot.Snapshot, in *liquidation.Input) {
			own(s, in)
			in.Levels[0].IntensityUSD = 9
		}, true, false, false},
		"own, level": {func(s *snapshot.Snapshot, in *liquidation.Input) {
			own(s, in)
			in.Levels[0].IntensityUSD = 2
		}, false, true, false},
		"warming up": {func(s *snapshot.Snapshot, in *liquidation.Input) {
			own(s, in)
			s.Model.First = now.Add(-92 * time.Hour)
		}, false, false, true},
		"a vendor's": {func(_ *snapshot.Snapshot, in *liquidation.Input) { in.Provenance.Origin = market.Vendor }, false, false, false},
		"demo": {func(s *snapshot.Snapshot, in *liquidation.Input) {
			own(s, in)
			in.Provenance.Demo = true
		}, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := report.Write(market0(t, c.change), now)
			_, lose := find[report.MoreToLose](a)
			_, none := find[report.NoDirection](a)
			_, longs := find[report.LongsRealiseMore](a)
			warming, is := find[report.Warming](a)
			if lose != c.lose || none == c.lose || longs != c.longs || is != c.warmer {
				t.Errorf("more to lose %v, no direction %v, longs realise more %v, warming %v", lose, none, longs, is)
			}
			if want := (report.Warming{Have: 92 * time.Hour, Need: 168 * time.Hour}); is && warming != want {
				t.Errorf("%+v", warming)
			}
		})
	}
}

// A breakout is called off where the price leaves the zone again, never beyond the level
// that confirms it.
func TestBreakoutIsCalledOffAtTheNearEdge(t *testing.T) {
	s := market0(t, func(_ *snapshot.Snapshot, in *liquidation.Input) {
		in.Levels = []liquidation.Level{
			{PriceUSD: 103.00004, Side: market.Short, IntensityUSD: 3},
			{PriceUSD: 103.05004, Side: market.Short, IntensityUSD: 3},
			{PriceUSD: 97, Side: market.Long, IntensityUSD: 2},
		}
	})
	var got []report.Breakout
	for _, p := range report.Write(s, now).Paragraphs {
		for _, sentence := range p {
			if b, ok := sentence.(report.Breakout); ok {
				got = append(got, b)
			}
		}
	}
	want := []report.Breakout{{Side: market.Short, ConfirmUSD: 103.06, CancelUSD: 103}, {Side: market.Long, ConfirmUSD: 97, CancelUSD: 97}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBareSnapshotHasAnArticleWithoutGaps(t *testing.T) {
	a := report.Write(market0(t, nil), now)
	if len(a.Paragraphs) != 4 {
		t.Errorf("%d paragraphs", len(a.Paragraphs))
	}
	for i, p := range a.Paragraphs {
		if len(p) == 0 {
			t.Errorf("paragraph %d is empty", i)
		}
	}
}
