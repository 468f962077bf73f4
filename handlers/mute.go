package handlers

import (
	"context"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
)

// mute answers /mute: no alerts for a while.
func mute(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if len(c.args) == 0 {
		return c.muteState(ctx, s)
	}
	var until time.Time
	entry := c.entry("unmute")
	if len(c.args) > 1 || !offWord(c.args[0]) {
		words, _ := takeWord(splitUntil(c.args), untilWords)
		var err error
		if until, err = parseMoment(words, c.now.In(c.lang.Zone())); err != nil || until.Sub(c.now) > locales.MaxSpan {
			return c.fail("error.mute_span")
		}
		entry = c.entry("mute", "until", until.UTC().Format(time.RFC3339))
	}
	a, refusal, ok := c.changeAlerts(ctx, s, entry, func(a *alert.Chat) error {
		a.MutedUntil = until
		return nil
	})
	if !ok {
		return refusal
	}
	return c.muted(s, a)
}

func (c *call) muteState(ctx context.Context, s subject) chat.Reply {
	a, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	return c.muted(s, a)
}

// muted says until when a chat is muted.
func (c *call) muted(s subject, a alert.Chat) chat.Reply {
	return c.told(s, chat.Reply{Text: c.muteWords(a), Buttons: trimmed([][]chat.Button{c.muteButtons(s, a)}), Edit: c.edit})
}

// muteWords say whether a chat is muted, and until when.
func (c *call) muteWords(a alert.Chat) chat.Text {
	if a.MutedUntil.After(c.now) {
		return c.lang.Text("mute.on", "time", c.lang.DateTime(a.MutedUntil))
	}
	return c.lang.Text("mute.off")
}

// sayMuted adds a line for a chat that is muted.
func (c *call) sayMuted(p *paragraphs, a alert.Chat) {
	if a.MutedUntil.After(c.now) {
		p.line(c.muteWords(a))
	}
}

// muteButtons offer to mute, or to end it.
func (c *call) muteButtons(s subject, a alert.Chat) []chat.Button {
	l := c.lang
	if a.MutedUntil.After(c.now) {
		return []chat.Button{{Label: l.Say("button.unmute"), Data: c.pressFor(s, "mute", "off")}}
	}
	return []chat.Button{
		{Label: l.Say("button.mute", "span", l.Span(time.Hour)), Data: c.pressFor(s, "mute", "1h")},
		{Label: l.Say("button.mute", "span", l.Span(8*time.Hour)), Data: c.pressFor(s, "mute", "8h")},
	}
}
