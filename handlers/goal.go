package handlers

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"liqbot/locales"
)

// goal is where a scenario ends: a move from the price, or a price.
type goal struct {
	// move is a signed fraction; it counts when usd is 0.
	move float64
	// usd is a price, sign the direction that was typed before it: -1, 1 or 0.
	usd  float64
	sign float64
}

var (
	errGoal = errors.New("neither a move nor a price")
	// errGoalSide: a price that lies on the other side than the sign says.
	errGoalSide = errors.New("price on the other side")
)

// largestMove is the percentage from which on a number with a sign is a price.
const largestMove = 100

// goalWords are directions as people write them, 0 for words that say nothing.
var goalWords = []struct {
	word string
	sign float64
}{
	{"down", -1},
	{"drop", -1},
	{"fall", -1},
	{"dump", -1},
	{"вниз", -1},
	{"падение", -1},
	{"下跌", -1},
	{"跌", -1},
	{"up", 1},
	{"rise", 1},
	{"pump", 1},
	{"вверх", 1},
	{"рост", 1},
	{"上涨", 1},
	{"涨", 1},
	{"to", 0},
	{"by", 0},
	{"до", 0},
	{"на", 0},
	{"至", 0},
	{"到", 0},
}

// isDirection reports whether a word is one of goalWords.
func isDirection(word string) bool {
	_, rest, ok := cutDirections(word + " 0")
	return ok && rest == "0"
}

// minus are the signs that people type for one.
var minus = strings.NewReplacer("−", "-", "–", "-", "—", "-")

// parseGoal reads how far a scenario goes, as people type it: "-5%", "5%", "+5", "-5",
// "85000", "$85k", "down 5%", "跌5%". A percentage without a sign is a rise; a number
// without sign and percent is a price. The error is errGoal.
func parseGoal(text string) (goal, error) {
	text = minus.Replace(strings.TrimSpace(text))
	sign, text, ok := cutDirections(text)
	if !ok {
		return goal{}, errGoal
	}
	switch {
	case strings.HasPrefix(text, "-") && sign <= 0:
		sign, text = -1, strings.TrimSpace(text[1:])
	case strings.HasPrefix(text, "+") && sign >= 0:
		sign, text = 1, strings.TrimSpace(text[1:])
	case strings.HasPrefix(text, "-"): // up by -5: neither
		return goal{}, errGoal
	}
	number, percent := strings.CutSuffix(text, "%")
	if strings.ContainsAny(number, "+-%") {
		return goal{}, errGoal
	}
	v, err := locales.ParseAmount(number)
	if err != nil {
		return goal{}, errGoal
	}
	switch {
	case percent && v >= largestMove && sign < 0, percent && v > largestMove*largestMove:
		return goal{}, errGoal
	case percent || sign != 0 && v < largestMove && plainNumber(number):
		if sign == 0 {
			sign = 1
		}
		return goal{move: sign * v / 100}, nil
	default:
		return goal{usd: v, sign: sign}, nil
	}
}

// cutDirections takes directions off the beginning of a text. Two that contradict each
// other are not ok.
func cutDirections(text string) (sign float64, rest string, ok bool) {
	for again := true; again; {
		again = false
		for _, w := range goalWords {
			rest, cut := cutWord(text, w.word)
			if !cut {
				continue
			}
			if sign*w.sign < 0 {
				return 0, text, false
			}
			if w.sign != 0 {
				sign = w.sign
			}
			text, again = rest, true
		}
	}
	return sign, text, true
}

// cutWord takes a word off the beginning of a text. One of letters has to end there;
// Chinese is written without spaces.
func cutWord(text, word string) (rest string, ok bool) {
	if len(text) < len(word) || !strings.EqualFold(text[:len(word)], word) {
		return text, false
	}
	rest = text[len(word):]
	next, _ := utf8.DecodeRuneInString(rest)
	if rest == "" || unicode.IsLetter(next) && !unicode.Is(unicode.Han, next) {
		return text, false
	}
	return strings.TrimSpace(rest), true
}

// plainNumber reports whether a number has no unit or currency, which only prices have.
func plainNumber(text string) bool { return strings.Trim(text, "0123456789., ") == "" }

// price is where a goal lies, seen from a mark. The error is errGoal for what can be no
// price, errGoalSide for one on the other side.
func (g goal) price(markUSD float64) (float64, error) {
	usd := g.usd
	if usd == 0 {
		usd = markUSD * (1 + g.move)
	}
	switch {
	case !(usd > 0) || math.IsInf(usd, 0):
		return 0, errGoal
	case g.usd > 0 && (usd-markUSD)*g.sign < 0:
		return usd, errGoalSide
	default:
		return usd, nil
	}
}

// typedPrice writes a price as parseGoal reads it: "85600".
func typedPrice(usd float64) string { return strconv.FormatFloat(usd, 'f', -1, 64) }

// typedMove writes a move as parseGoal reads it: "-5%".
func typedMove(move float64) string {
	s := strconv.FormatFloat(math.Round(move*1e8)/1e6, 'f', -1, 64) + "%"
	if move > 0 {
		s = "+" + s
	}
	return s
}
