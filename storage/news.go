package storage

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"liqbot/alert"
	"liqbot/market"
)

// newsRecord is how an alert stands in the outbox. Fields are only ever added.
type newsRecord struct {
	ID           string           `json:"id"`
	Rule         alert.Rule       `json:"rule"`
	Coin         market.Coin      `json:"coin"`
	Window       market.Window    `json:"window,omitempty"`
	Rising       bool             `json:"rising,omitempty"`
	LevelUSD     float64          `json:"level_usd"`
	PriceUSD     float64          `json:"price_usd"`
	Kind         market.PriceKind `json:"kind,omitempty"`
	IntensityUSD float64          `json:"intensity_usd,omitempty"`
	IntensityAt  time.Time        `json:"intensity_at,omitzero"`
	At           time.Time        `json:"at,omitzero"`
	Crossed      time.Time        `json:"crossed,omitzero"`
	Last         time.Time        `json:"last,omitzero"`
	BlindSince   time.Time        `json:"blind_since,omitzero"`
	Expires      time.Time        `json:"expires,omitzero"`
	Provenance   provenanceRecord `json:"provenance"`
}

type provenanceRecord struct {
	Source     string         `json:"source,omitempty"`
	Origin     market.Origin  `json:"origin,omitempty"`
	AsOf       time.Time      `json:"as_of,omitzero"`
	Venues     []market.Venue `json:"venues,omitempty"`
	Missing    []market.Venue `json:"missing,omitempty"`
	Demo       bool           `json:"demo,omitempty"`
	RecordedAt time.Time      `json:"recorded_at,omitzero"`
}

func encodeNews(a *alert.Alert) ([]byte, error) {
	r := newsRecord{
		ID: a.ID, Rule: a.Rule, Coin: a.Coin, Window: a.Window, Rising: a.Rising, LevelUSD: a.LevelUSD, PriceUSD: a.PriceUSD,
		Kind: a.Kind, IntensityUSD: a.IntensityUSD, IntensityAt: a.IntensityAt.UTC(), At: a.At.UTC(), Crossed: a.Crossed.UTC(),
		Last: a.Last.UTC(), BlindSince: a.BlindSince.UTC(), Expires: a.Expires.UTC(), Provenance: provenanceRecord(a.Provenance),
	}
	r.Provenance.AsOf, r.Provenance.RecordedAt = r.Provenance.AsOf.UTC(), r.Provenance.RecordedAt.UTC()
	row, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode alert: %w", err)
	}
	return seal(row), nil
}

func decodeNews(row []byte) (*alert.Alert, error) {
	body, err := unseal(row)
	if err != nil {
		return nil, fmt.Errorf("decode alert: %w", err)
	}
	var r newsRecord
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("decode alert: %w", err)
	}
	return &alert.Alert{
		ID: r.ID, Rule: r.Rule, Coin: r.Coin, Window: r.Window, Rising: r.Rising, LevelUSD: r.LevelUSD, PriceUSD: r.PriceUSD,
		Kind: r.Kind, IntensityUSD: r.IntensityUSD, IntensityAt: r.IntensityAt, At: r.At, Crossed: r.Crossed,
		Last: r.Last, BlindSince: r.BlindSince, Expires: r.Expires, Provenance: market.Provenance(r.Provenance),
	}, nil
}

// maxNews bounds the alerts that are kept in memory.
const maxNews = 64

// newsCache keeps decoded alerts by entry, so that a fan-out decodes its alert
// once. An entry's alert never changes.
type newsCache struct {
	mu  sync.Mutex
	all map[uint64]*alert.Alert
}

func (c *newsCache) read(tx *bolt.Tx, id uint64) (*alert.Alert, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found := c.all[id]; found != nil {
		return found, nil
	}
	news, err := decodeNews(tx.Bucket(newsBucket).Get(newsKey(id)))
	if err != nil {
		return nil, err
	}
	if c.all == nil || len(c.all) >= maxNews {
		c.all = map[uint64]*alert.Alert{}
	}
	c.all[id] = news
	return news, nil
}

func (c *newsCache) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, id)
}
