package coinglass_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"liqbot/secret"
	"liqbot/snapshot"
	"liqbot/sources/coinglass"
	"liqbot/sources/coinglass/coinglasstest"
)

const page = "<!DOCTYPE html><html><body>Attention required</body></html>"

func TestProblems(t *testing.T) {
	refusal := func(status int, code, message string) coinglasstest.Fault {
		return coinglasstest.Fault{Status: status, Body: coinglasstest.Refusal(code, message)}
	}
	html := map[string]string{"Content-Type": "text/html; charset=utf-8"}
	tests := []struct {
		name  string
		fault coinglasstest.Fault
		want  snapshot.Problem
		hint  string // words of the hint
		tries int    // 0: net/http may have tried again by itself
	}{
		{"401", refusal(401, "401", "Unauthorized"), snapshot.Unauthorized, "COINGLASS_API_KEY", 1},
		{"401 with HTTP 200", refusal(200, "401", "invalid"), snapshot.Unauthorized, "COINGLASS_API_KEY", 1},
		{"401 without body", coinglasstest.Fault{Status: 401}, snapshot.Unauthorized, "COINGLASS_API_KEY", 1},
		{"bad key reported as 400", refusal(200, "400", "API key missing."), snapshot.Unauthorized, "COINGLASS_API_KEY", 1},
		{"plan reported as 401", refusal(200, "401", "Upgrade plan"), snapshot.PlanTooLow, "Professional", 1},
		{"plan as 401 with its status", refusal(401, "401", "Upgrade plan"), snapshot.PlanTooLow, "Professional", 1},
		{"work on the server", refusal(503, "503", "system upgrade"), snapshot.Unavailable, "", 3},
		{"plan under a number of its own", refusal(200, "30099", "please UPGRADE your plan"), snapshot.PlanTooLow, "Professional", 1},
		{"403", refusal(403, "403", ""), snapshot.PlanTooLow, "Professional", 1},
		{"403 with HTTP 200, code as number", coinglasstest.Fault{Body: `{"code":403,"msg":null}`}, snapshot.PlanTooLow, "Professional", 1},
		{"403 from a firewall", coinglasstest.Fault{Status: 403, Header: html, Body: page}, snapshot.Unavailable, "firewall", 1},
		{"404", refusal(404, "404", "not found"), snapshot.NotListed, "", 1},
		{"404 from something else", coinglasstest.Fault{Status: 404, Header: html, Body: page}, snapshot.Unavailable, "COINGLASS_API_URL", 1},
		{"400", refusal(200, "400", "invalid symbol"), snapshot.NotListed, "", 1},
		{"422", refusal(422, "422", "not acceptable"), snapshot.NotListed, "", 1},
		{"429", refusal(429, "429", "Too Many Requests"), snapshot.RateLimited, "requests", 1},
		{"429 with HTTP 200", refusal(200, "429", ""), snapshot.RateLimited, "requests", 1},
		{"500", refusal(500, "500", "server"), snapshot.Unavailable, "wait", 3},
		{"500 with HTTP 200", refusal(200, "500", "server"), snapshot.Unavailable, "", 3},
		{"503 page", coinglasstest.Fault{Status: 503, Header: html, Body: page}, snapshot.Unavailable, "", 3},
		{"408", refusal(408, "408", "too long"), snapshot.Unavailable, "", 3},
		{"418", coinglasstest.Fault{Status: 418}, snapshot.Unavailable, "", 1},
		{"unknown code", refusal(200, "strange", "?"), snapshot.Unavailable, "", 1},
		{"page with HTTP 200", coinglasstest.Fault{Header: html, Body: page}, snapshot.Unavailable, "COINGLASS_API_URL", 3},
		{"empty body", coinglasstest.Fault{}, snapshot.Unavailable, "COINGLASS_API_URL", 3},
		{"connection dropped", coinglasstest.Fault{Drop: true}, snapshot.Unavailable, "network", 0},
		{"body cut by the network", coinglasstest.Fault{Body: `{"code":"0","data":{`, Header: map[string]string{"Content-Length": "4000"}, Cut: true}, snapshot.Unavailable, "network", 3},
		{"body cut by the sender", coinglasstest.Fault{Body: `{"code":"0","data":{"data":{"9`}, snapshot.Unavailable, "", 3},
		{"body too large", coinglasstest.Fault{Body: `{"code":"0","data":{}`, Padding: 17 << 20}, snapshot.Unavailable, "", 1},
		{"body too large once inflated", coinglasstest.Fault{Body: `{"code":"0","data":{}`, Padding: 17 << 20, Gzip: true}, snapshot.Unavailable, "", 1},
		{"no code", coinglasstest.Fault{Body: `{"data":{}}`}, snapshot.BadData, "", 1},
		{"empty map", coinglasstest.Fault{Body: coinglasstest.KeyedMap(coinglasstest.BitcoinPrice)}, snapshot.NotListed, "", 1},
		{"null map", coinglasstest.Fault{Body: `{"code":"0","data":null}`}, snapshot.NotListed, "", 1},
		{"map of another shape", coinglasstest.Fault{Body: `{"code":"0","data":"soon"}`}, snapshot.BadData, "", 1},
		{"negative level", coinglasstest.Fault{Body: coinglasstest.KeyedMap(90100, coinglasstest.Row{Price: 90000, Level: -1})}, snapshot.BadData, "", 1},
		{"negative price", coinglasstest.Fault{Body: coinglasstest.KeyedMap(-90100, coinglasstest.Row{Price: 90000, Level: 1})}, snapshot.BadData, "", 1},
		{"infinite level", coinglasstest.Fault{Body: `{"code":"0","data":{"data":{"1":[[1,1e999]]},"last_price":2}}`}, snapshot.BadData, "", 1},
		{"only levels of zero", coinglasstest.Fault{Body: coinglasstest.KeyedMap(90100, coinglasstest.Row{Price: 90000})}, snapshot.BadData, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := coinglasstest.New(t)
			srv.Fail(coinglasstest.AggregatedMap, tt.fault)
			_, err := source(t, srv).Fetch(t.Context(), week)
			e := problem(t, err, tt.want)
			if !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("hint %q, want %q in it", e.Hint, tt.hint)
			}
			if got := srv.Requests(coinglasstest.AggregatedMap); tt.tries > 0 && got != tt.tries {
				t.Errorf("%d tries, want %d", got, tt.tries)
			}
		})
	}
}

