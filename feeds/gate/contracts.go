package gate

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

const quote = "USDT"

// pageOfContracts is Gate's documented size of a page. Today it sends all contracts when
// no limit is named.
const pageOfContracts = 100

// mostContracts ends the paging of a list that has no end; Gate had 983 in 2026.
const mostContracts = 5000

// Contracts implements feeds.Feed.
func (f *Feed) Contracts(ctx context.Context) ([]market.Contract, error) {
	rows, n, err := f.contractRows(ctx, nil)
	if err != nil {
		return nil, err
	}
	for offset := n; n == pageOfContracts && offset < mostContracts; offset += n {
		var more []contractRow
		more, n, err = f.contractRows(ctx, url.Values{
			"limit": {strconv.Itoa(pageOfContracts)}, "offset": {strconv.Itoa(offset)},
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return oneForACoin(rows), nil
}

// contractRows asks for one page and reports how many rows it had, those left out included.
func (f *Feed) contractRows(ctx context.Context, query url.Values) (rows []contractRow, n int, err error) {
	body, err := f.get(ctx, pathContracts, query)
	if err != nil {
		return nil, 0, err
	}
	left, err := eachRow(body, func(d *jx.Decoder) error {
		n++
		r, err := decodeContract(d)
		if err == nil && r.trades() {
			rows = append(rows, r)
		}
		return err
	})
	if err != nil {
		return nil, 0, bad(pathContracts, err)
	}
	if left > 0 {
		f.cfg.Log.Debug("contracts left out", slog.Int("rows", left))
	}
	return rows, n, nil
}

// contractRow is what is read of one contract.
type contractRow struct {
	name, kind, status, class     string
	delisting, preMarket          bool
	multiplier, tick, maxLeverage float64
	interval                      int64 // seconds
	openInterest, mark            float64
}

func decodeContract(d *jx.Decoder) (r contractRow, err error) {
	err = wire.Fields(d, func(key []byte) (err error) {
		switch string(key) {
		case "name":
			return text(d, &r.name)
		case "type":
			return text(d, &r.kind)
		case "status":
			return text(d, &r.status)
		case "contract_type":
			return text(d, &r.class)
		case "in_delisting":
			r.delisting, err = wire.Bool(d)
		case "is_pre_market":
			r.preMarket, err = wire.Bool(d)
		case "quanto_multiplier":
			return float(d, &r.multiplier)
		case "order_price_round":
			return float(d, &r.tick)
		case "leverage_max":
			return float(d, &r.maxLeverage)
		case "funding_interval":
			r.interval, err = whole(d)
		case "position_size":
			return float(d, &r.openInterest)
		case "mark_price":
			return float(d, &r.mark)
		default:
			return d.Skip()
		}
		return err
	})
	return r, err
}

func text(d *jx.Decoder, into *string) error {
	b, err := wire.Text(d)
	*into = string(b)
	return err
}

// trades reports whether the contract is a linear one of a crypto coin that trades now.
// Rows of 2023 have no status.
func (r contractRow) trades() bool {
	return r.kind == "direct" && (r.status == "" || r.status == "trading") && r.class == "" &&
		!r.delisting && !r.preMarket && feeds.PossibleCoins(r.multiplier) && strings.HasSuffix(r.name, "_"+quote)
}

// perMillion are names of Gate's that are a million coins though they do not say 1M.
var perMillion = map[string]string{"MBABYDOGE": "BABYDOGE"}

// contract makes coins and USD for one coin of the row.
func (r contractRow) contract() (market.Contract, error) {
	base := strings.TrimSuffix(r.name, "_"+quote)
	if coin, ok := perMillion[base]; ok {
		base = "1000000" + coin
	}
	coin, quoted, err := feeds.SplitMultiplier(base)
	if err != nil {
		return market.Contract{}, err
	}
	c := market.Contract{
		Venue: Venue, Symbol: r.name, Coin: coin, Quote: quote,
		QuotedCoins: quoted, ContractCoins: r.multiplier * quoted,
	}
	if tick := r.tick / quoted; feeds.PossiblePrice(tick) {
		c.TickUSD = tick
	}
	if r.maxLeverage >= 1 && r.maxLeverage <= 1000 {
		c.MaxLeverage = r.maxLeverage
	}
	if r.interval > 0 && r.interval <= 7*24*3600 {
		c.FundingInterval = time.Duration(r.interval) * time.Second
	}
	return c, nil
}

// oneForACoin keeps of several contracts of a coin the one with the most open interest.
func oneForACoin(rows []contractRow) []market.Contract {
	usd := func(r contractRow) float64 {
		v := r.openInterest * r.multiplier * r.mark
		if math.IsNaN(v) {
			return 0
		}
		return v
	}
	slices.SortStableFunc(rows, func(a, b contractRow) int { return cmp.Compare(usd(b), usd(a)) })
	var all []market.Contract
	seen := make(map[market.Coin]bool)
	for _, r := range rows {
		c, err := r.contract()
		if err != nil || seen[c.Coin] {
			continue
		}
		seen[c.Coin] = true
		all = append(all, c)
	}
	return all
}
