package hyperliquid

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// quote is what positions are settled in; prices are in USD and taken as that.
const quote = "USDC"

// tierAge is how old a margin table may be: one answer has those of all contracts.
const tierAge = 10 * time.Minute

// listing is the venue's list of contracts with what it says of each.
type listing struct {
	at     time.Time
	assets []asset
	tables map[int64][]bracket
}

// asset is a row of the universe. Rows that could not be read stay, as ok false, because
// contexts belong to rows by their number.
type asset struct {
	ok          bool
	name        string
	sizeDigits  int64
	maxLeverage float64
	table       int64 // -1 if not told
	delisted    bool
	// The venue's own units; 0 if not told.
	mark, openInterest float64
}

type bracket struct{ from, leverage float64 }

// Contracts implements feeds.Feed: what is not delisted on the venue's own list, without
// the markets that others have built on it.
func (f *Feed) Contracts(ctx context.Context) ([]market.Contract, error) {
	l, err := f.list(ctx, historyBudget, 0)
	if err != nil {
		return nil, err
	}
	var all []market.Contract
	seen := make(map[market.Coin]bool)
	left := 0
	for _, a := range l.assets {
		c, ok := a.contract()
		if !ok || seen[c.Coin] {
			left++
			continue
		}
		seen[c.Coin] = true
		all = append(all, c)
	}
	f.cfg.Log.Debug("contracts listed", slog.Int("listed", len(all)), slog.Int("left_out", left))
	return all, nil
}

func (a asset) contract() (market.Contract, bool) {
	if !a.ok || a.delisted {
		return market.Contract{}, false
	}
	coin, coins, err := splitName(a.name)
	if err != nil {
		return market.Contract{}, false
	}
	return market.Contract{
		Venue: Venue, Symbol: a.name, Coin: coin, QuotedCoins: coins, ContractCoins: coins, Quote: quote,
		TickUSD: a.tick() / coins, MaxLeverage: a.maxLeverage, FundingInterval: time.Hour,
	}, true
}

// splitName takes the small k off names such as kPEPE, which is priced and sized for
// a thousand coins.
func splitName(name string) (market.Coin, float64, error) {
	coins := 1.0
	if rest, ok := strings.CutPrefix(name, "k"); ok {
		name, coins = rest, 1000
	}
	coin, err := market.ParseCoin(name)
	return coin, coins, err
}

// tick is the price step at the present mark: five significant digits and at most
// 6 - sizeDigits decimals, while whole numbers are always allowed.
// https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/tick-and-lot-size
func (a asset) tick() float64 {
	if !feeds.PossiblePrice(a.mark) || a.sizeDigits < 0 || a.sizeDigits > 6 {
		return 0
	}
	decimals, digits := int(a.sizeDigits)-6, int(math.Floor(math.Log10(a.mark)))-4
	return math.Pow10(min(0, max(decimals, digits)))
}

// Tiers implements feeds.Tiers from the venue's margin tables. A position's maintenance
// margin is half its initial margin at the tier's highest leverage.
// https://hyperliquid.gitbook.io/hyperliquid-docs/trading/margin-tiers
func (f *Feed) Tiers(ctx context.Context, c market.Contract) (market.LeverageTiers, error) {
	l, err := f.list(ctx, historyBudget, tierAge)
	if err != nil {
		return market.LeverageTiers{}, err
	}
	for _, a := range l.assets {
		if !a.ok || a.name != c.Symbol {
			continue
		}
		tiers, err := a.tiers(l.tables)
		if err != nil {
			return market.LeverageTiers{}, badData("margin table of "+a.name, err)
		}
		return market.LeverageTiers{Tiers: tiers, AsOf: l.at}, nil
	}
	return market.LeverageTiers{}, &feeds.Error{Venue: Venue, Problem: feeds.NotListed, Err: fmt.Errorf("no contract %.30q", c.Symbol)}
}

func (a asset) tiers(tables map[int64][]bracket) ([]market.LeverageTier, error) {
	brackets := tables[a.table]
	switch {
	case len(brackets) > 0:
	case a.table > 0 && a.table < 50: // such a number is its only tier's leverage
		brackets = []bracket{{0, float64(a.table)}}
	case a.table < 0 && a.maxLeverage > 0:
		brackets = []bracket{{0, a.maxLeverage}}
	default:
		return nil, fmt.Errorf("%w: no table %d", wire.ErrType, a.table)
	}
	var tiers []market.LeverageTier
	deduction := 0.0
	for i, b := range brackets {
		rate := 1 / (2 * b.leverage)
		switch {
		case !(b.leverage >= 1 && b.leverage <= 1000), i == 0 && b.from != 0:
			return nil, errImpossible
		case i > 0:
			if b.from <= brackets[i-1].from || b.leverage >= brackets[i-1].leverage {
				return nil, errImpossible
			}
			tiers[i-1].ToUSD = b.from
			deduction += b.from * (rate - tiers[i-1].MaintenanceMarginRate)
		}
		tiers = append(tiers, market.LeverageTier{
			FromUSD: b.from, ToUSD: math.Inf(1), MaxLeverage: b.leverage, MaintenanceMarginRate: rate, DeductionUSD: deduction,
		})
	}
	return tiers, nil
}

