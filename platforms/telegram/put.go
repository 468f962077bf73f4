package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"
)

// put makes the one call that puts the message in its place.
func (a *Adapter) put(ctx context.Context, m *outgoing) error {
	if m.picture != nil {
		return a.putPicture(ctx, m)
	}
	t, err := a.turn(ctx, m)
	if err != nil {
		return err
	}
	return a.inTurn(ctx, t, m, func(ctx context.Context) error { return a.text(ctx, m) })
}

// text makes the call for a message without a picture.
func (a *Adapter) text(ctx context.Context, m *outgoing) error {
	switch {
	case m.editing() && m.overPhoto:
		_, err := a.api.EditMessageCaption(ctx, &bot.EditMessageCaptionParams{
			ChatID: m.editChat(), MessageID: m.message, InlineMessageID: m.inline,
			Caption: m.body(), ParseMode: m.mode(), ReplyMarkup: markupOf(m.buttons),
		})
		return a.edited(ctx, "editMessageCaption", err)
	case m.editing():
		_, err := a.api.EditMessageText(ctx, &bot.EditMessageTextParams{
			ChatID: m.editChat(), MessageID: m.message, InlineMessageID: m.inline,
			Text: m.body(), ParseMode: m.mode(), ReplyMarkup: markupOf(m.buttons),
			LinkPreviewOptions: noPreview(),
		})
		return a.edited(ctx, "editMessageText", err)
	}
	sent, err := a.api.SendMessage(ctx, &bot.SendMessageParams{
		ChatID: m.chat, MessageThreadID: m.thread, DisableNotification: m.silent, AllowPaidBroadcast: m.paid,
		Text: m.body(), ParseMode: m.mode(), ReplyMarkup: markupOf(m.buttons),
		LinkPreviewOptions: noPreview(), ReplyParameters: m.replyParameters(),
	})
	m.note(sent, err)
	return a.sent(ctx, "sendMessage", err)
}

// turn waits until the message may go out.
func (a *Adapter) turn(ctx context.Context, m *outgoing) (*turn, error) {
	t, err := a.pacer.take(ctx, m.chat, m.kind(), a.cfg.Timing.Pause)
	if err != nil && ctx.Err() != nil {
		return nil, notInTime(err)
	}
	return t, err
}

// inTurn makes a call with its own time limit, if the message is still wanted.
func (a *Adapter) inTurn(ctx context.Context, t *turn, m *outgoing, call func(context.Context) error) error {
	used := false
	defer func() {
		if used {
			t.end()
		} else {
			t.giveBack()
		}
	}()
	if m.wanted != nil && !m.wanted() {
		return errUnwanted
	}
	used = true
	ctx, cancel := context.WithTimeout(watched(ctx), a.cfg.Timing.Call)
	defer cancel()
	return call(ctx)
}

// putPicture sends or edits a photo, by its file id where Telegram has it. It waits
// for somebody else's upload without a turn, and uploads only in a turn: neither
// holds up the other.
func (a *Adapter) putPicture(ctx context.Context, m *outgoing) error {
	key := m.picture.Key
	for {
		if err := a.uploads.wait(ctx, key); err != nil {
			return notInTime(err)
		}
		if m.inline != "" && a.uploads.known(key) == "" {
			// Nothing can be uploaded into a message of inline mode.
			return &apiError{method: "editMessageMedia", class: noPhoto, reason: "picture is not uploaded yet"}
		}
		t, err := a.turn(ctx, m)
		if err != nil {
			return err
		}
		id, finish, ok := a.uploads.begin(key)
		if !ok {
			t.giveBack()
			continue
		}
		return a.picture(ctx, t, m, id, finish)
	}
}

