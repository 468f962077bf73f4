package recorded_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liqbot/sources/recorded"
)

// validEvents has one event of each kind and form.
var validEvents = []string{
	`{"t":1768046400000,"kind":"price","coin":"BTC","usd":90131.71,"price_kind":"mark","change_24h":-0.01}`,
	`{"t":1768046400000,"kind":"price","coin":"PEPE","usd":0.0000043,"price_kind":"last"}`,
	`{"t":1768046400000,"kind":"map","coin":"BTC","window":"7d","ref_usd":90131.71,"venues":["Binance"],"short":[[94681,1234567.5,0],[94700,5]],"long":[[86137,1000000,0,25],[86000,3,-1,50]]}`,
	`{"t":1768046400000,"kind":"map","coin":"BTC","window":"1d","same":true,"as_of_ms":1768046300000}`,
	`{"t":1768046400000,"kind":"range","coin":"BTC","window":"7d","high_usd":93012,"low_usd":84466}`,
	`{"t":1768046400000,"kind":"etf","coin":"BTC","net_usd":-459000000,"net_coins":0,"from":"2026-01-05","to":"2026-01-09","week":"last_week","source":"Farside"}`,
	`{"t":1768046400000,"kind":"liquidations","coin":"BTC","long_usd":0,"short_usd":12,"over_ms":86400000}`,
	`{"t":1768046400000,"kind":"open_interest","coin":"BTC","usd":59000000000,"change_24h":0.018,"coins":658400}`,
	`{"t":1768046400000,"kind":"funding","coin":"BTC","origin":"vendor","venue":"Binance","rate":-0.0001,"interval_ms":28800000}`,
	`{"t":1768046400000,"kind":"etf","coin":"BTC","gone":true}`,
	`{"t":1768046400000,"kind":"price","coin":"BTC","recorded_ms":1700000000000,"venues":["A"],"missing":["B"],"usd":1,"price_kind":"mark"}`,
}

