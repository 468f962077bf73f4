package feeds_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

func TestSplitMultiplier(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		coin  market.Coin
		coins float64
	}{
		"BTC": {"BTC", 1}, "1000PEPE": {"PEPE", 1000}, "10000SATS": {"SATS", 10_000}, "1000000MOG": {"MOG", 1e6},
		"10000000AIDOGE": {"AIDOGE", 1e7}, "1MBABYDOGE": {"BABYDOGE", 1e6}, "SHIB1000": {"SHIB", 1000}, "1000X": {"X", 1000},
		"1INCH": {"1INCH", 1}, "4": {"4", 1}, "42": {"42", 1}, "0G": {"0G", 1}, "2Z": {"2Z", 1}, "100": {"100", 1}, "1000": {"1000", 1},
		"C98": {"C98", 1}, "pepe": {"PEPE", 1},
	} {
		coin, coins, err := feeds.SplitMultiplier(name)
		if err != nil || coin != want.coin || coins != want.coins {
			t.Errorf("%s: %s x %g, %v; want %s x %g", name, coin, coins, err, want.coin, want.coins)
		}
	}
	for _, name := range []string{"", "币安人生", "A-B", "WAYTOOLONGFORANAMEOFACOIN"} {
		if coin, _, err := feeds.SplitMultiplier(name); err == nil {
			t.Errorf("%q became %s", name, coin)
		}
	}
}

func FuzzSplitMultiplier(f *testing.F) {
	for _, s := range []string{"1000PEPE", "1MBABYDOGE", "SHIB1000", "1000", "10000000000A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		coin, coins, err := feeds.SplitMultiplier(s)
		if err != nil {
			return
		}
		if _, err := market.ParseCoin(string(coin)); err != nil || coins < 1 || coins > 1e7 {
			t.Errorf("%q: %s x %g", s, coin, coins)
		}
	})
}

func TestPermanent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("reset"), false},
		{&feeds.Error{Problem: feeds.Unavailable}, false},
		{&feeds.Error{Problem: feeds.RateLimited}, false},
		{&feeds.Error{Problem: feeds.Blocked}, true},
		{&feeds.Error{Problem: feeds.Blocked, RetryAt: time.Now()}, false},
		{fmt.Errorf("candles: %w", &feeds.Error{Problem: feeds.NotListed}), true},
		{&feeds.Error{Problem: feeds.BadData}, true},
	} {
		if got := feeds.Permanent(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
