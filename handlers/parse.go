package handlers

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"liqbot/chat"
	"liqbot/market"
)

const (
	// maxText is the longest text that is read, in bytes. Commands are short.
	maxText = 256
	// pressVersion begins the data of every button of this version.
	pressVersion = "v1"
)

// parse finds the command of a request and its arguments. Without a command it
// returns the answer instead, which may be silence.
func (c *call) parse() (command, chat.Reply) {
	if c.Press != "" {
		return c.parsePress()
	}
	long := len(c.Text) > maxText
	words := split(c.Text[:min(len(c.Text), maxText)])
	if len(words) == 0 || !strings.HasPrefix(words[0], "/") {
		return c.parsePlain(words, long)
	}
	name, _, _ := strings.Cut(strings.ToLower(words[0][1:]), "@")
	cmd, ok := c.commands[name]
	switch {
	case !ok && !c.Addressed:
		return command{}, chat.Reply{} // another bot's
	case !ok:
		return command{}, c.fail("error.unknown_command")
	case long && !cmd.long:
		return command{}, c.fail("error.too_many")
	default:
		c.args = words[1:]
		return cmd, chat.Reply{}
	}
}

// parsePlain reads a text without a command: where the bot was spoken to, a coin
// alone means its map.
func (c *call) parsePlain(words []string, long bool) (command, chat.Reply) {
	if !c.Addressed {
		return command{}, chat.Reply{}
	}
	if len(words) > 0 && len(words) <= 2 && !long {
		if _, ok := c.coin(words[0]); ok {
			c.args = words
			return c.commands["liq"], chat.Reply{}
		}
	}
	return command{}, c.fail("error.plain_text")
}

// parsePress reads the data of a button: v1|command|argument..., with "edit" last (of a
// menu, first) when the message is to be replaced. Whatever else comes is an old or a forged
// button.
func (c *call) parsePress() (command, chat.Reply) {
	fields := strings.Split(c.Press, "|")
	old := func() (command, chat.Reply) { return command{}, c.fail("error.old_button") }
	if len(c.Press) > chat.MaxPress || len(fields) < 2 || fields[0] != pressVersion {
		return old()
	}
	cmd, ok := c.commands[fields[1]]
	if !ok || !cmd.press {
		return old()
	}
	args := fields[2:]
	switch n := len(args); {
	case n > 0 && args[n-1] == "edit":
		c.edit, args = true, args[:n-1]
	case n > 1 && args[0] == "edit": // of a menu, whose choice comes last
		c.edit, args = true, args[1:]
	}
	for _, arg := range args {
		if arg == "" || len(split(arg)) != 1 {
			return old()
		}
	}
	c.args = args
	return cmd, chat.Reply{}
}

// press makes the data of a button.
func press(name string, args ...string) string {
	return strings.Join(append([]string{pressVersion, name}, args...), "|")
}

// split cuts a text into words. Full-width forms become plain ones, invisible and
// control characters go, any kind of space separates.
func split(text string) []string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r), unicode.IsControl(r):
			return -1
		default:
			return r
		}
	}, norm.NFKC.String(strings.ToValidUTF8(text, "")))
	return strings.Fields(clean)
}

// windows are the ways in which people write a look-back.
var windows = map[string]market.Window{
	"1d": market.Day, "24h": market.Day, "1day": market.Day, "day": market.Day,
	"7d": market.Week, "1w": market.Week, "7day": market.Week, "7days": market.Week, "week": market.Week, "168h": market.Week,
	"30d": market.Month, "1m": market.Month, "30day": market.Month, "30days": market.Month, "month": market.Month, "720h": market.Month,
}

func parseWindow(word string) (market.Window, bool) {
	w, ok := windows[strings.ToLower(word)]
	return w, ok
}

// looksLikeWindow reports whether a word was meant as a look-back: digits and then
// a unit.
func looksLikeWindow(word string) bool {
	digits := strings.TrimRight(strings.ToLower(word), "adehikmnorstuwy")
	return digits != "" && len(digits) < len(word) && strings.Trim(digits, "0123456789") == ""
}

// target reads a coin and a window from the arguments, in either order, and fills
// what is missing from the chat's settings. The reply is the refusal.
func (c *call) target() (coin market.Coin, window market.Window, refusal chat.Reply, ok bool) {
	coin, window = c.defaults()
	var haveCoin, haveWindow bool
	for _, word := range c.args {
		if w, is := parseWindow(word); is && !haveWindow {
			window, haveWindow = w, true
			continue
		}
		if haveCoin {
			return "", "", c.surplus(word), false
		}
		found, listed := c.coin(word)
		switch {
		case listed:
		case looksLikeWindow(word):
			return "", "", c.fail("error.unknown_window"), false
		default:
			return "", "", c.unknownCoin(word), false
		}
		coin, haveCoin = found, true
	}
	return coin, window, chat.Reply{}, true
}

// surplus answers a word that is one too many.
func (c *call) surplus(word string) chat.Reply {
	if _, listed := c.coin(word); listed {
		return c.fail("error.too_many")
	}
	return c.fail("error.unknown_window")
}

// defaults are the coin and window of a command that names none.
func (c *call) defaults() (market.Coin, market.Window) { return defaultsOf(c.settings) }

func defaultsOf(settings chat.Settings) (market.Coin, market.Window) {
	coin, window := DefaultCoin, DefaultWindow
	if w, err := market.ParseWindow(settings.Window); err == nil {
		window = w
	}
	if chosen, err := market.ParseCoin(settings.Coin); err == nil {
		coin = chosen
	}
	return coin, window
}