func TestDecodeEventRoundTrip(t *testing.T) {
	for _, line := range validEvents {
		e, err := recorded.DecodeEvent([]byte(line))
		if err != nil {
			t.Fatalf("DecodeEvent(%s): %v", line, err)
		}
		out, err := recorded.AppendEvent([]byte("before|"), e)
		if err != nil {
			t.Fatalf("AppendEvent of %s: %v", line, err)
		}
		back, err := recorded.DecodeEvent([]byte(strings.TrimPrefix(string(out), "before|")))
		if err != nil {
			t.Fatalf("DecodeEvent of %s: %v", out, err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Errorf("%s changed on the way (-want +got):\n%s", line, diff)
		}
		if len(out) != len("before|")+len(line)+1 {
			t.Errorf("AppendEvent wrote\n%swant as long as\n%s", out, line)
		}
	}
}

func TestDecodeEventRefuses(t *testing.T) {
	const at = `{"t":1768046400000,"coin":"BTC",`
	tests := []struct{ name, line, want string }{
		{"not JSON", `price BTC 90131`, "not a JSON object"},
		{"cut off", `{"t":1768046400000,"kind":"pri`, "not a JSON object"},
		{"a number", `5`, "no kind"},
		{"a list", `[1,2]`, "no kind"},
		{"no kind", `{"t":1768046400000}`, "no kind"},
		{"kind of the wrong type", `{"kind":7}`, "no kind"},
		{"no time", `{"kind":"price","coin":"BTC","usd":1,"price_kind":"mark"}`, "t: 0"},
		{"negative time", `{"t":-5,"kind":"price","coin":"BTC","usd":1,"price_kind":"mark"}`, "t: -5"},
		{"time beyond all years", `{"t":999999999999999999,"kind":"price","coin":"BTC","usd":1,"price_kind":"mark"}`, "Unix milliseconds"},
		{"time of the wrong type", `{"t":"now","kind":"price","coin":"BTC"}`, `field "t": string is of the wrong type`},
		{"lower case coin", `{"t":1,"kind":"price","coin":"btc","usd":1,"price_kind":"mark"}`, "want only A-Z and 0-9"},
		{"no coin", `{"t":1,"kind":"price","usd":1,"price_kind":"mark"}`, "coin name of 0 bytes"},
		{"no price", at + `"kind":"price","price_kind":"mark"}`, "usd: missing"},
		{"null price", at + `"kind":"price","price_kind":"mark","usd":null}`, "usd: missing"},
		{"zero price", at + `"kind":"price","price_kind":"mark","usd":0}`, "usd: 0, want a positive number"},
		{"negative price", at + `"kind":"price","price_kind":"mark","usd":-1}`, "usd: -1"},
		{"huge price", at + `"kind":"price","price_kind":"mark","usd":1e300}`, "too large"},
		{"price beyond float", at + `"kind":"price","price_kind":"mark","usd":1e999}`, "usd"},
		{"NaN", at + `"kind":"price","price_kind":"mark","usd":NaN}`, "not a JSON object"},
		{"price as text", at + `"kind":"price","price_kind":"mark","usd":"90131"}`, `field "usd": string`},
		{"no price kind", at + `"kind":"price","usd":1}`, `price_kind "": want "mark" or "last"`},
		{"future figure", at + `"kind":"price","price_kind":"mark","usd":1,"as_of_ms":1768046400001}`, "as_of_ms"},
		{"same and gone", at + `"kind":"price","same":true,"gone":true}`, "same and gone"},
		{"unknown origin", at + `"kind":"price","usd":1,"price_kind":"mark","origin":"guess"}`, `origin "guess"`},
		{"unnamed venue", at + `"kind":"price","usd":1,"price_kind":"mark","venues":[""]}`, "venues: a name of 0 bytes"},
		{"long source", at + `"kind":"price","usd":1,"price_kind":"mark","source":"` + strings.Repeat("x", 65) + `"}`, "source: 65 bytes"},
		{"map without window", at + `"kind":"map","ref_usd":1,"short":[[2,1]]}`, `window ""`},
		{"map without reference", at + `"kind":"map","window":"7d","short":[[2,1]]}`, "ref_usd: missing"},
		{"map without levels", at + `"kind":"map","window":"7d","ref_usd":1}`, "0 levels"},
		{"level without intensity", at + `"kind":"map","window":"7d","ref_usd":1,"short":[[2]]}`, "level is not"},
		{"level with five numbers", at + `"kind":"map","window":"7d","ref_usd":1,"short":[[2,1,0,0,0]]}`, "level is not"},
		{"null in a level", at + `"kind":"map","window":"7d","ref_usd":1,"short":[[2,null]]}`, "level is not"},
		{"null level", at + `"kind":"map","window":"7d","ref_usd":1,"short":[null]}`, "level is not"},
		{"text in a level", at + `"kind":"map","window":"7d","ref_usd":1,"short":[["2",1]]}`, "level is not"},
		{"levels of numbers", at + `"kind":"map","window":"7d","ref_usd":1,"short":[2,1]}`, "level is not"},
		{"a level that is text", at + `"kind":"map","window":"7d","ref_usd":1,"short":["[2,1]"]}`, "level is not"},
		{"a level that is an object", at + `"kind":"map","window":"7d","ref_usd":1,"short":[{"a":[2,1]}]}`, "level is not"},
		{"nested level", at + `"kind":"map","window":"7d","ref_usd":1,"short":[[[2],1]]}`, "level is not"},
		{"negative intensity", at + `"kind":"map","window":"7d","ref_usd":1,"long":[[2,3],[2,-1]]}`, "long[1]: intensity -1"},
		{"level of no price", at + `"kind":"map","window":"7d","ref_usd":1,"long":[[0,3]]}`, "long[0]: price 0"},
		{"unknown venue", at + `"kind":"map","window":"7d","ref_usd":1,"venues":["Binance"],"short":[[2,3,1]]}`, "venue index 1, but there are 1 venues"},
		{"venue index below", at + `"kind":"map","window":"7d","ref_usd":1,"short":[[2,3,-2]]}`, "venue index -2"},
		{"broken venue index", at + `"kind":"map","window":"7d","ref_usd":1,"venues":["A"],"short":[[2,3,0.5]]}`, "level is not"},
		{"huge venue index", at + `"kind":"map","window":"7d","ref_usd":1,"venues":["A"],"short":[[2,3,1e300]]}`, ""},
		{"negative leverage", at + `"kind":"map","window":"7d","ref_usd":1,"venues":["A"],"short":[[2,3,0,-5]]}`, "leverage -5"},
		{"levels as object", at + `"kind":"map","window":"7d","ref_usd":1,"short":{"2":1}}`, "levels are not an array"},
		{"high below low", at + `"kind":"range","window":"7d","high_usd":1,"low_usd":2}`, "below low_usd"},
		{"range without low", at + `"kind":"range","window":"7d","high_usd":1}`, "low_usd: missing"},
		{"flow without a week", at + `"kind":"etf","net_usd":1,"net_coins":1,"from":"2026-01-05","to":"2026-01-09"}`, `week ""`},
		{"flow from nowhere", at + `"kind":"etf","net_usd":1,"net_coins":1,"from":"Monday","to":"2026-01-09","week":"last_week"}`, `from "Monday"`},
		{"flow that ends before it starts", at + `"kind":"etf","net_usd":1,"net_coins":1,"from":"2026-01-05","to":"2026-01-02","week":"last_week"}`, `to "2026-01-02"`},
		{"flow without coins", at + `"kind":"etf","net_usd":1,"from":"2026-01-05","to":"2026-01-09","week":"last_week"}`, "net_coins: missing"},
		{"negative liquidations", at + `"kind":"liquidations","long_usd":-1,"short_usd":1,"over_ms":1}`, "long_usd: -1"},
		{"liquidations over nothing", at + `"kind":"liquidations","long_usd":1,"short_usd":1}`, "over_ms: 0"},
		{"interest without coins", at + `"kind":"open_interest","usd":1}`, "coins: missing"},
		{"funding without venue", at + `"kind":"funding","rate":0,"interval_ms":1}`, "venue: a name of 0 bytes"},
		{"funding without rate", at + `"kind":"funding","venue":"OKX","interval_ms":1}`, "rate: missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := recorded.DecodeEvent([]byte(tt.line))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("DecodeEvent = %+v, %v; want an error with %q", e, err, tt.want)
			}
			if errors.Is(err, recorded.ErrUnknownKind) {
				t.Errorf("%v would be skipped, not refused", err)
			}
		})
	}
}

