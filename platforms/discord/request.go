package discord

import (
	"context"
	"strings"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
)

// maxTyped bounds what is taken from an option or a line of a form, in UTF-16 units:
// Discord lets people type 6,000 characters.
const maxTyped = 256

func bounded(typed string) string { return typed[:chat.Prefix(typed, maxTyped)] }

// request turns an interaction into what the handler knows. Whatever is no command,
// button, menu or form becomes a press on an unknown button, so that the
// handler has a polite word for it.
func (d *desk) request(i *discordgo.Interaction) chat.Request {
	req := chat.Request{
		ID:           "discord:" + i.ID,
		Target:       chat.Target{Platform: chat.Discord, Chat: i.ChannelID},
		Member:       chat.Member{Platform: chat.Discord, ID: memberID(i)},
		MemberName:   memberName(i),
		Addressed:    true,
		LanguageHint: string(i.Locale),
		Shape:        chat.Wide,
	}
	if i.GuildID != "" {
		req.Home = home(i.GuildID)
		req.CannotPost = !installed(i) || !maySend(i.AppPermissions)
	}
	if i.GuildLocale != nil {
		req.ChatLanguageHint = string(*i.GuildLocale)
	}
	req.Kind = kindOf(i)
	if req.Kind == chat.Group {
		admin := manages(i)
		req.IsAdmin = func(context.Context) (bool, error) { return admin, nil }
	}
	switch data := i.Data.(type) {
	case discordgo.ApplicationCommandInteractionData:
		req.Text = d.typed(data)
	case discordgo.MessageComponentInteractionData:
		req.Press = pressed(data)
	case discordgo.ModalSubmitInteractionData:
		var ok bool
		if req.Text, ok = submitted(data); !ok && isPress(data.CustomID) {
			req.Press = pressOf(data.CustomID)
		}
	}
	if req.Text == "" && req.Press == "" {
		req.Press = unknown
	}
	return req
}

// maySend reports whether the bot's rights in a channel or thread let it send messages
// there. Zero means that Discord did not tell.
func maySend(rights int64) bool {
	const sending = discordgo.PermissionSendMessages | discordgo.PermissionSendMessagesInThreads
	return rights == 0 || rights&(discordgo.PermissionAdministrator|sending) != 0
}

// kindOf tells a server from a private chat. A group DM and a DM between two
// other people, where the bot was carried in by user install, are groups without
// administrators.
func kindOf(i *discordgo.Interaction) chat.Kind {
	if i.GuildID != "" || i.Context == discordgo.InteractionContextPrivateChannel {
		return chat.Group
	}
	return chat.Private
}

// manages reads the member's rights from this very interaction, so they are as
// fresh as can be. Nobody manages a chat outside servers.
func manages(i *discordgo.Interaction) bool {
	const rights = discordgo.PermissionAdministrator | discordgo.PermissionManageGuild
	return i.GuildID != "" && i.Member != nil && i.Member.Permissions&rights != 0
}

// memberID is the sender's id: servers send a member, private chats a user.
func memberID(i *discordgo.Interaction) string {
	switch {
	case i.Member != nil && i.Member.User != nil:
		return i.Member.User.ID
	case i.User != nil:
		return i.User.ID
	default:
		return ""
	}
}

// memberName is how the server calls the sender, or else all of Discord.
func memberName(i *discordgo.Interaction) string {
	switch {
	case i.Member != nil && i.Member.Nick != "":
		return i.Member.Nick
	case i.Member != nil && i.Member.User != nil:
		return i.Member.User.DisplayName()
	case i.User != nil:
		return i.User.DisplayName()
	default:
		return ""
	}
}

// typed writes a slash command as people type it: "/liq btc 7d", a channel as
// Discord writes it: "<#123>".
func (d *desk) typed(data discordgo.ApplicationCommandInteractionData) string {
	words := []string{"/" + data.Name}
	for _, name := range d.optionOrder(data) {
		option := data.GetOption(name)
		if option == nil {
			continue
		}
		value, ok := option.Value.(string)
		switch {
		case !ok:
		case option.Type == discordgo.ApplicationCommandOptionChannel:
			words = append(words, "<#"+value+">")
		default:
			words = append(words, wordsOf(value)...)
		}
	}
	return strings.Join(words, " ")
}

// optionOrder lists the options of a command in the order in which they are
// typed; clients send them in any order.
func (d *desk) optionOrder(data discordgo.ApplicationCommandInteractionData) []string {
	var names []string
	for _, c := range d.bot.Commands {
		if c.Name != data.Name {
			continue
		}
		for _, o := range c.Options {
			names = append(names, o.Name)
		}
		return names
	}
	for _, o := range data.Options {
		names = append(names, o.Name)
	}
	return names
}

// maxChoices and maxChoice are the limits of an autocomplete answer and of the
// name and the value of a choice.
const maxChoices, maxChoice = 25, 100

// suggestions completes the option that the member is typing.
func (d *desk) suggestions(i *discordgo.Interaction) []choice {
	out := []choice{}
	data, ok := i.Data.(discordgo.ApplicationCommandInteractionData)
	if !ok || d.bot.Suggest == nil {
		return out
	}
	for _, o := range data.Options {
		typed, isText := o.Value.(string)
		if !o.Focused || !isText || !d.takesCoin(data.Name, o.Name) {
			continue
		}
		for _, c := range d.bot.Suggest(bounded(typed), maxChoices) {
			if c.Label == "" || c.Value == "" || chat.Units(c.Value) > maxChoice || len(out) == maxChoices {
				continue
			}
			out = append(out, choice{Name: cut(c.Label, maxChoice), Value: c.Value})
		}
	}
	return out
}

func (d *desk) takesCoin(command, option string) bool {
	for _, c := range d.bot.Commands {
		for _, o := range c.Options {
			if c.Name == command && o.Name == option {
				return o.Kind == chat.CoinOption
			}
		}
	}
	return false
}
