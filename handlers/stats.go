package handlers

import (
	"context"
	"strconv"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
	"liqbot/snapshot"
)

// stats answers /stats: how the bot is doing, for its owners.
func stats(ctx context.Context, c *call) chat.Reply {
	if refusal, ok := c.toOwner(); !ok {
		return refusal
	}
	l, status := c.lang, c.opts.Status(ctx)
	var p paragraphs
	p.line(l.Text("stats.title"))
	p.line(l.Text("stats.uptime", "span", l.Span(c.now.Sub(status.Started)), "version", status.Version))
	p.line(l.Text("stats.source", "source", c.opts.Snapshots.Source(), "snapshots", strconv.Itoa(status.Snapshots)))
	if f := c.opts.Snapshots.LastFailure(); f != nil {
		p.line(l.Text("stats.source_error", "age", l.Age(c.now.Sub(f.At)), "problem", string(snapshot.ProblemOf(f.Err))))
	}
	p.line(l.Text("stats.chats", "n", strconv.Itoa(status.Chats)))
	p.line(l.Text("stats.requests", "n", strconv.FormatUint(c.answered.Load(), 10)))
	statsOfAlerts(&p, l, status)
	for _, platform := range status.Platforms {
		state := l.Say("stats.down")
		if platform.Up {
			state = l.Say("stats.up")
		}
		p.line(l.Text("stats.platform", "platform", platform.Name, "state", state))
	}
	return chat.Reply{Text: p.text, Private: true}
}

// statsOfAlerts says who asks for alerts and what became of those that were sent.
func statsOfAlerts(p *paragraphs, l *locales.Language, status Status) {
	n := func(v uint64) string { return strconv.FormatUint(v, 10) }
	census, sums := status.Census, status.Totals.Deliveries
	p.line(l.Text("stats.subscribers", "n", strconv.Itoa(census.Chats), "subscriptions", strconv.Itoa(census.Subscriptions),
		"levels", strconv.Itoa(census.Levels), "coins", strconv.Itoa(census.Coins)))
	p.line(l.Text("stats.alerts", "n", n(status.Totals.Alerts), "queued", strconv.Itoa(status.Queued)))
	p.line(l.Text("stats.deliveries", "sent", n(sums[alert.Sent]),
		"failed", n(sums[alert.Failed]+sums[alert.Barred]), "uncertain", n(sums[alert.Uncertain]),
		"expired", n(sums[alert.Expired])))
	p.line(l.Text("stats.retired", "n", strconv.Itoa(census.Retired)))
}
