package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/market"
)

// MarketFileName is the name of the file in which a Market keeps what exchanges told.
const MarketFileName = "market.db"

// Buckets of the market file.
var (
	// barsBucket: venue NUL symbol NUL day -> bars of a UTC day, sealed.
	barsBucket = []byte("bars")
	// realisedBucket: coin NUL day -> rows of a UTC day, sealed.
	realisedBucket = []byte("realised")
)

// barsKept is how long bars and rows are kept.
const barsKept = 32 * 24 * time.Hour

// Market keeps what the exchanges told: bars of the last month and what was reported as
// liquidated. It is a file of its own: losing it costs a download and the record of the
// self-check, but no promise, so it is backed up only on request. A damaged one is put aside and
// begun anew. It is safe for concurrent use.
type Market struct {
	db  *bolt.DB
	now func() time.Time
}

// OpenMarket opens the market file in a folder, which is made if need be. aside is the
// name that a damaged file was given, empty as a rule. The error wraps ErrLocked when
// another process has it open.
func OpenMarket(ctx context.Context, dir string, now func() time.Time) (m *Market, aside string, err error) {
	if now == nil {
		now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("make data folder: %w", err)
	}
	path := filepath.Join(dir, MarketFileName)
	db, err := openMarket(ctx, path, now())
	if errors.Is(err, ErrDamaged) {
		aside = path + ".damaged"
		if err := os.Rename(path, aside); err != nil {
			return nil, "", fmt.Errorf("put damaged market file aside: %w", err)
		}
		db, err = openMarket(ctx, path, now())
	}
	if err != nil {
		return nil, "", err
	}
	return &Market{db: db, now: now}, aside, nil
}

func openMarket(ctx context.Context, path string, now time.Time) (*bolt.DB, error) {
	var db *bolt.DB
	err := guarded(ctx, path, func() (err error) {
		if db, err = openLive(path); err != nil {
			return err
		}
		err = db.Update(func(tx *bolt.Tx) error {
			for _, name := range [][]byte{barsBucket, realisedBucket, accuracyBucket} {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			return forget(tx, now)
		})
		if err != nil {
			return errors.Join(err, db.Close())
		}
		return nil
	})
	return db, err
}

// Close closes the file.
func (m *Market) Close() error {
	if err := m.db.Close(); err != nil {
		return fmt.Errorf("close market file: %w", err)
	}
	return nil
}

const day = 24 * time.Hour

func dayKey(prefix []byte, at time.Time) []byte { return timeKey(prefix, at, day) }

// timeKey is a prefix and the number of whole units from 1970 to a moment, 4 bytes big
// endian; 0 for a moment before.
func timeKey(prefix []byte, at time.Time, unit time.Duration) []byte {
	return binary.BigEndian.AppendUint32(slices.Clone(prefix), uint32(max(0, at.Unix())/int64(unit/time.Second))) //nolint:gosec // for ages
}

func prefixOf(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = append(append(b, p...), 0)
	}
	return b
}

// Bars returns the bars of a contract that start at since or later, oldest first. Days
// that cannot be read are left out.
func (m *Market) Bars(venue market.Venue, symbol string, since time.Time) ([]market.Bar, error) {
	var out []market.Bar
	err := m.rows(barsBucket, prefixOf(string(venue), symbol), since, day, func(start time.Time, row []byte) {
		for _, b := range readBars(start, row) {
			if !b.Start.Before(since) {
				out = append(out, b)
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read bars: %w", err)
	}
	return out, nil
}

// rows calls read for each row of a prefix whose key is of since or later, in order. Those
// that are damaged are left out.
func (m *Market) rows(bucket, prefix []byte, since time.Time, unit time.Duration, read func(start time.Time, row []byte)) error {
	return m.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucket).Cursor()
		for k, v := c.Seek(timeKey(prefix, since, unit)); bytes.HasPrefix(k, prefix) && len(k) == len(prefix)+4; k, v = c.Next() {
			row, err := unseal(v)
			if err != nil {
				continue
			}
			read(time.Unix(int64(binary.BigEndian.Uint32(k[len(prefix):]))*int64(unit/time.Second), 0).UTC(), row)
		}
		return nil
	})
}

