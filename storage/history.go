package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

const (
	// breakoutsKept is how long past breakouts are kept, for the record, and othersKept
	// what other rules found, for previews.
	breakoutsKept = 180 * 24 * time.Hour
	othersKept    = 30 * 24 * time.Hour
	// forgetAtMost bounds the past alerts that are forgotten with one new one.
	forgetAtMost = 8
)

// pastRecord is how a past alert stands in the file. Fields are only ever added.
type pastRecord struct {
	Alert      newsRecord       `json:"alert"`
	Recipients int              `json:"recipients,omitempty"`
	Entries    []entryRef       `json:"entries,omitempty"`
	Outcomes   []followedRecord `json:"outcomes,omitempty"`
}

// entryRef names an entry of the outbox that an alert was sent with.
type entryRef struct {
	Platform chat.Platform `json:"platform"`
	ID       uint64        `json:"id"`
}

func historyPrefix(rule alert.Rule, coin market.Coin) []byte { return subscriptionPrefix(rule, coin) }

func historyKey(a *alert.Alert) []byte {
	return append(appendMoment(historyPrefix(a.Rule, a.Coin), a.At), a.ID...)
}

// remember keeps an alert for those who ask what there was.
func (r *recording) remember(a *alert.Alert, recipients int, entries []entryRef) error {
	key := historyKey(a)
	if err := r.putPast(key, &pastRecord{Alert: recordNews(a), Recipients: recipients, Entries: entries}); err != nil {
		return err
	}
	if err := r.tx.Bucket(historyKeysBucket).Put([]byte(a.ID), key); err != nil {
		return err
	}
	kept := othersKept
	if a.Rule == alert.Breakout {
		kept = breakoutsKept
	}
	return r.forgetPast(historyPrefix(a.Rule, a.Coin), kept)
}

// trace keeps what nobody is told of, once.
func (r *recording) trace(a *alert.Alert) error {
	if a.ID == "" || len(a.ID) > maxClaimID || r.tx.Bucket(historyKeysBucket).Get([]byte(a.ID)) != nil {
		return nil
	}
	r.changed = true
	return r.remember(a, 0, nil)
}

func (r *recording) putPast(key []byte, past *pastRecord) error {
	row, err := json.Marshal(past)
	if err != nil {
		return fmt.Errorf("encode past alert: %w", err)
	}
	return r.tx.Bucket(historyBucket).Put(key, seal(row))
}

// forgetPast drops the oldest alerts of a rule and coin.
func (r *recording) forgetPast(prefix []byte, kept time.Duration) error {
	limit := appendMoment(bytes.Clone(prefix), r.now.Add(-kept))
	var old [][]byte
	cursor := r.tx.Bucket(historyBucket).Cursor()
	for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix) && len(old) < forgetAtMost && bytes.Compare(key, limit) < 0; key, _ = cursor.Next() {
		old = append(old, bytes.Clone(key))
	}
	for _, key := range old {
		if err := r.tx.Bucket(historyBucket).Delete(key); err != nil {
			return err
		}
		if err := r.tx.Bucket(historyKeysBucket).Delete(key[len(prefix)+8:]); err != nil {
			return err
		}
	}
	return nil
}

// past finds a past alert; nil when it is not known or cannot be read.
func past(tx *bolt.Tx, id string) (key []byte, found *pastRecord) {
	key = bytes.Clone(tx.Bucket(historyKeysBucket).Get([]byte(id)))
	if key == nil {
		return nil, nil
	}
	found, err := decodePast(tx.Bucket(historyBucket).Get(key))
	if err != nil {
		return nil, nil // as good as unknown
	}
	return key, found
}

func decodePast(row []byte) (*pastRecord, error) {
	body, err := unseal(row)
	if err != nil {
		return nil, fmt.Errorf("decode past alert: %w", err)
	}
	r := new(pastRecord)
	if err := json.Unmarshal(body, r); err != nil {
		return nil, fmt.Errorf("decode past alert: %w: %w", errWire, err)
	}
	return r, nil
}

func (p *pastRecord) past() alert.Past {
	out := alert.Past{Alert: p.Alert.alert(), Recipients: p.Recipients}
	for _, o := range p.Outcomes {
		out.Outcomes = append(out.Outcomes, alert.Followed(o))
	}
	return out
}

