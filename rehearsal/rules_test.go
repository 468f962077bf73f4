package rehearsal_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/rehearsal"
	"liqbot/watcher"
)

var sameRules = cmp.Options{cmpopts.IgnoreFields(watcher.Options{}, "Want", "Wake", "Observe", "Now", "Log", "Journal"), cmpopts.EquateEmpty()}

// The example of a file of rules has the defaults.
func TestExampleHasTheDefaults(t *testing.T) {
	text, err := os.ReadFile("../docs/rules.toml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := rehearsal.ParseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rehearsal.Defaults(), got, sameRules); diff != "" {
		t.Errorf("docs/rules.toml is not what is usual (-usual +file):\n%s", diff)
	}
	if !strings.Contains(string(text), rehearsal.Defaults().Text()) {
		t.Errorf("docs/rules.toml does not have the defaults in this form:\n%s", rehearsal.Defaults().Text())
	}
	for _, rule := range alert.Rules() {
		if !strings.Contains(string(text), "\n# "+string(rule)+" = ") {
			t.Errorf("docs/rules.toml shows no threshold of %s", rule)
		}
	}
}

func TestParseRules(t *testing.T) {
	r, err := rehearsal.ParseRules([]byte(`
run = ["funding", "breakout"]
hold = "1m"
near = "0.5%"
rest = "12h"
[thresholds.BTC]
breakout = "1.5B"
cascade = 2500000
imbalance = 2.5
funding = "0.05%"
[thresholds.ETH]
large = 1.5e6
`))
	if err != nil {
		t.Fatal(err)
	}
	want := rehearsal.Defaults()
	want.Run = []alert.Rule{alert.Breakout, alert.Funding}
	want.Options.Hold, want.Options.Near, want.Options.Rest = time.Minute, 0.005, 12*time.Hour
	want.Thresholds = map[market.Coin]map[alert.Rule]float64{
		"BTC": {alert.Breakout: 1.5e9, alert.Cascade: 2.5e6, alert.Imbalance: 2.5, alert.Funding: 0.0005},
		"ETH": {alert.Large: 1.5e6},
	}
	if diff := cmp.Diff(want, r, sameRules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := rehearsal.ParseRules([]byte(r.Text()))
	if diff := cmp.Diff(r, again, sameRules); diff != "" || err != nil {
		t.Errorf("%v, what Text writes is read as (-want +got):\n%s", err, diff)
	}
}

func TestParseRulesSaysWhatWouldDo(t *testing.T) {
	for text, want := range map[string]string{
		"hold = ":                               "line 1: ",
		"holds = \"10s\"":                       "unknown key holds: want run, hold, cooldown, hysteresis, near, notable_share, rest, or a table [thresholds.COIN]",
		"hold = 10":                             "figures are in quotes",
		"hold = \"soon\"":                       "hold = \"soon\": want a time from 0s to 1h, such as 10s",
		"cooldown = \"-1m\"":                    "cooldown = \"-1m\": want a time from 0s to 168h",
		"rest = \"0s\"":                         "rest = \"0s\": want a time from 1m to 168h, such as 1m",
		"near = \"1\"":                          "near = \"1\": want a share from 0.01 % to 10 %, such as \"1%\"",
		"near = \"50%\"":                        "near = \"50%\": want a share",
		"notable_share = \"NaN%\"":              "notable_share = \"NaN%\": want a share",
		"run = [\"breakouts\"]":                 "run: unknown rule \"breakouts\": want some of breakout, approach",
		"run = []":                              "run: no rule",
		"[thresholds.btc]\nbreakout = 1":        "thresholds.btc: coin name \"btc\": want only A-Z",
		"[thresholds.BTC]\nprice = 1":           "thresholds.BTC: unknown rule \"price\": want one of breakout",
		"[thresholds.BTC]\nbreakout = \"lots\"": "thresholds.BTC: breakout = lots: want an amount in USD, such as \"1.5B\"",
		"[thresholds.BTC]\nbreakout = -5":       "thresholds.BTC: breakout = -5: want an amount",
		"[thresholds.BTC]\nimbalance = 0.5":     "thresholds.BTC: imbalance = 0.5: want a ratio from 1 to 1000",
		"[thresholds.BTC]\nfunding = 0.05":      "thresholds.BTC: funding = 0.05: want percent, such as \"0.05%\"",
		"[thresholds.BTC]\nfunding = \"-1%\"":   "thresholds.BTC: funding = -1%: want percent",
		"[thresholds]\nBTC = 5":                 "thresholds.BTC: want a table [thresholds.BTC]",
		"thresholds = 5":                        "thresholds: want tables such as [thresholds.BTC]",
	} {
		if _, err := rehearsal.ParseRules([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add(rehearsal.Defaults().Text())
	f.Add("[thresholds.BTC]\nbreakout = \"1.5B\"\nfunding = \"0.01%\"\nimbalance = 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := rehearsal.ParseRules([]byte(text))
		if err != nil {
			return
		}
		again, err := rehearsal.ParseRules([]byte(r.Text()))
		if err != nil {
			t.Fatalf("%v in what was written:\n%s", err, r.Text())
		}
		if again.Text() != r.Text() {
			t.Errorf("written again:\n%s\nafter:\n%s", again.Text(), r.Text())
		}
	})
}
