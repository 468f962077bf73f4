package watcher_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

var (
	cascade = machine[watcher.CascadeState]{watcher.StepCascade, watcher.DecodeCascade}
	large   = machine[watcher.LargeState]{watcher.StepLarge, watcher.DecodeLarge}
)

// book is what venues have reported up to a moment of a test, minutes after noon.
type book struct {
	rows   []market.Realised
	orders []snapshot.SeenOrder
	// since is from when on venues are watched.
	since map[market.Venue]int
}

// usually is a book of the day before noon: Binance reports 100,000 USD every five
// minutes, in ten orders.
func usually(hours int) *book {
	b := &book{since: map[market.Venue]int{"Binance": -60 * hours}}
	for at := -60 * hours; at < 0; at += 5 {
		b.rows = append(b.rows, market.Realised{
			Start: minute(at), Venue: "Binance", LongUSD: 60_000, ShortUSD: 40_000, Orders: 10,
			Largest: market.Liquidation{At: minute(at), Side: market.Long, Coins: 200, PriceUSD: 100},
		})
	}
	return b
}

func minute(at int) time.Time { return noon.Add(time.Duration(at) * time.Minute) }

// order is a forced order of a venue.
func (b *book) order(at int, venue market.Venue, side market.Side, usd float64) {
	o := market.Liquidation{At: minute(at), Side: side, Coins: usd / 100, PriceUSD: 100}
	b.orders = append(b.orders, snapshot.SeenOrder{Number: uint64(len(b.orders) + 1), Venue: venue, Liquidation: o})
}

// rowOf is a row with a single order.
func rowOf(o snapshot.SeenOrder) market.Realised {
	row := market.Realised{Start: o.At.Truncate(market.RealisedLength), Venue: o.Venue, Orders: 1, Largest: o.Liquidation}
	if o.Side == market.Long {
		row.LongUSD = o.NotionalUSD()
	} else {
		row.ShortUSD = o.NotionalUSD()
	}
	return row
}

// at is a frame of what is in the book by now.
func (b *book) at(t *testing.T, at int, change func(*view)) frame {
	t.Helper()
	r := &snapshot.Realised{AsOf: minute(at), Rows: slices.Clone(b.rows)}
	for _, o := range b.orders {
		if o.At.After(r.AsOf) {
			continue
		}
		r.Rows = append(r.Rows, rowOf(o))
		if r.AsOf.Sub(o.At) <= 10*time.Minute {
			r.Recent = append(r.Recent, o)
		}
	}
	for venue, since := range b.since {
		if since <= at {
			r.Watched = append(r.Watched, snapshot.WatchedVenue{Venue: venue, Since: minute(since)})
		}
	}
	s, now := shot{at: 60 * at, usd: 100, change: func(v *view) {
		v.edit = func(s *snapshot.Snapshot) { s.Realised = r }
		if change != nil {
			change(v)
		}
	}}.make(t)
	return frame{s, now}
}

// frames are one a minute.
func (b *book) frames(t *testing.T, from, to int) []frame {
	t.Helper()
	var out []frame
	for at := from; at <= to; at++ {
		out = append(out, b.at(t, at, nil))
	}
	return out
}

// figure is what the tables tell of an alert; USD in thousands.
type figure struct {
	Minute           int
	Before, Strength float64
	Rising, Notable  bool
}

func figuresOf(alerts []alert.Alert) []figure {
	var out []figure
	for _, a := range alerts {
		out = append(out, figure{seconds(a.At) / 60, a.Before / 1000, a.Strength / 1000, a.Rising, a.Notable})
	}
	return out
}

