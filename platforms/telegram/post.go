package telegram

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

// post makes the one call that puts the message in its place.
func (s *session) post(ctx context.Context, m *outgoing) error {
	ctx, cancel := context.WithTimeout(watched(ctx), s.cfg.Timing.Call)
	defer cancel()
	switch {
	case m.picture != nil:
		return s.postPicture(ctx, m)
	case m.editing() && m.overPhoto:
		_, err := s.api.EditMessageCaption(ctx, &bot.EditMessageCaptionParams{
			ChatID: m.editChat(), MessageID: m.message, InlineMessageID: m.inline,
			Caption: m.body(), ParseMode: m.mode(), ReplyMarkup: markupOf(m.buttons),
		})
		return s.edited(ctx, "editMessageCaption", err)
	case m.editing():
		_, err := s.api.EditMessageText(ctx, &bot.EditMessageTextParams{
			ChatID: m.editChat(), MessageID: m.message, InlineMessageID: m.inline,
			Text: m.body(), ParseMode: m.mode(), ReplyMarkup: markupOf(m.buttons),
			LinkPreviewOptions: noPreview(),
		})
		return s.edited(ctx, "editMessageText", err)
	}
	_, err := s.api.SendMessage(ctx, &bot.SendMessageParams{
		ChatID: m.chat, MessageThreadID: m.thread,
		Text: m.body(), ParseMode: m.mode(), ReplyMarkup: markupOf(m.buttons),
		LinkPreviewOptions: noPreview(), ReplyParameters: m.replyParameters(),
	})
	return s.sent(ctx, "sendMessage", err)
}

// postPicture sends or edits a photo, by its file id where Telegram has it.
func (s *session) postPicture(ctx context.Context, m *outgoing) error {
	key := m.picture.Key
	if m.inline != "" {
		// Nothing can be uploaded into a message of inline mode.
		id := s.uploads.known(key)
		if id == "" {
			return &apiError{method: "editMessageMedia", class: noPhoto, reason: "picture is not uploaded yet"}
		}
		return s.reuse(ctx, m, id)
	}
	id, finish, err := s.uploads.begin(ctx, key)
	if err != nil {
		return err
	}
	if id != "" {
		return s.reuse(ctx, m, id)
	}
	sent, err := s.photo(ctx, m, "")
	finish(fileID(sent, err))
	return err
}

// reuse sends a known picture, and forgets it when Telegram does not know it.
func (s *session) reuse(ctx context.Context, m *outgoing, id string) error {
	_, err := s.photo(ctx, m, id)
	if err != nil && classOf(err) == badFile {
		s.uploads.forget(m.picture.Key, id)
	}
	return err
}

// photo makes the call, with a file id or an upload.
func (s *session) photo(ctx context.Context, m *outgoing, id string) (*models.Message, error) {
	if m.editing() {
		media := &models.InputMediaPhoto{Media: id, Caption: m.body(), ParseMode: m.mode()}
		if id == "" {
			media.Media = "attach://" + m.picture.Name
			media.MediaAttachment = bytes.NewReader(m.picture.PNG)
		}
		sent, err := s.api.EditMessageMedia(ctx, &bot.EditMessageMediaParams{
			ChatID: m.editChat(), MessageID: m.message, InlineMessageID: m.inline,
			Media: media, ReplyMarkup: markupOf(m.buttons),
		})
		return sent, s.edited(ctx, "editMessageMedia", err)
	}
	var file models.InputFile = &models.InputFileString{Data: id}
	if id == "" {
		file = &models.InputFileUpload{Filename: m.picture.Name, Data: bytes.NewReader(m.picture.PNG)}
	}
	sent, err := s.api.SendPhoto(ctx, &bot.SendPhotoParams{
		ChatID: m.chat, MessageThreadID: m.thread, Photo: file,
		Caption: m.body(), ParseMode: m.mode(), ReplyMarkup: markupOf(m.buttons),
		ReplyParameters: m.replyParameters(),
	})
	return sent, s.sent(ctx, "sendPhoto", err)
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
func (s *session) sent(ctx context.Context, method string, err error) error {
	if err == nil || carriedOut(ctx) {
		return nil
	}
	return s.safe(method, err)
}

// edited is sent for edits, where an edit that changes nothing is a success.
func (s *session) edited(ctx context.Context, method string, err error) error {
	if err != nil && classOf(err) == notModified {
		return nil
	}
	return s.sent(ctx, method, err)
}

// safe replaces an error of the library, which may print bodies or the token: it
// could not build the request or not read the answer.
func (s *session) safe(method string, err error) error {
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
	for _, row := range rows {
		var keys []key
		for _, b := range row {
			if b.Label == "" || b.Data == "" || len(b.Data) > chat.MaxPress {
				continue
			}
			label := b.Label
			if b.Active {
				label = "• " + label + " •"
			}
			keys = append(keys, key{label, b.Data})
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
