package exchanges_test

import (
	"reflect"
	"testing"
	"time"

	"liqbot/liquidation"
	"liqbot/market"
	"liqbot/snapshot"
	"liqbot/sources/exchanges"
)

// leaves calls visit with every figure of a value, once for each list.
func leaves(path string, v reflect.Value, visit func(path string, v reflect.Value)) {
	switch {
	case v.Type() == reflect.TypeFor[*liquidation.Map](), !v.CanSet() && v.Kind() != reflect.Pointer:
	case v.Type() == reflect.TypeFor[time.Time]():
		visit(path, v)
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			leaves(path, v.Elem(), visit)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves(path+"."+v.Type().Field(i).Name, v.Field(i), visit)
		}
	case v.Kind() == reflect.Slice:
		if v.Len() > 0 {
			leaves(path+"[]", v.Index(v.Len()-1), visit)
		}
	default:
		visit(path, v)
	}
}

// bend changes a figure as little as it can.
func bend(v reflect.Value) {
	switch {
	case v.CanFloat():
		v.SetFloat(v.Float() + 1e-9*max(1, v.Float()))
	case v.CanInt():
		v.SetInt(v.Int() + 1)
	case v.CanUint():
		v.SetUint(v.Uint() + 1)
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.Kind() == reflect.String:
		v.SetString(v.String() + " ")
	default:
		v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(1)))
	}
}

func TestAFingerprintIsOfEveryFigure(t *testing.T) {
	bubble(t, func(r *room) {
		t := r.t
		r.fetch(t, "BTC", market.Week)
		r.venues["Bybit"].liquidate(t, "BTC", 0, market.Liquidation{At: time.Now(), Side: market.Long, Coins: 2, PriceUSD: 90_000})
		pass(2 * time.Second)
		s := *r.fetch(t, "BTC", market.Week)
		s.Venues = append([]market.VenueFigures(nil), s.Venues...)
		print := exchanges.Fingerprint(&s)
		n := 0
		leaves("snapshot", reflect.ValueOf(&s), func(path string, v reflect.Value) {
			n++
			before := reflect.New(v.Type()).Elem()
			before.Set(v)
			bend(v)
			if same := exchanges.Fingerprint(&s) == print; same != (path == "snapshot.ID") {
				t.Errorf("%s: the same fingerprint is %t", path, same)
			}
			v.Set(before)
		})
		if n < 80 || exchanges.Fingerprint(&s) != print {
			t.Errorf("%d figures", n)
		}
		s.Map = otherMap(t, s.Map)
		if exchanges.Fingerprint(&s) == print {
			t.Error("a level that differs in its last bits has the same fingerprint")
		}
	})
}

// otherMap is a map with one level that differs a little.
func otherMap(t *testing.T, m *liquidation.Map) *liquidation.Map {
	t.Helper()
	levels := append(append([]liquidation.Level(nil), m.Levels(market.Long)...), m.Levels(market.Short)...)
	levels[len(levels)/2].IntensityUSD *= 1 + 1e-15
	other, err := liquidation.New(liquidation.Input{Coin: m.Coin(), Window: m.Window(), MarkUSD: m.MarkUSD(), Levels: levels, Provenance: m.Provenance()})
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func TestAFingerprintOfWhatIsUnknown(t *testing.T) {
	empty := exchanges.Fingerprint(&snapshot.Snapshot{})
	if got := exchanges.Fingerprint(&snapshot.Snapshot{ETF: &market.ETFFlow{}}); got == empty {
		t.Error("not known and zero are the same")
	}
}
