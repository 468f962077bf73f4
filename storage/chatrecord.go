package storage

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// Bounds of what a platform can make the store keep, in bytes. Real ids are far
// shorter.
const (
	maxPlatform = 16
	maxChatID   = 128
	maxLanguage = 35
	maxRule     = 32
	maxReason   = 100
)

// The records are how a chat's alerts stand in the file. Fields are only ever
// added; Back looks for the names "retired" and "barred".
type (
	chatRecord struct {
		Home          *targetRecord        `json:"home,omitempty"`
		Kind          chat.Kind            `json:"kind,omitempty"`
		Language      string               `json:"language,omitempty"`
		Subscriptions []subscriptionRecord `json:"subscriptions,omitempty"`
		Levels        []levelRecord        `json:"levels,omitempty"`
		Thresholds    []thresholdRecord    `json:"thresholds,omitempty"`
		MutedUntil    time.Time            `json:"muted_until,omitzero"`
		Terms         termsRecord          `json:"terms,omitzero"`
		Retired       *retirementRecord    `json:"retired,omitempty"`
	}
	targetRecord struct {
		Platform chat.Platform `json:"platform"`
		Chat     string        `json:"chat"`
		Thread   string        `json:"thread,omitempty"`
	}
	subscriptionRecord struct {
		Rule   alert.Rule  `json:"rule"`
		Coin   market.Coin `json:"coin"`
		Thread string      `json:"thread,omitempty"`
		Paused bool        `json:"paused,omitempty"`
		Barred bool        `json:"barred,omitempty"`
		Since  time.Time   `json:"since,omitzero"`
	}
	levelRecord struct {
		ID     uint64      `json:"id"`
		Coin   market.Coin `json:"coin"`
		USD    float64     `json:"usd"`
		Rising bool        `json:"rising,omitempty"`
		Thread string      `json:"thread,omitempty"`
		Since  time.Time   `json:"since,omitzero"`
		Repeat bool        `json:"repeat,omitempty"`
		Until  time.Time   `json:"until,omitzero"`
		Spent  bool        `json:"spent,omitempty"`
	}
	// thresholdRecord has the name that its figure had while all thresholds were USD.
	thresholdRecord struct {
		Rule  alert.Rule  `json:"rule"`
		Coin  market.Coin `json:"coin"`
		Least float64     `json:"usd"`
	}
	termsRecord struct {
		Quiet      quietRecord   `json:"quiet,omitzero"`
		Digest     digestRecord  `json:"digest,omitzero"`
		Cooldown   time.Duration `json:"cooldown_ns,omitempty"`
		Cap        int           `json:"cap,omitempty"`
		NoOutcomes bool          `json:"no_outcomes,omitempty"`
	}
	quietRecord struct {
		On     bool        `json:"on"`
		From   alert.Clock `json:"from"`
		To     alert.Clock `json:"to"`
		Silent bool        `json:"silent,omitempty"`
	}
	digestRecord struct {
		On   bool        `json:"on"`
		At   alert.Clock `json:"at"`
		Only bool        `json:"only,omitempty"`
		// Thread is the topic.
		Thread string `json:"thread,omitempty"`
	}
	retirementRecord struct {
		At     time.Time `json:"at"`
		Reason string    `json:"reason"`
	}
)

func encodeChat(c *alert.Chat) ([]byte, error) {
	r := chatRecord{Kind: c.Kind, Language: c.Language, MutedUntil: c.MutedUntil.UTC(), Terms: recordTerms(c.Terms)}
	if c.Home != (chat.Target{}) {
		home := targetRecord(c.Home)
		r.Home = &home
	}
	if c.Retired != (alert.Retirement{}) {
		r.Retired = &retirementRecord{At: c.Retired.At.UTC(), Reason: c.Retired.Reason}
	}
	for _, s := range c.Subscriptions {
		s.Since = s.Since.UTC()
		r.Subscriptions = append(r.Subscriptions, subscriptionRecord(s))
	}
	for _, l := range c.Levels {
		l.Since, l.Until = l.Since.UTC(), l.Until.UTC()
		r.Levels = append(r.Levels, levelRecord(l))
	}
	for _, t := range c.Thresholds {
		r.Thresholds = append(r.Thresholds, thresholdRecord(t))
	}
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode alerts: %w", err)
	}
	return value, nil
}

