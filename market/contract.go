package market

import "time"

// Contract is one linear perpetual of a coin on a venue. Prices and sizes leave the
// venue's feed in USD for one coin and in coins; the factors here say how they were
// made and are applied nowhere else.
type Contract struct {
	Venue Venue
	// Symbol is the venue's own name: "BTCUSDT", "BTC-USDT-SWAP", "kPEPE".
	Symbol string
	// Coin is what is traded, without a multiplier: PEPE for 1000PEPEUSDT.
	Coin Coin
	// QuotedCoins is how many coins the venue's price is for: 1000 for 1000PEPEUSDT.
	QuotedCoins float64
	// ContractCoins is how many coins the venue's unit of size is: 0.01 for
	// BTC-USDT-SWAP, 1000 for 1000PEPEUSDT.
	ContractCoins float64
	// Quote is the currency of the price, taken as worth one USD: "USDT", "USDC".
	Quote string
	// TickUSD is the price step, USD for one coin; 0 when the venue does not tell.
	TickUSD float64
	// MaxLeverage is the highest leverage of the contract; 0 when the venue does not tell.
	MaxLeverage float64
	// FundingInterval is the time between two payments; 0 when the venue does not tell.
	FundingInterval time.Duration
}

// Candle is a closed candle of a contract. Prices are USD for one coin.
type Candle struct {
	Start  time.Time
	Length time.Duration
	// The prices at which the contract traded.
	OpenUSD, HighUSD, LowUSD, CloseUSD float64
	// MarkHighUSD and MarkLowUSD are the extremes of the mark price; both are 0 where
	// the venue has no mark candles.
	MarkHighUSD, MarkLowUSD float64
	VolumeCoins             float64
	// TakerBuyCoins is the part of the volume that was bought by takers, valid if
	// HasTaker.
	TakerBuyCoins float64
	HasTaker      bool
}

// End is the moment at which the candle is over.
func (c Candle) End() time.Time { return c.Start.Add(c.Length) }

// OpenInterestPoint is the open interest of a contract at a moment, base coins, each
// contract counted once.
type OpenInterestPoint struct {
	At    time.Time
	Coins float64
}

// FundingPoint is a funding rate that was paid: a fraction for one interval, positive
// when longs paid.
type FundingPoint struct {
	At   time.Time
	Rate float64
}

// LongShort is the share of a venue's accounts that hold a long or a short position in
// a contract, fractions that add up to 1. It counts accounts, not money.
type LongShort struct {
	At          time.Time
	Long, Short float64
}

// LeverageTier is a bracket of a position's notional.
type LeverageTier struct {
	// FromUSD and ToUSD bound the notional; ToUSD is +Inf for the last tier.
	FromUSD, ToUSD float64
	// MaxLeverage is the highest leverage that a position in the tier may have.
	MaxLeverage float64
	// MaintenanceMarginRate is a fraction of the notional, less DeductionUSD.
	MaintenanceMarginRate float64
	DeductionUSD          float64
}

// LeverageTiers are a contract's tiers, lowest first.
type LeverageTiers struct {
	Tiers []LeverageTier
	// AsOf is when they were in force: now for a live answer, the day of the table
	// where a venue tells them only with a key.
	AsOf time.Time
}

// Liquidation is one forced order that a venue reported.
type Liquidation struct {
	At time.Time
	// Side is the side of the position that was liquidated.
	Side  Side
	Coins float64
	// PriceUSD is the price the venue printed, for one coin: of the fill, or where the
	// venue tells only that, the bankruptcy price.
	PriceUSD float64
}

// NotionalUSD is size times price.
func (l Liquidation) NotionalUSD() float64 { return l.Coins * l.PriceUSD }

// LiquidationCoverage says how much of what is liquidated a venue reports.
type LiquidationCoverage string

// The kinds of coverage.
const (
	// EveryOrder: each forced order with its price.
	EveryOrder LiquidationCoverage = "every_order"
	// Sampled: at most one order a second and contract, so that sums are lower bounds.
	Sampled LiquidationCoverage = "sampled"
	// Watched: only what is seen of some accounts; sums are lower bounds.
	Watched LiquidationCoverage = "watched"
)
