package binancetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Names of what is counted.
const (
	weightBudget     = "weight"
	statisticsBudget = "statistics"
	fundingBudget    = "funding"
)

// count is what was used since a window began.
type count struct {
	since time.Time
	used  int
}

// counter is the count of the present window; d.mu is held.
func (d *Double) counter(name string, per time.Duration) *count {
	since := time.Now().Truncate(per)
	c := d.counts[name]
	if c == nil || !c.since.Equal(since) {
		c = &count{since: since}
		d.counts[name] = c
	}
	return c
}

// spend counts a request and answers it if it is one too many: with 429, and with a ban
// of two minutes if the client goes on nevertheless.
func (d *Double) spend(w http.ResponseWriter, name string, weight int) bool {
	limit, per := d.limits.MinuteWeight, time.Minute
	switch name {
	case statisticsBudget:
		limit, per = d.limits.Statistics, 5*time.Minute
	case fundingBudget:
		limit, per = d.limits.Funding, 5*time.Minute
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	c := d.counter(name, per)
	c.used += weight
	if name == weightBudget {
		w.Header().Set("X-Mbx-Used-Weight-1m", strconv.Itoa(c.used))
	}
	if now.Before(d.bannedTo) || c.used > limit+max(10, limit/50) {
		if !now.Before(d.bannedTo) {
			d.bannedTo = now.Add(2 * time.Minute)
		}
		d.violations = append(d.violations, "went on after 429: banned")
		refuse(w, http.StatusTeapot, -1003, fmt.Sprintf("Way too many requests; IP banned until %d. Please use the websocket for live updates to avoid bans.", d.bannedTo.UnixMilli()))
		return false
	}
	if c.used > limit {
		d.violations = append(d.violations, fmt.Sprintf("%s: %d used, limit %d", name, c.used, limit))
		refuse(w, http.StatusTooManyRequests, -1003, fmt.Sprintf("Too many requests; current limit of IP(127.0.0.1) is %d requests per minute. Please use the websocket for live updates to avoid polling the API.", limit))
		return false
	}
	return true
}

// refuse answers with the venue's error body.
func refuse(w http.ResponseWriter, status, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(row{"code": code, "msg": text})
}