// SaveBars adds bars; one that is there already is replaced. Bars older than a month go
// when their contract gets new ones, or at the next opening.
func (m *Market) SaveBars(venue market.Venue, symbol string, bars []market.Bar) error {
	byDay := make(map[time.Time][]market.Bar)
	for _, b := range bars {
		byDay[b.Start.Truncate(day)] = append(byDay[b.Start.Truncate(day)], b)
	}
	prefix := prefixOf(string(venue), symbol)
	err := m.db.Batch(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(barsBucket)
		for start, fresh := range byDay {
			key := dayKey(prefix, start)
			var known []market.Bar
			if row, err := unseal(bucket.Get(key)); err == nil {
				known = readBars(start, row)
			}
			if err := bucket.Put(key, seal(appendBars(nil, start, market.MergeBars(known, fresh)))); err != nil {
				return err
			}
		}
		return dropBefore(bucket, prefix, dayKey(nil, m.now().Add(-barsKept)))
	})
	if err != nil {
		return fmt.Errorf("save bars: %w", err)
	}
	return nil
}

// dropBefore drops the rows of a prefix, of all if it is empty, whose key ends in a time before
// limit.
func dropBefore(bucket *bolt.Bucket, prefix, limit []byte) error {
	var old [][]byte
	c := bucket.Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if len(k) >= len(limit) && bytes.Compare(k[len(k)-len(limit):], limit) < 0 {
			old = append(old, k)
		}
	}
	for _, k := range old {
		if err := bucket.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// forget drops what is too old of all contracts and coins: those that nobody follows any
// more get no new rows, which would do it.
func forget(tx *bolt.Tx, now time.Time) error {
	bars := dayKey(nil, now.Add(-barsKept))
	return errors.Join(
		dropBefore(tx.Bucket(barsBucket), nil, bars),
		dropBefore(tx.Bucket(realisedBucket), nil, bars),
		dropBefore(tx.Bucket(accuracyBucket), nil, hourKey(nil, now.Add(-accuracyKept))),
	)
}

// Flags of a bar.
const (
	barAssumed = 1 << iota
	barTaker
)

// barVersion begins a row of bars.
const barVersion = 1

// appendBars packs the bars of a day: seconds since its beginning, length in seconds,
// flags, and nine figures in single precision, in which they are counted with.
func appendBars(row []byte, start time.Time, bars []market.Bar) []byte {
	row = append(row, barVersion)
	for _, b := range bars {
		row = binary.BigEndian.AppendUint32(row, uint32(b.Start.Sub(start)/time.Second)) //nolint:gosec // within a day
		row = binary.BigEndian.AppendUint32(row, uint32(b.Length/time.Second))           //nolint:gosec // at most a day
		var flags byte
		if b.Assumed {
			flags |= barAssumed
		}
		if b.HasTaker {
			flags |= barTaker
		}
		row = append(row, flags)
		for _, v := range barFigures(&b) {
			row = binary.BigEndian.AppendUint32(row, math.Float32bits(float32(*v)))
		}
	}
	return row
}

func barFigures(b *market.Bar) [9]*float64 {
	return [9]*float64{
		&b.OpenUSD, &b.HighUSD, &b.LowUSD, &b.CloseUSD, &b.MarkHighUSD, &b.MarkLowUSD,
		&b.VolumeCoins, &b.TakerBuyCoins, &b.OpenInterestCoins,
	}
}

// readBars unpacks what appendBars packed; a row of another version has none.
func readBars(start time.Time, row []byte) []market.Bar {
	const size = 4 + 4 + 1 + 9*4
	if len(row) == 0 || row[0] != barVersion {
		return nil
	}
	row = row[1:]
	bars := make([]market.Bar, 0, len(row)/size)
	for ; len(row) >= size; row = row[size:] {
		var b market.Bar
		b.Start = start.Add(time.Duration(binary.BigEndian.Uint32(row)) * time.Second)
		b.Length = time.Duration(binary.BigEndian.Uint32(row[4:])) * time.Second
		b.Assumed, b.HasTaker = row[8]&barAssumed != 0, row[8]&barTaker != 0
		for i, v := range barFigures(&b) {
			*v = float64(math.Float32frombits(binary.BigEndian.Uint32(row[9+4*i:])))
		}
		bars = append(bars, b)
	}
	return bars
}
