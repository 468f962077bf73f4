package handlers

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"

	"liqbot/alert"
	"liqbot/chat"
)

// proposal is a change of a chat's alerts that is shown, with what it would have done,
// before it is kept.
type proposal struct {
	subject subject
	before  alert.Chat
	entry   chat.Entry
	change  func(*alert.Chat)
	// of is what the forecast counts.
	of []ruleCoin
	// wouldBe says what would be, is says what is once it is kept.
	wouldBe, is chat.Text
	// look asks for the preview, also of a command that was typed.
	look bool
	// command and args are the button that keeps it, without its mark; back leads to where
	// it came from.
	command string
	args    []string
	back    []string
}

// keepMark begins the mark of a button that keeps a proposal; the rest tells of which
// state of the settings it was made.
const keepMark = "k"

// stateMark is short, and another one once a chat's thresholds or terms have changed.
func stateMark(a alert.Chat) string {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, a.Thresholds, a.Terms, a.MutedUntil.Unix()) // a hash takes everything
	return keepMark + fmt.Sprintf("%08x", h.Sum32())
}

var lookWords = []string{"preview", "look", "try", "показать", "проба", "预览"}

// takeLook takes the word out of the arguments that asks for a preview.
func (c *call) takeLook() bool {
	rest, look := takeWord(c.args, lookWords)
	if look {
		c.args = rest
	}
	return look
}

// takeMark takes the mark of a button that keeps a proposal out of the arguments.
func (c *call) takeMark() string {
	if last := len(c.args) - 1; c.Press != "" && last >= 0 && isMark(c.args[last]) {
		mark := c.args[last]
		c.args = c.args[:last]
		return mark
	}
	return ""
}

func isMark(word string) bool {
	return len(word) == len(keepMark)+8 && strings.HasPrefix(word, keepMark) && strings.Trim(word[1:], "0123456789abcdef") == ""
}

// propose shows what a change would have done, with a button that keeps it. A command that
// was typed in full is kept at once, with the same figures and a button to take it back,
// unless it asks for a look.
func (c *call) propose(ctx context.Context, mark string, p proposal) chat.Reply {
	if ok, refusal := c.mayChangeIn(ctx, p.subject); !ok {
		return refusal
	}
	after := p.before.Clone()
	p.change(&after)
	now := stateMark(p.before)
	switch {
	case now == stateMark(after):
		var text paragraphs
		text.line(c.lang.Text("proposal.same"))
		text.line(p.is)
		return c.told(p.subject, chat.Reply{Text: text.text, Buttons: c.leave(p), Edit: c.edit || mark != ""})
	case mark == now, mark == "" && c.Press == "" && !p.look:
		return c.keep(ctx, p, after)
	case mark != "":
		var text paragraphs
		text.line(c.lang.Text("proposal.changed"))
		return c.told(p.subject, chat.Reply{Text: text.text, Buttons: c.leave(p), Private: true})
	}
	var text paragraphs
	text.line(c.lang.Text("proposal.title"))
	text.line(p.wouldBe)
	c.sayForecast(ctx, &text, p.of, p.before, after, false)
	text.gap()
	text.line(c.lang.Text("proposal.ask"))
	keep := c.pressFor(p.subject, p.command, append(p.args, now)...)
	buttons := [][]chat.Button{{{Label: c.lang.Say("button.keep"), Data: keep}}}
	if keep == "" {
		text.line(c.lang.Text("proposal.too_long"))
	}
	return c.told(p.subject, chat.Reply{Text: text.text, Buttons: trimmed(append(buttons, c.leave(p)...)), Edit: c.edit})
}

// leave is the way back from a proposal.
func (c *call) leave(p proposal) [][]chat.Button {
	if len(p.back) == 0 {
		return nil
	}
	return trimmed([][]chat.Button{{{Label: c.lang.Say("button.back"), Data: c.pressFor(p.subject, p.back[0], append(p.back[1:], "edit")...)}}})
}

// keep keeps a proposal, with what it would have done, and offers to take it back.
func (c *call) keep(ctx context.Context, p proposal, after alert.Chat) chat.Reply {
	_, refusal, ok := c.changeAlerts(ctx, p.subject, p.entry, func(a *alert.Chat) error {
		if stateMark(*a) != stateMark(p.before) {
			return errRaced
		}
		p.change(a)
		return nil
	})
	if !ok {
		return refusal
	}
	var text paragraphs
	text.line(p.is)
	c.sayForecast(ctx, &text, p.of, p.before, after, true)
	buttons := append([][]chat.Button{{c.undoButton(ctx, p.subject)}}, c.leave(p)...)
	return c.told(p.subject, chat.Reply{Text: text.text, Buttons: trimmed(buttons), Edit: c.Press != ""})
}
