package accuracy_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/accuracy"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/storage"
)

// desk feeds a checker with one coin's snapshots.
type desk struct {
	t       *testing.T
	checker *accuracy.Checker
	store   accuracy.Store
	stop    func()

	mark   float64
	number uint64
	recent []snapshot.SeenOrder
	rows   []market.Realised
	since  map[market.Venue]time.Time
	// change is made to each snapshot.
	change func(*snapshot.Snapshot, *liquidation.Input)
}

// eve is long before the hours of these tests.
var eve = midnight.Add(-48 * time.Hour)

func newDesk(t *testing.T, store accuracy.Store) *desk {
	t.Helper()
	d := &desk{t: t, store: store, mark: 60000, since: map[market.Venue]time.Time{"Binance": eve, "Bybit": eve, "Gate": eve}}
	d.start()
	t.Cleanup(func() { d.stop() })
	return d
}

func (d *desk) start() {
	d.checker = accuracy.New(accuracy.Options{Store: d.store})
	ctx, cancel := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.checker.Run(ctx) }()
	d.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			d.t.Error(err)
		}
		d.stop = func() {}
	}
}

// restart is what a new process does: venues are watched anew.
func (d *desk) restart(now time.Time) {
	d.stop()
	d.number, d.recent = 0, nil
	for v := range d.since {
		d.since[v] = now
	}
	d.start()
}

// publish hands a snapshot over and waits until it was looked at; in a bubble of synctest.
func (d *desk) publish(now time.Time) {
	d.t.Helper()
	of := func(origin market.Origin) market.Provenance {
		return market.Provenance{Source: "Exchanges", Origin: origin, AsOf: now, Venues: []market.Venue{"Binance", "Bybit", "Gate", "Hyperliquid"}}
	}
	in := liquidation.Input{Coin: "BTC", Window: market.Week, MarkUSD: d.mark, Provenance: of(market.Estimate)}
	for _, v := range of("").Venues {
		for i := int32(1); i < 200; i++ {
			for side, level := range map[market.Side]int32{market.Long: at(60000) - i, market.Short: at(60000) + i} {
				in.Levels = append(in.Levels, liquidation.Level{PriceUSD: math.Exp((float64(level) + .5) * levelWidth), Side: side, IntensityUSD: 1e6, Venue: v})
			}
		}
	}
	figures := func(v market.Venue, coins float64, c market.LiquidationCoverage) market.VenueFigures {
		return market.VenueFigures{Venue: v, Symbol: "BTC" + string(v), MarkUSD: d.mark, AsOf: now, Coverage: c, OpenInterest: &market.OpenInterest{Coins: coins, USD: coins * d.mark}}
	}
	s := &snapshot.Snapshot{
		Key:    snapshot.Key{Coin: "BTC", Window: market.Week},
		Price:  market.Price{USD: d.mark, Kind: market.MarkPrice, Provenance: of(market.Measured)},
		Venues: []market.VenueFigures{figures("Binance", 9000, market.Sampled), figures("Bybit", 5000, market.EveryOrder), figures("Gate", 2000, market.EveryOrder), figures("Hyperliquid", 1000, market.Watched)},
		Model:  &snapshot.Model{Parameters: "fitted", First: eve, Last: now, WarmUp: time.Hour},
		Realised: &snapshot.Realised{
			AsOf: now, Rows: slices.Clone(d.rows), Recent: slices.Clone(d.recent),
			Watched: []snapshot.WatchedVenue{
				{Venue: "Binance", Coverage: market.Sampled, Since: d.since["Binance"]},
				{Venue: "Bybit", Coverage: market.EveryOrder, Since: d.since["Bybit"]},
				{Venue: "Gate", Coverage: market.EveryOrder, Since: d.since["Gate"]},
				{Venue: "Hyperliquid", Coverage: market.Watched, Since: eve},
			},
		},
	}
	if d.change != nil {
		d.change(s, &in)
	}
	var err error
	if s.Map, err = liquidation.New(in); err != nil {
		d.t.Fatal(err)
	}
	d.checker.Publish(s)
	synctest.Wait()
}

