package webchat_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"liqbot/platforms/webchat"
)

func TestHost(t *testing.T) {
	tests := []struct {
		name, addr, host string
		want             int
	}{
		{"loopback address", "127.0.0.1:0", "127.0.0.1:8080", http.StatusOK},
		{"loopback name", "127.0.0.1:0", "localhost:8080", http.StatusOK},
		{"loopback name in capitals", "127.0.0.1:0", "LOCALHOST:8080", http.StatusOK},
		{"loopback name with a dot", "127.0.0.1:0", "localhost.:8080", http.StatusOK},
		{"loopback name without port", "127.0.0.1:0", "localhost", http.StatusOK},
		{"IPv6 loopback", "127.0.0.1:0", "[::1]:8080", http.StatusOK},
		{"IPv6 loopback without port", "127.0.0.1:0", "[::1]", http.StatusOK},
		{"configured name", "127.0.0.1:0", "Liq.example.org", http.StatusOK},
		{"rebound name", "127.0.0.1:0", "evil.com", http.StatusForbidden},
		{"rebound name with port", "127.0.0.1:0", "evil.com:8080", http.StatusForbidden},
		{"name that begins like ours", "127.0.0.1:0", "localhost.evil.com", http.StatusForbidden},
		{"name that ends like ours", "127.0.0.1:0", "evil-liq.example.org", http.StatusForbidden},
		{"address in a name", "127.0.0.1:0", "127.0.0.1.evil.com", http.StatusForbidden},
		{"address of the network", "127.0.0.1:0", "192.168.1.5:8080", http.StatusForbidden},
		{"unspecified address", "127.0.0.1:0", "0.0.0.0:8080", http.StatusForbidden},
		{"address of the network, listening everywhere", "0.0.0.0:0", "192.168.1.5:8080", http.StatusOK},
		{"rebound name, listening everywhere", "0.0.0.0:0", "evil.com:8080", http.StatusForbidden},
		{"no host", "127.0.0.1:0", ":8080", http.StatusForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, webchat.Config{Addr: tt.addr, Hosts: []string{"liq.example.org"}})
			r := request(t, http.MethodGet, s.URL(), "")
			r.Host = tt.host
			got := do(t, browser(t), r)
			if got.code != tt.want {
				t.Errorf("status %d, want %d", got.code, tt.want)
			}
			if refused := got.code == http.StatusForbidden; refused && got.header.Get("Set-Cookie") != "" {
				t.Error("a refused request got a session")
			}
		})
	}
}

// What another web site can make a browser send is refused, whatever cookies go
// with it.
func TestCrossSite(t *testing.T) {
	tests := []struct {
		name    string
		method  string
		header  map[string]string
		want    int
		counted string
	}{
		{"the page itself", http.MethodPost, map[string]string{"Origin": "own", "Sec-Fetch-Site": "same-origin"}, http.StatusOK, "message"},
		{"the page itself, old browser", http.MethodPost, map[string]string{"Origin": "own"}, http.StatusOK, "message"},
		{"behind a proxy with TLS", http.MethodPost, map[string]string{"Origin": "own https"}, http.StatusOK, "message"},
		{"another site", http.MethodPost, map[string]string{"Origin": "https://evil.com"}, http.StatusForbidden, "wrong_origin"},
		{"another port of this machine", http.MethodPost, map[string]string{"Origin": "http://127.0.0.1:1"}, http.StatusForbidden, "wrong_origin"},
		{"a sandboxed frame", http.MethodPost, map[string]string{"Origin": "null"}, http.StatusForbidden, "wrong_origin"},
		{"an empty origin", http.MethodPost, map[string]string{"Origin": ""}, http.StatusForbidden, "wrong_origin"},
		{"a program's scheme", http.MethodPost, map[string]string{"Origin": "own ftp"}, http.StatusForbidden, "wrong_origin"},
		{"cross-site without origin", http.MethodPost, map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden, "wrong_origin"},
		{"same site, another port", http.MethodPost, map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden, "wrong_origin"},
		{"a read by another site", http.MethodGet, map[string]string{"Origin": "https://evil.com"}, http.StatusForbidden, "wrong_origin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			seen := new(events)
			s := serve(t, webchat.Config{Count: seen.count})
			client := opened(t, s)
			address, body := at(t, s, "/api/messages"), `{"text":"hi"}`
			if tt.method == http.MethodGet {
				address, body = s.URL(), ""
			}
			r := request(t, tt.method, address, body)
			for name, value := range tt.header {
				if scheme, own := strings.CutPrefix(value, "own"); own {
					value = strings.TrimSpace(scheme) + "://" + r.URL.Host
					if scheme == "" {
						value = "http" + value
					}
				}
				r.Header.Set(name, value)
			}
			if got := do(t, client, r); got.code != tt.want {
				t.Errorf("status %d, want %d: %s", got.code, tt.want, got.body)
			}
			if seen.of(tt.counted) != 1 {
				t.Errorf("not counted as %s", tt.counted)
			}
		})
	}
}

