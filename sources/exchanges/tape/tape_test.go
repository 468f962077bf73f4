package tape_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/market"
	"liqbot/sources/exchanges/tape"
)

var at = time.Date(2026, 1, 10, 12, 0, 0, 123456789, time.UTC)

// sample has an entry of every kind.
func sample() []*tape.Entry {
	rate, contract := 0.0001, tape.Contract{Venue: "OKX", Symbol: "BTC-USDT-SWAP", Coin: "BTC", QuotedCoins: 1, ContractCoins: 0.01, Quote: "USDT", FundingInterval: 8 * time.Hour}
	ticker := feeds.Update{
		Kind: feeds.Ticker, At: at, MarkUSD: 0.1 + 0.2, IndexUSD: math.SmallestNonzeroFloat64, LastUSD: math.MaxFloat64, OpenInterestCoins: 1.0 / 3,
		HasFunding: true, FundingRate: math.Copysign(0, -1), FundingAt: at.Add(time.Hour),
	}
	order := feeds.Update{Kind: feeds.Liquidation, At: at, ID: math.MaxUint64, Order: market.Liquidation{At: at, Side: market.Short, Coins: 1e-9, PriceUSD: 90_000.1}}
	bar := market.Bar{OpenInterestCoins: 12345.678, Assumed: true, Candle: market.Candle{
		Start: at.Truncate(feeds.CandleLength), Length: feeds.CandleLength, OpenUSD: 1.1, HighUSD: 1.3, LowUSD: 0.9, CloseUSD: 1.2, VolumeCoins: 7,
	}}
	later := bar
	later.Start, later.Assumed, later.MarkHighUSD, later.MarkLowUSD = bar.Start.Add(15*time.Minute), false, 1.31, 0.89
	rows := []market.Realised{{Start: at.Truncate(feeds.CandleLength), Venue: "OKX", LongUSD: 5, Orders: 1, Largest: order.Order}}
	entries := []*tape.Entry{
		{Kind: tape.Frame, Message: tape.NewMessage("OKX", "public", []byte(`{"a":"<é>\u0000"}`))},
		{Kind: tape.Frame, Message: tape.NewMessage("Gate", "public", []byte{0xff, 0, '\n'})},
		{Kind: tape.Frame, Message: tape.NewMessage("Gate", "public", nil)},
		{Kind: tape.Connected, Stream: &tape.StreamState{Venue: "OKX", Stream: "public", Up: true}},
		{Kind: tape.CoinAdded, Coin: "BTC#2", Added: &tape.Added{Coin: "BTC", Parameters: "8f3f", Realised: tape.NewRealised(rows)}},
		{Kind: tape.CoinGone, Coin: "BTC"},
		{Kind: tape.Listed, Coin: "BTC#2", Listing: "OKX BTC-USDT-SWAP", Contract: &contract},
		{Kind: tape.Updated, Listing: "OKX BTC-USDT-SWAP", Update: tape.NewUpdate(&ticker, at.Add(-time.Second))},
		{Kind: tape.Updated, Listing: "OKX BTC-USDT-SWAP", Update: tape.NewUpdate(&order, at)},
		{Kind: tape.Rebuilt, Listing: "OKX BTC-USDT-SWAP", Bars: tape.NewBars([]market.Bar{bar, later})},
		{Kind: tape.Stepped, Listing: "OKX BTC-USDT-SWAP", Bars: tape.NewBars(nil)},
		{Kind: tape.LongShort, Listing: "OKX BTC-USDT-SWAP", Ratio: &tape.Ratio{At: tape.At(at), Long: 0.6, Short: 0.4}},
		{Kind: tape.UsualFunding, Listing: "OKX BTC-USDT-SWAP", Rate: &rate},
		{Kind: tape.Forgot, Coin: "BTC#2"},
		{Kind: tape.Disbelieved, Listing: "OKX BTC-USDT-SWAP", Is: true},
		{Kind: tape.Picture, Coin: "BTC#2", Shown: &tape.PictureOutcome{Window: market.Week, Fingerprint: "00ff", PriceUSD: 90_000.1, Watched: map[market.Venue]tape.Stamp{"OKX": tape.At(at)}}},
		{Kind: tape.Picture, Coin: "BTC#2", Shown: &tape.PictureOutcome{Window: market.Week, Problem: "unavailable"}},
		{Kind: tape.Delisted, Listing: "OKX BTC-USDT-SWAP"},
	}
	for i, e := range entries {
		e.At = tape.At(at.Add(time.Duration(i)))
	}
	return entries
}

