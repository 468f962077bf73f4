package locales_test

import (
	"testing"

	"liqbot/locales"
)

func TestSmoke(t *testing.T) {
	for _, tag := range locales.Tags() {
		l := locales.For(tag)
		t.Log(tag, l.Say("liq.above", "price", l.Level(94681), "distance", l.SignedPercent(0.0505), "amount", l.Amount(2.705e9)), l.Price(90131.71), l.Amount(459e6), l.Times(1.73), l.Age(61e9*2), l.Age(5e9), l.Amount(1579370.77), l.AxisPrice(94000), l.AxisAmount(5e7), l.AxisPrice(0.1325), l.Price(0.00001234), l.Amount(999.99e6), l.Text("label.demo"))
	}
}
