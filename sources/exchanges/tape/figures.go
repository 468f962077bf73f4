package tape

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"liqbot/feeds"
	"liqbot/market"
)

// Stamp is a time to the nanosecond, without a zone. In JSON it is Unix nanoseconds, for
// times that these cannot hold a text of seconds and nanoseconds.
type Stamp struct{ time.Time }

// At is the stamp of a time.
func At(t time.Time) Stamp { return Stamp{t.Round(0).UTC()} }

// most is the Unix time from which on nanoseconds are not counted in 64 bits.
const most = math.MaxInt64 / int64(time.Second)

// MarshalJSON implements json.Marshaler.
func (s Stamp) MarshalJSON() ([]byte, error) {
	if sec := s.Unix(); sec >= most || sec <= -most {
		return fmt.Appendf(nil, `"%d:%d"`, sec, s.Nanosecond()), nil
	}
	return strconv.AppendInt(nil, s.UnixNano(), 10), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Stamp) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	if ns, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		s.Time = time.Unix(0, ns).UTC()
		return nil
	}
	secText, nsText, _ := strings.Cut(strings.Trim(string(text), `"`), ":")
	sec, err := strconv.ParseInt(secText, 10, 64)
	ns, err2 := strconv.ParseInt(nsText, 10, 64)
	if err = errors.Join(err, err2); err != nil || ns < 0 || ns >= int64(time.Second) || sec < most && sec > -most {
		return fmt.Errorf("%s is no time: want Unix nanoseconds", text)
	}
	s.Time = time.Unix(sec, ns).UTC()
	return nil
}

// Update is a feeds.Update that was applied. What was not told is zero.
type Update struct {
	// At is the venue's own time; Host the same in the host's clock, zero if that is equal.
	At   Stamp `json:"at"`
	Host Stamp `json:"host,omitzero"`

	MarkUSD  float64  `json:"mark,omitempty"`
	IndexUSD float64  `json:"index,omitempty"`
	LastUSD  float64  `json:"last,omitempty"`
	Coins    float64  `json:"coins,omitempty"`
	Funding  *Funding `json:"funding,omitempty"`

	// Order is a forced order.
	Order *Order `json:"order,omitempty"`
	ID    uint64 `json:"id,omitempty"`
}

// Funding is the rate that is being accrued, a fraction for one Interval.
type Funding struct {
	Rate     float64       `json:"rate"`
	Interval time.Duration `json:"interval_ns,omitempty"`
	PaidAt   Stamp         `json:"at,omitzero"`
}

// Order is a market.Liquidation.
type Order struct {
	At       Stamp       `json:"at,omitzero"`
	Side     market.Side `json:"side"`
	Coins    float64     `json:"coins"`
	PriceUSD float64     `json:"usd"`
}

// NewOrder copies a liquidation.
func NewOrder(l market.Liquidation) Order {
	return Order{At: At(l.At), Side: l.Side, Coins: l.Coins, PriceUSD: l.PriceUSD}
}

// Liquidation is the order as the source takes it.
func (o Order) Liquidation() market.Liquidation {
	return market.Liquidation{At: o.At.Time, Side: o.Side, Coins: o.Coins, PriceUSD: o.PriceUSD}
}

// NewUpdate copies an update; host is its time in the host's clock.
func NewUpdate(u *feeds.Update, host time.Time) *Update {
	out := &Update{
		At: At(u.At), MarkUSD: u.MarkUSD, IndexUSD: u.IndexUSD, LastUSD: u.LastUSD, Coins: u.OpenInterestCoins, ID: u.ID,
	}
	if !host.Equal(u.At) {
		out.Host = At(host)
	}
	if u.HasFunding {
		out.Funding = &Funding{Rate: u.FundingRate, Interval: u.FundingInterval, PaidAt: At(u.FundingAt)}
	}
	if u.Kind == feeds.Liquidation {
		o := NewOrder(u.Order)
		out.Order = &o
	}
	return out
}

