package coinglass

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass/wire"
)

var (
	errNoContract = errors.New("no contract of this coin in the vendor's list")
	errNoCandles  = errors.New("no candle in the reply")
)

// candles is the price history of one contract.
type candles struct {
	// rows is never empty; oldest first.
	rows  []wire.Candle
	venue market.Venue
	// step is the length of a candle.
	step time.Duration
}

const (
	minute = "1m"
	hour   = "1h"

	minutesAsked = 2
	hoursAsked   = 7 * 24

	// contractsTried bounds the search for a contract that has a price.
	contractsTried = 3
)

// presentPrice is the newest minute of a coin's price.
func (s *Source) presentPrice(ctx context.Context, coin market.Coin) (dated[candles], error) {
	return s.minutes.get(ctx, string(coin), func(ctx context.Context) (candles, error) {
		return s.fetchCandles(ctx, coin, minute, time.Minute, minutesAsked)
	})
}

// pastWeek is a coin's hourly prices of seven days.
func (s *Source) pastWeek(ctx context.Context, coin market.Coin) (dated[candles], error) {
	return s.hours.get(ctx, string(coin), func(ctx context.Context) (candles, error) {
		return s.fetchCandles(ctx, coin, hour, time.Hour, hoursAsked)
	})
}

// fetchCandles asks one contract after the other until one has a price.
func (s *Source) fetchCandles(ctx context.Context, coin market.Coin, interval string, step time.Duration, limit int) (candles, error) {
	contracts, err := s.contracts(ctx, coin)
	if err != nil {
		return candles{}, err
	}
	for _, c := range contracts[:min(len(contracts), contractsTried)] {
		query := url.Values{
			"exchange": {string(c.venue)}, "symbol": {c.id},
			"interval": {interval}, "limit": {strconv.Itoa(limit)},
		}
		var rows []wire.Candle
		rows, err = read(ctx, s.client, priceHistory, query, wire.DecodeCandles)
		if err == nil && len(rows) > 0 {
			return candles{rows: rows, venue: c.venue, step: stepOf(rows, step)}, nil
		}
		if err == nil {
			err = s.client.refuse(priceHistory, snapshot.NotListed, "", errNoCandles)
		}
		if snapshot.ProblemOf(err) != snapshot.NotListed {
			break
		}
	}
	return candles{}, err
}

// stepOf infers the length of a candle from the shortest gap between two: a
// reply may come in a coarser interval than was asked for.
func stepOf(rows []wire.Candle, asked time.Duration) time.Duration {
	var step time.Duration
	for i := 1; i < len(rows); i++ {
		if gap := rows[i].Open.Sub(rows[i-1].Open); gap > 0 && (step == 0 || gap < step) {
			step = gap
		}
	}
	if step == 0 {
		return asked
	}
	return step
}

// newest is the price at the end of the history, and its time: the end of the
// last candle, or the moment of fetching while that candle is still open.
func newest(c dated[candles]) (float64, time.Time) {
	last := c.value.rows[len(c.value.rows)-1]
	end := last.Open.Add(c.value.step)
	if end.After(c.at) {
		end = c.at
	}
	return last.CloseUSD, end.UTC()
}

// price finds the price of a snapshot; see the package comment for the rule.
func (s *Source) price(ctx context.Context, d drawn, week *dated[candles]) (market.Price, error) {
	p := market.Price{
		USD:        d.LastPriceUSD,
		Kind:       market.LastPrice,
		Provenance: market.Provenance{Source: name, Origin: market.Measured, AsOf: d.at},
	}
	if p.USD == 0 {
		history, err := s.presentPrice(ctx, d.key.Coin)
		switch {
		case err == nil:
		case week != nil:
			history = *week // its last candle is still open, so it ends with a price of this minute
		default:
			return market.Price{}, priceless(err)
		}
		p.USD, p.Provenance.AsOf = newest(history)
		p.Provenance.Venues = []market.Venue{history.value.venue}
	}
	if week == nil {
		return p, nil
	}
	if err := plausible(p, *week); err != nil {
		return market.Price{}, s.client.refuse(d.endpoint, snapshot.BadData, "", err)
	}
	p.Change24h, p.HasChange24h = change(p, week.value)
	return p, nil
}

// priceless is the error for a map that came without a price when none can be
// had elsewhere either. It is not the coin that is unknown: it has a map.
func priceless(err error) error {
	out := snapshot.Error{Problem: snapshot.Unavailable}
	if e, ok := errors.AsType[*snapshot.Error](err); ok {
		out, err = *e, e.Err
	}
	if out.Problem == snapshot.NotListed {
		out.Problem = snapshot.Unavailable
	}
	out.Err = fmt.Errorf("the map names no price: %w", err)
	return &out
}

const (
	// implausible is the factor between two prices of one coin at which one of
	// them must be wrong: a slipped digit, another coin's price.
	implausible = 1.5
	// comparableWithin is how far apart in time two prices may be compared.
	comparableWithin = time.Hour
)

// plausible compares a price with the newest of the price history.
func plausible(p market.Price, week dated[candles]) error {
	other, at := newest(week)
	if p.Provenance.AsOf.Sub(at).Abs() > comparableWithin {
		return nil
	}
	if p.USD > other*implausible || p.USD*implausible < other {
		return fmt.Errorf("price %v, but the price history ends at %v", p.USD, other)
	}
	return nil
}

// change is the change of a price against 24 hours before it: against the open
// of the candle that began nearest to that moment.
func change(p market.Price, history candles) (float64, bool) {
	before := p.Provenance.AsOf.Add(-24 * time.Hour)
	var nearest wire.Candle
	for _, c := range history.rows {
		if nearest.Open.IsZero() || c.Open.Sub(before).Abs() < nearest.Open.Sub(before).Abs() {
			nearest = c
		}
	}
	if nearest.Open.Sub(before).Abs() > history.step {
		return 0, false
	}
	return p.USD/nearest.OpenUSD - 1, true
}

// priceRange is the high and low of the last seven days, the present price
// included; nil when the history ends too long ago.
func (s *Source) priceRange(week *dated[candles], p market.Price) *market.PriceRange {
	if week == nil {
		return nil
	}
	now := s.now()
	_, asOf := newest(*week)
	if now.Sub(asOf) > s.hours.keep {
		return nil
	}
	r := market.PriceRange{
		HighUSD: p.USD, LowUSD: p.USD, Window: market.Week,
		Provenance: market.Provenance{
			Source: name, Origin: market.Measured, AsOf: asOf,
			Venues: []market.Venue{week.value.venue},
		},
	}
	for _, c := range week.value.rows {
		if now.Sub(c.Open) <= market.Week.Duration() {
			r.HighUSD, r.LowUSD = max(r.HighUSD, c.HighUSD), min(r.LowUSD, c.LowUSD)
		}
	}
	return &r
}
