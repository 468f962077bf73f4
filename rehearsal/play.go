package rehearsal

import (
	"context"
	"fmt"
	"time"

	"liqbot/alert"
	"liqbot/backtest"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/watcher"
)

const (
	// source is the name of the recorded market in snapshots.
	source = "recorded"
	// around is how far from the bar the levels are looked at, as a fraction: no rule looks
	// as far.
	around = 0.08
)

// played is what came of a recorded coin.
type played struct {
	rec    *backtest.Recorded
	track  track
	alerts []alert.Alert
	// followed are the outcomes of breakouts as the bot would have told them.
	followed []alert.Alert
	// hours is for how long a rule had what it needs.
	hours map[alert.Rule]float64
}

// player shows a recorded coin to the rules, as the bot would have seen it: the map is made
// of the bars that are over, and swept by the price since.
type player struct {
	rules  Rules
	out    *played
	model  *liquidation.Estimator
	replay *watcher.Replay
	// sketch is the map of the bars that are over; low and high are the extremes since.
	sketch    *liquidation.Sketch
	low, high float64
	levels    []liquidation.Level
	keys      keys
	last      time.Time // look

	interest *market.OpenInterest
	funding  funding
	realised realised
}

func play(ctx context.Context, rec *backtest.Recorded, rules Rules, bunched bool) (*played, error) {
	e, err := liquidation.NewEstimator(liquidation.Recommended(rec.Coin))
	if err != nil {
		return nil, fmt.Errorf("estimator of %s: %w", rec.Coin, err)
	}
	p := &player{
		rules: rules, out: &played{rec: rec, hours: make(map[alert.Rule]float64)},
		model: e, replay: watcher.NewReplay(rules.Options, rules.Run...),
		funding: funding{venue: market.Venue(rec.Venue), paid: rec.Funding}, realised: newRealised(rec, bunched),
	}
	for i := range rec.Hours() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("replay %s of set %s: %w", rec.Coin, rec.Set, err)
		}
		if err := p.hour(rec.Hour(i)); err != nil {
			return nil, fmt.Errorf("replay %s of set %s: %w", rec.Coin, rec.Set, err)
		}
	}
	return p.out, nil
}

func (p *player) hour(h backtest.Hour) error {
	for i, b := range h.Bars {
		if b.Hole {
			continue
		}
		if i == 0 && h.Told {
			p.interest = &market.OpenInterest{
				Coins: b.OpenInterest, USD: b.OpenInterest * b.Open,
				Provenance: market.Provenance{Source: source, Origin: market.Measured, AsOf: b.Start, Venues: p.venues()},
			}
		}
		if p.model.Warm() {
			p.bar(b)
		}
		if _, err := p.model.Step(b.Estimator()); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) venues() []market.Venue { return []market.Venue{market.Venue(p.out.rec.Venue)} }

// bar plays a bar, minute by minute where that was recorded.
func (p *player) bar(b backtest.Bar) {
	p.sketch = p.model.Sketch(liquidation.DisplayBin).Within(b.Low*(1-around), b.High*(1+around))
	p.low, p.high = b.Open, b.Open
	bars := []backtest.Bar{b}
	if minutes := p.out.rec.Minutes(b); len(minutes) > 0 {
		bars = minutes
	}
	points := looks(way(bars))
	for i := range len(points) - 1 {
		p.piece(points[i], points[i+1])
	}
	p.count(b)
}

// piece looks at the price at the beginning of a piece of its way, and within it where it
// goes through a level that may be watched: a second later, and again when it has held.
func (p *player) piece(from, to corner) {
	p.see(from)
	p.keys.crossed(from, to, p.rules.Options.Hold)
	for _, at := range p.keys.before(to.at) {
		if at.After(p.last) {
			p.see(corner{at, between(from, to, at)})
		}
	}
}

// see shows the rules a moment.
func (p *player) see(c corner) {
	p.last = c.at
	p.low, p.high = min(p.low, c.usd), max(p.high, c.usd)
	p.levels = p.sketch.AppendLevels(p.levels[:0], c.usd, p.low, p.high)
	from := market.Provenance{Source: source, Origin: market.Measured, AsOf: c.at, Venues: p.venues()}
	of := from
	of.Origin = market.Estimate
	coin := p.out.rec.Coin
	m, err := liquidation.New(liquidation.Input{Coin: coin, Window: market.Week, MarkUSD: c.usd, Levels: p.levels, Provenance: of})
	if err != nil {
		return // no level is left: there is no map to show
	}
	s := &snapshot.Snapshot{
		Key: snapshot.Key{Coin: coin, Window: market.Week}, Map: m,
		Price:        market.Price{USD: c.usd, Kind: market.LastPrice, Provenance: from},
		Summary:      m.Summarise(liquidation.KeyLevelBand, liquidation.SymmetricBand),
		OpenInterest: p.interest, Funding: p.funding.at(c.at, from), Realised: p.realised.at(c.at),
	}
	p.keys.seen(c.at, s.Summary.Above, s.Summary.Below)
	for _, a := range p.replay.Step(s, c.at) {
		switch {
		case a.Rule == alert.Outcome:
			p.out.followed = append(p.out.followed, a)
		case a.Rule == alert.Breakout || p.rules.Sends(&a):
			p.out.alerts = append(p.out.alerts, a)
		}
	}
	p.out.track.add(c)
}

// count adds a bar to the time that the rules have seen.
func (p *player) count(b backtest.Bar) {
	rec := p.out.rec
	for rule, sees := range map[alert.Rule]bool{
		alert.Breakout: true, alert.Approach: true, alert.Imbalance: true,
		alert.OpenInterest: rec.Step <= time.Hour, // the rule compares hours
		alert.Cascade:      p.realised.usable(),
		alert.Funding:      p.funding.known(b.Start),
	} {
		if sees {
			p.out.hours[rule] += b.Length.Hours()
		}
	}
}