// picture sends a known picture, and forgets it when Telegram does not know it, or
// uploads one.
func (a *Adapter) picture(ctx context.Context, t *turn, m *outgoing, id string, finish func(string)) error {
	uploaded := ""
	if id == "" {
		// Whatever happens: others wait for it.
		defer func() { finish(uploaded) }()
	}
	return a.inTurn(ctx, t, m, func(ctx context.Context) error {
		sent, err := a.photo(ctx, m, id)
		switch {
		case id == "":
			uploaded = fileID(sent, err)
		case err != nil && classOf(err) == badFile:
			a.uploads.forget(m.picture.Key, id)
		}
		return err
	})
}

// photo makes the call, with a file id or an upload.
func (a *Adapter) photo(ctx context.Context, m *outgoing, id string) (*models.Message, error) {
	if m.editing() {
		media := &models.InputMediaPhoto{Media: id, Caption: m.body(), ParseMode: m.mode()}
		if id == "" {
			media.Media = "attach://" + m.picture.Name
			media.MediaAttachment = bytes.NewReader(m.picture.PNG)
		}
		sent, err := a.api.EditMessageMedia(ctx, &bot.EditMessageMediaParams{
			ChatID: m.editChat(), MessageID: m.message, InlineMessageID: m.inline,
			Media: media, ReplyMarkup: markupOf(m.buttons),
		})
		return sent, a.edited(ctx, "editMessageMedia", err)
	}
	var file models.InputFile = &models.InputFileString{Data: id}
	if id == "" {
		file = &models.InputFileUpload{Filename: m.picture.Name, Data: bytes.NewReader(m.picture.PNG)}
	}
	sent, err := a.api.SendPhoto(ctx, &bot.SendPhotoParams{
		ChatID: m.chat, MessageThreadID: m.thread, Photo: file, DisableNotification: m.silent, AllowPaidBroadcast: m.paid,
		Caption: m.body(), ParseMode: m.mode(), ReplyMarkup: markupOf(m.buttons),
		ReplyParameters: m.replyParameters(),
	})
	m.note(sent, err)
	return sent, a.sent(ctx, "sendPhoto", err)
}

// note keeps the id of what was sent, as far as it was told.
func (o *outgoing) note(sent *models.Message, err error) {
	if err == nil && sent != nil {
		o.id = sent.ID
	}
}

// fileID is that of the largest size, which is the last.
func fileID(m *models.Message, err error) string {
	if err != nil || m == nil || len(m.Photo) == 0 {
		return ""
	}
	return m.Photo[len(m.Photo)-1].FileID
}

// sent passes on why a message was not sent. An error after Telegram has carried
// the call out is one of reading the answer: an edit in inline mode answers "true",
// and newer servers may answer what the library cannot read.
func (a *Adapter) sent(ctx context.Context, method string, err error) error {
	if err == nil || carriedOut(ctx) {
		return nil
	}
	return a.safe(method, err)
}

// edited is sent for edits, where an edit that changes nothing is a success.
func (a *Adapter) edited(ctx context.Context, method string, err error) error {
	if err != nil && classOf(err) == notModified {
		return nil
	}
	return a.sent(ctx, method, err)
}

// safe replaces an error of the library, which may print bodies or the token: it
// could not build the request or not read the answer.
func (a *Adapter) safe(method string, err error) error {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return fmt.Errorf("telegram: %s: the client library failed", method)
}

func (o *outgoing) body() string {
	if o.plain {
		return o.text.String()
	}
	return markup(o.text)
}

func (o *outgoing) mode() models.ParseMode {
	if o.plain {
		return ""
	}
	return models.ParseModeHTML
}

// editChat is left out for messages of inline mode.
func (o *outgoing) editChat() any {
	if o.inline != "" {
		return nil
	}
	return o.chat
}

func (o *outgoing) replyParameters() *models.ReplyParameters {
	if o.replyTo == 0 {
		return nil
	}
	return &models.ReplyParameters{MessageID: o.replyTo, AllowSendingWithoutReply: true}
}

func noPreview() *models.LinkPreviewOptions {
	return &models.LinkPreviewOptions{IsDisabled: bot.True()}
}
