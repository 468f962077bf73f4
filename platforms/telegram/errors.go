package telegram

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"liqbot/chat"
)

// class says what to do about a failed call.
type class uint8

const (
	final       class = iota // the same call will fail again
	uncertain                // it may have been carried out
	unsent                   // it never reached Telegram
	refused                  // the token is not valid
	rateLimited              // wait, then the same again
	migrated                 // the chat has a new id
	notModified              // an edit that changes nothing
	gone                     // the message to edit is not there any more
	badMarkup                // the formatting was not understood
	badButtons               // the keyboard was not taken
	badFile                  // the file id is not valid (any more)
	noPhoto                  // this chat or this photo is not allowed
	noText                   // an edit of text on a photo
	noCaption                // an edit of a caption on a text
	conflict                 // somebody else receives the updates
	hooked                   // a webhook receives the updates
)

// phrases lead from a description to a class. They are matched in lower case,
// since the server changes the case of first letters.
var phrases = []struct {
	text  string
	class class
}{
	{"message is not modified", notModified},
	{"message to edit not found", gone},
	{"message can't be edited", gone},
	{"message_id_invalid", gone},
	{"there is no text in the message to edit", noText},
	{"there is no caption in the message to edit", noCaption},
	{"can't parse entities", badMarkup},
	{"button_data_invalid", badButtons},
	{"reply markup is too long", badButtons},
	{"text buttons are unallowed", badButtons},
	{"can't parse inline keyboard", badButtons},
	{"wrong file identifier", badFile},
	{"wrong file_id", badFile},
	{"wrong remote file", badFile},
	{"file_reference_", badFile},
	{"not enough rights to send photos", noPhoto},
	{"chat_send_photos_forbidden", noPhoto},
	{"chat_send_media_forbidden", noPhoto},
	{"photo_invalid_dimensions", noPhoto},
	{"photo has unsupported extension", noPhoto},
	{"photo_ext_invalid", noPhoto},
	{"photo_save_file_invalid", noPhoto},
	{"image_process_failed", noPhoto},
	{"file must be non-empty", noPhoto},
	{"file is too big", noPhoto},
	{"webhook is active", hooked},
	{"terminated by other getupdates", conflict},
	{"terminated by setwebhook", conflict},
	{"message is too long", final},
	{"message caption is too long", final},
	{"message text is empty", final},
	{"query is too old", final},
}

// fates lead from a description to what it means for a post; for the host it is the
// reason too. They are matched like phrases.
var fates = []struct {
	text string
	fate chat.Fate
}{
	{"bot was blocked by the user", chat.Gone},
	{"user is deactivated", chat.Gone},
	{"bot can't initiate conversation", chat.Gone},
	{"bot can't send messages to bots", chat.Gone},
	{"bot can't send messages to the bot", chat.Gone},
	{"bot was kicked", chat.Gone},
	{"bot is not a member", chat.Gone},
	{"the group chat was deleted", chat.Gone},
	{"chat not found", chat.Gone},
	{"have no write access", chat.Barred},
	{"not enough rights", chat.Barred},
	{"chat_send_photos_forbidden", chat.Barred},
	{"chat_send_media_forbidden", chat.Barred},
	{"chat_write_forbidden", chat.Barred},
	{"chat_restricted", chat.Barred},
	{"need administrator rights", chat.Barred},
	{"message thread not found", chat.Barred},
	{"topic_closed", chat.Barred},
	{"topic_deleted", chat.Barred},
}

// apiError is a call that failed. Its text is safe to show the host: it holds
// neither the token nor, for calls that carry it, chat text.
type apiError struct {
	method     string
	code       int // 0 when there was no answer
	class      class
	reason     string
	retryAfter time.Duration
	// wait is retryAfter or a guess; all is set when the pause is one of all posts.
	wait time.Duration
	all  bool
	// fate is what it means for a post where class is nothing that passes.
	fate      chat.Fate
	migrateTo int64
	cause     error
}

func newAPIError(method string, code int, raw string) *apiError {
	e := &apiError{method: method, code: code}
	description := strings.ToLower(raw)
	e.class, e.reason = classify(code, description)
	e.fate = chat.Refused
	if code == http.StatusNotFound || code == http.StatusMisdirectedRequest {
		// No chat is answered so (telegram-bot-api makes it a 400), but a wrong address
		// of the API, or a token that a server does not know.
		e.fate = chat.Down
	}
	for _, f := range fates {
		if strings.Contains(description, f.text) {
			e.fate, e.reason = f.fate, cmp.Or(e.reason, f.text)
			break
		}
	}
	if e.reason == "" && !carriesText(method) {
		e.reason = clip(raw)
	}
	if e.reason == "" {
		e.reason = strings.ToLower(http.StatusText(code))
	}
	return e
}

// carriesText reports whether a refusal of the method may quote a message.
func carriesText(method string) bool {
	return strings.HasPrefix(method, "send") || strings.HasPrefix(method, "edit") || strings.HasPrefix(method, "answer")
}

func classify(code int, description string) (class, string) {
	switch {
	case code == http.StatusUnauthorized:
		return refused, "unauthorized"
	case code == http.StatusTooManyRequests:
		return rateLimited, "too many requests"
	case code >= http.StatusInternalServerError, code < http.StatusBadRequest:
		return uncertain, ""
	case code == http.StatusRequestEntityTooLarge:
		return noPhoto, ""
	}
	for _, p := range phrases {
		if strings.Contains(description, p.text) {
			return p.class, p.text
		}
	}
	if code == http.StatusConflict {
		return conflict, ""
	}
	return final, ""
}

// Error names the method, the code and the reason.
func (e *apiError) Error() string {
	if e.code == 0 {
		return fmt.Sprintf("telegram: %s: %s", e.method, e.reason)
	}
	return fmt.Sprintf("telegram: %s: %d %s", e.method, e.code, e.reason)
}

// Unwrap leads to chat.ErrRefused for a token that is not valid.
func (e *apiError) Unwrap() error {
	if e.class == refused {
		return chat.ErrRefused
	}
	return e.cause
}

// notInTime is the end of a wait for something else than Telegram.
func notInTime(err error) *apiError {
	return &apiError{method: "send", class: unsent, reason: "not sent in time", cause: contextError(err)}
}

// classOf returns final for what is no *apiError.
func classOf(err error) class {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.class
	}
	return final
}

// plainReason words an error for a health page: it names no address and quotes
// nobody.
func plainReason(err error) string {
	const other = "Telegram gave an answer that makes no sense"
	e, ok := errors.AsType[*apiError](err)
	switch {
	case !ok:
		return other
	case e.class == rateLimited:
		return "Telegram asks for a pause"
	case e.class == conflict:
		return "another bot instance receives the updates"
	case e.class == hooked:
		return "a webhook receives the updates"
	case e.code != 0:
		return fmt.Sprintf("Telegram answered with status %d", e.code)
	case e.class == unsent, e.class == uncertain:
		return "Telegram cannot be reached"
	default:
		return other
	}
}

// clip keeps a text short and on one line for a log.
func clip(s string) string {
	const most = 160
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
