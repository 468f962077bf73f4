package hyperliquid_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/hyperliquid"
	"liqbot/market"
)

var (
	btc  = market.Contract{Venue: hyperliquid.Venue, Symbol: "BTC", Coin: "BTC", QuotedCoins: 1, ContractCoins: 1}
	hype = market.Contract{Venue: hyperliquid.Venue, Symbol: "HYPE", Coin: "HYPE", QuotedCoins: 1, ContractCoins: 1}
	pepe = market.Contract{Venue: hyperliquid.Venue, Symbol: "kPEPE", Coin: "PEPE", QuotedCoins: 1000, ContractCoins: 1000}
	sol  = market.Contract{Venue: hyperliquid.Venue, Symbol: "SOL", Coin: "SOL", QuotedCoins: 1, ContractCoins: 1}
	avax = market.Contract{Venue: hyperliquid.Venue, Symbol: "AVAX", Coin: "AVAX", QuotedCoins: 1, ContractCoins: 1}
)

var received = time.Date(2026, 9, 24, 7, 50, 16, 0, time.UTC)

const (
	liquidated = "0x193bd350ec838b1e22d6f302da5343b920aa1c2b"
	other      = "0x9aa589355bf745db9784c8ef3c646360f11b58af"
)

// decode is what a decoder makes of some frames.
func decode(frames ...string) ([]feeds.Update, map[feeds.Reason]int, []bool) {
	c := feedtest.NewCollector()
	d := hyperliquid.NewDecoder([]market.Contract{btc, hype, pepe, sol, avax}, received.AddDate(-2, 0, 0), c)
	var data []bool
	for _, f := range frames {
		data = append(data, d.Frame([]byte(f), received))
	}
	return c.Updates(), c.Drops(), data
}

func recorded(tb testing.TB, name string) string {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func frames(tb testing.TB) []string {
	tb.Helper()
	return strings.Split(strings.TrimSpace(recorded(tb, "ws_frames_20260924.jsonl")), "\n")
}

func TestRecordedContext(t *testing.T) {
	got, drops, data := decode(frames(t)[1])
	want := []feeds.Update{{
		Contract: &btc, Kind: feeds.Ticker, At: received, MarkUSD: 84148, IndexUSD: 84198, OpenInterestCoins: 36585.31848,
		HasFunding: true, FundingRate: 0.0000018952, FundingInterval: time.Hour, FundingAt: received.Truncate(time.Hour).Add(time.Hour),
	}}
	if diff := cmp.Diff(want, got); diff != "" || len(drops) > 0 || !data[0] {
		t.Errorf("dropped %v, data %v (-want +got):\n%s", drops, data, diff)
	}
}

func TestThousandCoinsBecomeOne(t *testing.T) {
	got, _, _ := decode(`{"data":{"ctx":{"markPx":"0.004411","oraclePx":null,"midPx":null,"openInterest":"2058973.0","funding":"0.0000125","premium":null,"impactPxs":null},"coin":"kPEPE"},"channel":"activeAssetCtx"}`)
	if len(got) != 1 || math.Abs(got[0].MarkUSD-0.000004411) > 1e-15 || got[0].OpenInterestCoins != 2058973000 || got[0].IndexUSD != 0 {
		t.Errorf("got %+v", got)
	}
}

// liquidationFrame wraps the recorded fill of a liquidated long of 5.2 HYPE.
func liquidationFrame(tb testing.TB, owner string, changes ...string) string {
	tb.Helper()
	var all []map[string]any
	j := json.NewDecoder(strings.NewReader(recorded(tb, "rest_userFills_liquidation_2026.json")))
	j.UseNumber()
	if err := j.Decode(&all); err != nil {
		tb.Fatal(err)
	}
	for _, key := range []string{"time", "oid", "tid"} { // whole numbers on the wire
		all[2][key] = json.Number(all[2][key].(string))
	}
	fill, err := json.Marshal(all[2])
	if err != nil {
		tb.Fatal(err)
	}
	s := strings.NewReplacer(changes...).Replace(string(fill))
	return `{"channel":"userFills","data":{"user":"` + owner + `","fills":[` + s + `]}}`
}

// TestSides is what is known of which position was lost: a long when its owner sold, or
// when anybody else bought.
func TestSides(t *testing.T) {
	long := market.Liquidation{At: time.UnixMilli(1768931202995).UTC(), Side: market.Long, Coins: 5.2, PriceUSD: 21.147}
	short := long
	short.Side = market.Short
	bought := []string{`"side":"A"`, `"side":"B"`}
	backstop := market.Liquidation{At: time.UnixMilli(1770337193454).UTC(), Side: market.Long, Coins: 28.33, PriceUSD: 67.5499}
	for name, tt := range map[string]struct {
		frame string
		want  market.Liquidation
		usd   float64
	}{
		"owner was liquidated and sold, as recorded": {liquidationFrame(t, liquidated), long, 109.9644},
		"the same in other letters":                  {liquidationFrame(t, strings.ToUpper(liquidated)), long, 109.9644},
		"owner was liquidated and bought":            {liquidationFrame(t, liquidated, bought...), short, 109.9644},
		"owner sold to whom was liquidated":          {liquidationFrame(t, other), short, 109.9644},
		"owner bought from whom was liquidated":      {liquidationFrame(t, other, bought...), long, 109.9644},
		"a vault took over a long": {
			`{"channel":"userFills","data":{"user":"` + other + `","fills":[{"coin":"SOL","px":"67.5499","sz":"28.33","side":"B","time":1770337193454,"dir":"Liquidated Cross Long","crossed":true,"fee":"0.0","tid":1,"liquidation":{"liquidatedUser":"0x7ba283114573bde6fd304ad7b188a763e5402a52","markPx":"68.2","method":"backstop"}}]}}`,
			backstop, 1913.688667,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, drops, data := decode(tt.frame)
			if len(got) != 1 || len(drops) > 0 || data[0] {
				t.Fatalf("%d updates, dropped %v, data %v", len(got), drops, data)
			}
			if diff := cmp.Diff(tt.want, got[0].Order); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if usd := got[0].Order.NotionalUSD(); math.Abs(usd-tt.usd) > 1e-6 || !got[0].At.Equal(tt.want.At) || got[0].ID == 0 {
				t.Errorf("%g USD at %v, ID %d; want %g", usd, got[0].At, got[0].ID, tt.usd)
			}
		})
	}
}

