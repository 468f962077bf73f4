package backtest

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// assess turns replayed series into the tables.
func assess(ctx context.Context, o Options, entries []*entry) (*Report, error) {
	r := &Report{Part: o.Part, Clean: o.Clean, History: o.History != nil, Boot: o.Boot}
	r.Scores = make([]Score, len(entries)*len(sides))
	r.ExAnte = make([]Forecast, 0, len(entries)*2)
	contenders := make([]map[string]contender, len(r.Scores))
	resampled := resampleSets(entries, max(o.Boot/5, 1))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range entries {
		for k, side := range sides {
			at := i*len(sides) + k
			if !e.enough {
				r.Scores[at] = tooLittle(e, side.String())
				continue
			}
			g.Go(func() error {
				p := e.s.sample(side, e.picked)
				r.Scores[at] = score(p, e.out, o.Boot)
				e.outOfSample(&r.Scores[at], p, o)
				contenders[at] = contend(p, e.out, o.names(), resampled[e.s.set])
				return ctx.Err()
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("score: %w", err)
	}
	if len(o.Variants) > 0 {
		r.Variants = []Comparison{}
	}
	r.compare(o.names(), entries, contenders)
	for _, e := range entries {
		if e.enough {
			for _, h := range []int{4, 24} {
				r.ExAnte = append(r.ExAnte, forecast(e.s, e.out, e.picked, h, o.Boot))
			}
		}
	}
	return r, nil
}

// outOfSample fills those figures: coefficients from history where there is
// some, otherwise from the tune part, and judged on the rest.
func (e *entry) outOfSample(row *Score, p *sample, o Options) {
	row.OOSR2Control, row.OOSDeltaR2 = Figure(math.NaN()), Figure(math.NaN())
	earlier, later := e.s.trusted(e.s.earlier, o.Clean), p
	if o.History == nil {
		if o.Part == Tune {
			return
		}
		earlier, later = e.s.part(Tune, o.Clean), e.s.sample(p.side, e.s.part(Confirm, o.Clean))
	}
	control, delta := outOfSample(e.s.sample(p.side, earlier), later, e.out.swept[Recommended])
	row.OOSR2Control, row.OOSDeltaR2 = Figure(control), Figure(delta)
}

func tooLittle(e *entry, side string) Score {
	n, days := len(e.picked), e.s.days(e.picked)
	nan := Figure(math.NaN())
	return Score{
		Set: e.s.set, Coin: e.s.coin, Side: side, N: n, Days: days,
		Note:      fmt.Sprintf("not enough data: n=%d, days=%d", n, days),
		R2Control: nan, DeltaR2: nan, Rho: nan, RhoLo: nan, RhoHi: nan, RhoFrozen: nan, DeltaR2Hard: nan,
		RhoHard: nan, OOSR2Control: nan, OOSDeltaR2: nan, LiftMatched: nan, LiftUniform: nan, LiftCluster: nan,
	}
}

// resampleSets draws days once for all coins and sides of a set: what happened on
// a day happened to all of them.
func resampleSets(entries []*entry, n int) map[string][]map[int64]float64 {
	days := map[string][]int64{}
	for _, e := range entries {
		if !e.enough {
			continue
		}
		for _, i := range e.picked {
			days[e.s.set] = append(days[e.s.set], e.s.buckets[i].day())
		}
	}
	resampled := map[string][]map[int64]float64{}
	for set, blocks := range days {
		resampled[set] = Draws(blocks, n)
	}
	return resampled
}

// compare fills the second table and that of variants, a set after the other.
func (r *Report) compare(names []string, entries []*entry, contenders []map[string]contender) {
	for _, l := range layouts() {
		var rows []map[string]contender
		for i, one := range contenders {
			if one != nil && entries[i/len(sides)].s.set == l.set {
				rows = append(rows, one)
			}
		}
		all := compare(l.set, names, rows)
		own := min(len(modelNames), len(all)) // the variants follow
		r.Models, r.Variants = append(r.Models, all[:own]...), append(r.Variants, all[own:]...)
	}
}
