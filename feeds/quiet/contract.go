// Package quiet keeps the tickers of contracts young of which a venue's stream tells
// nothing because little happens on them: they are asked for. It knows no venue.
package quiet

import (
	"sync/atomic"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// Contract is a contract and when it was last heard of. It is safe for concurrent use.
type Contract struct {
	*market.Contract
	newest         atomic.Int64 // event time of the newest ticker, Unix nanoseconds
	mark, interest atomic.Int64 // when they were told, Unix nanoseconds of the host
}

// Contracts are contracts by the venue's symbol.
type Contracts map[string]*Contract

// Of makes them of a list.
func Of(list []market.Contract) Contracts {
	all := make(Contracts, len(list))
	for i := range list {
		all[list[i].Symbol] = &Contract{Contract: &list[i]}
	}
	return all
}

// Newer notes the time of a ticker and reports whether it is not older than one before.
func (c *Contract) Newer(at time.Time) bool {
	if at.UnixNano() < c.newest.Load() {
		return false
	}
	c.newest.Store(at.UnixNano())
	return true
}

// Tell hands a ticker of the stream on.
func (c *Contract) Tell(u feeds.Update, sink feeds.Sink) {
	c.heard(&u, time.Now())
	sink.Update(u)
}

// Polled hands a ticker on that was asked for, without what the stream knows better.
func (c *Contract) Polled(u feeds.Update, sink feeds.Sink) {
	now := time.Now()
	if !c.silent(now) {
		u = feeds.Update{Contract: u.Contract, Kind: u.Kind, At: u.At, OpenInterestCoins: u.OpenInterestCoins}
	}
	if u.MarkUSD == 0 && u.OpenInterestCoins == 0 {
		return
	}
	c.heard(&u, now)
	sink.Update(u)
}

func (c *Contract) heard(u *feeds.Update, now time.Time) {
	if u.MarkUSD > 0 {
		c.mark.Store(now.UnixNano())
	}
	if u.OpenInterestCoins > 0 {
		c.interest.Store(now.UnixNano())
	}
}

// silent reports whether no mark price came for staleMark.
func (c *Contract) silent(now time.Time) bool {
	return now.UnixNano()-c.mark.Load() >= int64(staleMark)
}

// stale reports whether no open interest came for staleInterest.
func (c *Contract) stale(now time.Time) bool {
	return now.UnixNano()-c.interest.Load() >= int64(staleInterest)
}