func TestFillsThatAreNoNews(t *testing.T) {
	fill := liquidationFrame(t, liquidated)
	old := strings.Replace(strings.Replace(fill, "1768931202995", "1568931202995", 1), `"data":{`, `"data":{"isSnapshot":true,`, 1)
	late := `{"channel":"userFills","data":{"user":"` + liquidated + `","fills":[` + fill[strings.Index(fill, `[`)+1:strings.LastIndex(fill, "]")] + `],"isSnapshot":true}}`
	for name, tt := range map[string]struct {
		frames []string
		want   int
		drops  map[feeds.Reason]int
	}{
		"seen from both sides":         {[]string{fill, liquidationFrame(t, other, `"side":"A"`, `"side":"B"`)}, 1, map[feeds.Reason]int{feeds.Duplicate: 1}},
		"two trades of number 0":       {[]string{strings.Replace(fill, "345752513742025", "0", 1), strings.Replace(strings.Replace(fill, "345752513742025", "0", 1), `"sz":"5.2"`, `"sz":"5.3"`, 1)}, 2, nil},
		"snapshot behind":              {[]string{fill, late}, 1, map[feeds.Reason]int{feeds.Duplicate: 1}},
		"snapshot of what was missed":  {[]string{late}, 1, nil},
		"snapshot of long ago":         {[]string{old}, 0, nil},
		"no liquidation":               {[]string{strings.Replace(fill, `"liquidation":{`, `"something":{`, 1)}, 0, nil},
		"null":                         {[]string{`{"channel":"userFills","data":{"user":"` + other + `","fills":[{"coin":7,"liquidation":null}]}}`}, 0, nil},
		"deleveraging of others":       {[]string{strings.Replace(fill, "Close Long", "Auto-Deleveraging", 1)}, 0, nil},
		"other contract":               {[]string{strings.Replace(fill, "HYPE", "flx:CRCL", 1)}, 0, map[feeds.Reason]int{feeds.UnknownContract: 1}},
		"name without end":             {[]string{strings.Replace(fill, "HYPE", strings.Repeat("HYPE", 20), 1)}, 0, map[feeds.Reason]int{feeds.UnknownContract: 1}},
		"future":                       {[]string{strings.Replace(fill, "1768931202995", "2768931202995", 1)}, 0, map[feeds.Reason]int{feeds.OutOfOrder: 1}},
		"size 0":                       {[]string{strings.Replace(fill, `"sz":"5.2"`, `"sz":"0.0"`, 1)}, 0, map[feeds.Reason]int{feeds.Impossible: 1}},
		"price below 0":                {[]string{strings.Replace(fill, `"21.147"`, `"-21.147"`, 1)}, 0, map[feeds.Reason]int{feeds.Impossible: 1}},
		"price is a list":              {[]string{strings.Replace(fill, `"21.147"`, `[]`, 1)}, 0, map[feeds.Reason]int{feeds.WrongType: 1}},
		"no side":                      {[]string{strings.Replace(fill, `"side":"A"`, `"side":""`, 1)}, 0, map[feeds.Reason]int{feeds.WrongType: 1}},
		"nobody liquidated":            {[]string{strings.Replace(fill, `"liquidatedUser"`, `"user"`, 1)}, 0, map[feeds.Reason]int{feeds.WrongType: 1}},
		"liquidation is a text":        {[]string{`{"channel":"userFills","data":{"user":"` + other + `","fills":[{"coin":"BTC","liquidation":"yes"}]}}`}, 0, map[feeds.Reason]int{feeds.WrongType: 1}},
		"no owner":                     {[]string{strings.Replace(fill, `"user"`, `"usr"`, 1)}, 0, map[feeds.Reason]int{feeds.WrongType: 1}},
		"a good one behind a bad one":  {[]string{strings.Replace(fill, `"fills":[`, `"fills":[{"coin":[],"liquidation":{"liquidatedUser":3}},7,`, 1)}, 1, map[feeds.Reason]int{feeds.WrongType: 1}},
		"fills are no list":            {[]string{`{"channel":"userFills","data":{"user":"` + other + `","fills":{}}}`}, 0, map[feeds.Reason]int{feeds.WrongType: 1}},
		"a list cut off by the server": {[]string{fill[:len(fill)-3]}, 0, map[feeds.Reason]int{feeds.Garbage: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, drops, _ := decode(tt.frames...)
			if diff := cmp.Diff(tt.drops, drops, cmpopts.EquateEmpty()); diff != "" || len(got) != tt.want {
				t.Errorf("%d updates, want %d; dropped (-want +got):\n%s", len(got), tt.want, diff)
			}
		})
	}
}