// Update is the update as the source takes it, with its time in the host's clock.
func (u *Update) Update(c *market.Contract) (out feeds.Update, host time.Time) {
	out = feeds.Update{
		Contract: c, Kind: feeds.Ticker, At: u.At.Time,
		MarkUSD: u.MarkUSD, IndexUSD: u.IndexUSD, LastUSD: u.LastUSD, OpenInterestCoins: u.Coins, ID: u.ID,
	}
	if f := u.Funding; f != nil {
		out.HasFunding, out.FundingRate, out.FundingInterval, out.FundingAt = true, f.Rate, f.Interval, f.PaidAt.Time
	}
	if u.Order != nil {
		out.Kind, out.Order = feeds.Liquidation, u.Order.Liquidation()
	}
	if u.Host.IsZero() {
		return out, u.At.Time
	}
	return out, u.Host.Time
}

// Ratio is a market.LongShort.
type Ratio struct {
	At    Stamp   `json:"at,omitzero"`
	Long  float64 `json:"long"`
	Short float64 `json:"short"`
}

// Realised is a market.Realised.
type Realised struct {
	Start    Stamp        `json:"start"`
	Venue    market.Venue `json:"venue"`
	LongUSD  float64      `json:"long_usd"`
	ShortUSD float64      `json:"short_usd"`
	Orders   int          `json:"orders"`
	Largest  Order        `json:"largest"`
}

// NewRealised copies rows.
func NewRealised(rows []market.Realised) []Realised {
	var out []Realised
	for _, r := range rows {
		out = append(out, Realised{At(r.Start), r.Venue, r.LongUSD, r.ShortUSD, r.Orders, NewOrder(r.Largest)})
	}
	return out
}

// Realised is the row as the source takes it.
func (r Realised) Realised() market.Realised {
	return market.Realised{
		Start: r.Start.Time, Venue: r.Venue, LongUSD: r.LongUSD, ShortUSD: r.ShortUSD, Orders: r.Orders, Largest: r.Largest.Liquidation(),
	}
}

// Bars are bars of feeds.CandleLength in single precision, which is what the source makes
// maps of.
type Bars struct {
	// Start is the start of the first bar.
	Start Stamp `json:"start,omitzero"`
	// Rows hold a bar each: how many bars after the first it starts, open, high, low and
	// close, the highest and lowest mark, USD, volume and open interest, coins, and 1 if
	// the open interest was assumed, else nothing.
	Rows [][]float32 `json:"rows"`
}

const rowLength = 9

// NewBars copies bars whose start is a whole CandleLength.
func NewBars(bars []market.Bar) *Bars {
	out := &Bars{Rows: make([][]float32, 0, len(bars))}
	for i, b := range bars {
		if i == 0 {
			out.Start = At(b.Start)
		}
		row := []float32{
			float32(b.Start.Sub(out.Start.Time) / feeds.CandleLength),
			float32(b.OpenUSD), float32(b.HighUSD), float32(b.LowUSD), float32(b.CloseUSD), float32(b.MarkHighUSD), float32(b.MarkLowUSD),
			float32(b.VolumeCoins), float32(b.OpenInterestCoins),
		}
		if b.Assumed {
			row = append(row, 1)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func (b *Bars) check() error {
	for i, row := range b.Rows {
		if len(row) < rowLength || len(row) > rowLength+1 || row[0] != float32(int32(row[0])) || math.Abs(float64(row[0])) > 1<<23 {
			return fmt.Errorf("%w: bar %d has %d figures or an impossible place", ErrEntry, i, len(row))
		}
	}
	return nil
}

// Bars are the bars as the source takes them.
func (b *Bars) Bars() []market.Bar {
	out := make([]market.Bar, 0, len(b.Rows))
	for _, row := range b.Rows {
		bar := market.Bar{OpenInterestCoins: float64(row[8]), Assumed: len(row) > rowLength && row[9] == 1}
		bar.Start, bar.Length = b.Start.Add(time.Duration(row[0])*feeds.CandleLength), feeds.CandleLength
		bar.OpenUSD, bar.HighUSD, bar.LowUSD, bar.CloseUSD = float64(row[1]), float64(row[2]), float64(row[3]), float64(row[4])
		bar.MarkHighUSD, bar.MarkLowUSD, bar.VolumeCoins = float64(row[5]), float64(row[6]), float64(row[7])
		out = append(out, bar)
	}
	return out
}

var _ json.Unmarshaler = (*Stamp)(nil)
