package backtest

// Comparison is a row of the second table: a model over all coins and sides of a set.
type Comparison struct {
	Set     string `json:"set"`
	Model   string `json:"model"`
	Rho     Figure `json:"rho"` // mean over the rows of the set
	RhoLo   Figure `json:"rho_lo"`
	RhoHi   Figure `json:"rho_hi"`
	DeltaR2 Figure `json:"delta_r2"`
	// Behind is rho of the recommended model less this one's.
	Behind   Figure `json:"recommended_minus_rho"`
	BehindLo Figure `json:"recommended_minus_rho_lo"`
	BehindHi Figure `json:"recommended_minus_rho_hi"`
}

// contender is a model on one coin and side.
type contender struct {
	rho, deltaR2 float64
	drawn        []float64 // rho by draw
}

// contend judges every model on a sample; draws are the same for all of a set.
func contend(p *sample, out *replayed, names []string, resampled []map[int64]float64) map[string]contender {
	c := control(p.y, p.control)
	all := make(map[string]contender, len(names))
	for _, name := range names {
		rz, rho, delta := c.gain(p.z(out.swept[name]))
		one := contender{rho: rho, deltaR2: delta, drawn: make([]float64, len(resampled))}
		pair := newRankPair(c.ry, rz, p.days)
		for k, drawn := range resampled {
			one.drawn[k] = pair.rho(drawn)
		}
		all[name] = one
	}
	return all
}

// compare averages the contenders of a set's coins and sides.
func compare(set string, names []string, rows []map[string]contender) []Comparison {
	if len(rows) == 0 {
		return nil
	}
	best := average(rows, Recommended)
	var table []Comparison
	for _, name := range names {
		one := average(rows, name)
		behind := make([]float64, len(one.drawn))
		for k := range behind {
			behind[k] = best.drawn[k] - one.drawn[k]
		}
		row := Comparison{
			Set: set, Model: name, Rho: Figure(one.rho), DeltaR2: Figure(one.deltaR2),
			Behind: Figure(best.rho - one.rho),
		}
		row.RhoLo, row.RhoHi = figures(Interval(one.drawn))
		row.BehindLo, row.BehindHi = figures(Interval(behind))
		table = append(table, row)
	}
	return table
}

func figures(a, b float64) (fa, fb Figure) { return Figure(a), Figure(b) }

// average is the mean over rows, with that of each draw.
func average(rows []map[string]contender, name string) contender {
	sum := contender{drawn: make([]float64, len(rows[0][name].drawn))}
	n := float64(len(rows))
	for _, row := range rows {
		sum.rho += row[name].rho / n
		sum.deltaR2 += row[name].deltaR2 / n
		for k, v := range row[name].drawn {
			sum.drawn[k] += v / n
		}
	}
	return sum
}
