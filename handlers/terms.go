package handlers

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/locales"
)

// changeTerms keeps a change of how a chat wants to be told, and says how it is now.
func (c *call) changeTerms(ctx context.Context, s subject, e chat.Entry, change func(*alert.Terms)) chat.Reply {
	a, refusal, ok := c.changeAlerts(ctx, s, e, func(a *alert.Chat) error {
		change(&a.Terms)
		return nil
	})
	if !ok {
		return refusal
	}
	return c.termsReply(ctx, s, a)
}

// termsReply says how a chat is told of alerts.
func (c *call) termsReply(ctx context.Context, s subject, a alert.Chat) chat.Reply {
	var p paragraphs
	c.sayMuted(&p, a)
	c.sayTerms(&p, a.Terms, c.settingsOf(ctx, s).TimeZone)
	buttons := [][]chat.Button{{c.undoButton(ctx, s)}, {
		{Label: c.lang.Say("button.settings"), Data: c.pressFor(s, "settings", "edit")},
	}}
	return c.told(s, chat.Reply{Text: p.text, Buttons: trimmed(buttons), Edit: c.edit})
}

// sayTerms says how a chat is told, a line each.
func (c *call) sayTerms(p *paragraphs, t alert.Terms, zone string) {
	p.line(c.quietWords(t.Quiet))
	c.sayDigest(p, t.Digest)
	c.sayCap(p, t)
	c.sayCooldown(p, t)
	c.sayFollowups(p, t)
	p.line(c.lang.Text("timezone.line", "zone", zoneLabel(zone, c.now)))
}

func (c *call) sayDigest(p *paragraphs, d alert.Digest) {
	switch {
	case d.On && d.Only:
		p.line(c.lang.Text("digest.only", "time", clockText(d.At)))
	case d.On:
		p.line(c.lang.Text("digest.on", "time", clockText(d.At)))
	default:
		p.line(c.lang.Text("digest.off"))
	}
}

func (c *call) sayCap(p *paragraphs, t alert.Terms) {
	if t.Cap > 0 {
		p.line(c.lang.Text("cap.on", "n", strconv.Itoa(t.Cap)))
		return
	}
	p.line(c.lang.Text("cap.off"))
}

func (c *call) sayCooldown(p *paragraphs, t alert.Terms) {
	if t.Cooldown > 0 {
		p.line(c.lang.Text("cooldown.on", "span", c.lang.Span(t.Cooldown)))
		return
	}
	p.line(c.lang.Text("cooldown.off", "span", c.lang.Span(c.opts.Cooldown), "rest", c.lang.Span(c.opts.Rest)))
}

func (c *call) sayFollowups(p *paragraphs, t alert.Terms) {
	if t.NoOutcomes {
		p.line(c.lang.Text("followups.off"))
		return
	}
	p.line(c.lang.Text("followups.on", "spans", c.spans(c.opts.Follow)))
}

// spans lists lengths of time: "1 hour, 4 hours".
func (c *call) spans(all []time.Duration) string {
	var words []string
	for _, d := range all {
		words = append(words, c.lang.Span(d))
	}
	return strings.Join(words, ", ")
}

func (c *call) quietWords(q alert.Quiet) chat.Text {
	key := "quiet.held"
	switch {
	case !q.On:
		return c.lang.Text("quiet.off")
	case q.Silent:
		key = "quiet.silent"
	}
	return c.lang.Text(key, "from", clockText(q.From), "to", clockText(q.To))
}

// quiet answers /quiet: the hours in which a chat is left alone.
func quiet(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if len(c.args) == 0 {
		return c.showTerms(ctx, s, "quiet.usage")
	}
	words, silent := takeWord(c.args, silentWords)
	words, held := takeWord(words, heldWords)
	if len(words) == 1 && offWord(words[0]) {
		return c.changeTerms(ctx, s, c.entry("quiet", "off", "1"), func(t *alert.Terms) { t.Quiet = alert.Quiet{} })
	}
	from, to, ok := parseHours(strings.Join(words, ""))
	if !ok || silent && held {
		return c.fail("error.quiet")
	}
	entry := c.entry("quiet", "from", clockText(from), "to", clockText(to), "silent", strconv.FormatBool(silent))
	return c.changeTerms(ctx, s, entry, func(t *alert.Terms) {
		t.Quiet = alert.Quiet{On: true, From: from, To: to, Silent: silent}
	})
}

// showTerms says how a chat is told of alerts, and how that is changed.
func (c *call) showTerms(ctx context.Context, s subject, usage string) chat.Reply {
	a, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	var p paragraphs
	c.sayTerms(&p, a.Terms, c.settingsOf(ctx, s).TimeZone)
	p.line(c.lang.Text(usage))
	return c.told(s, chat.Reply{Text: p.text})
}

var (
	silentWords = []string{"silent", "silently", "quietly", "тихо", "беззвучно", "静音"}
	heldWords   = []string{"hold", "held", "keep", "later", "позже", "держать", "暂存", "稍后"}
	onlyWords   = []string{"only", "только", "仅", "只"}
)

