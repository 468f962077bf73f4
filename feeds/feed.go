package feeds

import (
	"context"
	"time"

	"liqbot/market"
)

// Feed is one venue. All are safe for concurrent use. Errors are *Error or the
// context's.
type Feed interface {
	// Venue is the name that readers know.
	Venue() market.Venue
	// Contracts lists the linear perpetuals of crypto coins that trade now, one for a
	// coin: the one in the venue's main quote currency.
	Contracts(ctx context.Context) ([]market.Contract, error)
	// Stream delivers what happens to the contracts until the context ends, and then
	// returns nil: a Ticker of each at least every ten seconds and, where there is
	// something to tell, liquidations. It may poll what no stream of the venue tells. It
	// connects anew by itself and returns an error only when it can never work. The
	// contracts must not change meanwhile.
	Stream(ctx context.Context, contracts []market.Contract, sink Sink) error
	Clock
	History
}

// Clock tells a venue's time.
type Clock interface {
	// ServerTime is the venue's clock now.
	ServerTime(ctx context.Context) (time.Time, error)
}

// History is a venue's past. All lists are oldest first, without doubles, within
// [from, to); what the venue does not have is missing.
type History interface {
	// Candles returns closed candles of CandleLength that start in [from, to).
	Candles(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error)
	// OpenInterest returns open interest at whole CandleLength where the venue keeps it
	// so finely, else as finely as it has it. A venue without history returns nil.
	OpenInterest(ctx context.Context, c market.Contract, from, to time.Time) ([]market.OpenInterestPoint, error)
}

// What only some venues can tell. A Feed implements those that its venue has.
type (
	// LongShorts tells the newest share of accounts that are long.
	LongShorts interface {
		LongShort(ctx context.Context, c market.Contract) (market.LongShort, error)
	}
	// Fundings tells the funding rates that were paid in [from, to).
	Fundings interface {
		Fundings(ctx context.Context, c market.Contract, from, to time.Time) ([]market.FundingPoint, error)
	}
	// Tiers tells the leverage tiers of a contract.
	Tiers interface {
		Tiers(ctx context.Context, c market.Contract) (market.LeverageTiers, error)
	}
	// PastLiquidations tells forced orders in [from, to), as far as the venue keeps them.
	PastLiquidations interface {
		PastLiquidations(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Liquidation, error)
	}
	// OpenInterests tells the open interest of all contracts at once, USD by coin.
	OpenInterests interface {
		OpenInterests(ctx context.Context) (map[market.Coin]float64, error)
	}
	// Coverage tells how much of what is liquidated the stream reports.
	Coverage interface {
		LiquidationCoverage() market.LiquidationCoverage
	}
)