// pass publishes a snapshot every minute in [from, to).
func (d *desk) pass(from, to time.Time) {
	d.t.Helper()
	for now := from; now.Before(to); now = now.Add(time.Minute) {
		d.publish(now)
	}
}

// order is one that a venue reports right before now.
func (d *desk) order(now time.Time, venue market.Venue, side market.Side, coins, printedUSD float64) {
	d.number++
	o := market.Liquidation{At: now.Add(-time.Second), Side: side, Coins: coins, PriceUSD: printedUSD}
	d.recent = append(d.recent, snapshot.SeenOrder{Number: d.number, Venue: venue, Liquidation: o})
	row := market.Realised{Start: o.At.Truncate(market.RealisedLength), Venue: venue, Orders: 1}
	if side == market.Long {
		row.LongUSD = o.NotionalUSD()
	} else {
		row.ShortUSD = o.NotionalUSD()
	}
	d.rows = append(d.rows, row)
}

// candles puts a day of them and the hour's into the store.
func candles(t *testing.T, m *storage.Market, hour time.Time) {
	t.Helper()
	for i, v := range []market.Venue{"Binance", "Bybit", "Gate"} {
		var bars []market.Bar
		for h := -24; h <= 0; h++ {
			bars = append(bars, hourBars(hour.Add(time.Duration(h)*time.Hour), float64(10*(i+1)))...)
		}
		if err := m.SaveBars(v, "BTC"+string(v), bars); err != nil {
			t.Fatal(err)
		}
	}
}

// hourBars are the bars of an hour.
func hourBars(hour time.Time, volume float64) []market.Bar {
	var bars []market.Bar
	for at := hour; at.Before(hour.Add(time.Hour)); at = at.Add(5 * time.Minute) {
		bars = append(bars, market.Bar{Candle: market.Candle{
			Start: at, Length: 5 * time.Minute, OpenUSD: 60000, HighUSD: 60900, LowUSD: 59000, CloseUSD: 60060,
			MarkHighUSD: 60300, MarkLowUSD: 59400, VolumeCoins: volume,
		}})
	}
	return bars
}

// kept is what the store has.
func kept(t *testing.T, store accuracy.Store) []*accuracy.Hour {
	t.Helper()
	var hours []*accuracy.Hour
	if err := store.Accuracy("BTC", midnight.AddDate(-1, 0, 0), func(_ time.Time, row []byte) {
		h, err := accuracy.Decode(row)
		if err != nil {
			t.Fatal(err)
		}
		hours = append(hours, h)
	}); err != nil {
		t.Fatal(err)
	}
	return hours
}

