package storage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// fate is where an alert for a chat is, as a member would tell it.
type fate int

const (
	queued  fate = iota
	flying       // handed out
	waiting      // to be handed out again
	held         // kept for a summary
	taken        // in a summary that is not handed out yet
	told         // handed out with a summary
	over         // has a final state
)

// pair is one alert for one chat.
type pair struct {
	alert string
	chat  int
}

// life is a few chats with every kind of terms, and where each of their alerts is.
type life struct {
	*room
	rnd   *rand.Rand
	chats []*sleeper
	fates map[pair]fate
	// out are the deliveries that are handed out, by reference.
	out map[alert.Ref]alert.Delivery
	// final counts results by state as the test gave them.
	final map[alert.State]uint64
	moves int
	// wild says that the clock jumps: then days do not count.
	wild bool
	// ending lets everything be sent.
	ending bool
}

// sleeper is a chat.
type sleeper struct {
	at    chat.Target
	terms alert.Terms
	zone  *time.Location
	// today counts the alerts of a day, last is when one of a coin was handed out first,
	// digests are the days of digests.
	today   map[string]int
	last    map[market.Coin]time.Time
	digests map[string]int
}

func everyTerms() []alert.Terms {
	digest := alert.Digest{On: true, At: 9 * 60}
	only := alert.Digest{On: true, At: 20 * 60, Only: true}
	night, day := hours(22, 7, false).Quiet, hours(9, 17, false).Quiet
	return []alert.Terms{
		{},
		{Quiet: night},
		{Quiet: day},
		hours(8, 5, false),
		hours(8, 20, true),
		{Cap: 2},
		{Cap: 1, Quiet: day},
		{Cooldown: 2 * time.Hour},
		{Cooldown: 3 * time.Hour, Cap: 3, Quiet: night},
		{Digest: digest},
		{Digest: only},
		{Digest: digest, Cap: 1},
		{Digest: only, Quiet: night},
	}
}

func newLife(t *testing.T, seed uint64, wild bool) *life {
	t.Helper()
	l := &life{
		room: newRoom(t), rnd: rand.New(rand.NewPCG(seed, 11)), fates: map[pair]fate{},
		out: map[alert.Ref]alert.Delivery{}, final: map[alert.State]uint64{}, wild: wild,
	}
	zones := []string{"", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"}
	for i, terms := range everyTerms() {
		name := zones[l.rnd.IntN(len(zones))]
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &sleeper{at: member(chat.Telegram, i), terms: terms, zone: zone, today: map[string]int{}, last: map[market.Coin]time.Time{}, digests: map[string]int{}}
		l.chats = append(l.chats, c)
		l.asleep(t, terms, name, c.at)
		l.subscribe(t, chat.Private, "ETH", c.at)
	}
	return l
}

// TestEveryAlertComesToOneEnd plays random events on chats with every kind of terms: whatever
// happens, each alert for each chat ends in one state or is told in one summary, and terms
// are kept.
func TestEveryAlertComesToOneEnd(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			l := newLife(t, seed, seed%2 == 1)
			for range 150 {
				l.step(t)
			}
			l.ending = true
			for range 60 { // and all that is left
				l.pass(time.Hour)
				l.exchange(t, 300, true)
			}
			l.exchange(t, 0, true)
			l.check(t)
		})
	}
}

func (l *life) step(t *testing.T) {
	t.Helper()
	switch l.rnd.IntN(12) {
	case 0, 1, 2:
		l.news(t)
	case 3:
		l.killed(t)
	case 4, 5, 6, 7:
		l.pass(time.Duration(l.rnd.IntN(90)) * time.Minute)
		l.exchange(t, 300, false)
	case 8:
		if l.wild {
			l.pass(time.Duration(l.rnd.IntN(48)-24) * time.Hour)
			l.exchange(t, 300, false)
		}
	case 9:
		if l.rnd.IntN(5) == 0 {
			l.moved(t)
		}
	default:
		l.exchange(t, l.rnd.IntN(8), false)
	}
}