func decodeChat(value []byte) (alert.Chat, error) {
	var r chatRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return alert.Chat{}, fmt.Errorf("decode alerts: %w: %w", errWire, err)
	}
	c := alert.Chat{Kind: r.Kind, Language: r.Language, MutedUntil: r.MutedUntil, Terms: r.Terms.terms()}
	if r.Home != nil {
		c.Home = chat.Target(*r.Home)
	}
	if r.Retired != nil {
		c.Retired = alert.Retirement(*r.Retired)
	}
	for _, s := range r.Subscriptions {
		c.Subscriptions = append(c.Subscriptions, alert.Subscription(s))
	}
	for _, l := range r.Levels {
		c.Levels = append(c.Levels, alert.Level(l))
	}
	for _, t := range r.Thresholds {
		c.Thresholds = append(c.Thresholds, alert.Threshold(t))
	}
	return c, nil
}

func recordTerms(t alert.Terms) termsRecord {
	return termsRecord{
		Quiet: quietRecord(t.Quiet), Digest: digestRecord(t.Digest),
		Cooldown: t.Cooldown, Cap: t.Cap, NoOutcomes: t.NoOutcomes,
	}
}

func (r termsRecord) terms() alert.Terms {
	return alert.Terms{
		Quiet: alert.Quiet(r.Quiet), Digest: alert.Digest(r.Digest),
		Cooldown: r.Cooldown, Cap: r.Cap, NoOutcomes: r.NoOutcomes,
	}
}

func checkTerms(t alert.Terms) error {
	for _, clock := range []alert.Clock{t.Quiet.From, t.Quiet.To, t.Digest.At} {
		if clock < 0 || clock > alert.MaxClock {
			return fmt.Errorf("minute %d of a day", clock)
		}
	}
	if t.Cooldown < 0 || t.Cap < 0 {
		return fmt.Errorf("cooldown of %v, cap of %d", t.Cooldown, t.Cap)
	}
	return nil
}

// checkTarget refuses ids that would break the keys of the index.
func checkTarget(t chat.Target) error {
	for _, part := range []struct {
		name, value string
		least, most int
	}{
		{"platform", string(t.Platform), 1, maxPlatform},
		{"chat id", t.Chat, 1, maxChatID},
		{"topic id", t.Thread, 0, maxChatID},
	} {
		if len(part.value) < part.least || len(part.value) > part.most || strings.Contains(part.value, "\x00") {
			return fmt.Errorf("%s of %d bytes: want %d to %d, without NUL", part.name, len(part.value), part.least, part.most)
		}
	}
	return nil
}

// checkChat refuses what cannot be kept and drops what is there twice.
func checkChat(c *alert.Chat) error {
	if c.Home != (chat.Target{}) {
		if err := checkTarget(c.Home); err != nil {
			return fmt.Errorf("home: %w", err)
		}
	}
	// A hint that is no language tag is of no use.
	if len(c.Language) > maxLanguage {
		c.Language = ""
	}
	c.Retired.Reason = clip(c.Retired.Reason, maxReason)
	for i := range c.Subscriptions {
		if err := checkWish(c.Subscriptions[i].Rule, c.Subscriptions[i].Coin, c.Subscriptions[i].Thread); err != nil {
			return fmt.Errorf("subscription: %w", err)
		}
	}
	for _, l := range c.Levels {
		if err := checkWish(alert.Price, l.Coin, l.Thread); err != nil {
			return fmt.Errorf("level: %w", err)
		}
		if !market.Positive(l.USD) {
			return fmt.Errorf("level: price of %v USD", l.USD)
		}
	}
	for _, t := range c.Thresholds {
		if err := checkWish(t.Rule, t.Coin, ""); err != nil {
			return fmt.Errorf("threshold: %w", err)
		}
		if !market.Positive(t.Least) {
			return fmt.Errorf("threshold of %v", t.Least)
		}
	}
	if err := checkTerms(c.Terms); err != nil {
		return fmt.Errorf("terms: %w", err)
	}
	c.Subscriptions = distinct(c.Subscriptions)
	return nil
}

func checkWish(rule alert.Rule, coin market.Coin, thread string) error {
	if rule == "" || len(rule) > maxRule || strings.Contains(string(rule), "\x00") {
		return fmt.Errorf("rule of %d bytes: want 1 to %d, without NUL", len(rule), maxRule)
	}
	if len(thread) > maxChatID || strings.Contains(thread, "\x00") {
		return fmt.Errorf("topic id of %d bytes: want at most %d, without NUL", len(thread), maxChatID)
	}
	_, err := market.ParseCoin(string(coin))
	return err
}

// distinct keeps the first subscription of each rule, coin and topic.
func distinct(subs []alert.Subscription) []alert.Subscription {
	var out []alert.Subscription
	for _, s := range subs {
		if !slices.ContainsFunc(out, func(o alert.Subscription) bool { return sameWish(o, s) }) {
			out = append(out, s)
		}
	}
	return out
}

func sameWish(a, b alert.Subscription) bool {
	return a.Rule == b.Rule && a.Coin == b.Coin && a.Thread == b.Thread
}
