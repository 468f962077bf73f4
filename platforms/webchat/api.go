package webchat

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"liqbot/chat"
	"liqbot/locales"
)

// maxBody bounds what the page may send at once.
const maxBody = 16 << 10

// maxMessageID bounds the id of a message, which comes from the page.
const maxMessageID = 64

// message is what the page sends: something typed, or a press on a button of a
// message.
type message struct {
	Text    string `json:"text"`
	Press   string `json:"press"`
	Message string `json:"message"`
	// Narrow asks for a picture that suits a phone.
	Narrow bool `json:"narrow"`
}

// reply is what the page shows: the JSON of a chat.Reply. With Edit it takes the
// place of the message ID, else it is a new one.
type reply struct {
	ID      string     `json:"id"`
	Edit    bool       `json:"edit"`
	Lang    string     `json:"lang"`
	Spans   []span     `json:"spans"`
	Picture *picture   `json:"picture,omitempty"`
	Buttons [][]button `json:"buttons,omitempty"`
	Menus   []menu     `json:"menus,omitempty"`
	// Silent and Answers are for what the bot says unasked: it makes no mark, it answers
	// an earlier message.
	Silent  bool   `json:"silent,omitempty"`
	Answers *quote `json:"answers,omitempty"`
}

type span struct {
	Text  string     `json:"text"`
	Style string     `json:"style,omitempty"`
	At    *time.Time `json:"at,omitempty"`
}

type button struct {
	Label  string `json:"label"`
	Press  string `json:"press"`
	Active bool   `json:"active,omitempty"`
}

// menu is a list to pick from. Picking is a press: its own, a "|" and the value.
type menu struct {
	Label   string   `json:"label"`
	Press   string   `json:"press"`
	Choices []choice `json:"choices"`
}

type choice struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Active bool   `json:"active,omitempty"`
}

// quote is the message that is answered: its id and how it begins.
type quote struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// postMessage answers POST /api/messages with a reply, or with 204 when the bot
// has nothing to say.
func (s *Server) postMessage(w http.ResponseWriter, r *http.Request) {
	session, ok := s.session(r)
	if !ok {
		s.refuse(w, r, http.StatusUnauthorized, "no_session")
		return
	}
	if !s.sessions.allow(session) {
		w.Header().Set("Retry-After", "1")
		s.refuse(w, r, http.StatusTooManyRequests, "slow_down")
		return
	}
	m, code, problem := readMessage(w, r)
	if problem != "" {
		s.refuse(w, r, code, problem)
		return
	}
	s.cfg.Count(m.event())
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	answer := s.cfg.Bot.Handle(ctx, m.request(session, hint(r)))
	if answer.Silent() {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	writeJSON(w, http.StatusOK, s.reply(answer, m))
}

// readMessage reads and checks a message. When it cannot be read, it returns the
// status and the name of what is wrong.
func readMessage(w http.ResponseWriter, r *http.Request) (m message, code int, problem string) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return m, http.StatusUnsupportedMediaType, "not_json"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return m, http.StatusRequestEntityTooLarge, "too_long"
		}
		return m, http.StatusBadRequest, "bad_request"
	}
	if json.Unmarshal(body, &m) != nil || !m.valid() {
		return m, http.StatusBadRequest, "bad_request"
	}
	return m, 0, ""
}

// valid reports whether a message is either text or a press, and small enough.
func (m message) valid() bool {
	typed, pressed := strings.TrimSpace(m.Text) != "", m.Press != ""
	return typed != pressed && len(m.Message) <= maxMessageID && printable(m.Message) && pressable(m.Press)
}

// pressable reports whether a page may send this as a press.
func pressable(s string) bool { return len(s) <= chat.MaxPress && printable(s) }

// printable reports whether s is printable ASCII, as ids and button data are.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func (m message) event() string {
	if m.Press != "" {
		return "press"
	}
	return "message"
}

func (m message) request(session, hint string) chat.Request {
	r := chat.Request{
		ID:           rand.Text(),
		Target:       chat.Target{Platform: chat.Web, Chat: session},
		Kind:         chat.Private,
		Member:       chat.Member{Platform: chat.Web, ID: session},
		Text:         m.Text,
		Press:        m.Press,
		Addressed:    true,
		LanguageHint: hint,
	}
	if m.Press != "" {
		r.Text = ""
	}
	if m.Narrow {
		r.Shape = chat.Portrait
	}
	return r
}

// reply translates the bot's answer to a message.
func (s *Server) reply(answer chat.Reply, m message) reply {
	out := wire(answer)
	out.Picture = s.pictures.publish(answer.Picture)
	if answer.Edit && m.Press != "" && m.Message != "" {
		out.ID, out.Edit = m.Message, true
	}
	return out
}

// wire translates a reply into a new message, without its picture.
func wire(answer chat.Reply) reply {
	out := reply{ID: rand.Text(), Lang: answer.Language, Spans: spans(answer.Text)}
	if out.Lang == "" {
		out.Lang = locales.Default
	}
	for _, row := range answer.Buttons {
		var buttons []button
		for _, b := range row {
			buttons = append(buttons, button{Label: b.Label, Press: b.Data, Active: b.Active})
		}
		out.Buttons = append(out.Buttons, buttons)
	}
	for _, m := range answer.Menus {
		if choices := choicesOf(m); len(choices) > 0 {
			out.Menus = append(out.Menus, menu{Label: m.Label, Press: m.Data, Choices: choices})
		}
	}
	return out
}

// choicesOf are the choices of a menu that can be sent back.
func choicesOf(m chat.Menu) []choice {
	var out []choice
	for _, c := range m.Choices {
		if c.Label != "" && c.Value != "" && pressable(m.Data+"|"+c.Value) {
			out = append(out, choice{Label: c.Label, Value: c.Value, Active: c.Active})
		}
	}
	return out
}

func spans(text chat.Text) []span {
	out := make([]span, 0, len(text))
	for _, s := range text {
		one := span{Text: s.Text, Style: styleName(s.Style)}
		if !s.At.IsZero() {
			one.At = new(s.At.UTC())
		}
		out = append(out, one)
	}
	return out
}

func styleName(s chat.Style) string {
	switch s {
	case chat.Bold:
		return "bold"
	case chat.Italic:
		return "italic"
	case chat.Code:
		return "code"
	case chat.Plain:
		return ""
	default:
		return ""
	}
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // an error is a browser that left
}
