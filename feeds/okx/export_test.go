package okx

import (
	"context"
	"net/http"
	"time"

	"github.com/go-faster/jx"

	"liqbot/market"
)

// DecodeREST runs a body through the envelope and every decoder of answers and reports
// what they yield.
func DecodeREST(body []byte, c market.Contract, now time.Time) (out RESTAnswers) {
	if err := judge(http.StatusOK, nil, body); err != nil {
		return RESTAnswers{MarkErr: err}
	}
	out.Contracts, _, _ = decodeContracts(body, now)
	out.Tiers, _ = decodeTiers(body, c.ContractCoins)
	out.LongShort, _ = decodeLongShort(body)
	out.Interests, _ = decodeInterests(body)
	out.Mark, _, out.MarkErr = decodeMark(body, c)
	_, _ = rows(body, func(d *jx.Decoder) error {
		raw, err := d.Raw()
		if err != nil {
			return err
		}
		again := func() *jx.Decoder { return jx.DecodeBytes(raw) }
		if bar, _, err := readCandle(again(), c); err == nil {
			out.Candles = append(out.Candles, bar)
		}
		if p, err := readInterest(again(), c); err == nil {
			out.OpenInterest = append(out.OpenInterest, p)
		}
		if p, err := readFunding(again()); err == nil {
			out.Fundings = append(out.Fundings, p)
		}
		if _, m, err := readMark(again(), c); err == nil {
			out.Extremes = append(out.Extremes, [2]float64{m.low, m.high})
		}
		if _, share, known, err := readTakers(again()); err == nil && known {
			out.Shares = append(out.Shares, share)
		}
		return nil
	})
	return out
}

// RESTAnswers is what DecodeREST found.
type RESTAnswers struct {
	Contracts    []market.Contract
	Tiers        []market.LeverageTier
	LongShort    market.LongShort
	Interests    map[market.Coin]float64
	Mark         float64
	MarkErr      error
	Candles      []market.Candle
	OpenInterest []market.OpenInterestPoint
	Fundings     []market.FundingPoint
	Extremes     [][2]float64
	Shares       []float64
}

// Limits is the limiter of requests.
type Limits struct{ l *limits }

// NewLimits makes one.
func NewLimits() Limits { return Limits{newLimits()} }

// TakeRatio takes from the limit of long/short ratios, four in two seconds by contract.
func (l Limits) TakeRatio(ctx context.Context, symbol string) (func(), error) {
	return l.l.take(ctx, accountRatio, symbol)
}

// TakeTime takes from the limit of the clock.
func (l Limits) TakeTime(ctx context.Context) (func(), error) { return l.l.take(ctx, timeNow, "") }
