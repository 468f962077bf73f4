// Package telemetry is how a running bot is watched: the log set-up with its
// redaction of secrets, the Prometheus metrics, and the health of the bot's
// parts. It holds no chat text and no token, decides nothing and owns no
// goroutine. Packages below cmd/bot do not import it: they are handed a
// *slog.Logger and small functions. Everything here is safe for concurrent use.
package telemetry

import (
	"io"
	"log/slog"

	"liqbot/secret"
)

// NewLogger writes one line of key=value pairs a record, times in UTC. Values
// are quoted where needed, so a hostile name cannot forge a line. The secrets
// are replaced by "[redacted]" wherever they stand.
func NewLogger(w io.Writer, level slog.Level, secrets ...secret.Secret) *slog.Logger {
	return slog.New(slog.NewTextHandler(NewRedactor(secrets...).Writer(w), &slog.HandlerOptions{
		Level:       level,
		ReplaceAttr: inUTC,
	}))
}

func inUTC(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	}
	return a
}
