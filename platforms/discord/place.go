package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
)

// postable are the kinds of channels in which a bot can post: no category, and
// no forum, where every post is a thread of its own.
// https://discord.com/developers/docs/resources/channel#channel-object-channel-types
var postable = []discordgo.ChannelType{
	discordgo.ChannelTypeGuildText, discordgo.ChannelTypeGuildVoice, discordgo.ChannelTypeGuildNews,
	discordgo.ChannelTypeGuildNewsThread, discordgo.ChannelTypeGuildPublicThread, discordgo.ChannelTypeGuildPrivateThread,
	discordgo.ChannelTypeGuildStageVoice,
}

// room is what is needed of a channel. An interaction brings the channels that it
// names; the library drops the rights in them.
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-resolved-data-structure
type room struct {
	ID      string                `json:"id"`
	GuildID string                `json:"guild_id"`
	Type    discordgo.ChannelType `json:"type"`
	// AppPermissions are the bot's rights there; empty when Discord does not tell.
	// "permissions" beside it are the member's.
	AppPermissions string `json:"app_permissions"`
}

// roomsOf reads the channels that an interaction names, by id.
func roomsOf(interaction []byte) map[string]room {
	var in struct {
		Data struct {
			Resolved struct {
				Channels map[string]room `json:"channels"`
			} `json:"resolved"`
		} `json:"data"`
	}
	if json.Unmarshal(interaction, &in) != nil {
		return nil // such as a modal, whose data has another form
	}
	return in.Data.Resolved.Channels
}

// roomID reads a channel's id from how it is named: "<#123>" or "123".
func roomID(name string) (string, bool) {
	id := strings.TrimSpace(name)
	if inner, ok := strings.CutPrefix(id, "<#"); ok {
		id, ok = strings.CutSuffix(inner, ">")
		if !ok {
			return "", false
		}
	}
	return id, isID(id)
}

// place finds the channels of the interaction's server; it is nil where there is
// no server.
func (a *answer) place() func(context.Context, string) (chat.Place, error) {
	if a.i.GuildID == "" {
		return nil
	}
	return func(ctx context.Context, name string) (chat.Place, error) {
		id, ok := roomID(name)
		if !ok {
			return chat.Place{}, fmt.Errorf("discord: not the name of a channel: %w", chat.ErrNoPlace)
		}
		found, told := roomsOf(a.raw)[id]
		switch {
		case told:
		case !manages(a.i):
			return chat.Place{CanPost: true}, nil // whatever it is, it is not this member's to set up
		case !a.press:
			// Whoever types numbers must not make the bot call Discord in vain: too many
			// refused calls end in a ban.
			return chat.Place{}, fmt.Errorf("discord: the channel was not picked: %w", chat.ErrNoPlace)
		default:
			var err error
			if found, err = a.look(ctx, id); err != nil {
				return chat.Place{}, fmt.Errorf("discord: %w", err)
			}
		}
		// A channel that was picked is one of this server, and need not say so.
		if found.GuildID != a.i.GuildID && (!told || found.GuildID != "") {
			return chat.Place{}, fmt.Errorf("discord: the channel is in another server: %w", chat.ErrNoPlace)
		}
		return chat.Place{
			Target: chat.Target{Platform: chat.Discord, Chat: id},
			Home:   home(a.i.GuildID),
			Kind:   found.kind(),
			Admin:  manages(a.i), CanPost: found.canPost() && installed(a.i),
		}, nil
	}
}

// installed reports whether the bot is a member of the interaction's server, as
// far as Discord tells: a member can bring it along without that.
func installed(i *discordgo.Interaction) bool {
	_, there := i.AuthorizingIntegrationOwners[discordgo.ApplicationIntegrationGuildInstall]
	return there || len(i.AuthorizingIntegrationOwners) == 0
}

// look asks Discord for a channel.
// https://discord.com/developers/docs/resources/channel#get-channel
func (d *desk) look(ctx context.Context, id string) (room, error) {
	const op = "look a channel up"
	if d.invalid.wait(time.Now()) > 0 {
		return room{}, fmt.Errorf("%s: %s", op, reasonInvalid)
	}
	var found room
	err := d.mail.once(ctx, parcel{
		op: op, method: http.MethodGet, address: discordgo.EndpointChannel(id), token: d.token, into: &found,
	})
	switch codeOf(err) {
	case codeUnknownChannel, codeMissingAccess, codeInvalidForm:
		return room{}, fmt.Errorf("%w: %w", err, chat.ErrNoPlace)
	}
	return found, err
}

// kind tells an announcement channel from others.
func (r room) kind() chat.Kind {
	if r.Type == discordgo.ChannelTypeGuildNews {
		return chat.Channel
	}
	return chat.Group
}

// canPost reports whether the bot may post there, as far as Discord tells.
func (r room) canPost() bool {
	possible := slices.Contains(postable, r.Type)
	rights, err := strconv.ParseInt(r.AppPermissions, 10, 64)
	if !possible || err != nil {
		return possible
	}
	needed := int64(discordgo.PermissionViewChannel | discordgo.PermissionSendMessages)
	switch r.Type {
	case discordgo.ChannelTypeGuildNewsThread, discordgo.ChannelTypeGuildPublicThread, discordgo.ChannelTypeGuildPrivateThread:
		needed = discordgo.PermissionViewChannel | discordgo.PermissionSendMessagesInThreads
	default:
	}
	return rights&discordgo.PermissionAdministrator != 0 || rights&needed == needed
}

// home is the chat whose choices count for all channels of a server.
func home(guild string) chat.Target {
	return chat.Target{Platform: chat.Discord, Chat: "server:" + guild}
}

// left tells the bot that a channel or thread is no more. It is called in a
// goroutine of the library; ctx is the life of all answers under way.
func (d *desk) left(ctx context.Context, channel *discordgo.Channel) {
	if d.bot.Left == nil || channel == nil || channel.ID == "" || !d.enter() {
		return
	}
	defer d.busy.Done()
	defer d.recovered()
	ctx, cancel := context.WithTimeout(ctx, d.timing.Handle)
	defer cancel()
	gone := meanings[codeUnknownChannel]
	if err := d.bot.Left(ctx, chat.Target{Platform: chat.Discord, Chat: channel.ID}, gone.Reason); err != nil {
		d.log.Warn("discord channel that is gone could not be noted", slog.Any("err", err))
	}
}
