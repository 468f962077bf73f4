package telegram

import (
	"context"
	"sync"
)

// maxUploads bounds how many file ids are kept.
const maxUploads = 512

// uploads remembers the file ids of pictures that Telegram has, and makes the
// many who send one picture at once wait for the first upload: Telegram slows
// down uploads of equal size. It is safe for concurrent use.
type uploads struct {
	mu    sync.Mutex
	ids   map[string]string
	order []string // keys of ids, the oldest first
	busy  map[string]chan struct{}
}

func newUploads() *uploads {
	return &uploads{ids: make(map[string]string), busy: make(map[string]chan struct{})}
}

// known returns the file id of a picture, or "".
func (u *uploads) known(key string) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ids[key]
}

// wait returns when nobody uploads a picture.
func (u *uploads) wait(ctx context.Context, key string) error {
	for {
		u.mu.Lock()
		other := u.busy[key]
		u.mu.Unlock()
		if other == nil {
			return nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// begin returns the file id of a picture. When there is none, the caller uploads
// the picture and calls finish with the id it got, "" for none. It reports false
// when somebody else uploads it.
func (u *uploads) begin(key string) (id string, finish func(id string), ok bool) {
	if key == "" {
		return "", func(string) {}, true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if id := u.ids[key]; id != "" {
		return id, nil, true
	}
	if u.busy[key] != nil {
		return "", nil, false
	}
	u.busy[key] = make(chan struct{})
	return "", func(id string) { u.leave(key, id) }, true
}

func (u *uploads) leave(key, id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	close(u.busy[key])
	delete(u.busy, key)
	if id == "" {
		return
	}
	if _, ok := u.ids[key]; !ok {
		u.order = append(u.order, key)
	}
	u.ids[key] = id
	if len(u.order) > maxUploads {
		delete(u.ids, u.order[0])
		u.order = u.order[1:]
	}
}

// forget drops an id that Telegram did not take.
func (u *uploads) forget(key, id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ids[key] == id {
		u.ids[key] = ""
	}
}
