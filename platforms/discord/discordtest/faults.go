package discordtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Call is a REST call that arrived. Path is without the version prefix.
type Call struct {
	Method, Path string
	At           time.Time
	Body         []byte
	// Status is that of the answer; 0 while there is none.
	Status int
}

// Calls lists the calls whose method and path contain these, oldest first.
func (s *Server) Calls(method, path string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if strings.Contains(c.Method, method) && strings.Contains(c.Path, path) {
			out = append(out, *c)
		}
	}
	return out
}

// Fault makes calls go wrong: the first Times calls (0 is one) whose method and
// path contain the given strings.
type Fault struct {
	Method, Path string
	// Act does what was asked before it goes wrong.
	Act bool
	// Hang leaves the call without an answer.
	Hang   bool
	Status int
	Body   string
	Header map[string]string
	Times  int
}

// Fail arms a fault.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Times = max(1, f.Times)
	s.faults = append(s.faults, &f)
}

// Limited is a 429 as the API sends it.
func Limited(method, path string, after time.Duration, global bool) Fault {
	header := map[string]string{"Content-Type": "application/json", "Retry-After": seconds(after), "X-RateLimit-Scope": "user"}
	if global {
		header["X-RateLimit-Global"], header["X-RateLimit-Scope"] = "true", "global"
	}
	body := fmt.Sprintf(`{"message":"You are being rate limited.","retry_after":%s,"global":%t}`, seconds(after), global)
	return Fault{Method: method, Path: path, Status: http.StatusTooManyRequests, Body: body, Header: header}
}

// LimitedShared is a 429 that is not the bot's fault.
func LimitedShared(method, path string, after time.Duration) Fault {
	f := Limited(method, path, after, false)
	f.Header["X-RateLimit-Scope"] = "shared"
	return f
}

// Banned is a 429 as Cloudflare sends it.
func Banned(method, path string) Fault {
	return Fault{
		Method: method, Path: path, Status: http.StatusTooManyRequests,
		Body:   "<!DOCTYPE html><html><body><h1>Access denied</h1><p>error code: 1015</p></body></html>",
		Header: map[string]string{"Content-Type": "text/html", "Retry-After": "1"},
	}
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

func (s *Server) fault(method, path string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if !strings.Contains(method, f.Method) || !strings.Contains(path, f.Path) {
			continue
		}
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// WaitCalls waits until n calls whose method and path contain these arrived.
func (s *Server) WaitCalls(method, path string, n int) {
	s.t.Helper()
	s.wait(fmt.Sprintf("%d calls of %s %s", n, method, path), func() bool {
		found := 0
		for _, c := range s.calls {
			if strings.Contains(c.Method, method) && strings.Contains(c.Path, path) {
				found++
			}
		}
		return found >= n
	})
}
