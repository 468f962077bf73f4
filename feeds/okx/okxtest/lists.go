package okxtest

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"liqbot/feeds"
)

// lengths are the names of bars and periods that open at UTC.
var lengths = map[string]time.Duration{
	"5m": 5 * time.Minute, "15m": 15 * time.Minute, "30m": 30 * time.Minute, "1H": time.Hour, "2H": 2 * time.Hour, "4H": 4 * time.Hour,
}

// list is a page that was asked for.
type list struct {
	swap   swap
	length time.Duration
	limit  int
	// before and after bound the entries by time, both exclusive; zero is no bound.
	olderThan, newerThan time.Time
}

// asked reads the parameters of a page; name is that of the length, older and newer those
// of the bounds.
func asked(q url.Values, name, otherwise, older, newer string, most int) (l list, f *fault) {
	if q.Get("instId") == "" {
		return l, emptyParameter("instId")
	}
	var ok bool
	if l.swap, ok = listed(q.Get("instId")); !ok {
		return l, &fault{http.StatusOK, "51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."}
	}
	length := q.Get(name)
	if length == "" {
		length = otherwise
	}
	if l.length, ok = lengths[length]; !ok && name != "" {
		return l, wrongParameter(name)
	}
	l.limit = min(100, most)
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > most {
			return l, wrongParameter("limit")
		}
		l.limit = n
	}
	for p, to := range map[string]*time.Time{older: &l.olderThan, newer: &l.newerThan} {
		if v := q.Get(p); v != "" {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil || n < 1e12 || n > 1e13 {
				return l, wrongParameter(p)
			}
			*to = time.UnixMilli(n)
		}
	}
	return l, nil
}

// entries are the times of the page, newest first; keep is how many entries there are, all
// if 0.
func (l list) entries(now time.Time, keep int) []time.Time {
	last := now.Truncate(l.length)
	first := last.Add(-time.Duration(keep-1) * l.length)
	if keep == 0 {
		first = time.UnixMilli(1573557408000).Truncate(l.length)
	}
	at := last
	if !l.olderThan.IsZero() && !l.olderThan.After(at) {
		at = l.olderThan.Truncate(l.length)
		if at.Equal(l.olderThan) {
			at = at.Add(-l.length)
		}
	}
	var times []time.Time
	for ; len(times) < l.limit && !at.Before(first) && (l.newerThan.IsZero() || at.After(l.newerThan)); at = at.Add(-l.length) {
		times = append(times, at)
	}
	return times
}

// candles answers for a list of candles of which keep are there and at most most come.
func candles(keep, most int, row func(d *Double, s swap, at, now time.Time) []string) func(*Double, url.Values, time.Time) (any, *fault) {
	return func(d *Double, q url.Values, now time.Time) (any, *fault) {
		l, f := asked(q, "bar", "1m", "after", "before", most)
		if f != nil {
			return nil, f
		}
		rows := []any{}
		for _, at := range l.entries(now, keep) {
			rows = append(rows, row(d, l.swap, at, now))
		}
		return rows, nil
	}
}

func confirm(at, now time.Time) string {
	if at.Add(feeds.CandleLength).After(now) {
		return "0"
	}
	return "1"
}

func (d *Double) candle(s swap, at, now time.Time) []string {
	c := d.market.Candle(s.coin, at)
	return []string{
		ms(at), number(c.OpenUSD), number(c.HighUSD), number(c.LowUSD), number(c.CloseUSD), number(c.VolumeCoins / s.contractCoins),
		number(c.VolumeCoins), number(c.VolumeCoins * c.CloseUSD), confirm(at, now),
	}
}

func (d *Double) markCandle(s swap, at, now time.Time) []string {
	c := d.market.Candle(s.coin, at)
	return []string{ms(at), number(c.OpenUSD), number(c.MarkHighUSD), number(c.MarkLowUSD), number(c.CloseUSD), confirm(at, now)}
}

// statistics answers for a list that keeps the newest entries of each period.
func statistics(row func(d *Double, q url.Values, s swap, at time.Time) []string) func(*Double, url.Values, time.Time) (any, *fault) {
	return func(d *Double, q url.Values, now time.Time) (any, *fault) {
		l, f := asked(q, "period", "5m", "end", "begin", 100)
		if f != nil {
			return nil, f
		}
		if d.inclusive && !l.olderThan.IsZero() {
			l.olderThan = l.olderThan.Add(time.Millisecond)
		}
		rows := []any{}
		for _, at := range l.entries(now, newest) {
			rows = append(rows, row(d, q, l.swap, at))
		}
		return rows, nil
	}
}

// takers tells what was sold first.
func (d *Double) takers(q url.Values, s swap, at time.Time) []string {
	c := d.market.Candle(s.coin, at)
	unit := map[string]float64{"0": 1, "": 1 / s.contractCoins, "1": 1 / s.contractCoins, "2": c.CloseUSD}[q.Get("unit")]
	return []string{ms(at), number((c.VolumeCoins - c.TakerBuyCoins) * unit), number(c.TakerBuyCoins * unit)}
}

func (d *Double) ratio(_ url.Values, s swap, at time.Time) []string {
	long := d.market.LongShare(s.coin, at)
	return []string{ms(at), number(long / (1 - long))}
}

func (d *Double) interest(_ url.Values, s swap, at time.Time) []string {
	coins := d.market.OpenInterestCoins(s.coin, at)
	return []string{ms(at), number(coins / s.contractCoins), number(coins), number(coins * d.market.MarkUSD(s.coin, at))}
}

// funding is the time between two payments.
const funding = 8 * time.Hour

func (d *Double) fundings(q url.Values, now time.Time) (any, *fault) {
	l, f := asked(q, "", "", "after", "before", 400)
	if f != nil {
		return nil, f
	}
	if q.Get("limit") == "" {
		l.limit = 400
	}
	l.length = funding
	rows := []any{}
	for _, at := range l.entries(now, 270) {
		rate := d.market.FundingRate(l.swap.coin, at)
		rows = append(rows, map[string]string{
			"formulaType": "noRate", "fundingRate": number(rate * 1.1), "realizedRate": number(rate), "fundingTime": ms(at),
			"instId": l.swap.symbol, "instType": "SWAP", "method": "current_period",
		})
	}
	return rows, nil
}
