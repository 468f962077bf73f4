package accuracy

import "time"

// Published is a score of the backtest: the mean over BTC, ETH and SOL and both sides, of
// recorded data of Binance. It is not live.
type Published struct {
	// Set names the recording as docs/accuracy.md does, Over is the length of its buckets.
	Set  string
	Over time.Duration
	// Rho is that of the recommended model and Lo and Hi its 95 % interval; Frozen is with
	// the map frozen at the beginning of each bucket, as it is here.
	Rho, Lo, Hi, Frozen float64
	// Uniform is that of a map which spreads the same positions evenly and sweeps them
	// alike: the comparison that counts.
	Uniform float64
}

// Backtest are the scores of the part of each recording that was kept for confirmation:
// rows "recommended" and "uniform_sweep" of docs/accuracy.md under Confirm, and the means of rho_frozen there.
// A test compares them with that page.
func Backtest() []Published {
	return []Published{
		{Set: "A", Over: time.Hour, Rho: 0.465, Lo: 0.43, Hi: 0.50, Frozen: 0.465, Uniform: 0.401},
		{Set: "B", Over: 4 * time.Hour, Rho: 0.445, Lo: 0.41, Hi: 0.47, Frozen: 0.325, Uniform: 0.387},
	}
}
