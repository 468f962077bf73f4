package handlers_test

// wordings are how each claim reads. A claim is told by its wording alone.
var wordings = map[string]map[string]string{
	"en": {
		"clear short": `shorts outweigh longs`, "clear long": `longs outweigh shorts`, "slight short": `nearly balanced, shorts ahead`, "slight long": `nearly balanced, longs ahead`,
		"level": `evenly balanced`, "lopsided short": `nearly all of it is shorts`, "lopsided long": `nearly all of it is longs`, "alone short": `only shorts within`, "alone long": `only longs within`, "nothing": `no levels within`,
		"price up": `(?m)price: .*, up .* in 24 h$`, "price down": `(?m)price: .*, down .* in 24 h$`, "price flat": `(?m)price: .*, unchanged in 24 h$`,
		"at high": `7-day high or above`, "near high": `Near the top of`, "upper": `In the upper part`, "middle": `In the middle`, "lower": `In the lower part`, "near low": `Near the bottom of`, "at low": `7-day low or below`,
		"reversed": `There the other side is ahead`, "no direction": `where the price goes it does not say`, "more to lose": `has more to lose`, "longs realise": `longs lost more of it`,
		"range": `7-day range: `, "mostly long": `mostly longs`, "mostly short": `mostly shorts`, "liquidated": `(?m)^Liquidated in .*at least`, "none liquidated": `nothing was reported`,
		"inflow": `net inflow`, "outflow": `net outflow`, "no flow": `no net flow`,
		"funding": `Funding on`, "longs pay": `longs pay shorts`, "shorts pay": `shorts pay longs`, "nobody pays": `neither side pays`, "above usual": `above its usual`, "below usual": `below its usual`, "about usual": `about its usual`,
		"interest": `Open interest: `, "interest up": `Open interest: .*, up`, "interest down": `Open interest: .*, down`, "interest flat": `Open interest: .*, unchanged`,
		"break up": `Breakout up`, "break down": `Breakout down`, "signs": `Signs of forced orders`, "warming": `Warming up`, "stale": `Stale data`,
	},
	"ru": {
		"clear short": `перевес шортов`, "clear long": `перевес лонгов`, "slight short": `почти поровну, шортов чуть больше`, "slight long": `почти поровну, лонгов чуть больше`,
		"level": `[:–] поровну`, "lopsided short": `почти всё – шорты`, "lopsided long": `почти всё – лонги`, "alone short": `в пределах \S+ только шорты`, "alone long": `в пределах \S+ только лонги`, "nothing": `в пределах \S+ уровней нет`,
		"price up": `цена: .*, рост за 24`, "price down": `цена: .*, падение за 24`, "price flat": `цена: .*, за 24 ч без изменений`,
		"at high": `На максимуме 7 дней или выше`, "near high": `У верхней границы`, "upper": `В верхней части`, "middle": `В середине`, "lower": `В нижней части`, "near low": `У нижней границы`, "at low": `На минимуме 7 дней или ниже`,
		"reversed": `Там впереди другая сторона`, "no direction": `куда пойдёт цена, он не говорит`, "more to lose": `больше теряет полная сторона`, "longs realise": `лонги теряли больше`,
		"range": `Диапазон 7 дней: `, "mostly long": `в основном лонги`, "mostly short": `в основном шорты`, "liquidated": `Ликвидировано .*не менее`, "none liquidated": `биржи не сообщали`,
		"inflow": `чистый приток`, "outflow": `чистый отток`, "no flow": `чистого потока нет`,
		"funding": `Фандинг на`, "longs pay": `лонги платят`, "shorts pay": `шорты платят`, "nobody pays": `никто не платит`, "above usual": `выше обычного`, "below usual": `ниже обычного`, "about usual": `около обычного`,
		"interest": `Открытый интерес: `, "interest up": `Открытый интерес: .*, рост`, "interest down": `Открытый интерес: .*, падение`, "interest flat": `Открытый интерес: .*, за 24 ч без`,
		"break up": `Пробой вверх`, "break down": `Пробой вниз`, "signs": `Признаки принудительных`, "warming": `Прогрев`, "stale": `Данные устарели`,
	},
	"zh-Hans": {
		"clear short": `空单是多单的`, "clear long": `多单是空单的`, "slight short": `大致均衡，空单略多`, "slight long": `大致均衡，多单略多`,
		"level": `多空持平`, "lopsided short": `几乎全是空单`, "lopsided long": `几乎全是多单`, "alone short": `以内只有空单`, "alone long": `以内只有多单`, "nothing": `以内没有价位`,
		"price up": `价(格)?：.*，24 小时上涨`, "price down": `价(格)?：.*，24 小时下跌`, "price flat": `(标记价格|最新成交价)：.*，24 小时持平`,
		"at high": `处于 7 日最高或更高`, "near high": `接近 7 日区间顶部`, "upper": `区间上部`, "middle": `区间中部`, "lower": `区间下部`, "near low": `接近 7 日区间底部`, "at low": `处于 7 日最低或更低`,
		"reversed": `等距时另一侧更多`, "no direction": `并不说明价格走向`, "more to lose": `可能损失更多`, "longs realise": `多单实际清算多于空单`,
		"range": `7 日区间：`, "mostly long": `多为多单`, "mostly short": `多为空单`, "liquidated": `爆仓（下限）`, "none liquidated": `交易所没有公布`,
		"inflow": `净流入`, "outflow": `净流出`, "no flow": `没有净流量`,
		"funding": `资金费率：`, "longs pay": `多头付给空头`, "shorts pay": `空头付给多头`, "nobody pays": `双方都不付`, "above usual": `高于平时`, "below usual": `低于平时`, "about usual": `与平时的 .* 相近`,
		"interest": `持仓量：`, "interest up": `持仓量：.*增加`, "interest down": `持仓量：.*减少`, "interest flat": `持仓量：.*持平`,
		"break up": `向上突破`, "break down": `向下突破`, "signs": `若有强平推动`, "warming": `预热中`, "stale": `数据已过时`,
	},
}

// promises are words that no report may use of the future.
var promises = map[string][]string{
	"en":      {"will be liquidated", "will rise", "will fall", "will break", "will go", "will reach", "guarantee", "certain", "is going to", "must rise", "must fall", "magnet", "target"},
	"ru":      {"будут ликвидированы", "вырастет", "упадёт", "гарант", "обязательно", "неизбежно", "притягива", "цель"},
	"zh-Hans": {"将被清算", "必然", "必将", "一定", "保证", "目标价", "将上涨", "将下跌"},
}
