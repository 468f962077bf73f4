package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"liqbot/feeds/feedtest"
	"liqbot/market"
	"liqbot/platforms/telegram/telegramtest"
)

// Forced orders on the exchanges' streams reach those who asked for them, each by its own
// threshold: a large order at once, and what adds up as a cascade.
func TestForcedOrdersBecomeAlerts(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a quarter of a minute")
	}
	t.Parallel()
	doubles, environ := startVenues(t)
	server := telegramtest.New(t)
	startBot(t, "run", append(environ, "COINS=BTC", "FOLLOW_COINS=1", "DATA_DIR="+filepath.Join(t.TempDir(), "data"),
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL())...)
	ask(t, server, 7, "/liq btc", "Binance", "Bybit")
	ask(t, server, 7, "/subscribe btc large", "Subscribed to BTC: large orders")
	ask(t, server, 7, "/threshold btc large 1M", "from $1M")
	ask(t, server, 8, "/subscribe btc large", "Subscribed")
	ask(t, server, 8, "/threshold btc large 20M", "from $20M")
	liquidate := func(venue string, side market.Side, coins float64) {
		now := time.Now()
		usd := feedtest.Market{}.MarkUSD("BTC", now)
		doubles[venue].Liquidate("BTC", market.Liquidation{At: now, Side: side, Coins: coins, PriceUSD: usd})
	}
	says := func(chat int64, words ...string) bool {
		for _, m := range server.Messages(chat) {
			found := true
			for _, w := range words {
				found = found && strings.Contains(m.Text, w)
			}
			if found {
				return true
			}
		}
		return false
	}
	server.WaitFor("the large order", func() bool {
		liquidate("Binance", market.Long, 30) // about 2.7M, again until the rule has had its first look
		<-time.After(time.Second)
		return says(7, "one long of", "liquidated on Binance", "Exchanges")
	})
	liquidate("Bybit", market.Short, 300)
	server.WaitFor("the larger order", func() bool { return says(8, "one short of $2", "liquidated on Bybit") })
	if says(8, "on Binance") {
		t.Error("a chat with a threshold of 20M is told of 2.7M")
	}
	for _, chat := range []int64{7, 8} {
		for _, m := range server.Messages(chat) {
			if strings.Contains(m.Text, "DEMO") || strings.Contains(m.Text, "{") {
				t.Errorf("a message says:\n%s", m.Text)
			}
		}
	}
}