func TestSessionIsNeeded(t *testing.T) {
	bot := new(fakeBot)
	s := serve(t, webchat.Config{})
	other := serve(t, webchat.Config{})
	own, foreign := cookieOf(t, s), cookieOf(t, other)
	id, signature, _ := strings.Cut(own.Value, ".")
	tests := map[string]string{
		"none":                  "",
		"empty":                 own.Name + "=",
		"invented":              own.Name + "=abc.def",
		"without signature":     own.Name + "=" + id,
		"another id":            own.Name + "=0" + id[1:] + "." + signature,
		"signature cut":         own.Name + "=" + id + "." + signature[:10],
		"of another process":    own.Name + "=" + foreign.Value,
		"under another name":    "session=" + own.Value,
		"of another port's bot": foreign.String(),
	}
	for name, cookie := range tests {
		t.Run(name, func(t *testing.T) {
			r := request(t, http.MethodPost, at(t, s, "/api/messages"), `{"text":"hi"}`)
			if cookie != "" {
				r.Header.Set("Cookie", cookie)
			}
			got := do(t, browser(t), r)
			if code, text := refusalOf(t, got); got.code != http.StatusUnauthorized || code != "no_session" || text == "" {
				t.Errorf("status %d, code %q, message %q", got.code, code, text)
			}
		})
	}
	if got := bot.last(); got.Text != "" {
		t.Errorf("the bot was asked %q", got.Text)
	}
	if own.SameSite != http.SameSiteStrictMode || !own.HttpOnly || own.Path != "/" || len(id) < 26 {
		t.Errorf("cookie %s: want SameSite=Strict, HttpOnly, Path=/ and a random id", own)
	}
}

// cookieOf opens the page and returns the cookie that it sets.
func cookieOf(t *testing.T, s *webchat.Server) *http.Cookie {
	t.Helper()
	got := do(t, browser(t), request(t, http.MethodGet, s.URL(), ""))
	cookie, err := http.ParseSetCookie(got.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatalf("cookie of the page: %v", err)
	}
	return cookie
}

