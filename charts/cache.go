package charts

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/snapshot"
)

// maxPictures bounds the cache: at about 45 KB each, some 11 MB.
const maxPictures = 256

// cacheKey names a picture.
type cacheKey struct {
	id       uint64
	language string
	shape    chat.Shape
	// span is that of a picture of realised liquidations, 0 for a map.
	span time.Duration
	// heatmap says that id is that of a heatmap.
	heatmap bool
}

func newCacheKey(s *snapshot.Snapshot, l *locales.Language, shape chat.Shape) cacheKey {
	return cacheKey{id: s.ID, language: l.Tag(), shape: shape}
}

// cached is a picture and what it is of.
type cached struct {
	picture *chat.Picture
	of      snapshot.Key
	// turn counts stores, so that the oldest can go first.
	turn uint64
}

// cache keeps finished pictures. Readers load a map that never changes; writers
// replace it by a copy, which costs far less than the picture did. The zero cache
// is empty and ready.
type cache struct {
	pictures atomic.Pointer[map[cacheKey]cached]
	mu       sync.Mutex
	turn     uint64
}

func (c *cache) load(key cacheKey) (*chat.Picture, bool) {
	pictures := c.pictures.Load()
	if pictures == nil {
		return nil, false
	}
	found, ok := (*pictures)[key]
	return found.picture, ok
}

// store adds a picture and drops those of older snapshots of the same coin and
// window. A picture that is itself older than one in the cache is not kept.
func (c *cache) store(key cacheKey, of snapshot.Key, p *chat.Picture) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[cacheKey]cached)
	if old := c.pictures.Load(); old != nil {
		maps.Copy(next, *old)
	}
	for k, have := range next {
		switch {
		case have.of != of:
		case k.id > key.id:
			return
		case k.id < key.id:
			delete(next, k)
		}
	}
	for len(next) >= maxPictures {
		delete(next, oldest(next))
	}
	c.turn++
	next[key] = cached{picture: p, of: of, turn: c.turn}
	c.pictures.Store(&next)
}

func oldest(pictures map[cacheKey]cached) cacheKey {
	var key cacheKey
	least := ^uint64(0)
	for k, have := range pictures {
		if have.turn < least {
			key, least = k, have.turn
		}
	}
	return key
}
