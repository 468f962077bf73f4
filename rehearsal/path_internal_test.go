package rehearsal

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/backtest"
	"liqbot/liquidation"
	"liqbot/market"
)

var midnight = time.Date(2024, time.July, 1, 0, 0, 0, 0, time.UTC)

func candle(at, length int, open, high, low, closing float64) backtest.Bar {
	return backtest.Bar{
		Start: midnight.Add(time.Duration(at) * time.Minute), Length: time.Duration(length) * time.Minute,
		Open: open, High: high, Low: low, Close: closing,
	}
}

func TestCorners(t *testing.T) {
	for name, c := range map[string]struct {
		bar  backtest.Bar
		want [4]float64
	}{
		"the high is nearer":  {candle(0, 3, 100, 101, 95, 96), [4]float64{100, 101, 95, 96}},
		"the low is nearer":   {candle(0, 3, 100, 110, 99, 105), [4]float64{100, 99, 110, 105}},
		"as far, and it rose": {candle(0, 3, 100, 102, 98, 101), [4]float64{100, 98, 102, 101}},
		"as far, and it fell": {candle(0, 3, 100, 102, 98, 99), [4]float64{100, 102, 98, 99}},
		"no move":             {candle(0, 3, 100, 100, 100, 100), [4]float64{100, 100, 100, 100}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, got := range corners(c.bar) {
				if got.usd != c.want[i] || got.at != midnight.Add(time.Duration(i)*time.Minute) {
					t.Errorf("corner %d: %v at %v, want %v", i, got.usd, got.at, c.want[i])
				}
			}
		})
	}
}

// The rules take a silence of two minutes for a gap.
func TestLooksLeaveNoGap(t *testing.T) {
	for name, bars := range map[string][]backtest.Bar{
		"an hour":      {candle(0, 60, 100, 110, 95, 105)},
		"five minutes": {candle(0, 5, 100, 110, 95, 105), candle(5, 5, 106, 107, 100, 101)},
		"minutes":      {candle(0, 1, 100, 110, 95, 105), candle(1, 1, 106, 107, 100, 101), candle(2, 1, 101, 101, 101, 101)},
	} {
		t.Run(name, func(t *testing.T) {
			last := bars[len(bars)-1]
			points := looks(way(bars))
			if points[0].at != midnight || points[len(points)-1] != (corner{last.End(), last.Close}) {
				t.Errorf("from %v to %v", points[0], points[len(points)-1])
			}
			low, high := math.Inf(1), 0.0
			for i, p := range points {
				low, high = min(low, p.usd), max(high, p.usd)
				if i == 0 {
					continue
				}
				if over := p.at.Sub(points[i-1].at); over <= 0 || over > lookEvery {
					t.Errorf("look %d comes %v after the one before", i, over)
				}
			}
			if low != 95 || high != 110 {
				t.Errorf("prices from %v to %v, want from 95 to 110", low, high)
			}
		})
	}
}

func tracked(usd ...float64) *played {
	p := &played{rec: &backtest.Recorded{Step: time.Hour}}
	for i, v := range usd {
		p.track.add(corner{midnight.Add(time.Duration(i) * time.Minute), v})
	}
	return p
}

func TestTrackUntil(t *testing.T) {
	t1 := tracked(100, 101, 102, 99, 98, 105).track
	holed := t1
	holed.at = append([]int64(nil), t1.at...)
	for i := 3; i < len(holed.at); i++ {
		holed.at[i] += (10 * time.Minute).Milliseconds()
	}
	for name, c := range map[string]struct {
		in        *track
		within    time.Duration
		low, high float64
		index     int
		known     bool
	}{
		"it rises":           {&t1, time.Hour, 0, 102, 2, true},
		"it falls":           {&t1, time.Hour, 98, math.Inf(1), 4, true},
		"not the first look": {&t1, time.Hour, 100, math.Inf(1), 3, true},
		"too late":           {&t1, 4 * time.Minute, 0, 105, -1, true},
		"the track ends":     {&t1, time.Hour, 0, 106, -1, false},
		"before a hole":      {&holed, time.Hour, 0, 102, 2, true},
		"behind a hole":      {&holed, time.Hour, 0, 105, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			if index, known := c.in.until(midnight, c.within, c.low, c.high); index != c.index || known != c.known {
				t.Errorf("got %d, %t, want %d, %t", index, known, c.index, c.known)
			}
		})
	}
}

