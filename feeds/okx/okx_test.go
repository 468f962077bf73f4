package okx_test

import (
	"flag"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/okx"
	"liqbot/feeds/okx/okxtest"
)

func TestMain(m *testing.M) {
	// The tests wait for the venue's limits more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// pair starts a double and a feed that asks it. What the feed does against the venue's
// rules fails the test, unless the double is told to refuse.
func pair(t *testing.T, m feedtest.Market, opts ...okxtest.Option) (*okx.Feed, *okxtest.Double) {
	t.Helper()
	d := okxtest.Start(m, opts...)
	t.Cleanup(d.Close)
	if len(opts) == 0 {
		t.Cleanup(func() {
			for _, v := range d.Violations() {
				t.Errorf("against the venue's rules: %s", v)
			}
		})
	}
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	f := okx.New(okx.Config{APIURL: d.API(), StreamURL: d.StreamURL(), Silence: time.Second, MinBackoff: 20 * time.Millisecond, Client: client})
	return f, d
}

func TestSuite(t *testing.T) {
	t.Parallel()
	feedtest.Suite(t, feedtest.Traits{}, func(t *testing.T, m feedtest.Market) (feeds.Feed, feedtest.Double) {
		t.Helper()
		return pair(t, m)
	})
}
