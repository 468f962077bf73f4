package okxtest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"liqbot/feeds/feedtest"
	"liqbot/feeds/okx/okxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) (*okxtest.Double, *http.Client) {
	t.Helper()
	d := okxtest.Start(feedtest.Market{Share: 0.3})
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() { client.CloseIdleConnections(); d.Close() })
	return d, client
}

// TestStrict asks for what the venue refuses.
func TestStrict(t *testing.T) {
	t.Parallel()
	d, client := start(t)
	for path, want := range map[string]string{
		"/api/v5/public/liquidation-orders?instType=SWAP":                       "404",
		"/api/v5/public/instruments":                                            "50014",
		"/api/v5/public/instruments?instType=SWAPS":                             "51000",
		"/api/v5/public/instruments?instType=SWAP":                              "0",
		"/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=1h":                    "51000",
		"/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=5m&limit=301":          "51000",
		"/api/v5/market/candles?instId=BTCUSDT&bar=5m":                          "51001",
		"/api/v5/market/candles?instId=BTC-USDT-SWAP&bar=5m&after=1700000000":   "51000",
		"/api/v5/market/mark-price-candles?instId=BTC-USDT-SWAP&bar=5m&limit=3": "0",
		"/api/v5/market/mark-price-candles?instId=BTC-USDT-SWAP&limit=101":      "51000",
		"/api/v5/public/position-tiers?instType=SWAP&instFamily=BTC-USDT":       "51000",
	} {
		if code, _ := get(t, client, d.API()+path); code != want {
			t.Errorf("%s: code %s, want %s", path, code, want)
		}
	}
	if len(d.Violations()) < 9 {
		t.Errorf("violations %q", d.Violations())
	}
}

func get(t *testing.T, client *http.Client, url string) (code string, rows []any) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Code string
		Data []any
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer.Code, answer.Data
}

// TestLimit: the sixth request for one contract within two seconds is refused, one for
// another is not.
func TestLimit(t *testing.T) {
	t.Parallel()
	d, client := start(t)
	ask := func(symbol string) string {
		code, _ := get(t, client, d.API()+"/api/v5/rubik/stat/taker-volume-contract?instId="+symbol)
		return code
	}
	for i := range 6 {
		if code := ask("BTC-USDT-SWAP"); (code == "50011") != (i == 5) {
			t.Errorf("request %d: code %s", i, code)
		}
	}
	if code := ask("ETH-USDT-SWAP"); code != "0" || len(d.Violations()) != 1 {
		t.Errorf("another contract: code %s, violations %q", code, d.Violations())
	}
}

// TestStream: topics are refused on the wrong path and without an instType where that is
// the only way, and the heartbeat is a text.
func TestStream(t *testing.T) {
	t.Parallel()
	d, client := start(t)
	for _, c := range []struct{ path, send, want string }{
		{"/ws/v5/public", "ping", "pong"},
		{"/ws/v5/public", `{"op":"subscribe","args":[{"channel":"liquidation-orders","instId":"BTC-USDT-SWAP"}]}`, `"code":"60018"`},
		{"/ws/v5/public", `{"op":"subscribe","args":[{"channel":"liquidation-orders","instType":"SWAP","instId":"BTC-USDT-SWAP"}]}`, `{"channel":"liquidation-orders","instType":"SWAP"}`},
		{"/ws/v5/public", `{"op":"subscribe","args":[{"channel":"mark-price","instId":"BTCUSDT"}]}`, `"code":"60018"`},
		{"/ws/v5/public", `{"op":"listen","args":[]}`, `"code":"60019"`},
		{"/ws/v5/public", `{`, `"code":"60012"`},
		{"/ws/v5/business", `{"op":"subscribe","args":[{"channel":"mark-price","instId":"BTC-USDT-SWAP"}]}`, `"code":"64002"`},
		{"/ws/v5/public", `{"op":"subscribe","args":[{"channel":"mark-price","instId":"BTC-USDT-SWAP"}]}`, `"event":"subscribe"`},
	} {
		if got := speak(t, client, d.StreamURL()+c.path, c.send); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: got %s, want %s", c.path, c.send, got, c.want)
		}
	}
}

// speak sends one message and returns the first answer.
func speak(t *testing.T, client *http.Client, url, message string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ws, resp, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body != nil {
		resp.Body.Close()
	}
	defer ws.CloseNow() //nolint:errcheck // nothing can be done about it
	if err := ws.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		t.Fatal(err)
	}
	_, got, err := ws.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}
