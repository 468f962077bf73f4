package coinglass

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/coinglass/wire"
)

// instruments is the contracts of all exchanges, by exchange.
type instruments map[string][]wire.Instrument

// contract is one exchange's contract of a coin.
type contract struct {
	venue market.Venue
	id    string
}

// bigVenues trade the most; a coin's price is taken from the first that has it.
func bigVenues() []market.Venue { return []market.Venue{"Binance", "OKX", "Bybit", "Bitget"} }

// contracts lists a coin's contracts, the most telling first. The names of
// contracts are the vendor's and cannot be worked out (Bitget's end in _UMCBL);
// only while the vendor's list cannot be had is the usual name tried.
func (s *Source) contracts(ctx context.Context, coin market.Coin) ([]contract, error) {
	all, err := s.instruments.get(ctx, "", s.fetchInstruments)
	if ctx.Err() != nil {
		return nil, s.client.refuse(supportedPairs, snapshot.Unavailable, "", ctx.Err())
	}
	if err != nil {
		venue := cmp.Or(s.exchange, bigVenues()[0])
		return []contract{{venue: venue, id: string(coin) + "USDT"}}, nil //nolint:nilerr // the shelf has logged it
	}
	found := all.value.of(coin, s.exchange)
	if len(found) == 0 {
		return nil, s.client.refuse(supportedPairs, snapshot.NotListed, "", errNoContract)
	}
	return found, nil
}

func (s *Source) fetchInstruments(ctx context.Context) (instruments, error) {
	return read(ctx, s.client, supportedPairs, nil, func(data []byte) (instruments, error) {
		return wire.DecodeInstruments(data)
	})
}

// of ranks a coin's contracts: quoted in USDT before others, perpetual before
// dated, on a big exchange before a small one. A venue, if given, is the only one
// looked at; its case does not matter.
func (in instruments) of(coin market.Coin, only market.Venue) []contract {
	type ranked struct {
		contract
		rank []int
	}
	var found []ranked
	for venue, list := range in {
		if only != "" && !strings.EqualFold(venue, string(only)) {
			continue
		}
		for _, i := range list {
			if i.Base != string(coin) {
				continue
			}
			c := contract{venue: market.Venue(venue), id: i.ID}
			found = append(found, ranked{c, []int{quoteRank(i.Quote), datedRank(i.ID), venueRank(c.venue), len(i.ID)}})
		}
	}
	slices.SortFunc(found, func(a, b ranked) int {
		return cmp.Or(slices.Compare(a.rank, b.rank), cmp.Compare(a.venue, b.venue), cmp.Compare(a.id, b.id))
	})
	contracts := make([]contract, len(found))
	for i, f := range found {
		contracts[i] = f.contract
	}
	return contracts
}

func quoteRank(quote string) int {
	order := []string{"USDT", "USDC", "USD"}
	if i := slices.Index(order, strings.ToUpper(quote)); i >= 0 {
		return i
	}
	return len(order)
}

// expiry matches the end of a contract that expires: BTCUSD_250627.
var expiry = regexp.MustCompile(`[-_]\d{6,8}$`)

func datedRank(id string) int {
	if expiry.MatchString(id) {
		return 1
	}
	return 0
}

func venueRank(v market.Venue) int {
	if i := slices.Index(bigVenues(), v); i >= 0 {
		return i
	}
	return len(bigVenues())
}
