package storage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

const (
	// maxClaim bounds the deliveries of one Advance.
	maxClaim = 4096
	// sweepAtMost bounds the chunks that one transaction deletes, 20 KB each.
	sweepAtMost = 16
)

// Advance keeps what became of deliveries and hands out up to n more, in one
// transaction: those that wait and are due, then members' own levels, then what
// many wait for, the oldest first. A delivery that is handed out stays so until its
// result is given, also over a restart: see Interrupted. A result for a delivery
// that is not handed out changes nothing. A Waiting one comes again with the
// Attempts and Since of its Result's Delivery. What has expired before its turn is
// counted as such and not handed out. Nothing is written when there is nothing to
// keep and nothing to hand out. After an error nothing was handed out, unless the
// disk is failing.
func (s *Store) Advance(ctx context.Context, p chat.Platform, done []alert.Result, n int) (alert.Batch, error) {
	if err := ctx.Err(); err != nil {
		return alert.Batch{}, err
	}
	var batch alert.Batch
	var now time.Time
	more := false
	err := s.update(func(tx *bolt.Tx) error {
		l, err := s.openLane(tx, p)
		if err != nil {
			return err
		}
		if err := l.settle(done); err != nil {
			return err
		}
		now = l.now
		if s.jumped(p, now) {
			if err := l.rewind(); err != nil {
				return err
			}
		}
		if l.again, err = l.due(); err != nil {
			return err
		}
		if batch.Deliveries, err = l.claim(max(0, min(n, maxClaim))); err != nil {
			return err
		}
		batch.Left, batch.Next = l.left(), l.next()
		more, err = l.save()
		return err
	})
	if err != nil {
		return alert.Batch{}, fmt.Errorf("advance outbox: %w", err)
	}
	s.clocks.Store(p, now.UnixNano())
	// What was handed out is handed out, so a failure to tidy up is not the caller's:
	// the next Advance goes on with it.
	for more && err == nil {
		more, err = s.tidy(p)
	}
	return batch, nil
}

// tidy deletes chunks of entries that are over and reports whether more are left.
func (s *Store) tidy(p chat.Platform) (more bool, err error) {
	err = s.update(func(tx *bolt.Tx) error {
		l, err := s.openLane(tx, p)
		if err != nil {
			return err
		}
		more, err = l.save()
		return err
	})
	return more, err
}