// OpenInterests tells the open interest of all contracts at once, USD by coin, at the mark
// prices of at most a minute ago.
func (f *Feed) OpenInterests(ctx context.Context) (map[market.Coin]float64, error) {
	l, err := f.list(ctx, historyBudget, listAge)
	if err != nil {
		return nil, err
	}
	all := make(map[market.Coin]float64)
	for _, a := range l.assets {
		c, ok := a.contract()
		if _, twice := all[c.Coin]; !ok || twice || !feeds.PossiblePrice(a.mark/c.QuotedCoins) || !feeds.PossibleCoins(a.openInterest*c.ContractCoins) {
			continue
		}
		all[c.Coin] = a.openInterest * a.mark
	}
	return all, nil
}

// list returns a listing that is at most maxAge old.
func (f *Feed) list(ctx context.Context, budget string, maxAge time.Duration) (*listing, error) {
	return f.listings.get(ctx, "", maxAge, func(ctx context.Context) (*listing, error) {
		body, err := f.ask(ctx, cost{budget, 20}, struct {
			Type string `json:"type"`
		}{"metaAndAssetCtxs"})
		if err != nil {
			return nil, err
		}
		l, err := decodeListing(body)
		if err != nil {
			return nil, badData("metaAndAssetCtxs", err)
		}
		l.at = time.Now().UTC()
		f.newest.Store(l)
		return l, nil
	})
}

// decodeListing reads [meta, contexts]. Contexts carry no names: the first belongs to the
// first asset. A list of another length belongs to nothing and is left out.
func decodeListing(body []byte) (*listing, error) {
	l := &listing{tables: make(map[int64][]bracket)}
	var contexts []assetContext
	j := jx.DecodeBytes(body)
	part := 0
	err := elements(j, func() (err error) {
		part++
		switch part {
		case 1:
			return l.readMeta(j)
		case 2:
			contexts, err = readContexts(j)
			return err
		default:
			return j.Skip()
		}
	})
	if err != nil {
		return nil, err
	}
	if err := wire.End(j); err != nil {
		return nil, err
	}
	if len(l.assets) == 0 {
		return nil, fmt.Errorf("%w: no universe", wire.ErrType)
	}
	if len(contexts) == len(l.assets) {
		for i, c := range contexts {
			l.assets[i].mark, l.assets[i].openInterest = c.mark, c.openInterest
		}
	}
	return l, nil
}

func (l *listing) readMeta(j *jx.Decoder) error {
	return fields(j, func(key []byte) error {
		switch string(key) {
		case "universe":
			return elements(j, func() error {
				a, err := readAsset(j)
				l.assets = append(l.assets, a)
				return err
			})
		case "marginTables":
			return elements(j, func() error { return l.readTable(j) })
		default:
			return j.Skip()
		}
	})
}

// readAsset reads a row; one of wrong types is not ok, but no error.
func readAsset(j *jx.Decoder) (asset, error) {
	a := asset{table: -1}
	var bad error
	err := fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "name":
			var name []byte
			name, err = wire.Text(j)
			a.name = string(name)
		case "szDecimals":
			a.sizeDigits, _, err = wire.Int(j)
		case "maxLeverage":
			a.maxLeverage, _, err = wire.Float(j)
		case "marginTableId":
			var told bool
			if a.table, told, err = wire.Int(j); !told {
				a.table = -1
			}
		case "isDelisted":
			a.delisted, err = wire.Bool(j)
		default:
			err = j.Skip()
		}
		return keepType(err, &bad)
	})
	if err = keepType(err, &bad); err != nil {
		return a, err
	}
	a.ok = bad == nil && a.name != "" && a.maxLeverage >= 0 && a.maxLeverage <= 1000
	return a, nil
}

// readTable reads [id, {"marginTiers": [...]}]. One that cannot be read is missing then.
func (l *listing) readTable(j *jx.Decoder) error {
	var id int64 = -1
	var brackets []bracket
	var bad error
	part := 0
	err := elements(j, func() (err error) {
		part++
		switch part {
		case 1:
			id, _, err = wire.Int(j)
		case 2:
			brackets, err = readBrackets(j)
		default:
			err = j.Skip()
		}
		return keepType(err, &bad)
	})
	if err = keepType(err, &bad); err != nil {
		return err
	}
	if bad == nil && id >= 0 {
		l.tables[id] = brackets
	}
	return nil
}

func readBrackets(j *jx.Decoder) (all []bracket, err error) {
	var bad error
	err = fields(j, func(key []byte) error {
		if string(key) != "marginTiers" {
			return j.Skip()
		}
		return elements(j, func() error {
			b := bracket{from: -1}
			err := fields(j, func(key []byte) (err error) {
				switch string(key) {
				case "lowerBound":
					b.from, _, err = wire.Float(j)
				case "maxLeverage":
					b.leverage, _, err = wire.Float(j)
				default:
					err = j.Skip()
				}
				return keepType(err, &bad)
			})
			all = append(all, b)
			return keepType(err, &bad)
		})
	})
	if err == nil {
		err = bad
	}
	return all, err
}

// readContexts reads a list of contexts; one that cannot be read is empty.
func readContexts(j *jx.Decoder) (all []assetContext, err error) {
	err = elements(j, func() error {
		var c assetContext
		err := c.read(j)
		if errors.Is(err, wire.ErrType) {
			c, err = assetContext{}, nil
		}
		all = append(all, c)
		return err
	})
	return all, err
}
