package handlers

import (
	"cmp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"liqbot/chat"
	"liqbot/market"
)

// spoken are names by which people call coins, in lower case.
var spoken = map[string]market.Coin{
	"bitcoin": "BTC", "биткоин": "BTC", "биткойн": "BTC", "биток": "BTC", "比特币": "BTC", "大饼": "BTC", "xbt": "BTC",
	"ethereum": "ETH", "ether": "ETH", "эфир": "ETH", "эфириум": "ETH", "以太坊": "ETH", "二饼": "ETH",
	"solana": "SOL", "солана": "SOL", "索拉纳": "SOL",
	"ripple": "XRP", "рипл": "XRP", "瑞波币": "XRP",
	"dogecoin": "DOGE", "доги": "DOGE", "狗狗币": "DOGE",
	"binancecoin": "BNB", "cardano": "ADA", "кардано": "ADA", "艾达币": "ADA",
	"toncoin": "TON", "avalanche": "AVAX", "chainlink": "LINK", "polkadot": "DOT",
	"litecoin": "LTC", "лайткоин": "LTC", "莱特币": "LTC", "tron": "TRX", "波场": "TRX",
	"hyperliquid": "HYPE", "sui": "SUI", "aptos": "APT", "pepe": "PEPE",
}

// quotes are the endings of contract symbols, the longest first.
var quotes = []string{"USDTPERP", "USDCPERP", "USDPERP", "USDTUMCBL", "USDTSWAP", "USDCSWAP", "USDSWAP", "FDUSD", "USDT", "USDC", "BUSD", "PERP", "USD"}

// multiples are what venues put before a coin whose contract is a bundle.
var multiples = []string{"1000000", "10000", "1000", "1M"}

const (
	// typo is how many letters may differ in a suggestion.
	typo = 2
	// maxNear bounds the suggestions of a reply.
	maxNear = 4
	// maxCoinWord is the longest word read as a coin, in bytes.
	maxCoinWord = 40
)

// coin finds the listed coin that a word names: BTC, $btc, BTCUSDT, btc/usdt,
// bitcoin, 1000PEPE.
func (h *Handlers) coin(word string) (market.Coin, bool) {
	if len(word) > maxCoinWord {
		return "", false
	}
	listed := h.opts.Snapshots.Coins()
	if c, ok := spoken[strings.ToLower(strings.Trim(word, "$#"))]; ok && slices.Contains(listed, c) {
		return c, true
	}
	symbol := bare(word)
	for _, candidate := range candidates(symbol) {
		if slices.Contains(listed, market.Coin(candidate)) {
			return market.Coin(candidate), true
		}
	}
	return "", false
}

// bare strips what stands around and within a symbol.
func bare(word string) string {
	word = strings.ToUpper(strings.Trim(word, "$#.,;:!?\"'()[]<>"))
	word = strings.TrimSuffix(word, ".P")
	return strings.NewReplacer("/", "", "-", "", "_", "", ":", "", ".", "").Replace(word)
}

// candidates are the coins that a symbol may stand for, the likeliest first.
func candidates(symbol string) []string {
	out := []string{symbol}
	for _, quote := range quotes {
		if base, ok := strings.CutSuffix(symbol, quote); ok && base != "" {
			out = append(out, base)
			break
		}
	}
	for _, s := range out {
		for _, multiple := range multiples {
			if rest, ok := strings.CutPrefix(s, multiple); ok && rest != "" {
				out = append(out, rest)
			}
		}
		if rest, ok := strings.CutPrefix(s, "K"); ok && rest != "" {
			out = append(out, rest)
		}
	}
	return out
}

// lookalikes are Cyrillic and Greek capitals that look like Latin ones.
var lookalikes = strings.NewReplacer(
	"А", "A", "В", "B", "С", "C", "Е", "E", "Н", "H", "І", "I", "К", "K", "М", "M", "О", "O", "Р", "P", "Ѕ", "S", "Т", "T", "Х", "X", "У", "Y", "Ј", "J",
	"Α", "A", "Β", "B", "Ε", "E", "Ζ", "Z", "Η", "H", "Ι", "I", "Κ", "K", "Μ", "M", "Ν", "N", "Ο", "O", "Ρ", "P", "Τ", "T", "Υ", "Y", "Χ", "X",
	"0", "O",
)

