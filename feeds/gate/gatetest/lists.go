package gatetest

import (
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"liqbot/market"
)

// contracts serves the list, with rows that are no linear perpetuals of crypto coins.
func (d *Double) contracts(r *http.Request) (any, error) {
	limit, err := whole(r, "limit", math.MaxInt32, 1000)
	if err != nil {
		return nil, err
	}
	offset, err := whole(r, "offset", 0, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	now := d.server.Now()
	var rows []any
	for _, l := range contracts {
		rows = append(rows, d.contract(l, now, nil))
	}
	for name, change := range map[string]map[string]any{
		"BTC_USD":     {"type": "inverse", "quanto_multiplier": "0"},
		"XAU_USDT":    {"contract_type": "metals"},
		"TSLAX_USDT":  {"contract_type": "stocks"},
		"OLD_USDT":    {"in_delisting": true, "status": "delisting"},
		"GONE_USDT":   {"status": "delisted"},
		"SOON_USDT":   {"is_pre_market": true, "status": "prelaunch"},
		"BROKEN_USDT": {"quanto_multiplier": "ten"},
		"币安人生_USDT":   {},
	} {
		change["name"] = name
		rows = append(rows, d.contract(contracts[1], now, change))
	}
	rows = append(rows, 17)
	first := min(int(offset), len(rows))
	return rows[first:min(first+int(limit), len(rows))], nil
}

func (d *Double) contract(l listed, now time.Time, change map[string]any) map[string]any {
	mark := d.market.MarkUSD(l.coin, now)
	row := map[string]any{
		"name": l.symbol, "type": "direct", "status": "trading", "contract_type": "", "in_delisting": false, "is_pre_market": false,
		"quanto_multiplier": number(l.multiplier), "order_price_round": number(math.Pow10(-l.decimals)), "mark_price_round": number(math.Pow10(-l.decimals)),
		"order_size_min": 1, "order_size_max": 1_000_000, "enable_decimal": true, "leverage_min": "1", "leverage_max": "125", "maintenance_rate": "0.004",
		"mark_price": l.price(mark), "index_price": l.price(mark), "last_price": l.price(mark),
		"funding_rate": number(d.market.FundingRate(l.coin, now)), "funding_interval": 28800, "funding_offset": 0,
		"funding_next_apply": nextFunding(now), "position_size": l.size(d.market.OpenInterestCoins(l.coin, now), true),
		"long_users": 5706, "short_users": 2559, "risk_limit_base": "1000000",
	}
	maps.Copy(row, change)
	return row
}

func nextFunding(now time.Time) int64 { return now.Truncate(8 * time.Hour).Add(8 * time.Hour).Unix() }

func (d *Double) tickers(r *http.Request) (any, error) {
	now, some := d.server.Now(), contracts
	if r.FormValue("contract") != "" {
		l, _, err := contract(r)
		if err != nil {
			return nil, err
		}
		some = []listed{l}
	}
	rows := []map[string]any{}
	for _, l := range some {
		if d.isDelisted(l.symbol) {
			continue
		}
		mark := l.price(d.market.MarkUSD(l.coin, now))
		rows = append(rows, map[string]any{
			"contract": l.symbol, "last": mark, "mark_price": mark, "index_price": mark, "change_percentage": "4.43",
			"total_size": l.size(d.market.OpenInterestCoins(l.coin, now), true), "funding_rate": number(d.market.FundingRate(l.coin, now)),
			"funding_rate_indicative": "0", "volume_24h": "184040233284",
		})
	}
	return rows, nil
}

func (d *Double) stats(r *http.Request) (any, error) {
	l, _, err := contract(r)
	if err != nil {
		return nil, err
	}
	step := map[string]time.Duration{"": 5 * time.Minute, "5m": 5 * time.Minute, "1h": time.Hour}[r.FormValue("interval")]
	if step == 0 {
		return nil, invalid("invalid interval")
	}
	limit, err := whole(r, "limit", 30, 100)
	if err != nil {
		return nil, err
	}
	now := d.server.Now()
	from, _, err := span(r, now.Add(-time.Duration(limit-1)*step).Unix(), now.Unix())
	if err != nil {
		return nil, err
	}
	rows := []map[string]any{}
	at := time.Unix(from, 0)
	if oldest := now.Add(-d.opts.fineKept); step < time.Hour && at.Before(oldest) {
		at = oldest
	}
	at = at.Add(step - 1).Truncate(step)
	for ; !at.After(now) && len(rows) < int(limit); at = at.Add(step) {
		rows = append(rows, d.stat(l, at, decimal(r)))
	}
	return rows, nil
}

func (d *Double) stat(l listed, at time.Time, decimal bool) map[string]any {
	mark, oi, share := d.market.MarkUSD(l.coin, at), d.market.OpenInterestCoins(l.coin, at), d.market.LongShare(l.coin, at)
	c := d.market.Candle(l.coin, at)
	return map[string]any{
		"time": at.Unix(), "mark_price": json.Number(l.price(mark)),
		"open_interest": l.size(oi, decimal), "open_interest_usd": oi * mark, "lsr_account": share / (1 - share),
		"lsr_taker": c.TakerBuyCoins / (c.VolumeCoins - c.TakerBuyCoins), "top_lsr_account": 0, "top_lsr_size": 0,
		"long_taker_size": l.size(c.TakerBuyCoins, decimal), "short_taker_size": l.size(c.VolumeCoins-c.TakerBuyCoins, decimal),
		"long_liq_size": 0, "short_liq_size": 0, "long_liq_amount": 0, "short_liq_amount": 0, "long_liq_usd": 0, "short_liq_usd": 0,
	}
}

// fundings are paid every eight hours and stamped a second late, the newest first.
func (d *Double) fundings(r *http.Request) (any, error) {
	l, _, err := contract(r)
	if err != nil {
		return nil, err
	}
	limit, err := whole(r, "limit", 100, 1000)
	if err != nil {
		return nil, err
	}
	now := d.server.Now()
	from, to, err := span(r, 0, now.Unix())
	if err != nil {
		return nil, err
	}
	rows := []map[string]any{}
	for at := time.Unix(min(to, now.Unix()), 0).Truncate(8 * time.Hour); at.Unix()+1 >= from && len(rows) < int(limit); at = at.Add(-8 * time.Hour) {
		if at.Unix()+1 <= to {
			rows = append(rows, map[string]any{"t": at.Unix() + 1, "r": number(d.market.FundingRate(l.coin, at))})
		}
	}
	return rows, nil
}

// liquidations are what Liquidate reported, the newest first.
func (d *Double) liquidations(r *http.Request) (any, error) {
	limit, err := whole(r, "limit", 100, 1000)
	if err != nil {
		return nil, err
	}
	now := d.server.Now().Unix()
	from, to, err := span(r, now-3600, now)
	switch {
	case err != nil:
		return nil, err
	case to-from > 3600:
		return nil, invalid("range from/to must in 1 hour")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	rows := []map[string]any{}
	for _, o := range slices.Backward(d.orders) {
		name := r.FormValue("contract")
		if t := o.l.At.Unix(); t < from || t > to || name != "" && name != o.symbol || len(rows) >= int(limit) {
			continue
		}
		l, _ := bySymbol(o.symbol)
		beyond := 0.995 // closing a long sells, down to the order's price
		if o.l.Side == market.Short {
			beyond = 1.005
		}
		rows = append(rows, map[string]any{
			"contract": o.symbol, "left": 0, "size": l.size(signed(o.l), decimal(r)), "order_size": l.size(-signed(o.l), decimal(r)),
			"fill_price": l.price(o.l.PriceUSD), "order_price": l.price(o.l.PriceUSD * beyond), "time": o.l.At.Unix(),
		})
	}
	return rows, nil
}

// signed is the size with the position's sign.
func signed(l market.Liquidation) float64 {
	if l.Side == market.Short {
		return -l.Coins
	}
	return l.Coins
}

func (d *Double) tiers(r *http.Request) (any, error) {
	if _, _, err := contract(r); err != nil {
		return nil, err
	}
	rows := []map[string]any{}
	limits := []string{"1000000", "1500000", "2000000", "3000000", "5000000"}
	for i, rates := range [][3]string{{"125", "0.004", "0"}, {"111", "0.0045", "500"}, {"100", "0.005", "1250"}, {"75", "0.007", "5250"}, {"66", "0.0075", "6750"}} {
		leverage, _ := strconv.ParseFloat(rates[0], 64)
		rows = append(rows, map[string]any{
			"tier": i + 1, "risk_limit": limits[i], "leverage_max": rates[0], "maintenance_rate": rates[1], "deduction": rates[2],
			"initial_rate": number(1 / leverage),
		})
	}
	return rows, nil
}
