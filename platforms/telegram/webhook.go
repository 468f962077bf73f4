package telegram

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-telegram/bot"
)

const (
	// maxUpdate is the largest update that is read, in bytes.
	maxUpdate = 1 << 20
	// hookWait is how long a delivery waits for its update to be claimed. Telegram
	// gives up after about a minute.
	hookWait = 10 * time.Second
	// hookConnections is how many deliveries Telegram may make at once.
	hookConnections = 40
)

// hook registers the webhook and waits for the end
// (https://core.telegram.org/bots/api#setwebhook). The webhook stays set: updates
// then wait for the next start.
func (s *session) hook(ctx context.Context) error {
	err := s.insist(ctx, func(ctx context.Context) error {
		_, err := s.api.SetWebhook(ctx, &bot.SetWebhookParams{
			URL:            s.cfg.Webhook.URL,
			SecretToken:    s.secret.Reveal(),
			AllowedUpdates: kinds,
			MaxConnections: hookConnections,
		})
		return err
	})
	if err != nil {
		return err
	}
	s.report(true, "")
	s.cfg.Log.Info("telegram webhook set")
	<-ctx.Done()
	return nil
}

// serveWebhook answers 200 only when the update is safe, so that Telegram
// delivers it again otherwise.
func (a *Adapter) serveWebhook(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	if !a.authentic(r.Header.Get("X-Telegram-Bot-Api-Secret-Token")) {
		a.cfg.Count("webhook_denied")
		http.Error(w, "wrong secret", http.StatusUnauthorized)
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpdate))
	if err != nil {
		status := http.StatusBadRequest
		if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
			status = http.StatusRequestEntityTooLarge
		}
		a.cfg.Count("dropped_malformed")
		http.Error(w, "unreadable body", status)
		return
	}
	if wait := a.deliverable(r.Context(), raw); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}
}

// authentic compares in constant time, whatever the lengths.
func (a *Adapter) authentic(given string) bool {
	want, got := sha256.Sum256([]byte(a.secret.Reveal())), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// deliverable takes an update and returns 0 when it is safe, else after how many
// seconds Telegram should deliver it again.
func (a *Adapter) deliverable(ctx context.Context, raw []byte) int {
	s := a.current.Load()
	if s == nil {
		return 5
	}
	overload := false
	t, _ := s.acceptOr(raw, false, func() { overload = true })
	if overload {
		a.cfg.Log.Debug("telegram webhook overloaded", slog.Int("bytes", len(raw)))
		return 5
	}
	if t == nil {
		return 0
	}
	timer := time.NewTimer(hookWait)
	defer timer.Stop()
	select {
	case <-t.settled:
		return 0
	case <-timer.C:
	case <-ctx.Done():
	}
	return 1
}
