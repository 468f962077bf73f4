package recorded

import (
	"encoding/json"
	"fmt"
)

// AppendHeader adds a header and a line feed to out. A zero Kind and Version are
// filled in. A header that DecodeHeader would refuse is an error.
func AppendHeader(out []byte, h Header) ([]byte, error) {
	h.Kind, h.Version = KindMarket, Version
	if err := h.check(); err != nil {
		return out, fmt.Errorf("recorded: encode header: %w", err)
	}
	return appendLine(out, h)
}

// AppendEvent adds an event and a line feed to out. An event that DecodeEvent
// would refuse is an error.
func AppendEvent(out []byte, e Event) ([]byte, error) {
	if !e.Kind.known() {
		return out, fmt.Errorf("recorded: encode event: %w: %q", ErrUnknownKind, e.Kind)
	}
	if err := e.check(); err != nil {
		return out, fmt.Errorf("recorded: encode %s: %w", e.Kind, err)
	}
	return appendLine(out, e)
}

func appendLine(out []byte, v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return out, fmt.Errorf("recorded: encode: %w", err)
	}
	if len(line) >= MaxLine {
		return out, fmt.Errorf("recorded: encode: a line of %d bytes, want at most %d", len(line), MaxLine)
	}
	return append(append(out, line...), '\n'), nil
}
