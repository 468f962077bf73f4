package charts_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// TestEveryCharacterHasAGlyph reads what pictures may say in any language: adding
// a language or a word that the fonts lack fails here, and fonts/subset.sh helps.
func TestEveryCharacterHasAGlyph(t *testing.T) {
	c := newCharts(t)
	files, err := filepath.Glob("../locales/*.toml")
	if err != nil || len(files) < 3 {
		t.Fatalf("locale files %v, error %v", files, err)
	}
	for _, file := range files {
		var all map[string]any
		if _, err := toml.DecodeFile(file, &all); err != nil {
			t.Fatal(err)
		}
		for _, section := range []string{"chart", "rektchart", "heatchart", "window", "numbers", "span"} {
			for _, text := range texts(all[section]) {
				for _, r := range text {
					if !c.Has(r) {
						t.Errorf("%s [%s] %q: no glyph for %q (%U)", filepath.Base(file), section, text, r, r)
					}
				}
			}
		}
	}
	const always = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 \u00a0.,:;!?%$+-–…·×/()"
	for _, r := range always {
		if !c.Has(r) {
			t.Errorf("no glyph for %q (%U)", r, r)
		}
	}
	if c.Has('\U0001F9EA') {
		t.Error("the test would not notice a missing glyph")
	}
}

// texts lists the strings in a decoded TOML value.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		var out []string
		for _, inner := range v {
			out = append(out, texts(inner)...)
		}
		return out
	case []map[string]any:
		var out []string
		for _, inner := range v {
			out = append(out, texts(inner)...)
		}
		return out
	default:
		return nil
	}
}

func TestFontsAreWhatTheScriptMade(t *testing.T) {
	sums, err := os.Open("fonts/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	defer sums.Close()
	lines, size := 0, 0
	for scanner := bufio.NewScanner(sums); scanner.Scan(); lines++ {
		want, name, _ := strings.Cut(scanner.Text(), "  ")
		data, err := os.ReadFile(filepath.Join("fonts", name))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not what fonts/subset.sh made", name)
		}
		size += len(data)
	}
	if lines != 4 || size > 1<<20 {
		t.Errorf("%d fonts of %d bytes, want 4 under 1 MB", lines, size)
	}
}
