// Package report writes a short article on a snapshot, as daily notes on the imbalance
// of liquidations are written: a headline, where the price is, what lies above and
// below, what the last days brought, what would confirm a breakout and what would call
// it off. It decides which sentences the figures allow and hands them on with those
// figures; how they are worded is the handlers' and the locales' business. It has no
// figures of its own beyond differences and shares, does no I/O, reads no clock and owns
// no goroutine.
package report

import (
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// Article is what a snapshot allows to say.
type Article struct {
	Headline Headline
	// Paragraphs hold the sentences in order; none of them is empty.
	Paragraphs [][]Sentence
}

// limits of age, beyond which a figure is not part of the present.
const (
	// recent is for what venues tell all day long.
	recent = time.Hour
	// recentFlow is how long after its last trading day a week of ETF flows is news.
	recentFlow = 14 * 24 * time.Hour
)

// Write makes the article of a snapshot with its map and summary; its price is the mark
// of its map. What the snapshot does not know, or knows only of long ago, is left out.
func Write(s *snapshot.Snapshot, now time.Time) Article {
	a := Article{Headline: headline(s)}
	for _, p := range [][]Sentence{state(s, now), forces(s), comparison(s), days(s, now), watch(s)} {
		if len(p) > 0 {
			a.Paragraphs = append(a.Paragraphs, p)
		}
	}
	return a
}

// fresh reports whether a figure is of the present.
func fresh(p market.Provenance, now time.Time) bool { return now.Sub(p.AsOf) <= recent }

func headline(s *snapshot.Snapshot) Headline {
	var long, short float64
	if k := s.Summary.Below; k != nil {
		long = k.IntensityUSD
	}
	if k := s.Summary.Above; k != nil {
		short = k.IntensityUSD
	}
	return Headline{Lead: compare(long, short), Band: s.Summary.KeyLevelBand}
}

// state is where the price is.
func state(s *snapshot.Snapshot, now time.Time) []Sentence {
	var out []Sentence
	if m := s.Model; m != nil && m.Warming() {
		out = append(out, Warming{Have: m.Age(), Need: m.WarmUp})
	}
	price := Price{USD: s.Price.USD, Kind: s.Price.Kind}
	if c := s.Price.Change24h; s.Price.HasChange24h && market.Finite(c) {
		price.Change = &Change{Fraction: c, Direction: direction(c)}
	}
	out = append(out, price)
	if place, ok := placeIn(s.Range, s.Price.USD); ok && fresh(s.Range.Provenance, now) {
		out = append(out, place)
	}
	return out
}

// forces are the zones above and below.
func forces(s *snapshot.Snapshot) []Sentence {
	var out []Sentence
	for _, side := range []market.Side{market.Short, market.Long} {
		if key := keyLevel(s, side); key != nil {
			out = append(out, Zone{Key: *key})
			continue
		}
		out = append(out, EmptyZone{Side: side, Band: s.Summary.KeyLevelBand, TotalUSD: s.Map.TotalUSD(side)})
	}
	return out
}

func keyLevel(s *snapshot.Snapshot, side market.Side) *liquidation.KeyLevel {
	if side == market.Short {
		return s.Summary.Above
	}
	return s.Summary.Below
}

// comparison is the imbalance at the same distance, and what it does not mean.
func comparison(s *snapshot.Snapshot) []Sentence {
	even := Even{Totals: s.Summary.Totals}
	even.Lead = compare(even.Totals.LongUSD, even.Totals.ShortUSD)
	out := []Sentence{even}
	first := headline(s).Lead
	if first.Side != 0 && even.Lead.Side != 0 && first.Side != even.Lead.Side {
		out = append(out, Reversed{})
	}
	return append(out, cautions(s, even.Lead)...)
}

// What replays of recorded markets showed of this bot's own estimate; a vendor's map was
// not replayed.
const (
	// scoredBand is the band whose imbalance was scored.
	scoredBand = 0.05
	// longsRealise is the most that longs lost for the same intensity, as a multiple of
	// what shorts lost.
	longsRealise = 1.66
)

// cautions keep an imbalance from being read as a forecast.
func cautions(s *snapshot.Snapshot, even Lead) []Sentence {
	if s.Model == nil || s.Model.Warming() || s.Demo() || s.Map.Provenance().Origin != market.Estimate {
		return []Sentence{NoDirection{}}
	}
	var out []Sentence
	if even.Degree == Clear && s.Summary.Totals.Band == scoredBand {
		out = append(out, MoreToLose{})
	} else {
		out = append(out, NoDirection{})
	}
	narrow := even.Degree == Level || even.Degree == Slight || even.Degree == Clear && even.Side == market.Short && even.Ratio < longsRealise
	if narrow {
		out = append(out, LongsRealiseMore{})
	}
	return out
}

// days are the last days and what is usual.
func days(s *snapshot.Snapshot, now time.Time) []Sentence {
	var out []Sentence
	if r := s.Range; sound(r) && fresh(r.Provenance, now) {
		out = append(out, Range{HighUSD: r.HighUSD, LowUSD: r.LowUSD, Width: r.HighUSD/r.LowUSD - 1})
	}
	if q, ok := liquidated(s, now); ok {
		out = append(out, q)
	}
	if f := s.ETF; f != nil && market.Finite(f.NetUSD) && !f.From.IsZero() && !f.To.Before(f.From) && now.Sub(f.To) <= recentFlow {
		out = append(out, Flow{NetUSD: f.NetUSD, From: f.From, To: f.To, Direction: flow(f.NetUSD)})
	}
	if f, ok := funding(s, now); ok {
		out = append(out, f)
	}
	if o := s.OpenInterest; o != nil && market.Positive(o.USD) && fresh(o.Provenance, now) {
		interest := OpenInterest{USD: o.USD}
		if o.HasChange24h && market.Finite(o.Change24h) {
			interest.Change = &Change{Fraction: o.Change24h, Direction: direction(o.Change24h)}
		}
		out = append(out, interest)
	}
	return out
}

// watch is what would confirm a breakout of each side and what would call it off.
func watch(s *snapshot.Snapshot) []Sentence {
	var out []Sentence
	for _, side := range []market.Side{market.Short, market.Long} {
		if key := keyLevel(s, side); key != nil {
			out = append(out, Breakout{Side: side, ConfirmUSD: key.PriceUSD, CancelUSD: nearEdge(key.Cluster)})
		}
	}
	if len(out) > 0 {
		out = append(out, Signs{})
	}
	return out
}
