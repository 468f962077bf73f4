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

// sessions knows which cookies this process gave out. A cookie is a random id and
// its signature under a key that lives as long as the process, so opening the
// page takes no memory here and a cookie from before a restart is not accepted.
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

func newSessions() *sessions {
	key := make([]byte, sha256.Size)
	// Read never fails: https://pkg.go.dev/crypto/rand#Read.
	_, _ = rand.Read(key)
	return &sessions{key: key, total: rate.NewLimiter(totalRate, totalBurst), used: make(map[string]*visitor)}
}

// issue makes the cookie value of a new session. The id has at least 128 random
// bits.
func (s *sessions) issue() string {
	id := strings.ToLower(rand.Text())
	return id + "." + s.sign(id)
}

// id returns the session's id from a cookie value, if this process issued it.
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

// keepSession gives a browser that has no session a new one.
func (s *Server) keepSession(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.session(r); ok {
		return
	}
	//nolint:gosec // without Secure: the page is served over plain HTTP on loopback
	http.SetCookie(w, &http.Cookie{
		Name:     s.cookie,
		Value:    s.sessions.issue(),
		Path:     "/",
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
}
