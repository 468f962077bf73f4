package discord

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"slices"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
	"liqbot/locales"
)

// maxCommandText is the limit of a command's, option's or choice's description,
// maxOptions that of a command's options.
const maxCommandText, maxOptions = 100, 25

// syncCommands brings the slash commands that Discord knows in line with the
// bot's, once the application's id is known. It tries until it worked: commands
// that are a version behind still answer.
func (r *run) syncCommands(ctx context.Context) {
	var application string
	select {
	case application = <-r.application:
	case <-ctx.Done():
		return
	}
	wait := backoff{low: r.timing.BackoffMin, high: r.timing.BackoffMax}
	said := ""
	for ctx.Err() == nil {
		err := r.writeCommands(ctx, application)
		if err == nil || ctx.Err() != nil {
			return
		}
		if said != err.Error() { // the same trouble is worth one line
			said = err.Error()
			r.log.Warn("discord commands could not be written", slog.Any("err", err))
		}
		if failed, ok := errors.AsType[*apiError](err); ok && failed.status == http.StatusBadRequest {
			return // the definitions are at fault
		}
		sleep(ctx, max(wait.next(), retryAfter(err)))
	}
}

// writeCommands writes the commands if they differ from the registered ones:
// creating commands is limited to 200 a day.
// https://discord.com/developers/docs/interactions/application-commands#bulk-overwrite-global-application-commands
func (r *run) writeCommands(ctx context.Context, application string) error {
	present, err := r.rest.ApplicationCommands(application, "", discordgo.WithContext(ctx))
	if err != nil {
		return restError("read the commands", err)
	}
	wanted := definitions(r.bot.Commands)
	if reflect.DeepEqual(essence(present), essence(wanted)) {
		return nil
	}
	if _, err := r.rest.ApplicationCommandBulkOverwrite(application, "", wanted, discordgo.WithContext(ctx)); err != nil {
		return restError("write the commands", err)
	}
	r.count(EventCommands)
	r.log.Info("discord commands written", slog.Int("commands", len(wanted)))
	return nil
}

// definitions makes Discord's form of the commands. Those for the owner are only
// offered in the bot's private chat: on Discord nobody can type what is not
// registered, and in servers they would be noise.
func definitions(commands []chat.Command) []*discordgo.ApplicationCommand {
	out := []*discordgo.ApplicationCommand{}
	for _, c := range commands {
		contexts := []discordgo.InteractionContextType{
			discordgo.InteractionContextGuild, discordgo.InteractionContextBotDM, discordgo.InteractionContextPrivateChannel,
		}
		if c.Owner {
			contexts = []discordgo.InteractionContextType{discordgo.InteractionContextBotDM}
		}
		types := []discordgo.ApplicationIntegrationType{
			discordgo.ApplicationIntegrationGuildInstall, discordgo.ApplicationIntegrationUserInstall,
		}
		text, localised := described(c.Description, c.Name)
		out = append(out, &discordgo.ApplicationCommand{
			Type: discordgo.ChatApplicationCommand, Name: c.Name, Description: text, DescriptionLocalizations: &localised,
			Contexts: &contexts, IntegrationTypes: &types, Options: optionsOf(c.Options),
		})
	}
	return out
}

func optionsOf(options []chat.Option) []*discordgo.ApplicationCommandOption {
	out := []*discordgo.ApplicationCommandOption{}
	for _, o := range options[:min(len(options), maxOptions)] {
		text, localised := described(o.Description, o.Name)
		option := &discordgo.ApplicationCommandOption{
			Type: discordgo.ApplicationCommandOptionString, Name: o.Name, Description: text, DescriptionLocalizations: localised,
			Autocomplete: o.Kind == chat.CoinOption,
		}
		switch o.Kind {
		case chat.PlaceOption:
			option.Type, option.ChannelTypes = discordgo.ApplicationCommandOptionChannel, postable
		case chat.ChoiceOption:
			for _, c := range o.Choices[:min(len(o.Choices), maxChoices)] {
				_, localised := named(c.Labels, c.Label, maxChoice)
				option.Choices = append(option.Choices, &discordgo.ApplicationCommandOptionChoice{
					Name: cut(c.Label, maxChoice), NameLocalizations: localised, Value: c.Value,
				})
			}
		default:
		}
		out = append(out, option)
	}
	return out
}