// news records an alert.
func (l *life) news(t *testing.T) {
	t.Helper()
	coin := market.Coin([]string{"BTC", "ETH"}[l.rnd.IntN(2)])
	l.pass(time.Second)
	a := breakout(coin, int(l.clock().Sub(start)/time.Second))
	if l.fates[pair{a.ID, 0}] != queued { // the clock went back to the same moment
		return
	}
	before := len(l.fates)
	for i := range l.chats {
		l.fates[pair{a.ID, i}] = queued
	}
	if n := l.record(t, alert.Step{Alerts: []alert.Alert{a}}); n != len(l.fates)-before {
		t.Fatalf("%d are to be told, want %d", n, len(l.fates)-before)
	}
}

// moved gives a chat another id.
func (l *life) moved(t *testing.T) {
	t.Helper()
	c := l.chats[l.rnd.IntN(len(l.chats))]
	l.moves++
	next := member(chat.Telegram, 1000+l.moves)
	if err := l.Move(t.Context(), c.at, next); err != nil {
		t.Fatal(err)
	}
	for ref, d := range l.out {
		if d.To.Target == c.at {
			d.To.Target = next
			l.out[ref] = d
		}
	}
	c.at = next
}

func (l *life) chat(t chat.Target) *sleeper {
	for _, c := range l.chats {
		if c.at == t {
			return c
		}
	}
	return nil
}

// killed ends the process without a word; what it had handed out is open.
func (l *life) killed(t *testing.T) {
	t.Helper()
	l.restart(t)
	open, err := l.Interrupted(t.Context(), chat.Telegram)
	if err != nil || len(open) != len(l.out) {
		t.Fatalf("%d open, want %d, %v", len(open), len(l.out), err)
	}
	var done []alert.Result
	for _, d := range open {
		if _, ok := l.out[d.Ref]; !ok {
			t.Fatalf("%+v is open and was not handed out", d)
		}
		done = append(done, l.result(d, true))
	}
	l.take(t, done, 0)
}

// result ends a delivery in some way, or puts it off.
func (l *life) result(d alert.Delivery, mayHaveArrived bool) alert.Result {
	delete(l.out, d.Ref)
	r := alert.Result{Delivery: d, State: alert.Sent, Message: "1"}
	switch n := l.rnd.IntN(10); {
	case l.ending:
	case n < 3 && d.Attempts < 2 && (d.Alert.Rule != alert.Summary || d.Attempts == 0):
		r.State, r.Repeat = alert.Waiting, mayHaveArrived || d.Repeat
		r.NotBefore = l.clock().Add(time.Duration(l.rnd.IntN(20)) * time.Minute)
		r.Delivery.Attempts++
	case n == 3:
		r.State = alert.Failed
	case n == 4 && mayHaveArrived:
		r.State = alert.Uncertain
	}
	if r.State != alert.Waiting {
		l.final[r.State]++
	}
	if d.Alert.Rule != alert.Summary {
		l.set(d, map[bool]fate{true: waiting, false: over}[r.State == alert.Waiting])
	}
	return r
}

func (l *life) set(d alert.Delivery, f fate) {
	l.fates[l.of(d.Alert.ID, d.To.Target)] = f
}

func (l *life) of(id string, t chat.Target) pair {
	return pair{id, slices.IndexFunc(l.chats, func(c *sleeper) bool { return c.at == t })}
}

// exchange hands in results and takes deliveries over.
func (l *life) exchange(t *testing.T, n int, all bool) {
	t.Helper()
	var done []alert.Result
	for _, d := range l.out {
		if all || l.rnd.IntN(3) > 0 {
			done = append(done, l.result(d, false))
		}
	}
	l.take(t, done, n)
}

// take is Advance, after which it looks what has become of everything.
func (l *life) take(t *testing.T, done []alert.Result, n int) {
	t.Helper()
	b := l.advance(t, chat.Telegram, done, n)
	for _, d := range b.Deliveries {
		l.handedOut(t, d)
	}
	l.look(t)
	for _, d := range b.Deliveries {
		if d.Alert.Rule == alert.Summary && d.Attempts == 0 {
			l.summary(t, d)
		}
	}
}