func TestDecodeEventSkipsWhatLaterVersionsAdd(t *testing.T) {
	if _, err := recorded.DecodeEvent([]byte(`{"t":1,"kind":"candle","coin":["a"],"long":5}`)); !errors.Is(err, recorded.ErrUnknownKind) {
		t.Errorf("unknown kind: %v, want ErrUnknownKind", err)
	}
	e, err := recorded.DecodeEvent([]byte(`{"t":1,"kind":"price","coin":"BTC","usd":2,"price_kind":"mark","mood":{"greed":1}}`))
	if err != nil || *e.USD != 2 {
		t.Errorf("unknown field: %+v, %v; want a price of 2", e, err)
	}
}

func TestDecodeHeaderRefuses(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"empty", ``, "not a header"},
		{"text", `time,price`, "not a header"},
		{"an event", `{"t":1,"kind":"price"}`, `kind "price"`},
		{"later version", `{"kind":"market","v":2,"source":"x","start_ms":1}`, "v: 2, want 1"},
		{"no source", `{"kind":"market","v":1,"start_ms":1}`, "source"},
		{"no start", `{"kind":"market","v":1,"source":"x"}`, "start_ms: 0"},
		{"bad coin", `{"kind":"market","v":1,"source":"x","start_ms":1,"coins":["b-c"]}`, "coins"},
		{"bad origin", `{"kind":"market","v":1,"source":"x","start_ms":1,"origin":"me"}`, "origin"},
		{"demo of the wrong type", `{"kind":"market","v":1,"source":"x","start_ms":1,"demo":"yes"}`, `field "demo"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if h, err := recorded.DecodeHeader([]byte(tt.line)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("DecodeHeader = %+v, %v; want an error with %q", h, err, tt.want)
			}
		})
	}
}

func TestAppendRefusesWhatCannotBeRead(t *testing.T) {
	if out, err := recorded.AppendEvent(nil, recorded.Event{Kind: "candle", TimeMS: 1, Coin: "BTC"}); err == nil || len(out) > 0 {
		t.Errorf("AppendEvent of an unknown kind = %s, %v", out, err)
	}
	if out, err := recorded.AppendEvent(nil, recorded.Event{Kind: recorded.KindPrice, TimeMS: 1, Coin: "BTC"}); err == nil || len(out) > 0 {
		t.Errorf("AppendEvent of a price without one = %s, %v", out, err)
	}
	if out, err := recorded.AppendHeader(nil, recorded.Header{}); err == nil || len(out) > 0 {
		t.Errorf("AppendHeader of nothing = %s, %v", out, err)
	}
}

// FuzzDecode checks that what is read can be written and is then read alike, and
// that an error comes without a value.
func FuzzDecode(f *testing.F) {
	f.Add(header)
	for _, line := range validEvents {
		f.Add(line)
	}
	f.Add(`{"t":1,"kind":"map","coin":"BTC","window":"7d","ref_usd":1,"short":[[1e-7,1e17,-1],[ 2 , 3 ]]}`)
	f.Fuzz(func(t *testing.T, line string) {
		e, err := recorded.DecodeEvent([]byte(line))
		if err != nil {
			if diff := cmp.Diff(recorded.Event{}, e); diff != "" {
				t.Fatalf("an error and a value: %v %s", err, diff)
			}
			return
		}
		out, err := recorded.AppendEvent(nil, e)
		if err != nil {
			t.Fatalf("AppendEvent of %s: %v", line, err)
		}
		back, err := recorded.DecodeEvent(out)
		if err != nil {
			t.Fatalf("DecodeEvent of %s: %v", out, err)
		}
		again, err := recorded.AppendEvent(nil, back)
		if err != nil || string(again) != string(out) {
			t.Fatalf("wrote %s, then %s (%v)", out, again, err)
		}
	})
}