func TestCascade(t *testing.T) {
	const binance, okx = market.Venue("Binance"), market.Venue("OKX")
	for _, tt := range []struct {
		name   string
		script func(*book)
		hours  int
		to     int
		want   []figure
	}{
		{"what is usual", func(*book) {}, 24, 20, nil},
		{"much", func(b *book) { b.order(17, binance, market.Short, 7e6) }, 24, 20, []figure{{17, 300, 7000, true, true}}},
		{"less than twenty times the usual", func(b *book) { b.order(17, binance, market.Long, 5e6) }, 24, 20, []figure{{17, 300, 5000, false, false}}},
		{"it grows", func(b *book) {
			b.order(17, binance, market.Long, 5e6)
			b.order(18, binance, market.Long, 2e6)
			b.order(19, binance, market.Short, 1e6)
		}, 24, 20, []figure{{17, 300, 5000, false, false}, {18, 5000, 7000, false, true}, {19, 7000, 8000, false, false}}},
		{"again while it is not over", func(b *book) {
			b.order(17, binance, market.Long, 7e6)
			b.order(40, binance, market.Long, 7e6)
		}, 24, 60, []figure{{17, 300, 7000, false, true}}},
		{"again an hour later", func(b *book) {
			b.order(17, binance, market.Long, 7e6)
			b.order(77, binance, market.Long, 8e6)
		}, 24, 80, []figure{{17, 300, 7000, false, true}, {77, 0, 8000, false, true}}},
		{"nothing is known of what is usual", func(b *book) { b.order(17, binance, market.Short, 7e6) }, 5, 20, []figure{{17, 300, 7000, true, false}}},
		{"a quiet coin", func(b *book) {
			b.rows = b.rows[:2]
			b.order(17, binance, market.Short, 5e5)
		}, 24, 20, []figure{{17, 0, 500, true, false}}},
		{"a venue that is new", func(b *book) {
			b.since[okx] = 2
			b.order(3, okx, market.Short, 9e6)
			b.order(5, okx, market.Short, 9e6)
		}, 24, 16, nil},
		{"once it has been watched for long enough it counts from there", func(b *book) {
			b.since[okx] = 2
			b.order(3, okx, market.Short, 9e6)
			b.order(5, okx, market.Short, 9e6)
			b.order(19, okx, market.Short, 2e6)
		}, 24, 20, []figure{{19, 9000, 11000, true, false}}},
		{"a venue that is watched no more", func(b *book) { b.order(17, okx, market.Short, 9e6) }, 24, 20, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := usually(tt.hours)
			tt.script(b)
			got := cascade.everyway(t, limits, b.frames(t, 0, tt.to))
			if diff := cmp.Diff(tt.want, figuresOf(got)); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
			for _, a := range got {
				if a.Value != a.Strength || a.Span != 15*time.Minute || tt.hours == 24 && len(b.rows) > 10 && (a.Usual < 290_000 || a.Usual > 370_000) {
					t.Errorf("alert %+v, want its value, 15 minutes and a usual of about 300,000", a)
				}
			}
		})
	}
}

// TestCascadeAfterAGap lost the venue for most of the day: what was not seen is not taken
// for quiet.
func TestCascadeAfterAGap(t *testing.T) {
	b := usually(24)
	b.rows = append(b.rows[:36:36], b.rows[len(b.rows)-48:]...) // three hours, and the last four
	b.since["Binance"] = -240
	b.order(17, "Binance", market.Long, 5e6)
	got := cascade.everyway(t, limits, b.frames(t, 0, 20))
	if len(got) != 1 || got[0].Notable || got[0].Usual < 280_000 || got[0].Usual > 310_000 {
		t.Errorf("alerts %+v, want one that is not notable and a usual of 300,000", got)
	}
}

