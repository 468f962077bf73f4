package storage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/storage"
)

// traffic plays random results on an outbox and knows where each delivery has to
// be.
type traffic struct {
	*room
	rnd *rand.Rand
	// flying are handed out, waiting come again at a moment, final are over.
	flying  map[alert.Ref]alert.Delivery
	waiting map[alert.Ref]time.Time
	final   map[alert.Ref]alert.State
	claimed map[alert.Ref]time.Time
	total   int
}

// TestOutboxKeepsEveryDeliveryInOnePlace: whatever the results and their order, a
// delivery is handed out once at a time and ends in one state, and a restart shows
// exactly those that are handed out.
func TestOutboxKeepsEveryDeliveryInOnePlace(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := &traffic{
				room: newRoom(t), rnd: rand.New(rand.NewPCG(seed, 2)),
				flying: map[alert.Ref]alert.Delivery{}, waiting: map[alert.Ref]time.Time{},
				final: map[alert.Ref]alert.State{}, claimed: map[alert.Ref]time.Time{},
			}
			n := storage.ChunkSize + 300
			w.fill(t, n)
			w.record(t, breakouts("BTC", 60*24*60))
			w.total = n
			for w.total > len(w.final) {
				w.step(t)
			}
			counts := map[alert.State]uint64{}
			for _, state := range w.final {
				counts[state]++
			}
			if diff := cmp.Diff(counts, w.totals(t).Deliveries); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
			tidied(t, w.room)
		})
	}
}

func (w *traffic) step(t *testing.T) {
	t.Helper()
	switch w.rnd.IntN(12) {
	case 0:
		w.restart(t)
		w.interrupted(t)
	case 1, 2:
		w.pass(time.Duration(w.rnd.IntN(5000)) * time.Millisecond)
	default:
		w.exchange(t)
	}
}

// exchange hands in some results and takes some deliveries.
func (w *traffic) exchange(t *testing.T) {
	t.Helper()
	var done []alert.Result
	for ref, d := range w.flying {
		// Every 40th is slow: it stays out while hundreds pass by it.
		if ref.Index%40 == 7 && w.rnd.IntN(60) > 0 || w.rnd.IntN(3) == 0 {
			continue
		}
		r := alert.Result{Delivery: d, State: alert.State(1 + w.rnd.IntN(6))}
		if r.State == alert.Waiting {
			r.NotBefore = w.clock().Add(time.Duration(w.rnd.IntN(3000)-500) * time.Millisecond)
			r.Delivery.Attempts++
			r.Delivery.Since = w.claimed[ref]
			r.Repeat = w.rnd.IntN(2) == 0
			w.waiting[ref] = r.NotBefore
		} else {
			w.final[ref] = r.State
		}
		delete(w.flying, ref)
		done = append(done, r)
	}
	n := w.rnd.IntN(60)
	if w.rnd.IntN(10) == 0 {
		n = 700
	}
	b := w.advance(t, chat.Telegram, done, n)
	for _, d := range b.Deliveries {
		w.handedOut(t, d)
	}
	ready := w.total - len(w.final) - len(w.waiting) - len(w.flying)
	for _, at := range w.waiting {
		if !at.After(w.clock()) {
			ready++
		}
	}
	if len(b.Deliveries) > n || len(b.Deliveries) < n && ready > 0 || b.Left != w.total-len(w.final) {
		t.Fatalf("%d deliveries for %d while %d are ready, %d left; want %d left", len(b.Deliveries), n, ready, b.Left, w.total-len(w.final))
	}
}

func (w *traffic) handedOut(t *testing.T, d alert.Delivery) {
	t.Helper()
	if _, twice := w.flying[d.Ref]; twice {
		t.Fatalf("%+v was handed out twice", d.Ref)
	}
	if state, over := w.final[d.Ref]; over {
		t.Fatalf("%+v was handed out after it was %s", d.Ref, state)
	}
	at, waited := w.waiting[d.Ref]
	if waited && at.After(w.clock()) || waited != (d.Attempts > 0) {
		t.Fatalf("%+v came at %v, due at %v", d, w.clock(), at)
	}
	delete(w.waiting, d.Ref)
	w.flying[d.Ref] = d
	if !waited {
		w.claimed[d.Ref] = w.clock()
	}
}

func (w *traffic) interrupted(t *testing.T) {
	t.Helper()
	found, err := w.Interrupted(t.Context(), chat.Telegram)
	if err != nil {
		t.Fatal(err)
	}
	var want []alert.Delivery
	for _, d := range w.flying {
		want = append(want, d)
	}
	// Since of a first try is when it was claimed or, when many claims stand in a
	// header, somewhat earlier.
	for i := range found {
		if at := w.claimed[found[i].Ref]; found[i].Since.After(at) || at.Sub(found[i].Since) > time.Minute {
			t.Fatalf("since %v, claimed at %v", found[i].Since, at)
		}
		w.flying[found[i].Ref] = found[i]
	}
	less := func(a, b alert.Delivery) bool { return a.Ref.Index < b.Ref.Index }
	opts := []cmp.Option{cmpopts.IgnoreFields(alert.Delivery{}, "Since"), cmpopts.SortSlices(less), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(want, found, opts...); diff != "" {
		t.Fatalf("interrupted (-want +got):\n%s", diff)
	}
}

// TestClaimsOfManySizes takes an entry in claims that cross its chunks.
func TestClaimsOfManySizes(t *testing.T) {
	for _, n := range []int{1, 999, 1000, 1001, 4096, 100_000} {
		r := newRoom(t)
		total := 2*storage.ChunkSize + 500
		r.fill(t, total)
		r.record(t, breakouts("BTC", 1))
		var got []chat.Target
		var done []alert.Result
		for n > 1 || len(got) < 20 {
			b := r.advance(t, chat.Telegram, done, n)
			if done = nil; len(b.Deliveries) == 0 {
				break
			}
			for _, d := range b.Deliveries {
				got = append(got, d.To.Target)
			}
			done = results(alert.Sent, b.Deliveries...)
		}
		if want := members(chat.Telegram, total)[:len(got)]; !slices.Equal(want, got) || n > 1 && len(got) != total {
			t.Errorf("claims of %d: %d recipients, in order %v", n, len(got), slices.Equal(want, got))
		}
	}
}
