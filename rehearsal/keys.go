package rehearsal

import (
	"slices"
	"time"

	"liqbot/liquidation"
)

// keysLast is how long a key level that is shown no more may still be watched: the rules
// freeze one, and the price uses its cluster up on the way to it.
const keysLast = 24 * time.Hour

// keys are the key levels of the last day that the price has not gone through. Where it
// does, it has to be looked at more closely than once a minute.
type keys struct {
	levels []keySeen
	// due are the moments of those looks, the earliest first.
	due []time.Time
}

type keySeen struct {
	usd float64
	at  time.Time
}

// seen notes the key levels of a look.
func (k *keys) seen(at time.Time, shown ...*liquidation.KeyLevel) {
	for _, key := range shown {
		if key == nil {
			continue
		}
		i := slices.IndexFunc(k.levels, func(s keySeen) bool { return s.usd == key.PriceUSD })
		if i < 0 {
			k.levels = append(k.levels, keySeen{key.PriceUSD, at})
			continue
		}
		k.levels[i].at = at
	}
}

// crossed asks for looks where a piece of the way goes through a level: a second after it,
// and once the price can have held.
func (k *keys) crossed(from, to corner, hold time.Duration) {
	k.levels = slices.DeleteFunc(k.levels, func(s keySeen) bool {
		if from.at.Sub(s.at) > keysLast {
			return true
		}
		if s.usd <= min(from.usd, to.usd) || s.usd >= max(from.usd, to.usd) {
			return false
		}
		share := (s.usd - from.usd) / (to.usd - from.usd)
		past := from.at.Add(time.Duration(share * float64(to.at.Sub(from.at)))).Truncate(time.Millisecond).Add(time.Second)
		k.due = append(k.due, past, past.Add(hold))
		return true
	})
	slices.SortFunc(k.due, time.Time.Compare)
}

// before takes the moments that come before another.
func (k *keys) before(end time.Time) []time.Time {
	n := 0
	for n < len(k.due) && k.due[n].Before(end) {
		n++
	}
	some := k.due[:n:n]
	k.due = k.due[n:]
	return some
}
