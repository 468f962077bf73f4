package binance_test

import (
	"bufio"
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"liqbot/feeds/binance"
	"liqbot/feeds/feedtest"
	"liqbot/market"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	approx = cmpopts.EquateApprox(1e-3, 2e-8) // rates have eight digits
	exact  = cmpopts.EquateApprox(1e-12, 0)
	inf    = math.Inf(1)
)

// stream runs a feed's stream until the test ends.
func stream(t *testing.T, f *binance.Feed, list []market.Contract) *feedtest.Collector {
	t.Helper()
	c := feedtest.NewCollector()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Stream(ctx, list, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Stream ended with %v", err)
		}
	})
	return c
}

// lines are the messages of a file of testdata.
func lines(tb testing.TB, name string) [][]byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	var all [][]byte
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		all = append(all, bytes.Clone(s.Bytes()))
	}
	if err := s.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}
