package storage

import (
	"bytes"
	"math"
	"slices"
	"time"

	"liqbot/alert"
)

// claim hands out up to n deliveries.
func (l *lane) claim(n int) ([]alert.Delivery, error) {
	if n == 0 {
		return nil, nil
	}
	out, err := l.claimWaiting(n)
	for _, e := range l.entries {
		if err != nil || len(out) >= n {
			return out, err
		}
		var more []alert.Delivery
		more, err = l.claimEntry(e, n-len(out))
		out = append(out, more...)
		if l.passing { // what replaces it must not be over before it is passed
			break
		}
	}
	return out, err
}

// claimWaiting hands out what waits and is due.
func (l *lane) claimWaiting(n int) ([]alert.Delivery, error) {
	prefix := lanePrefix(l.platform)
	var due []line
	cursor := l.tx.Bucket(waitingBucket).Cursor()
	for key, row := cursor.Seek(prefix); bytes.HasPrefix(key, prefix) && len(due) < n; key, row = cursor.Next() {
		r := &reader{rest: key[len(prefix):]}
		if r.int64() > l.now.UnixNano() {
			break
		}
		due = append(due, line{bytes.Clone(key), bytes.Clone(row)})
	}
	var out []alert.Delivery
	for _, row := range due {
		a, news, err := l.attempt(waitingBucket, row, 8)
		if err != nil {
			return nil, err
		}
		if a == nil {
			continue
		}
		if err := l.tx.Bucket(waitingBucket).Delete(row.key); err != nil {
			return nil, err
		}
		l.changed = true
		a.claimed = time.Time{}
		d := a.delivery(news)
		told, err := l.admit(&d, true)
		if err != nil {
			return nil, err
		}
		if !told {
			l.release(l.find(a.ref.Entry))
			continue
		}
		out = append(out, d)
		if err := l.fly(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// admit asks the chat's terms about a delivery whose turn has come: it goes, and the
// delivery says how, or it is held or passed over, which is kept.
func (l *lane) admit(d *alert.Delivery, again bool) (bool, error) {
	if d.Late = d.Alert.Late(l.now); d.Late {
		old, err := l.outdated(d)
		if err != nil {
			return false, err
		}
		// The late one has begun the chat's cooldown, which the newer one runs into.
		if old && again && l.cools(d.To) {
			old = false
		}
		if old || d.Alert.Over(l.now) {
			l.count(alert.Expired, 1)
			return false, nil
		}
	}
	j, err := l.judge(d, again)
	if err != nil {
		return false, err
	}
	switch j.verdict {
	case waits:
		return false, l.keep(d.Alert, &d.To, j)
	case skipped:
		l.count(alert.Unwanted, 1)
		return false, nil
	default:
		d.Silent = j.verdict == goesSilently
		return true, nil
	}
}

// fly keeps a row for a delivery that is handed out.
func (l *lane) fly(a *attempt) error {
	l.changed = true
	if a.claimed.IsZero() {
		a.claimed = l.now.UTC()
	}
	return l.tx.Bucket(flyingBucket).Put(flyingKey(l.platform, a.ref), a.encode())
}

// attempt reads a row of a delivery with its alert. What cannot be read is set
// aside and counted as failed; then the attempt is nil.
func (l *lane) attempt(bucket []byte, row line, before int) (*attempt, *alert.Alert, error) {
	ref, ok := splitRef(row.key, lanePrefix(l.platform), before)
	e := l.find(ref.Entry)
	if !ok || e == nil || e.over() {
		return nil, nil, l.setAside(bucket, row.key, row.value)
	}
	a, err := decodeAttempt(l.platform, ref, row.value)
	if err != nil {
		l.release(e)
		l.count(alert.Failed, 1)
		return nil, nil, l.setAside(bucket, row.key, row.value)
	}
	news, err := l.store.news.read(l.tx, e.id)
	if err != nil {
		return nil, nil, l.abandon(e)
	}
	a.to = l.recipient(a.to)
	return a, news, nil
}

// claimEntry hands out the next recipients of an entry.
func (l *lane) claimEntry(e *entry, n int) ([]alert.Delivery, error) {
	n = min(n, int(e.total-e.claimed))
	if n == 0 {
		return nil, nil
	}
	news, err := l.store.news.read(l.tx, e.id)
	if err != nil {
		return nil, l.abandon(e)
	}
	if !e.expires.IsZero() && l.now.After(e.expires) && (news.Over(l.now) || l.replaced(e.id, news)) {
		return nil, l.pass(e, e.total-e.claimed, alert.Expired)
	}
	if err := l.narrow(e, max(0, maxWindow-n)); err != nil {
		return nil, err
	}
	var out []alert.Delivery
	for passed := 0; len(out) < n && e.claimed < e.total; {
		if passed >= passAtMost {
			l.again, l.passing = true, news.Late(l.now)
			break
		}
		left := min(chunkSize-e.claimed%chunkSize, e.total-e.claimed)
		take := min(int(left), n-len(out))
		to, err := l.recipients(e, e.claimed, take)
		if err != nil {
			if err := l.passChunk(e, left); err != nil {
				return nil, err
			}
			continue
		}
		first := e.claimed
		e.claim(uint32(take), l.now) //nolint:gosec // at most a chunk
		l.touched[e] = true
		for i := range to {
			d := alert.Delivery{Ref: alert.Ref{Entry: e.id, Index: first + uint32(i)}, Alert: news, To: to[i]}
			goes, err := l.admit(&d, false)
			if err != nil {
				return nil, err
			}
			if goes {
				out = append(out, d)
			} else {
				e.settle(d.Ref.Index)
				passed++
			}
		}
	}
	return out, nil
}

// passAtMost bounds the recipients of an entry that one claim passes over, because they are
// asleep or hear of something newer, or nearly.
const passAtMost = 512

// cools reports whether a chat has a cooldown.
func (l *lane) cools(to alert.Recipient) bool {
	if !to.Terms {
		return false
	}
	c, err := readChat(l.tx, ownerOf(to.Target))
	return err == nil && c.Terms.Cooldown > 0
}

// outdated reports whether something newer of the same rule and coin is on its way to a
// recipient, so that a late alert has nothing to say.
func (l *lane) outdated(d *alert.Delivery) (bool, error) {
	if d.Alert.Rule == alert.Price { // each is another level
		return false, nil
	}
	threshold, known := 0.0, false
	for _, newer := range l.newerThan(d.Ref.Entry, d.Alert) {
		if !known {
			w, err := l.store.wishOf(l.tx, d.To, d.Alert.Rule, d.Alert.Coin)
			if err != nil || w == nil {
				return false, err
			}
			threshold, known = w.threshold, true
		}
		if newer.Meets(threshold) {
			return true, nil
		}
	}
	return false, nil
}

// replaced reports whether something newer is for everyone whom an alert is for.
func (l *lane) replaced(id uint64, a *alert.Alert) bool {
	return a.Rule != alert.Price && slices.ContainsFunc(l.newerThan(id, a), func(newer *alert.Alert) bool {
		return newer.Notable && newer.Before == 0 && newer.Strength >= a.Strength
	})
}

// newerThan are the alerts of the same rule and coin in later entries, worked out once.
func (l *lane) newerThan(id uint64, a *alert.Alert) []*alert.Alert {
	if found, known := l.newer[id]; known {
		return found
	}
	if l.heads == nil {
		l.heads, l.newer = map[uint64]*alert.Alert{}, map[uint64][]*alert.Alert{}
	}
	var found []*alert.Alert
	for _, e := range l.entries {
		if e.id <= id || e.id>>56 != rank(a.Rule) {
			continue
		}
		head, known := l.heads[e.id]
		if !known {
			head, _ = l.store.news.read(l.tx, e.id) // nil for one that cannot be read
			l.heads[e.id] = head
		}
		if head != nil && head.Rule == a.Rule && head.Coin == a.Coin {
			found = append(found, head)
		}
	}
	l.newer[id] = found
	return found
}

// narrow gives rows of their own to the oldest deliveries that fly, until at most
// so many stand between the entry's base and its claimed cursor.
func (l *lane) narrow(e *entry, window int) error {
	for len(e.settled) > window {
		index := e.base
		at := e.since(index)
		e.settle(index)
		l.touched[e] = true
		to, err := l.recipients(e, index, 1)
		if err != nil {
			l.count(alert.Failed, 1)
			continue
		}
		e.rows++
		if err := l.fly(&attempt{ref: alert.Ref{Entry: e.id, Index: index}, to: to[0], claimed: at}); err != nil {
			return err
		}
	}
	return nil
}

// pass gives a final state to the next n recipients without handing them out.
func (l *lane) pass(e *entry, n uint32, state alert.State) error {
	if err := l.narrow(e, 0); err != nil {
		return err
	}
	e.pass(n)
	l.count(state, int(n))
	l.touched[e] = true
	return nil
}

// passChunk sets a chunk aside that cannot be read.
func (l *lane) passChunk(e *entry, left uint32) error {
	key := chunkKey(e.id, e.claimed/chunkSize)
	row := bytes.Clone(l.tx.Bucket(recipientsBucket).Get(key))
	if err := l.pass(e, left, alert.Failed); err != nil {
		return err
	}
	return l.setAside(recipientsBucket, key, row)
}

// abandon ends an entry whose alert cannot be read.
func (l *lane) abandon(e *entry) error {
	l.count(alert.Failed, e.left())
	e.base, e.claimed, e.rows, e.settled, e.marks = e.total, e.total, 0, nil, nil
	l.touched[e] = true
	return l.setAside(newsBucket, newsKey(e.id), bytes.Clone(l.tx.Bucket(newsBucket).Get(newsKey(e.id))))
}

// interrupted lists the deliveries that are handed out.
func (l *lane) interrupted() ([]alert.Delivery, error) {
	var out []alert.Delivery
	for _, e := range l.entries {
		found, err := l.interruptedOf(e)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	prefix := lanePrefix(l.platform)
	var rows []line
	cursor := l.tx.Bucket(flyingBucket).Cursor()
	for key, row := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, row = cursor.Next() {
		rows = append(rows, line{bytes.Clone(key), bytes.Clone(row)})
	}
	for _, row := range rows {
		a, news, err := l.attempt(flyingBucket, row, 0)
		if err != nil {
			return nil, err
		}
		if a == nil {
			continue
		}
		if a.since.IsZero() {
			a.since = a.claimed
		}
		out = append(out, a.delivery(news))
	}
	return out, nil
}

// interruptedOf lists the deliveries that fly by an entry's header.
func (l *lane) interruptedOf(e *entry) ([]alert.Delivery, error) {
	if len(e.settled) == 0 {
		return nil, nil
	}
	news, err := l.store.news.read(l.tx, e.id)
	if err != nil {
		return nil, l.abandon(e)
	}
	var out []alert.Delivery
	for index := e.base; index < e.claimed && index < math.MaxUint32; index++ {
		if !e.flies(index) {
			continue
		}
		since := e.since(index)
		to, err := l.recipients(e, index, 1)
		if err != nil {
			e.settle(index)
			l.touched[e] = true
			l.count(alert.Failed, 1)
			continue
		}
		out = append(out, alert.Delivery{Ref: alert.Ref{Entry: e.id, Index: index}, Alert: news, To: to[0], Since: since})
	}
	return out, nil
}
