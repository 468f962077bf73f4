package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"liqbot/market"
	"liqbot/sources/exchanges/tape"
)

// runReplay runs bot replay and returns its exit code and what it printed.
func runReplay(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	sh := &shell{dotenv: filepath.Join(t.TempDir(), "none"), out: &stdout, err: &stderr}
	code = sh.main(t.Context(), append([]string{"replay"}, args...))
	return code, stdout.String(), stderr.String()
}

// unpackedIncident are the lines of the recorded incident.
func unpackedIncident(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("testdata/incident.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(all), "\n"), "\n")
}

func writeTape(t *testing.T, lines []string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tape.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// lastLine is the index of the last line with a text.
func lastLine(t *testing.T, lines []string, text string) int {
	t.Helper()
	for i, line := range slices.Backward(lines) {
		if strings.Contains(line, text) {
			return i
		}
	}
	t.Fatalf("no line has %s", text)
	return 0
}

func TestReplayOfADamagedTape(t *testing.T) {
	t.Parallel()
	lines := unpackedIncident(t)
	last := lastLine(t, lines, `"picture"`)
	change := func(i int, from, to string) []string {
		changed := append([]string(nil), lines...)
		if changed[i] = strings.Replace(changed[i], from, to, 1); changed[i] == lines[i] {
			t.Fatalf("%q is not in %s", from, lines[i])
		}
		return changed
	}
	for name, c := range map[string]struct {
		lines    []string
		code     int
		out, err string
	}{
		"whole":        {lines, 0, "100 maps, 0 differ", ""},
		"broken off":   {append(append([]string(nil), lines[:last]...), lines[last][:40]), 0, "breaks off at line", ""},
		"no end":       {lines[:last+1], 0, "its recorder did not end it", ""},
		"other figure": {change(lastLine(t, lines, `"OKX BTCUSDT","update"`), `"mark":83`, `"mark":84`), 1, "1 differ", "1 of 100 maps differ"},
		"nonsense":     {change(last, `{"t"`, `{t`), 1, "damaged at line", "damaged at line"},
		"missing line": {append(append([]string(nil), lines[:2]...), lines[3:]...), 1, "which is not listed", "which is not listed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := writeTape(t, c.lines)
			code, out, errs := runReplay(t, path)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.err) {
				t.Errorf("exit code %d, printed:\n%s\n%s", code, out, errs)
			}
			if _, again, _ := runReplay(t, path); again != out {
				t.Errorf("a second replay printed:\n%s\nafter:\n%s", again, out)
			}
		})
	}
}

// What bot record writes of six venues is replayed to the same maps, and their raw messages
// are decoded to the same updates.
func TestRecordAndReplayOfExchanges(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	t.Parallel()
	doubles, environ := startVenues(t)
	path := filepath.Join(t.TempDir(), "tape.jsonl.gz")
	ctx, stop := context.WithCancel(t.Context())
	sh := &shell{
		environ: append(environ, "COINS=BTC,ETH", "DATA_DIR="+t.TempDir()), dotenv: filepath.Join(t.TempDir(), "none"), out: io.Discard, err: io.Discard,
	}
	ended := make(chan int, 1)
	go func() { ended <- sh.main(ctx, []string{"record", "--out", path}) }()
	waitForTape(t, path, func(n map[tape.Kind]int) bool { return n[tape.Picture] > 12 })
	for _, d := range doubles {
		d.Base().Broadcast([]byte("{\"garbage\": \xff"))
		d.Liquidate("BTC", market.Liquidation{At: time.Now(), Side: market.Long, Coins: 0.5, PriceUSD: 90_000})
	}
	waitForTape(t, path, func(n map[tape.Kind]int) bool {
		return n[tape.Picture] > 24 && n[tape.LongShort] > 0 && n[tape.UsualFunding] > 0
	})
	stop()
	if code := <-ended; code != 0 {
		t.Fatalf("record ended with %d", code)
	}
	code, out, errs := runReplay(t, "--frames", "--json", path)
	var report replayReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || report.BreaksOff != "" {
		t.Fatalf("exit code %d, %v, printed:\n%s\n%s", code, err, out, errs)
	}
	if len(report.Frames) != len(doubles) {
		t.Errorf("raw messages of %d venues, want %d", len(report.Frames), len(doubles))
	}
	for _, f := range report.Frames {
		if f.Frames == 0 || f.Found == 0 || f.Missing != 0 || (f.Venue == "OKX" || f.Venue == "Hyperliquid") && f.Found != f.Applied {
			t.Errorf("raw messages: %+v", f)
		}
	}
}

// waitForTape counts what there is of a tape until it is enough.
func waitForTape(t *testing.T, path string, enough func(kinds map[tape.Kind]int) bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); <-time.After(500 * time.Millisecond) {
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		kinds := make(map[tape.Kind]int)
		err = eachEntry(f, func(e *tape.Entry) error { kinds[e.Kind]++; return nil })
		_ = f.Close()
		if err == nil && enough(kinds) {
			return
		}
	}
	t.Fatal("the tape does not come")
}
