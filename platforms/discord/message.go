package discord

import (
	"regexp"
	"strings"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
	"liqbot/locales"
)

// Limits of a message, in UTF-16 units, which is never less than what Discord
// counts. https://discord.com/developers/docs/resources/message
const (
	maxContent     = 2000
	maxDescription = 4096
	maxAlt         = 1024
)

// accent is the colour of an embed's edge: neutral, since blue and orange stand
// for the sides on the picture.
const accent = 0x64748B

// message is the body of every call that carries a message. All fields but flags
// are always sent: an edit replaces what was there.
type message struct {
	Content         string                    `json:"content"`
	Embeds          []*discordgo.MessageEmbed `json:"embeds"`
	Components      []discordgo.ActionsRow    `json:"components"`
	Attachments     []attachment              `json:"attachments"`
	AllowedMentions mentions                  `json:"allowed_mentions"`
	Flags           discordgo.MessageFlags    `json:"flags,omitempty"`
	// Nonce, EnforceNonce and Reference are for posts only.
	Nonce        string     `json:"nonce,omitempty"`
	EnforceNonce bool       `json:"enforce_nonce,omitempty"`
	Reference    *reference `json:"message_reference,omitempty"`

	picture *attached
}

// dressed reports whether there is more to the message than text.
func (m message) dressed() bool { return m.picture != nil || len(m.Embeds) > 0 }

// reference names the message that a post answers.
// https://discord.com/developers/docs/resources/message#message-reference-structure
type reference struct {
	MessageID string `json:"message_id"`
	// FailIfNotExists is sent as false: Discord takes its absence for true.
	FailIfNotExists bool `json:"fail_if_not_exists"`
}

// attachment describes a file of the same request; edits drop files that are not
// listed.
type attachment struct {
	ID          int    `json:"id"`
	Filename    string `json:"filename"`
	Description string `json:"description,omitempty"`
}

// mentions allows no mention at all: Parse is an empty list, never null.
type mentions struct {
	Parse []string `json:"parse"`
}

// attached is a file to upload.
type attached struct {
	name string
	png  []byte
}

// powers is what the bot may do in the channel. A blind one sees no earlier messages,
// so that it cannot answer them.
type powers struct{ embed, attach, blind bool }

// powersOf reads the bot's permissions from the interaction itself. Zero means
// that Discord did not tell.
func powersOf(permissions int64) powers {
	if permissions == 0 || permissions&discordgo.PermissionAdministrator != 0 {
		return powers{embed: true, attach: true}
	}
	return powers{
		embed:  permissions&discordgo.PermissionEmbedLinks != 0,
		attach: permissions&discordgo.PermissionAttachFiles != 0,
	}
}

// compose makes the message of a reply: an embed around a picture, plain content
// for text alone, as long as it fits.
func compose(reply chat.Reply, can powers) message {
	m := message{
		Embeds:          []*discordgo.MessageEmbed{},
		Components:      rows(reply),
		Attachments:     []attachment{},
		AllowedMentions: mentions{Parse: []string{}},
	}
	if reply.Private {
		m.Flags = discordgo.MessageFlagsEphemeral
	}
	text := reply.Text
	var image *discordgo.MessageEmbedImage
	switch {
	case reply.Picture != nil && can.attach:
		name := fileName(reply.Picture.Name)
		m.picture = &attached{name: name, png: reply.Picture.PNG}
		m.Attachments = []attachment{{ID: 0, Filename: name, Description: cut(reply.Picture.Alt, maxAlt)}}
		image = &discordgo.MessageEmbedImage{URL: "attachment://" + name}
	case reply.Picture != nil:
		note := locales.For(reply.Language).Text("discord.attach_files")
		text = append(append(append(chat.Text{}, text...), chat.Span{Text: "\n\n"}), note...)
	}
	if can.embed && (image != nil || !fits(text, maxContent)) {
		m.Embeds = append(m.Embeds, &discordgo.MessageEmbed{
			Description: markdown(text, maxDescription), Color: accent, Image: image,
		})
		return m
	}
	m.Content = markdown(text, maxContent)
	return m
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// fileName keeps to the characters that attachment:// addresses may have.
func fileName(name string) string {
	stem := strings.Trim(notInName.ReplaceAllString(strings.TrimSuffix(name, ".png"), "-"), "-")
	if stem == "" {
		stem = "picture"
	}
	return stem + ".png"
}
