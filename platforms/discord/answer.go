package discord

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
)

// response is the body of a first answer.
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object
type response struct {
	Type discordgo.InteractionResponseType `json:"type"`
	Data any                               `json:"data,omitempty"`
}

type choices struct {
	Choices []choice `json:"choices"`
}

type choice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// placeholder is the data of a deferred answer.
type placeholder struct {
	Flags discordgo.MessageFlags `json:"flags,omitempty"`
}

// answer is one interaction being answered.
type answer struct {
	*desk

	i   *discordgo.Interaction
	raw []byte
	can powers
	// press: a button of message was pressed.
	press bool
	// arrived is when the interaction came.
	arrived time.Time
}

func newAnswer(d *desk, i *discordgo.Interaction, raw []byte, arrived time.Time) *answer {
	return &answer{
		desk: d, i: i, raw: raw, can: powersOf(i.AppPermissions), arrived: arrived,
		press: i.Type == discordgo.InteractionMessageComponent && i.Message != nil,
	}
}

// give answers: at once if the reply is simple and ready, else acknowledged
// first and brought after.
func (a *answer) give(ctx context.Context) {
	req := a.request(a.i)
	req.Place = a.place()
	working := make(chan struct{})
	req.Working = sync.OnceFunc(func() { close(working) })
	coming := a.handle(ctx, req)
	reply, ready := a.await(ctx, coming, working)
	if ready && a.ask(ctx, reply) {
		return
	}
	if ready && a.immediate(reply) {
		m := compose(reply, a.can)
		a.first(ctx, discordgo.InteractionResponseChannelMessageWithSource, m, m.picture)
		return
	}
	acknowledged, ok := a.acknowledge(ctx, reply, ready)
	if !ok {
		return
	}
	if !ready {
		select {
		case reply = <-coming:
		case <-ctx.Done():
			return
		}
	}
	a.bring(ctx, reply, acknowledged)
}

// ask answers with the form of a reply to a press, if it has one. A form has to be the
// first answer: a reply that comes after the acknowledgement goes by its text.
func (a *answer) ask(ctx context.Context, reply chat.Reply) bool {
	if reply.Form == nil || !a.press {
		return false
	}
	f := formOf(reply.Form)
	if f == nil {
		a.log.Warn("discord would not take a form, sent its text", slog.Int("fields", len(reply.Form.Fields)))
		return false
	}
	return a.first(ctx, discordgo.InteractionResponseModal, f, nil)
}

// await waits for the handler: for Patience, for a press until its Grace is over, or
// until it says that it works.
func (a *answer) await(ctx context.Context, coming <-chan chat.Reply, working <-chan struct{}) (chat.Reply, bool) {
	wait := a.timing.Patience
	if a.press {
		wait = max(wait, a.timing.Grace-time.Since(a.arrived))
	}
	patience := time.NewTimer(wait)
	defer patience.Stop()
	select {
	case reply := <-coming:
		return reply, true
	case <-working:
	case <-patience.C:
	case <-ctx.Done():
	}
	return chat.Reply{}, false
}

// immediate reports whether a ready reply is the first answer itself.
func (a *answer) immediate(reply chat.Reply) bool {
	return !reply.Silent() && !a.replaces(reply) && (reply.Private || reply.Picture == nil)
}

// replaces reports whether a reply goes in the place of the pressed message. A
// private reply does so only where that message is private itself.
func (a *answer) replaces(reply chat.Reply) bool {
	if !a.press || !reply.Edit {
		return false
	}
	return !reply.Private || a.i.Message.Flags&discordgo.MessageFlagsEphemeral != 0
}

// acknowledge tells Discord that an answer comes. It reports with what, and
// whether there is a point in going on.
func (a *answer) acknowledge(ctx context.Context, reply chat.Reply, ready bool) (discordgo.InteractionResponseType, bool) {
	kind := discordgo.InteractionResponseDeferredChannelMessageWithSource
	if a.press && (!ready || reply.Silent() || a.replaces(reply)) {
		kind = discordgo.InteractionResponseDeferredMessageUpdate
		return kind, a.first(ctx, kind, nil, nil)
	}
	var flags discordgo.MessageFlags
	if ready && reply.Silent() {
		flags = discordgo.MessageFlagsEphemeral
	}
	return kind, a.first(ctx, kind, placeholder{Flags: flags}, nil)
}

