package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// total is the name under which the vendor lists the sum of all exchanges.
const total = "All"

// Candle is the prices of one interval, USD, all above zero.
type Candle struct {
	// Open is when the interval begins, UTC.
	Open                               time.Time
	OpenUSD, HighUSD, LowUSD, CloseUSD float64
}

// DecodeCandles reads the data of price/history, oldest first. Rows with a
// figure missing are left out.
func DecodeCandles(data []byte) ([]Candle, error) {
	rows, err := list[struct{ Time, Open, High, Low, Close figure }](data)
	if err != nil {
		return nil, err
	}
	candles := make([]Candle, 0, len(rows))
	for i, r := range rows {
		if !r.Time.told || !r.Open.told || !r.High.told || !r.Low.told || !r.Close.told {
			continue
		}
		c, err := candle(r.Time, r.Open, r.High, r.Low, r.Close)
		if err != nil {
			return nil, fmt.Errorf("candle %d: %w", i, err)
		}
		candles = append(candles, c)
	}
	slices.SortStableFunc(candles, func(a, b Candle) int { return a.Open.Compare(b.Open) })
	return candles, nil
}

func candle(at figure, prices ...figure) (Candle, error) {
	var c Candle
	var err error
	if c.Open, err = at.time("time"); err != nil {
		return Candle{}, err
	}
	names := []string{"open", "high", "low", "close"}
	for i, target := range []*float64{&c.OpenUSD, &c.HighUSD, &c.LowUSD, &c.CloseUSD} {
		if *target, err = prices[i].positive(names[i]); err != nil {
			return Candle{}, err
		}
	}
	return c, nil
}

// Liquidated is what was liquidated on all exchanges together, USD.
type Liquidated struct{ LongUSD, ShortUSD float64 }

// DecodeLiquidated reads the data of liquidation/exchange-list. The row "All" is
// the sum of the others.
func DecodeLiquidated(data []byte) (Liquidated, error) {
	rows, err := list[liquidatedRow](data)
	if err != nil {
		return Liquidated{}, err
	}
	for _, r := range rows {
		if r.Exchange == total {
			return r.read()
		}
	}
	return Liquidated{}, fmt.Errorf("no row %q: %w", total, ErrShape)
}

type liquidatedRow struct {
	Exchange scalar `json:"exchange"`
	Long     figure `json:"long_liquidation_usd"`
	Short    figure `json:"short_liquidation_usd"`
}

func (r liquidatedRow) read() (Liquidated, error) {
	long, err := r.Long.notNegative("long_liquidation_usd")
	if err != nil {
		return Liquidated{}, err
	}
	short, err := r.Short.notNegative("short_liquidation_usd")
	if err != nil {
		return Liquidated{}, err
	}
	return Liquidated{LongUSD: long, ShortUSD: short}, nil
}

// OpenInterest is the open interest on all exchanges together.
type OpenInterest struct {
	USD, Coins float64
	// Change24h is in percent, valid if HasChange24h.
	Change24h    float64
	HasChange24h bool
}

// DecodeOpenInterest reads the data of open-interest/exchange-list.
func DecodeOpenInterest(data []byte) (OpenInterest, error) {
	rows, err := list[openInterestRow](data)
	if err != nil {
		return OpenInterest{}, err
	}
	for _, r := range rows {
		if r.Exchange == total {
			return r.read()
		}
	}
	return OpenInterest{}, fmt.Errorf("no row %q: %w", total, ErrShape)
}

type openInterestRow struct {
	Exchange scalar `json:"exchange"`
	USD      figure `json:"open_interest_usd"`
	Coins    figure `json:"open_interest_quantity"`
	Change   figure `json:"open_interest_change_percent_24h"`
}

func (r openInterestRow) read() (OpenInterest, error) {
	usd, err := r.USD.notNegative("open_interest_usd")
	if err != nil {
		return OpenInterest{}, err
	}
	coins, err := r.Coins.notNegative("open_interest_quantity")
	if err != nil {
		return OpenInterest{}, err
	}
	known := r.Change.told && r.Change.wrong == ""
	return OpenInterest{USD: usd, Coins: coins, Change24h: r.Change.value, HasChange24h: known}, nil
}

// Funding is the funding rate of one exchange's stablecoin margined contract.
type Funding struct {
	Venue string
	// Percent is the rate for one interval: 0.01 is 0.01 %.
	Percent  float64
	Interval time.Duration
}

// Fundings is the funding rates by coin, in the vendor's order.
type Fundings map[string][]Funding

// DecodeFundings reads the data of funding-rate/exchange-list. Rates without an
// interval are left out.
func DecodeFundings(data []byte) (Fundings, error) {
	coins, err := list[struct {
		Symbol scalar       `json:"symbol"`
		Rates  []fundingRow `json:"stablecoin_margin_list"`
	}](data)
	if err != nil {
		return nil, err
	}
	all := make(Fundings, len(coins))
	for _, c := range coins {
		for _, r := range c.Rates {
			if f, ok := r.read(); ok {
				all[string(c.Symbol)] = append(all[string(c.Symbol)], f)
			}
		}
	}
	return all, nil
}

