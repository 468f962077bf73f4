package watcher_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"liqbot/alert"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when the scripted markets begin.
var noon = time.Date(2026, time.November, 25, 12, 0, 0, 0, time.UTC)

var limits = watcher.Limits{
	Hold: 20 * time.Second, Cooldown: 10 * time.Minute, Hysteresis: 0.003,
	StaleAfter: 2 * time.Minute, TTL: 30 * time.Minute,
}

// shot is a scripted snapshot: when it is, the price, and the key levels, 0 for
// none. Everything else has a usual value that change can replace.
type shot struct {
	at                int // seconds after noon
	usd, above, below float64
	change            func(*view)
}

// view is a snapshot in the making and the clock by which it is judged.
type view struct {
	now                        time.Time
	priceAt, mapAt             time.Time
	price                      market.Provenance
	levels                     market.Provenance
	kind                       market.PriceKind
	aboveUSD, belowUSD         float64 // intensities
	aboveFromUSD, belowFromUSD float64 // near edges of the clusters
	coin                       market.Coin
	// edit changes the finished snapshot.
	edit func(*snapshot.Snapshot)
}

func (s shot) make(tb testing.TB) (*snapshot.Snapshot, time.Time) {
	tb.Helper()
	at := noon.Add(time.Duration(s.at) * time.Second)
	origin := market.Provenance{Source: "test", Venues: []market.Venue{"Binance", "OKX"}}
	v := view{
		now: at, priceAt: at, mapAt: at, price: origin, levels: origin, kind: market.MarkPrice, coin: "BTC",
		aboveUSD: 1e9, belowUSD: 1e9, aboveFromUSD: s.above, belowFromUSD: s.below,
	}
	if s.change != nil {
		s.change(&v)
	}
	v.price.AsOf, v.levels.AsOf = v.priceAt, v.mapAt
	m, err := liquidation.New(liquidation.Input{
		Coin: v.coin, Window: market.Week, MarkUSD: 100, Provenance: v.levels,
		Levels: []liquidation.Level{{PriceUSD: 101, Side: market.Short, IntensityUSD: 1}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	key := func(usd, from, intensity float64, side market.Side) *liquidation.KeyLevel {
		if usd == 0 {
			return nil
		}
		return &liquidation.KeyLevel{Side: side, PriceUSD: usd, IntensityUSD: intensity, Cluster: liquidation.Cluster{Side: side, FromUSD: from, ToUSD: usd, IntensityUSD: intensity}}
	}
	snap := &snapshot.Snapshot{
		Key: snapshot.Key{Coin: v.coin, Window: market.Week}, Map: m,
		Price: market.Price{USD: s.usd, Kind: v.kind, Provenance: v.price},
		Summary: liquidation.Summary{
			Above: key(s.above, v.aboveFromUSD, v.aboveUSD, market.Short),
			Below: key(s.below, v.belowFromUSD, v.belowUSD, market.Long),
		},
	}
	if v.edit != nil {
		v.edit(snap)
	}
	return snap, v.now
}

// kept is a state that can be kept.
type kept interface{ Encode() ([]byte, error) }

// machine is a rule as the tests see it.
type machine[S kept] struct {
	step   func(watcher.Limits, S, *snapshot.Snapshot, time.Time) (S, watcher.Verdict)
	decode func([]byte) (S, error)
}

// play runs a rule over frames and returns all that it tells. After the frames whose
// numbers restart names, the state is kept and read again.
func (m machine[S]) play(tb testing.TB, l watcher.Limits, frames []frame, restart ...int) []alert.Alert {
	tb.Helper()
	var st S
	var all []alert.Alert
	for i, f := range frames {
		var v watcher.Verdict
		st, v = m.step(l, st, f.Snapshot, f.now)
		for _, a := range v.Alerts {
			if !a.Notable {
				tb.Errorf("an alert that is not notable: %+v", a)
			}
		}
		for _, a := range v.Risen {
			if a.Notable {
				tb.Errorf("a notable alert for thresholds only: %+v", a)
			}
		}
		for _, a := range append(v.Alerts, v.Risen...) {
			if a.ID == "" || a.Coin != f.Key.Coin || a.Expires != f.now.Add(l.TTL) || a.Provenance.Source == "" || a.PriceUSD != f.Price.USD {
				tb.Errorf("an alert that does not say all: %+v", a)
			}
			all = append(all, a)
		}
		if slices.Contains(restart, i) {
			st = m.again(tb, st)
		}
	}
	return all
}

// again keeps a state and reads it again.
func (m machine[S]) again(tb testing.TB, st S) S {
	tb.Helper()
	encoded, err := st.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	if st, err = m.decode(encoded); err != nil {
		tb.Fatalf("%v: %s", err, encoded)
	}
	return st
}

// everyway plays frames once, and with a restart after each of them in turn, which must
// change nothing.
func (m machine[S]) everyway(t *testing.T, l watcher.Limits, frames []frame) []alert.Alert {
	t.Helper()
	whole := m.play(t, l, frames)
	for k := range frames {
		if diff := cmp.Diff(whole, m.play(t, l, frames, k)); diff != "" {
			t.Errorf("a restart after frame %d tells something else (-without +with):\n%s", k, diff)
		}
	}
	return whole
}

// frame is a snapshot and the moment at which it is judged.
type frame struct {
	*snapshot.Snapshot
	now time.Time
}

func film(tb testing.TB, shots []shot) []frame {
	tb.Helper()
	frames := make([]frame, len(shots))
	for i, shot := range shots {
		frames[i].Snapshot, frames[i].now = shot.make(tb)
	}
	return frames
}

// playBreakout runs the breakout rule over shots. After the shots whose numbers
// restart names, the state is kept and read again.
func playBreakout(tb testing.TB, l watcher.Limits, shots []shot, restart ...int) []alert.Alert {
	tb.Helper()
	return runBreakout(tb, l, film(tb, shots), restart...)
}

func runBreakout(tb testing.TB, l watcher.Limits, frames []frame, restart ...int) []alert.Alert {
	tb.Helper()
	var st watcher.BreakoutState
	var all []alert.Alert
	for i, f := range frames {
		var v watcher.Verdict
		st, v = watcher.StepBreakout(l, st, f.Snapshot, f.now)
		all = append(all, v.Alerts...)
		if slices.Contains(restart, i) {
			st = keptBreakout(tb, st)
		}
	}
	return all
}

func keptBreakout(tb testing.TB, st watcher.BreakoutState) watcher.BreakoutState {
	tb.Helper()
	kept, err := st.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	if st, err = watcher.DecodeBreakout(kept); err != nil {
		tb.Fatal(err)
	}
	return st
}

// seconds is how long after noon a time is.
func seconds(t time.Time) int { return int(t.Sub(noon) / time.Second) }
