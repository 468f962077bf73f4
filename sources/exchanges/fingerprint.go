package exchanges

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
)

// Fingerprint names the whole content of a snapshot: all figures to their last bit, all
// levels, times, venues. Two snapshots have the same one only if they are equal, but for
// the ID, which says when a process made them, and for the zones of times.
func Fingerprint(s *snapshot.Snapshot) string {
	of := *s
	of.ID = 0
	c := canonical{buf: make([]byte, 0, 64<<10)}
	c.value(reflect.ValueOf(of))
	sum := sha256.Sum256(c.buf)
	return hex.EncodeToString(sum[:16])
}

// canonical writes values such that different ones differ: each as wide as its kind, lists
// and texts behind their length. It walks all fields, so that a new one cannot be
// forgotten; types that hide their fields are told by their methods.
type canonical struct{ buf []byte }

func (c *canonical) number(n uint64) { c.buf = binary.BigEndian.AppendUint64(c.buf, n) }

func (c *canonical) count(n int) { c.number(uint64(n)) } //nolint:gosec // not negative

func (c *canonical) text(s string) {
	c.count(len(s))
	c.buf = append(c.buf, s...)
}

func (c *canonical) value(v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		t := v.Interface().(time.Time)
		c.number(uint64(t.Unix()))       //nolint:gosec // all bits count
		c.number(uint64(t.Nanosecond())) //nolint:gosec // below a billion
		return
	case reflect.TypeFor[*liquidation.Map]():
		c.liquidationMap(v.Interface().(*liquidation.Map))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				panic(fmt.Sprintf("a fingerprint of %s would miss its field %s", v.Type(), v.Type().Field(i).Name))
			}
			c.value(v.Field(i))
		}
	case reflect.Pointer:
		if v.IsNil() {
			c.buf = append(c.buf, 0)
			return
		}
		c.buf = append(c.buf, 1)
		c.value(v.Elem())
	case reflect.Slice, reflect.Array:
		c.count(v.Len())
		for i := range v.Len() {
			c.value(v.Index(i))
		}
	case reflect.Map:
		c.mapOf(v)
	default:
		c.scalar(v)
	}
}

func (c *canonical) mapOf(v reflect.Value) {
	c.count(v.Len())
	entries := make(map[string]struct{}, v.Len())
	for it := v.MapRange(); it.Next(); {
		var one canonical
		one.value(it.Key())
		one.value(it.Value())
		entries[string(one.buf)] = struct{}{}
	}
	for _, e := range slices.Sorted(maps.Keys(entries)) {
		c.text(e)
	}
}

func (c *canonical) scalar(v reflect.Value) {
	switch {
	case v.CanFloat():
		c.number(math.Float64bits(v.Float()))
	case v.CanInt():
		c.number(uint64(v.Int())) //nolint:gosec // all bits count
	case v.CanUint():
		c.number(v.Uint())
	case v.Kind() == reflect.Bool:
		if v.Bool() {
			c.number(1)
		} else {
			c.number(0)
		}
	case v.Kind() == reflect.String:
		c.text(v.String())
	default:
		panic(fmt.Sprintf("no fingerprint of a %s", v.Type()))
	}
}

// liquidationMap writes a map by its methods; its levels, which are thousands, by hand.
func (c *canonical) liquidationMap(m *liquidation.Map) {
	if m == nil {
		c.buf = append(c.buf, 0)
		return
	}
	c.buf = append(c.buf, 1)
	c.text(string(m.Coin()))
	c.text(string(m.Window()))
	c.number(math.Float64bits(m.MarkUSD()))
	c.value(reflect.ValueOf(m.Provenance()))
	c.count(m.Swept())
	c.value(reflect.ValueOf(m.Venues()))
	for _, side := range []market.Side{market.Long, market.Short} {
		levels := m.Levels(side)
		c.count(len(levels))
		for i := range levels {
			c.level(&levels[i])
		}
	}
}

func (c *canonical) level(l *liquidation.Level) {
	c.number(math.Float64bits(l.PriceUSD))
	c.number(uint64(l.Side))
	c.number(math.Float64bits(l.IntensityUSD))
	c.text(string(l.Venue))
	c.number(math.Float64bits(l.Leverage))
}
