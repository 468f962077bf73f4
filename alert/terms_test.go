package alert_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"liqbot/alert"
)

// zones change their clocks at midnight, at two, by half an hour, the day before, or never.
var zones = []string{"America/Santiago", "America/Havana", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "UTC", "Asia/Kathmandu"}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// A digest comes once on each day of the zone, whatever its clocks do.
func TestADigestIsDueOnceADay(t *testing.T) {
	for _, name := range zones {
		z := zone(t, name)
		for _, at := range []alert.Clock{0, 1, 11, 30, 90, 119, 120, 150, 179, 540, 1410, alert.MaxClock} {
			d := alert.Digest{On: true, At: at}
			local := time.Date(2025, 12, 31, 23, 59, 0, 0, z)
			for day := range 400 {
				next := d.Next(local)
				if !next.After(local) {
					t.Fatalf("%s at minute %d, day %d: next is %v at %v", name, at, day, next, local)
				}
				if gap := next.Sub(local); day > 0 && (gap < 22*time.Hour || gap > 26*time.Hour) {
					t.Fatalf("%s at minute %d: %v after %v", name, at, next, local)
				}
				if day > 0 && next.YearDay() == local.YearDay() {
					t.Fatalf("%s at minute %d: twice on %v", name, at, local.Format(time.DateOnly))
				}
				local = next
			}
		}
	}
}

// Within the quiet hours they end later, and outside nothing is quiet.
func TestQuietHoursEnd(t *testing.T) {
	for _, name := range zones {
		z := zone(t, name)
		for _, q := range []alert.Quiet{{On: true, From: 1380, To: 420}, {On: true, From: 0, To: 30}, {On: true, From: 90, To: 150}, {On: true, From: 1320, To: 10}} {
			quiet := 0
			for at := time.Date(2026, 1, 1, 0, 0, 0, 0, z); at.Year() == 2026; at = at.Add(7 * time.Minute) {
				is, over := q.At(at)
				if !is {
					continue
				}
				quiet++
				if !over.After(at) || over.Sub(at) > 25*time.Hour {
					t.Fatalf("%s: quiet at %v until %v", name, at, over)
				}
				if again, _ := q.At(over); again && q.From != q.To {
					t.Fatalf("%s: still quiet at the end, %v", name, over)
				}
			}
			length := (int(q.To) - int(q.From) + 1440) % 1440
			if days := float64(quiet) * 7 / float64(length); days < 355 || days > 372 {
				t.Errorf("%s, %v: quiet on %.1f days", name, q, days)
			}
		}
	}
}

func TestAClockInAGap(t *testing.T) {
	for name, c := range map[string]struct {
		zone string
		at   alert.Clock
		day  time.Time
		want string
	}{
		"Berlin":   {"Europe/Berlin", 150, time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC), "2026-03-29T03:00:00+02:00"},
		"New York": {"America/New_York", 150, time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC), "2026-03-08T03:00:00-04:00"},
		"Santiago": {"America/Santiago", 11, time.Date(2026, 9, 6, 12, 0, 0, 0, time.UTC), "2026-09-06T01:00:00-03:00"},
		"no gap":   {"Europe/Berlin", 150, time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC), "2026-03-30T02:30:00+02:00"},
	} {
		z := zone(t, c.zone)
		y, m, d := c.day.Date()
		if got := c.at.On(time.Date(y, m, d, 12, 0, 0, 0, z)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