var header = tape.Header{
	Start: tape.At(at), KeyLevelBand: 0.06, SymmetricBand: 0.05, Quiet: 45 * time.Second, Patience: time.Second, Follow: 1,
	Coins: []market.Coin{"BTC"}, Venues: []tape.Venue{{Name: "OKX", Coverage: market.Sampled}, {Name: "Gate"}},
}

// write makes a tape of the sample.
func write(tb testing.TB, zipped bool) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := tape.NewWriter(&out, tape.Options{Gzip: zipped, Bot: "1.2.3"})
	w.Begin(header)
	for _, e := range sample() {
		w.Write(e)
	}
	if err := w.Close(at.Add(time.Hour)); err != nil {
		tb.Fatalf("close: %v", err)
	}
	w.Write(sample()[0])
	if err := w.Close(at); err != nil {
		tb.Errorf("second close: %v", err)
	}
	return out.Bytes()
}

func read(tb testing.TB, r io.Reader) (tape.Header, []*tape.Entry, error) {
	tb.Helper()
	lines, h, err := tape.NewReader(r)
	if err != nil {
		return h, nil, err
	}
	var all []*tape.Entry
	for {
		e, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return h, all, nil
		}
		if err != nil {
			return h, all, err
		}
		all = append(all, e)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	for _, zipped := range []bool{false, true} {
		h, got, err := read(t, bytes.NewReader(write(t, zipped)))
		if err != nil {
			t.Fatal(err)
		}
		want := append(sample(), &tape.Entry{At: tape.At(at.Add(time.Hour)), Kind: tape.End})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("zipped %t: -want +got\n%s", zipped, diff)
		}
		if h.Bot != "1.2.3" || h.Arch == "" || h.Version != tape.Version || !cmp.Equal(h.Venues, header.Venues) || h.Quiet != header.Quiet {
			t.Errorf("header %+v", h)
		}
	}
}

// What the source gets back is what it gave, to the last bit; bars are in single precision.
func TestFiguresComeBack(t *testing.T) {
	t.Parallel()
	_, all, err := read(t, bytes.NewReader(write(t, false)))
	if err != nil {
		t.Fatal(err)
	}
	if frame, err := all[1].Message.Bytes(); err != nil || !bytes.Equal(frame, []byte{0xff, 0, '\n'}) {
		t.Errorf("frame %q, %v", frame, err)
	}
	u, host := all[7].Update.Update(nil)
	if u.MarkUSD != 0.1+0.2 || !math.Signbit(u.FundingRate) || u.OpenInterestCoins != 1.0/3 || !host.Equal(at.Add(-time.Second)) || u.At != at || u.Kind != feeds.Ticker {
		t.Errorf("ticker %+v at %v", u, host)
	}
	if u, host := all[8].Update.Update(nil); u.Kind != feeds.Liquidation || u.ID != math.MaxUint64 || u.Order.PriceUSD != 90_000.1 || !host.Equal(at) {
		t.Errorf("order %+v at %v", u, host)
	}
	bars := all[9].Bars.Bars()
	if len(bars) != 2 || bars[1].Start != at.Truncate(feeds.CandleLength).Add(15*time.Minute) || !bars[0].Assumed || bars[1].Assumed ||
		float32(bars[1].MarkHighUSD) != 1.31 || float32(bars[0].OpenInterestCoins) != 12345.678 || bars[0].Length != feeds.CandleLength {
		t.Errorf("bars %+v", bars)
	}
}