func (l *life) handedOut(t *testing.T, d alert.Delivery) {
	t.Helper()
	if _, twice := l.out[d.Ref]; twice {
		t.Fatalf("%+v was handed out twice", d.Ref)
	}
	l.out[d.Ref] = d
	if d.Alert.Rule == alert.Summary {
		return
	}
	c, p := l.chat(d.To.Target), l.of(d.Alert.ID, d.To.Target)
	was, known := l.fates[p]
	if c == nil || !known || was != queued && was != waiting {
		t.Fatalf("%+v is handed out and was %d", d, was)
	}
	l.fates[p] = flying
	local := l.clock().In(c.zone)
	quiet, _ := c.terms.Quiet.At(local)
	if quiet && !c.terms.Quiet.Silent && !d.Repeat && d.Attempts == 0 || quiet && !d.Silent {
		t.Errorf("%+v is handed out in the quiet hours at %v", d, local)
	}
	if was != queued || l.wild {
		return
	}
	day := local.Format(time.DateOnly)
	if c.today[day]++; c.terms.Cap > 0 && c.today[day] > c.terms.Cap || c.terms.Digest.Only {
		t.Errorf("%+v is alert %d of the day %s", d, c.today[day], day)
	}
	if last := c.last[d.Alert.Coin]; c.terms.Cooldown > 0 && !last.IsZero() && local.Sub(last) < c.terms.Cooldown-time.Second {
		t.Errorf("%+v comes %v after the last one", d, local.Sub(last))
	}
	c.last[d.Alert.Coin] = local
}

// look finds out what is held now and is not any more.
func (l *life) look(t *testing.T) {
	t.Helper()
	for i, c := range l.chats {
		now, err := l.Held(t.Context(), c.at)
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]bool{}
		for _, a := range now {
			p := pair{a.ID, i}
			if was := l.fates[p]; was != queued && was != waiting && was != held || kept[a.ID] {
				t.Fatalf("%s is held for chat %d and was %d", a.ID, i, was)
			}
			kept[a.ID], l.fates[p] = true, held
		}
		for p, f := range l.fates {
			if p.chat == i && f == held && !kept[p.alert] {
				l.fates[p] = taken
			}
		}
	}
}

// summary is handed out for the first time.
func (l *life) summary(t *testing.T, d alert.Delivery) {
	t.Helper()
	c := l.chat(d.To.Target)
	if c == nil {
		t.Fatalf("%+v goes to nobody", d)
	}
	for _, a := range d.Alert.Items {
		p := l.of(a.ID, d.To.Target)
		if l.fates[p] != taken {
			t.Fatalf("%s is told in a summary for chat %d and was %d", a.ID, p.chat, l.fates[p])
		}
		l.fates[p] = told
	}
	if l.wild {
		return
	}
	local := d.Alert.At.In(c.zone)
	if quiet, _ := c.terms.Quiet.At(local); quiet && !d.Alert.Digest {
		t.Errorf("a summary in the quiet hours at %v", local)
	}
	day := local.Format(time.DateOnly)
	if d.Alert.Digest {
		c.digests[day]++
	}
	if c.digests[day] > 1 || d.Alert.Digest && local.Before(c.terms.Digest.At.On(local).Add(-time.Minute)) {
		t.Errorf("digest %d of the day at %v", c.digests[day], local)
	}
}

// check looks at the end: what is not told was passed over, as the totals say.
func (l *life) check(t *testing.T) {
	t.Helper()
	counts := map[fate]uint64{}
	for p, f := range l.fates {
		counts[f]++
		// A clock that jumps can make a summary old before its turn comes, and a day so long
		// that more is held than is kept.
		if f == flying || f == held || f == taken && !l.wild {
			t.Errorf("alert %s for chat %d ends as %d", p.alert, p.chat, f)
		}
	}
	totals := l.totals(t).Deliveries
	if got, want := totals[alert.Expired]+totals[alert.Unwanted], counts[queued]+counts[waiting]; got < want || got > want && !l.wild {
		t.Errorf("%d were passed over, want %d: %v", got, want, totals)
	}
	if totals[alert.Held] != counts[told]+counts[taken] || counts[told] == 0 {
		t.Errorf("%d were held, %d told", totals[alert.Held], counts[told])
	}
	for state, n := range l.final {
		if totals[state] != n {
			t.Errorf("%d are %s, want %d", totals[state], state, n)
		}
	}
	tidied(t, l.room)
	t.Logf("%d alerts for chats: %d had a result, %d in summaries; totals %v", len(l.fates), counts[over], counts[told], totals)
}
