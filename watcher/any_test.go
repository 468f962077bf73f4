package watcher_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

// odd are figures that no market has, and some that one has.
var odd = []float64{0, -1, 1e-300, 1, 1.5, 100, 99, 101, 1e9, 1e300, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN()}

// anything fills a snapshot with odd figures.
func anything(rnd *rand.Rand, now time.Time) func(*snapshot.Snapshot) {
	number := func() float64 { return odd[rnd.IntN(len(odd))] }
	moment := func() time.Time { return now.Add(time.Duration(rnd.IntN(1200)-900) * time.Second) }
	some := func() bool { return rnd.IntN(3) > 0 }
	return func(s *snapshot.Snapshot) {
		if some() {
			s.Price.USD = 100
		} else {
			s.Price.USD = number()
		}
		s.Summary.Even = liquidation.Imbalance{Ratio: number(), Heavier: market.Side(rnd.IntN(4)), Reading: liquidation.Reading(rnd.IntN(5))}
		for _, key := range []*liquidation.KeyLevel{s.Summary.Above, s.Summary.Below} {
			if key != nil && some() {
				key.Cluster = liquidation.Cluster{FromUSD: number(), ToUSD: number(), IntensityUSD: number()}
				key.IntensityUSD = number()
			}
		}
		for _, venue := range []market.Venue{"OKX", "Gate", "OKX", ""} {
			f := market.VenueFigures{Venue: venue, MarkUSD: number(), AsOf: moment()}
			if some() {
				f.OpenInterest = &market.OpenInterest{Coins: number(), USD: number(), Provenance: market.Provenance{AsOf: moment()}}
			}
			if some() {
				f.Funding = &market.VenueFunding{Rate: number(), Interval: time.Duration(rnd.IntN(3)-1) * time.Hour}
			}
			if some() {
				s.Venues = append(s.Venues, f)
			}
		}
		if some() {
			s.Funding = &market.Funding{Rate: number(), Interval: time.Hour, Provenance: market.Provenance{AsOf: moment()}}
			s.OpenInterest = &market.OpenInterest{Coins: number(), Provenance: market.Provenance{AsOf: moment()}}
		}
		if !some() {
			return
		}
		s.Realised = &snapshot.Realised{AsOf: moment(), Watched: []snapshot.WatchedVenue{{Venue: "OKX", Since: moment()}, {Venue: "Gate", Since: now.Add(-48 * time.Hour)}, {Venue: "none"}}}
		for range rnd.IntN(20) {
			o := market.Liquidation{At: moment(), Side: market.Side(rnd.IntN(4)), Coins: number(), PriceUSD: number()}
			s.Realised.Recent = append(s.Realised.Recent, snapshot.SeenOrder{Number: rnd.Uint64N(30), Venue: "OKX", Liquidation: o})
			s.Realised.Rows = append(s.Realised.Rows, market.Realised{Start: moment().Add(-time.Hour * time.Duration(rnd.IntN(30))), Venue: "Gate", LongUSD: number(), ShortUSD: number(), Orders: rnd.IntN(5) - 1, Largest: o})
		}
	}
}

// anySnapshots are random markets with odd figures.
func anySnapshots(tb testing.TB, seed uint64, n int) []frame {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(seed, 4))
	var out []frame
	at := 0
	for range n {
		at += rnd.IntN(90)
		if rnd.IntN(50) == 0 {
			at += rnd.IntN(90_000)
		}
		now := noon.Add(time.Duration(at) * time.Second)
		s, _ := shot{at: at, usd: 100, above: 101 + float64(rnd.IntN(3)), below: 98, change: func(v *view) { v.edit = anything(rnd, now) }}.make(tb)
		out = append(out, frame{s, now})
	}
	return out
}

// survives checks that a rule takes any snapshot, and that its state can be kept.
func survives[S kept](t *testing.T, m machine[S]) {
	t.Helper()
	var none S
	t.Run(fmt.Sprintf("%T", none), func(t *testing.T) {
		t.Parallel()
		for seed := range uint64(20) {
			var st S
			for _, f := range anySnapshots(t, seed, 60) {
				var v watcher.Verdict
				st, v = m.step(nearLimits, st, f.Snapshot, f.now)
				m.again(t, st)
				for _, a := range append(v.Alerts, v.Risen...) {
					if !market.Positive(a.Strength) || a.Before < 0 || !market.Positive(a.PriceUSD) || !market.Finite(a.Value) || !market.Finite(a.Usual) || a.ID == "" {
						t.Fatalf("seed %d: an alert that cannot be: %+v", seed, a)
					}
				}
			}
		}
	})
}

func TestRulesTakeAnySnapshot(t *testing.T) {
	survives(t, machine[watcher.BreakoutState]{watcher.StepBreakout, watcher.DecodeBreakout})
	survives(t, machine[watcher.PriceState]{watcher.StepPrice, watcher.DecodePrice})
	survives(t, approach)
	survives(t, imbalance)
	survives(t, cascade)
	survives(t, large)
	survives(t, funding)
	survives(t, interest)
}

// fuzzState checks that a state which is read can be kept and read again as it is, and
// that the rule goes on with it.
func fuzzState[S kept](f *testing.F, m machine[S], frames []frame) {
	f.Helper()
	var st S
	for i, frame := range frames {
		st, _ = m.step(nearLimits, st, frame.Snapshot, frame.now)
		if i%(len(frames)/10+1) == 0 || i == len(frames)-1 {
			encoded, err := st.Encode()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(encoded)
		}
	}
	f.Add([]byte(`{"v":2,"state":{}}`))
	f.Add([]byte(`{"v":1,"state":{"seen":{"usd":-1},"usual":{"count":-1},"samples":[{}]}}`))
	after := anySnapshots(f, 7, 20)
	f.Fuzz(func(t *testing.T, saved []byte) {
		st, err := m.decode(saved)
		exported := cmp.Options{cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty()}
		if err != nil {
			var none S
			if diff := cmp.Diff(none, st, exported); diff != "" {
				t.Fatalf("an error and a state: %v\n%s", err, diff)
			}
			return
		}
		again := m.again(t, st)
		if diff := cmp.Diff(st, again, exported); diff != "" {
			t.Fatalf("kept and read again (-want +got):\n%s", diff)
		}
		for _, frame := range after {
			again, _ = m.step(nearLimits, again, frame.Snapshot, frame.now)
			m.again(t, again)
		}
	})
}

func FuzzDecodeApproach(f *testing.F) { fuzzState(f, approach, film(f, toward())) }
func FuzzDecodeImbalance(f *testing.F) {
	fuzzState(f, imbalance, film(f, scales(1, 2, 3, -3, -3, -3, -3)))
}
func FuzzDecodeCascade(f *testing.F) { fuzzState(f, cascade, anySnapshots(f, 1, 20)) }
func FuzzDecodeLarge(f *testing.F)   { fuzzState(f, large, anySnapshots(f, 2, 20)) }
func FuzzDecodeFunding(f *testing.F) {
	fuzzState(f, funding, quiet(f, 3, telling{rates: by{"OKX": 1}, coins: by{"OKX": 1}}))
}

func FuzzDecodeOpenInterest(f *testing.F) {
	fuzzState(f, interest, quiet(f, 3, telling{coins: by{"OKX": 1}}))
}
