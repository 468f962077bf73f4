package feeds

// Recent remembers the newest of the things that a venue has told, such as its forced
// orders, so that none is told twice after a reconnect. The zero value remembers nothing;
// it is not safe for concurrent use.
type Recent[K comparable] struct {
	known map[K]struct{}
	ring  []K
	next  int
	most  int
}

// NewRecent makes one that remembers so many.
func NewRecent[K comparable](most int) *Recent[K] {
	return &Recent[K]{known: make(map[K]struct{}), most: most}
}

// Add notes a thing and reports whether it is new.
func (r *Recent[K]) Add(k K) bool {
	if _, ok := r.known[k]; ok || r.most <= 0 {
		return !ok
	}
	if len(r.ring) < r.most {
		r.ring = append(r.ring, k)
	} else {
		delete(r.known, r.ring[r.next])
		r.ring[r.next] = k
		r.next = (r.next + 1) % r.most
	}
	r.known[k] = struct{}{}
	return true
}