// outcome keeps what became of an alert with that alert, and tells how many of its kind
// did as well before it. It returns where the alert was sent; false when it is not known.
func (r *recording) outcome(a *alert.Alert) ([]entryRef, bool, error) {
	if a.Followed == nil {
		return nil, false, nil
	}
	key, p := past(r.tx, a.Followed.ID)
	if p == nil {
		return nil, false, nil
	}
	a.Followed.BaseHeld, a.Followed.BaseCount = baseRate(r.tx, &p.Alert, a.Followed.After, r.now)
	p.Outcomes = slices.DeleteFunc(p.Outcomes, func(o followedRecord) bool { return o.After == a.Followed.After })
	p.Outcomes = append(p.Outcomes, followedRecord(*a.Followed))
	return p.Entries, true, r.putPast(key, p)
}

// baseRate counts the alerts of the rule, coin and kind of market of an alert whose outcome
// after a time is known, and those of them that held.
func baseRate(tx *bolt.Tx, a *newsRecord, after time.Duration, now time.Time) (held, count int) {
	scanPast(tx, a.Rule, a.Coin, now.Add(-breakoutsKept), func(p *pastRecord) {
		for _, o := range p.Outcomes {
			if o.After != after || !market.Provenance(p.Alert.Provenance).Comparable(market.Provenance(a.Provenance)) {
				continue
			}
			count++
			if o.Held {
				held++
			}
		}
	})
	return held, count
}

// scanPast walks over the alerts of a rule and coin from a moment on, the oldest first.
// What cannot be read is passed over.
func scanPast(tx *bolt.Tx, rule alert.Rule, coin market.Coin, from time.Time, yield func(*pastRecord)) {
	prefix := historyPrefix(rule, coin)
	cursor := tx.Bucket(historyBucket).Cursor()
	for key, row := cursor.Seek(appendMoment(bytes.Clone(prefix), from)); bytes.HasPrefix(key, prefix); key, row = cursor.Next() {
		if p, err := decodePast(row); err == nil {
			yield(p)
		}
	}
}

// History lists what a rule found on a coin from a moment on, the oldest first, whoever
// heard of it. Without a coin it is that of all coins.
func (s *Store) History(ctx context.Context, rule alert.Rule, coin market.Coin, from time.Time) ([]alert.Past, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []alert.Past
	err := s.db.View(func(tx *bolt.Tx) error {
		coins := []market.Coin{coin}
		if coin == "" {
			coins = historyCoins(tx)
		}
		for _, c := range coins {
			scanPast(tx, rule, c, from, func(p *pastRecord) { found = append(found, p.past()) })
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read past alerts: %w", err)
	}
	slices.SortStableFunc(found, func(a, b alert.Past) int { return a.At.Compare(b.At) })
	return found, nil
}

// historyCoins lists the coins that there are past alerts of, by jumping from coin to
// coin.
func historyCoins(tx *bolt.Tx) []market.Coin {
	var coins []market.Coin
	cursor := tx.Bucket(historyBucket).Cursor()
	for key, _ := cursor.First(); key != nil; {
		coin := coinOf(key)
		coins = append(coins, market.Coin(coin))
		key, _ = cursor.Seek([]byte(coin + "\x01"))
	}
	return coins
}

// watchGap is how long nobody may look at a coin for it to be watched without a break, and
// watchNoted how often it is noted that somebody does.
const (
	watchGap   = time.Hour
	watchNoted = 10 * time.Minute
)

// Watching returns since when the rules look at a coin without a break of an hour, the zero
// time when they do not now.
func (s *Store) Watching(ctx context.Context, coin market.Coin) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	var since, last time.Time
	err := s.db.View(func(tx *bolt.Tx) error {
		since, last = watchedOf(tx, coin)
		return nil
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("read since when a coin is watched: %w", err)
	}
	if s.now().Sub(last) > watchGap {
		return time.Time{}, nil
	}
	return since, nil
}

func watchKey(coin market.Coin) []byte { return []byte("watched\x00" + string(coin)) }

// watchedOf reads since when a coin is looked at, and when that was noted last.
func watchedOf(tx *bolt.Tx, coin market.Coin) (since, last time.Time) {
	row := tx.Bucket(figuresBucket).Get(watchKey(coin))
	if len(row) != 16 {
		return time.Time{}, time.Time{}
	}
	r := &reader{rest: row}
	return moment(r.int64()), moment(r.int64())
}

// watch notes that the rules of a coin are at work.
func (r *recording) watch(coin market.Coin) error {
	since, last := watchedOf(r.tx, coin)
	gap := r.now.Sub(last)
	switch {
	case gap >= 0 && gap < watchNoted:
		return nil
	case gap > watchGap || since.IsZero() || since.After(r.now):
		since = r.now
	}
	r.changed = true
	return r.tx.Bucket(figuresBucket).Put(watchKey(coin), appendMoment(appendMoment(nil, since), r.now))
}
