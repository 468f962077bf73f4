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
	Coin         market.Coin      `json:"coin,omitempty"`
	Window       market.Window    `json:"window,omitempty"`
	Rising       bool             `json:"rising,omitempty"`
	LevelUSD     float64          `json:"level_usd,omitempty"`
	PriceUSD     float64          `json:"price_usd,omitempty"`
	Kind         market.PriceKind `json:"kind,omitempty"`
	Strength     float64          `json:"strength,omitempty"`
	Before       float64          `json:"before,omitempty"`
	Notable      *bool            `json:"notable,omitempty"`
	Value        float64          `json:"value,omitempty"`
	Usual        float64          `json:"usual,omitempty"`
	Span         time.Duration    `json:"span_ns,omitempty"`
	Flipped      bool             `json:"flipped,omitempty"`
	Venue        market.Venue     `json:"venue,omitempty"`
	Solo         bool             `json:"solo,omitempty"`
	IntensityUSD float64          `json:"intensity_usd,omitempty"`
	IntensityAt  time.Time        `json:"intensity_at,omitzero"`
	At           time.Time        `json:"at,omitzero"`
	Crossed      time.Time        `json:"crossed,omitzero"`
	Last         time.Time        `json:"last,omitzero"`
	BlindSince   time.Time        `json:"blind_since,omitzero"`
	Expires      time.Time        `json:"expires,omitzero"`
	Provenance   provenanceRecord `json:"provenance"`
	Followed     *followedRecord  `json:"followed,omitempty"`
	Items        []newsRecord     `json:"items,omitempty"`
	Digest       bool             `json:"digest,omitempty"`
	Quiet        time.Time        `json:"quiet,omitzero"`
	Words        string           `json:"words,omitempty"`
}

// followedRecord is alert.Followed.
type followedRecord struct {
	ID            string        `json:"id"`
	After         time.Duration `json:"after_ns"`
	FromUSD       float64       `json:"from_usd"`
	ToUSD         float64       `json:"to_usd"`
	BestUSD       float64       `json:"best_usd,omitempty"`
	WorstUSD      float64       `json:"worst_usd,omitempty"`
	LiquidatedUSD float64       `json:"liquidated_usd,omitempty"`
	Watched       bool          `json:"watched,omitempty"`
	Held          bool          `json:"held,omitempty"`
	BaseHeld      int           `json:"base_held,omitempty"`
	BaseCount     int           `json:"base_count,omitempty"`
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

// recordNews is an alert as it is kept.
func recordNews(a *alert.Alert) newsRecord {
	r := newsRecord{
		ID: a.ID, Rule: a.Rule, Coin: a.Coin, Window: a.Window, Rising: a.Rising, LevelUSD: a.LevelUSD, PriceUSD: a.PriceUSD, Kind: a.Kind,
		Strength: a.Strength, Before: a.Before, Notable: &a.Notable, Value: a.Value, Usual: a.Usual, Span: a.Span,
		Flipped: a.Flipped, Venue: a.Venue, Solo: a.Solo,
		IntensityUSD: a.IntensityUSD, IntensityAt: a.IntensityAt.UTC(), At: a.At.UTC(), Crossed: a.Crossed.UTC(),
		Last: a.Last.UTC(), BlindSince: a.BlindSince.UTC(), Expires: a.Expires.UTC(), Provenance: provenanceRecord(a.Provenance),
		Digest: a.Digest, Quiet: a.Quiet.UTC(), Words: a.Words,
	}
	r.Provenance.AsOf, r.Provenance.RecordedAt = r.Provenance.AsOf.UTC(), r.Provenance.RecordedAt.UTC()
	if a.Followed != nil {
		followed := followedRecord(*a.Followed)
		r.Followed = &followed
	}
	for i := range a.Items {
		r.Items = append(r.Items, recordNews(&a.Items[i]))
	}
	return r
}

func (r *newsRecord) alert() alert.Alert {
	a := alert.Alert{
		ID: r.ID, Rule: r.Rule, Coin: r.Coin, Window: r.Window, Rising: r.Rising, LevelUSD: r.LevelUSD, PriceUSD: r.PriceUSD, Kind: r.Kind,
		Strength: r.Strength, Before: r.Before, Value: r.Value, Usual: r.Usual, Span: r.Span,
		Flipped: r.Flipped, Venue: r.Venue, Solo: r.Solo,
		IntensityUSD: r.IntensityUSD, IntensityAt: r.IntensityAt, At: r.At, Crossed: r.Crossed,
		Last: r.Last, BlindSince: r.BlindSince, Expires: r.Expires, Provenance: market.Provenance(r.Provenance),
		Digest: r.Digest, Quiet: r.Quiet, Words: r.Words,
	}
	if r.Notable != nil {
		a.Notable = *r.Notable
	} else { // kept by a bot that told every chat without a threshold
		a.Strength, a.Notable = r.IntensityUSD, true
	}
	if r.Followed != nil {
		followed := alert.Followed(*r.Followed)
		a.Followed = &followed
	}
	for i := range r.Items {
		a.Items = append(a.Items, r.Items[i].alert())
	}
	return a
}

func encodeNews(a *alert.Alert) ([]byte, error) {
	row, err := json.Marshal(recordNews(a))
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
	a := r.alert()
	return &a, nil
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
