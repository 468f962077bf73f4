package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// VenueFeed is how the feed of an exchange is doing.
type VenueFeed struct {
	Name string
	Up   bool
	// Newest is the time of the newest thing it told, in the host's clock; zero before.
	Newest time.Time
	// ClockOffset is how far its clock is ahead of the host's.
	ClockOffset time.Duration
	// Followed coins of which Mapped have an up-to-date map.
	Followed, Mapped int
	// Dropped counts what was left out, by reason.
	Dropped map[string]uint64
}

var (
	venueUpDesc = prometheus.NewDesc("liqbot_exchange_up",
		"Whether all streams of an exchange are connected.", []string{"exchange"}, nil)
	venueAgeDesc = prometheus.NewDesc("liqbot_exchange_age_seconds",
		"Age of the newest thing that an exchange told.", []string{"exchange"}, nil)
	venueOffsetDesc = prometheus.NewDesc("liqbot_exchange_clock_offset_seconds",
		"How far the clock of an exchange is ahead of this one.", []string{"exchange"}, nil)
	venueCoinsDesc = prometheus.NewDesc("liqbot_exchange_coins",
		"Coins that are followed at an exchange, and of those the ones that have an up-to-date map.", []string{"exchange", "state"}, nil)
	venueDroppedDesc = prometheus.NewDesc("liqbot_exchange_dropped_total",
		"What an exchange sent and the bot left out.", []string{"exchange", "reason"}, nil)
)

// venues collects how the exchanges' feeds are doing at the moment of the scrape.
type venues struct{ all func() []VenueFeed }

// ObserveVenues makes the state of the exchanges' feeds metrics. The function is called at
// each scrape. It may be called once.
func (m *Metrics) ObserveVenues(all func() []VenueFeed) { m.registry.MustRegister(venues{all}) }

func (venues) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{venueUpDesc, venueAgeDesc, venueOffsetDesc, venueCoinsDesc, venueDroppedDesc} {
		out <- d
	}
}

func (v venues) Collect(out chan<- prometheus.Metric) {
	for _, f := range v.all() {
		out <- gauge(venueUpDesc, number(f.Up), f.Name)
		if !f.Newest.IsZero() {
			out <- gauge(venueAgeDesc, max(0, time.Since(f.Newest).Seconds()), f.Name)
		}
		out <- gauge(venueOffsetDesc, f.ClockOffset.Seconds(), f.Name)
		out <- gauge(venueCoinsDesc, float64(f.Followed), f.Name, "followed")
		out <- gauge(venueCoinsDesc, float64(f.Mapped), f.Name, "mapped")
		for reason, n := range f.Dropped {
			m, err := prometheus.NewConstMetric(venueDroppedDesc, prometheus.CounterValue, float64(n), f.Name, reason)
			if err != nil {
				m = prometheus.NewInvalidMetric(venueDroppedDesc, err)
			}
			out <- m
		}
	}
}
