package storage

import (
	"bytes"
	"time"

	"liqbot/chat"
)

// A clock that was ahead and is put right leaves moments behind that will not come for as
// long as it was wrong by: a delivery that should wait for two seconds would wait for a day
// and be told as news then. So every row with a moment also says by which clock that was
// worked out, and what a later clock worked out is worked out anew.

// wrongBy is how much later than now a clock has to have been.
const wrongBy = time.Minute

// jumped reports whether the clock of a platform's lane went back since it was asked last.
func (s *Store) jumped(p chat.Platform, now time.Time) bool {
	before, known := s.clocks.Load(p)
	return known && now.UnixNano() < before.(int64)-int64(wrongBy)
}

// rewind makes due now, or plans anew, what was put off by a clock that was ahead.
func (l *lane) rewind() error {
	if err := l.rewindWaiting(); err != nil {
		return err
	}
	for _, p := range errands(l.tx, lanePrefix(l.platform)) {
		if _, clock := planned(l.tx, p); !l.ahead(clock) {
			continue
		}
		l.changed = true
		if err := l.plan(p, unplanned); err != nil {
			return err
		}
	}
	return nil
}

// ahead reports whether a clock was ahead.
func (l *lane) ahead(clock time.Time) bool { return clock.After(l.now.Add(wrongBy)) }

func (l *lane) rewindWaiting() error {
	prefix, waiting := lanePrefix(l.platform), l.tx.Bucket(waitingBucket)
	var rows []line
	cursor := waiting.Cursor()
	for key, row := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, row = cursor.Next() {
		rows = append(rows, line{bytes.Clone(key), bytes.Clone(row)})
	}
	for _, row := range rows {
		ref, ok := splitRef(row.key, prefix, 8)
		a, err := decodeAttempt(l.platform, ref, row.value)
		if !ok || err != nil || !l.ahead(a.claimed) {
			continue // what cannot be read is set aside when its turn comes
		}
		l.changed = true
		a.claimed = l.now
		if err := waiting.Delete(row.key); err != nil {
			return err
		}
		if err := waiting.Put(waitingKey(l.platform, l.now, ref), a.encode()); err != nil {
			return err
		}
	}
	return nil
}
