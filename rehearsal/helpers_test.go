package rehearsal_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"liqbot/rehearsal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the made-up market of testdata")

// made is the market of testdata. Nothing of it was recorded: TestMadeMarket makes it.
func made() fs.FS { return os.DirFS("testdata/market") }

// begin is when it begins.
var begin = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)

const madeHours = 24 * 24

// rehearse plays a folder by some rules.
func rehearse(t *testing.T, data fs.FS, rules rehearsal.Rules) *rehearsal.Report {
	t.Helper()
	r, err := rehearsal.Run(t.Context(), data, rules)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// invent makes the files: a random walk by the hour with fast stretches, in the layout of
// set A, with funding.
func invent() map[string]string {
	rng := rand.New(rand.NewPCG(7, 1))
	var candles, oi, labels, funding strings.Builder
	candles.WriteString("t_ms,open,high,low,close,volume_base\n")
	oi.WriteString("t_ms,oi_base\n")
	labels.WriteString("t_ms,long_qty_base,short_qty_base\n")
	funding.WriteString("t_ms,venue,symbol,rate\n")
	price, coins := 100.0, 50_000.0
	for i := range madeHours {
		at := begin.Add(time.Duration(i) * time.Hour).UnixMilli()
		wild := 1.0
		if i%97 < 5 {
			wild = 4
		}
		open := price
		price *= math.Exp(rng.NormFloat64() * .005 * wild)
		high := max(open, price) * (1 + .003*wild*rng.Float64())
		low := min(open, price) * (1 - .003*wild*rng.Float64())
		fmt.Fprintf(&candles, "%d,%.4f,%.4f,%.4f,%.4f,%.1f\n", at, open, high, low, price, wild*(100+900*rng.Float64()))
		fmt.Fprintf(&oi, "%d,%.1f\n", at, coins)
		fmt.Fprintf(&labels, "%d,%.3f,%.3f\n", at, 3e4*wild*wild*math.Log(open/low), 3e4*wild*wild*math.Log(high/open))
		coins *= math.Exp(rng.NormFloat64() * .004 * wild)
		if i%8 == 0 {
			fmt.Fprintf(&funding, "%d,binance,BTCUSDT,%.6f\n", at, .0001+.00005*rng.NormFloat64()+map[bool]float64{true: .002}[i == 440])
		}
	}
	return map[string]string{
		"binance_1h/candles_1h_BTCUSDT.csv.gz": candles.String(), "binance_1h/oi_1h_BTCUSDT.csv.gz": oi.String(),
		"binance_1h/liquidations_1h_BTCUSDT.csv.gz": labels.String(), "funding/funding_BTC.csv.gz": funding.String(),
	}
}

func packed(tb testing.TB, text string) []byte {
	tb.Helper()
	var out bytes.Buffer
	zw := gzip.NewWriter(&out)
	if _, err := zw.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// folder is the made-up market with its lines changed: change gets each line that is not a
// header and returns it, or nothing to leave it out.
func folder(tb testing.TB, change func(file string, at time.Time, line string) string) fstest.MapFS {
	tb.Helper()
	out := fstest.MapFS{}
	for file, text := range invent() {
		var b strings.Builder
		for i, line := range strings.SplitAfter(text, "\n") {
			var ms int64
			if _, err := fmt.Sscanf(line, "%d,", &ms); i > 0 && err == nil {
				line = change(file, time.UnixMilli(ms).UTC(), line)
			}
			b.WriteString(line)
		}
		out[file] = &fstest.MapFile{Data: packed(tb, b.String())}
	}
	return out
}

// The market of testdata is what invent makes.
func TestMadeMarket(t *testing.T) {
	for file, text := range invent() {
		path := filepath.Join("testdata/market", file)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, packed(t, text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		zr, err := gzip.NewReader(bytes.NewReader(kept))
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if _, err := fmt.Fprint(&got, readAll(t, zr)); err != nil || got.String() != text {
			t.Errorf("%s is not what is made: go test ./rehearsal -run TestMadeMarket -update", file)
		}
	}
}
