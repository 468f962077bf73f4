package alert

import "slices"

// Rule names what an alert is about.
type Rule string

// The rules that chats subscribe to.
const (
	// Breakout is a price that has gone beyond a key level and stayed there.
	Breakout Rule = "breakout"
	// Approach is a price that has come near a cluster of the map.
	Approach Rule = "approach"
	// Imbalance is one side of the map that outweighs the other, or that has become the
	// heavier one.
	Imbalance Rule = "imbalance"
	// Cascade is much liquidated within minutes.
	Cascade Rule = "cascade"
	// Large is a single large forced order.
	Large Rule = "large"
	// Funding is a funding rate that has left its usual range.
	Funding Rule = "funding"
	// OpenInterest is open interest that has left its usual range.
	OpenInterest Rule = "oi"
)

// The rules that nobody subscribes to by name.
const (
	// Price is a price that has reached a level that a member has named.
	Price Rule = "price"
	// Outcome is what became of a breakout after a while.
	Outcome Rule = "outcome"
	// Summary is several alerts in one message: what was held back for a chat, or its
	// daily digest.
	Summary Rule = "summary"
	// Notice is what the host tells everybody.
	Notice Rule = "notice"
)

// Rules lists the rules that chats can subscribe to, the usual one first.
func Rules() []Rule {
	return []Rule{Breakout, Approach, Imbalance, Cascade, Large, Funding, OpenInterest}
}

// Known reports whether chats can subscribe to a rule.
func (r Rule) Known() bool { return slices.Contains(Rules(), r) }

// Unit is what a rule's Strength and thresholds are counted in.
type Unit uint8

// The units.
const (
	// USD is intensity (Breakout, Approach) or money (Cascade, Large).
	USD Unit = iota + 1
	// Ratio is the heavier side over the lighter.
	Ratio
	// Fraction is a change: 0.01 is 1 %, of open interest or, for funding, of the rate
	// for 8 hours in points.
	Fraction
)

// Unit is the unit of the rule's thresholds.
func (r Rule) Unit() Unit {
	switch r {
	case Imbalance:
		return Ratio
	case Funding, OpenInterest:
		return Fraction
	default:
		return USD
	}
}

// Every is the threshold of a chat that wants to hear of whatever a rule finds.
const Every = 1e-9
