package coinglasstest

import (
	"strconv"
	"time"
)

// Row is one row of a liquidation map.
type Row struct {
	Price, Level float64
	// Leverage is the tier of a pair map; null on the wire if 0.
	Leverage float64
	// Bucket is the key under which the row stands; the price if 0.
	Bucket float64
}

// Exchange is the rows of one exchange.
type Exchange struct {
	Name string
	Rows []Row
}

// KeyedMap is the shape of the English documentation: one object keyed by price.
// A last price of 0 is left out.
func KeyedMap(lastPrice float64, rows ...Row) string {
	return Data(withPrice(lastPrice, keyed(rows)))
}

// ListedMap is the shape seen on the wire: one element for each exchange. A last
// price of 0 is left out, and so is the instrument of an exchange without name.
func ListedMap(lastPrice float64, exchanges ...Exchange) string {
	return Data(withPrice(lastPrice, elements(exchanges)))
}

// BareMap is the older shape: the elements without an object around them.
func BareMap(exchanges ...Exchange) string { return Data(elements(exchanges)) }

func withPrice(lastPrice float64, inner any) map[string]any {
	data := map[string]any{"data": inner}
	if lastPrice != 0 {
		data["last_price"] = lastPrice
	}
	return data
}

func elements(exchanges []Exchange) []map[string]any {
	list := make([]map[string]any, len(exchanges))
	for i, e := range exchanges {
		list[i] = map[string]any{"liqMapV2": keyed(e.Rows)}
		if e.Name != "" {
			list[i]["instrument"] = map[string]any{"exName": e.Name, "type": 1, "priceTick": 0.1}
		}
	}
	return list
}

func keyed(rows []Row) map[string][][]any {
	byPrice := make(map[string][][]any)
	for _, r := range rows {
		bucket := r.Bucket
		if bucket == 0 {
			bucket = r.Price
		}
		key := strconv.FormatFloat(bucket, 'f', -1, 64)
		var leverage, band any
		if r.Leverage != 0 {
			leverage, band = r.Leverage, "h2"
		}
		byPrice[key] = append(byPrice[key], []any{r.Price, r.Level, leverage, band})
	}
	return byPrice
}

// Candles is a price history whose last candle begins at a time, one candle for
// each close. Figures are strings, as on the wire.
func Candles(last time.Time, step time.Duration, closes ...float64) string {
	rows := make([]map[string]any, len(closes))
	for i, c := range closes {
		open := closes[max(0, i-1)]
		rows[i] = map[string]any{
			"time":       last.Add(-step * time.Duration(len(closes)-1-i)).UnixMilli(),
			"open":       text(open),
			"high":       text(max(open, c)),
			"low":        text(min(open, c)),
			"close":      text(c),
			"volume_usd": "1000000",
		}
	}
	return Data(rows)
}

func text(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// FlowDay is one trading day of ETF flows.
type FlowDay struct {
	Day            time.Time
	FlowUSD, Price float64
}

// Flows is a history of ETF flows.
func Flows(days ...FlowDay) string {
	rows := make([]map[string]any, len(days))
	for i, d := range days {
		rows[i] = map[string]any{
			"timestamp": d.Day.UnixMilli(), "flow_usd": d.FlowUSD, "price_usd": d.Price,
			"etf_flows": []map[string]any{{"etf_ticker": "IBIT", "flow_usd": d.FlowUSD}, {"etf_ticker": "FBTC"}},
		}
	}
	return Data(rows)
}