// problem fails the test unless an error tells of a problem in the way that
// snapshot.Source asks for.
func problem(t *testing.T, err error, want snapshot.Problem) *snapshot.Error {
	t.Helper()
	e, ok := err.(*snapshot.Error) //nolint:errorlint // the type itself is promised
	if !ok || e.Problem != want || e.Err == nil {
		t.Fatalf("error %v (%T), want problem %q", err, err, want)
	}
	if (want == snapshot.RateLimited) == e.RetryAt.IsZero() {
		t.Errorf("retry at %s for %q", e.RetryAt, want)
	}
	return e
}

func TestPassingFailureIsTriedAgain(t *testing.T) {
	tests := []struct {
		name  string
		fault coinglasstest.Fault
	}{
		{"server error", coinglasstest.Fault{Status: 502, Times: 2}},
		{"connection dropped", coinglasstest.Fault{Drop: true, Times: 2}},
		{"cut body", coinglasstest.Fault{Body: `{"code":`, Times: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := coinglasstest.New(t)
			srv.Fail(coinglasstest.AggregatedMap, tt.fault)
			fetch(t, source(t, srv), week)
		})
	}
}

func TestHangingServerIsGivenUp(t *testing.T) {
	srv := coinglasstest.New(t)
	srv.Fail(coinglasstest.AggregatedMap, coinglasstest.Fault{Hang: true})
	s := source(t, srv, func(cfg *coinglass.Config) { cfg.Client.Timeout = 20 * time.Millisecond })
	_, err := s.Fetch(t.Context(), week)
	_ = problem(t, err, snapshot.Unavailable)
	if got := srv.Requests(coinglasstest.AggregatedMap); got != 3 {
		t.Errorf("%d tries, want 3", got)
	}
}

