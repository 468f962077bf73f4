package hyperliquid

import (
	"context"
	"slices"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

const (
	// keptCandles is how many candles of a length the venue keeps.
	keptCandles = 5000
	// fullPage is the least number of rows at which an answer may have been cut.
	fullPage = 500
	// fundingPage is how many rows a page of funding has at most.
	fundingPage = 500
)

type candleRequest struct {
	Type string     `json:"type"`
	Req  candleSpan `json:"req"`
}

type candleSpan struct {
	Coin      string `json:"coin"`
	Interval  string `json:"interval"`
	StartTime int64  `json:"startTime"`
	EndTime   int64  `json:"endTime"`
}

// Candles implements feeds.History. The venue keeps the newest 5000, about 17 days, and
// tells them in one answer; the prices are those of trades, as there are no mark candles.
//
// https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint#candle-snapshot
func (f *Feed) Candles(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Candle, error) {
	now := f.now(ctx)
	if closed := now.Truncate(feeds.CandleLength); to.After(closed) {
		to = closed
	}
	if oldest := now.Add(-(keptCandles + 1) * feeds.CandleLength); from.Before(oldest) {
		from = oldest
	}
	var all []market.Candle
	for from.Before(to) {
		rows := int(to.Sub(from)/feeds.CandleLength) + 1
		body, err := f.askContract(ctx, cost{historyBudget, paged(rows, 60)}, candleRequest{
			"candleSnapshot", candleSpan{c.Symbol, "5m", from.UnixMilli(), to.UnixMilli() - 1},
		})
		if err != nil {
			return nil, err
		}
		page, last, n, err := decodeCandles(body, c)
		if err != nil {
			return nil, badData("candleSnapshot", err)
		}
		all = append(all, within(page, from, to)...)
		// The answer is whole unless it has a page's length and ends early.
		next := last.Add(feeds.CandleLength)
		if n < fullPage || !next.After(from) || !next.Before(to.Add(-feeds.CandleLength)) {
			break
		}
		from = next
	}
	return inOrder(all, func(c market.Candle) time.Time { return c.Start }), nil
}

func within(page []market.Candle, from, to time.Time) []market.Candle {
	return slices.DeleteFunc(page, func(c market.Candle) bool { return c.Start.Before(from) || c.End().After(to) })
}

// inOrder sorts by time and takes doubles out.
func inOrder[T any](list []T, at func(T) time.Time) []T {
	slices.SortStableFunc(list, func(a, b T) int { return at(a).Compare(at(b)) })
	return slices.CompactFunc(list, func(a, b T) bool { return at(a).Equal(at(b)) })
}

// decodeCandles reads a page. Rows that cannot be true are left out of the list, though
// not of n; last is the newest start.
func decodeCandles(body []byte, c market.Contract) (page []market.Candle, last time.Time, n int, err error) {
	j := jx.DecodeBytes(body)
	err = elements(j, func() error {
		n++
		candle, ok, err := readCandle(j, c)
		if candle.Start.After(last) {
			last = candle.Start
		}
		if ok {
			page = append(page, candle)
		}
		return err
	})
	if err == nil {
		err = wire.End(j)
	}
	return page, last, n, err
}

func readCandle(j *jx.Decoder, c market.Contract) (candle market.Candle, ok bool, err error) {
	candle.Length = feeds.CandleLength
	var bad error
	right, hasVolume := true, false
	price := func(into *float64) error {
		v, _, err := wire.Float(j)
		*into = v / c.QuotedCoins
		return err
	}
	err = fields(j, func(key []byte) (err error) {
		switch string(key) {
		case "t":
			candle.Start, _, err = wire.Time(j)
		case "o":
			err = price(&candle.OpenUSD)
		case "h":
			err = price(&candle.HighUSD)
		case "l":
			err = price(&candle.LowUSD)
		case "c":
			err = price(&candle.CloseUSD)
		case "v":
			candle.VolumeCoins, hasVolume, err = wire.Float(j)
			candle.VolumeCoins *= c.ContractCoins
		case "s":
			var name []byte
			name, err = wire.Text(j)
			right = right && string(name) == c.Symbol
		case "i":
			var interval []byte
			interval, err = wire.Text(j)
			right = right && string(interval) == "5m"
		default:
			err = j.Skip()
		}
		return keepType(err, &bad)
	})
	if err = keepType(err, &bad); err != nil {
		return candle, false, err
	}
	aligned := candle.Start.Equal(candle.Start.Truncate(feeds.CandleLength)) && !candle.Start.IsZero()
	return candle, bad == nil && right && hasVolume && aligned && feeds.PossibleCandle(candle), nil
}

// OpenInterest implements feeds.History: the venue tells none of the past.
func (f *Feed) OpenInterest(context.Context, market.Contract, time.Time, time.Time) ([]market.OpenInterestPoint, error) {
	return nil, nil
}

type fundingRequest struct {
	Type      string `json:"type"`
	Coin      string `json:"coin"`
	StartTime int64  `json:"startTime"`
	EndTime   int64  `json:"endTime"`
}

// Fundings implements feeds.Fundings. Rates are for an hour and as of the full hour, which
// the venue's rows follow by some milliseconds.
//
// https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals
func (f *Feed) Fundings(ctx context.Context, c market.Contract, from, to time.Time) ([]market.FundingPoint, error) {
	var all []market.FundingPoint
	for start := from; start.Before(to); {
		rows := min(int(to.Sub(start)/time.Hour)+1, fundingPage)
		body, err := f.askContract(ctx, cost{historyBudget, paged(rows, 20)}, fundingRequest{
			"fundingHistory", c.Symbol, start.UnixMilli(), to.UnixMilli() - 1,
		})
		if err != nil {
			return nil, err
		}
		page, last, n, err := decodeFundings(body)
		if err != nil {
			return nil, badData("fundingHistory", err)
		}
		for _, p := range page {
			if !p.At.Before(from) && p.At.Before(to) {
				all = append(all, p)
			}
		}
		if n < fundingPage || !last.After(start) {
			break
		}
		start = last.Add(time.Millisecond)
	}
	return inOrder(all, func(p market.FundingPoint) time.Time { return p.At }), nil
}

func decodeFundings(body []byte) (page []market.FundingPoint, last time.Time, n int, err error) {
	j := jx.DecodeBytes(body)
	err = elements(j, func() error {
		n++
		var at time.Time
		var rate float64
		var told bool
		var bad error
		err := fields(j, func(key []byte) (err error) {
			switch string(key) {
			case "time":
				at, _, err = wire.Time(j)
			case "fundingRate":
				rate, told, err = wire.Float(j)
			default:
				err = j.Skip()
			}
			return keepType(err, &bad)
		})
		if at.After(last) {
			last = at
		}
		if bad == nil && told && !at.IsZero() && feeds.PossibleFunding(rate) {
			page = append(page, market.FundingPoint{At: fullHour(at), Rate: rate})
		}
		return keepType(err, &bad)
	})
	if err == nil {
		err = wire.End(j)
	}
	return page, last, n, err
}

// fullHour takes off the delay with which a row follows its hour.
func fullHour(at time.Time) time.Time {
	if hour := at.Truncate(time.Hour); at.Sub(hour) < time.Minute {
		return hour
	}
	return at
}

// pastFill is a liquidation of some contract, in the venue's units.
type pastFill struct {
	id   uint64
	fill fill
}

// fillsAge is how old remembered fills may be: one answer has those of all contracts.
const fillsAge = 5 * time.Minute

// PastLiquidations implements feeds.PastLiquidations: those in the newest 2000 fills of
// each watched account, which for a busy account reach back minutes. The answers are
// remembered for five minutes.
func (f *Feed) PastLiquidations(ctx context.Context, c market.Contract, from, to time.Time) ([]market.Liquidation, error) {
	var all []market.Liquidation
	seen := make(map[uint64]bool)
	for _, user := range f.watch {
		past, err := f.fills.get(ctx, user, fillsAge, func(ctx context.Context) ([]pastFill, error) { return f.askFills(ctx, user) })
		if err != nil {
			return nil, err
		}
		for i := range past {
			p := &past[i]
			if string(p.fill.name()) != c.Symbol || seen[p.id] || p.fill.at.Before(from) || !p.fill.at.Before(to) {
				continue
			}
			seen[p.id] = true
			if order := p.fill.order(&c); feeds.PossiblePrice(order.PriceUSD) && feeds.PossibleCoins(order.Coins) {
				all = append(all, order)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b market.Liquidation) int { return a.At.Compare(b.At) })
	return all, nil
}

func (f *Feed) askFills(ctx context.Context, user string) ([]pastFill, error) {
	body, err := f.ask(ctx, cost{historyBudget, paged(2000, 20)}, struct {
		Type string `json:"type"`
		User string `json:"user"`
	}{"userFills", user})
	if err != nil {
		return nil, err
	}
	var all []pastFill
	j := jx.DecodeBytes(body)
	err = elements(j, func() error {
		one, err := readFill(j, []byte(user))
		if err == nil && one.liquidation && one.bad == nil {
			all = append(all, pastFill{one.id(), one})
		}
		return err
	})
	if err == nil {
		err = wire.End(j)
	}
	if err != nil {
		return nil, badData("userFills", err)
	}
	return all, nil
}
