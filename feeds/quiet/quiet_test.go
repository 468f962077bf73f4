package quiet_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/quiet"
	"liqbot/market"
)

// venue answers a poller: it knows what is listed.
type venue struct {
	listed map[string]bool
	asked  []string
	err    error
}

func (v *venue) ask(_ context.Context, symbol string, wanted quiet.Contracts, sink feeds.Sink) (map[string]bool, error) {
	v.asked = append(v.asked, symbol)
	if v.err != nil {
		return nil, v.err
	}
	if symbol != "" && !v.listed[symbol] {
		return nil, &feeds.Error{Venue: "Test", Problem: feeds.NotListed, Err: errors.New("no such contract")}
	}
	found := make(map[string]bool)
	for name, c := range wanted {
		if v.listed[name] && (symbol == "" || symbol == name) {
			found[name] = true
			c.Polled(feeds.Update{Contract: c.Contract, Kind: feeds.Ticker, At: time.Now(), MarkUSD: 2, OpenInterestCoins: 3}, sink)
		}
	}
	return found, nil
}

// poll runs a poller on n contracts for a while.
func poll(t *testing.T, n int, v *venue, d time.Duration, meanwhile func(quiet.Contracts, feeds.Sink)) *feedtest.Collector {
	t.Helper()
	list := make([]market.Contract, n)
	for i := range list {
		list[i] = market.Contract{Symbol: fmt.Sprintf("C%d", i)}
	}
	p := quiet.Poller{
		Contracts: quiet.Of(list), Sink: feedtest.NewCollector(), Alive: quiet.NewSignal(), Silence: time.Minute,
		Now: func(context.Context) time.Time { return time.Now() }, Ask: v.ask, Log: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	ended := make(chan struct{})
	go func() { p.Run(ctx); close(ended) }()
	if meanwhile != nil {
		p.Alive.Give()
		meanwhile(p.Contracts, p.Sink)
	}
	<-ended
	return p.Sink.(*feedtest.Collector)
}

// However little happens on a contract, its ticker is never ten seconds old.
func TestQuietContractsAreAskedFor(t *testing.T) {
	for _, n := range []int{3, 50} {
		synctest.Test(t, func(t *testing.T) {
			v := &venue{listed: make(map[string]bool)}
			for i := range n {
				v.listed[fmt.Sprintf("C%d", i)] = true
			}
			c := poll(t, n, v, time.Minute, nil)
			last := make(map[string]time.Time)
			for _, u := range c.Updates() {
				if before := last[u.Contract.Symbol]; !before.IsZero() && u.At.Sub(before) >= 10*time.Second {
					t.Errorf("%s: nothing for %v", u.Contract.Symbol, u.At.Sub(before))
				}
				last[u.Contract.Symbol] = u.At
			}
			if len(last) != n || slices.Contains(v.asked, "") != (n > 20) {
				t.Errorf("%d of %d contracts told, asked for %q", len(last), n, v.asked[:3])
			}
		})
	}
}

// What the stream tells is not asked for; of the rest only what it does not tell is handed
// on.
func TestTheStreamKnowsBetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{listed: map[string]bool{"C0": true}}
		c := poll(t, 1, v, time.Minute, func(contracts quiet.Contracts, sink feeds.Sink) {
			for range 59 {
				k := contracts["C0"]
				if !k.Newer(time.Now()) || k.Newer(time.Now().Add(-time.Second)) {
					t.Error("a ticker of now is older than one before, or one of before is not")
				}
				k.Tell(feeds.Update{Contract: k.Contract, Kind: feeds.Ticker, MarkUSD: 1}, sink)
				<-time.After(time.Second)
			}
		})
		interest := 0
		for _, u := range c.Updates() {
			if u.OpenInterestCoins > 0 {
				interest++
				if u.MarkUSD != 0 {
					t.Errorf("a polled mark %v beside the stream's", u.MarkUSD)
				}
			}
		}
		if interest < 1 || interest > 3 || len(v.asked) != interest {
			t.Errorf("open interest %d times, asked %d times, want about every half minute", interest, len(v.asked))
		}
	})
}

// A contract that the venue does not know is told of once and left alone; one that it only
// does not tell is asked for on.
func TestMissingContracts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{listed: map[string]bool{"C0": true}}
		c := poll(t, 2, v, time.Minute, nil)
		changed, again := 0, 0
		for _, u := range c.Updates() {
			if u.Kind == feeds.ContractChanged && u.Contract.Symbol == "C1" {
				changed++
			}
		}
		for _, symbol := range v.asked {
			if symbol == "C1" {
				again++
			}
		}
		if changed != 1 || again != 1 {
			t.Errorf("told %d times, asked %d times, want once", changed, again)
		}
	})
}
