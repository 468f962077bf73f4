package telemetry

import (
	"regexp"
	"strings"
	"sync"

	"liqbot/chat"
)

// other is the label of everything that has no label of its own.
const other = "other"

// command is the label of a request: a known command, "button", or "other".
func (m *Metrics) command(r chat.Request) string {
	if r.Press != "" {
		return "button"
	}
	word, _, _ := strings.Cut(strings.TrimSpace(r.Text), " ")
	name, isCommand := strings.CutPrefix(word, "/")
	name, _, _ = strings.Cut(name, "@")
	name = strings.ToLower(name)
	if !isCommand || !m.commands[name] {
		return other
	}
	return name
}

func platformLabel(p chat.Platform) string {
	switch p {
	case chat.Telegram, chat.Discord, chat.Web, chat.Console:
		return string(p)
	default:
		return other
	}
}

// maxNames bounds the values that one label takes over the life of a process.
const maxNames = 64

var labelName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_ .-]{0,39}$`)

// names admits the first values of a label and calls the rest "other": should a
// package build a name from input by mistake, memory stays bounded.
type names struct {
	mu   sync.Mutex
	seen map[string]bool
}

func newNames() *names { return &names{seen: make(map[string]bool)} }

func (n *names) label(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen[name] {
		return name
	}
	if len(n.seen) >= maxNames || !labelName.MatchString(name) {
		return other
	}
	n.seen[name] = true
	return name
}
