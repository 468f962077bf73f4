package webchat

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"liqbot/chat"
)

// FuzzReadMessage has no public door without rate limits: it reads what any
// program on the machine may send.
func FuzzReadMessage(f *testing.F) {
	for _, seed := range []string{
		`{"text":"/liq btc"}`, `{"press":"liq:BTC:7d","message":"M","narrow":true}`, `{"text":`,
		"{\"text\":\"\xff\"}", `{"text":" "}`, `[[[[`, strings.Repeat("a", maxBody+1),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/api/messages", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		m, code, problem := readMessage(httptest.NewRecorder(), r)
		if (problem == "") != (code == 0) {
			t.Fatalf("status %d with problem %q", code, problem)
		}
		if problem != "" {
			return
		}
		got := m.request("session", "")
		if (got.Text == "") == (got.Press == "") {
			t.Errorf("text %q and press %q: want one of them", got.Text, got.Press)
		}
		if len(got.Press) > chat.MaxPress || len(body) > maxBody {
			t.Errorf("accepted a press of %d bytes in a body of %d", len(got.Press), len(body))
		}
	})
}