func marketFile(t *testing.T) *storage.Market {
	t.Helper()
	m, _, err := storage.OpenMarket(t.Context(), t.TempDir(), func() time.Time { return midnight })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// anHour is an hour in which the price falls to 59500 and two venues that tell all and
// one that does not report orders.
func anHour(d *desk) {
	d.pass(midnight.Add(-time.Minute), midnight.Add(10*time.Minute))
	now := midnight.Add(10 * time.Minute)
	d.mark = 59500
	d.order(now, "Bybit", market.Long, 2, 59500*.995) // at the bankruptcy price
	d.order(now, "Gate", market.Long, 1, 59700)
	d.order(now, "Binance", market.Long, 10, 59600)
	d.pass(now, midnight.Add(20*time.Minute))
	d.mark = 60100
	d.order(midnight.Add(20*time.Minute), "Bybit", market.Short, 3, 60500)
	d.pass(midnight.Add(20*time.Minute), midnight.Add(time.Hour))
	d.order(midnight.Add(time.Hour).Add(2*time.Second), "Bybit", market.Short, 100, 60100) // of the next hour
	d.pass(midnight.Add(time.Hour), midnight.Add(time.Hour+5*time.Minute))
}

func TestAnHourIsKeptWithWhatCameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := marketFile(t)
		d := newDesk(t, m)
		anHour(d)
		d.order(midnight.Add(65*time.Minute), "Bybit", market.Short, 1, 60100)
		candles(t, m, midnight)
		d.pass(midnight.Add(65*time.Minute), midnight.Add(70*time.Minute))
		hours := kept(t, m)
		if len(hours) != 2 || hours[1].Full.Outcome != nil {
			t.Fatalf("%d hours", len(hours))
		}
		h := hours[0]
		full, all := h.Full, h.All
		if !h.Start.Equal(midnight) || h.Parameters != "fitted" || full.Coins != 7000 || all.Coins != 16000 || full.MarkUSD != 60000 {
			t.Errorf("%+v\n%+v", full, all)
		}
		if n := len(full.Long.Intensity) + len(full.Short.Intensity); n != 299 || full.Long.Intensity[0] != 2e6 || all.Short.Intensity[0] != 3e6 {
			t.Errorf("%d levels, %v, %v", n, full.Long.Intensity[0], all.Short.Intensity[0])
		}
		move := math.Log(60060.0 / 60000)
		want := &accuracy.Outcome{
			LongUSD: 2*59500*.995 + 59700, ShortUSD: 3 * 60500, Orders: 3, LowUSD: 59400, HighUSD: 60300,
			Candles: true, VolumeCoins: 12 * 50, Volatility: float64(float32(move)), Seen: true,
			Hits: []accuracy.Hit{
				{Level: at(59500), Side: market.Long, Orders: 1, USD: 2 * 59500 * .995},
				{Level: at(59700), Side: market.Long, Orders: 1, USD: 59700},
				{Level: at(60100), Side: market.Short, Orders: 1, USD: 3 * 60500},
			},
		}
		near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Max(math.Abs(a), math.Abs(b)) })
		if diff := cmp.Diff(want, full.Outcome, near); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if o := all.Outcome; o.Orders != 4 || o.VolumeCoins != 12*60 || o.Seen || o.Hits != nil || !cmp.Equal(all.Sampled, []market.Venue{"Binance"}) {
			t.Errorf("%+v", o)
		}
		r, ok := d.checker.Report("BTC")
		if !ok || r.Hours != 1 || r.Ranked[0].Spans != 1 || r.Ranked[0].Ready || r.Levels[0].Orders != 3 || len(d.checker.Skipped("BTC")) != 0 {
			t.Errorf("%+v, %v", r, d.checker.Skipped("BTC"))
		}
	})
}

func TestTheReportIsTheSameAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := marketFile(t)
		d := newDesk(t, m)
		anHour(d)
		before := kept(t, m)
		if before[0].Full.Outcome == nil || before[0].Full.Outcome.Candles {
			t.Fatalf("%+v", before[0].Full.Outcome)
		}
		d.restart(midnight.Add(65 * time.Minute))
		candles(t, m, midnight) // they come late
		d.pass(midnight.Add(65*time.Minute), midnight.Add(70*time.Minute))
		want, _ := d.checker.Report("BTC")
		if want.Hours != 1 {
			t.Fatalf("%+v", want)
		}
		hours := kept(t, m)
		d.restart(midnight.Add(70 * time.Minute))
		d.pass(midnight.Add(70*time.Minute), midnight.Add(115*time.Minute))
		got, _ := d.checker.Report("BTC")
		if diff := cmp.Diff(want, got, exact); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(hours, kept(t, m)); diff != "" {
			t.Errorf("the hour of the restart must not be scored, nor one kept anew (-before +after):\n%s", diff)
		}
		if got := d.checker.Skipped("BTC"); len(got) != 0 {
			t.Errorf("skipped %v", got)
		}
	})
}

