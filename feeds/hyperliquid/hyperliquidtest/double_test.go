package hyperliquidtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"liqbot/feeds/feedtest"
	"liqbot/feeds/hyperliquid/hyperliquidtest"
)

func TestRefusesWhatTheVenueRefuses(t *testing.T) {
	d := hyperliquidtest.Start(feedtest.Market{Share: 0.1}, hyperliquidtest.WithLimit(64))
	defer d.Close()
	for _, tt := range []struct {
		method, path, kind, body string
		status                   int
		answer                   string
	}{
		{"GET", "/info", "application/json", "", 405, ""},
		{"POST", "/info", "text/plain", "{}", 415, "Expected request"},
		{"POST", "/info", "application/json", "{", 400, "Failed to parse"},
		{"POST", "/info", "application/json", "{}", 422, "Failed to deserialize"},
		{"POST", "/info", "application/json", `{"type":"liquidations"}`, 422, "Failed to deserialize"},
		{"POST", "/info", "application/json", `{"type":"userFills","user":"whale"}`, 422, "Failed to deserialize"},
		{"POST", "/exchange", "application/json", "{}", 404, ""},
		{"POST", "/info", "application/json", `{"type":"fundingHistory","coin":"btc","startTime":0}`, 500, "null"},
		{"POST", "/info", "application/json", `{"type":"meta","dex":"xyz"}`, 500, "null"},
		{"POST", "/info", "application/json", `{"type":"meta"}`, 200, `{"universe"`},
		{"POST", "/info", "application/json", `{"type":"exchangeStatus"}`, 200, `{"specialStatuses"`},
		{"POST", "/info", "application/json", `{"type":"meta"}`, 429, "null"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, d.API()+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", tt.kind)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.status || !strings.HasPrefix(string(body), tt.answer) {
			t.Errorf("%s %s %s: %d %.60s, want %d %s", tt.method, tt.path, tt.body, resp.StatusCode, body, tt.status, tt.answer)
		}
	}
	if n := len(d.Violations()); n != 8 {
		t.Errorf("%d violations, want 8: %q", n, d.Violations())
	}
}

func TestSocket(t *testing.T) {
	subscribe := func(kind, key, value string) string {
		return fmt.Sprintf(`{"method":"subscribe","subscription":{"type":%q,%q:%s}}`, kind, key, value)
	}
	var users []string
	for i := range 11 {
		users = append(users, subscribe("userFills", "user", fmt.Sprintf(`"0x%040x"`, i)))
	}
	for name, tt := range map[string]struct {
		path string
		send []string
		want string // in one of the answers; empty: the connection ends
	}{
		"ping":         {"/ws", []string{`{"method":"ping"}`}, `"pong"`},
		"subscription": {"/ws", []string{subscribe("activeAssetCtx", "coin", `"BTC"`)}, `"subscriptionResponse"`},
		"context":      {"/ws", []string{subscribe("activeAssetCtx", "coin", `"kPEPE"`)}, `"markPx"`},
		"snapshot":     {"/ws", users[:1], `"isSnapshot":true`},
		"twice":        {"/ws", []string{users[0], users[0]}, "Already subscribed"},
		"list":         {"/ws", []string{subscribe("activeAssetCtx", "coin", `["BTC"]`)}, "Error parsing JSON"},
		"many users":   {"/ws", users, "Cannot track more than 10"},
		"unknown coin": {"/ws", []string{subscribe("activeAssetCtx", "coin", `"btc"`)}, ""},
		"wrong path":   {"/stream", []string{`{"method":"ping"}`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := hyperliquidtest.Start(feedtest.Market{Share: 0.1})
			defer d.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			ws, resp, err := websocket.Dial(ctx, d.StreamURL()+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Body != nil {
				defer resp.Body.Close()
			}
			defer ws.CloseNow() //nolint:errcheck // nothing can be done about it
			for _, m := range tt.send {
				if err := ws.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for !slices.ContainsFunc(got, func(s string) bool { return tt.want != "" && strings.Contains(s, tt.want) }) {
				_, frame, err := ws.Read(ctx)
				if err != nil {
					break
				}
				got = append(got, string(frame))
			}
			if ended := ctx.Err() == nil && len(got) == 0; tt.want == "" && !ended {
				t.Errorf("the connection lives: %q", got)
			}
			if tt.want != "" && (len(got) == 0 || !strings.Contains(got[len(got)-1], tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
