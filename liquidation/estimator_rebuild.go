package liquidation

import (
	"errors"
	"slices"
	"time"

	"liqbot/market"
)

// Rebuild makes the estimator that stepping all the bars would make, many times
// faster: it works out at once which entries still stand where, and spreads them
// together. Masses differ from those of stepping by rounding only, 1e-9 of a bin
// and 1e-16 of the side. Steps may follow.
//
// Bars that Step would refuse are left out as they are there; refused tells them.
func (m *Model) Rebuild(bars []Bar) (e *Estimator, refused []*BarError) {
	h, refused := m.read(bars)
	e = m.NewEstimator()
	if len(h.taken) == 0 {
		return e, refused
	}
	h.open(nil, h.live)
	e.volumes = h.volumes
	h.spread(e, h.live)
	return e, refused
}

// Window makes the map of only the positions entered in bars that ended after a
// moment, such as those of the last day: what the estimator of all the bars holds,
// less older entries. Age and Warm are those of the whole. The map is for reading,
// Step refuses further bars.
//
// What a bar opened depends on the volume of a week before it (VolumeMemory). With
// opened nil it is worked out from the bars, so they should begin that much before
// the window. Else opened[i] is Swept.OpenedCoins of bars[i], as Step told it, and
// bars older than the window do not matter but for Age; a figure that is missing or
// cannot be is worked out.
func (m *Model) Window(bars []Bar, opened []float64, after time.Time) (e *Estimator, refused []*BarError) {
	h, refused := m.read(bars)
	e = m.NewEstimator()
	e.window = true
	if len(h.taken) == 0 {
		return e, refused
	}
	from := len(h.taken)
	for from > h.live && h.bar(from-1).End().After(after) {
		from--
	}
	h.open(opened, from)
	h.spread(e, from)
	return e, refused
}

// history is bars that are read together.
type history struct {
	model *Model
	bars  []Bar
	// taken are the bars that were not refused; the map was empty before live.
	taken   []takenBar
	live    int
	since   time.Time
	volumes volumes
}

// takenBar is what counts of a bar. There are many, so it is compact.
type takenBar struct {
	bar int32
	// hole says that the bar comes after a hole and adds nothing.
	hole bool
	// kept is the share of a mass that was left after the time since the bar before.
	kept float64
	// opened is the inflow of the bar; later what of it has not decayed by the end.
	opened float64
	// reached are the outward bins up to which the bar swept.
	reached [2]int32
	// Where positions were entered, see Parameters.place.
	bins  [4]int32
	parts [4]float64
}

func (h *history) bar(i int) *Bar { return &h.bars[h.taken[i].bar] }

// read sorts out the bars as Step would.
func (m *Model) read(bars []Bar) (*history, []*BarError) {
	h := &history{model: m, bars: bars, taken: make([]takenBar, 0, len(bars))}
	p := &m.parameters
	kept := remember(p.left)
	var refused []*BarError
	var end time.Time
	for i := range bars {
		b := &bars[i]
		started := len(h.taken) > 0
		if err := b.check(); err != nil {
			var bad *BarError
			errors.As(err, &bad)
			refused = append(refused, bad)
			continue
		}
		if started && b.Start.Before(end) {
			refused = append(refused, &BarError{Start: b.Start, Err: ErrBarOrder})
			continue
		}
		t := takenBar{bar: int32(i), hole: started && b.Start.After(end), kept: 1}
		if !started || t.hole && b.Start.Sub(end) > p.MaxHole {
			h.live, h.since = len(h.taken), b.Start
		} else {
			t.kept = kept(b.End().Sub(end))
		}
		h.taken = append(h.taken, t)
		end = b.End()
	}
	return h, refused
}

// remember is f, but does not work out the same thing twice in a row.
func remember(f func(time.Duration) float64) func(time.Duration) float64 {
	last, value := time.Duration(-1), 0.0
	return func(d time.Duration) float64 {
		if d != last {
			last, value = d, f(d)
		}
		return value
	}
}

// open finds the inflow of the taken bars from...: what is known of it, else what
// their volumes say.
func (h *history) open(known []float64, from int) {
	missing := false
	for i := from; i < len(h.taken); i++ {
		t := &h.taken[i]
		t.opened = -1
		if int(t.bar) < len(known) && known[t.bar] >= 0 && known[t.bar] <= maxOpened {
			t.opened = known[t.bar]
		}
		missing = missing || t.opened < 0
	}
	if !missing && known != nil {
		return
	}
	p := &h.model.parameters
	turned := remember(p.turned)
	h.medians(func(i int, perHour, median float64, n int) {
		if t, b := &h.taken[i], h.bar(i); i >= from && t.opened < 0 {
			t.opened = b.OpenInterestCoins * turned(b.Length) * p.busy(perHour, median, n)
		}
	})
}

// maxOpened is the most that a bar can open: the ceiling of volume at the largest
// exponent.
const maxOpened = maxCoins * 1e12

// spread fills the map with the entries of the taken bars from...
func (h *history) spread(e *Estimator, from int) {
	last := h.bar(len(h.taken) - 1)
	e.since, e.end, e.started = h.since, last.End(), true
	standing := 1.0
	for i := len(h.taken) - 1; i >= from; i-- {
		t := &h.taken[i]
		if t.opened *= standing; t.hole {
			t.opened = 0
		}
		standing *= t.kept
	}
	h.locate(from)
	a := &h.model.parameters.Anchors
	shares := [4]float64{a.Close, a.HighLow, a.HighClose, a.LowClose}
	for i, side := range []market.Side{market.Long, market.Short} {
		s := spreader{
			history: h, side: side, from: from, shares: shares,
			at: h.model.kernels[i].at, kernel: &h.model.transformed()[i],
		}
		e.sides[i] = s.spread()
	}
}

// locate finds the bins of entries and sweeps of the taken bars from...
func (h *history) locate(from int) {
	p := &h.model.parameters
	for i := from; i < len(h.taken); i++ {
		t, b := &h.taken[i], h.bar(i)
		low, high := b.extremes()
		t.reached = [2]int32{int32(p.outward(market.Long, low)), int32(p.outward(market.Short, high))} //nolint:gosec // under 4e6
		if t.opened == 0 {
			continue
		}
		for j, a := range p.Anchors.of(b) {
			bin, part := p.place(a.price)
			t.bins[j], t.parts[j] = int32(bin), part //nolint:gosec // under 4e6
		}
	}
}

// medians tells the median volume at each taken bar, and keeps the volumes that the
// last one remembers.
func (h *history) medians(at func(i int, perHour, median float64, n int)) {
	memory := h.model.parameters.VolumeMemory
	rates := make([]float64, len(h.taken))
	for i := range rates {
		rates[i] = h.bar(i).perHour()
	}
	m := newMovingMedian(rates)
	old := 0
	for i, rate := range rates {
		for start := h.bar(i).Start; old < i && start.Sub(h.bar(old).Start) >= memory; old++ {
			m.remove(old)
		}
		m.add(i)
		at(i, rate, m.median(), m.n)
	}
	h.volumes.rates = slices.Clone(rates[old:])
	for i := old; i < len(rates); i++ {
		h.volumes.starts.add(h.bar(i).Start)
	}
}
