package watcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/snapshot"
)

// Limits are the figures that the rules go by; Options tells what each means.
type Limits struct {
	Hold, Cooldown  time.Duration
	Hysteresis      float64
	Near            float64
	NotableShare    float64
	Rest            time.Duration
	StaleAfter, TTL time.Duration
	// Follow are the times after which it is told what became of a breakout, the shortest
	// first.
	Follow []time.Duration
}

// Verdict is what a rule makes of one snapshot.
type Verdict struct {
	// Evaluated is false for a snapshot that the rule did not look at: too old, not
	// newer than the last one, or without a usable price.
	Evaluated bool
	// Keep asks to keep the state at once, together with the rest of the verdict.
	Keep bool
	// Alerts have happened, whoever has asked for them.
	Alerts []alert.Alert
	// Risen have happened too, but are not notable: they are for chats with a threshold
	// between Before and Strength, if there are any, and nothing otherwise. The rule takes
	// them for told in any case.
	Risen []alert.Alert
	// Reached are confirmed prices. They are for members whose levels lie there, if
	// there are any.
	Reached []alert.Reached
}

// tell adds an alert to a verdict.
func (v *Verdict) tell(a alert.Alert) {
	if a.Notable {
		v.Alerts = append(v.Alerts, a)
	} else {
		v.Risen = append(v.Risen, a)
	}
}

// rule is one of the rules of a coin: its name, and how its machine is made from a
// saved state, nil for none.
type rule struct {
	name alert.Rule
	load func(saved []byte) (machine, error)
}

// rules lists all rules. A new one is a file with its step and a line here.
func rules() []rule {
	return []rule{
		{alert.Breakout, loader(StepBreakout, DecodeBreakout)},
		{alert.Price, loader(StepPrice, DecodePrice)},
		{alert.Approach, loader(StepApproach, DecodeApproach)},
		{alert.Imbalance, loader(StepImbalance, DecodeImbalance)},
		{alert.Cascade, loader(StepCascade, DecodeCascade)},
		{alert.Large, loader(StepLarge, DecodeLarge)},
		{alert.Funding, loader(StepFunding, DecodeFunding)},
		{alert.OpenInterest, loader(StepOpenInterest, DecodeOpenInterest)},
	}
}

// stateName is the name under which the state of a rule and coin is kept.
func stateName(name alert.Rule, coin market.Coin) string { return string(name) + " " + string(coin) }

// machine is a rule with its present state.
type machine interface {
	step(l Limits, s *snapshot.Snapshot, now time.Time) Verdict
	encode() ([]byte, error)
}

// state is what a rule knows of a coin. It is a value: a step makes a new one.
type state interface{ Encode() ([]byte, error) }

// stepper is a rule: a pure function of its state, a snapshot and a moment.
type stepper[S state] func(l Limits, st S, s *snapshot.Snapshot, now time.Time) (S, Verdict)

type running[S state] struct {
	state S
	rule  stepper[S]
}

func loader[S state](rule stepper[S], decode func([]byte) (S, error)) func([]byte) (machine, error) {
	return func(saved []byte) (machine, error) {
		m := &running[S]{rule: rule}
		if saved == nil {
			return m, nil
		}
		st, err := decode(saved)
		if err != nil {
			return m, err
		}
		m.state = st
		return m, nil
	}
}

// step leaves the state as it was when the rule panics.
func (m *running[S]) step(l Limits, s *snapshot.Snapshot, now time.Time) Verdict {
	st, v := m.rule(l, m.state, s, now)
	m.state = st
	return v
}

func (m *running[S]) encode() ([]byte, error) { return m.state.Encode() }

// The reasons for which a saved state is refused; it is then started anew.
var (
	ErrVersion = errors.New("a state of another version")
	ErrState   = errors.New("a state that cannot be")
)

// envelope is how a state is kept.
type envelope[S any] struct {
	Version int `json:"v"`
	State   S   `json:"state"`
}

func encode[S any](version int, st S) ([]byte, error) {
	out, err := json.Marshal(envelope[S]{version, st})
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return out, nil
}

// decode reads a state; check refuses one that no rule can have made.
func decode[S any](saved []byte, version int, check func(S) error) (S, error) {
	var none S
	var e envelope[S]
	if err := json.Unmarshal(saved, &e); err != nil {
		return none, fmt.Errorf("decode state: %w", err)
	}
	if e.Version != version {
		return none, fmt.Errorf("decode state: version %d: %w", e.Version, ErrVersion)
	}
	if err := check(e.State); err != nil {
		return none, fmt.Errorf("decode state: %w", err)
	}
	// What cannot be written again was no state: a year beyond 9999.
	if _, err := json.Marshal(e); err != nil {
		return none, fmt.Errorf("decode state: %w", errors.Join(ErrState, err))
	}
	return e.State, nil
}

// plausible reports whether a figure in USD is one or is not set.
func plausible(usd float64) bool { return usd >= 0 && !math.IsInf(usd, 0) }

// checkAll checks the parts of a state.
func checkAll(parts ...interface{ check() error }) error {
	for _, p := range parts {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}
