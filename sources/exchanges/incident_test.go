package exchanges_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/feeds"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
	"liqbot/sources/exchanges/tape"
)

var updateIncident = flag.Bool("update-incident", false, "record the incident of cmd/bot/testdata anew")

// incident is the tape that the script test of bot replay plays.
const incident = "../../cmd/bot/testdata/incident.jsonl.gz"

// An incident: the price of an invented market, which does not walk far by itself, runs 7 %
// up through its key level, holds, and falls 13 %; forced orders come in, one venue lies.
// With -update-incident it becomes the tape of the script test, to be done when the model
// or the snapshot has changed on purpose.
func TestAnIncidentBecomesATape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		w := tape.NewWriter(&out, tape.Options{Gzip: true, WithoutFrames: true, Bot: "incident"})
		r := newRoom()
		var list []feeds.Feed
		for _, name := range names[:3] {
			r.venues[name].listed = time.Now().Add(-40 * time.Hour)
			list = append(list, r.venues[name])
		}
		s := exchanges.New(exchanges.Config{
			Feeds: list, Bars: exchanges.NewMemory(), Coins: []market.Coin{"BTC"}, Follow: 1, KeyLevelBand: 0.06, SymmetricBand: 0.05, Tape: w,
		})
		r.Source, r.t = s, t
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		misfortune(t, r)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := w.Close(time.Now()); err != nil {
			t.Fatal(err)
		}
		result, err := exchanges.Replay(bytes.NewReader(out.Bytes()), func(*exchanges.Replayed) {})
		if err != nil || result.Mismatches > 0 || result.Pictures < 80 {
			t.Errorf("%d of %d pictures differ, %v", result.Mismatches, result.Pictures, err)
		}
		if out.Len() > 200_000 {
			t.Errorf("the tape has %d bytes", out.Len())
		}
		if *updateIncident {
			if err := os.WriteFile(incident, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// misfortune is what happens in the incident: a picture each two seconds.
func misfortune(t *testing.T, r *room) {
	t.Helper()
	factor := 1.0
	for step := range 100 {
		switch {
		case step >= 10 && step < 30:
			factor += 0.0035
		case step >= 50 && step < 70:
			factor -= 0.0065
		case step == 40:
			for i := range 3 {
				r.venues["Bybit"].liquidate(t, "BTC", uint64(i+1), market.Liquidation{At: time.Now(), Side: market.Short, Coins: 3, PriceUSD: 92_500})
			}
		}
		for _, name := range names[:3] {
			mark := factor
			if name == "OKX" && step >= 80 && step < 90 {
				mark *= 10
			}
			r.venues[name].set(func() { r.venues[name].factor = mark })
		}
		pass(2 * time.Second)
		if _, err := r.Fetch(t.Context(), snapshot.Key{Coin: "BTC", Window: market.Week}); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
	}
}
