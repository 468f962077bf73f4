package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"liqbot/secret"
	"liqbot/telemetry"
)

// An invented token in Telegram's form, and a key of characters that every
// escaper changes.
const (
	token  = "123456789:AAHinvented-token_for+tests/0123456789"
	oddKey = `k"ey\with <odd> & %bytes/ä`
)

func TestLoggerHidesSecrets(t *testing.T) {
	inURL := &url.Error{Op: "Post", URL: "https://api.telegram.org/bot" + token + "/sendMessage", Err: errors.New("refused")}
	asJSON, err := json.Marshal(map[string]string{"key": oddKey})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(*slog.Logger){
		"raw attribute":      func(l *slog.Logger) { l.Info("m", slog.String("token", token)) },
		"message":            func(l *slog.Logger) { l.Info("got " + token) },
		"key":                func(l *slog.Logger) { l.Info("m", slog.Int(strings.Clone(token), 1)) },
		"group":              func(l *slog.Logger) { l.WithGroup(token).Info("m", slog.Int("a", 1)) },
		"bound attribute":    func(l *slog.Logger) { l.With(slog.String("a", token)).Info("m") },
		"error of net/http":  func(l *slog.Logger) { l.Error("m", slog.Any("err", inURL)) },
		"query escaped":      func(l *slog.Logger) { l.Info("m", slog.String("url", "/?k="+url.QueryEscape(token))) },
		"path escaped":       func(l *slog.Logger) { l.Info("m", slog.String("url", "/"+url.PathEscape(token))) },
		"lower case escapes": func(l *slog.Logger) { l.Info("m", slog.String("url", strings.ToLower(url.QueryEscape(":"))+token)) },
		"odd key":            func(l *slog.Logger) { l.Info("m", slog.String("key", oddKey)) },
		"odd key quoted":     func(l *slog.Logger) { l.Info("m", slog.String("key", fmt.Sprintf("%q", oddKey))) },
		"odd key in a URL":   func(l *slog.Logger) { l.Info("m", slog.String("url", "/"+url.PathEscape(oddKey))) },
		"odd key in JSON":    func(l *slog.Logger) { l.Info("m", slog.String("body", string(asJSON))) },
		"inside a struct":    func(l *slog.Logger) { l.Info("m", slog.Any("v", struct{ Key string }{oddKey})) },
		"bytes":              func(l *slog.Logger) { l.Info("m", slog.Any("v", []byte(token))) },
	}
	for name, log := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log(telemetry.NewLogger(&out, slog.LevelInfo, secret.New(token), secret.New(oddKey), secret.New("")))
			got := out.String()
			if !strings.Contains(got, "[redacted]") {
				t.Errorf("nothing was redacted in %s", got)
			}
			for _, part := range []string{"AAHinvented", "with", "odd", "bytes"} {
				if strings.Contains(got, part) {
					t.Errorf("%q is left in %s", part, got)
				}
			}
		})
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, slog.LevelInfo)
	log.Debug("not shown")
	log.Info("shown", slog.String("name", "a\nlevel=ERROR msg=forged \x1b[31m"))
	got := out.String()
	if strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("a value broke out of its line: %q", got)
	}
	if strings.Contains(got, "not shown") {
		t.Errorf("debug records are shown at level info: %q", got)
	}
	if first, _, _ := strings.Cut(got, " "); !strings.HasSuffix(first, "Z") {
		t.Errorf("time %q is not in UTC", first)
	}
}

func TestRedactor(t *testing.T) {
	tests := []struct {
		name    string
		secrets []string
		in      string
		want    string
	}{
		{"no secrets", nil, "plain", "plain"},
		{"short values are left alone", []string{"abc"}, "abcdef", "abcdef"},
		{"one that begins with another", []string{"secret", "secret-tail"}, "a secret-tail b secret", "a [redacted] b [redacted]"},
		{"twice in a row", []string{"secret"}, "secretsecret", "[redacted][redacted]"},
		{"escaped in lower case", []string{"key:value"}, "key%3avalue", "[redacted]"},
		{"invalid UTF-8 stays", []string{"secret"}, "\xff secret", "\xff [redacted]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var secrets []secret.Secret
			for _, s := range tt.secrets {
				secrets = append(secrets, secret.New(s))
			}
			if got := telemetry.NewRedactor(secrets...).String(tt.in); got != tt.want {
				t.Errorf("String(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestRedactingWriterKeepsItsContract(t *testing.T) {
	var out bytes.Buffer
	w := telemetry.NewRedactor(secret.New(token)).Writer(&out)
	line := "error: " + token + "\n"
	if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
		t.Errorf("Write = %d, %v, want %d, nil", n, err, len(line))
	}
	if got, want := out.String(), "error: [redacted]\n"; got != want {
		t.Errorf("wrote %q, want %q", got, want)
	}
}

func FuzzRedactor(f *testing.F) {
	f.Add("before ", token, " after")
	f.Add("", oddKey, "\xff")
	f.Fuzz(func(t *testing.T, before, value, after string) {
		if len(value) < 6 || strings.Contains("[redacted]", value) {
			t.Skip()
		}
		r := telemetry.NewRedactor(secret.New(value))
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), fmt.Sprintf("%q", value)} {
			if got := r.String(form); !strings.Contains(got, "[redacted]") || strings.Contains(got, value) {
				t.Errorf("String(%q) = %q keeps the secret %q", form, got, value)
			}
			if got := r.String(before + form + after); !strings.Contains(got, "[redacted]") {
				t.Errorf("nothing redacted in %q", got)
			}
		}
	})
}
