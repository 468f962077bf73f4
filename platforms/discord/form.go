package discord

import (
	"strings"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
)

// Limits of a form, in characters.
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-modal
const (
	maxFields   = 5
	maxTitle    = 45
	maxQuestion = 45
	maxExample  = 100
)

// formMark begins the id of a form, behind which its command stands. Whoever makes such
// an id up has typed the command: it opens no more than that.
const formMark = "f|"

// form is the body of a first answer that asks for values. It has text inputs in rows:
// the library cannot read the answer to a newer form.
type form struct {
	CustomID   string                 `json:"custom_id"`
	Title      string                 `json:"title"`
	Components []discordgo.ActionsRow `json:"components"`
}

// formOf makes a form, nil for one that Discord would not take.
func formOf(f *chat.Form) *form {
	id := formMark + f.Command
	if _, ok := commandOf(id); !ok || strings.TrimSpace(f.Title) == "" || len(f.Fields) == 0 || len(f.Fields) > maxFields {
		return nil
	}
	out := &form{CustomID: id, Title: cut(f.Title, maxTitle)}
	seen := make(map[string]bool)
	for _, field := range f.Fields {
		if field.Name == "" || seen[field.Name] || len(field.Name) > maxID || strings.TrimSpace(field.Label) == "" {
			return nil
		}
		seen[field.Name] = true
		out.Components = append(out.Components, discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.TextInput{
			CustomID: field.Name, Label: cut(field.Label, maxQuestion), Style: discordgo.TextInputShort,
			Placeholder: cut(field.Example, maxExample), Value: cut(field.Value, maxTyped),
			Required: !field.Optional, MaxLength: maxTyped,
		}}})
	}
	return out
}

// commandOf reads the command in the id of a form, which is the client's word.
func commandOf(id string) (string, bool) {
	command, marked := strings.CutPrefix(id, formMark)
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	return command, marked && strings.HasPrefix(command, "/") && chat.Units(id) <= maxID && !strings.ContainsFunc(command, control)
}

// submitted writes what was filled into a form as people type it: the command and the
// values in the order of the fields. Lines that were left empty are left out.
func submitted(data discordgo.ModalSubmitInteractionData) (string, bool) {
	command, ok := commandOf(data.CustomID)
	if !ok {
		return "", false
	}
	words := []string{command}
	for _, c := range data.Components[:min(len(data.Components), maxFields)] {
		row, ok := c.(*discordgo.ActionsRow)
		if !ok || len(row.Components) == 0 {
			continue
		}
		if input, ok := row.Components[0].(*discordgo.TextInput); ok {
			words = append(words, wordsOf(input.Value)...)
		}
	}
	return strings.Join(words, " "), true
}

// wordsOf splits what was typed, on whatever lines, and bounds it.
func wordsOf(typed string) []string { return strings.Fields(bounded(typed)) }
