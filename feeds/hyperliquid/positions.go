package hyperliquid

import (
	"context"
	"fmt"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// Position is what an account holds in a contract, in coins and USD for one coin.
type Position struct {
	Account string
	Coin    market.Coin
	Side    market.Side
	Coins   float64
	// EntryUSD is the average price of entry, ValueUSD the size at the mark.
	EntryUSD, ValueUSD float64
	// LiquidationUSD is the mark price at which the venue would liquidate, 0 if it names
	// none. That of a position that is not Isolated holds only while the account's other
	// positions stay where they are, and may be far from any price.
	LiquidationUSD float64
	// Leverage is the account's setting, not what it uses.
	Leverage float64
	Isolated bool
	// At is the venue's time.
	At time.Time
}

// Positions tells what accounts hold, in the order of the accounts, at a weight of 2 for
// each: some 400 accounts a minute beside other requests. Rows that cannot be true and
// contracts of other markets than the venue's own are left out.
//
// https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals
func (f *Feed) Positions(ctx context.Context, accounts []string) ([]Position, error) {
	var all []Position
	for _, account := range accounts {
		if !address.MatchString(account) {
			return nil, badData("account", fmt.Errorf("%w: want 0x and 40 hexadecimal digits", wire.ErrType))
		}
		body, err := f.ask(ctx, cost{historyBudget, 2}, struct {
			Type string `json:"type"`
			User string `json:"user"`
		}{"clearinghouseState", account})
		if err != nil {
			return nil, err
		}
		held, err := decodePositions(body, account)
		if err != nil {
			return nil, badData("clearinghouseState", err)
		}
		all = append(all, held...)
	}
	return all, nil
}

func decodePositions(body []byte, account string) (all []Position, err error) {
	var at time.Time
	j := jx.DecodeBytes(body)
	err = fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "time":
			at, _, err = wire.Time(j)
			return err
		case "assetPositions":
			return elements(j, func() error {
				p, ok, err := readPosition(j)
				if ok {
					all = append(all, p)
				}
				return err
			})
		default:
			return j.Skip()
		}
	})
	if err == nil {
		err = wire.End(j)
	}
	if err == nil && at.IsZero() {
		err = fmt.Errorf("%w: no time", wire.ErrType)
	}
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Account, all[i].At = account, at
	}
	return all, nil
}

// readPosition reads {"position": {…}, "type": "oneWay"}.
func readPosition(j *jx.Decoder) (p Position, ok bool, err error) {
	var bad error
	coins := 0.0
	err = fields(j, func(key []byte) error {
		if string(key) != "position" {
			return j.Skip()
		}
		var err error
		coins, err = p.read(j)
		return keepType(err, &bad)
	})
	if err = keepType(err, &bad); err != nil || bad != nil || coins == 0 {
		return p, false, err
	}
	p.Side = market.Long
	if p.Coins < 0 {
		p.Side, p.Coins = market.Short, -p.Coins
	}
	p.Coins *= coins
	p.EntryUSD /= coins
	p.LiquidationUSD /= coins
	return p, feeds.PossibleCoins(p.Coins) && feeds.PossiblePrice(p.EntryUSD) && p.ValueUSD >= 0 && p.LiquidationUSD >= 0, nil
}

// read reads a position in the venue's units; coins is how many such a unit is, 0 for
// what is no contract of the venue's own.
func (p *Position) read(j *jx.Decoder) (coins float64, err error) {
	var bad error
	err = fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "coin":
			var name []byte
			if name, err = wire.Text(j); err == nil {
				var unknown error
				if p.Coin, coins, unknown = splitName(string(name)); unknown != nil {
					coins = 0
				}
			}
		case "szi":
			p.Coins, _, err = wire.Float(j)
		case "entryPx":
			p.EntryUSD, _, err = wire.Float(j)
		case "positionValue":
			p.ValueUSD, _, err = wire.Float(j)
		case "liquidationPx":
			p.LiquidationUSD, _, err = wire.Float(j)
		case "leverage":
			err = p.readLeverage(j)
		default:
			err = j.Skip()
		}
		return keepType(err, &bad)
	})
	if err == nil {
		err = bad
	}
	return coins, err
}

func (p *Position) readLeverage(j *jx.Decoder) error {
	return fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "value":
			p.Leverage, _, err = wire.Float(j)
		case "type":
			var kind []byte
			kind, err = wire.Text(j)
			p.Isolated = string(kind) == "isolated"
		default:
			err = j.Skip()
		}
		return err
	})
}