// first sends the first answer. Repeating it is safe: once it has arrived,
// Discord answers that the interaction is answered.
func (a *answer) first(ctx context.Context, kind discordgo.InteractionResponseType, data any, picture *attached) bool {
	ctx, cancel := context.WithTimeout(ctx, a.timing.First)
	defer cancel()
	err := a.mail.deliver(ctx, callback(a.i, response{Type: kind, Data: data}, picture, a.timing.First/2))
	switch {
	case err == nil:
		return true
	case settled(err):
		a.count(EventAnswered)
		return true
	default:
		a.failed("discord first answer was not sent", err)
		return false
	}
}

// settled reports that the interaction has its first answer already.
func settled(err error) bool { return codeOf(err) == codeAnswered }

func callback(i *discordgo.Interaction, body response, picture *attached, try time.Duration) parcel {
	return parcel{
		op: "answer an interaction", method: http.MethodPost, body: body, picture: picture, try: try, repeatable: true,
		address: discordgo.EndpointInteractionResponse(i.ID, i.Token),
	}
}

// bring delivers a reply after the acknowledgement.
func (a *answer) bring(ctx context.Context, reply chat.Reply, acknowledged discordgo.InteractionResponseType) {
	ctx, cancel := context.WithTimeout(ctx, a.timing.Finish)
	defer cancel()
	update := acknowledged == discordgo.InteractionResponseDeferredMessageUpdate
	var err error
	switch {
	case reply.Silent() && update:
	case reply.Silent():
		err = a.remove(ctx)
	case update && !a.replaces(reply):
		err = a.followUp(ctx, reply)
	case !update && reply.Private:
		if err = a.remove(ctx); err == nil {
			err = a.followUp(ctx, reply)
		}
	default:
		err = a.edit(ctx, reply)
	}
	if err != nil {
		a.failed("discord reply was not sent", err)
	}
}

// edit replaces the placeholder or the pressed message.
func (a *answer) edit(ctx context.Context, reply chat.Reply) error {
	return a.send(ctx, reply, parcel{
		op: "edit an answer", method: http.MethodPatch, repeatable: true, address: a.original(),
	})
}

// followUp posts another message. Doing that twice would be seen, so it is not
// repeated when its outcome is unclear.
func (a *answer) followUp(ctx context.Context, reply chat.Reply) error {
	return a.send(ctx, reply, parcel{
		op: "send a follow-up", method: http.MethodPost, address: discordgo.EndpointWebhookToken(a.i.AppID, a.i.Token),
	})
}

func (a *answer) remove(ctx context.Context) error {
	return a.mail.deliver(ctx, parcel{
		op: "remove an answer", method: http.MethodDelete, repeatable: true, address: a.original(),
	})
}

func (a *answer) original() string {
	return discordgo.EndpointWebhookMessage(a.i.AppID, a.i.Token, "@original")
}

// send composes the reply and delivers it; once more without picture and embed
// when Discord does not let the bot send these here.
func (a *answer) send(ctx context.Context, reply chat.Reply, p parcel) error {
	for {
		m := compose(reply, a.can)
		if p.method == http.MethodPatch {
			m.Flags = 0 // whether a message is private cannot be changed
		}
		p.body, p.picture = m, m.picture
		err := a.mail.deliver(ctx, p)
		if err == nil || !barred(err) || a.can == (powers{}) {
			return err
		}
		a.count(EventDowngraded)
		a.can = powers{}
	}
}

// barred reports that a message was refused for what it holds.
func barred(err error) bool {
	switch codeOf(err) {
	case codeMissingAccess, codeMissingPermissions, codeTooLarge:
		return true
	default:
		return false
	}
}