func TestWhatIsNoHour(t *testing.T) {
	type change = func(*snapshot.Snapshot, *liquidation.Input)
	for name, c := range map[string]struct {
		change change
		// at is when what happens happens.
		at     time.Duration
		happen func(*desk)
		want   accuracy.Reason
	}{
		"demo":   {change: func(_ *snapshot.Snapshot, in *liquidation.Input) { in.Provenance.Demo = true }, want: accuracy.Demo},
		"vendor": {change: func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Model = nil }, want: accuracy.Vendored},
		"stale": {change: func(_ *snapshot.Snapshot, in *liquidation.Input) {
			in.Provenance.AsOf = in.Provenance.AsOf.Add(-5 * time.Minute)
		}, want: accuracy.Stale},
		"warming":     {change: func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Model.WarmUp = 1000 * time.Hour }, want: accuracy.Warming},
		"partial":     {change: func(_ *snapshot.Snapshot, in *liquidation.Input) { in.Provenance.Missing = []market.Venue{"OKX"} }, want: accuracy.Partial},
		"no reports":  {change: func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Realised = nil }, want: accuracy.Unwatched},
		"no interest": {change: func(s *snapshot.Snapshot, _ *liquidation.Input) { s.Venues[1].OpenInterest = nil }, want: accuracy.Unpriced},
		"watched later": {happen: func(d *desk) {
			d.since["Gate"], d.since["Binance"] = midnight.Add(time.Second), midnight.Add(time.Second)
		}, at: -time.Minute, want: accuracy.Unwatched},
		"venue lost": {happen: func(d *desk) { d.since["Gate"] = midnight.Add(30 * time.Minute) }, at: 30 * time.Minute, want: accuracy.Gap},
		"orders missed": {happen: func(d *desk) {
			d.order(midnight.Add(30*time.Minute), "Gate", market.Long, 1, 60000)
			d.number += 3
			d.order(midnight.Add(30*time.Minute), "Gate", market.Long, 1, 60000)
		}, at: 30 * time.Minute, want: accuracy.Unseen},
		"counted anew": {happen: func(d *desk) {
			d.recent, d.number = nil, 0
			d.order(midnight.Add(30*time.Minute), "Gate", market.Long, 1, 60000)
		}, at: 30 * time.Minute, want: accuracy.Unseen},
		"a candle missing": {want: accuracy.NoCandles},
		"never a candle":   {want: accuracy.NoCandles},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := marketFile(t)
				if c.want != accuracy.NoCandles {
					candles(t, m, midnight)
				} else if name == "a candle missing" {
					candles(t, m, midnight.Add(-time.Hour))
					for v, n := range map[market.Venue]int{"Binance": 11, "Bybit": 12, "Gate": 11} {
						if err := m.SaveBars(v, "BTC"+string(v), hourBars(midnight, 1)[:n]); err != nil {
							t.Fatal(err)
						}
					}
				}
				d := newDesk(t, m)
				d.change = c.change
				for range 5 {
					d.order(midnight.Add(-2*time.Minute), "Gate", market.Short, 1, 60000)
				}
				d.pass(midnight.Add(-2*time.Minute), midnight.Add(c.at))
				if c.happen != nil {
					c.happen(d)
				}
				d.pass(midnight.Add(c.at), midnight.Add(105*time.Minute))
				got := d.checker.Skipped("BTC")
				if got[c.want] == 0 || len(got) != 1 {
					t.Errorf("skipped %v, want %s", got, c.want)
				}
				r, _ := d.checker.Report("BTC")
				if c.want == accuracy.Unseen {
					if r.Ranked[0].Spans != 1 || r.Levels[0].Spans != 0 {
						t.Errorf("%+v", r)
					}
				} else if r.Hours != 0 {
					t.Errorf("%d hours", r.Hours)
				}
			})
		})
	}
}

func TestAnHourBeginsWithItsFirstMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, marketFile(t))
		d.pass(midnight.Add(-time.Minute), midnight)
		d.pass(midnight.Add(70*time.Second), midnight.Add(75*time.Minute))
		if got := d.checker.Skipped("BTC"); got[accuracy.Late] != 1 || len(got) != 1 {
			t.Errorf("skipped %v", got)
		}
		if hours := kept(t, d.store); len(hours) != 1 || !hours[0].Start.Equal(midnight.Add(time.Hour)) {
			t.Errorf("%d hours", len(hours))
		}
	})
}

// The first snapshot of an hour comes seconds after it began, and orders before it.
func TestOrdersBeforeTheFirstSnapshotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := marketFile(t)
		candles(t, m, midnight)
		d := newDesk(t, m)
		late := 20 * time.Second
		d.order(midnight.Add(-5*time.Second), "Gate", market.Long, 1, 60000) // of the hour before
		d.pass(midnight.Add(late-time.Minute), midnight.Add(late))
		d.order(midnight.Add(10*time.Second), "Gate", market.Long, 1, 60000)
		d.pass(midnight.Add(late), midnight.Add(70*time.Minute))
		if hits := kept(t, m)[0].Full.Outcome.Hits; len(hits) != 1 || hits[0].Orders != 1 {
			t.Errorf("%+v", hits)
		}
	})
}