func TestMeasure(t *testing.T) {
	usd := make([]float64, 24*60+10)
	for i := range usd {
		usd[i] = 100 + float64(i)/60 // a dollar an hour
	}
	p := tracked(usd...)
	for i := range 30 {
		p.rec.Liquidated = append(p.rec.Liquidated, backtest.Liquidated{
			Start: midnight.Add(time.Duration(i-1) * time.Hour), Length: time.Hour, Swept: backtest.Swept{Long: 1, Short: 10},
		})
	}
	up := p.measure(newEvent(alert.Breakout, midnight, 100, 99, true))
	if *up.Lead != 60 || up.Opposite || !up.After[0].Held || math.Abs(up.After[1].Move-.04) > 1e-9 || *up.After[1].LiquidatedUSD != 40 {
		t.Errorf("upwards: %+v", up)
	}
	down := p.measure(newEvent(alert.Breakout, midnight, 100, 101, false))
	if down.Lead != nil || !down.LeadKnown || !down.Opposite || down.After[1].Held || math.Abs(down.After[1].Move+.04) > 1e-9 || *down.After[1].LiquidatedUSD != 4 {
		t.Errorf("downwards: %+v", down)
	}
	if near := p.measure(newEvent(alert.Approach, midnight, 100, 100.5, true)); *near.Lead != 30 {
		t.Errorf("an approach: %+v", near)
	}
	if off := p.measure(newEvent(alert.Funding, midnight, 100, 0, false)); *off.Lead != 60 || off.After[1].Move < 0 || off.After[1].Held || off.After[1].LiquidatedUSD != nil {
		t.Errorf("funding: %+v", off)
	}
	late := p.measure(newEvent(alert.Breakout, midnight.Add(23*time.Hour+30*time.Minute), 123.5, 99, true))
	if late.LeadKnown || late.After[1].Known || late.After[1].LiquidatedUSD != nil {
		t.Errorf("beyond the end: %+v", late)
	}
}

// A control of a breakout is a level that was as far away and that the price broke.
func TestControlOfABreakout(t *testing.T) {
	usd := make([]float64, 3*24*60)
	for i := range usd {
		usd[i] = 100 + 5*math.Sin(float64(i)/200)
	}
	p := tracked(usd...)
	d := newDrawer(p, alert.Breakout, 10*time.Second)
	a := &alert.Alert{Rule: alert.Breakout, Rising: true, At: midnight.Add(time.Hour), IntensityAt: midnight, LevelUSD: 102, PriceUSD: 102.1}
	events := d.moments(a)
	if len(events) < controls/4 {
		t.Fatalf("%d moments", len(events))
	}
	for _, e := range events {
		before, _ := p.track.price(e.at.Add(-2 * time.Minute))
		if e.usd <= e.level || before > e.level || !e.rising {
			t.Errorf("%+v, the price was %v before", e, before)
		}
	}
	if diff := cmp.Diff(len(events), len(newDrawer(p, alert.Breakout, 10*time.Second).moments(a))); diff != "" {
		t.Error("other moments are drawn the second time")
	}
}

func TestRealisedAreKnownOnceTheirHourIsOver(t *testing.T) {
	rec := &backtest.Recorded{Step: time.Hour, Venue: "binance"}
	for _, i := range []int{0, 1, 3} {
		rec.Liquidated = append(rec.Liquidated, backtest.Liquidated{
			Start: midnight.Add(time.Duration(i) * time.Hour), Length: time.Hour, Swept: backtest.Swept{Long: 120, Short: 12},
		})
	}
	for name, c := range map[string]struct {
		bunched bool
		quarter float64
	}{"even": {false, 30}, "bunched": {true, 120}} {
		t.Run(name, func(t *testing.T) {
			r := newRealised(rec, c.bunched)
			if r.at(midnight.Add(59*time.Minute)) != nil {
				t.Error("something is known before the hour is over")
			}
			first := r.at(midnight.Add(time.Hour))
			if sum := first.Sum(time.Hour); sum.LongUSD != 120 || sum.ShortUSD != 12 || first.Watched[0].Since != midnight {
				t.Errorf("after the hour: %+v, watched %+v", sum, first.Watched)
			}
			if sum := first.Sum(15 * time.Minute); sum.LongUSD != c.quarter {
				t.Errorf("in the last quarter of it: %v, want %v", sum.LongUSD, c.quarter)
			}
			later := r.at(midnight.Add(4 * time.Hour))
			if got := later.Watched[0].Since; got != midnight.Add(3*time.Hour) || later.Sum(4*time.Hour).LongUSD != 360 {
				t.Errorf("watched since %v, want since the end of the hole", got)
			}
		})
	}
	four := &backtest.Recorded{Step: 4 * time.Hour, Liquidated: rec.Liquidated}
	if r := newRealised(four, false); r.at(midnight.Add(24*time.Hour)) != nil {
		t.Error("sums of four hours say nothing of a quarter of one")
	}
}

