// Package rehearsal plays recorded markets through the rules of the watcher: which alerts
// would have been sent, how long before something they came, what became of them, and
// whether that is any better than what came after moments, or crossings of levels, that
// have nothing to do with the map. Package backtest reads the recordings; the map of a
// moment is made of what was known then. Everything is deterministic: the same folder and
// rules give the same report. Run owns its goroutines and waits for them.
package rehearsal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"liqbot/alert"
	"liqbot/backtest"
	"liqbot/market"
)

// ErrNothing is returned for a folder in which nothing can be replayed.
var ErrNothing = errors.New("no recorded market in the folder: want files such as binance_1h/oi_1h_BTCUSDT.csv.gz and binance_1h/candles_1h_BTCUSDT.csv.gz")

// Report is what came of a rehearsal.
type Report struct {
	// Rules are the rules as a file.
	Rules string `json:"rules"`
	// Alerts are those that would have been sent, by set, coin and time.
	Alerts []Sent `json:"alerts"`
	// Stretches say what was replayed.
	Stretches []Stretch `json:"stretches"`
	// Days are the alerts a day of each coin and Rows those of each coin and rule with what
	// they were worth, a row of all coins last.
	Days []Daily `json:"days"`
	Rows []Row   `json:"rows"`
	// Bases say how often breakouts held, of all that happened, whoever was told.
	Bases []Base `json:"bases"`
}

// Sent is an alert that would have been sent.
type Sent struct {
	Set      string      `json:"set"`
	At       time.Time   `json:"at"`
	Coin     market.Coin `json:"coin"`
	Rule     alert.Rule  `json:"rule"`
	Rising   bool        `json:"rising"`
	LevelUSD float64     `json:"level_usd,omitempty"`
	Strength float64     `json:"strength"`
	PriceUSD float64     `json:"price_usd"`
	Measured
}

// Stretch is what was replayed of a set and coin.
type Stretch struct {
	Set  string      `json:"set"`
	Coin market.Coin `json:"coin"`
	// From and To are the first and the last look, Looks how many there were.
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Looks int       `json:"looks"`
	// Days is for how long the map was old enough and nothing was missing.
	Days float64 `json:"days"`
	// Alerts were sent; a day that is Mean, and Worst on the worst UTC day.
	Alerts int     `json:"alerts"`
	Mean   float64 `json:"mean"`
	Worst  int     `json:"worst"`
}

// Run replays every set and coin of a folder.
func Run(ctx context.Context, data fs.FS, rules Rules) (*Report, error) {
	recorded, err := backtest.Markets(data)
	if err != nil {
		return nil, err
	}
	if len(recorded) == 0 {
		return nil, ErrNothing
	}
	all, bunched, err := playAll(ctx, recorded, rules)
	if err != nil {
		return nil, err
	}
	r := &Report{Rules: rules.Text()}
	outcomes := make([]*outcomes, len(all))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range all {
		g.Go(func() error { outcomes[i] = p.judge(rules); return nil })
	}
	_ = g.Wait() // none fails
	for i, p := range all {
		r.Alerts = append(r.Alerts, outcomes[i].sent...)
		r.Stretches = append(r.Stretches, p.stretch(rules))
	}
	r.Rows = rows(rules, all, outcomes)
	r.Days = daily(rules, all, bunched, r.Rows)
	r.Bases = bases(all)
	return r, nil
}

// playAll plays every recording, and once more those that tell of cascades with the sums
// of their liquidations bunched. bunched has nil for the others.
func playAll(ctx context.Context, recorded []*backtest.Recorded, rules Rules) (all, bunched []*played, err error) {
	all, bunched = make([]*played, len(recorded)), make([]*played, len(recorded))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, rec := range recorded {
		g.Go(func() (err error) {
			all[i], err = play(ctx, rec, rules, false)
			return err
		})
	}
	only := rules
	only.Run = []alert.Rule{alert.Cascade}
	for i, rec := range recorded {
		if rec.Step > finest || len(rec.Liquidated) == 0 || !slices.Contains(rules.Run, alert.Cascade) {
			continue
		}
		g.Go(func() (err error) {
			bunched[i], err = play(ctx, rec, only, true)
			return err
		})
	}
	if err = g.Wait(); err != nil {
		return nil, nil, fmt.Errorf("rehearse: %w", err)
	}
	return all, bunched, nil
}

// outcomes is what came after the alerts of a recording, and after the moments that they
// are compared with, by rule.
type outcomes struct {
	sent    []Sent
	of      map[alert.Rule][]Measured
	control map[alert.Rule][]Measured
}

// judge measures the alerts that were sent.
func (p *played) judge(rules Rules) *outcomes {
	o := &outcomes{of: make(map[alert.Rule][]Measured), control: make(map[alert.Rule][]Measured)}
	drawers := make(map[alert.Rule]*drawer)
	for i := range p.alerts {
		a := &p.alerts[i]
		if !rules.Sends(a) {
			continue
		}
		m := p.measure(p.event(a))
		o.of[a.Rule] = append(o.of[a.Rule], m)
		o.sent = append(o.sent, Sent{
			Set: p.rec.Set, At: a.At, Coin: a.Coin, Rule: a.Rule, Rising: a.Rising,
			LevelUSD: a.LevelUSD, Strength: a.Strength, PriceUSD: a.PriceUSD, Measured: m,
		})
		if drawers[a.Rule] == nil {
			drawers[a.Rule] = newDrawer(p, a.Rule, rules.Options.Hold)
		}
		for _, e := range drawers[a.Rule].moments(a) {
			o.control[a.Rule] = append(o.control[a.Rule], p.measure(e))
		}
	}
	return o
}

func (p *played) event(a *alert.Alert) event {
	return newEvent(a.Rule, a.At, a.PriceUSD, a.LevelUSD, a.Rising)
}

// stretch says what was replayed.
func (p *played) stretch(rules Rules) Stretch {
	s := Stretch{Set: p.rec.Set, Coin: p.rec.Coin, Looks: len(p.track.at), Days: p.hours[alert.Breakout] / 24}
	if s.Looks > 0 {
		s.From, s.To = p.track.time(0), p.track.time(s.Looks-1)
	}
	perDay := map[int64]int{}
	for i := range p.alerts {
		if a := &p.alerts[i]; rules.Sends(a) {
			s.Alerts++
			perDay[day(a.At)]++
		}
	}
	for _, n := range perDay {
		s.Worst = max(s.Worst, n)
	}
	if s.Days > 0 {
		s.Mean = float64(s.Alerts) / s.Days
	}
	return s
}

// day numbers UTC days.
func day(t time.Time) int64 { return t.Unix() / int64((24 * time.Hour).Seconds()) }

// coins lists the coins that were replayed, the most recorded first.
func coins(all []*played) []market.Coin {
	looks := map[market.Coin]int{}
	var names []market.Coin
	for _, p := range all {
		if looks[p.rec.Coin] == 0 {
			names = append(names, p.rec.Coin)
		}
		looks[p.rec.Coin] += 1 + len(p.track.at)
	}
	slices.SortFunc(names, cmp.Compare)
	return names
}
