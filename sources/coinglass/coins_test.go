package coinglass_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass/coinglasstest"
)

func TestCoins(t *testing.T) {
	tests := []struct {
		name, body string
		want       []market.Coin
	}{
		{"main coins first, then the vendor's order", coinglasstest.Data([]string{"XRP", "SOL", "DOGE", "BTC", "ETH"}), []market.Coin{"BTC", "ETH", "SOL", "XRP", "DOGE"}},
		{"a main coin that is not listed", coinglasstest.Data([]string{"XRP", "BTC"}), []market.Coin{"BTC", "XRP"}},
		{"names that are no coins", coinglasstest.Data([]any{"BTC", "kPEPE", "", nil, "A-B", "1000SATS"}), []market.Coin{"BTC", "1000SATS"}},
		{"no list", coinglasstest.Refusal("500", "busy"), nil},
		{"empty list", coinglasstest.Data([]string{}), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := coinglasstest.New(t)
			srv.Reply(coinglasstest.SupportedCoins, tt.body)
			got, err := source(t, srv).Coins(t.Context())
			if (err != nil) != (tt.want == nil) {
				t.Fatalf("error = %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("coins (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCoinsAreAskedForHourly(t *testing.T) {
	c, srv := at(), coinglasstest.New(t)
	s := source(t, srv, onClock(srv, c))
	for _, wait := range []time.Duration{0, 59 * time.Minute, 2 * time.Minute} {
		c.add(wait)
		if _, err := s.Coins(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := srv.Requests(coinglasstest.SupportedCoins); got != 2 {
		t.Errorf("%d requests in 61 minutes, want 2", got)
	}
}

func TestUnlistedCoinIsNotAskedFor(t *testing.T) {
	srv := coinglasstest.New(t)
	s := source(t, srv)
	if _, err := s.Coins(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := s.Fetch(t.Context(), snapshot.Key{Coin: "NOPE", Window: market.Day})
	if snapshot.ProblemOf(err) != snapshot.NotListed {
		t.Errorf("problem %q of %v", snapshot.ProblemOf(err), err)
	}
	if got := srv.Requests(coinglasstest.AggregatedMap); got != 0 {
		t.Errorf("%d requests for a coin that is not in the list", got)
	}
}
