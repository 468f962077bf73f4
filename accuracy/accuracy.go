// Package accuracy checks the live map against what happens: at each full hour it keeps
// the map of every coin, over the next hour it collects what was liquidated and where,
// and once a day of that is enough of it scores the one by the other, with the control of
// package backtest. Score is a pure function of the hours that are kept; a Checker makes
// them from the snapshots that are published to it. Run is its only goroutine and owns
// all state; Publish, Report and Skipped are safe for concurrent use.
//
// An hour counts only if the map was whole, fresh and warm at its beginning and the
// venues were watched without a gap to its end. Everything else is counted as skipped,
// with the reason, and scored by nobody.
package accuracy

import (
	"log/slog"
	"time"

	"liqbot/market"
)

// Store keeps hours over a restart. Only Run calls it.
type Store interface {
	// Bars returns the bars of a contract that start at since or later, oldest first.
	Bars(venue market.Venue, symbol string, since time.Time) ([]market.Bar, error)
	// Accuracy calls read for each row of a coin that was kept for an hour from since on,
	// oldest first. The row is only valid during the call.
	Accuracy(coin market.Coin, since time.Time, read func(hour time.Time, row []byte)) error
	// SaveAccuracy keeps the row of a coin's hour in place of the one that is there.
	SaveAccuracy(coin market.Coin, hour time.Time, row []byte) error
}

// Options say what a Checker works with. Store is needed.
type Options struct {
	Store Store
	// StaleAfter is the age from which a map is not kept; two minutes if zero.
	StaleAfter time.Duration
	// Vendor compares the estimate with a vendor's map, for the report; nil is allowed, and
	// so is nil as its answer. Run calls it once an hour and coin.
	Vendor func(market.Coin) *VendorAgreement
	Log    *slog.Logger
}

// What it takes before a score is told, and how long hours count.
const (
	FewestDays   = 14 // UTC days with an hour that counts
	FewestOrders = 30 // forced orders seen in them
	// FewestSpans is the least number of hours, or stretches of four hours: several for
	// each column of the control.
	FewestSpans = 60
	Kept        = 60 * 24 * time.Hour
)

// Reason is why an hour of a coin is not scored.
type Reason string

// The reasons. Those up to Unpriced keep an hour from being kept at all.
const (
	Demo       Reason = "demo"        // an invented market
	Vendored   Reason = "vendor"      // not an estimate of this bot
	Stale      Reason = "stale"       // the map or the price was too old
	Warming    Reason = "warming"     // the map was too young
	Partial    Reason = "partial"     // a venue was missing from the map
	Unwatched  Reason = "unwatched"   // no venue was watched from the beginning of the hour
	Late       Reason = "late"        // no snapshot came in the first minute of the hour
	Unpriced   Reason = "unpriced"    // a venue told no mark or no open interest
	Gap        Reason = "gap"         // snapshots, or the reports of a venue, were missing within the hour
	NoCandles  Reason = "no_candles"  // the hour's candles never came
	Unreadable Reason = "unreadable"  // a row that was kept could not be read
	Unsaved    Reason = "unsaved"     // an hour could not be kept
	Unseen     Reason = "unseen"      // single orders were missed: the hour does not count by level
	OtherModel Reason = "other_model" // the map was made with other parameters than now
)

// Report is how well the map of a coin has held up. Scores are only valid where Ready.
type Report struct {
	Coin market.Coin
	// Since is the beginning of the first hour that counts and Until the end of the last;
	// zero while there is none.
	Since, Until time.Time
	// Parameters is the hash of the model's constants; hours of other ones are left out.
	Parameters string
	// Hours is how many hours count in one of the scores.
	Hours int
	// Ranked are the scores by hour: of the venues that report every order over an hour and
	// four, then of those as well that report a sample.
	Ranked []Ranked
	// Levels are the scores by level, over an hour and four.
	Levels []Levels
	// Vendor is filled by Options.Vendor, nil when there is nothing to compare with.
	Vendor *VendorAgreement
}

// Sample is what a score rests on.
type Sample struct {
	// Over is the length of a span: an hour, or four.
	Over time.Duration
	// Spans is how many there are, Days in how many UTC days, Orders how many forced orders
	// were seen in them.
	Spans, Days, Orders int
	// Venues are in it; Sampled are those of them that report only part, so that sums are
	// lower bounds.
	Venues, Sampled []market.Venue
	// Ready says that there is enough for a score. Before, every figure is NaN.
	Ready bool
}

// Ranked is the score by hour, range given: the rank correlation of what the map, frozen
// at the beginning of each span, had where the price went with what was liquidated, both
// less what the control of package backtest explains.
type Ranked struct {
	Sample
	// Rho is the mean of the sides, Lo and Hi the middle 95 % of resampled days.
	Rho, Lo, Hi float64
	Long, Short float64
}

// Levels is the score by level, range given: of the levels that the price reached, how
// many of the densest saw a forced order, against all levels on that side at that
// distance. The tenth that is densest is chosen at each distance by itself, so that a map
// does not gain by knowing that near levels are hit more.
type Levels struct {
	Sample
	// Reached is how many levels of a tenth of a per cent could be compared, Top how many
	// of them are among the densest, and Hit how many of those saw an order.
	Reached, Top, Hit int
	// Precision is Hit by Top with its Wilson 95 % interval; Usual is what it would be if
	// the densest were like all at their distance.
	Precision, Lo, Hi, Usual float64
	// Lift is Precision by Usual, LiftLo and LiftHi the middle 95 % of resampled days:
	// levels of one hour are hit together, which Wilson's interval does not know.
	Lift, LiftLo, LiftHi float64
}

// VendorAgreement is a rank correlation with the map of a vendor.
type VendorAgreement struct {
	Vendor      string
	Rho, Lo, Hi float64
	N           int
	Since       time.Time
}
