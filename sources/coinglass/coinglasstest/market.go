package coinglasstest

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Prices of the server's own market, USD.
const (
	BitcoinPrice  = 90131.5
	EthereumPrice = 3127.4
	SolanaPrice   = 134.8
)

func prices() map[string]float64 {
	return map[string]float64{"BTC": BitcoinPrice, "ETH": EthereumPrice, "SOL": SolanaPrice}
}

// market is the replies of the server's own market.
func (s *Server) market() map[string]func(url.Values) string {
	fixed := func(v any) func(url.Values) string {
		body := Data(v)
		return func(url.Values) string { return body }
	}
	return map[string]func(url.Values) string{
		AggregatedMap:     aggregated,
		PairMap:           paired,
		PriceHistory:      s.history,
		LiquidationTotals: fixed(totals()),
		OpenInterest:      interest,
		Funding:           fixed(rates()),
		BitcoinFlows:      func(url.Values) string { return s.flows(BitcoinPrice, 91.8e6) },
		EthereumFlows:     func(url.Values) string { return s.flows(EthereumPrice, -12.5e6) },
		SupportedCoins:    fixed([]string{"SOL", "BTC", "ETH"}),
		SupportedPairs:    fixed(pairs()),
		Subscription: func(url.Values) string {
			end := s.clock().Add(90 * 24 * time.Hour)
			return Data(map[string]any{"level": "PROFESSIONAL", "expire_time": end.UnixMilli(), "expired": false})
		},
	}
}

func aggregated(q url.Values) string {
	price, ok := prices()[q.Get("symbol")]
	if !ok {
		return Refusal("400", "invalid symbol")
	}
	return ListedMap(price,
		Exchange{"Binance", rows(price, 1, 0)},
		Exchange{"OKX", rows(price, 0.4, 0)},
		Exchange{"Bybit", rows(price, 0.3, 0)})
}

func paired(q url.Values) string {
	price, ok := prices()[strings.TrimSuffix(q.Get("symbol"), "USDT")]
	if !ok || q.Get("exchange") != "Binance" {
		return Refusal("400", "invalid symbol")
	}
	return KeyedMap(price, append(rows(price, 0.6, 25), rows(price, 0.4, 50)...)...)
}

// rows is a map with a cluster on each side: 4.5 % above the price, 4 % below.
func rows(price, weight, leverage float64) []Row {
	var all []Row
	for i := -80; i <= 80; i++ {
		distance := float64(i) / 1000
		if i == 0 {
			continue
		}
		center, height := 0.045, 9.0
		if i < 0 {
			center, height = -0.04, 6.0
		}
		off := (distance - center) / 0.004
		level := 1e6 * (1 + height*math.Exp(-off*off))
		all = append(all, Row{
			Price: round(price * (1 + distance)), Level: round(weight * level), Leverage: leverage,
		})
	}
	return all
}

func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// history is candles that end with the present price.
func (s *Server) history(q url.Values) string {
	price, ok := prices()[strings.TrimSuffix(q.Get("symbol"), "USDT")]
	if !ok || q.Get("exchange") != "Binance" {
		return Refusal("400", "invalid symbol")
	}
	step := map[string]time.Duration{"1m": time.Minute, "1h": time.Hour}[q.Get("interval")]
	limit, _ := strconv.Atoi(q.Get("limit"))
	if step == 0 {
		return Data([]any{})
	}
	closes := make([]float64, limit)
	for i := range closes {
		ago := float64(limit-1-i) * step.Hours()
		closes[i] = round(price * (1 - 0.03*math.Sin(math.Pi*ago/72)))
	}
	return Candles(s.clock().Truncate(step), step, closes...)
}

// flows is the same flow on each of the last 14 days that are trading days.
func (s *Server) flows(price, usd float64) string {
	var days []FlowDay
	today := s.clock().UTC().Truncate(24 * time.Hour)
	for ago := 14; ago > 0; ago-- {
		day := today.AddDate(0, 0, -ago)
		if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			days = append(days, FlowDay{Day: day, FlowUSD: usd, Price: price})
		}
	}
	return Flows(days...)
}

func totals() any {
	return []map[string]any{
		{"exchange": "All", "liquidation_usd": 150e6, "long_liquidation_usd": 60e6, "short_liquidation_usd": 90e6},
		{"exchange": "Binance", "liquidation_usd": 150e6, "long_liquidation_usd": 60e6, "short_liquidation_usd": 90e6},
	}
}

func interest(q url.Values) string {
	price, ok := prices()[q.Get("symbol")]
	if !ok {
		return Refusal("400", "invalid symbol")
	}
	row := map[string]any{
		"exchange": "All", "symbol": q.Get("symbol"),
		"open_interest_usd": 600000 * price, "open_interest_quantity": 600000,
		"open_interest_change_percent_24h": -1.25,
	}
	return Data([]any{row})
}

func rates() any {
	var coins []any
	for coin := range prices() {
		coins = append(coins, map[string]any{
			"symbol": coin,
			"stablecoin_margin_list": []map[string]any{
				{"exchange": "OKX", "funding_rate_interval": 8, "funding_rate": 0.02},
				{"exchange": "Binance", "funding_rate_interval": 8, "funding_rate": 0.01},
			},
		})
	}
	return coins
}

func pairs() any {
	binance := []map[string]string{{"instrument_id": "BTCUSD_PERP", "base_asset": "BTC", "quote_asset": "USD"}}
	bitget := []map[string]string{}
	for coin := range prices() {
		binance = append(binance, map[string]string{"instrument_id": coin + "USDT", "base_asset": coin, "quote_asset": "USDT"})
		bitget = append(bitget, map[string]string{"instrument_id": coin + "USDT_UMCBL", "base_asset": coin, "quote_asset": "USDT"})
	}
	return map[string]any{"Binance": binance, "Bitget": bitget}
}
