package locales_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"liqbot/locales"
)

func TestAmountsAreReadAsPeopleTypeThem(t *testing.T) {
	for text, want := range map[string]float64{
		"1.5b": 1.5e9, "1.5B": 1.5e9, "$1.5bn": 1.5e9, "1500M": 1.5e9, "1500 m": 1.5e9, "1,500M": 1.5e9, "1.5 billion": 1.5e9,
		"1,500,000,000": 1.5e9, "1 500 000 000": 1.5e9, "1'500'000'000": 1.5e9, "1.500.000.000": 1.5e9, "1_500_000_000": 1.5e9,
		"1500000000": 1.5e9, "1\u00a0500\u202f000\u00a0000": 1.5e9, "１．５ｂ": 1.5e9, "1.5b usdt": 1.5e9, "+2b": 2e9,
		"15亿": 1.5e9, "15 亿": 1.5e9, "15億美元": 1.5e9, "1.5十亿": 1.5e9, "2万": 2e4, "3千万": 3e7, "1万亿": 1e12,
		"1,5 млрд": 1.5e9, "1.5млрд": 1.5e9, "1,5 млрд.": 1.5e9, "1,500 млрд": 1.5e9, "1500 млн": 1.5e9, "200 тыс": 2e5, "1,5 миллиарда долларов": 1.5e9,
		"94681": 94681, "94,681": 94681, "$94,681": 94681, "94,681.50": 94681.5, "94.681,50": 94681.5, "94 681,5": 94681.5, "94k": 94000, "94.6k": 94600,
		"0.00001234": 0.00001234, "0,00001234": 0.00001234, "0,500": 0.5, "9,4681": 9.4681, "1,5": 1.5, "12,34": 12.34, "3112.40": 3112.40, ".5": 0.5,
		"100u": 100, "250 dollars": 250,
	} {
		got, err := locales.ParseAmount(text)
		if err != nil || math.Abs(got-want) > want*1e-12 {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "lots", "-5", "−5", "0", "0.0", "b", "$", "1e999", "1e9", "NaN", "inf", "1..5", "1.5.5", "1,50,000", "5 btc", "1.5x", "--1", "0x10",
		"1,500.000.000", "1e", "٣", "1 5", "999999999999b", "0.0000000000001", strings.Repeat("1", 100), "\xff1b", "1.5b b",
	} {
		if got, err := locales.ParseAmount(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func TestSpansAreReadAsPeopleTypeThem(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"8h": 8 * time.Hour, "8 h": 8 * time.Hour, "8 hours": 8 * time.Hour, "8H": 8 * time.Hour, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute,
		"1h 30m": 90 * time.Minute, "2d": 48 * time.Hour, "1 week": 168 * time.Hour, "8ч": 8 * time.Hour, "8 часов": 8 * time.Hour, "30 мин.": 30 * time.Minute,
		"1 день": 24 * time.Hour, "8小时": 8 * time.Hour, "30分钟": 30 * time.Minute, "1天": 24 * time.Hour, "８ｈ": 8 * time.Hour, "90d": 90 * 24 * time.Hour,
	} {
		if got, err := locales.ParseSpan(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "tomorrow", "8", "h", "-8h", "0h", "8x", "8h tomorrow", "1.5h", "91d", "30s", "9999999999999h", "30501w", "1000000d", "8h8", "\xff"} {
		if got, err := locales.ParseSpan(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, text := range []string{"1.5b", "1,500,000,000", "15亿", "1,5 млрд", "$94,681", "lots", "-5", "1e999", "0,00001234", "1.500.000"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		usd, err := locales.ParseAmount(text)
		if err != nil {
			if usd != 0 {
				t.Fatalf("%q: both %v and %v", text, usd, err)
			}
			return
		}
		if !(usd > 0 && usd <= 1e18) {
			t.Fatalf("%q is %v", text, usd)
		}
		// What the bot writes, it reads again.
		for _, tag := range locales.Tags() {
			shown := locales.For(tag).Amount(usd)
			again, err := locales.ParseAmount(shown)
			if usd >= 1 && usd < 1e15 && (err != nil || math.Abs(again-usd) > 0.0006*usd) {
				t.Fatalf("%q is %v, shown in %s as %q, read again as %v, %v", text, usd, tag, shown, again, err)
			}
		}
	})
}

func FuzzParseSpan(f *testing.F) {
	for _, text := range []string{"8h", "1h30m", "8 часов", "30分钟", "tomorrow", "-1h", "99999999999999999999h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := locales.ParseSpan(text)
		if err != nil {
			if d != 0 {
				t.Fatalf("%q: both %v and %v", text, d, err)
			}
			return
		}
		if d < locales.MinSpan || d > locales.MaxSpan {
			t.Fatalf("%q is %v", text, d)
		}
	})
}
