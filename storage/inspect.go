package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// Condition is what Inspect found.
type Condition struct {
	// Chats have settings. Records are those of chats' alerts, with so many Subscriptions
	// and Levels in force.
	Chats, Records, Subscriptions, Levels int
	// Entries are the alerts in the outbox, with Left deliveries that have no final state.
	Entries, Left int
	// Quarantined counts the rows that were ever set aside because they could not be read,
	// Kept those that are still there for a look.
	Quarantined uint64
	Kept        int
	Faults      []Fault
}

// Fault is something in a store that should not be.
type Fault struct {
	// Part is what it is about: records, index, log, claims or outbox.
	Part string
	// What is a phrase such as "rows are missing from the index".
	What  string
	Count int
	// Example is one of them.
	Example string
}

// Inspect compares what a store keeps twice, and reads all that Repair could mend. It
// changes nothing.
func (s *Store) Inspect(ctx context.Context) (Condition, error) {
	var c Condition
	err := s.db.View(func(tx *bolt.Tx) error {
		i := &inspection{ctx: ctx, tx: tx, edges: map[string]int{}}
		for _, look := range []func() error{i.settings, i.records, i.index, i.log, i.moves, i.claims, i.events, i.outbox, i.aside} {
			if err := look(); err != nil {
				return err
			}
		}
		c = i.Condition
		return nil
	})
	if err != nil {
		return Condition{}, fmt.Errorf("inspect store: %w", err)
	}
	return c, nil
}

// inspection is one Inspect.
type inspection struct {
	Condition
	ctx context.Context //nolint:containedctx // of one call
	tx  *bolt.Tx
	// want is what the records say of the index, found what of it is there.
	want, found struct{ subscriptions, levels int }
	edges       map[string]int
	census      count
	lastLevel   uint64
}

// fault notes a fault of a kind; example is that of the first.
func (i *inspection) fault(part, what, example string) {
	for n := range i.Faults {
		if f := &i.Faults[n]; f.Part == part && f.What == what {
			f.Count++
			return
		}
	}
	i.Faults = append(i.Faults, Fault{Part: part, What: what, Count: 1, Example: example})
}

// each calls look for every row of a bucket.
func (i *inspection) each(bucket []byte, look func(key, value []byte)) error {
	n := 0
	return i.tx.Bucket(bucket).ForEach(func(key, value []byte) error {
		look(key, value)
		if n++; n%1000 == 0 {
			return i.ctx.Err()
		}
		return nil
	})
}

// shown is a key as a host can read it.
func shown(key []byte) string {
	return fmt.Sprintf("%.80q", bytes.ReplaceAll(key, []byte{0}, []byte{' '}))
}

const (
	unreadableSettings = "settings of chats cannot be read"
	unreadableRecord   = "alerts of chats cannot be read"
	unreadableChange   = "lines cannot be read"
)

func (i *inspection) settings() error {
	return i.each(chatsBucket, func(key, value []byte) {
		i.Chats++
		if _, err := decodeSettings(value); err != nil {
			i.fault("records", unreadableSettings, shown(key))
		}
	})
}

// records reads what the chats have asked for and looks for its rows in the index.
func (i *inspection) records() error {
	return i.each(alertsBucket, func(key, value []byte) {
		i.Records++
		t, ok := splitChatKey(string(key))
		c, err := decodeChat(value)
		if err != nil || !ok {
			i.fault("records", unreadableRecord, shown(key))
			return
		}
		r := rowsOf(t, &c)
		i.Subscriptions += len(r.subscriptions)
		i.Levels += len(r.levels)
		i.want.subscriptions += len(r.subscriptions)
		i.want.levels += len(r.levels)
		i.found.subscriptions += i.look(subsBucket, r.subscriptions)
		i.found.levels += i.look(levelsBucket, r.levels)
		for edge, n := range r.edges {
			i.edges[edge] += n
		}
		share := countOf(&c, r)
		for n, slot := range share.slots() {
			*i.census.slots()[n] += *slot
		}
		for _, l := range c.Levels {
			i.lastLevel = max(i.lastLevel, l.ID)
		}
	})
}

// look counts the rows that are in the index.
func (i *inspection) look(bucket []byte, want map[string][]byte) int {
	n := 0
	for key, row := range want {
		have := i.tx.Bucket(bucket).Get([]byte(key))
		switch {
		case have == nil:
			i.fault("index", "rows are missing: these alerts are not sent", shown([]byte(key)))
			continue
		case !sameRow(have, row):
			i.fault("index", "rows say something else than the chat's record", shown([]byte(key)))
		}
		n++
	}
	return n
}

