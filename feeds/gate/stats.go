package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// pageOfStats is the largest page that is known to be served; no maximum is published.
const pageOfStats = 100

// statsInterval is a spacing of the statistics.
type statsInterval struct {
	name   string
	length time.Duration
}

var (
	fineStats   = statsInterval{"5m", feeds.CandleLength}
	coarseStats = statsInterval{"1h", time.Hour}
)

// statRow is one row of contract_stats. Zeros are "not told".
type statRow struct {
	at           time.Time
	openInterest float64 // contracts, one side
	longs        float64 // accounts that are long for one that is short
	takerRatio   float64 // bought by takers over sold by them
	bought, sold float64 // by takers, contracts
}

// buyShare is the share of the volume that takers bought.
func (r statRow) buyShare() (float64, bool) {
	switch {
	case r.bought >= 0 && r.sold >= 0 && r.bought+r.sold > 0:
		return r.bought / (r.bought + r.sold), true
	case r.takerRatio > 0:
		return r.takerRatio / (1 + r.takerRatio), true
	default:
		return 0, false
	}
}

func decodeStat(d *jx.Decoder) (r statRow, err error) {
	err = wire.Fields(d, func(key []byte) error {
		switch string(key) {
		case "time":
			return moment(d, &r.at)
		case "open_interest":
			return float(d, &r.openInterest)
		case "lsr_account":
			return float(d, &r.longs)
		case "lsr_taker":
			return float(d, &r.takerRatio)
		case "long_taker_size":
			return float(d, &r.bought)
		case "short_taker_size":
			return float(d, &r.sold)
		default:
			return d.Skip()
		}
	})
	return r, err
}

// OpenInterest implements feeds.History: five minutes apart as far back as Gate keeps
// that, hours before.
func (f *Feed) OpenInterest(ctx context.Context, c market.Contract, from, to time.Time) ([]market.OpenInterestPoint, error) {
	from, to = from.UTC(), to.UTC()
	if now := f.now(ctx); to.After(now) {
		to = now
	}
	fine, err := f.statRows(ctx, c.Symbol, fineStats, from, to)
	if err != nil {
		return nil, err
	}
	until := to
	if len(fine) > 0 {
		until = fine[0].at
	}
	var rows []statRow
	if until.Sub(from) > coarseStats.length {
		if rows, err = f.statRows(ctx, c.Symbol, coarseStats, from, until); err != nil && !feeds.Permanent(err) {
			return nil, err
		}
	}
	var all []market.OpenInterestPoint
	for _, r := range append(rows, fine...) {
		if coins := r.openInterest * c.ContractCoins; feeds.PossibleCoins(coins) {
			all = append(all, market.OpenInterestPoint{At: r.at, Coins: coins})
		}
	}
	return all, nil
}

// LongShort implements feeds.LongShorts.
func (f *Feed) LongShort(ctx context.Context, c market.Contract) (market.LongShort, error) {
	now := f.now(ctx)
	rows, err := f.statPage(ctx, c.Symbol, fineStats, now.Add(-time.Hour).Truncate(feeds.CandleLength))
	if err != nil {
		return market.LongShort{}, err
	}
	for _, r := range slices.Backward(rows) {
		if long := r.longs / (1 + r.longs); r.longs > 0 && long < 1 && !r.at.After(now) {
			return market.LongShort{At: r.at, Long: long, Short: 1 - long}, nil
		}
	}
	return market.LongShort{}, &feeds.Error{Venue: Venue, Problem: feeds.NotListed, Err: errors.New("no share of accounts within the hour")}
}

// statRows is what Gate has of [from, to). How far it goes back is not published, so the
// pages are asked for from the newest on, until one is empty.
func (f *Feed) statRows(ctx context.Context, symbol string, every statsInterval, from, to time.Time) ([]statRow, error) {
	if rows, ok := f.stats.get(symbol, every, from, to); ok {
		return rows, nil
	}
	var all []statRow
	oldest := to
	page := pageOfStats * every.length
	for end := to; end.After(from); end = end.Add(-page) {
		start := end.Add(-page)
		if start.Before(from) {
			start = from
		}
		if whole := start.Truncate(every.length); whole.Before(start) {
			start = whole.Add(every.length)
		}
		rows, err := f.statPage(ctx, symbol, every, start)
		if err != nil && (len(all) == 0 || !feeds.Permanent(err)) {
			return nil, err
		}
		if len(rows) == 0 || !rows[0].at.Before(oldest) {
			break // Gate has nothing older
		}
		oldest = rows[0].at
		for _, r := range rows {
			if !r.at.Before(from) && r.at.Before(to) {
				all = append(all, r)
			}
		}
	}
	all = inOrder(all)
	f.stats.put(symbol, every, from, to, all)
	return all, nil
}

// statPage is one page from a moment on, oldest first.
func (f *Feed) statPage(ctx context.Context, symbol string, every statsInterval, from time.Time) ([]statRow, error) {
	body, err := f.get(ctx, pathStats, url.Values{
		"contract": {symbol}, "interval": {every.name}, "from": {unix(from)}, "limit": {strconv.Itoa(pageOfStats)},
	})
	if err != nil {
		return nil, err
	}
	var rows []statRow
	if _, err := eachRow(body, func(d *jx.Decoder) error {
		r, err := decodeStat(d)
		if err == nil && !r.at.IsZero() {
			rows = append(rows, r)
		}
		return err
	}); err != nil {
		return nil, bad(pathStats, err)
	}
	return inOrder(rows), nil
}

func inOrder(rows []statRow) []statRow {
	slices.SortStableFunc(rows, func(a, b statRow) int { return cmp.Compare(a.at.Unix(), b.at.Unix()) })
	return slices.CompactFunc(rows, func(a, b statRow) bool { return a.at.Equal(b.at) })
}

// statsCache keeps the newest answers for a minute, since candles and open interest of
// the same span need the same rows, 21 requests for a week.
type statsCache struct {
	mu    sync.Mutex
	kept  map[string]keptStats
	order []string
}

type keptStats struct {
	from, to time.Time
	at       time.Time
	rows     []statRow
}

const (
	statsAge  = time.Minute
	statsKept = 8
)

func statsKey(symbol string, every statsInterval) string {
	return fmt.Sprintf("%s %s", every.name, symbol)
}

// get returns kept rows of a span that holds this one.
func (s *statsCache) get(symbol string, every statsInterval, from, to time.Time) ([]statRow, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[statsKey(symbol, every)]
	if !ok || time.Since(k.at) > statsAge || from.Before(k.from) || to.After(k.to) {
		return nil, false
	}
	var rows []statRow
	for _, r := range k.rows {
		if !r.at.Before(from) && r.at.Before(to) {
			rows = append(rows, r)
		}
	}
	return rows, true
}

func (s *statsCache) put(symbol string, every statsInterval, from, to time.Time, rows []statRow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = make(map[string]keptStats)
	}
	key := statsKey(symbol, every)
	if _, again := s.kept[key]; !again {
		s.order = append(s.order, key)
	}
	s.kept[key] = keptStats{from: from, to: to, at: time.Now(), rows: slices.Clone(rows)}
	if len(s.order) > statsKept {
		delete(s.kept, s.order[0])
		s.order = s.order[1:]
	}
}
