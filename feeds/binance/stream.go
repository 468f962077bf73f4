package binance

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-faster/jx"

	"liqbot/feeds"
	"liqbot/feeds/rest"
	"liqbot/feeds/stream"
	"liqbot/feeds/wire"
	"liqbot/market"
)

// Names of what Sink.Frame sees: the one connection, and the bodies of the polled
// answers.
const (
	MarketStream     = "market"
	OpenInterestPoll = "open_interest"
)

// manyContracts is the number from which on one stream of all mark prices is lighter than
// one of each contract.
const manyContracts = 100

// Stream implements feeds.Feed. Mark prices, funding, forced orders and changes of
// contracts come over one connection; open interest, which no stream tells, is polled:
// each contract every ten seconds, or as often as 600 requests a minute allow.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Important-WebSocket-Change-Notice
func (f *Feed) Stream(ctx context.Context, contracts []market.Contract, sink feeds.Sink) error {
	if len(contracts) == 0 {
		<-ctx.Done()
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { f.poll(ctx, contracts, sink) })
	d := newDecoder(contracts, sink, f.latest)
	d.learn = f.learn
	address := f.address(contracts)
	return stream.Run(ctx, stream.Config{
		Name: MarketStream,
		URL:  func() string { return address },
		// The address says what is wanted; nothing has to be sent.
		Subscribe: func(context.Context, *stream.Conn) error { return nil },
		Handle: func(frame []byte) bool {
			sink.Frame(MarketStream, frame)
			return d.Decode(frame)
		},
		Connected:  func(err error) { sink.Connected(MarketStream, err) },
		Client:     f.cfg.Client,
		Silence:    f.cfg.Silence,
		MinBackoff: f.cfg.MinBackoff,
		Log:        f.cfg.Log,
	})
}

// address is where the streams are. They stand in it, as the venue's pages show it: names
// with symbols in lower case. Only the path /market has them; others connect and stay
// silent. Names of symbols are letters and digits, see feeds.SplitMultiplier.
func (f *Feed) address(contracts []market.Contract) string {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(f.cfg.StreamURL, "/"))
	b.WriteString("/market/stream?streams=!forceOrder@arr/!contractInfo")
	if len(contracts) > manyContracts {
		b.WriteString("/!markPrice@arr@1s")
		return b.String()
	}
	for _, c := range contracts {
		b.WriteString("/" + url.PathEscape(strings.ToLower(c.Symbol)) + "@markPrice@1s")
	}
	return b.String()
}

// pollers is how many answers are waited for at once.
const pollers = 4

// poll asks for the open interest of one contract after the other, quickly in the first
// round, until the context ends.
func (f *Feed) poll(ctx context.Context, contracts []market.Contract, sink feeds.Sink) {
	n := min(pollers, len(contracts))
	var wg sync.WaitGroup
	for first := range n {
		wg.Go(func() { f.pollSome(ctx, contracts, first, n, sink) })
	}
	wg.Wait()
}

// pollSome polls each step-th contract, the first of which is given.
func (f *Feed) pollSome(ctx context.Context, contracts []market.Contract, first, step int, sink feeds.Sink) {
	const quick = time.Minute / pollsAMinute
	slow := max(10*time.Second/time.Duration(len(contracts)), quick)
	told := make([]time.Time, len(contracts))
	gone := make([]bool, len(contracts))
	if feeds.Pause(ctx, time.Duration(first)*quick) != nil {
		return
	}
	for round := 0; ; round++ {
		if _, err := f.venueNow(ctx); err != nil {
			f.cfg.Log.Debug("clock not compared", slog.Any("err", err))
		}
		between := slow
		if round == 0 {
			between = quick
		}
		for i := first; i < len(contracts); i += step {
			if !gone[i] {
				gone[i] = f.pollOne(ctx, &contracts[i], &told[i], sink)
			}
			if feeds.Pause(ctx, between*time.Duration(step)) != nil {
				return
			}
		}
	}
}

// pollOne asks for the open interest of a contract and reports whether the venue does not
// know it.
//
// https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Open-Interest
func (f *Feed) pollOne(ctx context.Context, c *market.Contract, told *time.Time, sink feeds.Sink) (gone bool) {
	body, err := f.get(ctx, "/fapi/v1/openInterest", url.Values{"symbol": {c.Symbol}}, rest.Cost{Budget: polling, Weight: 1})
	if err != nil {
		if e, ok := errors.AsType[*feeds.Error](err); ok {
			f.cfg.Log.Debug("open interest not told", slog.String("symbol", c.Symbol), slog.Any("err", err))
			gone = e.Problem == feeds.NotListed
		}
		if gone {
			sink.Dropped(feeds.UnknownContract)
			sink.Update(feeds.Update{Contract: c, Kind: feeds.ContractChanged, At: f.clock.Now()})
		}
		return gone
	}
	sink.Frame(OpenInterestPoll, body)
	at, units, err := parseOpenInterest(body, c.Symbol)
	coins := units * c.ContractCoins
	switch {
	case err != nil:
		sink.Dropped(feeds.WrongType)
	case !feeds.PossibleCoins(coins):
		sink.Dropped(feeds.Impossible)
	case at.Before(*told), at.After(f.latest()):
		sink.Dropped(feeds.OutOfOrder)
	default:
		*told = at
		sink.Update(feeds.Update{Contract: c, Kind: feeds.Ticker, At: at, OpenInterestCoins: coins})
	}
	return false
}

// parseOpenInterest reads the answer for a symbol, in the contract's units.
func parseOpenInterest(body []byte, symbol string) (at time.Time, units float64, err error) {
	hasAt, hasUnits, own := false, false, false
	err = object(body, func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "symbol":
			var text []byte
			text, err = wire.Text(d)
			own = string(text) == symbol
		case "openInterest":
			units, hasUnits, err = wire.Float(d)
		case "time":
			at, hasAt, err = wire.Time(d)
		default:
			err = d.Skip()
		}
		return err
	})
	if err == nil && (!hasAt || !hasUnits || !own) {
		err = errEmpty
	}
	return at, units, err
}