// A checker that begins anew leaves the hour as the one before kept it.
func TestAnHourIsKeptOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, marketFile(t))
		d.publish(midnight)
		want := kept(t, d.store)
		d.stop()
		d.start()
		d.mark = 60100
		d.pass(midnight.Add(20*time.Second), midnight.Add(70*time.Minute))
		if diff := cmp.Diff(want, kept(t, d.store)[:1]); diff != "" {
			t.Errorf("(-kept +kept anew):\n%s", diff)
		}
	})
}

func TestSilenceIsNoHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := marketFile(t)
		candles(t, m, midnight)
		d := newDesk(t, m)
		d.pass(midnight, midnight.Add(30*time.Minute))
		d.pass(midnight.Add(33*time.Minute), midnight.Add(70*time.Minute))
		d.publish(midnight.Add(10 * time.Minute)) // late, and ignored
		if got := d.checker.Skipped("BTC"); got[accuracy.Gap] != 1 || len(got) != 1 {
			t.Errorf("skipped %v", got)
		}
		if r, _ := d.checker.Report("BTC"); r.Hours != 0 {
			t.Errorf("%+v", r)
		}
	})
}

// A venue lost within the hour takes All with it, but not the venues that report all.
func TestASampledVenueThatIsLostTakesOnlyTheLowerBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := marketFile(t)
		candles(t, m, midnight)
		d := newDesk(t, m)
		d.pass(midnight, midnight.Add(30*time.Minute))
		d.since["Binance"] = midnight.Add(30 * time.Minute)
		d.pass(midnight.Add(30*time.Minute), midnight.Add(70*time.Minute))
		h := kept(t, m)[0]
		if h.Full.Outcome == nil || !h.Full.Outcome.Candles || h.All.Outcome != nil || len(d.checker.Skipped("BTC")) != 0 {
			t.Errorf("%+v %+v %v", h.Full.Outcome, h.All.Outcome, d.checker.Skipped("BTC"))
		}
	})
}

type badStore struct{ accuracy.Store }

func (badStore) SaveAccuracy(market.Coin, time.Time, []byte) error { return errors.New("disk is full") }

func TestAFullDiskIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, badStore{marketFile(t)})
		d.pass(midnight, midnight.Add(time.Minute))
		if got := d.checker.Skipped("BTC"); got[accuracy.Unsaved] != 1 {
			t.Errorf("skipped %v", got)
		}
	})
}

// The grid of the self-check is that of the levels which the estimator shows.
func TestLevelsLieOnTheGrid(t *testing.T) {
	e, err := liquidation.NewEstimator(liquidation.Recommended("BTC"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 48 {
		price := 60000 * math.Exp(.01*math.Sin(float64(i)))
		if _, err := e.Step(liquidation.Bar{
			Start: midnight.Add(time.Duration(i) * time.Hour), Length: time.Hour, OpenUSD: price, HighUSD: price * 1.002, LowUSD: price * .998, CloseUSD: price,
			VolumeCoins: 1000, OpenInterestCoins: 50000,
		}); err != nil {
			t.Fatal(err)
		}
	}
	found := e.Levels(60000, liquidation.DisplayBin)
	seen := make(map[market.Side]map[int32]bool)
	for i, l := range found {
		inside := math.Log(l.PriceUSD)/levelWidth - float64(at(l.PriceUSD))
		first := i == 0 || found[i-1].Side != l.Side // the one in which the mark is
		if !first && math.Abs(inside-.5) > 1e-6 {
			t.Fatalf("level %d at %v is %v into its bin", i, l.PriceUSD, inside)
		}
		if seen[l.Side] == nil {
			seen[l.Side] = make(map[int32]bool)
		}
		if seen[l.Side][at(l.PriceUSD)] {
			t.Fatalf("two levels in the bin of %v", l.PriceUSD)
		}
		seen[l.Side][at(l.PriceUSD)] = true
	}
	if len(found) < 100 {
		t.Fatalf("%d levels", len(found))
	}
}
