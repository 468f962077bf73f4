package okx

import (
	"math"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// tickerRow is a row of the channels of mark price, open interest and funding.
type tickerRow struct {
	track                           *track
	bad                             bool
	hasMark, hasCoins, hasContracts bool
	hasRate                         bool
	mark, coins, contracts, rate    float64
	at, paid, next, before          time.Time
}

// ticker reads one row.
func (d *Decoder) ticker(in *jx.Decoder) error {
	var r tickerRow
	err := in.ObjBytes(func(in *jx.Decoder, key []byte) error {
		err := r.field(d, in, key)
		if wrong(err) {
			r.bad, err = true, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	d.tell(&r)
	return nil
}

func (r *tickerRow) field(d *Decoder, in *jx.Decoder, key []byte) (err error) {
	switch string(key) {
	case "instId":
		var id []byte
		id, err = wire.Text(in)
		r.track = d.known[string(id)]
	case "markPx":
		r.mark, r.hasMark, err = wire.Float(in)
	case "oiCcy":
		r.coins, r.hasCoins, err = wire.Float(in)
	case "oi":
		r.contracts, r.hasContracts, err = wire.Float(in)
	case "fundingRate":
		r.rate, r.hasRate, err = wire.Float(in)
	case "fundingTime":
		r.paid, _, err = wire.Time(in)
	case "nextFundingTime":
		r.next, _, err = wire.Time(in)
	case "prevFundingTime":
		r.before, _, err = wire.Time(in)
	case "ts":
		r.at, _, err = wire.Time(in)
	default:
		err = in.Skip()
	}
	return err
}

// tell makes an update of a row, or says why not.
func (d *Decoder) tell(r *tickerRow) {
	if r.bad || r.at.IsZero() {
		d.drop(feeds.WrongType)
		return
	}
	if r.track == nil {
		d.drop(feeds.UnknownContract)
		return
	}
	c := r.track.contract
	u := feeds.Update{Contract: c, Kind: feeds.Ticker, At: r.at}
	var told, possible bool
	switch d.frame.channel {
	case markChannel:
		u.MarkUSD = r.mark / c.QuotedCoins
		told, possible = r.hasMark, feeds.PossiblePrice(u.MarkUSD)
	case interestChannel:
		if u.OpenInterestCoins = r.coins * c.QuotedCoins; !r.hasCoins {
			u.OpenInterestCoins = r.contracts * c.ContractCoins
		}
		told, possible = r.hasCoins || r.hasContracts, feeds.PossibleCoins(u.OpenInterestCoins)
	default:
		u.HasFunding, u.FundingRate, u.FundingAt, u.FundingInterval = true, r.rate, r.paid, r.interval()
		told, possible = r.hasRate, feeds.PossibleFunding(r.rate)
	}
	switch {
	case !told:
		d.drop(feeds.WrongType)
	case !possible:
		d.drop(feeds.Impossible)
	default:
		d.found = append(d.found, found{update: u, track: r.track, channel: d.frame.channel})
	}
}

// interval is the time between two payments, 0 when it is not told.
func (r *tickerRow) interval() time.Duration {
	for _, pair := range [2][2]time.Time{{r.paid, r.next}, {r.before, r.paid}} {
		if pair[0].IsZero() || pair[1].IsZero() {
			continue
		}
		if d := pair[1].Sub(pair[0]); d > 0 && d <= 48*time.Hour {
			return d
		}
	}
	return 0
}

// order is one forced order, in contracts.
type order struct {
	bad, hasPrice, hasSize bool
	price, size            float64
	sold, bought           bool // the order's side
	long, short            bool // the position's, neither where an account holds only one
	at                     time.Time
}

// liquidations reads one row: the forced orders of one contract. Their contract is named
// behind them.
func (d *Decoder) liquidations(in *jx.Decoder) error {
	first := len(d.found)
	var t *track
	err := in.ObjBytes(func(in *jx.Decoder, key []byte) error {
		switch string(key) {
		case "instId":
			id, err := wire.Text(in)
			t = d.known[string(id)]
			if wrong(err) {
				return nil
			}
			return err
		case "details":
			if in.Next() == jx.Null {
				return in.Null()
			}
			return in.Arr(d.detail)
		default:
			return in.Skip()
		}
	})
	if err != nil {
		return err
	}
	kept := d.found[:first]
	for _, f := range d.found[first:] {
		if t == nil {
			d.drop(feeds.UnknownContract)
			continue
		}
		f.track, f.update.Contract = t, t.contract
		f.update.Order.Coins *= t.contract.ContractCoins
		f.update.Order.PriceUSD /= t.contract.QuotedCoins
		if !feeds.PossibleCoins(f.update.Order.Coins) || !feeds.PossiblePrice(f.update.Order.PriceUSD) {
			d.drop(feeds.Impossible)
			continue
		}
		kept = append(kept, f)
	}
	d.found = kept
	return nil
}

// detail reads one forced order; its size stays in contracts until the contract is known.
func (d *Decoder) detail(in *jx.Decoder) error {
	var o order
	err := in.ObjBytes(func(in *jx.Decoder, key []byte) error {
		err := o.field(in, key)
		if wrong(err) {
			o.bad, err = true, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	side, reason := o.position()
	if reason != "" {
		d.drop(reason)
		return nil
	}
	l := market.Liquidation{At: o.at, Side: side, Coins: o.size, PriceUSD: o.price}
	d.found = append(d.found, found{update: feeds.Update{Kind: feeds.Liquidation, At: o.at, Order: l}, channel: liquidationChannel})
	return nil
}

func (o *order) field(in *jx.Decoder, key []byte) (err error) {
	switch string(key) {
	case "side":
		var side []byte
		side, err = wire.Text(in)
		o.sold, o.bought = string(side) == "sell", string(side) == "buy"
	case "posSide":
		var side []byte
		side, err = wire.Text(in)
		o.long, o.short = string(side) == "long", string(side) == "short"
		o.bad = o.bad || !o.long && !o.short && len(side) > 0 && string(side) != "net"
	case "bkPx":
		o.price, o.hasPrice, err = wire.Float(in)
	case "sz":
		o.size, o.hasSize, err = wire.Float(in)
	case "ts":
		o.at, _, err = wire.Time(in)
	default:
		err = in.Skip()
	}
	return err
}

// position is the side that lost the position: posSide names it, except where the account
// holds only one position, then what was sold was long.
func (o *order) position() (market.Side, feeds.Reason) {
	known := o.sold || o.bought
	switch {
	case o.bad || o.at.IsZero() || !o.hasPrice || !o.hasSize || !known:
		return 0, feeds.WrongType
	case o.long && o.bought || o.short && o.sold:
		return 0, feeds.Impossible // this would open a position
	case o.sold:
		return market.Long, ""
	default:
		return market.Short, ""
	}
}

// instrument reads a row of the list of contracts, which comes when something changes.
func (d *Decoder) instrument(in *jx.Decoder) error {
	var i instrument
	raw, err := in.Raw()
	if err != nil {
		return err
	}
	if !i.readable(raw) {
		d.drop(feeds.WrongType)
		return nil
	}
	t := d.known[i.id]
	if t == nil {
		return nil // others' changes are not asked for, the channel tells all
	}
	now := d.now()
	c, err := i.contract()
	same := err == nil && i.wanted(now) && c.Coin == t.contract.Coin &&
		c.QuotedCoins == t.contract.QuotedCoins && math.Abs(c.ContractCoins/t.contract.ContractCoins-1) < 1e-9
	if !same {
		u := feeds.Update{Contract: t.contract, Kind: feeds.ContractChanged, At: now}
		d.found = append(d.found, found{update: u, track: t, channel: instrumentChannel})
	}
	return nil
}

// remembered is how many forced orders are remembered.
const remembered = 4096

// orderKey tells forced orders from each other: they have no number.
type orderKey struct {
	contract     *market.Contract
	at           int64
	side         market.Side
	coins, price float64
}

func keyOf(c *market.Contract, l market.Liquidation) orderKey {
	return orderKey{c, l.At.UnixMilli(), l.Side, l.Coins, l.PriceUSD}
}