// described gives the text in the default language, and in every language under
// the tags that Discord knows it by. The default language is among them: without
// it a client may take that of a neighbour.
func described(texts map[string]string, name string) (string, map[discordgo.Locale]string) {
	return named(texts, name, maxCommandText)
}

// named is described for texts of another length.
func named(texts map[string]string, name string, most int) (string, map[discordgo.Locale]string) {
	localised := make(map[discordgo.Locale]string)
	for tag, text := range texts {
		for _, own := range discordLocales(tag) {
			localised[own] = cut(text, most)
		}
	}
	return cut(cmp.Or(texts[locales.Default], name), most), localised
}

// discordLocales lists the names that Discord has for a language; none when it
// does not know it. https://discord.com/developers/docs/reference#locales
func discordLocales(tag string) []discordgo.Locale {
	switch tag {
	case "en":
		return []discordgo.Locale{discordgo.EnglishUS, discordgo.EnglishGB}
	case "zh-Hans":
		return []discordgo.Locale{discordgo.ChineseCN}
	case "zh-Hant":
		return []discordgo.Locale{discordgo.ChineseTW}
	case "es":
		return []discordgo.Locale{discordgo.SpanishES, discordgo.SpanishLATAM}
	case "sv":
		return []discordgo.Locale{discordgo.Swedish}
	}
	if _, known := discordgo.Locales[discordgo.Locale(tag)]; known {
		return []discordgo.Locale{discordgo.Locale(tag)}
	}
	return nil
}

// definition is what of a command counts when two are compared: Discord adds ids
// and defaults of its own.
type definition struct {
	name, text string
	localised  map[discordgo.Locale]string
	contexts   []discordgo.InteractionContextType
	types      []discordgo.ApplicationIntegrationType
	options    []optionDefinition
}

type optionDefinition struct {
	name, text string
	localised  map[discordgo.Locale]string
	kind       discordgo.ApplicationCommandOptionType
	channels   []discordgo.ChannelType
	required   bool
	completed  bool
	choices    []choiceDefinition
}

type choiceDefinition struct {
	name, value string
	localised   map[discordgo.Locale]string
}

// essence reduces commands to what is compared, ordered by name.
func essence(commands []*discordgo.ApplicationCommand) []definition {
	out := []definition{}
	for _, c := range commands {
		d := definition{
			name: c.Name, text: c.Description, localised: orNil(value(c.DescriptionLocalizations)),
			contexts: slices.Sorted(slices.Values(value(c.Contexts))),
			types:    slices.Sorted(slices.Values(value(c.IntegrationTypes))),
		}
		for _, o := range c.Options {
			option := optionDefinition{
				name: o.Name, text: o.Description, localised: orNil(o.DescriptionLocalizations),
				kind: o.Type, channels: slices.Sorted(slices.Values(o.ChannelTypes)), required: o.Required, completed: o.Autocomplete,
			}
			for _, c := range o.Choices {
				text, _ := c.Value.(string)
				option.choices = append(option.choices, choiceDefinition{name: c.Name, value: text, localised: orNil(c.NameLocalizations)})
			}
			d.options = append(d.options, option)
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b definition) int { return cmp.Compare(a.name, b.name) })
	return out
}

// value is what p points to, zero for nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// orNil makes an empty map nil, as Discord sends it.
func orNil(m map[discordgo.Locale]string) map[discordgo.Locale]string {
	if len(m) == 0 {
		return nil
	}
	return m
}
