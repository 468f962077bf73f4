package backtest_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/backtest"
)

func TestDecodeCSV(t *testing.T) {
	const text = "t_ms,venue,b,a\n3600000,x,2,1.5\n0,x,,1e3\n"
	got, err := backtest.DecodeCSV(strings.NewReader(text), "f.csv.gz", "a", "b")
	if err != nil {
		t.Fatal(err)
	}
	want := backtest.Rows{3_600_000: {1.5, 2}, 0: {1000, math.NaN()}}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Error("-want +got:\n", diff)
	}
}

func TestDecodeCSVRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		text, want string
	}{
		"nothing":        {"", "f: line 1: EOF"},
		"no time":        {"a\n1\n", "f: line 1: column t_ms: no such column in the header"},
		"no column":      {"t_ms,b\n1,1\n", "f: line 1: column a: no such column in the header"},
		"a word":         {"t_ms,a\n1,1\n2,one\n", "f: line 3: column a: not a number"},
		"not a number":   {"t_ms,a\n1,NaN\n", "f: line 2: column a: not a finite number"},
		"infinite":       {"t_ms,a\n1,Inf\n", "f: line 2: column a: not a finite number"},
		"too large":      {"t_ms,a\n1,1e999\n", "f: line 2: column a: not a finite number"},
		"negative":       {"t_ms,a\n1,-1\n", "f: line 2: column a: negative"},
		"negative time":  {"t_ms,a\n-1,1\n", "f: line 2: column t_ms: not a whole number of milliseconds after 1970"},
		"fraction":       {"t_ms,a\n1.5,1\n", "f: line 2: column t_ms: not a whole number of milliseconds after 1970"},
		"twice":          {"t_ms,a\n1,1\n2,1\n1,1\n", "f: line 4: column t_ms: this time was there before"},
		"a field short":  {"t_ms,a\n1,1\n2\n", "f: line 3: wrong number of fields"},
		"a quote open":   {"t_ms,a\n\"", "f: line 2: extraneous or missing \" in quoted-field"},
		"a quote inside": {"t_ms,a\n1,1\"2\n", "f: line 2: bare \" in non-quoted-field"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := backtest.DecodeCSV(strings.NewReader(test.text), "f", "a")
			var cell *backtest.CellError
			if !errors.As(err, &cell) || rows != nil {
				t.Fatalf("got %v, %v, want a *CellError", rows, err)
			}
			if err.Error() != test.want {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

func FuzzDecodeCSV(f *testing.F) {
	f.Add("t_ms,a,b\n1,2,3\n2,,4\n")
	f.Add("b,t_ms,a\r\n1,0,\"3\"\r\n")
	f.Add("t_ms,a,b\n1,2\n")
	f.Add("b,t_ms,a\n\"")
	f.Add("t_ms,a,b\n1,0x1p-2,1_0\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := backtest.DecodeCSV(strings.NewReader(text), "f", "a", "b")
		if err != nil {
			var cell *backtest.CellError
			if rows != nil || !errors.As(err, &cell) || cell.Line < 1 {
				t.Fatalf("got %v with %v", rows, err)
			}
			return
		}
		var again strings.Builder
		again.WriteString("a,b,t_ms\n")
		for at, v := range rows {
			for _, x := range v {
				if x < 0 || math.IsInf(x, 0) {
					t.Fatalf("figure %v", x)
				}
				if !math.IsNaN(x) {
					fmt.Fprint(&again, x)
				}
				again.WriteByte(',')
			}
			fmt.Fprintln(&again, at)
		}
		back, err := backtest.DecodeCSV(strings.NewReader(again.String()), "f", "a", "b")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, back, cmpopts.EquateNaNs()); diff != "" {
			t.Error(diff)
		}
	})
}
