package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/storage"
)

func clearChat(c *alert.Chat) { *c = alert.Chat{} }

// spoilIndex takes a row from the index of the store in a folder.
func spoilIndex(t *testing.T, dir string) {
	t.Helper()
	s := open(t, dir)
	spoil(t, s, "subs", "drop")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// spoil damages the first row of a bucket.
func spoil(t *testing.T, s *storage.Store, bucket, how string) {
	t.Helper()
	err := s.Spoil(bucket, func(get func([]byte) []byte, first []byte, put func(k, v []byte) error, drop func([]byte) error) error {
		switch value := bytes.Clone(get(first)); how {
		case "drop":
			return drop(first)
		case "flip":
			value[0] ^= 0xff
			return put(first, value)
		default: // a row with a key that nothing leads to
			key := append(first, '9')
			key[0]++
			return put(key, value)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestInspectOfASoundStore(t *testing.T) {
	r := newRoom(t)
	furnish(t, r)
	got, err := r.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	census, err := r.Census(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := storage.Condition{Chats: 3, Records: audience + 3, Subscriptions: census.Subscriptions, Levels: census.Levels, Entries: 1, Left: audience - 7}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("condition (-want +got):\n%s", diff)
	}
	if _, kept, err := storageRepair(t, r); err != nil || kept != "" {
		t.Errorf("a sound store was repaired: %q, %v", kept, err)
	}
}

func storageRepair(t *testing.T, r *room) (storage.Condition, string, error) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	found, kept, err := storage.Repair(t.Context(), r.dir, sound)
	r.open(t)
	return found, kept, err
}

// TestRepair damages a store in each place that Inspect looks at: it is found, and it is
// gone after a repair, which leaves what the chats have asked for as it was.
func TestRepair(t *testing.T) {
	for _, c := range []struct {
		bucket, how, part string
		// left says that the delivery mends it, as it counts what is lost.
		left bool
	}{
		{"subs", "drop", "index", false},
		{"subs", "flip", "index", false},
		{"subs", "add", "index", false},
		{"levels", "drop", "index", false},
		{"levels", "flip", "index", false},
		{"edges", "drop", "index", false},
		{"edges", "add", "index", false},
		{"chats", "flip", "records", false},
		{"alerts", "flip", "records", false},
		{"audit", "flip", "log", false},
		{"claim_times", "drop", "claims", false},
		{"claims", "drop", "claims", false},
		{"event_order", "drop", "claims", false},
		{"events", "drop", "claims", false},
		{"outbox", "flip", "outbox", false},
		{"outbox", "drop", "outbox", false},
		{"waiting", "drop", "outbox", false},
		{"flying", "add", "outbox", false},
		{"news", "add", "outbox", false},
		{"news", "flip", "outbox", true},
		{"recipients", "flip", "outbox", true},
		{"recipients", "drop", "outbox", true},
	} {
		t.Run(c.bucket+" "+c.how, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			furnish(t, r)
			if c.bucket == "flying" {
				spoil(t, r.Store, "waiting", "add") // there is none that flies in a row of its own
			} else {
				spoil(t, r.Store, c.bucket, c.how)
			}
			found, kept, err := storageRepair(t, r)
			if err != nil || kept == "" || !slices.ContainsFunc(found.Faults, func(f storage.Fault) bool { return f.Part == c.part && f.Count > 0 }) {
				t.Fatalf("found %+v, kept %q, %v", found, kept, err)
			}
			after, err := r.Inspect(t.Context())
			if err != nil || len(after.Faults) > 0 != c.left {
				t.Errorf("after the repair: %+v, %v", after.Faults, err)
			}
			sameIndex(t, r)
			lookAtOutbox(t, r, &contents{})
			tidied(t, r)
			if after, err := r.Inspect(t.Context()); err != nil || len(after.Faults) > 0 {
				t.Errorf("after the delivery: %+v, %v", after.Faults, err)
			}
		})
	}
}

func TestRepairKeepsTheTruth(t *testing.T) {
	r := newRoom(t)
	furnish(t, r)
	crowdBeside(t, r, 5000)
	before := map[chat.Target]alert.Chat{}
	for _, target := range furnished {
		c, err := r.Alerts(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		before[target] = c
	}
	have, _, err := r.Index()
	for _, bucket := range []string{"subs", "levels", "edges"} {
		_, ferr := r.Flip(bucket)
		err = errors.Join(err, ferr)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := storageRepair(t, r); err != nil {
		t.Fatal(err)
	}
	again, _, err := r.Index()
	slices.Sort(have)
	slices.Sort(again)
	if diff := cmp.Diff(have, again, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("index (-before +after), %v:\n%s", err, diff)
	}
	for target, want := range before {
		got, err := r.Alerts(t.Context(), target)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-before +after), %v:\n%s", target, err, diff)
		}
	}
	c := r.change(t, lost, func(c *alert.Chat) { c.Levels = append(c.Levels, alert.Level{Coin: "BTC", USD: 1, Since: start}) })
	if len(c.Levels) != 2 || c.Levels[0].ID == c.Levels[1].ID {
		t.Errorf("levels with one number: %s", fmt.Sprint(c.Levels))
	}
}
