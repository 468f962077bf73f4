// Package backtest replays recorded markets through the liquidation map and
// scores what it said against what was liquidated: a table by coin and side, a
// comparison with baselines and placebos, what the map said beforehand, and what
// shorter bars than those of an hour are worth. It reads folders of gzip CSV files and nothing live; parameters are fixed before
// scoring, and a bad row is a row like the others. Everything is deterministic:
// the same folder gives the same report. Run owns its goroutines and waits for
// them; the statistics are plain functions that are safe for concurrent use.
package backtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"liqbot/market"
)

// Part is a stretch of the recorded time of a coin.
type Part string

// The parts: everything, the first 60 % of the buckets, the rest.
const (
	All     Part = "all"
	Tune    Part = "tune"
	Confirm Part = "confirm"
)

// ParsePart reads all, tune or confirm.
func ParsePart(s string) (Part, error) {
	switch p := Part(s); p {
	case All, Tune, Confirm:
		return p, nil
	default:
		return "", fmt.Errorf("part %q: want all, tune or confirm", s)
	}
}

// Options says what to score.
type Options struct {
	Data    fs.FS // the recorded market
	History fs.FS // earlier recordings, or nil: they warm the map up and fit the out-of-sample coefficients, and are never scored
	Part    Part  // empty is All
	Clean   bool  // leave out buckets that the data provider corrected by more than a fifth later on
	Boot    int   // draws of the resampling; 0 is 1000. The second table takes a fifth of them
	// Variants are compared like the models of the second table, in a table of their
	// own, such as the recommended model with one part changed.
	Variants []Variant
}

// A Variant is a model that is compared besides those that always are. Build
// makes a fresh one for a coin; it is called from several goroutines at once.
type Variant struct {
	Name  string
	Build func(market.Coin) (Model, error)
}

// names are the models and then the variants, in their order.
func (o Options) names() []string {
	names := slices.Clone(modelNames)
	for _, v := range o.Variants {
		names = append(names, v.Name)
	}
	return names
}

// check fills what was left empty and refuses what cannot be.
func (o *Options) check() error {
	o.Part = cmp.Or(o.Part, All)
	if _, err := ParsePart(string(o.Part)); err != nil {
		return err
	}
	if o.Data == nil {
		return errors.New("no folder of recorded markets")
	}
	if o.Boot <= 0 {
		o.Boot = 1000
	}
	seen := map[string]bool{}
	for _, name := range o.names() {
		if name == "" || seen[name] {
			return fmt.Errorf("variant %q: want a name of its own", name)
		}
		seen[name] = true
	}
	return nil
}

const (
	fewestBuckets = 30
	fewestDays    = 10
)

// ErrNoLabels is returned for a folder without a file of recorded liquidations.
var ErrNoLabels = errors.New("no recorded liquidations in the folder")

// Run replays and scores. A coin without enough data gets a row that says so; a
// file that cannot be read is an error that names it.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("backtest options: %w", err)
	}
	all, err := load(folders{data: o.Data, history: o.History}, layouts())
	if err != nil {
		return nil, fmt.Errorf("read recorded market: %w", err)
	}
	if len(all) == 0 {
		return nil, ErrNoLabels
	}
	entries := make([]*entry, len(all))
	for i, s := range all {
		entries[i] = newEntry(s, o)
	}
	if err := replayAll(ctx, o, entries); err != nil {
		return nil, err
	}
	report, err := assess(ctx, o, entries)
	if err != nil {
		return nil, err
	}
	if report.Finer, err = finerBars(ctx, o, entries); err != nil {
		return nil, err
	}
	return report, nil
}

// load reads every set and coin that the folder has labels of.
func load(f folders, sets []layout) ([]*series, error) {
	var all []*series
	for _, l := range sets {
		symbols, err := l.symbols(f.data)
		if err != nil {
			return nil, err
		}
		for _, symbol := range symbols {
			s, err := loadOne(l, symbol, f)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func loadOne(l layout, symbol string, f folders) (*series, error) {
	c, err := coin(symbol)
	if err != nil {
		return nil, err
	}
	rec, err := l.read(f, symbol)
	if err != nil {
		return nil, err
	}
	own, err := readIfThere(f.data, l.labelFile+symbol+suffix)
	if err != nil {
		return nil, err
	}
	return assemble(l, c, rec, own)
}

// entry is a series on its way through the report.
type entry struct {
	s      *series
	picked []int
	out    *replayed
	enough bool
}

func newEntry(s *series, o Options) *entry {
	e := &entry{s: s, picked: s.part(o.Part, o.Clean), out: &replayed{swept: map[string][]Swept{}}}
	e.enough = len(e.picked) >= fewestBuckets && s.days(e.picked) >= fewestDays
	return e
}

// replayAll runs every model on every series, as many at once as there are processors.
func replayAll(ctx context.Context, o Options, entries []*entry) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	var keep []func()
	for _, e := range entries {
		if !e.enough {
			continue
		}
		watcher := newObserver(e.s, e.out)
		for name, build := range models(e.s.coin, o.Variants) {
			var swept []Swept
			keep = append(keep, func() { e.out.swept[name] = swept })
			g.Go(func() (err error) {
				var look func(Model, int)
				if name == Recommended {
					look = watcher.look
				}
				swept, err = e.s.run(ctx, build, look)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, store := range keep { // one goroutine writes the maps
		store()
	}
	return nil
}
