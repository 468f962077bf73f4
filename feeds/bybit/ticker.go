package bybit

import (
	"errors"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// fields are the figures of one ticker, as the venue counts; only those told are valid.
type fields struct {
	contract  int // of the symbol; -1 when it is not told or not known
	hasSymbol bool
	wrong     bool

	mark, index, last, both, one, rate, hours                            float64
	nextMS                                                               int64
	hasMark, hasIndex, hasLast, hasBoth, hasOne, hasRate, hasHours, hasN bool
}

// read reads an object. A field of the wrong type is noted and the others are read; an
// error means that there is no JSON.
func (f *fields) read(d *jx.Decoder, b *book) error {
	it, err := d.ObjIter()
	if err != nil {
		return err
	}
	for it.Next() {
		switch err := f.field(d, it.Key(), b); {
		case errors.Is(err, wire.ErrType):
			f.wrong = true
		case err != nil:
			return err
		}
	}
	return it.Err()
}

func (f *fields) field(d *jx.Decoder, key []byte, b *book) (err error) {
	switch string(key) {
	case "symbol":
		var s []byte
		if s, err = wire.Text(d); err == nil {
			f.hasSymbol, f.contract = true, b.contract(s)
		}
	case "markPrice":
		err = told(d, &f.mark, &f.hasMark)
	case "indexPrice":
		err = told(d, &f.index, &f.hasIndex)
		f.hasIndex = f.hasIndex && f.index != 0 // there is none yet
	case "lastPrice":
		err = told(d, &f.last, &f.hasLast)
		f.hasLast = f.hasLast && f.last != 0 // nobody has traded yet
	case "openInterest":
		err = told(d, &f.both, &f.hasBoth)
	case "singleOpenInterest":
		err = told(d, &f.one, &f.hasOne)
	case "fundingRate":
		err = told(d, &f.rate, &f.hasRate)
	case "fundingIntervalHour":
		err = told(d, &f.hours, &f.hasHours)
	case "nextFundingTime":
		var ok bool
		if f.nextMS, ok, err = wire.Int(d); ok {
			f.hasN = true
		}
	default:
		err = d.Skip()
	}
	return err
}

// told reads a number; an empty string is as good as a field that is missing.
func told(d *jx.Decoder, v *float64, has *bool) error {
	x, ok, err := wire.Float(d)
	if ok {
		*v, *has = x, true
	}
	return err
}

// any reports whether something is told that an Update tells too.
func (f *fields) any() bool {
	return f.hasMark || f.hasIndex || f.hasLast || f.hasBoth || f.hasOne || f.hasRate || f.hasHours || f.hasN
}

// possible reports whether the figures can be true of a contract.
func (f *fields) possible(c *market.Contract) bool {
	price := func(has bool, v float64) bool { return !has || feeds.PossiblePrice(v/c.QuotedCoins) }
	size := func(has bool, v float64) bool { return !has || feeds.PossibleVolume(v*c.ContractCoins) }
	return price(f.hasMark, f.mark) && price(f.hasIndex, f.index) && price(f.hasLast, f.last) &&
		size(f.hasBoth, f.both) && size(f.hasOne, f.one) &&
		(!f.hasRate || feeds.PossibleFunding(f.rate)) && (!f.hasHours || f.hours >= 0 && f.hours <= 7*24)
}

// state is what the tickers of a contract said together, USD for one coin and coins.
type state struct {
	begun             bool      // a snapshot came
	at, emitted       time.Time // of the newest message, and of the newest told
	mark, index, last float64
	coins             float64
	rate              float64
	hasRate           bool
	interval          time.Duration
	next              time.Time
}

// merge takes over what is told; what is not told did not change.
func (s *state) merge(f *fields, c *market.Contract) {
	if f.hasMark {
		s.mark = f.mark / c.QuotedCoins
	}
	if f.hasIndex {
		s.index = f.index / c.QuotedCoins
	}
	if f.hasLast {
		s.last = f.last / c.QuotedCoins
	}
	switch { // openInterest counts both sides of each contract
	case f.hasOne:
		s.coins = f.one * c.ContractCoins
	case f.hasBoth:
		s.coins = f.both / 2 * c.ContractCoins
	}
	if f.hasRate {
		s.rate, s.hasRate = f.rate, true
	}
	if f.hasHours {
		s.interval = time.Duration(f.hours * float64(time.Hour))
	}
	if f.hasN {
		s.next, _, _ = wire.Moment(f.nextMS) // "0" for none
	}
}

func (s *state) update(c *market.Contract) feeds.Update {
	u := feeds.Update{
		Contract: c, Kind: feeds.Ticker, At: s.at,
		MarkUSD: s.mark, IndexUSD: s.index, LastUSD: s.last, OpenInterestCoins: s.coins,
	}
	if s.hasRate {
		u.HasFunding, u.FundingRate, u.FundingAt = true, s.rate, s.next
		if u.FundingInterval = s.interval; u.FundingInterval <= 0 {
			u.FundingInterval = c.FundingInterval
		}
	}
	return u
}

// ticker believes the message that was read, or says why not.
func (d *Decoder) ticker(latest time.Time) bool {
	m, f := &d.message, &d.fields
	c, s := &d.book.contracts[m.contract], &d.states[m.contract]
	switch {
	case f.wrong || f.hasSymbol && f.contract != m.contract || !m.snapshot && !m.delta:
		d.sink.Dropped(feeds.WrongType)
		return false
	case !f.possible(c):
		d.sink.Dropped(feeds.Impossible)
		return false
	case m.delta && !s.begun || m.at.Before(s.at) && !s.at.After(latest):
		d.sink.Dropped(feeds.OutOfOrder)
		return false
	}
	if m.snapshot {
		*s = state{begun: true}
	}
	s.merge(f, c)
	s.at = m.at
	if !f.any() && s.at.Sub(s.emitted) < tellEvery {
		return true
	}
	if s.mark <= 0 && s.coins <= 0 {
		return true
	}
	if !d.book.newer(m.contract, s.at, latest) {
		d.sink.Dropped(feeds.OutOfOrder)
		return true
	}
	s.emitted = s.at
	d.sink.Update(s.update(c))
	return true
}
