package charts_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"liqbot/locales"
	"liqbot/snapshot"
)

// A map that is too young says so on the picture and to those who do not see it; one
// that is old enough does not.
func TestAMapThatWarmsUpSaysSo(t *testing.T) {
	c := newCharts(t)
	for shape, name := range shapes {
		for _, tag := range locales.Tags() {
			t.Run(name+" "+tag, func(t *testing.T) {
				l := locales.For(tag)
				draw := func(age time.Duration) ([]byte, string) {
					s := btc().build(t)
					s.ID = 0
					s.Model = &snapshot.Model{First: asOf.Add(-age), Last: asOf, WarmUp: 168 * time.Hour}
					p, err := c.LiquidationMap(t.Context(), s, l, shape)
					if err != nil {
						t.Fatal(err)
					}
					return p.PNG, p.Alt
				}
				old, said := draw(168 * time.Hour)
				if strings.Contains(said, "168") {
					t.Errorf("a map that is old enough: %q", said)
				}
				young, said := draw(92*time.Hour + 40*time.Minute)
				if !strings.Contains(said, "92") || !strings.Contains(said, "168") {
					t.Errorf("a map that is too young: %q", said)
				}
				if bytes.Equal(old, young) {
					t.Error("the pictures are the same")
				}
				if *gallery != "" {
					if err := os.WriteFile(filepath.Join(*gallery, "warming-"+name+"-"+tag+".png"), young, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}
