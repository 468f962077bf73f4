package bitget

import (
	"math"
	"sync"
)

// Unit is the unit of a liquidation's amount.
type Unit string

// The units. Bitget's pages say the quote currency, their example is no multiple of the
// order step, and the collectors that are widely used agree; one observer of 2026 saw coins.
const (
	// Measured: USD, as is written, until the prints themselves say clearly that it is
	// coins. No print waits for that.
	Measured Unit = ""
	// Coins are base coins, thousands for names such as 1000BONKUSDT.
	Coins Unit = "coins"
	// USD is the quote currency.
	USD Unit = "usd"
)

// Amounts knows the unit of amounts and checks it. It is safe for concurrent use.
//
// Each print is weighed: under which unit is its notional one that forced orders have, and
// is it a multiple of the order step, as coins must be. A unit that is wrong is wrong by the
// price, so that a print of a coin far from one USD says much, and near one USD a mistake
// would hardly matter.
type Amounts struct {
	mu    sync.Mutex
	fixed Unit
	// seem is the unit that the prints say, and differs is told when that is another one
	// than was used.
	seem    Unit
	differs func(seem Unit)
	steps   map[string]float64
	// sizes and multiples say how much likelier coins are than USD, as logarithms: by the
	// notionals and by the multiples of order steps.
	sizes, multiples float64
}

// NewAmounts makes amounts of a fixed unit, or such that are measured.
func NewAmounts(unit Unit) *Amounts {
	return &Amounts{fixed: unit, seem: USD, differs: func(Unit) {}, steps: make(map[string]float64)}
}

// step tells the order step of a symbol.
func (a *Amounts) step(symbol string, step float64) {
	if !(step > 0 && !math.IsInf(step, 0)) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.steps[symbol] = step
}

const (
	// typicalUSD and spread describe the notionals of forced orders: half of them are
	// between 400 and 10000 USD.
	typicalUSD = 2000
	spread     = 2.3 // of the natural logarithm
	// certain is when another unit is believed, convinced when more prints add nothing.
	certain, convinced = 3, 50
	// mostSays bounds what one print says.
	mostSays = 10
	// What an amount says that is a multiple of the order step, one that is not, and all
	// of them at most: a sum in USD has six decimals.
	multipleSays, otherSays, multiplesSay = 2, -3, 3
)

// weigh takes a print into account.
func (a *Amounts) weigh(symbol string, amount, price float64) {
	if !(amount > 0 && price > 0) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if says := likelihood(amount*price) - likelihood(amount); !math.IsNaN(says) {
		a.sizes = bounded(a.sizes+bounded(says, mostSays), convinced)
	}
	if step := a.steps[symbol]; step > 0 {
		says := otherSays
		if n := amount / step; math.Abs(n-math.Round(n)) <= 1e-6*max(1, n) {
			says = multipleSays
		}
		a.multiples = bounded(a.multiples+float64(says), multiplesSay)
	}
	a.judge()
}

// judge looks whether the prints say another unit than before. The lock is held.
func (a *Amounts) judge() {
	seem := a.seem
	switch odds := a.sizes + a.multiples; {
	case odds >= certain:
		seem = Coins
	case odds <= -certain:
		seem = USD
	}
	if seem == a.seem {
		return
	}
	a.seem = seem
	if a.fixed != seem {
		a.differs(seem)
	}
}

func bounded(v, most float64) float64 { return min(max(v, -most), most) }

// likelihood is the logarithm of how usual a notional is.
func likelihood(usd float64) float64 {
	z := math.Log(usd/typicalUSD) / spread
	return -z * z / 2
}

// Unit is the unit that is used: never Measured.
func (a *Amounts) Unit() Unit {
	if a.fixed != Measured {
		return a.fixed
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seem
}