// Times that a lying venue tells come back as well.
func TestStamps(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		{},
		time.Unix(0, 0), time.Unix(-1, 999_999_999), time.UnixMilli(math.MaxInt64), time.UnixMilli(math.MinInt64), time.Date(2300, 1, 1, 0, 0, 0, 5, time.UTC),
		time.Unix(math.MaxInt64/int64(time.Second), 0), time.Unix(-math.MaxInt64/int64(time.Second), 1), time.Now(),
	} {
		text, err := tape.At(at).MarshalJSON()
		var got tape.Stamp
		if err == nil {
			err = got.UnmarshalJSON(text)
		}
		if err != nil || !got.Equal(at) || got.Location() != time.UTC {
			t.Errorf("%v is %s and then %v, %v", at, text, got, err)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"not JSON": `{`, "unknown kind": `{"t":1,"kind":"gossip"}`, "no time": `{"kind":"end"}`, "no part": `{"t":1,"kind":"update","listing":"a"}`,
		"no listing": `{"t":1,"kind":"delisted"}`, "no coin": `{"t":1,"kind":"picture","picture":{"window":"7d"}}`,
		"half a bar":  `{"t":1,"kind":"step","listing":"a","bars":{"rows":[[0,1,2]]}}`,
		"a far bar":   `{"t":1,"kind":"step","listing":"a","bars":{"rows":[[1e30,1,2,3,4,5,6,7,8]]}}`,
		"a half-time": `{"t":"12:-5","kind":"end"}`,
	} {
		if e, err := tape.DecodeEntry([]byte(line)); err == nil || e != nil || !errors.Is(err, tape.ErrEntry) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	for name, text := range map[string]string{"empty": "", "no JSON": "hello\n", "another": `{"kind":"market","v":1}` + "\n"} {
		if _, _, err := read(t, strings.NewReader(text)); !errors.Is(err, tape.ErrNoTape) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := read(t, strings.NewReader(`{"kind":"tape","v":9}`)); !errors.Is(err, tape.ErrVersion) {
		t.Errorf("a later version: %v", err)
	}
}

// A tape cut anywhere is read up to there and says so.
func TestEveryCutIsSeen(t *testing.T) {
	t.Parallel()
	for _, zipped := range []bool{false, true} {
		whole := write(t, zipped)
		for n := range len(whole) - 1 {
			_, all, err := read(t, bytes.NewReader(whole[:n]))
			damage, ok := errors.AsType[*tape.DamageError](err)
			if !ok && !errors.Is(err, tape.ErrNoTape) {
				t.Fatalf("zipped %t, %d of %d bytes: %d entries, %v", zipped, n, len(whole), len(all), err)
			}
			if ok && len(all) > 0 && (!damage.Truncated || damage.Line != len(all)+2) {
				t.Fatalf("zipped %t, %d of %d bytes: %d entries, %v", zipped, n, len(whole), len(all), err)
			}
		}
	}
}

func TestAFigureThatIsNoNumberEndsTheTape(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := tape.NewWriter(&out, tape.Options{})
	w.Begin(header)
	nan := math.NaN()
	w.Write(&tape.Entry{At: tape.At(at), Kind: tape.UsualFunding, Listing: "OKX X", Rate: &nan})
	w.Write(sample()[5])
	select {
	case <-w.Failed():
	default:
		t.Error("it goes on")
	}
	if err := w.Close(at); err == nil || !strings.Contains(err.Error(), "usual_funding of OKX X") {
		t.Errorf("close: %v", err)
	}
}

func TestFramesCanBeLeftOut(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		var out bytes.Buffer
		w := tape.NewWriter(&out, tape.Options{WithoutFrames: without})
		w.Begin(header)
		w.Frame(at, "OKX", "public", []byte("secret sauce"))
		if err := w.Close(at); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "secret sauce") == without {
			t.Errorf("without frames %t:\n%s", without, out.String())
		}
	}
}

func TestNamesAreUsedOnce(t *testing.T) {
	t.Parallel()
	w := tape.NewWriter(io.Discard, tape.Options{})
	for _, want := range []string{"BTC", "BTC#2", "BTC#3"} {
		if got := w.Name("BTC"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestTheDocumentedExample reads the example of the format's description.
func TestTheDocumentedExample(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/raw-tape.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```json\n")
	example, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the page has no example")
	}
	if _, all, err := read(t, strings.NewReader(example)); err != nil || len(all) < 10 {
		t.Errorf("%d entries, %v", len(all), err)
	}
	for kind := range tape.Kinds() {
		if !strings.Contains(string(page), "`"+string(kind)+"`") {
			t.Errorf("the page does not explain %s", kind)
		}
	}
}

// A line is refused or is an entry that is written and read again as the same.
func FuzzDecodeEntry(f *testing.F) {
	for _, line := range bytes.SplitAfter(write(f, false), []byte("\n")) {
		f.Add(line)
	}
	f.Add([]byte(`{"t":"99999999999:5","kind":"step","listing":"x","bars":{"start":"-99999999999:5","rows":[[-5,1,2,3,4,5,6,7,8,1]]}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := tape.DecodeEntry(line)
		if err != nil {
			if e != nil {
				t.Fatal("an entry and an error")
			}
			return
		}
		again, err := e.Encode()
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		twice, err := tape.DecodeEntry(again)
		if err != nil {
			t.Fatalf("decode %s: %v", again, err)
		}
		if diff := cmp.Diff(e, twice, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("it has changed: -first +second\n%s", diff)
		}
		if e.Bars != nil {
			e.Bars.Bars()
		}
		if e.Update != nil {
			e.Update.Update(nil)
		}
		if e.Message != nil {
			_, _ = e.Message.Bytes()
		}
	})
}