func TestMethodsAndPaths(t *testing.T) {
	tests := []struct {
		method, path string
		want         int
		allow        string
	}{
		{http.MethodGet, "/", http.StatusOK, ""},
		{http.MethodHead, "/", http.StatusOK, ""},
		{http.MethodPost, "/", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodGet, "/api/messages", http.StatusMethodNotAllowed, "POST"},
		{http.MethodPut, "/api/messages", http.StatusMethodNotAllowed, "POST"},
		{http.MethodDelete, "/pictures/a.png", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodPost, "/assets/chat.js", http.StatusMethodNotAllowed, "GET, HEAD"},
		{http.MethodGet, "/assets/chat.js", http.StatusOK, ""},
		{http.MethodGet, "/assets/chat.html", http.StatusNotFound, ""},
		{http.MethodGet, "/assets/", http.StatusNotFound, ""},
		{http.MethodGet, "/assets/..%2fserver.go", http.StatusNotFound, ""},
		{http.MethodGet, "/api/", http.StatusNotFound, ""},
		{http.MethodGet, "/metrics", http.StatusNotFound, ""},
		{http.MethodGet, "/favicon.ico", http.StatusNotFound, ""},
	}
	s := serve(t, webchat.Config{})
	client := opened(t, s)
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			r := request(t, tt.method, strings.TrimSuffix(s.URL(), "/")+tt.path, "")
			got := do(t, client, r)
			if got.code != tt.want || got.header.Get("Allow") != tt.allow {
				t.Errorf("status %d, allow %q, want %d, %q", got.code, got.header.Get("Allow"), tt.want, tt.allow)
			}
			if strings.HasPrefix(tt.path, "/api/") {
				refusalOf(t, got)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	s := serve(t, webchat.Config{})
	client := opened(t, s)
	for _, path := range []string{"", "assets/chat.js", "pictures/none.png", "api/messages", "nothing"} {
		t.Run(path, func(t *testing.T) {
			h := do(t, client, request(t, http.MethodGet, s.URL()+path, "")).header
			policy := h.Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
				if !strings.Contains(policy, want) {
					t.Errorf("content policy %q lacks %s", policy, want)
				}
			}
			if strings.Contains(policy, "unsafe") {
				t.Errorf("content policy %q is unsafe", policy)
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
				if got := h.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

// Mounted handlers get their requests as they come: a prober or Telegram sends
// what Host it likes and no cookie.
func TestMount(t *testing.T) {
	s := serve(t, webchat.Config{Mount: map[string]http.Handler{
		"/healthz": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(r.Method + " " + r.Host + " " + r.Header.Get("Origin")))
		}),
		"/broken": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("planted") }),
	}})
	r := request(t, http.MethodPost, at(t, s, "/healthz"), "{}")
	r.Host = "bot.internal"
	r.Header.Set("Origin", "https://elsewhere.example")
	if got := do(t, browser(t), r); got.code != http.StatusOK || got.body != "POST bot.internal https://elsewhere.example" {
		t.Errorf("status %d, body %q", got.code, got.body)
	}
	if got := do(t, browser(t), request(t, http.MethodGet, at(t, s, "/broken"), "")); got.code != http.StatusInternalServerError || strings.Contains(got.body, "planted") {
		t.Errorf("a mounted handler that panics: status %d, body %q", got.code, got.body)
	}
}

// The page loads its files under versioned names and holds no script or style of
// its own, which the content policy would not run.
func TestPage(t *testing.T) {
	tests := []struct{ language, tag, says string }{
		{"", "en", "Where are the liquidations?"},
		{"ru-RU,ru;q=0.9,en;q=0.8", "ru", "Где скопились ликвидации?"},
		{"zh-CN", "zh-Hans", "发送"},
		{"tlh", "en", "Send"},
	}
	s := serve(t, webchat.Config{Demo: true})
	for _, tt := range tests {
		t.Run(tt.language, func(t *testing.T) {
			r := request(t, http.MethodGet, s.URL(), "")
			r.Header.Set("Accept-Language", tt.language)
			got := do(t, browser(t), r)
			for _, want := range []string{`<html lang="` + tt.tag + `">`, tt.says, "DEMO", "/assets/chat.js?v="} {
				if !strings.Contains(got.body, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			for _, bad := range []string{"<style", "style=", "onclick", "onload", "https://", "web.", "<script>"} {
				if strings.Contains(got.body, bad) {
					t.Errorf("the page has %q", bad)
				}
			}
		})
	}
	live := serve(t, webchat.Config{})
	if got := do(t, browser(t), request(t, http.MethodGet, live.URL(), "")); strings.Contains(got.body, "DEMO") {
		t.Error("the page of a real market says DEMO")
	}
}

func TestAssetsAreCachedByVersion(t *testing.T) {
	s := serve(t, webchat.Config{})
	page := do(t, browser(t), request(t, http.MethodGet, s.URL(), "")).body
	_, rest, _ := strings.Cut(page, `href="/assets/chat.css`)
	query, _, _ := strings.Cut(rest, `"`)
	for query, want := range map[string]string{query: "immutable", "?v=old": "no-store", "": "no-store"} {
		u, err := url.Parse(s.URL() + "assets/chat.css" + query)
		if err != nil {
			t.Fatal(err)
		}
		got := do(t, browser(t), request(t, http.MethodGet, u.String(), ""))
		if cache := got.header.Get("Cache-Control"); got.code != http.StatusOK || !strings.Contains(cache, want) {
			t.Errorf("chat.css%s: status %d, caching %q, want %s", query, got.code, cache, want)
		}
	}
}
