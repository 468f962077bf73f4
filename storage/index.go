package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// The index holds what an alert needs of those who asked for it, in the order in
// which they are told: it is found without reading the chats' records. What is
// paused, barred or out of reach has no row. The records are the truth and the
// rows change with them in one transaction.

const (
	indexVersion = 2
	// firstIndexVersion is what rows were before levels could end or repeat.
	firstIndexVersion = 1
)

// Directions of a level in its key.
const (
	falling byte = iota
	rising
)

// wish is a row of the index: who wants to hear and under which conditions.
type wish struct {
	to alert.Recipient
	// threshold is in the unit of the rule, 0 for none and always 0 for a level.
	threshold float64
	// mutedUntil is in Unix nanoseconds, 0 for not muted.
	mutedUntil int64
	// spent says of a level that it waits for the price to come back, until is when
	// nobody waits any more, in Unix nanoseconds, 0 for never.
	spent bool
	until int64
}

// over reports whether nobody waits for a level any more.
func (w *wish) over(now time.Time) bool { return w.until != 0 && now.UnixNano() >= w.until }

func (w *wish) muted(now time.Time) bool { return now.UnixNano() < w.mutedUntil }

// encode leaves out what the key of a subscription says already.
func (w *wish) encode() []byte {
	row := []byte{indexVersion}
	row = binary.BigEndian.AppendUint64(row, math.Float64bits(w.threshold))
	row = binary.BigEndian.AppendUint64(row, uint64(w.mutedUntil)) //nolint:gosec // the bits are kept
	spent := byte(0)
	if w.spent {
		spent = 1
	}
	row = binary.BigEndian.AppendUint64(append(row, spent), uint64(w.until)) //nolint:gosec // the bits are kept
	row = appendString(row, string(w.to.Target.Platform))
	return appendRecipient(row, &w.to)
}

func decodeWish(row []byte) (wish, error) {
	r := &reader{rest: row}
	version := r.byte()
	w := wish{threshold: r.float(), mutedUntil: r.int64()}
	flags := byte(0)
	if version != firstIndexVersion {
		flags, w.until = r.byte(), r.int64()
	}
	w.spent = flags == 1
	w.to = r.recipient(chat.Platform(r.string()))
	if err := r.end(); err != nil || version < firstIndexVersion || version > indexVersion || flags > 1 || math.IsNaN(w.threshold) {
		return wish{}, fmt.Errorf("index: %w", errWire)
	}
	return w, nil
}

// class puts the posts that reach many before those that reach one.
func class(k chat.Kind) byte {
	switch k {
	case chat.Channel:
		return '1'
	case chat.Group:
		return '2'
	default:
		return '3'
	}
}

// subscriptionPrefix is what the rows of a rule and coin begin with.
func subscriptionPrefix(rule alert.Rule, coin market.Coin) []byte {
	return []byte(string(coin) + "\x00" + string(rule) + "\x00")
}

func subscriptionKey(rule alert.Rule, coin market.Coin, to *alert.Recipient) []byte {
	return fmt.Appendf(subscriptionPrefix(rule, coin), "%s\x00%c%s\x00%s", to.Target.Platform, class(to.Kind), to.Target.Chat, to.Target.Thread)
}

// levelPrefix is what the rows of a coin's levels of one direction begin with.
func levelPrefix(coin market.Coin, direction byte) []byte {
	return append([]byte(string(coin)+"\x00"), direction)
}

// levelKey sorts by price: the bits of floats above zero sort as the floats do.
func levelKey(l *alert.Level) []byte {
	usd, up := l.Due()
	direction := falling
	if up {
		direction = rising
	}
	key := binary.BigEndian.AppendUint64(levelPrefix(l.Coin, direction), math.Float64bits(usd))
	return binary.BigEndian.AppendUint64(key, l.ID)
}

