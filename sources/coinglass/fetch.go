package coinglass

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass/wire"
)

// drawn is a map as the vendor drew it, before it is split into sides.
type drawn struct {
	wire.Map
	key      snapshot.Key
	endpoint endpoint
	// at is when it was fetched. The vendor refreshes its map all the time and
	// tells no time of its own.
	at time.Time
	// venue is the exchange of a pair map.
	venue market.Venue
}

// Fetch asks for the present map and price of a coin, and for whatever of the
// other figures is due. The error is a *snapshot.Error.
func (s *Source) Fetch(ctx context.Context, key snapshot.Key) (*snapshot.Snapshot, error) {
	if err := s.known(key); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pending := make(chan extras, 1)
	go func() { pending <- s.extras(ctx, key.Coin) }()
	d, err := s.drawn(ctx, key)
	if err != nil {
		cancel()
		<-pending
		return nil, err
	}
	x := <-pending
	price, err := s.price(ctx, d, x.week)
	if err != nil {
		return nil, err
	}
	return s.compose(d, price, x)
}

// known refuses what need not be asked.
func (s *Source) known(key snapshot.Key) error {
	if key.Window.Duration() == 0 {
		return s.client.refuse(aggregatedMap, snapshot.NotListed, "", fmt.Errorf("window %q", key.Window))
	}
	listed, ok := s.coins.peek("")
	if ok && !slices.Contains(listed.value, key.Coin) {
		return s.client.refuse(supportedCoins, snapshot.NotListed, "", fmt.Errorf("coin %q", key.Coin))
	}
	return nil
}

// drawn fetches the map, of all exchanges or of the chosen one.
func (s *Source) drawn(ctx context.Context, key snapshot.Key) (drawn, error) {
	d := drawn{key: key, endpoint: aggregatedMap}
	query := url.Values{"symbol": {string(key.Coin)}, "range": {string(key.Window)}}
	if s.exchange != "" {
		contracts, err := s.contracts(ctx, key.Coin)
		if err != nil {
			return drawn{}, err
		}
		d.endpoint, d.venue = pairMap, contracts[0].venue
		query.Set("exchange", string(d.venue))
		query.Set("symbol", contracts[0].id)
	}
	m, err := read(ctx, s.client, d.endpoint, query, wire.DecodeMap)
	if err != nil {
		return drawn{}, err
	}
	d.Map, d.at = m, s.now().UTC()
	return d, nil
}

// compose makes the snapshot.
func (s *Source) compose(d drawn, price market.Price, x extras) (*snapshot.Snapshot, error) {
	m, err := liquidation.New(liquidation.Input{
		Coin:       d.key.Coin,
		Window:     d.key.Window,
		MarkUSD:    price.USD,
		Levels:     sides(d, price.USD),
		Provenance: s.provenance(d),
	})
	if err != nil {
		return nil, s.client.refuse(d.endpoint, emptyOrBad(d, err), "", err)
	}
	snap := &snapshot.Snapshot{
		Key: d.key, Price: price, Map: m,
		Summary: m.Summarise(s.keyLevelBand, s.symmetricBand),
	}
	s.fill(snap, x)
	return snap, nil
}

// emptyOrBad tells a coin for which the vendor draws no map from figures that
// cannot be.
func emptyOrBad(d drawn, err error) snapshot.Problem {
	if errors.Is(err, liquidation.ErrEmpty) && len(d.Levels) == 0 {
		return snapshot.NotListed
	}
	return snapshot.BadData
}

// sides splits the levels at a price: shorts are liquidated above it, longs
// below. One at the price itself counts as reached either way.
func sides(d drawn, priceUSD float64) []liquidation.Level {
	levels := make([]liquidation.Level, len(d.Levels))
	for i, l := range d.Levels {
		side := market.Long
		if l.PriceUSD > priceUSD {
			side = market.Short
		}
		venue := market.Venue(l.Venue)
		if d.venue != "" {
			venue = d.venue
		}
		levels[i] = liquidation.Level{
			PriceUSD: l.PriceUSD, Side: side, IntensityUSD: l.IntensityUSD,
			Venue: venue, Leverage: l.Leverage,
		}
	}
	return levels
}

// provenance tells which exchanges are in a map, and which were in it until
// a short while ago.
func (s *Source) provenance(d drawn) market.Provenance {
	p := market.Provenance{Source: name, Origin: market.Vendor, AsOf: d.at}
	if d.venue != "" {
		p.Venues = []market.Venue{d.venue}
		return p
	}
	for _, v := range d.Venues {
		p.Venues = append(p.Venues, market.Venue(v))
	}
	p.Missing = s.coverage.note(d.key, p.Venues, d.at)
	return p
}
