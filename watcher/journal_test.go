package watcher_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"liqbot/alert"
	"liqbot/market"
)

var errDisk = errors.New("no space left")

// journal is a Journal in memory. It fails as it is told and checks nothing away:
// what it has recorded is there to be looked at.
type journal struct {
	mu      sync.Mutex
	states  map[string][]byte
	alerts  []alert.Alert
	reached []alert.Reached
	levels  map[market.Coin]float64 // one rising level a coin
	watched []market.Coin
	// thresholds are one a rule and coin, such as "cascade BTC".
	thresholds map[string]float64
	records    int             // tries
	offered    []alert.Reached // of the last try that had any
	// fail and after make calls fail: fail before anything is kept, after when it is.
	fail, after bool
	failRead    bool
}

func newJournal(watched ...market.Coin) *journal {
	return &journal{states: make(map[string][]byte), levels: make(map[market.Coin]float64), thresholds: make(map[string]float64), watched: watched}
}

func (j *journal) States(context.Context) (map[string][]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failRead {
		return nil, errDisk
	}
	return maps.Clone(j.states), nil
}

func (j *journal) Record(ctx context.Context, step alert.Step) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records++
	if len(step.Reached) > 0 {
		j.offered = slices.Clone(step.Reached)
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if j.fail {
		return 0, errDisk
	}
	maps.Copy(j.states, step.States)
	queued := 0
	for _, a := range step.Alerts {
		if !slices.ContainsFunc(j.alerts, func(b alert.Alert) bool { return a.ID == b.ID }) {
			j.alerts = append(j.alerts, a)
			queued++
		}
	}
	for _, r := range step.Reached {
		if level, ok := j.levels[r.Coin]; ok && level <= r.USD {
			j.reached = append(j.reached, r)
			delete(j.levels, r.Coin)
			queued++
		}
	}
	if j.after {
		return 0, errDisk
	}
	return queued, nil
}

func (j *journal) Watched(context.Context) ([]market.Coin, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.watched), nil
}

func (j *journal) LevelReached(_ context.Context, coin market.Coin, usd float64) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failRead {
		return false, errDisk
	}
	level, ok := j.levels[coin]
	return ok && level <= usd, nil
}

func (j *journal) Crossed(_ context.Context, rule alert.Rule, coin market.Coin, before, strength float64) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failRead {
		return false, errDisk
	}
	least, ok := j.thresholds[string(rule)+" "+string(coin)]
	return ok && before < least && least <= strength, nil
}

func (j *journal) change(f func(*journal)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f(j)
}
