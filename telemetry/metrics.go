package telemetry

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"liqbot/chat"
	"liqbot/snapshot"
)

// Metrics is what Prometheus reads of the bot. Every label has few values, and
// none is ever what somebody typed. Names and units follow
// https://prometheus.io/docs/practices/naming/.
type Metrics struct {
	registry *prometheus.Registry
	commands map[string]bool

	requests *prometheus.CounterVec
	replies  *prometheus.HistogramVec
	events   *prometheus.CounterVec
	fetches  *prometheus.CounterVec
	pictures prometheus.Histogram
	alerts   *prometheus.CounterVec
	posts    *prometheus.CounterVec

	eventNames, sourceNames *names
}

// NewMetrics returns metrics of a bot of this version that has these commands
// (names without the slash). Requests for anything else count as "other".
func NewMetrics(version string, commands ...string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		commands: make(map[string]bool),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "liqbot_requests_total",
			Help: "Requests answered, by platform and command.",
		}, []string{"platform", "command"}),
		replies: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "liqbot_reply_seconds",
			Help:    "Time from a request to its finished reply, without sending it.",
			Buckets: []float64{.0001, .0005, .001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"platform"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "liqbot_platform_events_total",
			Help: "What happened on a platform: retries, refusals, dropped updates.",
		}, []string{"platform", "event"}),
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "liqbot_source_fetches_total",
			Help: "Fetches of a snapshot, by source and outcome.",
		}, []string{"source", "outcome"}),
		pictures: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "liqbot_picture_render_seconds",
			Help:    "Time to render a picture; its count is the pictures rendered.",
			Buckets: []float64{.002, .005, .01, .02, .05, .1, .25, .5, 1},
		}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "liqbot_alerts_total",
			Help: "Alerts that the watcher has recorded, by rule.",
		}, []string{"rule"}),
		posts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "liqbot_deliveries_total",
			Help: "What became of deliveries of alerts: sent, failed, uncertain, expired, unwanted, retired, barred, or waiting for another try.",
		}, []string{"platform", "state"}),
		eventNames:  newNames(),
		sourceNames: newNames(),
	}
	for _, c := range commands {
		m.commands[c] = true
	}
	m.registry.MustRegister(m.requests, m.replies, m.events, m.fetches, m.pictures, m.alerts, m.posts,
		buildInfo(version), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
	})
}

// Answered counts a request and the time that its reply took.
func (m *Metrics) Answered(r chat.Request, took time.Duration) {
	platform := platformLabel(r.Target.Platform)
	m.requests.WithLabelValues(platform, m.command(r)).Inc()
	m.replies.WithLabelValues(platform).Observe(took.Seconds())
}

// Handle wraps a handler so that its requests are counted and timed.
func (m *Metrics) Handle(next chat.Handler) chat.Handler {
	return func(ctx context.Context, r chat.Request) chat.Reply {
		start := time.Now()
		reply := next(ctx, r)
		m.Answered(r, time.Since(start))
		return reply
	}
}

// Event counts something that happened on a platform. The event is a constant of
// the platform's package in snake_case.
func (m *Metrics) Event(platform chat.Platform, event string) {
	m.events.WithLabelValues(platformLabel(platform), m.eventNames.label(event)).Inc()
}

// Count is Event for one platform, as a platform's configuration wants it.
func (m *Metrics) Count(platform chat.Platform) func(event string) {
	return func(event string) { m.Event(platform, event) }
}

// Fetched counts a fetch by how it ended: "ok", "canceled", or the kind of
// trouble in the error.
func (m *Metrics) Fetched(source string, err error) {
	outcome := "ok"
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		outcome = "canceled"
	default:
		outcome = string(snapshot.ProblemOf(err))
	}
	m.fetches.WithLabelValues(m.sourceNames.label(source), outcome).Inc()
}

// Rendered counts a picture and the time that it took to make.
func (m *Metrics) Rendered(took time.Duration) { m.pictures.Observe(took.Seconds()) }

// Alerted counts an alert of a rule, which is a constant.
func (m *Metrics) Alerted(rule string) { m.alerts.WithLabelValues(rule).Inc() }

// Delivered counts what became of a delivery; the state is a constant.
func (m *Metrics) Delivered(platform chat.Platform, state string) {
	m.posts.WithLabelValues(platformLabel(platform), state).Inc()
}

// ObserveSnapshots makes the age of every snapshot in a cache a metric. The
// function is called at each scrape, so an age grows while a source is silent
// and a snapshot that the cache has dropped is gone. It may be called once.
func (m *Metrics) ObserveSnapshots(all func() []*snapshot.Snapshot) {
	m.registry.MustRegister(ages{all: all})
}

// ObserveHealth makes the health of the bot's parts a metric. It may be called
// once.
func (m *Metrics) ObserveHealth(h *Health) { m.registry.MustRegister(parts{health: h}) }
