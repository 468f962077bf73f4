package bybittest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// instruments lists the coins of the market between contracts that are no linear
// perpetual of a crypto coin in USDT.
func (d *Double) instruments(q *query) (any, error) {
	q.category()
	status := q.values.Get("status")
	if status == "" {
		status = "Trading"
	}
	limit := q.limit(500, 1000)
	symbol := q.values.Get("symbol")
	rows := slices.DeleteFunc(d.listing(), func(o any) bool {
		in, ok := o.(object)
		if !ok { // a filler
			return status != "Trading" || symbol != ""
		}
		return in["status"] != status || symbol != "" && in["symbol"] != symbol
	})
	from, to, next := q.page(len(rows), limit)
	if q.err != nil {
		return nil, q.err
	}
	return object{"category": "linear", "list": rows[from:to], "nextPageCursor": next}, nil
}

func (d *Double) listing() []any {
	rows := []any{
		d.instrument("BTCUSDT", "BTC", "USDT", nil),
		d.instrument("ETHUSDT", "ETH", "USDT", nil),
		d.instrument("BTCPERP", "BTC", "USDC", nil),
		d.instrument("BTCUSDT-26DEC25", "BTC", "USDT", object{"contractType": "LinearFutures", "deliveryTime": "1766736000000"}),
		d.instrument("TSLAUSDT", "TSLA", "USDT", object{"symbolType": "stock"}),
		d.instrument("XAUUSDT", "XAU", "USDT", object{"symbolType": "commodity"}),
		d.instrument("EURUSDT", "EUR", "USDT", object{"symbolType": "forex"}),
		d.instrument("SOONUSDT", "SOON", "USDT", object{"isPreListing": true, "preListingInfo": object{"curAuctionPhase": "ContinuousTrading"}}),
		d.instrument("NEXTUSDT", "NEXT", "USDT", object{"status": "PreLaunch"}),
		d.instrument("LUNAUSDT", "LUNA", "USDT", object{"status": "Closed"}),
		d.instrument("BTCUSD", "BTC", "USD", object{"contractType": "InversePerpetual", "settleCoin": "BTC"}),
		// A row that cannot be read, and a coin in other letters.
		d.instrument("BROKENUSDT", "BROKEN", "USDT", object{"priceFilter": "none"}),
		d.instrument("币安人生USDT", "币安人生", "USDT", nil),
		// The same coin again, younger.
		d.instrument("1000BTCUSDT", "1000BTC", "USDT", object{"launchTime": "1785526400000"}),
	}
	filler := frame(d.instrument("FILLERPERP", "FILLER", "USDC", nil))
	for i := range d.opts.fillers {
		rows = append(rows, json.RawMessage(bytes.ReplaceAll(filler, []byte("FILLER"), strconv.AppendInt([]byte("F"), int64(i), 10))))
	}
	return append(rows,
		d.instrument("SOLUSDT", "SOL", "USDT", object{"symbolType": "innovation"}),
		d.instrument("1000PEPEUSDT", "1000PEPE", "USDT", nil),
	)
}

func (d *Double) instrument(symbol, base, quote string, other object) object {
	tick := "0.10"
	if strings.Contains(symbol, "PEPE") {
		tick = "0.0000001"
	}
	o := object{
		"symbol": symbol, "symbolId": 5, "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": base, "quoteCoin": quote,
		"launchTime": "1585526400000", "deliveryTime": "0", "deliveryFeeRate": "", "priceScale": "2",
		"leverageFilter":  object{"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
		"priceFilter":     object{"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": tick},
		"lotSizeFilter":   object{"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001", "minNotionalValue": "5"},
		"fundingInterval": 480, "settleCoin": quote, "copyTrading": "both", "upperFundingRate": "0.00375", "lowerFundingRate": "-0.00375",
		"isPreListing": false, "preListingInfo": nil, "symbolType": "", "displayName": "",
	}
	maps.Copy(o, other)
	return o
}

// tickers tells all contracts at once, or one.
func (d *Double) tickers(q *query) (any, error) {
	q.category()
	symbols := []string{"BTCUSDT", "ETHUSDT", "SOLUSDT", "1000PEPEUSDT"}
	if q.values.Get("symbol") != "" {
		s, _, _ := q.symbol()
		symbols = []string{s}
	}
	if q.err != nil {
		return nil, q.err
	}
	rows := []object{}
	for _, s := range symbols {
		rows = append(rows, d.ticker(s, d.base.Now()))
	}
	return object{"category": "linear", "list": rows}, nil
}

func (d *Double) ticker(symbol string, now time.Time) object {
	coin, multiplier := coins[symbol], Listed()[symbol]
	mark := number(d.market.MarkUSD(coin, now) * multiplier)
	o := d.bothSides(coin, multiplier, now)
	maps.Copy(o, object{
		"symbol": symbol, "tickDirection": "ZeroPlusTick", "price24hPcnt": "0.001455", "lastPrice": mark, "markPrice": mark, "indexPrice": mark,
		"fundingRate": number(d.market.FundingRate(coin, now)), "nextFundingTime": millis(now.Truncate(fundingEvery).Add(fundingEvery)),
		"fundingIntervalHour": "8", "fundingCap": "0.005", "turnover24h": "3515096831.9640", "volume24h": "55362.9100",
		"bid1Price": mark, "bid1Size": "1.760", "ask1Price": mark, "ask1Size": "4.690", "preOpenPrice": "", "preQty": "", "curPreListingPhase": "",
	})
	return o
}
