package exchanges_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
	"liqbot/sources/exchanges/tape"
)

// taped is what a room showed while it was recorded.
type taped struct {
	bytes.Buffer
	// fetched are the fingerprints of what Fetch returned, in order.
	fetched []string
}

// tapeIn records a room from its opening until it is stopped.
func tapeIn(t *testing.T, r *room, zipped bool, test func(r *room)) *taped {
	t.Helper()
	out := new(taped)
	w := tape.NewWriter(out, tape.Options{Gzip: zipped, Bot: "test"})
	if r == nil {
		r = newRoom()
	}
	r.tape = w
	r.seen = func(s *snapshot.Snapshot) { out.fetched = append(out.fetched, exchanges.Fingerprint(s)) }
	open(t, r)
	test(r)
	r.stop()
	r.tape, r.seen = nil, nil
	if err := w.Close(time.Now()); err != nil {
		t.Fatalf("close: %v", err)
	}
	return out
}

// played replays a tape, and prints all that came of it.
func played(t *testing.T, from io.Reader) (exchanges.ReplayResult, []string, string) {
	t.Helper()
	var shown []string
	var all strings.Builder
	result, err := exchanges.Replay(from, func(p *exchanges.Replayed) {
		if p.Snapshot != nil {
			shown = append(shown, p.Now.Fingerprint)
		}
		fmt.Fprintln(&all, p.Line, p.At, p.Key, p.Now.Fingerprint, p.Now.PriceUSD, p.Now.Problem, p.Agrees())
	})
	if err != nil {
		t.Errorf("replay: %v", err)
	}
	return result, shown, all.String()
}

// agree fails unless the replay of a tape shows just what was shown, twice.
func agree(t *testing.T, out *taped) exchanges.ReplayResult {
	t.Helper()
	result, shown, first := played(t, bytes.NewReader(out.Bytes()))
	if result.Mismatches != 0 || result.Pictures == 0 || len(result.Differences) != 0 {
		t.Errorf("%d of %d pictures differ, %v:\n%s", result.Mismatches, result.Pictures, result.Differences, first)
	}
	if !slices.Equal(shown, out.fetched) {
		t.Errorf("%d snapshots were shown and %d replayed, or others", len(out.fetched), len(shown))
	}
	if _, _, second := played(t, bytes.NewReader(out.Bytes())); first != second {
		t.Error("two replays of one tape differ")
	}
	return result
}

// A day's troubles on one tape: a lying venue, silence, an outage, liquidations told twice
// and late, a coin that comes and goes.
func TestATapeReplaysToTheSameSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := tapeIn(t, nil, true, func(r *room) {
			all := func() {
				for _, w := range market.Windows() {
					r.fetch(t, "BTC", w)
				}
				r.fetch(t, "ETH", market.Week)
			}
			all()
			r.venues["Binance"].set(func() { r.venues["Binance"].factor = 1.2 })
			pass(7 * time.Second)
			all()
			r.venues["Binance"].set(func() { r.venues["Binance"].factor = 1 })
			r.venues["OKX"].set(func() { r.venues["OKX"].silent = true })
			pass(time.Minute)
			all()
			r.venues["OKX"].set(func() { r.venues["OKX"].silent = false })
			r.venues["Gate"].set(func() { r.venues["Gate"].down = true })
			at := time.Now().UTC()
			for _, at := range []time.Time{at, at, at.Add(-3 * time.Minute), at.Add(-24*time.Hour - 50*time.Minute), at.Add(-26 * time.Hour)} {
				r.venues["Bybit"].liquidate(t, "BTC", 0, market.Liquidation{At: at, Side: market.Long, Coins: 2, PriceUSD: 90_000.1})
				r.venues["OKX"].liquidate(t, "BTC", 7, market.Liquidation{At: at, Side: market.Short, Coins: 1, PriceUSD: 91_000})
			}
			pass(3 * time.Minute)
			all()
			r.venues["Gate"].set(func() { r.venues["Gate"].down = false })
			r.fetch(t, "PEPE", market.Week)
			if _, err := r.Heatmap(t.Context(), "BTC", market.Day); err != nil {
				t.Errorf("heatmap: %v", err)
			}
			hush := func(silent bool) {
				for _, v := range r.venues {
					v.set(func() { v.silent = silent })
				}
			}
			hush(true) // an hour of tickers would only take its time
			pass(70 * time.Minute)
			hush(false)
			pass(time.Minute)
			all()
			r.fetch(t, "PEPE", market.Day)
		})
		result := agree(t, out)
		for _, kind := range []tape.Kind{
			tape.Frame, tape.Connected, tape.CoinAdded, tape.CoinGone, tape.Listed, tape.Updated, tape.Rebuilt, tape.Stepped,
			tape.Forgot, tape.Disbelieved, tape.LongShort, tape.UsualFunding, tape.Picture, tape.End,
		} {
			if result.Kinds[kind] == 0 {
				t.Errorf("the tape has no %s, so that nothing is tested of it", kind)
			}
		}
	})
}

// A tape that begins with bars and liquidations from disk needs nothing of before.
func TestATapeOfARestart(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		r := open(t, nil)
		r.fetch(t, "BTC", market.Month)
		r.venues["Bybit"].liquidate(t, "BTC", 0, market.Liquidation{At: time.Now(), Side: market.Long, Coins: 2, PriceUSD: 90_000})
		pass(30 * time.Minute)
		r.stop()
		pass(20 * time.Minute)
		out := tapeIn(t, r, false, func(r *room) {
			s := r.fetch(t, "BTC", market.Month)
			if len(s.Realised.Rows) == 0 {
				t.Error("nothing was restored")
			}
			pass(11 * time.Minute)
			r.fetch(t, "BTC", market.Week)
		})
		agree(t, out)
	})
}