// sameRow compares rows of the index, which an older bot may have written in another way.
func sameRow(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	first, err := decodeWish(a)
	second, err2 := decodeWish(b)
	return err == nil && err2 == nil && first == second
}

// index looks for rows that no record stands for, and at what is counted in the index.
func (i *inspection) index() error {
	for _, part := range []struct {
		bucket []byte
		found  int
	}{{subsBucket, i.found.subscriptions}, {levelsBucket, i.found.levels}} {
		extra := rowsIn(i.tx, part.bucket) - part.found
		if extra > 0 {
			i.fault("index", "rows have no chat's record behind them", "in "+string(part.bucket))
			i.Faults[len(i.Faults)-1].Count += extra - 1
		}
	}
	if have := i.tx.Bucket(levelsBucket).Sequence(); have < i.lastLevel {
		i.fault("index", "numbers of levels would be given again", fmt.Sprint(i.lastLevel))
	}
	var census count
	if err := loadFigures(i.tx, censusKey, census.slots()); err != nil || census != i.census {
		i.fault("index", "the count of subscribers is wrong", fmt.Sprintf("%+v instead of %+v", census, i.census))
	}
	err := i.each(edgesBucket, func(key, row []byte) {
		if len(row) != 4 || int(binary.BigEndian.Uint32(row)) != i.edges[string(key)] {
			i.fault("index", "counts of thresholds are wrong", shown(key))
		}
		delete(i.edges, string(key))
	})
	for key := range i.edges {
		i.fault("index", "counts of thresholds are wrong", shown([]byte(key)))
	}
	return err
}

func (i *inspection) log() error {
	return i.each(auditBucket, func(key, value []byte) {
		if _, err := decodeEntry(value); err != nil {
			i.fault("log", unreadableChange, shown(key[:max(0, len(key)-9)]))
		}
	})
}

// moves looks for ids that lead in a circle.
func (i *inspection) moves() error {
	return i.each(movedBucket, func(key, value []byte) {
		t, ok := splitChatKey(string(key))
		_, valid := splitChatKey(string(value))
		if !ok || !valid || circular(i.tx, t) {
			i.fault("records", "moved chats lead nowhere", shown(key))
		}
	})
}

// circular reports whether a chat's moves lead back to it.
func circular(tx *bolt.Tx, t chat.Target) bool {
	next := t
	for range maxHops {
		value := tx.Bucket(movedBucket).Get([]byte(chatKey(next)))
		to, ok := splitChatKey(string(value))
		if !ok {
			return false
		}
		if next = to; next == t {
			return true
		}
	}
	return false
}

// claims looks for claims that would never be forgotten.
func (i *inspection) claims() error {
	times := i.tx.Bucket(claimTimesBucket)
	n := 0
	err := i.each(claimsBucket, func(id, at []byte) {
		n++
		if len(at) != 8 || times.Get(append(bytes.Clone(at), id...)) == nil {
			i.fault("claims", "answered requests have no time", shown(id))
		}
	})
	if extra := rowsIn(i.tx, claimTimesBucket); extra > n {
		i.fault("claims", "times have no answered request", fmt.Sprintf("%d more", extra-n))
	}
	return err
}

// events looks whether what was recorded can be forgotten.
func (i *inspection) events() error {
	events := i.tx.Bucket(eventsBucket)
	n := 0
	err := i.each(eventOrderBucket, func(place, id []byte) {
		n++
		if !bytes.Equal(events.Get(id), place) {
			i.fault("claims", "recorded events have no place", shown(id))
		}
	})
	if extra := rowsIn(i.tx, eventsBucket); extra > n {
		i.fault("claims", "recorded events are never forgotten", fmt.Sprintf("%d more", extra-n))
	}
	return err
}

func (i *inspection) aside() error {
	var t tally
	if err := loadFigures(i.tx, totalsKey, t.slots()); err != nil {
		i.fault("claims", "the totals cannot be read and begin anew", string(totalsKey))
	}
	i.Quarantined, i.Kept = t.quarantined, rowsIn(i.tx, quarantineBucket)
	return nil
}

// refOf reads the place of a delivery from the end of its key, which has so many bytes
// between the platform and it.
func refOf(key []byte, before int) (chat.Platform, alert.Ref, bool) {
	platform, _, found := bytes.Cut(key, []byte{0})
	if !found {
		return "", alert.Ref{}, false
	}
	ref, ok := splitRef(key, key[:len(platform)+1], before)
	return chat.Platform(platform), ref, ok
}
