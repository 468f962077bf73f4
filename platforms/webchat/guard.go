package webchat

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
)

// contentPolicy lets the page load its own files and nothing else; text that
// slipped through as markup could neither run nor fetch anything.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// guard keeps other web sites away from the page. A site that the host visits
// can make the host's browser send requests to this machine: under a name that
// it points here (DNS rebinding, caught by the Host check), or across origins
// (caught by the Origin check and, for what changes something, by
// http.CrossOriginProtection and the session cookie).
func (s *Server) guard(next http.Handler) http.Handler {
	var crossOrigin http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secureHeaders(w.Header())
		switch {
		case !s.hostAllowed(r.Host):
			s.refuse(w, r, http.StatusForbidden, "wrong_host")
		case !sameOrigin(r) || crossOrigin.Check(r) != nil:
			s.refuse(w, r, http.StatusForbidden, "wrong_origin")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func secureHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// hostAllowed reports whether a Host header names this machine as the host knows
// it. The port does not matter: it is another one behind a tunnel or a container,
// and a rebound name stays a wrong name on any port.
func (s *Server) hostAllowed(header string) bool {
	host := hostName(header)
	if ip, err := netip.ParseAddr(host); err == nil {
		// An address cannot be rebound, so whoever listens everywhere is reachable
		// under every address.
		return ip.IsLoopback() || wildcard(s.host) || host == hostName(s.host)
	}
	if host == "" {
		return false
	}
	if host == "localhost" || host == hostName(s.host) {
		return true
	}
	for _, h := range s.cfg.Hosts {
		if host == hostName(h) {
			return true
		}
	}
	return false
}

// hostName is a Host header, or a configured host, without port, brackets and
// the final dot, in lower case.
func hostName(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// sameOrigin reports whether the Origin header, where there is one, is the page's
// own. The scheme may be https, as behind a reverse proxy.
func sameOrigin(r *http.Request) bool {
	origins, sent := r.Header["Origin"]
	if !sent {
		return true
	}
	if len(origins) != 1 {
		return false
	}
	u, err := url.Parse(origins[0])
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host)
}

// recovered turns a panic of a handler into an answer, so that one bad request
// takes nothing else down. The panic's value may hold chat text and is not logged.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // a panic's value is compared as net/http does
				panic(cause)
			}
			s.cfg.Log.Error("web request panicked", slog.String("route", r.Pattern), slog.String("stack", string(debug.Stack())))
			s.refuse(w, r, http.StatusInternalServerError, "panic")
		}()
		next.ServeHTTP(w, r)
	})
}
