package handlers

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// threshold answers /threshold: how much of what a rule measures is worth an alert in this
// chat.
func threshold(ctx context.Context, c *call) chat.Reply {
	s, refusal, ok := c.about(ctx)
	if !ok {
		return refusal
	}
	mark, look := c.takeMark(), c.takeLook()
	if c.Press != "" { // a message of the group is not for everyone to leaf through
		if ok, refusal := c.mayChangeIn(ctx, s); !ok {
			return refusal
		}
	}
	coin, words, refusal, ok := c.leadingCoin()
	if !ok {
		return refusal
	}
	rule := alert.Breakout
	if len(words) > 0 && ruleWord(words[0]) != "" {
		if rule = ruleWord(words[0]); !rule.Known() {
			return c.fail("error.threshold_rule", "rules", ruleCodes())
		}
		words = words[1:]
	} else if len(words) == 0 && len(c.args) > 0 || c.Press != "" && len(c.args) < 2 {
		return c.thresholdRules(ctx, s, coin)
	}
	a, refusal, ok := c.alerts(ctx, s)
	switch {
	case !ok:
		return refusal
	case len(words) == 0:
		return c.thresholds(ctx, s, a, coin, rule)
	case len(words) == 1 && words[0] == formWord:
		return c.thresholdForm(s, coin, rule)
	}
	v, refusal, ok := c.wantedStrength(rule, words)
	if !ok {
		return refusal
	}
	p := c.thresholdProposal(s, a, coin, rule, v, strings.Join(words, ""))
	p.look = look
	return c.propose(ctx, mark, p)
}

// formWord is the argument of a button that asks for a form.
const formWord = "form"

// wantedStrength reads a threshold. The reply is the refusal.
func (c *call) wantedStrength(rule alert.Rule, words []string) (float64, chat.Reply, bool) {
	if len(words) == 1 && everyWord(words[0]) {
		return alert.Every, chat.Reply{}, true
	}
	if len(words) == 1 && offWord(words[0]) {
		return 0, chat.Reply{}, true
	}
	v, err := parseStrength(rule, strings.Join(words, " "))
	switch {
	case errors.Is(err, errSmall):
		return 0, c.fail("error.threshold_small", "amount", c.lang.Amount(v)), false
	case err != nil && rule.Unit() == alert.Ratio:
		return 0, c.fail("error.threshold_ratio"), false
	case err != nil && rule.Unit() == alert.Fraction:
		return 0, c.fail("error.threshold_percent", "rule", string(rule)), false
	case err != nil:
		return 0, c.fail("error.threshold_amount", "rule", string(rule)), false
	}
	return v, chat.Reply{}, true
}

func (c *call) thresholdProposal(s subject, a alert.Chat, coin market.Coin, rule alert.Rule, v float64, typed string) proposal {
	l, was := c.lang, a.Threshold(rule, coin)
	of := []ruleCoin{{rule, coin}}
	return proposal{
		subject: s, before: a,
		entry:   c.entry("threshold", "coin", string(coin), "rule", string(rule), "from", number(was), "to", number(v)),
		change:  func(a *alert.Chat) { a.SetThreshold(rule, coin, v) },
		of:      of,
		wouldBe: l.Text("threshold.would", "coin", string(coin), "rule", ruleName(l, rule), "from", least(l, rule, was), "to", least(l, rule, v)),
		is:      c.thresholdIs(a, coin, rule, v),
		command: "threshold", args: []string{string(coin), string(rule), typed},
		back: []string{"threshold", string(coin), string(rule)},
	}
}

// thresholdIs says which threshold there is.
func (c *call) thresholdIs(a alert.Chat, coin market.Coin, rule alert.Rule, v float64) chat.Text {
	l := c.lang
	var p paragraphs
	p.line(l.Text("threshold.set", "coin", string(coin), "rule", ruleName(l, rule), "least", least(l, rule, v)))
	if !slices.ContainsFunc(a.Subscriptions, func(sub alert.Subscription) bool { return sub.Coin == coin && sub.Rule == rule }) {
		p.line(l.Text("threshold.not_subscribed", "coin", lower(coin), "rule", string(rule)))
	}
	if rule == alert.Breakout {
		p.gap()
		p.line(c.nearestLevels(coin))
	}
	return p.text
}

