package rehearsal

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"liqbot/alert"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/watcher"
)

// Rules are what a rehearsal tries: which rules, by which figures, and who hears of what.
type Rules struct {
	// Run are the rules that are stepped, in the order of alert.Rules.
	Run []alert.Rule
	// Options has the figures of the rules; nothing else of it counts.
	Options watcher.Options
	// Thresholds are those of the chat that is told, by coin and rule. Without one the rule
	// decides what is notable.
	Thresholds map[market.Coin]map[alert.Rule]float64
}

// Defaults are the rules as the bot has them where nothing is set.
func Defaults() Rules {
	l := watcher.Options{Hold: watcher.UsualHold, Cooldown: watcher.UsualCooldown}.Limits()
	return Rules{Run: alert.Rules(), Options: watcher.Options{
		Window: market.Week, Hold: l.Hold, Cooldown: l.Cooldown, Hysteresis: l.Hysteresis, Near: l.Near, NotableShare: l.NotableShare, Rest: l.Rest,
	}}
}

// Threshold is that of a rule and coin, 0 for none.
func (r Rules) Threshold(rule alert.Rule, coin market.Coin) float64 { return r.Thresholds[coin][rule] }

// Sends reports whether the chat would be told of an alert.
func (r Rules) Sends(a *alert.Alert) bool { return a.Meets(r.Threshold(a.Rule, a.Coin)) }

// file is a file of rules. What it leaves out stays as it usually is.
type file struct {
	Run          []string `toml:"run"`
	Hold         string   `toml:"hold"`
	Cooldown     string   `toml:"cooldown"`
	Hysteresis   string   `toml:"hysteresis"`
	Near         string   `toml:"near"`
	NotableShare string   `toml:"notable_share"`
	Rest         string   `toml:"rest"`
	Thresholds   any      `toml:"thresholds"`
}

// ParseRules reads a file of rules. The error says which key is wrong and what would do.
func ParseRules(text []byte) (Rules, error) {
	r := Defaults()
	var f file
	meta, err := toml.Decode(string(text), &f)
	if parse, ok := errors.AsType[toml.ParseError](err); ok {
		return r, fmt.Errorf("line %d: %s", parse.Position.Line, parse.Message)
	}
	if err != nil {
		return r, fmt.Errorf("%w; figures are in quotes, such as hold = \"10s\"", err)
	}
	// What is in thresholds is looked at below.
	unknown := slices.DeleteFunc(meta.Undecoded(), func(k toml.Key) bool { return k[0] == "thresholds" })
	if len(unknown) > 0 {
		return r, fmt.Errorf("unknown key %s: want %s, or a table [thresholds.COIN]", unknown[0], strings.Join(fileKeys(), ", "))
	}
	if meta.IsDefined("run") {
		if r.Run, err = parseRun(f.Run); err != nil {
			return r, err
		}
	}
	for _, k := range figures(&r.Options) {
		if text := f.field(k.name); meta.IsDefined(k.name) {
			if err := k.set(text); err != nil {
				return r, fmt.Errorf("%s = %q: %w", k.name, text, err)
			}
		}
	}
	thresholds, is := f.Thresholds.(map[string]any)
	if !is && f.Thresholds != nil {
		return r, errors.New("thresholds: want tables such as [thresholds.BTC]")
	}
	r.Thresholds, err = parseThresholds(thresholds)
	return r, err
}

func fileKeys() []string {
	names := []string{"run"}
	for _, k := range figures(&watcher.Options{}) {
		names = append(names, k.name)
	}
	return names
}

func (f *file) field(name string) string {
	return map[string]string{
		"hold": f.Hold, "cooldown": f.Cooldown, "hysteresis": f.Hysteresis, "near": f.Near, "notable_share": f.NotableShare, "rest": f.Rest,
	}[name]
}

// figure is one figure of the options: how it is read, written and explained.
type figure struct {
	name, about string
	set         func(text string) error
	get         func() string
}

func figures(o *watcher.Options) []figure {
	return []figure{
		duration("hold", "how long the price must stay beyond a level", &o.Hold, 0, time.Hour),
		duration("cooldown", "the least time between two alerts of one side", &o.Cooldown, 0, 7*24*time.Hour),
		percent("hysteresis", "how far the price must come back before a broken level counts again", &o.Hysteresis, 0.01, 10),
		percent("near", "how far from a cluster the price is near it", &o.Near, 0.01, 10),
		percent("notable_share", "how large a level must be for an alert to everybody, of what is usual", &o.NotableShare, 1, 1000),
		duration("rest", "the least time between two such alerts of one side, unless the second is stronger", &o.Rest, time.Minute, 7*24*time.Hour),
	}
}

