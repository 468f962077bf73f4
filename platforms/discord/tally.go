package discord

import (
	"net/http"
	"sync"
	"time"
)

// Discord bans an address from which 10,000 calls were refused within 10
// minutes. Posts rest long before that.
// https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
const (
	maxInvalid    = 1_000
	invalidWindow = 10 * time.Minute
)

// tally counts the calls of all parts of an adapter that Discord counts as
// invalid. It is safe for concurrent use.
type tally struct {
	mu sync.Mutex
	// at is a ring of when the last ones were; next is the oldest.
	at   [maxInvalid]time.Time
	next int
}

func (t *tally) add(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at[t.next] = now
	t.next = (t.next + 1) % maxInvalid
}

// wait is how long to rest; zero while there are few.
func (t *tally) wait(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	oldest := t.at[t.next]
	if oldest.IsZero() {
		return 0
	}
	return max(0, oldest.Add(invalidWindow).Sub(now))
}

// tallied is a transport that notes the answers that count as invalid.
type tallied struct {
	next    http.RoundTripper
	invalid *tally
}

func (t tallied) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		t.invalid.add(time.Now())
	case http.StatusTooManyRequests:
		if resp.Header.Get("X-RateLimit-Scope") != "shared" {
			t.invalid.add(time.Now())
		}
	}
	return resp, nil
}