// thresholdRules lists the thresholds of a coin, with its rules to pick from.
func (c *call) thresholdRules(ctx context.Context, s subject, coin market.Coin) chat.Reply {
	a, refusal, ok := c.alerts(ctx, s)
	if !ok {
		return refusal
	}
	l := c.lang
	var p paragraphs
	p.line(l.Text("threshold.title", "coin", string(coin)))
	menu := chat.Menu{Data: press("threshold", "edit", string(coin)), Label: l.Say("threshold.pick")}
	for _, rule := range alert.Rules() {
		line := l.Say("threshold.line", "rule", ruleName(l, rule), "least", least(l, rule, a.Threshold(rule, coin)))
		p.line(chat.Plainly(line))
		menu.Choices = append(menu.Choices, chat.MenuChoice{Label: ruleName(l, rule), Value: string(rule)})
	}
	p.gap()
	p.line(l.Text("threshold.usage"))
	p.gap()
	p.line(c.nearestLevels(coin))
	reply := chat.Reply{Text: p.text, Buttons: trimmed([][]chat.Button{{c.backToSettings(s)}}), Edit: c.edit}
	if s.name == "" {
		reply.Menus = []chat.Menu{menu}
		if others := c.changeMenu(s, a); len(others.Choices) > 1 || len(others.Choices) == 1 && others.Choices[0].Value != string(coin) {
			others.Data = press("threshold", "edit")
			reply.Menus = append(reply.Menus, others)
		}
	}
	return c.told(s, reply)
}

// thresholds shows what is set for a rule, what other thresholds would have done, and how
// to change it.
func (c *call) thresholds(ctx context.Context, s subject, a alert.Chat, coin market.Coin, rule alert.Rule) chat.Reply {
	l := c.lang
	now := a.Threshold(rule, coin)
	var p paragraphs
	p.line(l.Text("threshold.current", "coin", string(coin), "rule", ruleName(l, rule), "least", least(l, rule, now)))
	p.line(l.Text("rule."+string(rule)+"_means", "hold", l.Span(c.opts.Hold)))
	p.line(l.Text("rule." + string(rule) + "_usual"))
	if rule == alert.Breakout {
		p.gap()
		p.line(c.nearestLevels(coin))
		p.gap()
	}
	c.sayForecast(ctx, &p, []ruleCoin{{rule, coin}}, a, a, false)
	p.line(l.Text("threshold.example", "coin", lower(coin), "rule", string(rule), "value", exampleOf(rule)))
	return c.told(s, chat.Reply{Text: p.text, Buttons: c.thresholdButtons(ctx, s, a, coin, rule), Edit: c.edit})
}

// offered are the thresholds that buttons offer beside the usual one and every one, as
// they are typed.
var offered = map[alert.Rule][]string{
	alert.Breakout:     {"500M", "1B", "2B"},
	alert.Approach:     {"100M", "500M", "1B"},
	alert.Imbalance:    {"2", "3", "5"},
	alert.Cascade:      {"5M", "20M", "50M"},
	alert.Large:        {"500K", "1M", "5M"},
	alert.Funding:      {"0.01%", "0.05%", "0.1%"},
	alert.OpenInterest: {"3%", "5%", "10%"},
}

func exampleOf(rule alert.Rule) string { return offered[rule][1] }

// thresholdButtons offer thresholds, each with how often it would have fired.
func (c *call) thresholdButtons(ctx context.Context, s subject, a alert.Chat, coin market.Coin, rule alert.Rule) [][]chat.Button {
	l, now := c.lang, a.Threshold(rule, coin)
	var found []alert.Past
	known := false
	if c.opts.Past != nil {
		found, _, known = c.pastOf(ctx, []ruleCoin{{rule, coin}})
	}
	button := func(label, typed string, v float64) chat.Button {
		if known && len(found) > 0 {
			with := a.Clone()
			with.SetThreshold(rule, coin, v)
			label += " · " + strconv.Itoa(c.count(found, 0, with).fired)
		}
		return c.choice(s, "threshold", label, v == now, string(coin), string(rule), typed)
	}
	first := []chat.Button{button(l.Say("button.usual"), "usual", 0), button(l.Say("button.any"), "any", alert.Every)}
	var second []chat.Button
	for _, typed := range offered[rule] {
		if v, err := parseStrength(rule, typed); err == nil {
			second = append(second, button(strength(l, rule, v), typed, v))
		}
	}
	other := chat.Button{}
	if c.forms() {
		other = chat.Button{Label: l.Say("button.something_else"), Data: c.pressFor(s, "threshold", string(coin), string(rule), formWord)}
	}
	back := chat.Button{Label: l.Say("button.back"), Data: c.pressFor(s, "threshold", string(coin), "edit")}
	return trimmed([][]chat.Button{first, second, {other, back}})
}

// thresholdForm asks for a threshold to be typed.
func (c *call) thresholdForm(s subject, coin market.Coin, rule alert.Rule) chat.Reply {
	l, example := c.lang, exampleOf(rule)
	command := "/threshold preview " + string(coin) + " " + string(rule)
	if s.name != "" {
		command = "/threshold preview " + s.name + " " + string(coin) + " " + string(rule)
	}
	return c.told(s, chat.Reply{
		Text: l.Text("threshold.example", "coin", lower(coin), "rule", string(rule), "value", example), Private: true,
		Form: &chat.Form{
			Title: l.Say("threshold.form", "coin", string(coin)), Command: command,
			Fields: []chat.Field{{Name: "value", Label: l.Say("threshold.form_value"), Example: example}},
		},
	})
}

// ruleCodes lists the names by which rules are typed.
func ruleCodes() string {
	var names []string
	for _, r := range alert.Rules() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// number writes a number for the chat's log.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
