package handlers

import (
	"liqbot/accuracy"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/snapshot"
)

// besideLine says what another source's map of the same coin and window shows, and how far
// the two agree.
func besideLine(l *locales.Language, s *snapshot.Snapshot) chat.Text {
	other := s.Beside
	line := l.Text("beside.source", "source", other.Map.Provenance().Source, "time", l.Clock(other.AsOf()))
	add := func(t chat.Text) { line = append(append(line, chat.Span{Text: " "}), t...) }
	if k := other.Summary.Above; k != nil {
		add(l.Text("beside.above", "price", l.Level(k.PriceUSD), "amount", l.Amount(k.IntensityUSD)))
	}
	if k := other.Summary.Below; k != nil {
		add(l.Text("beside.below", "price", l.Level(k.PriceUSD), "amount", l.Amount(k.IntensityUSD)))
	}
	if rho, _, ok := accuracy.RankCorrelation(s.Map, other.Map); ok {
		add(l.Text("beside.agreement", "rho", l.Number(rho, 2)))
	}
	return line
}
