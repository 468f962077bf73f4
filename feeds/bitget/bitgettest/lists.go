package bitgettest

import (
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"liqbot/market"
)

// contracts serves the list, with rows that are no perpetuals of crypto coins.
func (d *Double) contracts(r *http.Request) (any, error) {
	if err := product(r); err != nil {
		return nil, err
	}
	var rows []any
	for _, l := range contracts {
		rows = append(rows, row(l, nil))
	}
	for symbol, change := range map[string]map[string]any{
		"BTCUSDTZ26": {"symbolType": "delivery", "deliveryTime": "1798185600000"},
		"BTCPERP":    {"quoteCoin": "USDC"},
		"TSLAUSDT":   {"baseCoin": "TSLA", "isRwa": "YES"},
		"XAUUSDT":    {"baseCoin": "XAU", "isRwa": "YES"},
		"GONEUSDT":   {"baseCoin": "GONE", "symbolStatus": "off", "offTime": "1789456354640"},
		"SOONUSDT":   {"baseCoin": "SOON", "symbolStatus": "listed"},
		"RESTUSDT":   {"baseCoin": "REST", "symbolStatus": "maintain"},
		"BADUSDT":    {"baseCoin": "BAD", "pricePlace": "two"},
		"币安人生USDT":   {"baseCoin": "币安人生"},
	} {
		change["symbol"] = symbol
		rows = append(rows, row(contracts[1], change))
	}
	return append(rows, []int{17}), nil
}

func row(l listed, change map[string]any) map[string]any {
	r := map[string]any{
		"symbol": l.symbol, "baseCoin": string(l.coin), "quoteCoin": "USDT", "buyLimitPriceRatio": "0.9", "sellLimitPriceRatio": "0.9",
		"makerFeeRate": "0.0004", "takerFeeRate": "0.0006", "supportMarginCoins": []string{"USDT"}, "minTradeNum": number(l.step),
		"priceEndStep": "1", "volumePlace": strconv.Itoa(l.volumePlace), "pricePlace": strconv.Itoa(l.decimals), "sizeMultiplier": number(l.step),
		"symbolType": "perpetual", "minTradeUSDT": "5", "symbolStatus": "normal", "offTime": "-1", "limitOpenTime": "-1", "deliveryTime": "",
		"launchTime": "", "fundInterval": "8", "minLever": "1", "maxLever": "125", "posLimit": "0.05", "isRwa": "NO",
	}
	maps.Copy(r, change)
	return r
}

func (d *Double) tickers(r *http.Request) (any, error) {
	if err := product(r); err != nil {
		return nil, err
	}
	var rows []any
	for _, l := range contracts {
		if !d.isDelisted(l.symbol) {
			rows = append(rows, d.state(l))
		}
	}
	return rows, nil
}

func (d *Double) ticker(r *http.Request) (any, error) {
	l, err := contract(r)
	if err != nil {
		return nil, err
	}
	if d.isDelisted(l.symbol) {
		return []any{}, nil
	}
	return []any{d.state(l)}, nil
}

func (d *Double) state(l listed) map[string]any {
	now := d.server.Now()
	mark := l.price(d.market.MarkUSD(l.coin, now))
	return map[string]any{
		"symbol": l.symbol, "lastPr": mark, "askPr": mark, "bidPr": mark, "ts": milli(now), "change24h": "0.00471", "indexPrice": mark,
		"fundingRate": number(d.market.FundingRate(l.coin, now)), "holdingAmount": l.size(d.market.OpenInterestCoins(l.coin, now)),
		"deliveryStartTime": nil, "deliveryTime": nil, "deliveryStatus": "", "markPrice": mark,
	}
}

// fundings are paid every eight hours, the newest first.
func (d *Double) fundings(r *http.Request) (any, error) {
	l, err := contract(r)
	if err != nil {
		return nil, err
	}
	size, err := whole(r, "pageSize", 20, 100)
	if err != nil {
		return nil, err
	}
	page, err := whole(r, "pageNo", 1, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	at, rows := d.server.Now().Truncate(8*time.Hour), []any{}
	for i := (page - 1) * size; i < page*size && i < 365; i++ { // four months are kept
		paid := at.Add(-time.Duration(i) * 8 * time.Hour)
		rows = append(rows, map[string]string{"symbol": l.symbol, "fundingRate": number(d.market.FundingRate(l.coin, paid)), "fundingTime": milli(paid)})
	}
	return rows, nil
}

// accounts are shares of accounts; the ratio is a hundredth of what its name says.
func (d *Double) accounts(r *http.Request) (any, error) {
	l, err := contract(r)
	if err != nil {
		return nil, err
	}
	if p := r.FormValue("period"); p != "" && p != "5m" {
		return nil, invalid("the double serves 5m, not %q", p)
	}
	at, rows := d.server.Now().Truncate(5*time.Minute), []any{}
	for i := range 30 {
		then := at.Add(time.Duration(i-29) * 5 * time.Minute)
		long := d.market.LongShare(l.coin, then)
		rows = append(rows, map[string]string{
			"longAccountRatio": number(long), "shortAccountRatio": number(1 - long), "longShortAccountRatio": number(long / (1 - long) / 100), "ts": milli(then),
		})
	}
	return rows, nil
}

func (d *Double) tiers(r *http.Request) (any, error) {
	l, err := contract(r)
	if err != nil {
		return nil, err
	}
	rows := []any{}
	for i, t := range [][4]string{{"0", "50000", "125", "0.004"}, {"50000", "200000", "100", "0.005"}, {"200000", "1000000", "50", "0.01"}} {
		rows = append(rows, map[string]string{
			"symbol": l.symbol, "level": strconv.Itoa(i + 1), "startUnit": t[0], "endUnit": t[1], "leverage": t[2], "keepMarginRate": t[3],
		})
	}
	return rows, nil
}

// liquidations are what Liquidate reported within three days, the newest first; the cursor
// is how many are behind.
func (d *Double) liquidations(r *http.Request) (any, error) {
	if err := product(r); err != nil {
		return nil, err
	}
	limit, err := whole(r, "limit", 100, 100)
	if err != nil {
		return nil, err
	}
	skip, err := whole(r, "cursor", 0, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	symbol, since := r.FormValue("symbol"), d.server.Now().Add(-3*24*time.Hour)
	d.mu.Lock()
	defer d.mu.Unlock()
	newest := slices.Clone(d.orders)
	slices.SortStableFunc(newest, func(a, b order) int { return b.l.At.Compare(a.l.At) })
	rows, cursor := []any{}, ""
	for _, o := range newest {
		if o.l.At.Before(since) || symbol != "" && o.listed.symbol != symbol {
			continue
		}
		if skip--; skip >= 0 {
			continue
		}
		if len(rows) == int(limit) {
			break
		}
		rows = append(rows, d.print(o))
	}
	if len(rows) == int(limit) {
		was, _ := strconv.Atoi(r.FormValue("cursor"))
		cursor = strconv.Itoa(was + len(rows))
	}
	return map[string]any{"list": rows, "cursor": cursor}, nil
}

// print says whose position it was: bought is long.
func (d *Double) print(o order) map[string]string {
	side := "buy"
	if o.l.Side == market.Short {
		side = "sell"
	}
	return map[string]string{"symbol": o.listed.symbol, "side": side, "price": o.listed.price(o.l.PriceUSD), "amount": d.amount(o), "ts": milli(o.l.At)}
}
