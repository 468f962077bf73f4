package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"liqbot/secret"
)

const planted = "planted-token-123"

func TestSecretIsNeverPrinted(t *testing.T) {
	type holder struct {
		Shown  secret.Secret
		hidden secret.Secret
	}
	s := secret.New(planted)
	h := holder{Shown: s, hidden: s}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{s, &s, h, &h, []secret.Secret{s}, map[string]holder{"a": h}, fmt.Errorf("because %v", h)} {
			fmt.Fprintf(&out, verb, v)
		}
	}
	encoded, err := json.Marshal(map[string]any{"s": s, "h": h})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("m", slog.Any("s", s), slog.Any("h", h), slog.Any("p", &h))
	}
	out.Write(log.Bytes())
	for _, shape := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%v", []byte(planted))} {
		if strings.Contains(out.String(), shape) {
			t.Errorf("%q was printed:\n%s", shape, out.String())
		}
	}
	if h.hidden.Reveal() != planted || !s.Set() || secret.New("").Set() || (secret.Secret{}).Set() || (secret.Secret{}).Reveal() != "" {
		t.Error("the secret does not hold its value")
	}
}
