package telemetry_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/telemetry"
)

func get(t *testing.T, h http.Handler, method string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
	return w
}

func TestReadyz(t *testing.T) {
	h := telemetry.NewHealth()
	h.Set("telegram", false, "cannot be reached\n\x1b[31m")
	h.Set("discord", true, "")
	if got := get(t, h.Readyz(), http.MethodGet).Code; got != http.StatusServiceUnavailable {
		t.Errorf("before SetReady: status %d, want 503", got)
	}
	h.SetReady(true)
	w := get(t, h.Readyz(), http.MethodGet)
	if w.Code != http.StatusOK {
		t.Errorf("with a part down: status %d, want 200", w.Code)
	}
	var body struct {
		Status string
		Parts  []telemetry.Part
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	for i := range body.Parts {
		if body.Parts[i].Since.IsZero() {
			t.Errorf("part %s has no time", body.Parts[i].Name)
		}
		body.Parts[i].Since = time.Time{}
	}
	want := []telemetry.Part{
		{Name: "discord", Up: true},
		{Name: "telegram", Reason: "cannot be reached[31m"},
	}
	if diff := cmp.Diff(want, body.Parts); diff != "" || body.Status != "ready" {
		t.Errorf("status %q, parts (-want +got):\n%s", body.Status, diff)
	}
}

func TestHealthz(t *testing.T) {
	h := telemetry.NewHealth()
	if got := get(t, h.Healthz(), http.MethodGet).Code; got != http.StatusOK {
		t.Errorf("GET before the bot is ready: status %d, want 200", got)
	}
	if got := get(t, h.Healthz(), http.MethodPost).Code; got != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d, want 405", got)
	}
}

func TestPartSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := telemetry.NewHealth()
		start := time.Now().UTC()
		h.Set("telegram", false, "refused")
		<-time.After(time.Minute)
		h.Set("telegram", false, "refused again")
		if got := h.Parts()[0]; !got.Since.Equal(start) || got.Reason != "refused again" {
			t.Errorf("down all along: %+v, want since %v with the newest reason", got, start)
		}
		h.Set("telegram", true, "")
		if got := h.Parts()[0].Since; !got.Equal(start.Add(time.Minute)) {
			t.Errorf("since %v, want the moment it came up, %v", got, start.Add(time.Minute))
		}
	})
}

func TestHealthIsBounded(t *testing.T) {
	h := telemetry.NewHealth()
	for i := range 1000 {
		h.Set(fmt.Sprint("part", i), true, strings.Repeat("é", 1000))
	}
	parts := h.Parts()
	if len(parts) > 32 || len(parts[0].Reason) > 200 {
		t.Errorf("%d parts, a reason of %d bytes", len(parts), len(parts[0].Reason))
	}
}
