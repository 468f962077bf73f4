package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// madeMarket is a made-up market in the layout of a recorded one.
const madeMarket = "../../rehearsal/testdata/market"

func TestRehearse(t *testing.T) {
	t.Parallel()
	wrong := filepath.Join(t.TempDir(), "rules.toml")
	if err := os.WriteFile(wrong, []byte("[thresholds.BTC]\nbreakouts = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		err  string
	}{
		"no folder":     {[]string{"--data", "nowhere"}, "--data nowhere"},
		"no file":       {[]string{"--data", madeMarket, "--rules", "nowhere.toml"}, "docs/rules.toml is an example"},
		"unknown rule":  {[]string{"--data", madeMarket, "--rules", wrong}, `unknown rule "breakouts": want one of breakout, approach`},
		"no market":     {[]string{"--data", t.TempDir()}, "want files such as"},
		"no place":      {[]string{"--data", madeMarket, "--report", filepath.Join(t.TempDir(), "no", "page.md")}, "--report:"},
		"nothing":       {nil, "bot replay --data DIR"},
		"rules of tape": {[]string{"--rules", wrong, "tape"}, "add --data DIR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if code, _, errs := runReplay(t, c.args...); code != exitUsage || !strings.Contains(errs, c.err) {
				t.Errorf("exit code %d, %s, want %d and %s", code, errs, exitUsage, c.err)
			}
		})
	}
}

// The page in docs is what the command that stands in it makes. It takes half a minute on
// recordings that may not be handed on.
func TestPageOfAlertsIsWhatIsMade(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("it takes half a minute, many under the race detector")
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("the last digits are those of another processor")
	}
	t.Chdir("../..")
	const data = "../shared/data/market"
	if _, err := os.Stat(data); err != nil {
		t.Skip(data + " is not there")
	}
	kept, err := os.ReadFile("docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(t.TempDir(), "page.md")
	if code, _, errs := runReplay(t, "--data", data, "--report", made); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	page, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(string(page), made, "docs/alerts.md")
	if diff := cmp.Diff(string(kept), got); diff != "" {
		t.Errorf("make it anew: bot replay --data %s --report docs/alerts.md (-kept +made):\n%s", data, diff)
	}
}
