package telegram

import (
	"context"
	"errors"
	"strings"
	"testing"

	"liqbot/platforms/telegram/telegramtest"
)

// Which errors of the client library are successes cannot be brought about through
// the server: it builds every request that this package makes.
func TestOnlyAnUnreadAnswerIsASuccess(t *testing.T) {
	s := &session{}
	unread := errors.New("cannot decode")
	done := watched(t.Context())
	*done.Value(outcomeKey{}).(*bool) = true
	tests := map[string]struct {
		ctx  context.Context //nolint:containedctx // a case of a test
		err  error
		want string
	}{
		"sent":           {done, nil, ""},
		"answer unread":  {done, unread, ""},
		"not built":      {watched(t.Context()), unread, "telegram: sendMessage: the client library failed"},
		"refused":        {watched(t.Context()), newAPIError("sendMessage", 403, "Forbidden: bot was kicked"), "telegram: sendMessage: 403 bot was kicked"},
		"nobody watches": {t.Context(), unread, "telegram: sendMessage: the client library failed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := s.sent(tt.ctx, "sendMessage", tt.err); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("sent = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRedactHidesBeforeItCuts(t *testing.T) {
	wire := newTransport(telegramtest.Token)
	for at := 110; at <= 165; at++ {
		got := wire.redact(errors.New(strings.Repeat("x", at) + telegramtest.Token))
		if strings.Contains(got, "x1") {
			t.Errorf("token at %d: %q", at, got)
		}
	}
}