func TestLarge(t *testing.T) {
	const okx = market.Venue("OKX")
	for _, tt := range []struct {
		name   string
		script func(*book)
		hours  int
		to     int
		want   []figure
	}{
		{"none", func(*book) {}, 24, 20, nil},
		{"those from before are no news", func(b *book) { b.order(-3, okx, market.Long, 5e6) }, 24, 20, nil},
		{"a small one", func(b *book) { b.order(3, okx, market.Long, 5000) }, 24, 20, nil},
		{"one of a kind", func(b *book) { b.order(3, okx, market.Short, 5e6) }, 24, 20, []figure{{3, 0, 5000, true, true}}},
		{"no larger than another of the day", func(b *book) {
			b.order(-300, okx, market.Long, 6e6)
			b.order(3, okx, market.Long, 5e6)
		}, 24, 20, []figure{{3, 0, 5000, false, false}}},
		{"not known for long", func(b *book) { b.order(3, okx, market.Long, 5e6) }, 5, 20, []figure{{3, 0, 5000, false, false}}},
		{"several: the largest", func(b *book) {
			for _, usd := range []float64{2e6, 5e6, 3e6} {
				b.order(3, okx, market.Long, usd)
			}
		}, 24, 20, []figure{{3, 0, 5000, false, true}}},
		{"one after the other", func(b *book) {
			for i, usd := range []float64{5e5, 2e6, 1e6, 4e6} {
				b.order(3+i, okx, market.Long, usd)
			}
		}, 24, 20, []figure{{3, 0, 500, false, false}, {4, 500, 2000, false, true}, {6, 2000, 4000, false, false}}},
		{"again after a quarter of an hour", func(b *book) {
			b.order(3, okx, market.Long, 5e6)
			b.order(17, okx, market.Long, 4e6)
			b.order(18, okx, market.Long, 3e6)
		}, 24, 20, []figure{{3, 0, 5000, false, true}, {18, 0, 3000, false, false}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := usually(tt.hours)
			tt.script(b)
			got := large.everyway(t, limits, b.frames(t, 0, tt.to))
			if diff := cmp.Diff(tt.want, figuresOf(got)); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
			for _, a := range got {
				if a.Venue != okx || a.LevelUSD != 100 || a.Provenance.Origin != market.Measured {
					t.Errorf("alert %+v, want it to say the venue and the price", a)
				}
			}
		})
	}
}

// TestLargeAfterARestart: the numbers of the orders begin anew, and a venue tells some
// again.
func TestLargeAfterARestart(t *testing.T) {
	before := usually(24)
	for range 50 {
		before.order(1, "OKX", market.Long, 2e4)
	}
	before.order(2, "OKX", market.Long, 5e6)
	frames := before.frames(t, 0, 3)
	after := usually(24)
	after.order(2, "OKX", market.Long, 5e6)
	after.order(4, "OKX", market.Short, 6e6)
	frames = append(frames, after.frames(t, 4, 6)...)
	want := []figure{{1, 0, 20, false, false}, {2, 20, 5000, false, true}, {4, 5000, 6000, true, false}}
	for _, restart := range []int{3, -1} { // noticed by the state, or by the numbers
		if diff := cmp.Diff(want, figuresOf(large.play(t, limits, frames, restart))); diff != "" {
			t.Errorf("restart %d: alerts (-want +got):\n%s", restart, diff)
		}
	}
}

// TestLargeAmongManyAfterARestart: so many orders come at once that the numbers do not
// tell of the restart.
func TestLargeAmongManyAfterARestart(t *testing.T) {
	before, after := usually(24), usually(24)
	before.order(1, "OKX", market.Long, 2e4)
	before.order(2, "OKX", market.Long, 2e4)
	after.order(4, "OKX", market.Short, 6e6)
	for range 5 {
		after.order(4, "OKX", market.Short, 2e4)
	}
	frames := append(before.frames(t, 0, 3), after.frames(t, 4, 6)...)
	want := []figure{{1, 0, 20, false, false}, {4, 20, 6000, true, true}}
	if diff := cmp.Diff(want, figuresOf(large.play(t, limits, frames, 3))); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// TestRealisedThatIsOld: a source that has stopped reporting says nothing.
func TestRealisedThatIsOld(t *testing.T) {
	b := usually(24)
	b.order(3, "Binance", market.Long, 9e6)
	old := func(v *view) {
		edit := v.edit
		v.edit = func(s *snapshot.Snapshot) { edit(s); s.Realised.AsOf = s.Realised.AsOf.Add(-3 * time.Minute) }
	}
	frames := []frame{b.at(t, 1, nil), b.at(t, 2, nil), b.at(t, 4, old), b.at(t, 5, old)}
	if got := append(cascade.play(t, limits, frames), large.play(t, limits, frames)...); got != nil {
		t.Errorf("alerts %+v, want none of old reports", got)
	}
}
