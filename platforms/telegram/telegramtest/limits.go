package telegramtest

import (
	"fmt"
	"net/http"
	"time"
)

// The limits of EnforceLimits
// (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
const (
	allMost     = 30
	paidMost    = 1000
	allWindow   = time.Second
	chatWindow  = time.Second
	groupMost   = 20
	groupWindow = time.Minute
)

// EnforceLimits refuses more than 30 messages in any second in all, beside them more
// than 1,000 to be paid for, more than one in a second in a chat, and more than 20
// messages and edits in a minute in a group or channel. What is refused counts too.
func (s *Server) EnforceLimits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strict = true
}

// Limit refuses more than n messages and edits to one chat within a window.
func (s *Server) Limit(n int, window time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.window = n, window
}

// Limited is how many calls were refused by EnforceLimits.
func (s *Server) Limited() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limited
}

// meter holds when calls came, in order.
type meter []time.Time

// over adds a call and returns after how long there is room for it, 0 for now.
func (m *meter) over(at time.Time, most int, window time.Duration) time.Duration {
	times := *m
	for len(times) > 0 && at.Sub(times[0]) >= window {
		times = times[1:]
	}
	var wait time.Duration
	if extra := len(times) - most; extra >= 0 {
		wait = times[extra].Add(window).Sub(at)
	}
	*m = append(times, at)
	return wait
}

// strictly enforces EnforceLimits.
func (s *Server) strictly(c Call) *refusal {
	if !c.puts() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.strict {
		return nil
	}
	// Not Call.At: what waits for the lock is not in order.
	now := time.Now()
	chat, _ := c.number("chat_id")
	var wait time.Duration
	if c.sends() {
		if c.paid() {
			wait = s.paid.over(now, paidMost, allWindow)
		} else {
			wait = s.all.over(now, allMost, allWindow)
		}
		wait = max(wait, s.meter(s.perChat, chat).over(now, 1, chatWindow))
	}
	if chat < 0 {
		wait = max(wait, s.meter(s.perGroup, chat).over(now, groupMost, groupWindow))
	}
	if wait == 0 {
		return nil
	}
	s.limited++
	after := int((wait + time.Second - 1) / time.Second)
	return &refusal{Code: http.StatusTooManyRequests, Description: fmt.Sprintf("Too Many Requests: retry after %d", after), RetryAfter: after}
}

// paid reports whether a message may cost the bot Stars
// (https://core.telegram.org/bots/api#paid-broadcasts).
func (c Call) paid() bool { return c.Params["allow_paid_broadcast"] == "true" }

func (s *Server) meter(of map[int64]*meter, chat int64) *meter {
	m, ok := of[chat]
	if !ok {
		m = new(meter)
		of[chat] = m
	}
	return m
}

// throttle enforces Limit.
func (s *Server) throttle(r *room) *refusal {
	if s.limit == 0 {
		return nil
	}
	now := time.Now()
	for len(r.times) > 0 && now.Sub(r.times[0]) > s.window {
		r.times = r.times[1:]
	}
	if len(r.times) >= s.limit {
		return &refusal{Code: http.StatusTooManyRequests, Description: "Too Many Requests: retry after 1", RetryAfter: 1}
	}
	r.times = append(r.times, now)
	return nil
}