func duration(name, about string, to *time.Duration, least, most time.Duration) figure {
	return figure{
		name, about,
		func(text string) error {
			d, err := time.ParseDuration(text)
			if err != nil || d < least || d > most {
				return fmt.Errorf("want a time from %s to %s, such as %s", short(least), short(most), short(max(least, 10*time.Second)))
			}
			*to = d
			return nil
		},
		func() string { return short(*to) },
	}
}

// short is a duration without the parts that are zero.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func percent(name, about string, to *float64, least, most float64) figure {
	return figure{
		name, about,
		func(text string) error {
			v, err := parsePercent(text)
			if err != nil || v < least || v > most {
				return fmt.Errorf("want a share from %v %% to %v %%, such as \"%v%%\"", least, most, cmp.Or(math.Min(1, most), least))
			}
			*to = v / 100
			return nil
		},
		func() string { return inPercent(*to) },
	}
}

func parsePercent(text string) (float64, error) {
	number, is := strings.CutSuffix(strings.TrimSpace(text), "%")
	if !is {
		return 0, errors.New("no percent sign")
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !market.Finite(v) {
		return 0, errors.New("no number")
	}
	return v, nil
}

// inPercent is a fraction in percent, as short as it can be.
func inPercent(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e8)/1e6, 'f', -1, 64) + "%"
}

func parseRun(names []string) ([]alert.Rule, error) {
	for _, name := range names {
		if !alert.Rule(name).Known() {
			return nil, fmt.Errorf("run: unknown rule %q: want some of %s", name, ruleNames())
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("run: no rule: want some of %s", ruleNames())
	}
	return slices.DeleteFunc(alert.Rules(), func(r alert.Rule) bool { return !slices.Contains(names, string(r)) }), nil
}

func ruleNames() string {
	var all []string
	for _, r := range alert.Rules() {
		all = append(all, string(r))
	}
	return strings.Join(all, ", ")
}

func parseThresholds(in map[string]any) (map[market.Coin]map[alert.Rule]float64, error) {
	out := make(map[market.Coin]map[alert.Rule]float64)
	for _, name := range slices.Sorted(maps.Keys(in)) {
		coin, err := market.ParseCoin(name)
		if err != nil {
			return nil, fmt.Errorf("thresholds.%s: %w", name, err)
		}
		table, is := in[name].(map[string]any)
		if !is {
			return nil, fmt.Errorf("thresholds.%s: want a table [thresholds.%s] with lines such as breakout = \"1.5B\"", name, name)
		}
		out[coin] = make(map[alert.Rule]float64)
		for _, rule := range slices.Sorted(maps.Keys(table)) {
			if !alert.Rule(rule).Known() {
				return nil, fmt.Errorf("thresholds.%s: unknown rule %q: want one of %s", name, rule, ruleNames())
			}
			v, err := parseThreshold(alert.Rule(rule), table[rule])
			if err != nil {
				return nil, fmt.Errorf("thresholds.%s: %s = %v: %w", name, rule, table[rule], err)
			}
			out[coin][alert.Rule(rule)] = v
		}
	}
	return out, nil
}

// parseThreshold reads a threshold in the unit of its rule.
func parseThreshold(r alert.Rule, value any) (float64, error) {
	text := fmt.Sprint(value)
	if v, is := value.(float64); is {
		text = strconv.FormatFloat(v, 'f', -1, 64)
	}
	var v float64
	var err error
	switch r.Unit() {
	case alert.Ratio:
		if v, err = strconv.ParseFloat(text, 64); err != nil || !(v >= 1 && v <= 1000) {
			return 0, errors.New("want a ratio from 1 to 1000, such as 2.5")
		}
	case alert.Fraction:
		if v, err = parsePercent(text); err != nil || !(v > 0 && v <= 100) {
			return 0, errors.New("want percent, such as \"0.05%\"")
		}
		v /= 100
	default:
		if v, err = locales.ParseAmount(text); err != nil {
			return 0, errors.New("want an amount in USD, such as \"1.5B\" or 1500000000")
		}
	}
	return v, nil
}

// Text is the rules as a file that ParseRules reads.
func (r Rules) Text() string {
	var b strings.Builder
	b.WriteString("# The rules that are stepped.\nrun = [")
	for i, rule := range r.Run {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", string(rule))
	}
	b.WriteString("]\n")
	for _, k := range figures(&r.Options) {
		fmt.Fprintf(&b, "# %s.\n%s = %q\n", strings.ToUpper(k.about[:1])+k.about[1:], k.name, k.get())
	}
	for _, coin := range slices.Sorted(maps.Keys(r.Thresholds)) {
		fmt.Fprintf(&b, "\n[thresholds.%s]\n", coin)
		for _, rule := range slices.Sorted(maps.Keys(r.Thresholds[coin])) {
			v := r.Thresholds[coin][rule]
			if rule.Unit() == alert.Fraction {
				fmt.Fprintf(&b, "%s = %q\n", rule, inPercent(v))
				continue
			}
			fmt.Fprintf(&b, "%s = %s\n", rule, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	return b.String()
}
