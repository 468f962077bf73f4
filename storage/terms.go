package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/chat"
)

// judgement is what a chat's terms make of an alert whose turn has come.
type judgement struct {
	verdict verdict
	// until is when something that is held is told of, since when it is held.
	until, since time.Time
}

type verdict uint8

const (
	// goes: it is sent, silently if the chat is asleep.
	goes verdict = iota
	goesSilently
	// waits: it is held for a summary.
	waits
	// skipped: the chat has heard of the like just now.
	skipped
)

// paceRecord is what a chat was told lately, as JSON.
type paceRecord struct {
	// Day is the day of the chat that Told counts for.
	Day  string `json:"day,omitempty"`
	Told int    `json:"told,omitempty"`
	// Newest is the alert that was counted last: it may go to several topics.
	Newest string `json:"newest,omitempty"`
	// Last is when a topic was told of a coin and rule, in Unix seconds.
	Last map[string]int64 `json:"last,omitempty"`
}

// morning is when that is told which was too much for the day before, without a digest.
const morning alert.Clock = 9 * 60

// maxPaces bounds the coins and rules of a paceRecord.
const maxPaces = 64

// judge asks the terms of a chat about a delivery. again says that it was asked before: then
// the alert counts already. What may have arrived is not held: a summary would not say that
// it is told once more.
func (l *lane) judge(d *alert.Delivery, again bool) (judgement, error) {
	a, to, silent := d.Alert, &d.To, judgement{}
	if a.Rule == alert.Outcome { // nobody is to be woken by a follow-up
		silent.verdict = goesSilently
	}
	if !to.Terms || a.Rule == alert.Summary {
		return silent, nil
	}
	c, err := readChat(l.tx, ownerOf(to.Target))
	if err != nil || c.Terms == (alert.Terms{}) {
		return silent, nil //nolint:nilerr // a record that cannot be read asks for nothing
	}
	local := l.now.In(zoneOf(l.tx, to.Target, c.Home))
	if quiet, over := c.Terms.Quiet.At(local); quiet {
		if c.Terms.Quiet.Silent || d.Repeat || d.Attempts > 0 {
			silent.verdict = goesSilently
		} else {
			return judgement{verdict: waits, until: over, since: l.now}, nil
		}
	}
	if !a.Rule.Known() || again {
		return silent, nil
	}
	if c.Terms.Digest.On && c.Terms.Digest.Only {
		return judgement{verdict: waits, until: c.Terms.Digest.Next(local), since: l.now}, nil
	}
	return l.paced(a, to.Target, c.Terms, local, silent)
}

// paced judges by what the chat was told lately, and counts the alert.
func (l *lane) paced(a *alert.Alert, t chat.Target, terms alert.Terms, local time.Time, otherwise judgement) (judgement, error) {
	if terms.Cap == 0 && terms.Cooldown == 0 {
		return otherwise, nil
	}
	key := []byte(chatKey(t))
	pace := readPace(l.tx, key)
	day := local.Format(time.DateOnly)
	if pace.Day != day {
		pace.Day, pace.Told = day, 0
	}
	subject := string(a.Coin) + " " + string(a.Rule) + " " + t.Thread
	last := time.Unix(pace.Last[subject], 0)
	switch {
	case terms.Cooldown > 0 && pace.Last[subject] > 0 && l.now.Sub(last) < terms.Cooldown && !last.After(l.now):
		return judgement{verdict: skipped}, nil
	case terms.Cap > 0 && pace.Told >= terms.Cap && pace.Newest != a.ID:
		until := morning.On(alert.Days(local, 1))
		if terms.Digest.On {
			until = terms.Digest.Next(local)
		}
		return judgement{verdict: waits, until: until, since: l.now}, nil
	}
	if pace.Newest != a.ID {
		pace.Told++
		pace.Newest = a.ID
	}
	if pace.Last == nil || len(pace.Last) >= maxPaces {
		pace.Last = map[string]int64{}
	}
	pace.Last[subject] = l.now.Unix()
	row, err := json.Marshal(pace)
	if err != nil {
		return judgement{}, fmt.Errorf("encode pace: %w", err)
	}
	l.changed = true
	return otherwise, l.tx.Bucket(pacesBucket).Put(key, row)
}

// readPace returns an empty record for one that is not there or cannot be read.
func readPace(tx *bolt.Tx, key []byte) paceRecord {
	var pace paceRecord
	if row := tx.Bucket(pacesBucket).Get(key); row != nil {
		if err := json.Unmarshal(row, &pace); err != nil {
			return paceRecord{}
		}
	}
	return pace
}

// zoneOf is the time zone that a chat has chosen, UTC for none.
func zoneOf(tx *bolt.Tx, t, home chat.Target) *time.Location {
	if home == (chat.Target{}) {
		home = t
	}
	settings, err := readSettings(tx, chatKey(resolve(tx, home)))
	if err != nil || settings.TimeZone == "" {
		return time.UTC
	}
	if known, ok := zones.Load(settings.TimeZone); ok {
		return known.(*time.Location)
	}
	zone, err := time.LoadLocation(settings.TimeZone)
	if err != nil {
		return time.UTC
	}
	zones.Store(settings.TimeZone, zone)
	return zone
}

// zones are the time zones that were asked for: reading one takes a look at the disk.
var zones sync.Map

// keep holds an alert for a summary.
func (l *lane) keep(a *alert.Alert, to *alert.Recipient, j judgement) error {
	l.changed = true
	l.count(alert.Held, 1)
	if err := putHeld(l.tx, a, to); err != nil {
		return err
	}
	return l.planBy(errand{target: to.Target, what: release}, j.until)
}

// Held lists the alerts that are held for a chat, with all its topics, the oldest first.
func (s *Store) Held(ctx context.Context, t chat.Target) ([]alert.Alert, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var held []alert.Alert
	err := s.db.View(func(tx *bolt.Tx) error {
		prefix := []byte(chatKey(resolve(tx, t)) + "\x00")
		cursor := tx.Bucket(heldBucket).Cursor()
		for key, row := cursor.Seek(prefix); hasPrefix(key, prefix); key, row = cursor.Next() {
			if h, err := decodeNews(row); err == nil {
				held = append(held, *h)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read held alerts: %w", err)
	}
	return held, nil
}

// errErrand is for a row of the schedule that cannot be read.
var errErrand = errors.New("no errand")
