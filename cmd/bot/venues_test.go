package main

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"liqbot/feeds/binance/binancetest"
	"liqbot/feeds/bitget/bitgettest"
	"liqbot/feeds/bybit/bybittest"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/gate/gatetest"
	"liqbot/feeds/hyperliquid/hyperliquidtest"
	"liqbot/feeds/okx/okxtest"
	"liqbot/platforms/telegram/telegramtest"
	"liqbot/sources/coinglass/coinglasstest"
)

// startVenues starts a double of every exchange; environ points the bot at them.
func startVenues(t *testing.T) (doubles map[string]feedtest.Double, environ []string) {
	t.Helper()
	doubles = map[string]feedtest.Double{
		"Binance":     binancetest.Start(feedtest.Market{Share: 0.4}),
		"Bybit":       bybittest.Start(feedtest.Market{Share: 0.25}),
		"OKX":         okxtest.Start(feedtest.Market{Share: 0.2}),
		"Hyperliquid": hyperliquidtest.Start(feedtest.Market{Share: 0.1}),
		"Bitget":      bitgettest.Start(feedtest.Market{Share: 0.08}),
		"Gate":        gatetest.Start(feedtest.Market{Share: 0.06}),
	}
	environ = []string{"SOURCE=exchanges"}
	for name, d := range doubles {
		t.Cleanup(d.Close)
		prefix := strings.ToUpper(name)
		environ = append(environ, prefix+"_API_URL="+d.API(), prefix+"_STREAM_URL="+d.StreamURL())
	}
	return doubles, environ
}

// ask sends a command until an answer has all the words.
func ask(t *testing.T, server *telegramtest.Server, chat int64, command string, words ...string) string {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	var answer string
	for time.Now().Before(deadline) {
		n := len(server.Messages(chat))
		server.PrivateText(chat, command)
		server.WaitFor("the answer to "+command, func() bool { return len(server.Messages(chat)) > n })
		answer = server.Messages(chat)[n].Text
		has := true
		for _, w := range words {
			if without, ok := strings.CutPrefix(w, "!"); ok {
				has = has && !strings.Contains(answer, without)
			} else {
				has = has && strings.Contains(answer, w)
			}
		}
		if has {
			return answer
		}
		<-time.After(1500 * time.Millisecond)
	}
	t.Fatalf("no answer to %s has %q; the last:\n%s", command, words, answer)
	return ""
}

// The whole bot on six exchanges that misbehave: all six are in the map within a minute;
// one that dies is named; a restart has the map back at once from what is on disk.
func TestExchangesFromEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel()
	doubles, environ := startVenues(t)
	server := telegramtest.New(t)
	environ = append(environ, "COINS=BTC,ETH,SOL", "FOLLOW_COINS=4", "STALE_AFTER=12s", "DATA_DIR="+filepath.Join(t.TempDir(), "data"),
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL())
	t.Run("a fresh start", func(t *testing.T) {
		start := time.Now()
		startBot(t, "run", environ...)
		ask(t, server, 7, "/liq btc", "Binance", "Bybit", "OKX", "Hyperliquid", "Bitget", "Gate", "!Missing", "estimate", "Mark price")
		if took := time.Since(start); took > time.Minute {
			t.Errorf("six exchanges after %v", took)
		}
		ask(t, server, 7, "/top", "Coins compared: 4.") // one of them nobody has asked for
		ask(t, server, 7, "/liq pepe 1d", "PEPE", "Exchanges")
		for _, d := range doubles {
			d.Base().Broadcast([]byte(`{"garbage":`))
			d.Base().Drop()
		}
		doubles["OKX"].Base().Refuse(2, http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}, "{}")
		doubles["Bybit"].Base().Skew(20 * time.Second)
		doubles["Gate"].Base().Down(true)
		ask(t, server, 7, "/liq btc", "Missing: Gate\n", "Binance", "Bybit", "OKX", "Hyperliquid", "Bitget")
		doubles["Gate"].Base().Down(false)
	})
	// Longer than the span of the shortest limit: what the bot that ended has asked counts.
	<-time.After(2500 * time.Millisecond)
	t.Run("a restart", func(t *testing.T) {
		before := doubles["Binance"].Base().Requests()
		start := time.Now()
		vendor := coinglasstest.New(t)
		startBot(t, "run", append(environ, "COINGLASS_API_KEY="+coinglasstest.Key, "COINGLASS_API_URL="+vendor.URL)...)
		ask(t, server, 8, "/liq btc", "Binance", "Bybit", "OKX", "Hyperliquid", "Bitget", "!Missing")
		t.Logf("the map is back after %v and %d requests to Binance", time.Since(start), doubles["Binance"].Base().Requests()-before)
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("the map is back after %v", took)
		}
		ask(t, server, 8, "/liq btc", "CoinGlass beside it", "Rank correlation")
	})
	for name, d := range doubles {
		if strict, ok := d.(interface{ Violations() []string }); ok && len(strict.Violations()) > 0 {
			t.Errorf("%s was wronged: %q", name, strict.Violations())
		}
	}
}
