package delivery

import (
	"log/slog"
	"time"

	"liqbot/alert"
	"liqbot/chat"
)

const (
	// restFirst to restMost are the rests of a lane when the platform names none, and
	// of one whose outbox fails.
	restFirst = time.Second
	restMost  = 30 * time.Second
	// longWait is a wait that the host has to know of.
	longWait = 10 * time.Minute
	// doubtWindow is of how many verdicts doubtShare per cent must be that the chat
	// cannot be reached, before that is not believed; doubtRest is when it is looked
	// at again, with doubtProbes deliveries.
	doubtWindow = 30
	doubtShare  = 90
	doubtRest   = 10 * time.Minute
	doubtProbes = 5
	// speakAgain is when the host is told the same thing again; maxSpoken bounds what
	// is remembered of it.
	speakAgain = 10 * time.Minute
	maxSpoken  = 64
	// unclearRow is after how many answers in a row that say nothing the platform
	// counts as down: going on would use up every delivery's second try.
	unclearRow = 4
)

// The reasons for a pause that no platform has named.
const (
	unreachable = "the platform cannot be reached"
	unanswered  = "the platform gives no clear answer"
	unwritable  = "the outbox cannot be written"
	unbelieved  = "nearly all chats are said to be gone"
)

// outage is a time in which something does not work. It is over with the first
// success, not with the end of a rest.
type outage struct {
	until  time.Time
	reason string
	// rests counts the rests so far, 0 for no outage.
	rests int
	// told: the host knows of this outage.
	told bool
}

func (o *outage) active(now time.Time) bool { return now.Before(o.until) }

// doubt is whether to believe a platform that says of chats that they are gone.
type doubt struct {
	recent   [doubtWindow]bool
	n, lost  int
	on       bool
	until    time.Time
	position int
}

// note takes one verdict and reports whether nearly all of the last are losses.
func (d *doubt) note(lost bool) bool {
	if d.n == doubtWindow && d.recent[d.position] {
		d.lost--
	}
	d.n = min(d.n+1, doubtWindow)
	d.recent[d.position] = lost
	d.position = (d.position + 1) % doubtWindow
	if lost {
		d.lost++
	}
	return d.n == doubtWindow && d.lost*100 >= doubtShare*doubtWindow
}

// blocked reports whether the lane rests.
func (l *lane) blocked(now time.Time) bool { return now.Before(l.blockedUntil()) }

// blockedUntil is when it goes on; a time that has passed when it does not rest.
func (l *lane) blockedUntil() time.Time {
	if l.doubt.until.After(l.down.until) {
		return l.doubt.until
	}
	return l.down.until
}

// probes is how many deliveries may be under way while it is not known whether the
// platform works again, 0 for any.
func (l *lane) probes() int {
	switch {
	case l.down.rests > 0:
		return 1
	case l.doubt.on:
		return doubtProbes
	default:
		return 0
	}
}

// pausedBy says why nothing is sent, and until when.
func (l *lane) pausedBy(now time.Time) (string, time.Time) {
	switch {
	case l.store.rests > 0:
		return unwritable, l.store.until
	case l.down.rests > 0:
		return l.down.reason, l.down.until
	case l.doubt.on && now.Before(l.doubt.until):
		return unbelieved, l.doubt.until
	default:
		return "", time.Time{}
	}
}

// judgePlatform draws conclusions from an outcome for the lane as a whole.
func (l *lane) judgePlatform(x landing, now time.Time) {
	switch x.outcome.Fate {
	case chat.Down:
		l.platformDown(x.outcome, now)
		return
	case chat.Unclear:
		if x.flight.began.Before(l.clear) {
			return // the platform has answered others since this one began
		}
		if l.unclearRun++; l.unclearRun >= unclearRow {
			l.platformDown(chat.Outcome{Reason: unanswered}, now)
		}
		return
	case chat.Posted, chat.Later, chat.Refused, chat.Gone, chat.Barred:
		l.unclearRun, l.clear = 0, l.Now()
		l.platformUp(now)
	default:
		return
	}
	switch x.outcome.Fate {
	case chat.Posted:
		l.doubt.note(false)
		l.believe()
	case chat.Refused:
		l.doubt.note(false)
	case chat.Gone, chat.Barred:
		if l.doubt.note(true) || l.doubt.on {
			l.disbelieve(now)
		}
	default:
	}
}

