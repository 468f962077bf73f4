package discord

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
)

// sender posts messages that nobody has asked for at that moment, such as alerts,
// by the bot token.
//
// The library's own call is not used for it: it holds a lock on the channel
// during the whole call, sleeps until a used-up limit is renewed and until a 429
// is over without looking at the context, and tells neither the headers of the
// answer nor whether the request went out. Its connections are not those of the
// answers to interactions, which have to be fast: an upload must not be in their
// way.
type sender struct {
	token  string
	client *http.Client
	pace   *pace
	log    *slog.Logger
	count  func(string)
}

// Send posts a message in the channel, thread or private channel whose id is
// p.To.Chat, and tells what became of it. It waits for Discord's limits, but not
// long: a post whose channel has to wait more than a second comes back as
// chat.Later. A channel that takes no picture gets the text. Send does not
// repeat a post whose outcome is unclear; posting it again within two minutes
// makes no second message. An answer to what is gone, or what the bot may not read,
// stands alone. It works whether Run runs or not and is safe for
// concurrent use.
// https://discord.com/developers/docs/resources/message#create-message
func (a *Adapter) Send(ctx context.Context, p chat.Post) chat.Outcome {
	return a.sender.send(ctx, p)
}

// Shape is the format of pictures that suits Discord, wherever they go.
func (a *Adapter) Shape(chat.Target) chat.Shape { return chat.Wide }

func (s *sender) send(ctx context.Context, p chat.Post) chat.Outcome {
	switch {
	case !isID(p.To.Chat):
		return chat.Outcome{Fate: chat.Refused, Reason: reasonNoChannel}
	case p.Reply.Silent():
		return chat.Outcome{Fate: chat.Refused, Reason: reasonEmpty}
	}
	can, lacks := s.pace.powers(p.To.Chat), false
	for {
		m := posted(p, can)
		out, code := s.attempt(ctx, p, m)
		switch {
		case code == codeMissingPermissions && m.dressed():
			can, lacks = powers{blind: can.blind}, true
		case code == codeTooLarge && m.picture != nil:
			p.Reply.Picture = nil
		case code == codeMayNotReadHistory && m.Reference != nil:
			can.blind, lacks = true, true
			continue
		default:
			if lacks && out.Fate == chat.Posted {
				s.pace.remember(p.To.Chat, can)
			}
			return out
		}
		s.count(EventDowngraded)
	}
}

// attempt makes one call, once the limits let it, and tells the outcome and
// Discord's code for it.
func (s *sender) attempt(ctx context.Context, p chat.Post, m message) (chat.Outcome, int) {
	channel := p.To.Chat
	pass, out := s.pace.admit(ctx, channel)
	if pass == nil {
		return out, 0
	}
	var use usage
	defer func() { s.pace.settle(pass, use) }()
	if p.Wanted != nil && !p.Wanted() {
		return chat.Outcome{Fate: chat.Dropped, Reason: reasonNotWanted}, 0
	}
	var made created
	header, written, failed := s.call(ctx, channel, m, &made)
	use.sent, use.header = written, header
	if failed == nil {
		s.count(EventPosted)
		if len(m.Embeds) > 0 && made.bare() {
			s.mend(ctx, p, made.ID)
		}
		return chat.Outcome{Fate: chat.Posted, Message: made.id()}, 0
	}
	out = outcomeOf(failed, written)
	switch out.Fate {
	case chat.Later:
		use.wait = out.Wait
	case chat.Down:
		s.pace.pause(out.Wait, out.Reason)
	case chat.Refused:
		s.log.Warn("discord does not take a post", slog.Any("err", failed))
	default:
	}
	if failed.status == http.StatusTooManyRequests {
		s.count(EventRateLimited)
	}
	if failed.status == http.StatusRequestEntityTooLarge {
		return out, codeTooLarge
	}
	return out, failed.code
}

// created is a new message as Discord returns it.
type created struct {
	ID     string             `json:"id"`
	Embeds *[]json.RawMessage `json:"embeds"`
}

// id is that of the message, empty where it could not be read.
func (c created) id() string {
	if isID(c.ID) {
		return c.ID
	}
	return ""
}

// bare reports that Discord left the embeds out.
func (c created) bare() bool { return c.id() != "" && c.Embeds != nil && len(*c.Embeds) == 0 }

// mend puts the text of a post below its picture. Where the bot may not embed,
// Discord takes an embed and shows nothing of it. One try: the post is there.
func (s *sender) mend(ctx context.Context, p chat.Post, id string) {
	can := powers{attach: true}
	s.pace.remember(p.To.Chat, can)
	s.count(EventDowngraded)
	mail := courier{client: s.client}
	err := mail.once(ctx, parcel{
		op: "put a post's text in", method: http.MethodPatch, address: discordgo.EndpointChannelMessage(p.To.Chat, id), token: s.token,
		body: words{Content: compose(p.Reply, can).Content, AllowedMentions: mentions{Parse: []string{}}},
	})
	if err != nil {
		s.count(EventSendFailed)
		s.log.Warn("discord post was left without its text", slog.Any("err", err))
	}
}

// words replaces the text of a message and nothing else.
type words struct {
	Content         string   `json:"content"`
	AllowedMentions mentions `json:"allowed_mentions"`
}

// call makes the request and reads the new message, as far as it can be read. It
// tells whether all of the request went out, which holds whenever there is an
// answer.
func (s *sender) call(ctx context.Context, channel string, m message, made *created) (http.Header, bool, *apiError) {
	const op = "post a message"
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			if i.Err == nil {
				written.Store(true)
			}
		},
	})
	req, err := parcel{
		op: op, method: http.MethodPost, address: discordgo.EndpointChannelMessages(channel), token: s.token,
		body: m, picture: m.picture,
	}.request(ctx)
	if err != nil {
		return nil, false, &apiError{op: op, status: http.StatusBadRequest, err: err}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, written.Load(), &apiError{op: op, err: withoutAddress(err)}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		_ = json.Unmarshal(text, made)
		return resp.Header, true, nil // Discord has it, whatever became of the answer
	}
	if err != nil {
		text = nil
	}
	return resp.Header, true, refused(op, resp, text)
}

// posted composes the message of a post. The nonce lets Discord return the
// message that it has already instead of making another.
func posted(p chat.Post, can powers) message {
	m := compose(p.Reply, can)
	m.Flags = 0 // what nobody asked for cannot be private
	if p.Silent {
		m.Flags = discordgo.MessageFlagsSuppressNotifications
	}
	m.Nonce, m.EnforceNonce = nonce(p), true
	if isID(p.ReplyTo) && !can.blind {
		m.Reference = &reference{MessageID: p.ReplyTo}
	}
	return m
}

// nonce is made of the post's id and its channel: Discord looks for a nonce in
// all that the bot has written, in whichever channel. It has 25 characters, the
// most that Discord takes.
func nonce(p chat.Post) string {
	sum := sha256.Sum256([]byte(p.ID + "\x00" + p.To.Chat))
	return base32.StdEncoding.EncodeToString(sum[:])[:25]
}

// isID reports whether s looks like one of Discord's ids.
// https://discord.com/developers/docs/reference#snowflakes
func isID(s string) bool {
	const maxDigits = 20 // of 64 bits
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != "" && len(s) <= maxDigits
}
