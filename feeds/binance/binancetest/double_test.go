package binancetest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"liqbot/feeds/binance/binancetest"
	"liqbot/feeds/feedtest"
)

// The double refuses what the venue refuses, in the venue's words.
func TestRefusals(t *testing.T) {
	old := strconv.FormatInt(time.Now().Add(-31*24*time.Hour).UnixMilli(), 10)
	tests := map[string]struct {
		path         string
		status, code int
	}{
		"sound":               {"/fapi/v1/openInterest?symbol=BTCUSDT", 200, 0},
		"chinese symbol":      {"/fapi/v1/openInterest?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT", 200, 0},
		"no symbol":           {"/fapi/v1/openInterest", 400, -1102},
		"unknown symbol":      {"/fapi/v1/openInterest?symbol=NOPEUSDT", 400, -1121},
		"symbol in lower":     {"/fapi/v1/openInterest?symbol=btcusdt", 400, -1121},
		"unknown parameter":   {"/fapi/v1/openInterest?symbol=BTCUSDT&limit=3", 400, -1101},
		"interval":            {"/fapi/v1/klines?symbol=BTCUSDT&interval=5min", 400, -1120},
		"limit":               {"/fapi/v1/klines?symbol=BTCUSDT&interval=5m&limit=1501", 400, -1130},
		"times are turned":    {"/fapi/v1/klines?symbol=BTCUSDT&interval=5m&startTime=1783296000000&endTime=1783295000000", 400, -1023},
		"time is no number":   {"/fapi/v1/klines?symbol=BTCUSDT&interval=5m&startTime=yesterday", 400, -1100},
		"period":              {"/futures/data/openInterestHist?symbol=BTCUSDT&period=1m", 400, -1130},
		"limit of statistics": {"/futures/data/openInterestHist?symbol=BTCUSDT&period=5m&limit=501", 400, -1130},
		"too old":             {"/futures/data/openInterestHist?symbol=BTCUSDT&period=5m&limit=500&startTime=" + old, 400, -1130},
		"limit of funding":    {"/fapi/v1/fundingRate?symbol=BTCUSDT&limit=1001", 200, 2},
		"key wanted":          {"/fapi/v1/leverageBracket", 401, -2014},
		"unknown path":        {"/fapi/v1/allForceOrders", 404, 0},
	}
	d := binancetest.Start(feedtest.Market{Share: 1})
	defer d.Close()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(d.Violations())
			resp, err := http.Get(d.API() + test.path)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var body struct{ Code json.RawMessage }
			_ = json.NewDecoder(resp.Body).Decode(&body)
			code, _ := strconv.Atoi(strings.Trim(string(body.Code), `"`))
			if resp.StatusCode != test.status || code != test.code {
				t.Errorf("HTTP %d, code %d, want %d, %d", resp.StatusCode, code, test.status, test.code)
			}
			if noted := len(d.Violations()) > before; noted != (name != "sound" && name != "chinese symbol") {
				t.Errorf("violations %v", d.Violations())
			}
		})
	}
}

// Old paths connect and acknowledge, and that is all.
func TestOldPathIsSilent(t *testing.T) {
	for path, silent := range map[string]bool{"/market/ws": false, "/ws": true, "/stream": true, "/public/stream": true} {
		t.Run(path, func(t *testing.T) {
			d := binancetest.Start(feedtest.Market{Share: 1})
			defer d.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			ws, resp, err := websocket.Dial(ctx, d.StreamURL()+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Body != nil {
				defer resp.Body.Close()
			}
			defer ws.CloseNow() //nolint:errcheck // nothing can be done about it
			if err := ws.Write(ctx, websocket.MessageText, []byte(`{"method":"SUBSCRIBE","params":["btcusdt@markPrice@1s"],"id":1}`)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := ws.Read(ctx); err != nil || string(got) != `{"result":null,"id":1}` {
				t.Fatalf("acknowledged with %s, %v", got, err)
			}
			if _, got, err := ws.Read(ctx); (err != nil) != silent {
				t.Errorf("silent: %v, got %s, %v", err != nil, got, err)
			}
			if noted := len(d.Violations()) > 0; noted != silent {
				t.Errorf("violations %v", d.Violations())
			}
		})
	}
}

func TestLimits(t *testing.T) {
	d := binancetest.Start(feedtest.Market{Share: 1}, binancetest.WithLimits(binancetest.Limits{MinuteWeight: 3, Statistics: 1, Funding: 1}))
	defer d.Close()
	var codes []int
	for range 20 {
		resp, err := http.Get(d.API() + "/fapi/v1/time")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		codes = append(codes, resp.StatusCode)
		if resp.StatusCode != http.StatusTeapot && resp.Header.Get("X-MBX-USED-WEIGHT-1M") == "" {
			t.Error("the used weight is not told")
		}
	}
	if codes[0] != 200 || codes[4] != 429 && codes[5] != 429 || codes[19] != 418 {
		t.Errorf("answers %v, want sound ones, then 429, then 418", codes)
	}
}
