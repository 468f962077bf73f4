package discord

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
)

// Limits of what stands under a message, in characters.
// https://discord.com/developers/docs/components/reference
const (
	maxRows   = 5
	maxInRow  = 5
	maxLabel  = 80
	maxPicks  = 25
	maxPick   = 100
	maxPrompt = 150
	maxID     = 100
)

// unknown is the press on what this bot has never shown: the handler has a polite
// word for it.
const unknown = "unknown"

// rows lays out buttons, and below them menus, one in a row. What does not fit is left
// out: where rows of buttons are the reason they are filled up first, and a menu counts
// more than the last buttons.
func rows(r chat.Reply) []discordgo.ActionsRow {
	menus := menus(r.Menus)
	room := maxRows - len(menus)
	out := buttonRows(r.Buttons)
	if len(out) > room {
		out = buttonRows([][]chat.Button{slices.Concat(r.Buttons...)})
	}
	return append(out[:min(len(out), room)], menus...)
}

// buttonRows splits rows that are too long.
func buttonRows(buttons [][]chat.Button) []discordgo.ActionsRow {
	out := []discordgo.ActionsRow{}
	n := 0
	for _, row := range buttons {
		var components []discordgo.MessageComponent
		for _, b := range row {
			if strings.TrimSpace(b.Label) == "" || b.Data == "" {
				continue
			}
			if len(components) == maxInRow {
				out = append(out, discordgo.ActionsRow{Components: components})
				components = nil
			}
			components = append(components, button(b, n))
			n++
		}
		if len(components) > 0 {
			out = append(out, discordgo.ActionsRow{Components: components})
		}
	}
	return out
}

func button(b chat.Button, n int) discordgo.Button {
	style := discordgo.SecondaryButton
	if b.Active {
		style = discordgo.PrimaryButton
	}
	return discordgo.Button{Label: cut(b.Label, maxLabel), Style: style, CustomID: customID(n, b.Data)}
}

// menus makes the lists to pick from.
func menus(all []chat.Menu) []discordgo.ActionsRow {
	var out []discordgo.ActionsRow
	seen := make(map[string]bool)
	for _, m := range all {
		options := picks(m)
		if len(options) == 0 || m.Data == "" || seen[m.Data] || len(out) == maxRows {
			continue
		}
		seen[m.Data] = true
		out = append(out, discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.SelectMenu{
			MenuType: discordgo.StringSelectMenu, CustomID: m.Data, Placeholder: cut(m.Label, maxPrompt), Options: options,
		}}})
	}
	return out
}

// picks are the choices of a menu that Discord takes: different values, of which one
// stands in it.
func picks(m chat.Menu) []discordgo.SelectMenuOption {
	var out []discordgo.SelectMenuOption
	seen := make(map[string]bool)
	active := false
	for _, c := range m.Choices {
		press := m.Data + "|" + c.Value
		if strings.TrimSpace(c.Label) == "" || c.Value == "" || !isPress(press) || seen[c.Value] || len(out) == maxPicks {
			continue
		}
		seen[c.Value] = true
		out = append(out, discordgo.SelectMenuOption{Label: cut(c.Label, maxPick), Value: c.Value, Default: c.Active && !active})
		active = active || c.Active
	}
	return out
}

// customID numbers a button's data: Discord wants ids that are unique in a
// message, while two buttons of a reply may well do the same.
func customID(n int, data string) string { return strconv.Itoa(n) + "|" + data }

// pressed tells what was pressed or picked. What comes is the client's word: an id of
// another form is handed on as it is, but nothing that a button's data cannot be.
func pressed(data discordgo.MessageComponentInteractionData) string {
	press := pressOf(data.CustomID)
	if data.ComponentType == discordgo.SelectMenuComponent {
		if len(data.Values) != 1 || data.Values[0] == "" {
			return unknown
		}
		press = data.CustomID + "|" + data.Values[0]
	}
	if !isPress(press) {
		return unknown
	}
	return press
}

// pressOf is the inverse of customID.
func pressOf(id string) string {
	number, data, found := strings.Cut(id, "|")
	if _, err := strconv.ParseUint(number, 10, 8); !found || err != nil || data == "" {
		return id
	}
	return data
}

// isPress reports whether s may be a button's data: see chat.MaxPress.
func isPress(s string) bool {
	outside := func(r rune) bool { return r < ' ' || r > '~' }
	return s != "" && len(s) <= chat.MaxPress && !strings.ContainsFunc(s, outside)
}