// platformDown lets the lane rest.
func (l *lane) platformDown(out chat.Outcome, now time.Time) {
	resting := l.down.active(now)
	if resting && out.Wait <= 0 {
		return
	}
	wait := backoff(restFirst, restMost, l.down.rests)
	if out.Wait > 0 {
		wait = named(out.Wait)
	}
	if until := now.Add(wait); until.After(l.down.until) {
		l.down.until = until
	}
	l.down.reason = out.Reason
	if out.Reason == "" {
		l.down.reason = unreachable
	}
	if !resting {
		l.down.rests++
	}
	l.recall()
	attrs := []any{l.platform(), slog.String("reason", l.down.reason), slog.Duration("wait", wait)}
	if out.Wait > longWait && l.speak(l.down.reason+" for long", now) {
		l.Log.Error("the platform asks for a long wait", attrs...)
	} else if !l.down.told && l.speak(l.down.reason, now) {
		l.Log.Warn("deliveries rest", attrs...)
	}
	l.down.told = true
}

// platformUp ends an outage, unless the platform has asked for a rest meanwhile.
func (l *lane) platformUp(now time.Time) {
	if l.down.rests == 0 || l.down.active(now) {
		return
	}
	l.Log.Info("deliveries go on", l.platform(), slog.Int("rests", l.down.rests))
	l.down = outage{}
}

// disbelieve lets the lane rest instead of losing all its chats.
func (l *lane) disbelieve(now time.Time) {
	if now.Before(l.doubt.until) {
		return
	}
	l.doubt.until = now.Add(doubtRest)
	l.recall()
	if l.doubt.on {
		return
	}
	l.doubt.on = true
	for i, r := range l.results {
		if r.State == alert.Retired || r.State == alert.Barred {
			l.results[i] = l.waiting(r.Delivery, l.Now().Add(doubtRest), unbelieved)
		}
	}
	if l.speak(unbelieved, now) {
		l.Log.Error("nearly all chats are said to be gone: none is retired until that is over", l.platform())
	}
}

// believe ends the doubt.
func (l *lane) believe() {
	if !l.doubt.on {
		return
	}
	l.doubt.on, l.doubt.until = false, time.Time{}
	l.Log.Info("chats can be reached again", l.platform())
}

// unreachable is what becomes of a delivery to a chat that is said to be gone or
// closed to the bot.
func (l *lane) unreachable(d alert.Delivery, out chat.Outcome) alert.Result {
	if l.doubt.on {
		return l.waiting(d, l.Now().Add(doubtRest), unbelieved)
	}
	state := alert.Retired
	if out.Fate == chat.Barred {
		state = alert.Barred
	}
	return alert.Result{Delivery: d, State: state, Reason: out.Reason}
}

// storeFails lets the lane rest: what cannot be recorded is not sent.
func (l *lane) storeFails(now time.Time, err error) {
	l.store.until = now.Add(backoff(restFirst, restMost, l.store.rests))
	l.store.rests++
	l.recall()
	if !l.store.told && l.speak(unwritable, now) {
		l.Log.Error("deliveries rest: the outbox does not work", l.platform(), slog.Any("err", err))
	}
	l.store.told = true
}

func (l *lane) storeWorks() {
	if l.store.rests > 0 {
		l.Log.Info("the outbox works again", l.platform(), slog.Int("rests", l.store.rests))
	}
	l.store = outage{}
}

// recall takes back what is not on the wire.
func (l *lane) recall() {
	for f := range l.flights {
		f.recall()
	}
}

// report tells the host of what will never arrive.
func (l *lane) report(r alert.Result) {
	if (r.State == alert.Failed || r.State == alert.Uncertain) && l.speak(r.State.String()+r.Reason, time.Now()) {
		l.Log.Warn("a delivery is given up", l.platform(), slog.String("state", r.State.String()), slog.String("reason", r.Reason))
	}
}

// speak reports whether the host was not told this lately.
func (l *lane) speak(what string, now time.Time) bool {
	if last, ok := l.spoken[what]; ok && now.Sub(last) < speakAgain {
		return false
	}
	if len(l.spoken) >= maxSpoken {
		clear(l.spoken)
	}
	l.spoken[what] = now
	return true
}

func (l *lane) platform() slog.Attr { return slog.String("platform", string(l.Platform)) }