func TestFramesThatAreNotBelieved(t *testing.T) {
	context := func(coin, ctx string) string {
		return `{"channel":"activeAssetCtx","data":{"coin":` + coin + `,"ctx":` + ctx + `}}`
	}
	for name, tt := range map[string]struct {
		frame string
		want  feeds.Reason // empty: nothing is dropped
	}{
		"empty":           {"", feeds.Garbage},
		"text":            {"pong?", feeds.Garbage},
		"greeting":        {"Websocket connection established.", ""},
		"list":            {"[]", feeds.Garbage},
		"no channel":      {`{"data":{}}`, feeds.Garbage},
		"other channel":   {`{"channel":"webData2","data":{}}`, feeds.Garbage},
		"channel 5":       {`{"channel":5,"data":{}}`, feeds.WrongType},
		"pong":            {`{"channel":"pong"}`, ""},
		"acknowledgement": {frames(t)[0], ""},
		"twice":           {frames(t)[5], feeds.Duplicate},
		"refusal":         {`{"channel":"error","data":"Error parsing JSON into valid websocket request: {}"}`, feeds.Refused},
		"no data":         {`{"channel":"activeAssetCtx"}`, feeds.Garbage},
		"no context":      {`{"channel":"activeAssetCtx","data":{"coin":"BTC"}}`, feeds.WrongType},
		"other contract":  {context(`"DOGE"`, `{"markPx":"1"}`), feeds.UnknownContract},
		"no name":         {context(`null`, `{"markPx":"1"}`), feeds.WrongType},
		"no mark":         {context(`"BTC"`, `{"markPx":null,"openInterest":"1"}`), feeds.WrongType},
		"mark NaN":        {context(`"BTC"`, `{"markPx":"NaN"}`), feeds.WrongType},
		"mark a list":     {context(`"BTC"`, `{"markPx":["1"]}`), feeds.WrongType},
		"mark 0":          {context(`"BTC"`, `{"markPx":"0.0"}`), feeds.Impossible},
		"mark below 0":    {context(`"BTC"`, `{"markPx":"-1"}`), feeds.Impossible},
		"mark huge":       {context(`"BTC"`, `{"markPx":"1e300"}`), feeds.Impossible},
		"oracle 0":        {context(`"BTC"`, `{"markPx":"1","oraclePx":"0"}`), feeds.Impossible},
		"interest < 0":    {context(`"BTC"`, `{"markPx":"1","openInterest":"-3"}`), feeds.Impossible},
		"funding 100 %":   {context(`"BTC"`, `{"markPx":"1","funding":"1.0"}`), feeds.Impossible},
		"interest a bool": {context(`"BTC"`, `{"markPx":"1","openInterest":true}`), feeds.WrongType},
		"trailing":        {context(`"BTC"`, `{"markPx":"1"}`) + "x", feeds.Garbage},
		"cut":             {`{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"markPx":"1"`, feeds.Garbage},
		"numbers":         {context(`"BTC"`, `{"markPx":1.5,"openInterest":2}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, drops, data := decode(tt.frame)
			want := map[feeds.Reason]int{}
			if tt.want != "" {
				want[tt.want] = 1
			}
			if diff := cmp.Diff(want, drops, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("dropped (-want +got):\n%s", diff)
			}
			if (name == "numbers") != (len(got) == 1 && data[0]) {
				t.Errorf("updates %+v, data %v", got, data)
			}
		})
	}
}

// possible fails on an update that cannot be true.
func possible(t *testing.T, u feeds.Update) {
	t.Helper()
	switch {
	case u.Contract == nil || u.At.IsZero():
		t.Errorf("incomplete: %+v", u)
	case u.Kind == feeds.Ticker:
		if !feeds.PossiblePrice(u.MarkUSD) || u.IndexUSD != 0 && !feeds.PossiblePrice(u.IndexUSD) ||
			!feeds.PossibleVolume(u.OpenInterestCoins) || !feeds.PossibleFunding(u.FundingRate) {
			t.Errorf("cannot be: %+v", u)
		}
	case u.Kind == feeds.Liquidation:
		o := u.Order
		if !feeds.PossiblePrice(o.PriceUSD) || !feeds.PossibleCoins(o.Coins) || o.Side != market.Long && o.Side != market.Short || !o.At.Equal(u.At) {
			t.Errorf("cannot be: %+v", u)
		}
	default:
		t.Errorf("kind %d", u.Kind)
	}
}

func FuzzFrame(f *testing.F) {
	for _, s := range frames(f) {
		f.Add([]byte(s))
	}
	f.Add([]byte(liquidationFrame(f, liquidated)))
	f.Add([]byte(liquidationFrame(f, other, `"fills":`, `"isSnapshot":true,"fills":`)))
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		updates, drops, data := decode(string(frame))
		for _, u := range updates {
			possible(t, u)
		}
		if data[0] && len(updates) == 0 {
			t.Error("data without an update")
		}
		if !json.Valid(frame) && len(drops) == 0 && string(frame) != "Websocket connection established." {
			t.Errorf("%q is not JSON and was not dropped", frame)
		}
		if !bytes.Equal(before, frame) {
			t.Error("the frame was changed")
		}
	})
}

// count is a sink that only counts.
type count struct{ updates, drops int }

func (c *count) Update(feeds.Update)     { c.updates++ }
func (c *count) Dropped(feeds.Reason)    { c.drops++ }
func (c *count) Frame(string, []byte)    {}
func (c *count) Connected(string, error) {}
func (c *count) ok(messages, n int) bool { return c.drops == 0 && c.updates == messages*n }

// mix are the frames of a second: a context of each of many contracts, fills of a watched
// market maker that are no liquidations, one that is, an acknowledgement and a pong.
func mix(b *testing.B) (all [][]byte, contracts []market.Contract) {
	b.Helper()
	for i := range 180 {
		c := market.Contract{Venue: hyperliquid.Venue, Symbol: "C" + strconv.Itoa(i), QuotedCoins: 1, ContractCoins: 1}
		contracts = append(contracts, c)
		all = append(all, []byte(strings.Replace(frames(b)[1], `"BTC"`, `"`+c.Symbol+`"`, 1)))
	}
	ordinary := strings.Replace(liquidationFrame(b, other, "HYPE", "C7"), `"liquidation":{`, `"something":{`, 1)
	for range 16 {
		all = append(all, []byte(ordinary))
	}
	all = append(all, []byte(frames(b)[0]), []byte(frames(b)[6]))
	return all, contracts
}

func BenchmarkDecode(b *testing.B) {
	all, contracts := mix(b)
	b.Run("jx", func(b *testing.B) {
		var c count
		d := hyperliquid.NewDecoder(contracts, received, &c)
		report(b, all, func(frame []byte) { d.Frame(frame, received) })
		if !c.ok(180, b.N) {
			b.Fatalf("%+v", c)
		}
	})
	b.Run("encoding_json", func(b *testing.B) {
		var c count
		bySymbol := make(map[string]*market.Contract)
		for i := range contracts {
			bySymbol[contracts[i].Symbol] = &contracts[i]
		}
		report(b, all, func(frame []byte) {
			if err := plainly(frame, bySymbol, &c); err != nil {
				b.Fatal(err)
			}
		})
		if !c.ok(180, b.N) {
			b.Fatalf("%+v", c)
		}
	})
}

func report(b *testing.B, all [][]byte, one func([]byte)) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for _, frame := range all {
			one(frame)
		}
	}
	b.ReportMetric(float64(b.N*len(all))/b.Elapsed().Seconds(), "msgs/s")
}

// plainly decodes as one would with the standard library.
func plainly(frame []byte, bySymbol map[string]*market.Contract, sink feeds.Sink) error {
	var m struct {
		Channel string          `json:"channel"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(frame, &m); err != nil {
		return fmt.Errorf("frame: %w", err)
	}
	switch m.Channel {
	case "activeAssetCtx":
		var data struct {
			Coin string `json:"coin"`
			Ctx  struct {
				MarkPx       float64 `json:"markPx,string"`
				OraclePx     float64 `json:"oraclePx,string"`
				OpenInterest float64 `json:"openInterest,string"`
				Funding      float64 `json:"funding,string"`
			} `json:"ctx"`
		}
		if err := json.Unmarshal(m.Data, &data); err != nil {
			return fmt.Errorf("context: %w", err)
		}
		sink.Update(feeds.Update{
			Contract: bySymbol[data.Coin], Kind: feeds.Ticker, At: received, MarkUSD: data.Ctx.MarkPx, IndexUSD: data.Ctx.OraclePx,
			OpenInterestCoins: data.Ctx.OpenInterest, HasFunding: true, FundingRate: data.Ctx.Funding,
		})
	case "userFills":
		var data struct {
			User  string `json:"user"`
			Fills []struct {
				Coin        string  `json:"coin"`
				Px          float64 `json:"px,string"`
				Sz          float64 `json:"sz,string"`
				Side        string  `json:"side"`
				Time        int64   `json:"time"`
				Tid         int64   `json:"tid"`
				Liquidation *struct {
					LiquidatedUser string `json:"liquidatedUser"`
				} `json:"liquidation"`
			} `json:"fills"`
		}
		if err := json.Unmarshal(m.Data, &data); err != nil {
			return fmt.Errorf("fills: %w", err)
		}
	}
	return nil
}
