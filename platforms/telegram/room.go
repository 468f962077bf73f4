package telegram

import "time"

// Telegram's limits of one chat
// (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
const (
	// chatGap is the time from one message to the next in a chat, burst how many
	// replies may come without it: "short bursts" are tolerated.
	chatGap = time.Second
	burst   = 3
	// groupMost messages and edits may be put in a group or channel within
	// groupWindow.
	groupMost   = 20
	groupWindow = time.Minute
)

// room is what the pacer knows of one chat; a pacer's mutex guards it.
type room struct {
	id int64
	// paused is the end of a pause that Telegram asked for.
	paused time.Time
	// waiting counts turns that wait, busy messages and edits edits that are on
	// their way.
	waiting, busy, edits int
	// ended is when the last message was answered: Telegram got it some time before.
	ended time.Time
	// spent is when the burst of replies is whole again.
	spent time.Time
	// minute holds when the messages and edits of the last groupWindow were answered;
	// groups only.
	minute []time.Time
}

func (r *room) group() bool { return r.id < 0 }

// wait is how long the chat alone keeps a turn waiting, 0 for not at all.
func (r *room) wait(now time.Time, k kind) time.Duration {
	at := latest(r.paused, r.crowded(now))
	switch {
	case k == aReply:
		at = latest(at, r.spent.Add(-(burst-1)*chatGap))
	case k == aPost && r.busy > 0:
		// The gap begins when that message has ended, which is not before now.
		at = latest(at, now.Add(chatGap+1))
	case k == aPost:
		at = latest(at, r.ended.Add(chatGap))
	}
	return max(at.Sub(now), 0)
}

// crowded is until when a group has as many messages as it may. What is on its way
// counts like what has ended: Telegram may get it at any moment.
func (r *room) crowded(now time.Time) time.Time {
	if !r.group() {
		return time.Time{}
	}
	r.minute = since(r.minute, now.Add(-groupWindow))
	over := r.busy + r.edits + len(r.minute) - groupMost
	switch {
	case over < 0:
		return time.Time{}
	case over < len(r.minute):
		return r.minute[over].Add(groupWindow)
	default:
		return now.Add(chatGap)
	}
}

func (r *room) begin(now time.Time, k kind) {
	if k == anEdit {
		r.edits++
		return
	}
	r.busy++
	r.spent = latest(r.spent, now).Add(chatGap)
}

func (r *room) end(now time.Time, k kind) {
	r.leave(k)
	if k != anEdit {
		r.ended = now
	}
	if r.group() {
		r.minute = append(r.minute, now)
	}
}

// undo is the end of a turn that was not used.
func (r *room) undo(k kind) {
	r.leave(k)
	if k != anEdit {
		r.spent = r.spent.Add(-chatGap)
	}
}

func (r *room) leave(k kind) {
	if k == anEdit {
		r.edits--
	} else {
		r.busy--
	}
}

// idle reports whether a room says no more than one that nobody has used.
func (r *room) idle(now time.Time) bool {
	return r.waiting+r.busy+r.edits == 0 && r.wait(now, aPost) == 0 && !r.spent.After(now) && len(r.minute) == 0
}

// since drops the times up to a moment from the front of a list in order.
func since(times []time.Time, moment time.Time) []time.Time {
	n := 0
	for n < len(times) && !times[n].After(moment) {
		n++
	}
	return times[n:]
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