func TestPicturesThatCannotBeMadeAreOnTheTape(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		out := tapeIn(t, nil, false, func(r *room) {
			r.fetch(t, "BTC", market.Week)
			for _, v := range r.venues {
				v.set(func() { v.down = true })
			}
			pass(2 * time.Minute)
			if _, err := r.Fetch(t.Context(), snapshot.Key{Coin: "BTC", Window: market.Week}); err == nil {
				t.Error("there is a picture without venues")
			}
		})
		if result := agree(t, out); result.Pictures != len(out.fetched)+1 {
			t.Errorf("%d pictures, want %d and one that failed", result.Pictures, len(out.fetched))
		}
	})
}

// One figure that is not what was applied shows.
func TestATapeThatWasChangedDisagrees(t *testing.T) {
	long(t)
	var out *taped
	synctest.Test(t, func(t *testing.T) {
		out = tapeIn(t, nil, false, func(r *room) {
			r.fetch(t, "BTC", market.Week)
			pass(time.Minute)
			r.venues["Bybit"].liquidate(t, "BTC", 0, market.Liquidation{At: time.Now(), Side: market.Long, Coins: 2, PriceUSD: 90_000})
			synctest.Wait()
			r.fetch(t, "BTC", market.Week)
		})
	})
	lines := strings.SplitAfter(out.String(), "\n")
	last := func(parts ...string) int {
		for i, line := range slices.Backward(lines) {
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
				return i
			}
		}
		t.Fatalf("no line with %q", parts)
		return 0
	}
	for name, c := range map[string]struct {
		line     int
		from, to string
	}{
		"mark":          {last(`"update"`, `"Hyperliquid BTCUSDT"`, `"mark"`), `"mark":8`, `"mark":7`},
		"open interest": {last(`"update"`, `"Gate BTCUSDT"`, `"coins"`), `"coins":`, `"coins":1`},
		"funding":       {last(`"update"`, `"OKX BTCUSDT"`, `"rate"`), `"rate":`, `"rate":-`},
		"order":         {last(`"order"`), `"usd":90000`, `"usd":90001`},
		"bars":          {last(`"rebuild"`, `"Bitget BTCUSDT"`), `[9,8`, `[9,7`},
		"a listing":     {last(`"listed"`, `"Gate BTCUSDT"`), `"symbol":"BTCUSDT"`, `"symbol":"BTCUSDC"`},
		"watched":       {last(`"picture"`, `"watched"`), `"Bybit":94`, `"Bybit":95`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := slices.Clone(lines)
			if changed[c.line] = strings.Replace(changed[c.line], c.from, c.to, 1); changed[c.line] == lines[c.line] {
				t.Fatalf("nothing to change in %s", lines[c.line])
			}
			result, err := exchanges.Replay(strings.NewReader(strings.Join(changed, "")), func(*exchanges.Replayed) {})
			if err != nil || result.Mismatches == 0 {
				t.Errorf("%d pictures differ, %v", result.Mismatches, err)
			}
		})
	}
}

// A recorder that was killed leaves a tape that can be replayed up to there.
func TestATapeThatBreaksOff(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		for _, zipped := range []bool{false, true} {
			out := tapeIn(t, nil, zipped, func(r *room) {
				r.fetch(t, "BTC", market.Week)
				pass(time.Minute)
				r.fetch(t, "BTC", market.Week)
			})
			whole := out.Bytes()
			pictures := 0
			for _, n := range []int{len(whole) / 2, len(whole) - 300, len(whole) - 1} {
				result, err := exchanges.Replay(bytes.NewReader(whole[:n]), func(*exchanges.Replayed) {})
				damage, ok := errors.AsType[*tape.DamageError](err)
				if !ok || !damage.Truncated || damage.Line != result.Entries+2 {
					// The line feed of the last line is all that may be missing.
					if zipped || n != len(whole)-1 || err != nil {
						t.Errorf("zipped %t, %d of %d bytes: %d entries, %v", zipped, n, len(whole), result.Entries, err)
					}
				}
				if result.Mismatches != 0 {
					t.Errorf("%d mismatches before the end", result.Mismatches)
				}
				pictures = result.Pictures
			}
			if pictures != len(out.fetched) {
				t.Errorf("%d pictures, want %d", pictures, len(out.fetched))
			}
		}
	})
}

// fullDisk takes some bytes and no more.
type fullDisk struct{ left int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.left -= len(p); d.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// When the disk fails the tape ends and the market goes on.
func TestAFullDiskEndsTheTapeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		w := tape.NewWriter(&fullDisk{left: 1 << 20}, tape.Options{})
		r.tape = w
		open(t, r)
		r.fetch(t, "BTC", market.Week)
		pass(time.Minute)
		if s := r.fetch(t, "BTC", market.Week); s.Age(time.Now()) > 10*time.Second {
			t.Errorf("the market is %v old", s.Age(time.Now()))
		}
		select {
		case <-w.Failed():
		default:
			t.Error("nobody is told that the tape has ended")
		}
		r.stop()
		if err := w.Close(time.Now()); !errors.Is(err, errFull) {
			t.Errorf("close: %v", err)
		}
	})
}
