package main

import (
	"context"
	"sync"

	"liqbot/chat"
	"liqbot/handlers"
)

// maxWebChats bounds the web chats whose settings are remembered.
const maxWebChats = 10_000

// settings keeps what chats have chosen: in the store, but for web chats, which end
// with the process and would only leave dead rows there.
type settings struct {
	store handlers.Settings

	mu  sync.Mutex
	web map[string]chat.Settings
}

func newSettings(store handlers.Settings) *settings {
	return &settings{store: store, web: make(map[string]chat.Settings)}
}

// Settings returns what a chat has chosen.
func (s *settings) Settings(ctx context.Context, t chat.Target) (chat.Settings, error) {
	if t.Platform != chat.Web {
		return s.store.Settings(ctx, t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.web[t.Chat], nil
}

// Change changes what a chat has chosen.
func (s *settings) Change(ctx context.Context, t chat.Target, change func(*chat.Settings)) error {
	if t.Platform != chat.Web {
		return s.store.Change(ctx, t, change)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.web) >= maxWebChats {
		clear(s.web)
	}
	chosen := s.web[t.Chat]
	change(&chosen)
	s.web[t.Chat] = chosen
	return nil
}
