package telemetry

import (
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"liqbot/snapshot"
)

// maxAges bounds the age series: the first snapshots of the cache's list have one.
const maxAges = 200

var (
	ageDesc = prometheus.NewDesc("liqbot_snapshot_age_seconds",
		"Age of the oldest figure that a reply depends on.", []string{"coin", "window"}, nil)
	snapshotsDesc = prometheus.NewDesc("liqbot_snapshots",
		"Snapshots that are ready in the cache.", nil, nil)
	upDesc = prometheus.NewDesc("liqbot_part_up",
		"Whether a part of the bot is up (1) or down (0).", []string{"part"}, nil)
	readyDesc = prometheus.NewDesc("liqbot_ready",
		"Whether the bot serves (1) or not (0).", nil, nil)
)

// ages collects the age of snapshots at the moment of the scrape.
type ages struct{ all func() []*snapshot.Snapshot }

func (ages) Describe(out chan<- *prometheus.Desc) {
	out <- ageDesc
	out <- snapshotsDesc
}

func (a ages) Collect(out chan<- prometheus.Metric) {
	now := time.Now()
	done := make(map[snapshot.Key]bool)
	for _, s := range a.all() {
		if s == nil || done[s.Key] {
			continue
		}
		done[s.Key] = true
		if len(done) <= maxAges {
			out <- gauge(ageDesc, s.Age(now).Seconds(), string(s.Key.Coin), string(s.Key.Window))
		}
	}
	out <- gauge(snapshotsDesc, float64(len(done)))
}

// parts collects the health of the parts at the moment of the scrape.
type parts struct{ health *Health }

func (parts) Describe(out chan<- *prometheus.Desc) {
	out <- upDesc
	out <- readyDesc
}

func (p parts) Collect(out chan<- prometheus.Metric) {
	for _, part := range p.health.Parts() {
		out <- gauge(upDesc, number(part.Up), part.Name)
	}
	out <- gauge(readyDesc, number(p.health.Ready()))
}

// gauge makes a value for one scrape. A label that cannot be becomes an error of
// the scrape: a panic here would end the process.
func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return m
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// buildInfo is a constant 1 whose labels say what is running.
func buildInfo(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "liqbot_build_info",
		Help: "What is running; always 1.",
		ConstLabels: prometheus.Labels{
			"version": version, "revision": revision(), "goversion": runtime.Version(),
		},
	})
	g.Set(1)
	return g
}

// revision is the commit that the binary was built from, as far as it knows.
func revision() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