// splitLevelKey returns a level's price in USD and its ID; false for a key of
// another length.
func splitLevelKey(key, prefix []byte) (usd float64, id uint64, ok bool) {
	rest := key[len(prefix):]
	if len(rest) != 16 {
		return 0, 0, false
	}
	return math.Float64frombits(binary.BigEndian.Uint64(rest)), binary.BigEndian.Uint64(rest[8:]), true
}

// rows are the rows of the index by bucket and key, and how often each threshold is
// among them.
type rows struct {
	subscriptions, levels map[string][]byte
	edges                 map[string]int
}

// rowsOf are the rows that a chat's record stands for.
func rowsOf(t chat.Target, c *alert.Chat) rows {
	out := rows{subscriptions: map[string][]byte{}, levels: map[string][]byte{}, edges: map[string]int{}}
	if c.Retired != (alert.Retirement{}) {
		return out
	}
	w := wish{to: alert.Recipient{Target: t, Home: c.Home, Kind: c.Kind, Language: c.Language, Terms: c.Terms != alert.Terms{}}, mutedUntil: nanos(c.MutedUntil)}
	for _, sub := range c.Subscriptions {
		if sub.Paused || sub.Barred {
			continue
		}
		w.to.Target.Thread, w.threshold = sub.Thread, c.Threshold(sub.Rule, sub.Coin)
		out.subscriptions[string(subscriptionKey(sub.Rule, sub.Coin, &w.to))] = w.encode()
		if w.threshold > 0 {
			out.edges[string(edgeKey(sub.Rule, sub.Coin, w.threshold))]++
		}
	}
	w.threshold = 0
	for i := range c.Levels {
		w.to.Target.Thread, w.spent, w.until = c.Levels[i].Thread, c.Levels[i].Spent, nanos(c.Levels[i].Until)
		out.levels[string(levelKey(&c.Levels[i]))] = w.encode()
	}
	return out
}

// coins are the coins that the rows are about.
func (r rows) coins() map[market.Coin]bool {
	out := map[market.Coin]bool{}
	for _, keys := range []map[string][]byte{r.subscriptions, r.levels} {
		for key := range keys {
			coin, _, _ := strings.Cut(key, "\x00")
			out[market.Coin(coin)] = true
		}
	}
	return out
}

// replace puts the rows of one record in the place of those of another.
func replace(b *bolt.Bucket, before, after map[string][]byte) error {
	for key := range before {
		if _, stays := after[key]; stays {
			continue
		}
		if err := b.Delete([]byte(key)); err != nil {
			return err
		}
	}
	for key, row := range after {
		if old, ok := before[key]; ok && bytes.Equal(old, row) {
			continue
		}
		if err := b.Put([]byte(key), row); err != nil {
			return err
		}
	}
	return nil
}

// watched lists the coins of the index in order, by jumping from coin to coin.
func watched(tx *bolt.Tx) []market.Coin {
	var coins []market.Coin
	subs, levels := tx.Bucket(subsBucket).Cursor(), tx.Bucket(levelsBucket).Cursor()
	sub, _ := subs.First()
	level, _ := levels.First()
	for sub != nil || level != nil {
		a, b := coinOf(sub), coinOf(level)
		coin := a
		if sub == nil || level != nil && b < a {
			coin = b
		}
		coins = append(coins, market.Coin(coin))
		next := []byte(coin + "\x01")
		if sub != nil && a == coin {
			sub, _ = subs.Seek(next)
		}
		if level != nil && b == coin {
			level, _ = levels.Seek(next)
		}
	}
	return coins
}

func coinOf(key []byte) string {
	coin, _, _ := bytes.Cut(key, []byte{0})
	return string(coin)
}

// isWatched reports whether the index has a row on a coin.
func isWatched(tx *bolt.Tx, coin market.Coin) bool {
	prefix := []byte(string(coin) + "\x00")
	for _, name := range [][]byte{subsBucket, levelsBucket} {
		if key, _ := tx.Bucket(name).Cursor().Seek(prefix); bytes.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}
