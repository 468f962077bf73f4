package okx_test

import (
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/feeds"
	"liqbot/feeds/feedtest"
	"liqbot/feeds/okx"
	"liqbot/feeds/okx/okxtest"
	"liqbot/market"
)

// TestClocksThatDiffer: a host whose clock is wrong by minutes hears all that a host with a
// right one hears, and takes no open candle for closed.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"host behind": 10 * time.Minute, "host ahead": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, d := pair(t, small)
			d.Base().Skew(skew)
			c := run(t, f, []market.Contract{okxtest.Contract("BTC"), okxtest.Contract("ETH")})
			c.Wait(t, "mark, open interest and funding", func() bool {
				told := map[string]bool{}
				for _, u := range c.Updates() {
					told["mark"+u.Contract.Symbol] = told["mark"+u.Contract.Symbol] || u.MarkUSD > 0
					told["coins"] = told["coins"] || u.OpenInterestCoins > 0
					told["rate"] = told["rate"] || u.HasFunding
				}
				return told["markBTC-USDT-SWAP"] && told["markETH-USDT-SWAP"] && told["coins"] && told["rate"]
			})
			c.Wait(t, "order", func() bool {
				d.Liquidate("BTC", market.Liquidation{At: d.Base().Now().Truncate(time.Millisecond), Side: market.Long, Coins: 2, PriceUSD: 90_000})
				for _, u := range c.Updates() {
					if u.Kind == feeds.Liquidation {
						return true
					}
				}
				return false
			})
			if n := d.Base().Accepted(); n != 1 {
				t.Errorf("%d connections, want one", n)
			}
			now := d.Base().Now()
			last := now.Truncate(feeds.CandleLength).Add(-feeds.CandleLength)
			got, err := f.Candles(t.Context(), okxtest.Contract("BTC"), now.Add(-time.Hour), now.Add(time.Hour))
			if err != nil || len(got) == 0 || got[len(got)-1].Start.Before(last) || got[len(got)-1].End().After(d.Base().Now()) {
				t.Errorf("%d candles, %v, want the last to start at %v", len(got), err, last)
			}
		})
	}
}

