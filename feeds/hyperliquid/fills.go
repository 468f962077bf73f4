package hyperliquid

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"math"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// maxAhead is how far in the future a fill may be, for clocks that differ.
const maxAhead = 5 * time.Minute

// fills tells the liquidations among the fills of a watched account: {"user": …,
// "isSnapshot": …, "fills": […]}. A snapshot, which begins each subscription, repeats old
// fills: those that happened while the connection was down are among them.
func (d *Decoder) fills(body []byte, now time.Time) error {
	j := &d.inner
	j.ResetBytes(body)
	var owner, list []byte
	snapshot := false
	err := fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "user":
			owner, err = wire.Text(j)
		case "isSnapshot":
			snapshot, err = wire.Bool(j)
		case "fills":
			list, err = j.Raw()
		default:
			err = j.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	if !isAddress(owner) || list == nil {
		return wire.ErrType
	}
	j.ResetBytes(list)
	return elements(j, func() error {
		f, err := readFill(j, owner)
		if err != nil {
			return err
		}
		if !f.liquidation || snapshot && f.bad == nil && f.at.Before(d.since) {
			return nil
		}
		if why := d.tell(&f, now); why != "" {
			d.sink.Dropped(why)
		}
		return nil
	})
}

// tell tells a liquidation or says why not.
func (d *Decoder) tell(f *fill, now time.Time) feeds.Reason {
	contract := d.bySymbol[string(f.name())]
	switch {
	case f.bad != nil:
		return reason(f.bad)
	case contract == nil:
		return feeds.UnknownContract
	case f.at.After(now.Add(maxAhead)):
		return feeds.OutOfOrder
	}
	order := f.order(contract)
	if !feeds.PossiblePrice(order.PriceUSD) || !feeds.PossibleCoins(order.Coins) {
		return feeds.Impossible
	}
	id := f.id()
	if !d.told.Add(id) {
		return feeds.Duplicate
	}
	d.sink.Update(feeds.Update{Contract: contract, Kind: feeds.Liquidation, At: f.at, Order: order, ID: id})
	return ""
}

// fill is one trade from the view of one of its two sides, in the venue's units.
type fill struct {
	coin        [32]byte
	length      int
	at          time.Time
	price, size float64
	trade       int64
	// bought is what the owner did.
	bought bool
	// liquidation: one side was liquidated, the owner if own.
	liquidation, own bool
	// bad is why a fill cannot be believed, though it could be read to its end.
	bad error
}

func (f *fill) name() []byte { return f.coin[:f.length] }

// side is the side of the position that was liquidated. A long is liquidated by a sale:
// its owner has sold, or whoever else traded has bought.
func (f *fill) side() market.Side {
	if f.bought == f.own {
		return market.Short
	}
	return market.Long
}

func (f *fill) order(c *market.Contract) market.Liquidation {
	return market.Liquidation{At: f.at, Side: f.side(), Coins: f.size * c.ContractCoins, PriceUSD: f.price / c.QuotedCoins}
}

// id is the same for both sides of a trade. The venue's number of a trade is not enough:
// many have the number 0.
func (f *fill) id() uint64 {
	var b [32]byte
	binary.LittleEndian.PutUint64(b[0:], uint64(f.at.UnixMilli()))
	binary.LittleEndian.PutUint64(b[8:], uint64(f.trade)) //nolint:gosec // only its bits matter
	binary.LittleEndian.PutUint64(b[16:], math.Float64bits(f.price))
	binary.LittleEndian.PutUint64(b[24:], math.Float64bits(f.size))
	h := fnv.New64a()
	_, _ = h.Write(f.name())
	_, _ = h.Write(b[:])
	return h.Sum64()
}

// readFill reads a fill of an account to its end. An error means that nothing behind it
// can be read either.
func readFill(j *jx.Decoder, owner []byte) (f fill, err error) {
	var dir []byte
	sided := false
	err = fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "coin":
			var name []byte
			name, err = wire.Text(j)
			f.length = copy(f.coin[:], name)
			if len(name) > len(f.coin) {
				f.length = 0 // no contract has such a name
			}
		case "px":
			f.price, _, err = wire.Float(j)
		case "sz":
			f.size, _, err = wire.Float(j)
		case "side":
			var side []byte
			side, err = wire.Text(j)
			f.bought, sided = string(side) == "B", string(side) == "B" || string(side) == "A"
		case "time":
			f.at, _, err = wire.Time(j)
		case "tid":
			f.trade, _, err = wire.Int(j)
		case "dir":
			dir, err = j.Raw()
		case "liquidation":
			err = f.readLiquidation(j, owner)
		default:
			err = j.Skip()
		}
		return keepType(err, &f.bad)
	})
	if err = keepType(err, &f.bad); err != nil {
		return f, err
	}
	if f.bad == nil && (!sided || f.at.IsZero()) {
		f.bad = wire.ErrType
	}
	if string(dir) == `"Auto-Deleveraging"` {
		// The other side's position was closed to settle a liquidation that was told
		// when the vault took it over.
		f.liquidation = false
	}
	return f, nil
}

// readLiquidation reads {"liquidatedUser": …, "markPx": …, "method": …}. Null is none.
func (f *fill) readLiquidation(j *jx.Decoder, owner []byte) error {
	if j.Next() == jx.Null {
		return j.Null()
	}
	f.liquidation = true
	named := false
	err := fields(j, func(key []byte) error {
		if string(key) != "liquidatedUser" {
			return j.Skip()
		}
		user, err := wire.Text(j)
		named = isAddress(user)
		f.own = bytes.EqualFold(user, owner)
		return keepType(err, &f.bad)
	})
	if err == nil && !named {
		err = wire.ErrType
	}
	return err
}

// isAddress reports whether b can be an account's address: 0x and 40 digits.
func isAddress(b []byte) bool {
	if len(b) != 42 || b[0] != '0' || b[1]|0x20 != 'x' {
		return false
	}
	for _, c := range b[2:] {
		if c := c | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// remembered is how many liquidations are known again: all that the snapshots of MaxWatch
// accounts can hold.
const remembered = MaxWatch * 2000