func TestFundingStandsUntilTheNext(t *testing.T) {
	f := funding{venue: "binance", paid: []backtest.Paid{{At: midnight, Rate: .1, Every: 8 * time.Hour}, {At: midnight.Add(16 * time.Hour), Rate: .2, Every: 8 * time.Hour}}}
	for _, c := range []struct {
		hours float64
		rate  float64 // 0 for not known
	}{{-1, 0}, {0, .1}, {7.9, .1}, {8, 0}, {15, 0}, {16, .2}, {24, 0}} {
		at := midnight.Add(time.Duration(c.hours * float64(time.Hour)))
		got := f.at(at, market.Provenance{AsOf: at})
		if (got != nil) != (c.rate != 0) || got != nil && got.Rate != c.rate {
			t.Errorf("after %v hours: %+v, want %v", c.hours, got, c.rate)
		}
	}
}

func TestIntervals(t *testing.T) {
	if lo, hi := wilson(50, 100); math.Abs(lo-.4038) > .0001 || math.Abs(hi-.5962) > .0001 {
		t.Errorf("50 of 100: [%v, %v]", lo, hi)
	}
	if lo, _ := wilson(0, 0); !math.IsNaN(lo) {
		t.Errorf("0 of 0: %v", lo)
	}
	sorted := make([]float64, 101)
	for i := range sorted {
		sorted[i] = float64(i)
	}
	if lo, hi := medianInterval(sorted); lo != 40 || hi != 61 {
		t.Errorf("median of 0 to 100: [%v, %v]", lo, hi)
	}
	if lo, _ := medianInterval(sorted[:9]); !math.IsNaN(lo) {
		t.Errorf("median of nine: %v", lo)
	}
	for want, c := range map[string][3]backtest.Figure{
		"better": {.4, .45, .6}, "worse": {.7, .45, .6}, "no_different": {.5, .45, .6}, "too_few": {.5, backtest.Figure(math.NaN()), .6},
	} {
		if got := verdict(c[0], c[1], c[2]); got != want {
			t.Errorf("%v: %s, want %s", c, got, want)
		}
	}
}

// Where the price goes through a level that was shown in the last day, it is looked at a
// second later and once it can have held, each level once.
func TestKeysAreLookedAtClosely(t *testing.T) {
	var k keys
	shown := func(usd float64) *liquidation.KeyLevel { return &liquidation.KeyLevel{PriceUSD: usd} }
	k.seen(midnight.Add(-25*time.Hour), shown(101))
	k.seen(midnight.Add(-time.Hour), shown(102), nil)
	k.seen(midnight, shown(102), shown(98))
	from, to := corner{midnight, 100}, corner{midnight.Add(40 * time.Second), 104}
	for range 2 {
		k.crossed(from, to, 30*time.Second)
	}
	if diff := cmp.Diff([]time.Time{midnight.Add(21 * time.Second)}, k.before(to.at)); diff != "" {
		t.Errorf("within the piece (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]time.Time{midnight.Add(51 * time.Second)}, k.before(to.at.Add(time.Hour))); diff != "" {
		t.Errorf("later (-want +got):\n%s", diff)
	}
	if len(k.levels) != 1 || len(k.before(to.at.Add(time.Hour))) != 0 {
		t.Errorf("levels %v are left, want 98", k.levels)
	}
}

// What is measured of breakouts is what the bot would have told of them.
func TestOutcomesAreThoseOfTheBot(t *testing.T) {
	t.Parallel()
	all, err := backtest.Markets(os.DirFS("testdata/market"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := play(t.Context(), all[0], Defaults(), false)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]*alert.Followed{}
	for _, a := range p.followed {
		told[a.ID] = a.Followed
	}
	compared := 0
	for i := range p.alerts {
		a := &p.alerts[i]
		if a.Rule != alert.Breakout {
			continue
		}
		for k, after := range p.measure(p.event(a)).After {
			f := told[a.ID+"/"+horizons()[k].String()]
			if (f != nil) != after.Known {
				t.Errorf("%v after %v: known %t, told %t", a.At, horizons()[k], after.Known, f != nil)
			}
			if f == nil {
				continue
			}
			compared++
			move := f.ToUSD/f.FromUSD - 1
			if !a.Rising {
				move = -move
			}
			if math.Abs(move-after.Move) > 1e-12 || f.Held != after.Held {
				t.Errorf("%v after %v: told %+v, measured %+v", a.At, horizons()[k], f, after)
			}
		}
	}
	if compared < 20 {
		t.Errorf("%d outcomes are compared", compared)
	}
}
