package alert

import "time"

// Terms are how a chat wants to be told, whatever it is about. Terms can be compared;
// the zero Terms ask for nothing. Times of day are those of the chat's time zone.
type Terms struct {
	Quiet  Quiet
	Digest Digest
	// Cooldown is the least time between two alerts of one rule and coin; 0 leaves it to
	// the rule.
	Cooldown time.Duration
	// Cap is the most alerts in one day of the chat, 0 for no limit. What comes beyond
	// is kept for the digest or, without one, for the next morning.
	Cap int
	// NoOutcomes says that breakouts are not followed up.
	NoOutcomes bool
}

// Clock is a time of day in minutes since midnight.
type Clock int

// MaxClock is the last minute of a day.
const MaxClock Clock = 24*60 - 1

// On is the moment of a day at which a clock of its zone shows the time; where a change of
// the clocks skips it, the first moment after.
func (c Clock) On(day time.Time) time.Time {
	y, m, d := day.Date()
	at := func(minute Clock) time.Time { return time.Date(y, m, d, 0, int(minute), 0, 0, day.Location()) }
	// time.Date does not say on which side of a gap it lands.
	for minute := c; minute <= c+longestGap; minute++ {
		if t := at(minute); shows(t, minute) {
			return t
		}
	}
	return at(c)
}

// longestGap is more than any change of the clocks skips.
const longestGap Clock = 3 * 60

func shows(at time.Time, minute Clock) bool {
	return at.Hour()*60+at.Minute() == int(minute%(MaxClock+1))
}

// Days is a moment around the noon of a day that is so many days later. Not every day has
// every other time.
func Days(local time.Time, later int) time.Time {
	y, m, d := local.Date()
	return time.Date(y, m, d+later, 12, 0, 0, 0, local.Location())
}

// Quiet are the hours of a day in which a chat is left alone.
type Quiet struct {
	// On says that there are such hours. They go from From to To, over midnight if To is
	// earlier; equal times are the whole day.
	On       bool
	From, To Clock
	// Silent asks for messages without a sound instead of none: otherwise alerts are held
	// until the hours are over.
	Silent bool
}

// At reports whether a moment, in the chat's time zone, lies within the quiet hours,
// and when they are over.
func (q Quiet) At(local time.Time) (quiet bool, over time.Time) {
	if !q.On {
		return false, time.Time{}
	}
	// The hours that a moment lies in began today or yesterday.
	for _, day := range []int{-1, 0} {
		start, end := q.From.On(Days(local, day)), q.To.On(Days(local, day))
		if q.To <= q.From {
			end = q.To.On(Days(local, day+1))
		}
		if !local.Before(start) && local.Before(end) {
			return true, end
		}
	}
	return false, time.Time{}
}

// Digest is the daily summary of a chat.
type Digest struct {
	On bool
	At Clock
	// Only says that alerts come with the digest and not on their own. Levels that
	// members have named still do.
	Only bool
	// Thread is the topic that it goes to.
	Thread string
}

// Next is the first moment after another, in the chat's time zone, at which the digest
// is due.
func (d Digest) Next(local time.Time) time.Time {
	next := d.At.On(Days(local, 0))
	for later := 1; !next.After(local); later++ {
		next = d.At.On(Days(local, later))
	}
	return next
}
