package handlers

import (
	"errors"
	"slices"
	"strings"

	"liqbot/alert"
	"liqbot/locales"
	"liqbot/market"
)

// ruleWords are the rules as people name them.
var ruleWords = map[string]alert.Rule{
	"breakout": alert.Breakout, "breakouts": alert.Breakout, "break": alert.Breakout, "пробой": alert.Breakout, "пробои": alert.Breakout, "突破": alert.Breakout,
	"approach": alert.Approach, "approaches": alert.Approach, "near": alert.Approach, "подход": alert.Approach, "приближение": alert.Approach, "接近": alert.Approach, "逼近": alert.Approach, "逼近密集区": alert.Approach, "подходы": alert.Approach,
	"imbalance": alert.Imbalance, "ratio": alert.Imbalance, "skew": alert.Imbalance, "перевес": alert.Imbalance, "дисбаланс": alert.Imbalance, "失衡": alert.Imbalance, "多空失衡": alert.Imbalance, "多空比": alert.Imbalance,
	"cascade": alert.Cascade, "cascades": alert.Cascade, "каскад": alert.Cascade, "каскады": alert.Cascade, "连环": alert.Cascade, "连环爆仓": alert.Cascade, "瀑布": alert.Cascade,
	"large": alert.Large, "whale": alert.Large, "whales": alert.Large, "big": alert.Large, "крупные": alert.Large, "крупная": alert.Large, "кит": alert.Large, "大单": alert.Large, "大额": alert.Large, "大额爆仓": alert.Large,
	"funding": alert.Funding, "фандинг": alert.Funding, "资金费率": alert.Funding, "费率": alert.Funding,
	"oi": alert.OpenInterest, "openinterest": alert.OpenInterest, "ои": alert.OpenInterest, "оi": alert.OpenInterest, "持仓": alert.OpenInterest, "持仓量": alert.OpenInterest,
	"price": alert.Price, "цена": alert.Price, "价格": alert.Price,
}

// ruleWord is the rule that a word names, "" for none.
func ruleWord(word string) alert.Rule { return ruleWords[strings.ToLower(strings.Trim(word, ","))] }

// takeRules takes the rules out of some words: those named, or all. The others come back.
func takeRules(words []string) (rules []alert.Rule, rest []string) {
	for _, word := range words {
		rule := ruleWord(word)
		switch {
		case rule.Known():
			if !slices.Contains(rules, rule) {
				rules = append(rules, rule)
			}
		case allWord(word):
			rules = alert.Rules()
		default:
			rest = append(rest, word)
		}
	}
	return rules, rest
}

// ruleName is a rule as a list names it: "breakouts".
func ruleName(l *locales.Language, r alert.Rule) string { return l.Say("rule." + string(r)) }

// ruleNames lists rules in a sentence.
func ruleNames(l *locales.Language, rules []alert.Rule) string {
	var names []string
	for _, r := range rules {
		names = append(names, ruleName(l, r))
	}
	return strings.Join(names, ", ")
}

// rulesOf lists the rules that a chat hears of a coin, in the order of alert.Rules.
func rulesOf(a alert.Chat, coin market.Coin, thread string) []alert.Rule {
	var rules []alert.Rule
	for _, rule := range alert.Rules() {
		if slices.ContainsFunc(a.Subscriptions, func(sub alert.Subscription) bool {
			return sub.Rule == rule && sub.Coin == coin && sub.Thread == thread
		}) {
			rules = append(rules, rule)
		}
	}
	return rules
}

// strength writes what a rule measures: an amount, a ratio or a percentage.
func strength(l *locales.Language, r alert.Rule, v float64) string {
	switch r.Unit() {
	case alert.Ratio:
		return l.ShortTimes(v)
	case alert.Fraction:
		if r == alert.Funding {
			return l.FinePercent(v)
		}
		return l.ShortPercent(v)
	default:
		return l.Amount(v)
	}
}

// least words a threshold: "from $1B".
func least(l *locales.Language, r alert.Rule, threshold float64) string {
	switch threshold {
	case 0:
		return l.Say("alerts.usual")
	case alert.Every:
		return l.Say("alerts.any")
	default:
		return l.Say("alerts.at_least", "amount", strength(l, r, threshold))
	}
}

var (
	errStrength = errors.New("not a threshold")
	errSmall    = errors.New("a unit was left out")
)

// leastThreshold is less than any threshold in USD that makes a difference: below it a unit
// was left out.
const leastThreshold = 1000

// parseStrength reads a threshold in the unit of a rule. The error is errStrength, or
// errSmall with the value.
func parseStrength(r alert.Rule, text string) (float64, error) {
	text = strings.TrimSpace(text)
	switch r.Unit() {
	case alert.Ratio:
		text = strings.TrimSuffix(strings.TrimRight(strings.ToLower(text), "xх×倍 "), ":1")
		v, err := locales.ParseAmount(text)
		if err != nil || v < 1 || v > 1000 || !plainNumber(text) {
			return 0, errStrength
		}
		return v, nil
	case alert.Fraction:
		number, _ := strings.CutSuffix(strings.ReplaceAll(text, "％", "%"), "%")
		v, err := locales.ParseAmount(number)
		if err != nil || v > 1000 || !plainNumber(strings.TrimSpace(number)) {
			return 0, errStrength
		}
		return v / 100, nil
	default:
		v, err := locales.ParseAmount(text)
		switch {
		case err != nil:
			return 0, errStrength
		case v < leastThreshold:
			return v, errSmall
		}
		return v, nil
	}
}

// offWord reports whether a word takes something away.
func offWord(word string) bool {
	switch strings.ToLower(word) {
	case "off", "none", "0", "reset", "default", "usual", "stop", "no", "выкл", "нет", "обычный", "关", "关闭", "无", "默认":
		return true
	default:
		return false
	}
}

// everyWord reports whether a word means that everything counts.
func everyWord(word string) bool {
	switch strings.ToLower(word) {
	case "any", "every", "everything", "all", "любой", "любые", "все", "всё", "不限", "全部", "所有":
		return true
	default:
		return false
	}
}
