package main

import (
	"context"
	"sync"

	"golang.org/x/time/rate"

	"liqbot/chat"
	"liqbot/locales"
)

// How much a member and a chat may ask: a burst, then so many a second. A person
// does not come near; a script that floods the bot gets one notice, then silence.
const (
	memberBurst, memberRate = 60, 1
	chatBurst, chatRate     = 150, 3
	// maxFlows bounds the members and chats that are remembered.
	maxFlows = 20_000
)

// floodgate keeps one flooder from using up the bot for the others. The web chat
// and the command line have limits of their own.
type floodgate struct {
	mu    sync.Mutex
	flows map[any]*flow
}

// flow is what one member or chat may still ask.
type flow struct {
	limit  *rate.Limiter
	warned bool
}

func newFloodgate() *floodgate { return &floodgate{flows: make(map[any]*flow)} }

// guard wraps a handler.
func (g *floodgate) guard(next chat.Handler) chat.Handler {
	return func(ctx context.Context, r chat.Request) chat.Reply {
		if r.Target.Platform != chat.Telegram && r.Target.Platform != chat.Discord {
			return next(ctx, r)
		}
		switch pass, notice := g.admit(r); {
		case pass:
			return next(ctx, r)
		case notice:
			tag, _ := locales.Match(r.LanguageHint)
			l := locales.For(tag)
			return chat.Reply{Text: l.Text("error.slow_down"), Private: true, Language: l.Tag()}
		default:
			return chat.Reply{}
		}
	}
}

// admit reports whether a request may pass and, if not, whether to say so.
func (g *floodgate) admit(r chat.Request) (pass, notice bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	flows := []*flow{g.flow(chat.Target{Platform: r.Target.Platform, Chat: r.Target.Chat}, chatRate, chatBurst)}
	if r.Member.ID != "" {
		flows = append(flows, g.flow(r.Member, memberRate, memberBurst))
	}
	for _, f := range flows {
		if !f.limit.Allow() {
			notice = !f.warned
			f.warned = true
			return false, notice
		}
		f.warned = false
	}
	return true, false
}

func (g *floodgate) flow(key any, perSecond rate.Limit, burst int) *flow {
	f, ok := g.flows[key]
	if !ok {
		if len(g.flows) >= maxFlows {
			clear(g.flows)
		}
		f = &flow{limit: rate.NewLimiter(perSecond, burst)}
		g.flows[key] = f
	}
	return f
}