// Interrupted lists the deliveries that were handed out and whose result was not
// given. It is for the start, when nothing is on its way: an earlier process may
// have sent them. They stay handed out. Since is when they were, if not before.
func (s *Store) Interrupted(ctx context.Context, p chat.Platform) ([]alert.Delivery, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []alert.Delivery
	err := s.update(func(tx *bolt.Tx) error {
		l, err := s.openLane(tx, p)
		if err != nil {
			return err
		}
		if found, err = l.interrupted(); err != nil {
			return err
		}
		if err := l.rewind(); err != nil {
			return err
		}
		_, err = l.save()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list interrupted deliveries: %w", err)
	}
	return found, nil
}

// lane is the outbox of one platform within one transaction.
type lane struct {
	store    *Store
	tx       *bolt.Tx
	platform chat.Platform
	now      time.Time
	entries  []*entry
	// touched are the entries whose headers have to be written.
	touched map[*entry]bool
	tally   tally
	// changed reports that something was written that no header tells of.
	changed bool
	// aliases reports that some chat has moved.
	aliases bool
	// heads are alerts by entry and newer those of later entries, as far as they were asked
	// for: see newerThan.
	heads map[uint64]*alert.Alert
	newer map[uint64][]*alert.Alert
	// again reports that there is more that is due, and was not looked at; passing that it
	// is the rest of a late entry, most of which is passed over.
	again, passing bool
}

func (s *Store) openLane(tx *bolt.Tx, p chat.Platform) (*lane, error) {
	l := &lane{store: s, tx: tx, platform: p, now: s.now(), touched: map[*entry]bool{}}
	first, _ := tx.Bucket(movedBucket).Cursor().First()
	l.aliases = first != nil
	prefix := lanePrefix(p)
	var bad []line
	cursor := tx.Bucket(outboxBucket).Cursor()
	for key, row := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, row = cursor.Next() {
		e, err := readHeader(key[len(prefix):], row)
		if err != nil {
			bad = append(bad, line{bytes.Clone(key), bytes.Clone(row)})
			continue
		}
		l.entries = append(l.entries, e)
		if e.over() {
			l.touched[e] = true
		}
	}
	for _, row := range bad {
		if err := l.setAside(outboxBucket, row.key, row.value); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func readHeader(id, row []byte) (*entry, error) {
	if len(id) != 8 {
		return nil, errWire
	}
	return decodeHeader(binary.BigEndian.Uint64(id), row)
}

// find returns nil for an entry that is over. They are in the order of their ids.
func (l *lane) find(id uint64) *entry {
	at, ok := slices.BinarySearchFunc(l.entries, id, func(e *entry, id uint64) int { return cmp.Compare(e.id, id) })
	if !ok {
		return nil
	}
	return l.entries[at]
}

// setAside takes a row away that cannot be read.
func (l *lane) setAside(bucket, key, value []byte) error {
	l.changed = true
	return quarantine(l.tx, bucket, key, value, &l.tally)
}

func (l *lane) count(state alert.State, n int) {
	l.tally.deliveries[state] += uint64(n) //nolint:gosec // a count
}

func (l *lane) left() int {
	n := 0
	for _, e := range l.entries {
		n += e.left()
	}
	return n
}

// next is when the first delivery that waits, or what is planned, is due.
func (l *lane) next() time.Time {
	if l.again {
		return l.now
	}
	due := l.firstDue()
	prefix := lanePrefix(l.platform)
	key, _ := l.tx.Bucket(waitingBucket).Cursor().Seek(prefix)
	if !bytes.HasPrefix(key, prefix) || len(key) < len(prefix)+8 {
		return due
	}
	r := &reader{rest: key[len(prefix):]}
	// A moment of 0 is due at once, and not "nothing waits".
	if waits := time.Unix(0, r.int64()).UTC(); due.IsZero() || waits.Before(due) {
		return waits
	}
	return due
}

// recipient is where a delivery goes now.
func (l *lane) recipient(to alert.Recipient) alert.Recipient {
	if !l.aliases {
		return to
	}
	to.Target = resolve(l.tx, to.Target)
	to.Home = resolveHome(l.tx, to.Home)
	return to
}

// recipients reads n recipients of an entry that stand in one chunk.
func (l *lane) recipients(e *entry, from uint32, n int) ([]alert.Recipient, error) {
	row := l.tx.Bucket(recipientsBucket).Get(chunkKey(e.id, from/chunkSize))
	found, err := decodeChunk(l.platform, row, int(from%chunkSize), n)
	for i := range found {
		found[i] = l.recipient(found[i])
	}
	return found, err
}

// save writes the headers and the totals, and deletes what is over. It reports
// whether more is to be deleted, and errNothing when nothing has changed.
func (l *lane) save() (more bool, err error) {
	if !l.changed && len(l.touched) == 0 {
		return false, errNothing
	}
	budget := sweepAtMost
	for e := range l.touched {
		if len(e.told) >= toldAtOnce || len(e.told) > 0 && e.over() {
			if err := l.keepTold(e); err != nil {
				return false, err
			}
		}
		if err := l.sweep(e, &budget); err != nil {
			return false, err
		}
		if !e.over() || e.swept < e.chunks() {
			more = more || e.over()
			err = l.tx.Bucket(outboxBucket).Put(headerKey(l.platform, e.id), e.encode())
		} else {
			err = l.remove(e)
		}
		if err != nil {
			return false, err
		}
	}
	return more, l.tally.save(l.tx)
}

// sweep deletes chunks that nobody needs any more.
func (l *lane) sweep(e *entry, budget *int) error {
	needless := e.base / chunkSize
	if e.over() {
		needless = e.chunks()
	}
	for _, t := range e.told {
		needless = min(needless, t.index/chunkSize)
	}
	for ; e.swept < needless && *budget > 0; *budget-- {
		if err := l.tx.Bucket(recipientsBucket).Delete(chunkKey(e.id, e.swept)); err != nil {
			return err
		}
		e.swept++
	}
	return nil
}

func (l *lane) remove(e *entry) error {
	l.store.news.forget(e.id)
	if err := l.tx.Bucket(newsBucket).Delete(newsKey(e.id)); err != nil {
		return err
	}
	return l.tx.Bucket(outboxBucket).Delete(headerKey(l.platform, e.id))
}
