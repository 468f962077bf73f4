package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/telemetry"
)

// series returns the lines of a scrape that begin with a prefix.
func series(t *testing.T, m *telemetry.Metrics, prefix string) []string {
	t.Helper()
	w := get(t, m.Handler(), http.MethodGet)
	if w.Code != http.StatusOK {
		t.Fatalf("scrape: status %d: %s", w.Code, w.Body)
	}
	var found []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, prefix) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func TestRequestsAreCountedByCommand(t *testing.T) {
	m := telemetry.NewMetrics("v1", "liq", "help")
	handle := m.Handle(func(context.Context, chat.Request) chat.Reply { return chat.Reply{Language: "ru"} })
	for _, r := range []chat.Request{
		{Target: chat.Target{Platform: chat.Web}, Text: "/liq btc"},
		{Target: chat.Target{Platform: chat.Web}, Text: " /LIQ@some_bot"},
		{Target: chat.Target{Platform: chat.Telegram}, Text: "/help"},
		{Target: chat.Target{Platform: chat.Telegram}, Text: "/planted-secret"},
		{Target: chat.Target{Platform: chat.Telegram}, Text: "liq planted-secret"},
		{Target: chat.Target{Platform: chat.Discord}, Press: "liq:planted-secret"},
		{Target: chat.Target{Platform: "planted-secret"}, Text: "/help"},
	} {
		if got := handle(t.Context(), r); got.Language != "ru" {
			t.Fatalf("the reply was changed: %+v", got)
		}
	}
	want := []string{
		`liqbot_requests_total{command="button",platform="discord"} 1`,
		`liqbot_requests_total{command="help",platform="other"} 1`,
		`liqbot_requests_total{command="help",platform="telegram"} 1`,
		`liqbot_requests_total{command="liq",platform="web"} 2`,
		`liqbot_requests_total{command="other",platform="telegram"} 2`,
	}
	if diff := cmp.Diff(want, series(t, m, "liqbot_requests_total")); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if got := series(t, m, `liqbot_reply_seconds_count{platform="web"}`); len(got) != 1 || !strings.HasSuffix(got[0], " 2") {
		t.Errorf("reply times: %q, want two for the web", got)
	}
	if got := strings.Join(series(t, m, ""), "\n"); strings.Contains(got, "planted") {
		t.Errorf("typed text is in the metrics:\n%s", got)
	}
}

func TestFetchesAreCountedByOutcome(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	for _, err := range []error{
		nil,
		&snapshot.Error{Problem: snapshot.RateLimited},
		fmt.Errorf("fetch: %w", context.Canceled),
		errors.New("planted-secret"),
	} {
		m.Fetched("CoinGlass", err)
	}
	want := []string{
		`liqbot_source_fetches_total{outcome="canceled",source="CoinGlass"} 1`,
		`liqbot_source_fetches_total{outcome="ok",source="CoinGlass"} 1`,
		`liqbot_source_fetches_total{outcome="rate_limited",source="CoinGlass"} 1`,
		`liqbot_source_fetches_total{outcome="unavailable",source="CoinGlass"} 1`,
	}
	if diff := cmp.Diff(want, series(t, m, "liqbot_source_fetches_total")); diff != "" {
		t.Errorf("fetches (-want +got):\n%s", diff)
	}
}

func snap(t *testing.T, coin market.Coin, age time.Duration) *snapshot.Snapshot {
	t.Helper()
	p := market.Provenance{AsOf: time.Now().Add(-age)}
	levels, err := liquidation.New(liquidation.Input{
		Coin: coin, Window: market.Day, MarkUSD: 100, Provenance: p,
		Levels: []liquidation.Level{{PriceUSD: 110, Side: market.Short, IntensityUSD: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &snapshot.Snapshot{
		Key: snapshot.Key{Coin: coin, Window: market.Day}, Map: levels,
		Price: market.Price{USD: 100, Provenance: p},
	}
}

func TestSnapshotAges(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	all := []*snapshot.Snapshot{snap(t, "BTC", time.Hour), snap(t, "BTC", time.Hour), nil}
	m.ObserveSnapshots(func() []*snapshot.Snapshot { return all })
	got := series(t, m, "liqbot_snapshot")
	if len(got) != 2 || !regexp.MustCompile(`^liqbot_snapshot_age_seconds\{coin="BTC",window="1d"\} 360\d`).MatchString(got[0]) {
		t.Errorf("ages %q, want one of about 3600 s", got)
	}
	for i := range 1000 {
		all = append(all, snap(t, market.Coin(fmt.Sprint("C", i)), 0))
	}
	if got := series(t, m, "liqbot_snapshot_age_seconds"); len(got) != 200 {
		t.Errorf("%d age series for 1001 snapshots, want 200", len(got))
	}
	if diff := cmp.Diff([]string{"liqbot_snapshots 1001"}, series(t, m, "liqbot_snapshots")); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
}

func TestHealthMetrics(t *testing.T) {
	m, h := telemetry.NewMetrics("v1"), telemetry.NewHealth()
	m.ObserveHealth(h)
	h.SetReady(true)
	h.Set("telegram", false, "refused")
	want := []string{`liqbot_part_up{part="telegram"} 0`}
	if diff := cmp.Diff(want, series(t, m, "liqbot_part_up")); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"liqbot_ready 1"}, series(t, m, "liqbot_ready")); diff != "" {
		t.Errorf("ready (-want +got):\n%s", diff)
	}
	h.Set("part\xff", false, "")
	if w := get(t, m.Handler(), http.MethodGet); w.Code != http.StatusInternalServerError {
		t.Errorf("a part with an impossible name: status %d, want 500 and no panic", w.Code)
	}
}

func TestEventsAreBounded(t *testing.T) {
	m := telemetry.NewMetrics("v1")
	count := m.Count(chat.Telegram)
	count("retry")
	count("not a name\n")
	for i := range 1000 {
		count(fmt.Sprint("event_", i))
	}
	got := series(t, m, "liqbot_platform_events_total")
	if len(got) != 65 {
		t.Errorf("%d event series, want 64 and one for the rest", len(got))
	}
	if want := `liqbot_platform_events_total{event="retry",platform="telegram"} 1`; !strings.Contains(strings.Join(got, "\n"), want) {
		t.Errorf("no %s in %q", want, got)
	}
}

func TestPicturesBuildAndRuntime(t *testing.T) {
	m := telemetry.NewMetrics("v1.2.3")
	m.Rendered(12 * time.Millisecond)
	for _, want := range []string{
		"liqbot_picture_render_seconds_count 1",
		`liqbot_build_info{goversion="go`,
		"go_goroutines ",
		"process_resident_memory_bytes ",
	} {
		if len(series(t, m, want)) != 1 {
			t.Errorf("no %q in the scrape", want)
		}
	}
	if got := series(t, m, "liqbot_build_info")[0]; !strings.Contains(got, `version="v1.2.3"`) {
		t.Errorf("build info %s lacks the version", got)
	}
}
