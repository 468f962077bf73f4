package rehearsal

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"liqbot/alert"
)

// controls is how many moments each alert is compared with.
const controls = 40

// waits is how long an invented level waits for the price.
const waits = 24 * time.Hour

// drawer draws the moments that alerts of a rule are compared with: always the same ones.
type drawer struct {
	p    *played
	hold time.Duration
	rng  *rand.Rand
}

func newDrawer(p *played, rule alert.Rule, hold time.Duration) *drawer {
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.rec.Set + string(p.rec.Coin) + string(rule)))
	return &drawer{p: p, hold: hold, rng: rand.New(rand.NewPCG(h.Sum64(), 1))} //nolint:gosec // no secret
}

// moments are events like an alert, of the same coin, side and hour of the day, at moments
// that were drawn. A breakout is compared with levels that were put, at such a moment, as
// far from the price as its level was when it was last read, and which the price then broke
// in the same way. That takes no map. An approach is compared with levels as far away as
// its own, whatever the price came from.
func (d *drawer) moments(a *alert.Alert) []event {
	of := d.p.track.hours[a.At.UTC().Hour()]
	var out []event
	for range controls {
		i := int(of[d.rng.IntN(len(of))])
		at, usd := d.p.track.time(i), d.p.track.usd[i]
		if a.Rule == alert.Breakout {
			if e, broke := d.broken(a, at, usd); broke {
				out = append(out, e)
			}
			continue
		}
		out = append(out, newEvent(a.Rule, at, usd, usd*a.LevelUSD/a.PriceUSD, a.Rising))
	}
	return out
}

// broken puts a level and waits until the price has broken it.
func (d *drawer) broken(a *alert.Alert, at time.Time, usd float64) (event, bool) {
	t := &d.p.track
	read, known := t.price(a.IntensityAt)
	if !known {
		return event{}, false
	}
	level := usd * a.LevelUSD / read
	low, high := 0.0, math.Nextafter(level, math.Inf(1))
	if !a.Rising {
		low, high = math.Nextafter(level, 0), math.Inf(1)
	}
	for end := at.Add(waits); at.Before(end); {
		i, seen := t.until(at, end.Sub(at), low, high)
		if !seen || i < 0 {
			return event{}, false
		}
		for j := i + 1; j < len(t.at) && (t.usd[j] >= high || t.usd[j] <= low); j++ {
			if t.time(j).Sub(t.time(i)) >= d.hold {
				return newEvent(a.Rule, t.time(j), t.usd[j], level, a.Rising), true
			}
		}
		at = t.time(i)
	}
	return event{}, false
}
