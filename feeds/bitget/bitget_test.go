package bitget_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"liqbot/feeds"
	"liqbot/feeds/bitget"
	"liqbot/feeds/bitget/bitgettest"
	"liqbot/feeds/feedtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begin starts a double and a feed that asks it.
func begin(t *testing.T, m feedtest.Market, opts ...bitgettest.Option) (*bitget.Feed, *bitgettest.Double) {
	t.Helper()
	d := bitgettest.Start(m, opts...)
	t.Cleanup(d.Close)
	return bitget.New(bitget.Config{APIURL: d.API(), StreamURL: d.StreamURL(), Silence: time.Second, MinBackoff: 20 * time.Millisecond}), d
}

func TestSuite(t *testing.T) {
	t.Parallel()
	traits := feedtest.Traits{NoTaker: true, NoOpenInterestHistory: true}
	feedtest.Suite(t, traits, func(t *testing.T, m feedtest.Market) (feeds.Feed, feedtest.Double) {
		t.Helper()
		f, d := begin(t, m)
		t.Cleanup(func() {
			if v := d.Violations(); len(v) > 0 {
				t.Errorf("Bitget would have refused: %v", v)
			}
		})
		return f, d
	})
}
