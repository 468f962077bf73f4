package gate

import (
	"math"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/quiet"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// row is a row of futures.tickers, of the REST tickers or of futures.public_liquidates.
type row struct {
	known  *quiet.Contract
	at     time.Time // its own; zero if only the message has one
	wrong  bool      // something is not of its type
	heart  bool      // of the contract that is only listened to for life
	ticker ticker

	size, price   float64
	sized, priced bool
}

// read takes all fields of the object. Its error is wire.ErrType, or that of a broken
// message.
func (r *row) read(d *jx.Decoder, contracts quiet.Contracts) error {
	return wire.Fields(d, func(key []byte) error { return r.field(d, key, contracts) })
}

func (r *row) field(d *jx.Decoder, key []byte, contracts quiet.Contracts) (err error) {
	switch string(key) {
	case "contract":
		var b []byte
		if b, err = wire.Text(d); err == nil {
			r.known, r.heart = contracts[string(b)], string(b) == heart
		}
	case "t", "time", "time_ms": // liquidations: seconds, then milliseconds, over the years
		var at time.Time
		if at, err = optionalTime(d); err == nil && at.After(r.at) { // the finer of two
			r.at = at
		}
	case "size":
		r.size, r.sized, err = wire.Float(d)
	case "price":
		r.price, r.priced, err = wire.Float(d)
	default:
		return r.ticker.field(d, key)
	}
	return err
}

// ticker is what a ticker tells; what it does not is zero.
type ticker struct {
	mark, index, last, size, funding float64
	hasMark, hasFunding              bool
	interval, next                   int64 // seconds; unix seconds
}

func (t *ticker) field(d *jx.Decoder, key []byte) (err error) {
	switch string(key) {
	case "mark_price":
		t.mark, t.hasMark, err = wire.Float(d)
	case "index_price":
		t.index, _, err = wire.Float(d)
	case "last":
		t.last, _, err = wire.Float(d)
	case "total_size":
		t.size, _, err = wire.Float(d)
	case "funding_rate":
		t.funding, t.hasFunding, err = wire.Float(d)
	case "funding_interval":
		t.interval, err = whole(d)
	case "funding_next_apply":
		t.next, err = whole(d)
	default:
		err = d.Skip()
	}
	return err
}

// update makes coins and USD for one coin; ok is false if something cannot be. Index, last
// price and open interest may be zero on a contract that hardly trades: not told.
func (t *ticker) update(c *market.Contract) (u feeds.Update, ok bool) {
	u = feeds.Update{
		Contract: c, Kind: feeds.Ticker,
		MarkUSD: t.mark / c.QuotedCoins, IndexUSD: t.index / c.QuotedCoins, LastUSD: t.last / c.QuotedCoins,
		OpenInterestCoins: t.size * c.ContractCoins,
	}
	if t.hasMark && !feeds.PossiblePrice(u.MarkUSD) || !zeroOr(feeds.PossiblePrice, u.IndexUSD) ||
		!zeroOr(feeds.PossiblePrice, u.LastUSD) || !zeroOr(feeds.PossibleCoins, u.OpenInterestCoins) ||
		t.hasFunding && !feeds.PossibleFunding(t.funding) {
		return u, false
	}
	t.fund(&u)
	return u, true
}

// fund tells the funding, where the interval is known.
func (t *ticker) fund(u *feeds.Update) {
	interval := u.Contract.FundingInterval
	if t.interval > 0 && t.interval <= 7*24*3600 {
		interval = time.Duration(t.interval) * time.Second
	}
	if !t.hasFunding || interval <= 0 {
		return
	}
	u.HasFunding, u.FundingRate, u.FundingInterval = true, t.funding, interval
	if at, ok, err := wire.Moment(t.next); err == nil && ok && t.next > 0 {
		u.FundingAt = at
	}
}

// dated sets the moment of a ticker. The next payment, where it is not told, is at the
// next whole interval of the day.
func dated(u feeds.Update, at time.Time) feeds.Update {
	u.At = at
	if u.HasFunding && u.FundingAt.IsZero() {
		u.FundingAt = at.Truncate(u.FundingInterval).Add(u.FundingInterval)
	}
	return u
}

func zeroOr(possible func(float64) bool, v float64) bool { return v == 0 || possible(v) }

// recentOrders is how many forced orders are remembered, so that none is told twice.
const recentOrders = 8192

// identity is the same for the same order only (FNV-1a of what tells it apart). Gate gives
// its orders no number.
func identity(symbol string, at time.Time, size, price float64) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(symbol) {
		h = (h ^ uint64(symbol[i])) * prime
	}
	for _, v := range [...]uint64{uint64(at.UnixNano()), math.Float64bits(size), math.Float64bits(price)} {
		for range 8 {
			h = (h ^ v&0xff) * prime
			v >>= 8
		}
	}
	return h
}