func TestUnreachable(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	tests := []struct{ name, url, want string }{
		{"nobody listens", closed.URL, "network"},
		{"unknown certificate", secure.URL, "certificate"},
		{"unknown name", "http://api.coinglass.invalid", "api.coinglass.invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			s, err := coinglass.New(coinglass.Config{
				Key: secret.New(coinglasstest.Key), URL: tt.url,
				Client: &http.Client{Transport: transport, Timeout: time.Second},
				Retry:  coinglass.Retry{Tries: 1},
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Fetch(t.Context(), week)
			if e := problem(t, err, snapshot.Unavailable); !strings.Contains(e.Hint, tt.want) {
				t.Errorf("hint %q of %v, want %q in it", e.Hint, e.Err, tt.want)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	stranger := coinglasstest.New(t)
	srv := coinglasstest.New(t)
	srv.Fail(coinglasstest.AggregatedMap, coinglasstest.Fault{Status: 302, Header: map[string]string{"Location": stranger.URL + "/x"}})
	_, err := source(t, srv).Fetch(t.Context(), week)
	_ = problem(t, err, snapshot.Unavailable)
	if got := stranger.Requests(""); got != 0 {
		t.Errorf("the stranger got %d requests", got)
	}
}

func TestWithoutKeyNothingIsAsked(t *testing.T) {
	srv := coinglasstest.New(t)
	s := source(t, srv, func(cfg *coinglass.Config) { cfg.Key = secret.Secret{} })
	_, err := s.Fetch(t.Context(), week)
	_ = problem(t, err, snapshot.Unauthorized)
	if got := srv.Requests(""); got != 0 {
		t.Errorf("%d requests", got)
	}
}

func TestKeyIsNeverShown(t *testing.T) {
	const key = coinglasstest.Key
	echo := coinglasstest.Refusal("500", "key "+key+" is not known\n"+key)
	faults := map[string]coinglasstest.Fault{
		"echoed by 500":  {Status: 500, Body: echo},
		"echoed by 401":  {Status: 401, Body: coinglasstest.Refusal("401", "bad key "+key)},
		"echoed by 429":  {Status: 429, Body: coinglasstest.Refusal("429", key)},
		"echoed as code": {Body: coinglasstest.Refusal(key, "")},
		"echoed as data": {Body: `{"code":"0","data":{"data":{"1":[["` + key + `",1]]}}}`},
		"echoed as page": {Body: key},
		"dropped":        {Drop: true},
		"cut":            {Body: "{", Header: map[string]string{"Content-Length": "99"}, Cut: true},
		"redirect":       {Status: 302, Header: map[string]string{"Location": "http://" + key + ".invalid"}},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			srv, log := coinglasstest.New(t), new(lines)
			srv.Fail("", fault)
			s := source(t, srv, logTo(log))
			_, err := s.Fetch(t.Context(), week)
			if err == nil {
				t.Fatal("no error")
			}
			_, coinsErr := s.Coins(t.Context())
			if coinsErr == nil {
				t.Fatal("no error from Coins")
			}
			shown := err.Error() + coinsErr.Error() + log.String()
			for _, f := range s.Check(t.Context()) {
				shown += f.Text
			}
			if strings.Contains(shown, key) {
				t.Errorf("the key is shown:\n%s", shown)
			}
			if !strings.Contains(log.String(), "cannot be had") {
				t.Errorf("nothing was logged, so nothing was tested:\n%s", log)
			}
		})
	}
}
