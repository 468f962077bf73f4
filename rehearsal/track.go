package rehearsal

import (
	"slices"
	"time"
)

// unseen is the longest time between two looks over which the price counts as known.
const unseen = 5 * time.Minute

// track is the price as the rules saw it.
type track struct {
	at  []int64 // Unix milliseconds
	usd []float64
	// hours are the indexes of the looks by hour of the day, to draw from.
	hours [24][]int32
}

func (t *track) add(c corner) {
	hour := c.at.UTC().Hour()
	t.hours[hour] = append(t.hours[hour], int32(len(t.at))) //nolint:gosec // millions at most
	t.at, t.usd = append(t.at, c.at.UnixMilli()), append(t.usd, c.usd)
}

func (t *track) time(i int) time.Time { return time.UnixMilli(t.at[i]).UTC() }

// after is the index of the first look after a moment.
func (t *track) after(at time.Time) int {
	i, found := slices.BinarySearch(t.at, at.UnixMilli())
	if found {
		i++
	}
	return i
}

// price is the last one seen up to a moment, false when that was too long before.
func (t *track) price(at time.Time) (float64, bool) {
	i := t.after(at) - 1
	if i < 0 || at.UnixMilli()-t.at[i] > unseen.Milliseconds() {
		return 0, false
	}
	return t.usd[i], true
}

// next is the first price seen at a moment or after it, as the bot tells of outcomes; false
// when that was too long after.
func (t *track) next(at time.Time) (float64, bool) {
	i, _ := slices.BinarySearch(t.at, at.UnixMilli())
	if i == len(t.at) || t.at[i]-at.UnixMilli() > unseen.Milliseconds() {
		return 0, false
	}
	return t.usd[i], true
}

// until is the index of the first look after a moment, within a time, at which the price is
// at least as high or at most as low as a bound. It is -1 when there is none, and known is
// false when not all of that time was seen.
func (t *track) until(from time.Time, within time.Duration, low, high float64) (index int, known bool) {
	last, end := from.UnixMilli(), from.Add(within).UnixMilli()
	for i := t.after(from); i < len(t.at); i++ {
		if t.at[i]-last > unseen.Milliseconds() {
			return -1, false
		}
		if t.at[i] > end {
			return -1, true
		}
		if t.usd[i] >= high || t.usd[i] <= low {
			return i, true
		}
		last = t.at[i]
	}
	return -1, end-last <= unseen.Milliseconds()
}