// takeWord takes words of a list out of others and reports whether there was one.
func takeWord(words, list []string) (rest []string, found bool) {
	for _, w := range words {
		if slices.Contains(list, strings.ToLower(w)) {
			found = true
			continue
		}
		rest = append(rest, w)
	}
	return rest, found
}

// parseHours reads "23:00-07:00", "23-7" and "11pm-7am".
func parseHours(text string) (from, to alert.Clock, ok bool) {
	text = strings.NewReplacer("to", "-", "до", "-", "到", "-", "至", "-", "~", "-").Replace(minus.Replace(strings.ToLower(text)))
	for _, from := range []string{"from", "с", "c", "从", "自"} {
		text = strings.TrimPrefix(text, from)
	}
	first, second, two := strings.Cut(text, "-")
	from, ok1 := parseHour(first)
	to, ok2 := parseHour(second)
	return from, to, two && ok1 && ok2 && from != to
}

// digest answers /digest: a summary at an hour of each day.
func digest(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	if len(c.args) == 0 {
		return c.showTerms(ctx, s, "digest.usage")
	}
	if s.mute {
		return c.cannotPost(s)
	}
	words, only := takeWord(c.args, onlyWords)
	if len(words) != 1 {
		return c.fail("error.digest")
	}
	if offWord(words[0]) && words[0] != "0" {
		return c.changeTerms(ctx, s, c.entry("digest", "off", "1"), func(t *alert.Terms) { t.Digest = alert.Digest{} })
	}
	at, ok := parseHour(words[0])
	if !ok {
		return c.fail("error.digest")
	}
	entry := c.entry("digest", "at", clockText(at), "only", strconv.FormatBool(only))
	return c.changeTerms(ctx, s, entry, func(t *alert.Terms) {
		t.Digest = alert.Digest{On: true, At: at, Only: only, Thread: s.target.Thread}
	})
}

// maxCap bounds a daily cap: more would be none.
const maxCap = 500

// dailyCap answers /cap: the most alerts in a day.
func dailyCap(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	mark, look := c.takeMark(), c.takeLook()
	if len(c.args) == 0 {
		return c.showTerms(ctx, s, "cap.usage")
	}
	n, err := strconv.Atoi(c.args[0])
	switch {
	case len(c.args) > 1, err != nil && !offWord(c.args[0]), err == nil && (n < 0 || n > maxCap):
		return c.fail("error.cap")
	case err != nil:
		n = 0
	}
	a, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	is := c.lang.Text("cap.off")
	if n > 0 {
		is = c.lang.Text("cap.on", "n", strconv.Itoa(n))
	}
	return c.propose(ctx, mark, proposal{
		subject: s, before: a, entry: c.entry("cap", "from", strconv.Itoa(a.Terms.Cap), "to", strconv.Itoa(n)),
		change: func(a *alert.Chat) { a.Terms.Cap = n }, of: heardOf(a), wouldBe: is, is: is,
		look: look, command: "cap", args: []string{strconv.Itoa(n)}, back: []string{"settings"},
	})
}

// cooldown answers /cooldown: the least time between two alerts of one kind.
func cooldown(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	mark, look := c.takeMark(), c.takeLook()
	if len(c.args) == 0 {
		return c.showTerms(ctx, s, "cooldown.usage")
	}
	span := time.Duration(0)
	if len(c.args) > 1 || !offWord(c.args[0]) {
		var err error
		if span, err = locales.ParseSpan(strings.Join(c.args, " ")); err != nil || span > 7*24*time.Hour {
			return c.fail("error.cooldown")
		}
	}
	a, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	is, typed := c.lang.Text("cooldown.off", "span", c.lang.Span(c.opts.Cooldown), "rest", c.lang.Span(c.opts.Rest)), "off"
	if span > 0 {
		is, typed = c.lang.Text("cooldown.on", "span", c.lang.Span(span)), typedSpan(span)
	}
	return c.propose(ctx, mark, proposal{
		subject: s, before: a, entry: c.entry("cooldown", "from", a.Terms.Cooldown.String(), "to", span.String()),
		change: func(a *alert.Chat) { a.Terms.Cooldown = span }, of: heardOf(a), wouldBe: is, is: is,
		look: look, command: "cooldown", args: []string{typed}, back: []string{"settings"},
	})
}

// typedSpan writes a length of time as ParseSpan reads it.
func typedSpan(d time.Duration) string { return strconv.Itoa(int(d/time.Minute)) + "m" }

// followups answers /followups: whether it is told what became of breakouts.
func followups(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	switch {
	case !ok:
		return refusal
	case len(c.args) == 0:
		return c.showTerms(ctx, s, "error.followups")
	}
	off := offWord(c.args[0])
	if len(c.args) > 1 || !off && !slices.Contains([]string{"on", "yes", "вкл", "да", "开", "开启"}, strings.ToLower(c.args[0])) {
		return c.fail("error.followups")
	}
	return c.changeTerms(ctx, s, c.entry("followups", "on", strconv.FormatBool(!off)), func(t *alert.Terms) { t.NoOutcomes = off })
}
