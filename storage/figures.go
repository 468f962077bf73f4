package storage

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
)

// Rows of figuresBucket.
var (
	totalsKey = []byte("totals")
	censusKey = []byte("census")
	webKey    = []byte("web_key")
)

const (
	figuresVersion = 1
	webKeySize     = 32
	states         = int(alert.Held) + 1
)

// tally is what a transaction adds to the totals.
type tally struct {
	alerts, quarantined uint64
	deliveries          [states]uint64
}

func (t *tally) slots() []*uint64 {
	slots := []*uint64{&t.alerts, &t.quarantined}
	for i := range t.deliveries {
		slots = append(slots, &t.deliveries[i])
	}
	return slots
}

// save adds a tally to the totals in the file.
func (t *tally) save(tx *bolt.Tx) error {
	if *t == (tally{}) {
		return nil
	}
	return addFigures(tx, totalsKey, t.slots())
}

// count is what a transaction adds to the census; the slots are of wrapping
// arithmetic, so a difference may be negative.
type count struct{ chats, retired, subscriptions, levels uint64 }

func (c *count) slots() []*uint64 {
	return []*uint64{&c.chats, &c.retired, &c.subscriptions, &c.levels}
}

// save adds a difference to the census in the file.
func (c *count) save(tx *bolt.Tx) error {
	if *c == (count{}) {
		return nil
	}
	return addFigures(tx, censusKey, c.slots())
}

// addFigures adds numbers to a row. One that is damaged is begun anew: figures must
// not keep an alert from going out.
func addFigures(tx *bolt.Tx, key []byte, numbers []*uint64) error {
	held := make([]uint64, len(numbers))
	slots := make([]*uint64, len(numbers))
	for i := range held {
		slots[i] = &held[i]
	}
	if err := loadFigures(tx, key, slots); err != nil {
		clear(held)
	}
	row := []byte{figuresVersion}
	for i, n := range numbers {
		row = binary.BigEndian.AppendUint64(row, held[i]+*n)
	}
	return putFigures(tx, key, seal(row))
}

// The totals change with nearly every commit. They stand in the smallest bucket, whose
// rows are in a page that is written anyway; in earlier files they are with the others.

func figuresRow(tx *bolt.Tx, key []byte) []byte {
	if bytes.Equal(key, totalsKey) {
		if row := tx.Bucket(metaBucket).Get(key); row != nil {
			return row
		}
	}
	return tx.Bucket(figuresBucket).Get(key)
}

func putFigures(tx *bolt.Tx, key, row []byte) error {
	figures := tx.Bucket(figuresBucket)
	if !bytes.Equal(key, totalsKey) {
		return figures.Put(key, row)
	}
	if figures.Get(key) != nil {
		if err := figures.Delete(key); err != nil {
			return err
		}
	}
	return tx.Bucket(metaBucket).Put(key, row)
}

// loadFigures reads a row of numbers; a missing one is zeros. What an older bot
// did not count yet is 0.
func loadFigures(tx *bolt.Tx, key []byte, slots []*uint64) error {
	row := figuresRow(tx, key)
	if row == nil {
		return nil
	}
	body, err := unseal(row)
	if err != nil || len(body) == 0 || body[0] != figuresVersion || len(body)%8 != 1 {
		return fmt.Errorf("figures %s: %w", key, errWire)
	}
	r := &reader{rest: body[1:]}
	for _, slot := range slots {
		if len(r.rest) > 0 {
			*slot = r.uint64()
		}
	}
	return nil
}

// Totals returns what was counted since the data file was made. Only final states
// are counted; a state that never occurred is not in the map.
func (s *Store) Totals(ctx context.Context) (alert.Totals, error) {
	var t tally
	if err := s.figures(ctx, totalsKey, t.slots()); err != nil {
		return alert.Totals{}, err
	}
	totals := alert.Totals{Alerts: t.alerts, Deliveries: map[alert.State]uint64{}}
	for i, n := range t.deliveries {
		if n > 0 {
			totals.Deliveries[alert.State(i)] = n
		}
	}
	return totals, nil
}

// Quarantined counts the rows that could not be read and were set aside.
func (s *Store) Quarantined(ctx context.Context) (uint64, error) {
	var t tally
	err := s.figures(ctx, totalsKey, t.slots())
	return t.quarantined, err
}

// Census counts who asks for alerts now. Chats that can be reached are counted
// with what they have paused; subscriptions, levels and coins are those that are
// in force.
func (s *Store) Census(ctx context.Context) (alert.Census, error) {
	var c count
	if err := s.figures(ctx, censusKey, c.slots()); err != nil {
		return alert.Census{}, err
	}
	coins, err := s.Watched(ctx)
	if err != nil {
		return alert.Census{}, err
	}
	return alert.Census{
		Chats: int(c.chats), Retired: int(c.retired), //nolint:gosec // counts
		Subscriptions: int(c.subscriptions), Levels: int(c.levels), Coins: len(coins), //nolint:gosec // counts
	}, nil
}

func (s *Store) figures(ctx context.Context, key []byte, slots []*uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.db.View(func(tx *bolt.Tx) error { return loadFigures(tx, key, slots) })
	if err != nil {
		return fmt.Errorf("read figures: %w", err)
	}
	return nil
}

// WebKey returns 32 random bytes, made on the first call and the same ever after.
// They are a secret: who knows them can sign sessions of the web chat.
func (s *Store) WebKey(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var key []byte
	err := s.update(func(tx *bolt.Tx) error {
		figures := tx.Bucket(figuresBucket)
		if key = bytes.Clone(figures.Get(webKey)); len(key) == webKeySize {
			return errNothing
		}
		key = make([]byte, webKeySize)
		if _, err := rand.Read(key); err != nil {
			return err
		}
		return figures.Put(webKey, key)
	})
	if err != nil {
		return nil, fmt.Errorf("read web key: %w", err)
	}
	return key, nil
}

// maxQuarantined bounds the rows that are kept for a look at them; more are only
// counted.
const maxQuarantined = 1000

// quarantine takes a row that cannot be read out of the way, so that what stands
// behind it goes on.
func quarantine(tx *bolt.Tx, bucket, key, value []byte, t *tally) error {
	t.quarantined++
	aside := tx.Bucket(quarantineBucket)
	n, err := aside.NextSequence()
	if err != nil {
		return err
	}
	if n <= maxQuarantined {
		row := appendString(appendString(nil, string(bucket)), string(key))
		if err := aside.Put(binary.BigEndian.AppendUint64(nil, n), append(row, value...)); err != nil {
			return err
		}
	}
	return tx.Bucket(bucket).Delete(bytes.Clone(key))
}