// scripted answers each path that ends as told with a body, all others with an empty list.
type scripted map[string]string

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	text := `{"code":"0","msg":"","data":[]}`
	for path, body := range s {
		if strings.HasSuffix(r.URL.Path, path) {
			text = body
		}
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func scriptedFeed(s scripted) *okx.Feed {
	return okx.New(okx.Config{APIURL: "http://venue.test", Client: &http.Client{Transport: s}})
}

// TestUnreadableList: a list of which no row can be read is no empty list.
func TestUnreadableList(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, data := range map[string]string{"objects": `[{"ts":"1"},{"ts":"2"}]`, "short rows": `[["1"],["2"]]`, "words": `[["now","a","b","c","d"]]`} {
		f := scriptedFeed(scripted{"/open-interest-history": `{"code":"0","msg":"","data":` + data + `}`})
		if got, err := f.OpenInterest(t.Context(), okxtest.Contract("BTC"), now.Add(-time.Hour), now); err == nil || feeds.ProblemOf(err) != feeds.BadData {
			t.Errorf("%s: %v, %v, want bad data", name, got, err)
		}
	}
	f := scriptedFeed(scripted{"/open-interest-history": `{"code":"0","msg":"","data":null}`})
	if got, err := f.OpenInterest(t.Context(), okxtest.Contract("BTC"), now.Add(-time.Hour), now); err != nil || len(got) != 0 {
		t.Errorf("null: %v, %v, want an empty list", got, err)
	}
}

// TestTakersAreAnExtra: candles do not fail for what takers bought.
func TestTakersAreAnExtra(t *testing.T) {
	t.Parallel()
	at := time.Now().Truncate(feeds.CandleLength).Add(-feeds.CandleLength)
	row := func(cells string) string {
		return `{"code":"0","msg":"","data":[["` + strconv.FormatInt(at.UnixMilli(), 10) + `",` + cells + `]]}`
	}
	for name, takers := range map[string]string{
		"no such instrument": `{"code":"51001","msg":"Instrument ID does not exist","data":[]}`,
		"fault":              `{"code":"50026","msg":"System error","data":[]}`,
		"unreadable":         row(`{}`),
	} {
		f := scriptedFeed(scripted{
			"/market/candles": row(`"5","7","4","6","10","1","60","1"`), "/mark-price-candles": row(`"5","7","4","6","1"`), "/taker-volume-contract": takers,
		})
		got, err := f.Candles(t.Context(), okxtest.Contract("BTC"), at, at.Add(feeds.CandleLength))
		if err != nil || len(got) != 1 || got[0].HasTaker || got[0].MarkHighUSD != 7 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestDriftingFields: what other answers of the venue have as text may come as a number,
// and a zero or nothing stands for what is not told.
func TestDriftingFields(t *testing.T) {
	t.Parallel()
	f := scriptedFeed(scripted{"/public/instruments": `{"code":0,"msg":null,"data":[{"instType":"SWAP","instId":"SHIB-USDT-SWAP","ctType":"linear","settleCcy":"USDT",` +
		`"ctVal":1000000,"ctMult":"","ctValCcy":"SHIB","state":"live","ruleType":"normal","instCategory":1,"expTime":"0","tickSz":0.000000001,"lever":50}]}`})
	list, err := f.Contracts(t.Context())
	if err != nil || len(list) != 1 || list[0].ContractCoins != 1e6 || list[0].MaxLeverage != 50 {
		t.Errorf("%+v, %v, want SHIB", list, err)
	}
}

// TestRefusedContractIsTold: the list is to be read again when the stream does not know a
// contract any more.
func TestRefusedContractIsTold(t *testing.T) {
	t.Parallel()
	f, _ := pair(t, small, okxtest.Refusing("SOL-USDT-SWAP"))
	c := run(t, f, []market.Contract{okxtest.Contract("BTC"), okxtest.Contract("SOL")})
	c.Wait(t, "change", func() bool {
		for _, u := range c.Updates() {
			if u.Kind == feeds.ContractChanged {
				return u.Contract.Coin == "SOL"
			}
		}
		return false
	})
}

// TestSizesInContractsOnly: where the size in coins is missing, that in contracts is as good.
func TestSizesInContractsOnly(t *testing.T) {
	t.Parallel()
	at := time.Now().Truncate(feeds.CandleLength).Add(-feeds.CandleLength)
	row := func(cells string) string {
		return `{"code":"0","msg":"","data":[["` + strconv.FormatInt(at.UnixMilli(), 10) + `",` + cells + `]]}`
	}
	f := scriptedFeed(scripted{"/market/candles": row(`"5","7","4","6","10","","60","1"`), "/open-interest-history": row(`"300","",""`)})
	candles, err := f.Candles(t.Context(), okxtest.Contract("BTC"), at, at.Add(feeds.CandleLength))
	if err != nil || len(candles) != 1 || math.Abs(candles[0].VolumeCoins-0.1) > 1e-12 {
		t.Errorf("%+v, %v, want a tenth of a coin", candles, err)
	}
	points, err := f.OpenInterest(t.Context(), okxtest.Contract("BTC"), at, at.Add(feeds.CandleLength))
	if err != nil || len(points) != 1 || math.Abs(points[0].Coins-3) > 1e-12 {
		t.Errorf("%+v, %v, want three coins", points, err)
	}
}

// TestRowWithoutDetails: an instrument without orders does not hide those of the others.
func TestRowWithoutDetails(t *testing.T) {
	t.Parallel()
	c := feedtest.NewCollector()
	at := time.UnixMilli(1791565600771)
	d := okx.NewDecoder([]market.Contract{okxtest.Contract("BTC")}, c, func() time.Time { return at })
	d.Decode([]byte(`{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":null,"instId":"ETH-USDT-SWAP","instType":"SWAP"},` +
		`{"details":[{"bkLoss":"0","bkPx":"82655.7","ccy":"","posSide":"net","side":"sell","sz":"8.55","ts":"1791565600771"}],"instId":"BTC-USDT-SWAP","instType":"SWAP"}]}`))
	if u := c.Updates(); len(u) != 1 || u[0].Order.Side != market.Long || math.Abs(u[0].Order.Coins-0.0855) > 1e-12 {
		t.Errorf("told %+v, left out %v", u, c.Drops())
	}
}