// near finds the listed coins that a word most resembles.
func (h *Handlers) near(word string) []market.Coin {
	if len(word) > maxCoinWord {
		return nil
	}
	type guess struct {
		coin     market.Coin
		distance int
	}
	symbol := lookalikes.Replace(bare(word))
	var guesses []guess
	consider := func(name string, coin market.Coin, listed bool) {
		limit := min(typo, len(name)/2)
		if d := levenshtein.ComputeDistance(symbol, name); listed && (d <= limit || swapped(symbol, name)) {
			guesses = append(guesses, guess{coin, d})
		}
	}
	list := h.opts.Snapshots.Coins()
	for _, base := range candidates(symbol) {
		if slices.Contains(list, market.Coin(base)) {
			guesses = append(guesses, guess{market.Coin(base), 0})
		}
	}
	for _, coin := range list {
		consider(string(coin), coin, true)
	}
	for name, coin := range spoken {
		consider(strings.ToUpper(name), coin, slices.Contains(list, coin))
	}
	rank := func(c market.Coin) int { return slices.Index(list, c) }
	slices.SortFunc(guesses, func(a, b guess) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(rank(a.coin), rank(b.coin)))
	})
	var out []market.Coin
	for _, g := range guesses {
		if !slices.Contains(out, g.coin) && len(out) < maxNear {
			out = append(out, g.coin)
		}
	}
	return out
}

// swapped reports whether two names have the same letters in another order.
func swapped(a, b string) bool {
	x, y := []rune(a), []rune(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// unknownCoin answers a coin that is not listed, with the nearest ones as buttons.
// The word itself is not repeated: it may be anything.
func (c *call) unknownCoin(word string) chat.Reply {
	if len(c.opts.Snapshots.Coins()) == 0 {
		return c.trouble(nil, "")
	}
	nearest := c.near(word)
	if len(nearest) == 0 {
		reply := c.fail("error.unknown_coin")
		reply.Text = append(reply.Text, chat.Span{Text: " "})
		reply.Text = append(reply.Text, c.lang.Text("error.unknown_coin_hint")...)
		return reply
	}
	reply := c.fail("error.unknown_coin_near")
	var row []chat.Button
	for _, coin := range nearest {
		row = append(row, chat.Button{Label: string(coin), Data: press("liq", string(coin))})
	}
	reply.Buttons = [][]chat.Button{row}
	return reply
}

// Suggest completes a coin: those that begin with what was typed, then those that
// contain or resemble it. The order is the source's, so the usual coins come
// first.
func (h *Handlers) Suggest(typed string, limit int) []chat.Choice {
	words := split(typed)
	if len(typed) > maxText {
		return nil
	}
	symbol := ""
	if len(words) > 0 {
		symbol = bare(words[0])
	}
	var found []market.Coin
	add := func(c market.Coin) {
		if len(found) < limit && !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	if len(words) > 0 {
		if c, ok := h.coin(words[0]); ok {
			add(c)
		}
	}
	list := h.opts.Snapshots.Coins()
	for _, c := range list {
		if strings.HasPrefix(string(c), symbol) {
			add(c)
		}
	}
	for _, c := range list {
		if symbol != "" && calledLike(c, symbol) {
			add(c)
		}
	}
	if symbol != "" && len(found) == 0 {
		for _, c := range h.near(words[0]) {
			add(c)
		}
	}
	choices := make([]chat.Choice, 0, len(found))
	for _, c := range found {
		choices = append(choices, chat.Choice{Label: string(c), Value: string(c)})
	}
	return choices
}

// calledLike reports whether one of a coin's spoken names begins so.
func calledLike(coin market.Coin, start string) bool {
	for name, c := range spoken {
		if c == coin && strings.HasPrefix(strings.ToUpper(name), start) {
			return true
		}
	}
	return false
}
