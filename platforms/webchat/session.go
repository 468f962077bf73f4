package webchat

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates of requests: of a session, and of all of them together, since a new
// session costs nothing.
const (
	sessionRate, sessionBurst = rate.Limit(5), 20
	totalRate, totalBurst     = rate.Limit(100), 200
	// maxSessions bounds the limiters kept. The one that was used longest ago makes
	// room and starts afresh when it comes back.
	maxSessions = 1000
)

// sessionAge is how long a browser keeps its session after the page was last
// opened.
const sessionAge = 90 * 24 * time.Hour

// Bounds of what signs and names a session.
const (
	minSessionKey = 16
	maxSessionID  = 64
)

// sessions knows which cookies were given out under its key. A cookie is a random
// id and its signature, so opening the page takes no memory here, and a cookie is
// accepted for as long as the key is the same.
type sessions struct {
	key   []byte
	total *rate.Limiter

	mu   sync.Mutex
	used map[string]*visitor
}

type visitor struct {
	limiter *rate.Limiter
	last    time.Time
}

func newSessions(key []byte) *sessions {
	return &sessions{key: key, total: rate.NewLimiter(totalRate, totalBurst), used: make(map[string]*visitor)}
}

// newSession makes the id of a session. It has at least 128 random bits.
func newSession() string { return strings.ToLower(rand.Text()) }

// cookie is the cookie value of a session.
func (s *sessions) cookie(id string) string { return id + "." + s.sign(id) }

// id returns the session's id from a cookie value, if it was signed with the key.
func (s *sessions) id(cookie string) (string, bool) {
	id, signature, ok := strings.Cut(cookie, ".")
	return id, ok && hmac.Equal([]byte(signature), []byte(s.sign(id)))
}

func (s *sessions) sign(id string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil))
}

// allow reports whether a session may ask once more now.
func (s *sessions) allow(id string) bool {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.used[id]
	if v == nil {
		if len(s.used) >= maxSessions {
			s.forgetOldest()
		}
		v = &visitor{limiter: rate.NewLimiter(sessionRate, sessionBurst)}
		s.used[id] = v
	}
	v.last = now
	return v.limiter.AllowN(now, 1) && s.total.AllowN(now, 1)
}

func (s *sessions) forgetOldest() {
	var oldest string
	for id, v := range s.used {
		if oldest == "" || v.last.Before(s.used[oldest].last) {
			oldest = id
		}
	}
	delete(s.used, oldest)
}

// session returns the id of the request's session.
func (s *Server) session(r *http.Request) (string, bool) {
	c, err := r.Cookie(s.cookie)
	if err != nil {
		return "", false
	}
	return s.sessions.id(c.Value)
}

// keepSession gives a browser that has no session a new one, and a browser that
// has one more time for it.
func (s *Server) keepSession(w http.ResponseWriter, r *http.Request) {
	id, ok := s.session(r)
	if !ok {
		id = newSession()
	}
	//nolint:gosec // without Secure: the page is served over plain HTTP on loopback
	http.SetCookie(w, &http.Cookie{
		Name:     s.cookie,
		Value:    s.sessions.cookie(id),
		Path:     "/",
		MaxAge:   int(sessionAge / time.Second),
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
}
