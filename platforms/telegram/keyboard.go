package telegram

import (
	"slices"

	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

// Limits of a keyboard. Telegram takes more in a row, but cuts the labels.
const (
	maxKeys = 100
	// A row of a menu has three choices or, where one of its labels is longer than
	// shortLabel units, two. Longer than longLabel, and each has a row of its own.
	shortLabel, longLabel = 10, 20
)

// keyboard is written out here since the library's button carries an empty
// "copy_text" along (https://core.telegram.org/bots/api#inlinekeyboardmarkup).
type keyboard struct {
	Rows [][]key `json:"inline_keyboard"`
}

type key struct {
	Text string `json:"text"`
	Data string `json:"callback_data"`
}

// markupOf returns nil when there are no buttons.
func markupOf(rows [][]chat.Button) models.ReplyMarkup {
	var k keyboard
	left := maxKeys
	for _, row := range rows {
		var keys []key
		for _, b := range row {
			if b.Label == "" || b.Data == "" || len(b.Data) > chat.MaxPress || left == 0 {
				continue
			}
			label := b.Label
			if b.Active {
				label = "• " + label + " •"
			}
			keys = append(keys, key{label, b.Data})
			left--
		}
		if len(keys) > 0 {
			k.Rows = append(k.Rows, keys)
		}
	}
	if len(k.Rows) == 0 {
		return nil
	}
	return k
}

// buttonsOf are the buttons of a reply, and below them the choices of its menus:
// Telegram has no lists to pick from.
func buttonsOf(r chat.Reply) [][]chat.Button {
	out := r.Buttons
	for _, m := range r.Menus {
		out = slices.Concat(out, rowsOf(m))
	}
	return out
}

// rowsOf lays the choices of a menu out in rows that are about equally long.
func rowsOf(m chat.Menu) [][]chat.Button {
	var all []chat.Button
	longest := 0
	for _, c := range m.Choices {
		b := chat.Button{Label: c.Label, Data: m.Data + "|" + c.Value, Active: c.Active}
		if b.Label == "" || c.Value == "" || len(b.Data) > chat.MaxPress {
			continue
		}
		all = append(all, b)
		longest = max(longest, chat.Units(b.Label))
	}
	if len(all) == 0 {
		return nil
	}
	most := 3
	switch {
	case longest > longLabel:
		most = 1
	case longest > shortLabel:
		most = 2
	}
	rows := (len(all) + most - 1) / most
	return slices.Collect(slices.Chunk(all, (len(all)+rows-1)/rows))
}
