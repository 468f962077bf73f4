package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// .env.example is the documentation of every key: the same keys in the same order,
// each with a comment, with their defaults.
func TestEnvExampleHoldsEveryKey(t *testing.T) {
	content, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	var example, own []string
	commented := false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		switch name, _, isKey := strings.Cut(line, "="); {
		case line == "":
			commented = false
		case strings.HasPrefix(line, "#"):
			commented = commented || !strings.HasPrefix(line, "# ---")
		case isKey:
			example = append(example, line)
			if !commented {
				t.Errorf("%s has no comment", name)
			}
		default:
			t.Errorf("what is this line? %q", line)
		}
	}
	for _, k := range keys {
		own = append(own, k.name+"="+k.fallback)
	}
	if diff := cmp.Diff(own, example); diff != "" {
		t.Errorf("(-code +.env.example)\n%s", diff)
	}
}

func TestEnvExampleIsAValidConfiguration(t *testing.T) {
	c, err := readConfig(nil, "../../.env.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.warnings) > 0 || c.source != sourceExchanges || c.stale != 2*time.Minute || c.refuse != 15*time.Minute || c.keyBand != 0.06 {
		t.Errorf("config = %+v", c)
	}
}

func TestRateBeyondTheFreeOneIsWarnedOf(t *testing.T) {
	for values, want := range map[string]int{
		"TELEGRAM_TOKEN=123456:abc TELEGRAM_RATE=30":                             0,
		"TELEGRAM_TOKEN=123456:abc TELEGRAM_RATE=31":                             1,
		"TELEGRAM_TOKEN=123456:abc TELEGRAM_RATE=31 TELEGRAM_PAID_BROADCAST=OFF": 1,
		"TELEGRAM_TOKEN=123456:abc TELEGRAM_RATE=31 TELEGRAM_PAID_BROADCAST=On":  0,
		"TELEGRAM_RATE=31": 0,
	} {
		c, err := readConfig(strings.Fields(values), filepath.Join(t.TempDir(), ".env"), nil)
		if err != nil {
			t.Errorf("%s: %v", values, err)
		} else if len(c.warnings) != want || want > 0 && !strings.Contains(c.warnings[0], "TELEGRAM_PAID_BROADCAST=on") {
			t.Errorf("%s: warnings %q, want %d", values, c.warnings, want)
		}
	}
	if _, err := readConfig([]string{"TELEGRAM_PAID_BROADCAST=yes"}, filepath.Join(t.TempDir(), ".env"), nil); err == nil {
		t.Error("TELEGRAM_PAID_BROADCAST=yes is accepted")
	}
}

// Keys that the code has and the documents do not mention, or the reverse.
func TestReadmeNamesOnlyRealKeys(t *testing.T) {
	content, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`\b(?:TELEGRAM|DISCORD|COINGLASS|RECORDED|DEMO|WEB|DATA|OWNER)_[A-Z_]+\b`).FindAllString(string(content), -1) {
		if !known(name) {
			t.Errorf("README names %s, which is no key", name)
		}
	}
}

// FuzzReadConfig: whatever stands in a .env file, an answer, and none of a secret
// in it.
func FuzzReadConfig(f *testing.F) {
	f.Add("SOURCE=demo\nDEMO_SPEED=2\n")
	f.Add("TELEGRAM_TOKEN='a\nb'\nX=\"")
	f.Add("\x00\xff=\n\n====")
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(t.TempDir(), ".env")
		if err := os.WriteFile(path, []byte("TELEGRAM_TOKEN=planted token\n"+content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readConfig(nil, path, nil)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v and error %v", c, err)
		}
		if err != nil && strings.Contains(err.Error(), "planted") {
			t.Fatalf("the error shows a secret: %v", err)
		}
	})
}
