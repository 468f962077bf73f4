package backtest

import (
	"math"

	"liqbot/market"
)

// Forecast is a row of the third table: what the imbalance of the map within 5 %
// said beforehand. Imb is ln(short mass / long mass) at a bucket's start.
type Forecast struct {
	Set   string      `json:"set"`
	Coin  market.Coin `json:"coin"`
	Hours int         `json:"h"`
	N     int         `json:"n"`
	// rank correlation with ln of short over long liquidations of the next hours
	ImbRho   Figure `json:"imb_rho"`
	ImbRhoLo Figure `json:"imb_rho_lo"`
	ImbRhoHi Figure `json:"imb_rho_hi"`
	// the same with the ranks of the past 4 h and 24 h returns partialled out
	ImbRhoGivenReturns Figure `json:"imb_rho_given_returns"`
	// share of buckets on the right side of both medians
	ImbHit Figure `json:"imb_hit"`
	// rank correlation with the return of the next hours
	ImbRhoReturn Figure `json:"imb_rho_return"`
}

// outlook are the columns of a forecast, a row for each bucket.
type outlook struct {
	imb, outcome, future, past4, past24 []float64
	blocks                              []int64
}

func forecast(s *series, out *replayed, picked []int, hours, boot int) Forecast {
	blockDays := int64(1)
	if hours >= 24 {
		blockDays = 3
	}
	o := s.outlook(out.within, picked, hours, blockDays)
	row := Forecast{
		Set: s.set, Coin: s.coin, Hours: hours, N: len(o.imb),
		ImbRho: Figure(math.NaN()), ImbRhoLo: Figure(math.NaN()), ImbRhoHi: Figure(math.NaN()),
		ImbRhoGivenReturns: Figure(math.NaN()), ImbHit: Figure(math.NaN()), ImbRhoReturn: Figure(math.NaN()),
	}
	if len(o.imb) < fewestBuckets {
		return row
	}
	row.ImbRho = Figure(Spearman(o.imb, o.outcome))
	row.ImbRhoLo, row.ImbRhoHi = figures(SpearmanInterval(o.imb, o.outcome, o.blocks, boot))
	row.ImbRhoGivenReturns = Figure(PartialSpearman(o.imb, o.outcome, o.past4, o.past24))
	row.ImbHit = Figure(medianHits(o.imb, o.outcome))
	row.ImbRhoReturn = Figure(Spearman(o.imb, o.future))
	return row
}

func (s *series) outlook(within []Swept, picked []int, hours int, blockDays int64) outlook {
	var o outlook
	for _, i := range picked {
		long, short, ok := s.ahead(i, hours)
		mass, first := within[i], s.buckets[i].first
		if !ok || !(mass.Long > 0 && mass.Short > 0) || first < 24 {
			continue
		}
		open := s.bars[first].Open
		o.imb = append(o.imb, math.Log(mass.Short/mass.Long))
		o.outcome = append(o.outcome, math.Log((short+yFloor)/(long+yFloor)))
		o.future = append(o.future, math.Log(s.bars[first+hours-1].Close/open))
		o.past4 = append(o.past4, math.Log(open/s.bars[first-4].Open))
		o.past24 = append(o.past24, math.Log(open/s.bars[first-24].Open))
		o.blocks = append(o.blocks, s.buckets[i].day()/blockDays)
	}
	return o
}

// ahead sums the liquidations of the next hours; not ok when some were not recorded.
func (s *series) ahead(bucket, hours int) (long, short float64, ok bool) {
	for i := bucket; i < bucket+hours/s.perBucket; i++ {
		if i >= len(s.buckets) || !s.buckets[i].complete {
			return 0, 0, false
		}
		long += s.buckets[i].usd[0]
		short += s.buckets[i].usd[1]
	}
	return long, short, true
}

// PartialSpearman is the rank correlation of a and b with the ranks of the others
// taken out of both by least squares.
func PartialSpearman(a, b []float64, others ...[]float64) float64 {
	columns := [][]float64{mapped(a, func(float64) float64 { return 1 })}
	for _, o := range others {
		columns = append(columns, Ranks(o))
	}
	basis := newBasis(columns)
	ra, _ := basis.project(Ranks(a))
	rb, _ := basis.project(Ranks(b))
	return correlation(ra, rb, nil)
}

// medianHits is how often both are on the same side of their medians.
func medianHits(a, b []float64) float64 {
	ma, mb := Median(append([]float64{}, a...)), Median(append([]float64{}, b...))
	hits := 0
	for i := range a {
		if (a[i] > ma) == (b[i] > mb) {
			hits++
		}
	}
	return float64(hits) / float64(len(a))
}
