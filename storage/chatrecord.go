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
	}
	thresholdRecord struct {
		Rule alert.Rule  `json:"rule"`
		Coin market.Coin `json:"coin"`
		USD  float64     `json:"usd"`
	}
	retirementRecord struct {
		At     time.Time `json:"at"`
		Reason string    `json:"reason"`
	}
)

func encodeChat(c *alert.Chat) ([]byte, error) {
	r := chatRecord{Kind: c.Kind, Language: c.Language, MutedUntil: c.MutedUntil.UTC()}
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
		l.Since = l.Since.UTC()
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
	c := alert.Chat{Kind: r.Kind, Language: r.Language, MutedUntil: r.MutedUntil}
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
		if !market.Positive(t.USD) {
			return fmt.Errorf("threshold: intensity of %v USD", t.USD)
		}
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
