package exchanges_test

import (
	"errors"
	"strings"
	"testing"

	"liqbot/sources/exchanges"
	"liqbot/sources/exchanges/tape"
)

// No line makes a replay fail in another way than by saying where the tape is damaged, and
// what it says of a tape is always the same.
func FuzzReplay(f *testing.F) {
	const (
		before = `{"kind":"tape","v":1,"arch":"amd64","t":1768046400000000000,"key_level_band":0.06,"symmetric_band":0.05,"quiet_ns":45000000000,"patience_ns":1,"follow":1,"venues":[{"venue":"Bybit","coverage":"every_order"}]}
{"t":1768046401000000000,"kind":"coin","coin":"BTC","added":{"coin":"BTC","parameters":"x"}}
{"t":1768046401000000000,"kind":"listed","coin":"BTC","listing":"Bybit BTCUSDT","contract":{"venue":"Bybit","symbol":"BTCUSDT","coin":"BTC","quoted_coins":1,"contract_coins":1,"quote":"USDT"}}
{"t":1768046402900000000,"kind":"rebuild","listing":"Bybit BTCUSDT","bars":{"start":1768045500000000000,"rows":[[0,90100,90150,90050,90120,90140,90060,151.2,51200],[1,90120,90160,90110,90130,0,0,80.5,51210,1],[2,90130,90160,90110,90130,0,0,80.5,51250]]}}
`
		after = `
{"t":1768046403000000000,"kind":"update","listing":"Bybit BTCUSDT","update":{"at":1768046402050000000,"mark":90131.71,"coins":51234.5,"funding":{"rate":0.0001}}}
{"t":1768046403500000000,"kind":"picture","coin":"BTC","picture":{"window":"7d","fingerprint":"00","usd":90131.71,"watched":{"Bybit":1768046402000000000}}}
{"t":1768046706000000000,"kind":"end"}
`
	)
	for _, line := range []string{
		`{"t":1768046705000000000,"kind":"step","listing":"Bybit BTCUSDT","bars":{"start":1768046400000000000,"rows":[[0,90130,90190,90100,90180,90185,90105,99.1,51300]]}}`,
		`{"t":1768046402900000000,"kind":"rebuild","listing":"Bybit BTCUSDT","bars":{"rows":[]}}`,
		`{"t":1768046402900000000,"kind":"rebuild","listing":"Bybit BTCUSDT","bars":{"start":"999999999999:0","rows":[[0,1,1,1,1,0,0,0,1],[8000000,1,1,1,1,0,0,0,1]]}}`,
		`{"t":1768046403000000000,"kind":"update","listing":"Bybit BTCUSDT","update":{"at":1768046402980000000,"order":{"at":1768046402980000000,"side":1,"coins":0.5,"usd":90010.5},"id":7}}`,
		`{"t":1768046403000000000,"kind":"update","listing":"Bybit BTCUSDT","update":{"at":5,"mark":1e300,"coins":1e300}}`,
		`{"t":1,"kind":"delisted","listing":"Bybit BTCUSDT"}`, `{"t":1,"kind":"gone","coin":"BTC"}`, `{"t":1768046403000000000,"kind":"forget","coin":"BTC"}`,
		`{"t":1768046403000000000,"kind":"disbelieved","listing":"Bybit BTCUSDT","is":true}`, `{"t":5,"kind":"usual_funding","listing":"Bybit BTCUSDT","rate":0.1}`,
		`{"t":5,"kind":"long_short","listing":"Bybit BTCUSDT","ratio":{"long":0.1,"short":0.9}}`,
		`{"t":5,"kind":"picture","coin":"BTC","picture":{"window":"99d"}}`,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		play := func() (exchanges.ReplayResult, string, error) {
			last := ""
			result, err := exchanges.Replay(strings.NewReader(before+line+after), func(r *exchanges.Replayed) { last = r.Now.Fingerprint + r.Now.Problem })
			return result, last, err
		}
		first, shown, err := play()
		if _, damaged := errors.AsType[*tape.DamageError](err); err != nil && !damaged {
			t.Fatalf("%v", err)
		}
		if second, again, _ := play(); shown != again || first.Pictures != second.Pictures || first.Mismatches != second.Mismatches {
			t.Errorf("%q and then %q", shown, again)
		}
	})
}
