package bitget

import (
	"math"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/quiet"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// row is a row of a ticker or of a liquidation, of either generation.
type row struct {
	print
	ticker
	symbol []byte
	known  *quiet.Contract
	wrong  bool // something is not of its type
}

// print is a forced order as it is on the wire.
type print struct {
	at            time.Time // its own; zero if only the message has one
	side          market.Side
	price, amount float64
	priced, sized bool
}

// ticker is what a ticker tells; what it does not is zero.
type ticker struct {
	mark, index, last, openInterest, funding float64
	hasMark, hasFunding                      bool
	next                                     time.Time
}

// read takes all fields of the object. Its error is wire.ErrType, or that of a broken
// message.
func (r *row) read(d *jx.Decoder, contracts quiet.Contracts) error {
	return wire.Fields(d, func(key []byte) error { return r.field(d, key, contracts) })
}

func (r *row) field(d *jx.Decoder, key []byte, contracts quiet.Contracts) (err error) {
	switch string(key) {
	case "symbol", "instId":
		if r.symbol, err = wire.Text(d); err == nil {
			r.known = contracts[string(r.symbol)]
		}
	case "ts":
		r.at, _, err = wire.Time(d)
	case "side":
		r.side, err = side(d)
	case "price":
		r.price, r.priced, err = wire.Float(d)
	case "amount":
		r.amount, r.sized, err = wire.Float(d)
	default:
		return r.ticker.field(d, key)
	}
	return err
}

// side is that of the position: bought is long. Other venues tell the order's.
func side(d *jx.Decoder) (market.Side, error) {
	b, err := wire.Text(d)
	if err != nil {
		return 0, err
	}
	switch string(b) {
	case "buy":
		return market.Long, nil
	case "sell":
		return market.Short, nil
	default:
		return 0, wire.ErrType
	}
}

func (t *ticker) field(d *jx.Decoder, key []byte) (err error) {
	switch string(key) {
	case "markPrice":
		t.mark, t.hasMark, err = wire.Float(d)
	case "indexPrice":
		t.index, _, err = wire.Float(d)
	case "lastPrice", "lastPr":
		t.last, _, err = wire.Float(d)
	case "openInterest", "holdingAmount":
		t.openInterest, _, err = wire.Float(d)
	case "fundingRate":
		t.funding, t.hasFunding, err = wire.Float(d)
	case "nextFundingTime":
		t.next, err = optionalTime(d)
	default:
		err = d.Skip()
	}
	return err
}

// optionalTime reads a time of which zero means that it is not told.
func optionalTime(d *jx.Decoder) (time.Time, error) {
	v, ok, err := wire.Int(d)
	if err != nil || !ok || v == 0 {
		return time.Time{}, err
	}
	at, _, err := wire.Moment(v)
	return at, err
}

// update makes coins and USD for one coin; ok is false if something cannot be. Index, last
// price and open interest may be zero on a contract that hardly trades: not told.
func (t *ticker) update(c *market.Contract, at time.Time) (u feeds.Update, ok bool) {
	u = feeds.Update{
		Contract: c, Kind: feeds.Ticker, At: at,
		MarkUSD: t.mark / c.QuotedCoins, IndexUSD: t.index / c.QuotedCoins, LastUSD: t.last / c.QuotedCoins,
		OpenInterestCoins: t.openInterest * c.ContractCoins,
	}
	if t.hasMark && !feeds.PossiblePrice(u.MarkUSD) || !zeroOr(feeds.PossiblePrice, u.IndexUSD) ||
		!zeroOr(feeds.PossiblePrice, u.LastUSD) || !zeroOr(feeds.PossibleCoins, u.OpenInterestCoins) ||
		t.hasFunding && !feeds.PossibleFunding(t.funding) {
		return u, false
	}
	if t.hasFunding && c.FundingInterval > 0 {
		u.HasFunding, u.FundingRate, u.FundingInterval, u.FundingAt = true, t.funding, c.FundingInterval, t.next
		if t.next.IsZero() { // the next whole interval of the day
			u.FundingAt = at.Truncate(u.FundingInterval).Add(u.FundingInterval)
		}
	}
	return u, true
}

func zeroOr(possible func(float64) bool, v float64) bool { return v == 0 || possible(v) }

// maxNotionalUSD bounds one forced order; all of Bitget's open interest is less.
const maxNotionalUSD = 1e11

// liquidation makes coins and USD for one coin; ok is false if it cannot be.
func (p *print) liquidation(c *market.Contract, unit Unit) (l market.Liquidation, ok bool) {
	l = market.Liquidation{At: p.at, Side: p.side, Coins: p.amount * c.ContractCoins, PriceUSD: p.price / c.QuotedCoins}
	if unit == USD {
		l.Coins = p.amount / l.PriceUSD
	}
	usd := l.NotionalUSD()
	return l, l.Side != 0 && feeds.PossibleCoins(l.Coins) && feeds.PossiblePrice(l.PriceUSD) && usd > 0 && usd <= maxNotionalUSD
}

// recentOrders is how many forced orders are remembered, so that none is told twice.
const recentOrders = 8192

// identity is the same for the same order only (FNV-1a of what tells it apart). Bitget
// gives its orders no number.
func identity(symbol string, p *print) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(symbol) {
		h = (h ^ uint64(symbol[i])) * prime
	}
	for _, v := range [...]uint64{uint64(p.at.UnixNano()), uint64(p.side), math.Float64bits(p.amount), math.Float64bits(p.price)} {
		for range 8 {
			h = (h ^ v&0xff) * prime
			v >>= 8
		}
	}
	return h
}
