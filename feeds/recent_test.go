package feeds_test

import (
	"testing"

	"liqbot/feeds"
)

func TestRecentRemembersTheNewest(t *testing.T) {
	t.Parallel()
	r := feeds.NewRecent[int](3)
	for i, want := range []struct {
		k     int
		fresh bool
	}{{1, true}, {1, false}, {2, true}, {3, true}, {1, false}, {4, true}, {1, true}, {3, false}, {2, true}, {4, false}} {
		if got := r.Add(want.k); got != want.fresh {
			t.Errorf("step %d: %d is new: %v, want %v", i, want.k, got, want.fresh)
		}
	}
}
