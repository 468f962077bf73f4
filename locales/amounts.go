package locales

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// What people type is read the same in every language: a member of a Russian group
// may well write "1.5b", one of an English group "1,5 млрд".

var (
	// ErrAmount means that a text is no amount that could be meant.
	ErrAmount = errors.New("not an amount")
	// ErrSpan means that a text is no length of time that could be meant.
	ErrSpan = errors.New("not a length of time")
)

const (
	// maxTyped is the longest text that is read, in bytes.
	maxTyped = 64
	// maxAmount is more than any amount or price there is.
	maxAmount = 1e18
	// minAmount is less than the price of any coin.
	minAmount = 1e-12
)

// magnitudes are the words for powers of ten, as typed in lower case.
var magnitudes = map[string]float64{
	"": 1, "k": 1e3, "m": 1e6, "mm": 1e6, "mn": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9, "bln": 1e9, "t": 1e12, "tn": 1e12, "trn": 1e12,
	"mln": 1e6, "mlrd": 1e9, "g": 1e9,
	"thousand": 1e3, "million": 1e6, "millions": 1e6, "billion": 1e9, "billions": 1e9, "trillion": 1e12,
	"к": 1e3, "т": 1e3, "тыс": 1e3, "тысяч": 1e3, "тысяча": 1e3, "тысячи": 1e3,
	"м": 1e6, "млн": 1e6, "лям": 1e6, "миллион": 1e6, "миллиона": 1e6, "миллионов": 1e6,
	"б": 1e9, "млрд": 1e9, "ярд": 1e9, "миллиард": 1e9, "миллиарда": 1e9, "миллиардов": 1e9,
	"трлн": 1e12, "триллион": 1e12, "триллиона": 1e12, "триллионов": 1e12,
	"千": 1e3, "万": 1e4, "萬": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8, "億": 1e8, "十亿": 1e9, "百亿": 1e10, "千亿": 1e11, "万亿": 1e12, "兆": 1e12,
}

// currencies are what may stand around an amount and say nothing more.
var currencies = []string{"usdt", "usdc", "usd", "us$", "$", "dollars", "dollar", "долларов", "доллара", "доллар", "долл", "美元", "美金", "刀", "u"}

// ParseAmount reads an amount or a price in USD as people type it: "1.5b", "1500M",
// "1,500,000,000", "$94,681", "1,5 млрд", "15亿". It is more than zero. The error is
// ErrAmount.
func ParseAmount(text string) (usd float64, err error) {
	if len(text) > maxTyped {
		return 0, ErrAmount
	}
	s := strings.ToLower(strings.TrimSpace(norm.NFKC.String(strings.ToValidUTF8(text, "?"))))
	s = strings.TrimPrefix(s, "+")
	for _, c := range currencies {
		s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSuffix(s, c), c))
	}
	end := strings.LastIndexAny(s, "0123456789") + 1
	unit := strings.TrimRight(strings.TrimSpace(s[end:]), ".")
	factor, known := magnitudes[unit]
	if !known || end == 0 {
		return 0, ErrAmount
	}
	number, err := parseNumber(s[:end], cyrillic(unit))
	if err != nil {
		return 0, err
	}
	if usd = number * factor; !(usd >= minAmount && usd <= maxAmount) {
		return 0, ErrAmount
	}
	return usd, nil
}

func cyrillic(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
}

// parseNumber reads digits with separators of groups and fractions. A single comma
// before three digits separates a group, unless the text around it is one in which
// commas separate fractions.
func parseNumber(s string, commaFraction bool) (float64, error) {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\'', r == '’', r == '_':
			return ' '
		default:
			return r
		}
	}, s)
	fraction := ""
	whole := s
	comma, dot := strings.Count(s, ","), strings.Count(s, ".")
	at := -1
	switch {
	case comma > 0 && dot > 0:
		at = max(strings.LastIndexByte(s, ','), strings.LastIndexByte(s, '.'))
		if strings.Count(s, s[at:at+1]) > 1 {
			return 0, ErrAmount
		}
	case dot == 1:
		at = strings.IndexByte(s, '.')
	case comma == 1 && (commaFraction || !grouped(s, ',')):
		at = strings.IndexByte(s, ',')
	}
	if at >= 0 {
		whole, fraction = s[:at], s[at+1:]
	}
	separator := byte(' ')
	for _, c := range []byte{',', '.'} {
		if strings.IndexByte(whole, c) >= 0 {
			separator = c
		}
	}
	if strings.IndexByte(whole, separator) >= 0 && !grouped(whole, separator) {
		return 0, ErrAmount
	}
	digits := strings.ReplaceAll(whole, string(separator), "")
	if digits+fraction == "" || !allDigits(digits) || !allDigits(fraction) {
		return 0, ErrAmount
	}
	v, err := strconv.ParseFloat("0"+digits+"."+fraction+"0", 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, ErrAmount
	}
	return v, nil
}

// grouped reports whether a separator stands before groups of three digits.
func grouped(s string, separator byte) bool {
	groups := strings.Split(s, string(separator))
	for i, g := range groups {
		if !allDigits(g) || i > 0 && len(g) != 3 || i == 0 && (len(g) == 0 || len(g) > 3 || g[0] == '0') {
			return false
		}
	}
	return true
}

func allDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// spans are the words for lengths of time, as typed in lower case.
var spans = spanWords(map[time.Duration]string{
	time.Minute: "m min mins minute minutes м мин минута минуты минуту минут 分 分钟 分鐘",
	time.Hour:   "h hr hrs hour hours ч час часа часов 时 小时 小時 个小时 钟头",
	day:         "d day days д дн день дня дней сутки суток 天 日",
	7 * day:     "w wk week weeks н нед неделя недели неделю недель 周 星期 个星期 週",
})

const day = 24 * time.Hour

func spanWords(words map[time.Duration]string) map[string]time.Duration {
	all := make(map[string]time.Duration)
	for unit, text := range words {
		for word := range strings.FieldsSeq(text) {
			all[word] = unit
		}
	}
	return all
}

// MaxSpan is the longest time that ParseSpan reads, MinSpan the shortest.
const (
	MinSpan = time.Minute
	MaxSpan = 90 * day
)

// ParseSpan reads a length of time as people type it: "8h", "1h30m", "2 days",
// "8 часов", "30分钟". It is MinSpan to MaxSpan. The error is ErrSpan.
func ParseSpan(text string) (time.Duration, error) {
	if len(text) > maxTyped {
		return 0, ErrSpan
	}
	s := strings.ToLower(strings.TrimSpace(norm.NFKC.String(strings.ToValidUTF8(text, "?"))))
	total := time.Duration(0)
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		n, err := strconv.ParseInt(s[:digits], 10, 20)
		if err != nil {
			return 0, ErrSpan
		}
		s = strings.TrimLeft(s[digits:], " ")
		word := len(s)
		if i := strings.IndexAny(s, " 0123456789"); i >= 0 {
			word = i
		}
		unit, known := spans[strings.TrimRight(s[:word], ".")]
		if !known {
			return 0, ErrSpan
		}
		if n > int64(MaxSpan/unit) { // also keeps the product from overflowing
			return 0, ErrSpan
		}
		if total += time.Duration(n) * unit; total > MaxSpan {
			return 0, ErrSpan
		}
		s = strings.TrimLeft(s[word:], " ")
	}
	if total < MinSpan {
		return 0, ErrSpan
	}
	return total, nil
}
