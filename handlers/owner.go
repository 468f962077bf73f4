package handlers

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"liqbot/chat"
	"liqbot/snapshot"
)

// toOwner refuses to tell an owner where others would read it.
func (c *call) toOwner() (chat.Reply, bool) {
	if c.Kind != chat.Private && c.Target.Platform == chat.Telegram {
		// Nothing can be said to one member of a group there.
		return c.fail("error.private_only"), false
	}
	return chat.Reply{}, true
}

// health answers /health: what works and what does not, for the bot's owners.
func health(ctx context.Context, c *call) chat.Reply {
	if refusal, ok := c.toOwner(); !ok {
		return refusal
	}
	l, status := c.lang, c.opts.Status(ctx)
	var p paragraphs
	p.line(l.Text("health.title"))
	bad := 0
	for _, part := range status.Platforms {
		state, mark := l.Say("stats.up"), "✅"
		if !part.Up {
			state, mark = l.Say("stats.down"), "❌"
			bad++
		}
		if part.Detail != "" {
			state += ": " + part.Detail
		}
		p.line(chat.Plainly(mark + " " + l.Say("stats.platform", "platform", part.Name, "state", state)))
	}
	if f := c.opts.Snapshots.LastFailure(); f != nil {
		p.line(l.Text("stats.source_error", "age", l.Age(c.now.Sub(f.At)), "problem", string(snapshot.ProblemOf(f.Err))))
	}
	p.line(l.Text("health.queue", "n", strconv.Itoa(status.Queued)))
	if bad == 0 {
		p.line(l.Text("health.good"))
	}
	return chat.Reply{Text: p.text, Private: true}
}

const (
	// maxBroadcast is the longest text of a broadcast, in UTF-16 units: it has to fit a
	// message with its frame.
	maxBroadcast = 1500
	// broadcastWaits is how long a broadcast may be confirmed after it was shown.
	broadcastWaits = 15 * time.Minute
)

// drafts are the broadcasts that are shown and not confirmed, one an owner: they are kept in
// memory, as chat text that nobody has sent yet.
type drafts struct {
	mu  sync.Mutex
	all map[chat.Member]draft
}

type draft struct {
	id, words string
	at        time.Time
}

func (d *drafts) put(m chat.Member, fresh draft) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = make(map[chat.Member]draft)
	}
	d.all[m] = fresh
}

// take returns a draft with an id, once.
func (d *drafts) take(m chat.Member, id string, now time.Time) (draft, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found, ok := d.all[m]
	if !ok || found.id != id || now.Sub(found.at) > broadcastWaits {
		return draft{}, false
	}
	delete(d.all, m)
	return found, true
}

// broadcast answers /broadcast: shows an owner what everybody would be told, and tells it
// once that is confirmed.
func broadcast(ctx context.Context, c *call) chat.Reply {
	if refusal, ok := c.toOwner(); !ok {
		return refusal
	}
	if c.opts.Broadcast == nil {
		return c.fail("error.broken")
	}
	if c.Press != "" {
		return c.confirmBroadcast(ctx)
	}
	words := strings.TrimSpace(c.Text)
	words = strings.TrimSpace(words[max(0, strings.IndexFunc(words+" ", unicode.IsSpace)):])
	switch {
	case words == "":
		return c.fail("broadcast.usage")
	case chat.Units(words) > maxBroadcast:
		return c.fail("broadcast.long", "n", strconv.Itoa(maxBroadcast))
	}
	id := "b" + strconv.FormatInt(c.now.UnixNano(), 36)
	c.drafts.put(c.Member, draft{id: id, words: words, at: c.now})
	var p paragraphs
	p.line(c.lang.Text("broadcast.preview", "chats", c.lang.Count("broadcast.chats", c.opts.Status(ctx).Census.Chats)))
	p.gap()
	p.line(chat.Plainly(words))
	p.gap()
	p.line(c.lang.Text("broadcast.ask"))
	return chat.Reply{Text: p.text, Private: true, Buttons: [][]chat.Button{{
		{Label: c.lang.Say("broadcast.button"), Data: press("broadcast", id)}, {Label: c.lang.Say("button.cancel"), Data: press("broadcast", "cancel", id)},
	}}}
}

func (c *call) confirmBroadcast(ctx context.Context) chat.Reply {
	if len(c.args) == 2 && c.args[0] == "cancel" {
		c.drafts.take(c.Member, c.args[1], c.now)
		return chat.Reply{Text: c.lang.Text("broadcast.cancelled"), Edit: true}
	}
	if len(c.args) != 1 {
		return c.fail("error.old_button")
	}
	d, ok := c.drafts.take(c.Member, c.args[0], c.now)
	if !ok {
		return c.fail("broadcast.gone")
	}
	n, err := c.opts.Broadcast(ctx, d.id, d.words)
	if err != nil {
		c.drafts.put(c.Member, d)
		c.opts.Log.Error("broadcast not queued", slog.Any("err", err))
		return c.fail("error.not_saved")
	}
	return chat.Reply{Text: c.lang.Text("broadcast.done", "chats", c.lang.Count("broadcast.chats", n)), Edit: true}
}
