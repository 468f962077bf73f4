package alert

import (
	"errors"
	"slices"
	"time"

	"liqbot/chat"
	"liqbot/market"
)

// Bounds of what one chat can ask for.
const (
	MaxSubscriptions = 30
	MaxLevels        = 20
)

// The reasons for which a change of a chat's alerts is refused.
var (
	// ErrTooMany: the chat has as many subscriptions or levels as it can have.
	ErrTooMany = errors.New("the chat has as many alerts as it can have")
	// ErrTooManyCoins: the bot watches as many coins as it can.
	ErrTooManyCoins = errors.New("as many coins are watched as can be")
)

// Chat is everything that one chat, with all its topics, has asked for.
type Chat struct {
	// Home is the chat whose choices, such as the language, count; zero means the
	// chat itself. Kind is the chat's.
	Home chat.Target
	Kind chat.Kind
	// Language is that of the member who subscribed, for as long as the chat has
	// chosen none.
	Language      string
	Subscriptions []Subscription
	Levels        []Level
	Thresholds    []Threshold
	// MutedUntil is when the chat wants to hear of alerts again, zero for now.
	MutedUntil time.Time
	// Terms are how the chat wants to be told.
	Terms Terms
	// Retired is set when the platform said that the bot cannot reach the chat any
	// more. Nothing is sent until it is seen there again.
	Retired Retirement
}

// Subscription asks for the alerts of a rule on a coin.
type Subscription struct {
	Rule Rule
	Coin market.Coin
	// Thread is the topic that the alerts go to, empty for none.
	Thread string
	// Paused keeps it without sending. Barred means that the platform did not let
	// the bot write there: paused by the bot.
	Paused, Barred bool
	Since          time.Time
}

// Level asks to be told when the price has reached a level.
type Level struct {
	// ID is different for each level of the bot; a new one has 0 and gets its ID
	// when it is kept.
	ID     uint64
	Coin   market.Coin
	USD    float64
	Rising bool // the price was below when it was set
	Thread string
	Since  time.Time
	// Repeat asks to be told each time: after the price has come back from the level by a
	// little. Otherwise the level is gone once it is reached.
	Repeat bool
	// Until is when nobody waits for it any more, zero for never.
	Until time.Time
	// Spent says of a Repeat one that it was reached and the price has not come back yet.
	Spent bool
}

// rearmBy is how far, as a fraction, the price has to come back from a Repeat level before
// it can be reached again.
const rearmBy = 0.003

// Due is where the level waits for the price, and from which side: at the level itself or,
// when it is Spent, where it can be reached again from.
func (l Level) Due() (usd float64, rising bool) {
	switch {
	case !l.Spent:
		return l.USD, l.Rising
	case l.Rising:
		return l.USD * (1 - rearmBy), false
	default:
		return l.USD * (1 + rearmBy), true
	}
}

// Over reports whether nobody waits for the level any more.
func (l Level) Over(now time.Time) bool { return !l.Until.IsZero() && !now.Before(l.Until) }

// Threshold is the least Strength that a rule's alerts on a coin must have for the
// chat, in the unit of the rule.
type Threshold struct {
	Rule  Rule
	Coin  market.Coin
	Least float64
}

// Retirement says since when and why a chat cannot be reached.
type Retirement struct {
	At time.Time
	// Reason is a constant phrase, such as "bot was blocked by the user".
	Reason string
}

// Threshold returns the chat's threshold in the unit of the rule, 0 for none.
func (c *Chat) Threshold(rule Rule, coin market.Coin) float64 {
	for _, t := range c.Thresholds {
		if t.Rule == rule && t.Coin == coin {
			return t.Least
		}
	}
	return 0
}

// SetThreshold sets the chat's threshold; 0 removes it.
func (c *Chat) SetThreshold(rule Rule, coin market.Coin, least float64) {
	c.Thresholds = slices.DeleteFunc(c.Thresholds, func(t Threshold) bool { return t.Rule == rule && t.Coin == coin })
	if least > 0 {
		c.Thresholds = append(c.Thresholds, Threshold{Rule: rule, Coin: coin, Least: least})
	}
}

// Clone is a copy that shares nothing.
func (c *Chat) Clone() Chat {
	out := *c
	out.Subscriptions = slices.Clone(c.Subscriptions)
	out.Levels = slices.Clone(c.Levels)
	out.Thresholds = slices.Clone(c.Thresholds)
	return out
}

// Empty reports whether the chat has asked for nothing and nothing is known of it.
func (c *Chat) Empty() bool {
	return len(c.Subscriptions)+len(c.Levels)+len(c.Thresholds) == 0 && c.MutedUntil.IsZero() &&
		c.Terms == (Terms{}) && c.Retired == (Retirement{})
}
