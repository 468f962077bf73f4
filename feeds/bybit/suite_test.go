package bybit_test

import (
	"flag"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"liqbot/feeds"
	"liqbot/feeds/bybit"
	"liqbot/feeds/bybit/bybittest"
	"liqbot/feeds/feedtest"
)

func TestMain(m *testing.M) {
	// The tests wait more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, m feedtest.Market, opts ...bybittest.Option) (*bybit.Feed, *bybittest.Double) {
	t.Helper()
	d := bybittest.Start(m, opts...)
	t.Cleanup(d.Close)
	f := bybit.New(bybit.Config{
		APIURL: d.API(), StreamURL: d.StreamURL(), Silence: time.Second, MinBackoff: 20 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	return f, d
}

func TestSuite(t *testing.T) {
	t.Parallel()
	feedtest.Suite(t, feedtest.Traits{NoTaker: true}, func(t *testing.T, m feedtest.Market) (feeds.Feed, feedtest.Double) {
		t.Helper()
		f, d := start(t, m)
		t.Cleanup(func() {
			if v := d.Violations(); len(v) > 0 {
				t.Errorf("violations: %v", v)
			}
		})
		return f, d
	})
}
