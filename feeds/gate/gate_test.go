package gate_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/gate"
	"liqbot/feeds/gate/gatetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// begin starts a double and a feed that asks it.
func begin(t *testing.T, m feedtest.Market, opts ...gatetest.Option) (*gate.Feed, *gatetest.Double) {
	t.Helper()
	d := gatetest.Start(m, opts...)
	t.Cleanup(d.Close)
	f := gate.New(gate.Config{APIURL: d.API(), StreamURL: d.StreamURL(), Silence: time.Second, MinBackoff: 20 * time.Millisecond})
	return f, d
}

func TestSuite(t *testing.T) {
	t.Parallel()
	feedtest.Suite(t, feedtest.Traits{}, func(t *testing.T, m feedtest.Market) (feeds.Feed, feedtest.Double) {
		t.Helper()
		f, d := begin(t, m)
		t.Cleanup(func() {
			if v := d.Violations(); len(v) > 0 {
				t.Errorf("Gate would have refused: %v", v)
			}
		})
		return f, d
	})
}
