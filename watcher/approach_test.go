package watcher_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/market"
	"liqbot/watcher"
)

var approach = machine[watcher.ApproachState]{watcher.StepApproach, watcher.DecodeApproach}

// nearLimits are limits with a percent of nearness.
var nearLimits = func() watcher.Limits {
	l := limits
	l.Near = 0.01
	return l
}()

// cluster is a shot with a cluster above the price.
func cluster(at int, usd, from, to float64) shot {
	return shot{at: at, usd: usd, above: to, change: func(v *view) { v.aboveFromUSD = from }}
}

// toward is a price that comes to 109.2, within a percent of 110, and stays.
func toward(rest ...shot) []shot {
	return append([]shot{cluster(0, 105, 110, 112), cluster(10, 107, 110, 112), cluster(20, 109.2, 110, 112), cluster(30, 109.3, 110, 112)}, rest...)
}

func TestApproach(t *testing.T) {
	one := []event{{Level: 110, Rising: true, At: 30, Crossed: 20}}
	then := func(level float64, at, crossed int) []event {
		return append([]event{one[0]}, event{Level: level, Rising: true, At: at, Crossed: crossed})
	}
	missing := func(s shot) shot {
		edge := s.change
		s.change = func(v *view) { edge(v); v.levels.Missing = []market.Venue{"Bybit"} }
		return s
	}
	for _, tt := range []struct {
		name  string
		shots []shot
		want  []event
	}{
		{"it comes near", toward(), one},
		{"from above", []shot{{at: 0, usd: 95, below: 90}, {at: 10, usd: 94, below: 90}, {at: 20, usd: 90.5, below: 90}, {at: 30, usd: 90.4, below: 90}}, []event{{Level: 90, At: 30, Crossed: 20}}},
		{"near from the beginning", []shot{cluster(0, 109.5, 110, 112), cluster(10, 109.5, 110, 112), cluster(20, 109.6, 110, 112)}, nil},
		{"only once, and not for long", toward()[:3], nil},
		{"near and away again", append(toward()[:3], cluster(30, 108, 110, 112), cluster(40, 108, 110, 112)), nil},
		{"a cluster that grows up beside the price", []shot{cluster(0, 105, 110, 112), cluster(10, 105, 105.5, 106), cluster(20, 105, 105.5, 106), cluster(30, 105, 105.5, 106)}, nil},
		{"it stays near", toward(cluster(40, 109.9, 110, 112), cluster(900, 109.2, 110, 112), cluster(910, 109.9, 110, 112)), one},
		{"it goes into the cluster, which shrinks", toward(cluster(40, 110.5, 110.6, 112), cluster(700, 111.5, 111.6, 112), cluster(710, 111.5, 111.6, 112)), one},
		{"the edges waver", toward(cluster(700, 109.3, 109.7, 111), cluster(710, 109.3, 110.3, 113), cluster(720, 109.3, 110, 112)), one},
		{"a little away and near again", toward(cluster(700, 108, 110, 112), cluster(710, 109.2, 110, 112), cluster(720, 109.2, 110, 112)), one},
		{"far away and near again", toward(cluster(700, 107, 110, 112), cluster(710, 109.2, 110, 112), cluster(720, 109.2, 110, 112)), then(110, 720, 710)},
		{"far away and near again too soon", toward(cluster(100, 107, 110, 112), cluster(110, 109.2, 110, 112), cluster(120, 109.2, 110, 112)), one},
		{"and still near when the side has rested", toward(cluster(550, 107, 110, 112), cluster(560, 109.2, 110, 112), cluster(570, 109.2, 110, 112), cluster(640, 109.2, 110, 112)), then(110, 640, 560)},
		{"through it and to the next", toward(cluster(640, 112.5, 116, 117), cluster(650, 115, 116, 117), cluster(660, 115, 116, 117)), then(116, 660, 650)},
		{"two clusters take turns", []shot{
			cluster(0, 105, 110, 112), cluster(10, 105, 118, 119), cluster(20, 105, 110, 112), cluster(30, 109.2, 118, 119), cluster(40, 109.2, 110, 112), cluster(50, 109.2, 118, 119), cluster(60, 109.2, 110, 112),
		}, []event{{Level: 110, Rising: true, At: 60, Crossed: 40}}},
		{"other venues", append(toward()[:2], missing(cluster(20, 109.2, 110, 112)), missing(cluster(30, 109.2, 110, 112)), missing(cluster(40, 109.2, 110, 112))), nil},
		{"a gap on the way", append(toward()[:2], cluster(500, 109.2, 110, 112), cluster(510, 109.2, 110, 112)), []event{{Level: 110, Rising: true, At: 510, Crossed: 500}}},
		{"a gap when it is near", append(toward()[:3], cluster(500, 109.2, 110, 112), cluster(510, 109.2, 110, 112)), []event{{Level: 110, Rising: true, At: 510, Crossed: 500}}},
		{"a bad price", append(toward()[:2], cluster(20, 1092, 1100, 1120), cluster(30, 107, 110, 112), cluster(40, 107, 110, 112)), nil},
		{
			"a bad price on the way", append(toward()[:2], cluster(20, 1092, 1100, 1120), cluster(30, 109.2, 110, 112), cluster(40, 109.2, 110, 112), cluster(50, 109.2, 110, 112)),
			[]event{{Level: 110, Rising: true, At: 50, Crossed: 40}},
		},
		{"no cluster", []shot{{at: 0, usd: 100}, {at: 10, usd: 101}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := approach.everyway(t, nearLimits, film(t, tt.shots))
			if diff := cmp.Diff(tt.want, eventsOf(got)); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
			if len(got) == 2 && (got[0].ID == got[1].ID || !got[1].Last.Equal(got[0].At)) {
				t.Errorf("the second alert %+v does not follow the first", got[1])
			}
		})
	}
}

func TestApproachSaysAll(t *testing.T) {
	got := approach.play(t, nearLimits, film(t, toward()))
	want := []alert.Alert{{
		ID: alert.EventID(alert.Approach, "BTC", 0, true, noon), Rule: alert.Approach, Coin: "BTC", Window: market.Week, Rising: true,
		LevelUSD: 110, PriceUSD: 109.3, Kind: market.MarkPrice, Strength: 1e9, Notable: true,
		At: noon.Add(30 * time.Second), Crossed: noon.Add(20 * time.Second), Expires: noon.Add(30*time.Second + limits.TTL),
		Provenance: market.Provenance{Source: "test", Venues: []market.Venue{"Binance", "OKX"}, AsOf: noon.Add(30 * time.Second)},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}