type fundingRow struct {
	Exchange scalar `json:"exchange"`
	Hours    figure `json:"funding_rate_interval"`
	Percent  figure `json:"funding_rate"`
}

// read leaves a rate out rather than refuse the reply: it holds hundreds of coins.
func (r fundingRow) read() (Funding, bool) {
	const longest = 24 * 7
	percent, err := r.Percent.need("funding_rate")
	hours, err2 := r.Hours.positive("funding_rate_interval")
	venue := venueName(string(r.Exchange))
	if err != nil || err2 != nil || hours > longest || venue == "" {
		return Funding{}, false
	}
	return Funding{Venue: venue, Percent: percent, Interval: time.Duration(hours * float64(time.Hour))}, true
}

// FlowDay is the net flow into a coin's spot ETFs on one trading day.
type FlowDay struct {
	// Day is the trading day, 00:00 UTC.
	Day time.Time
	// NetUSD is negative for an outflow.
	NetUSD float64
	// PriceUSD is the coin's price, 0 when not told.
	PriceUSD float64
}

// DecodeFlows reads the data of etf/*/flow-history, oldest first. A day without
// a flow is left out; of two rows for a day the later counts.
func DecodeFlows(data []byte) ([]FlowDay, error) {
	rows, err := list[struct {
		Time  figure `json:"timestamp"`
		Flow  figure `json:"flow_usd"`
		Price figure `json:"price_usd"`
	}](data)
	if err != nil {
		return nil, err
	}
	days := make([]FlowDay, 0, len(rows))
	for i, r := range rows {
		if !r.Time.told || !r.Flow.told {
			continue
		}
		at, err := r.Time.time("timestamp")
		if err != nil {
			return nil, fmt.Errorf("flow %d: %w", i, err)
		}
		flow, err := r.Flow.need("flow_usd")
		if err != nil {
			return nil, fmt.Errorf("flow %d: %w", i, err)
		}
		days = append(days, FlowDay{Day: at.Truncate(24 * time.Hour), NetUSD: flow, PriceUSD: max(0, r.Price.value)})
	}
	return lastOfEachDay(days), nil
}

func lastOfEachDay(days []FlowDay) []FlowDay {
	slices.Reverse(days)
	slices.SortStableFunc(days, func(a, b FlowDay) int { return a.Day.Compare(b.Day) })
	return slices.CompactFunc(days, func(a, b FlowDay) bool { return a.Day.Equal(b.Day) })
}

// DecodeCoins reads the data of supported-coins, in the vendor's order.
func DecodeCoins(data []byte) ([]string, error) {
	rows, err := list[scalar](data)
	if err != nil {
		return nil, err
	}
	coins := make([]string, 0, len(rows))
	for _, r := range rows {
		if r != "" {
			coins = append(coins, string(r))
		}
	}
	return coins, nil
}

// Instrument is one contract of an exchange.
type Instrument struct{ ID, Base, Quote string }

// DecodeInstruments reads the data of supported-exchange-pairs: the contracts by
// exchange.
func DecodeInstruments(data []byte) (map[string][]Instrument, error) {
	venues, err := object(data)
	if err != nil {
		return nil, err
	}
	all := make(map[string][]Instrument, len(venues))
	for venue, raw := range venues {
		rows, err := list[struct {
			ID    scalar `json:"instrument_id"`
			Base  scalar `json:"base_asset"`
			Quote scalar `json:"quote_asset"`
		}](raw)
		if err != nil {
			return nil, fmt.Errorf("instruments of %s: %w", shorten(venue), err)
		}
		if venueName(venue) == "" {
			continue
		}
		for _, r := range rows {
			if r.ID != "" && r.Base != "" {
				all[venue] = append(all[venue], Instrument{string(r.ID), string(r.Base), string(r.Quote)})
			}
		}
	}
	return all, nil
}

// Subscription is the plan of a key.
type Subscription struct {
	// Level is the plan's name as the vendor writes it: "PROFESSIONAL".
	Level string
	// Expires is zero when not told.
	Expires time.Time
	Expired bool
}

// DecodeSubscription reads the data of user/account/subscription. See
// https://github.com/coinglass-official/coinglass-api-skills.
func DecodeSubscription(data []byte) (Subscription, error) {
	var raw struct {
		Level   scalar `json:"level"`
		Expires figure `json:"expire_time"`
		Expired any    `json:"expired"`
	}
	if kind(data) != '{' {
		return Subscription{}, fmt.Errorf("%w: want an object", ErrShape)
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return Subscription{}, fmt.Errorf("%w: %w", ErrShape, err)
	}
	if raw.Level == "" {
		return Subscription{}, fmt.Errorf("no level: %w", ErrShape)
	}
	s := Subscription{Level: string(raw.Level), Expired: raw.Expired == true || raw.Expired == "true"}
	if at, err := raw.Expires.time("expire_time"); err == nil {
		s.Expires = at
	}
	return s, nil
}
