package backtest

import (
	"fmt"
	"io/fs"
	"slices"
	"time"

	"liqbot/market"
)

// Recorded is one coin of a set, to be replayed by others than Run.
type Recorded struct {
	Set  string
	Coin market.Coin
	// Venue is the venue that the open interest and the funding are of.
	Venue string
	// Step is the time between two recorded figures of open interest and liquidations.
	Step time.Duration
	// Funding are the rates that were paid, the oldest first.
	Funding []Paid
	// Liquidated are the recorded sums, the oldest first; nil for a set without.
	Liquidated []Liquidated
	bars       *finer
}

// Paid is a funding rate: a fraction, paid At for the time Every before.
type Paid struct {
	At    time.Time
	Rate  float64
	Every time.Duration
}

// Liquidated is what was liquidated in a stretch of time, USD, known once it is over.
type Liquidated struct {
	Start  time.Time
	Length time.Duration
	Swept
}

// Hour is one hour of a recording.
type Hour struct {
	// Bars are twelve of five minutes where they were recorded, or one of an hour. The open
	// interest of all is that of the hour.
	Bars []Bar
	// Told says that the open interest is as of the beginning of the hour, and not of one
	// before.
	Told bool
}

// Markets reads every set and coin of a folder that can be replayed, also those without
// recorded liquidations, in the order of the sets.
func Markets(data fs.FS) ([]*Recorded, error) {
	f := folders{data: data}
	sets := append(layouts(), unscored())
	all, err := load(f, sets)
	if err != nil {
		return nil, fmt.Errorf("read recorded market: %w", err)
	}
	var out []*Recorded
	for _, s := range all {
		if len(s.bars) == 0 {
			continue
		}
		l := sets[slices.IndexFunc(sets, func(l layout) bool { return l.set == s.set })]
		r := &Recorded{Set: s.set, Coin: s.coin, Venue: l.funding, Step: time.Duration(l.bars) * time.Hour, bars: newFiner(s, nil)}
		if r.Funding, err = readFunding(f, s.coin, l); err != nil {
			return nil, fmt.Errorf("read recorded market: %w", err)
		}
		for _, b := range s.buckets {
			if b.labelled {
				r.Liquidated = append(r.Liquidated, Liquidated{time.UnixMilli(b.start).UTC(), r.Step, Swept{Long: b.usd[0], Short: b.usd[1]}})
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// Hours is the number of hours between the beginning and the end, holes included.
func (r *Recorded) Hours() int { return len(r.bars.s.bars) }

// Hour is one of them, counted from 0.
func (r *Recorded) Hour(i int) Hour {
	s := r.bars.s
	return Hour{Bars: r.bars.bars(i, 5), Told: i%s.perBucket == 0}
}

// Minutes are the candles of one minute that a bar consists of, nil where they are not all
// there.
func (r *Recorded) Minutes(b Bar) []Bar {
	const minute = int64(time.Minute / time.Millisecond)
	candles := consecutive(r.bars.s.minutes, b.Start.UnixMilli(), minute, int(b.Length/time.Minute))
	bars := make([]Bar, len(candles))
	for i, c := range candles {
		bars[i] = Bar{
			Start: b.Start.Add(time.Duration(i) * time.Minute), Length: time.Minute,
			Open: c[0], High: c[1], Low: c[2], Close: c[3], Volume: c[4], OpenInterest: b.OpenInterest,
		}
	}
	return bars
}

// readFunding reads the rates that belong to a set.
func readFunding(f folders, coin market.Coin, l layout) ([]Paid, error) {
	var paid []Paid
	columns := []string{"venue", "rate"}
	err := eachLineIfThere(f.data, "funding/funding_"+string(coin)+suffix, columns, func(record []string, at []int) *CellError {
		t, wrong := moment(record[at[0]])
		if wrong != nil {
			return wrong
		}
		rate, err := signed(record[at[2]])
		if err != nil {
			return &CellError{Column: columns[1], Err: err}
		}
		if record[at[1]] == l.funding {
			paid = append(paid, Paid{At: time.UnixMilli(t).UTC(), Rate: rate, Every: l.every})
		}
		return nil
	})
	slices.SortStableFunc(paid, func(a, b Paid) int { return a.At.Compare(b.At) })
	return paid, err
}
