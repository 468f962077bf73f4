// Package secret keeps a token or key from being printed. A Secret shows as
// "[redacted]" through fmt, encoding/json and log/slog; only Reveal gives it out.
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a token or key. The zero value is "not set". The value lies behind a
// pointer: package fmt cannot call Format on an unexported field, and so prints an
// address there instead of the value.
type Secret struct{ value *string }

// New wraps a value.
func New(value string) Secret { return Secret{&value} }

// Reveal returns the value itself, to be handed to the one who needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Set reports whether there is a value.
func (s Secret) Set() bool { return s.Reveal() != "" }

// Format hides the value from every verb of package fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the value from package slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the value from encoding/json and its kin.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
