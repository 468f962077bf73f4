package feeds

import (
	"strconv"
	"strings"

	"liqbot/market"
)

// SplitMultiplier takes the multiplier off a venue's name of a base asset: PEPE and
// 1000 for "1000PEPE", BTC and 1 for "BTC". Known forms are 10…0 (1000 to 10000000)
// before the name, 1000 behind it, and 1M before it. Coins whose own name begins with
// digits (1INCH, 4, 42, 0G, 2Z) keep it. It fails for what cannot be a coin's name here,
// such as one in other letters.
//
// The forms are those in the venues' lists of contracts, such as
// https://fapi.binance.com/fapi/v1/exchangeInfo.
func SplitMultiplier(base string) (coin market.Coin, coins float64, err error) {
	name, coins := strings.ToUpper(base), 1.0
	switch zeros := leadingPower(name); {
	case zeros >= 3:
		coins, _ = strconv.ParseFloat(name[:zeros+1], 64)
		name = name[zeros+1:]
	case len(name) > 4 && strings.HasPrefix(name, "1M") && name != "1MUSDT":
		name, coins = name[2:], 1e6
	case len(name) > 4 && strings.HasSuffix(name, "1000"):
		name, coins = name[:len(name)-4], 1000
	}
	coin, err = market.ParseCoin(name)
	return coin, coins, err
}

// leadingPower is how many zeros a leading 10…0 has that is followed by a letter; 0 if
// there is none or if it is not from 1000 to 10000000.
func leadingPower(name string) int {
	if !strings.HasPrefix(name, "1") {
		return 0
	}
	zeros := 0
	for zeros+1 < len(name) && name[zeros+1] == '0' {
		zeros++
	}
	if zeros < 3 || zeros > 7 || zeros+1 >= len(name) || name[zeros+1] < 'A' || name[zeros+1] > 'Z' {
		return 0
	}
	return zeros
}
