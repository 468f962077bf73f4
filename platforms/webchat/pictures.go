package webchat

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"liqbot/chat"
)

// Bounds of the pictures kept for browsers to fetch. A browser fetches a picture
// right after its reply and keeps it, so the newest ones suffice.
const (
	maxPictures     = 64
	maxPictureBytes = 16 << 20
)

// pictures keeps the newest pictures by a hash of their content, so that a URL
// always means the same picture and browsers may keep it for good.
type pictures struct {
	maxCount, maxBytes int

	mu    sync.Mutex
	byID  map[string][]byte
	order []string
	bytes int
}

func newPictures(maxCount, maxBytes int) *pictures {
	return &pictures{maxCount: maxCount, maxBytes: maxBytes, byID: make(map[string][]byte)}
}

// put keeps a picture and returns its id; false when it is too large to keep.
func (p *pictures) put(png []byte) (string, bool) {
	if len(png) == 0 || len(png) > p.maxBytes {
		return "", false
	}
	sum := sha256.Sum256(png)
	id := hex.EncodeToString(sum[:16])
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, kept := p.byID[id]; kept {
		// It is about to be fetched again: it counts as new.
		p.order = append(slices.DeleteFunc(p.order, func(other string) bool { return other == id }), id)
		return id, true
	}
	for len(p.order) >= p.maxCount || p.bytes+len(png) > p.maxBytes {
		oldest := p.order[0]
		p.bytes -= len(p.byID[oldest])
		delete(p.byID, oldest)
		p.order = p.order[1:]
	}
	p.byID[id] = png
	p.order = append(p.order, id)
	p.bytes += len(png)
	return id, true
}

func (p *pictures) get(id string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byID[id]
}

// picture is the JSON of a picture.
type picture struct {
	id     string
	URL    string `json:"url"`
	Alt    string `json:"alt"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// publish makes a picture fetchable; nil for none.
func (p *pictures) publish(shown *chat.Picture) *picture {
	if shown == nil {
		return nil
	}
	id, ok := p.put(shown.PNG)
	if !ok {
		return nil
	}
	return &picture{id: id, URL: "/pictures/" + id + ".png", Alt: shown.Alt, Width: shown.Width, Height: shown.Height}
}

func (s *Server) servePicture(w http.ResponseWriter, r *http.Request) {
	var png []byte
	if id, ok := strings.CutSuffix(r.PathValue("name"), ".png"); ok {
		if png = s.pictures.get(id); png == nil {
			png = s.cfg.Feed.pictures.get(id)
		}
	}
	if png == nil {
		s.refuse(w, r, http.StatusNotFound, "not_found")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Length", strconv.Itoa(len(png)))
	h.Set("Cache-Control", forever)
	_, _ = w.Write(png) // an error is a browser that left
}
