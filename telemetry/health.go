package telemetry

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Part is a part of the bot that can be up or down: a chat platform, a source.
type Part struct {
	// Name is a short constant, such as "telegram".
	Name string `json:"name"`
	Up   bool   `json:"up"`
	// Reason says in plain words why the part is down; it may be empty.
	Reason string `json:"reason,omitempty"`
	// Since is when the part last went up or down, UTC.
	Since time.Time `json:"since"`
}

// Bounds of what is kept and shown of the parts.
const (
	maxParts  = 32
	maxReason = 200
)

// Health knows which parts of the bot are up and whether the bot serves.
type Health struct {
	mu    sync.Mutex
	ready bool
	parts map[string]Part
}

// NewHealth returns the health of a bot that does not serve yet and has no parts.
func NewHealth() *Health { return &Health{parts: make(map[string]Part)} }

// Set records that a part is up or down. The reason is shown to whoever can
// reach /readyz, so it holds no token, no address and no chat text; control
// characters are dropped and it is cut after 200 bytes.
func (h *Health) Set(part string, up bool, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old, known := h.parts[part]
	if !known && len(h.parts) >= maxParts {
		return
	}
	since := old.Since
	if !known || old.Up != up {
		since = time.Now().UTC()
	}
	h.parts[part] = Part{Name: part, Up: up, Reason: tidy(reason), Since: since}
}

// SetReady records whether the bot serves.
func (h *Health) SetReady(ready bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ready = ready
}

// Ready reports whether the bot serves.
func (h *Health) Ready() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ready
}

// Parts returns all parts by name. The caller may keep the slice.
func (h *Health) Parts() []Part {
	h.mu.Lock()
	defer h.mu.Unlock()
	parts := make([]Part, 0, len(h.parts))
	for _, p := range h.parts {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b Part) int { return cmp.Compare(a.Name, b.Name) })
	return parts
}

// Healthz answers 200 for as long as the process can answer at all: a supervisor
// restarts the bot when it does not.
func (h *Health) Healthz() http.Handler {
	return reading(func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	})
}

// Readyz answers 200 once the bot serves and 503 before. A part that is down is
// named in the body and does not make the bot unready: the others still answer.
func (h *Health) Readyz() http.Handler {
	return reading(func(w http.ResponseWriter, _ *http.Request) {
		body := struct {
			Status string `json:"status"`
			Parts  []Part `json:"parts"`
		}{"ready", h.Parts()}
		code := http.StatusOK
		if !h.Ready() {
			body.Status, code = "starting", http.StatusServiceUnavailable
		}
		writeJSON(w, code, body)
	})
}

// reading lets only GET and HEAD through.
func reading(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		next(w, r)
	})
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	// An error here is a prober that hung up.
	_ = json.NewEncoder(w).Encode(body)
}

func tidy(reason string) string {
	if len(reason) > maxReason {
		reason = reason[:maxReason]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, reason)
}
