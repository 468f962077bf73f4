package telegramtest

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg" // the formats that photos come in
	_ "image/png"
	"reflect"
	"strings"
)

// known returns the chat of a call; mu is held.
func (s *Server) known(c Call) (*room, *refusal) {
	id, refused := s.chatID(c)
	if refused != nil {
		return nil, refused
	}
	r, ok := s.chats[id]
	if !ok {
		return nil, bad("chat not found")
	}
	return r, nil
}

func (s *Server) send(c Call) (any, *refusal) {
	r, refused := s.known(c)
	if refused == nil {
		refused = s.throttle(r)
	}
	if refused != nil {
		return nil, refused
	}
	m := &Message{At: c.At, Silent: c.Params["disable_notification"] == "true", Paid: c.paid()}
	m.Chat, _ = s.chatID(c)
	if refused = s.mayPost(r, m.Chat); refused != nil {
		return nil, refused
	}
	if refused = s.place(r, c, m); refused == nil {
		refused = s.fill(c, m, c.Method == "sendPhoto")
	}
	if refused != nil {
		return nil, refused
	}
	s.serial++
	m.ID = s.serial
	r.sent = append(r.sent, m)
	return r.wire(m.ID), nil
}

// place checks topic and the message that is replied to.
func (s *Server) place(r *room, c Call, m *Message) *refusal {
	thread, refused := c.number("message_thread_id")
	if refused != nil {
		return refused
	}
	if thread != 0 && !r.topics[thread] {
		return bad("message thread not found")
	}
	m.Thread = int(thread)
	var to struct {
		ID      int  `json:"message_id"`
		Without bool `json:"allow_sending_without_reply"`
	}
	if raw := c.Params["reply_parameters"]; raw != "" {
		if err := json.Unmarshal([]byte(raw), &to); err != nil || to.ID <= 0 {
			return bad("can't parse reply parameters")
		}
	}
	if to.ID != 0 && !r.people[to.ID] && r.find(to.ID) == nil {
		if !to.Without {
			return bad("message to be replied not found")
		}
		to.ID = 0
	}
	m.ReplyTo = to.ID
	return nil
}

// fill reads text, picture and buttons.
func (s *Server) fill(c Call, m *Message, photo bool) (refused *refusal) {
	m.Photo, m.FileID = nil, ""
	if !photo {
		if m.Text, m.Entities, refused = check(c.Params["text"], c.Params["parse_mode"], 4096); refused != nil {
			return refused
		}
		if m.Text == "" {
			return bad("message text is empty")
		}
	} else {
		if m.Text, m.Entities, refused = check(c.Params["caption"], c.Params["parse_mode"], 1024); refused != nil {
			return refused
		}
		if m.Photo, m.FileID, refused = s.photo(c, c.Params["photo"], "photo"); refused != nil {
			return refused
		}
	}
	m.Buttons, refused = buttons(c.Params["reply_markup"])
	return refused
}

// check parses a text and measures it.
func check(source, mode string, limit int) (string, []Entity, *refusal) {
	text, entities := source, []Entity(nil)
	switch mode {
	case "":
	case "HTML":
		var err error
		if text, entities, err = ParseHTML(source); err != nil {
			return "", nil, bad(err.Error())
		}
	default:
		return "", nil, bad("unsupported parse_mode")
	}
	if Units(text) > limit {
		if limit == 1024 {
			return "", nil, bad("message caption is too long")
		}
		return "", nil, bad("message is too long")
	}
	return strings.TrimSpace(text), entities, nil
}

// photo takes an upload or a file id.
func (s *Server) photo(c Call, id, part string) ([]byte, string, *refusal) {
	data, uploaded := c.Files[part]
	if !uploaded {
		known, ok := s.files[id]
		if !ok {
			return nil, "", bad("wrong file identifier/HTTP URL specified")
		}
		return known, id, nil
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return nil, "", bad("IMAGE_PROCESS_FAILED")
	case len(data) > 10<<20:
		return nil, "", bad("file is too big")
	case config.Width+config.Height > 10000, config.Width > 20*config.Height, config.Height > 20*config.Width:
		return nil, "", bad("PHOTO_INVALID_DIMENSIONS")
	}
	s.serial++
	id = "file-" + itoa(s.serial)
	s.files[id] = data
	return data, id, nil
}

// buttons checks an inline keyboard: each button has a text and one thing to do.
func buttons(raw string) ([][]Button, *refusal) {
	if raw == "" {
		return nil, nil
	}
	var keyboard struct {
		Rows [][]map[string]json.RawMessage `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(raw), &keyboard); err != nil {
		return nil, bad("can't parse reply keyboard markup JSON object")
	}
	var out [][]Button
	keys := 0
	for _, row := range keyboard.Rows {
		var line []Button
		for _, fields := range row {
			var b Button
			_ = json.Unmarshal(fields["text"], &b.Text)
			_ = json.Unmarshal(fields["callback_data"], &b.Data)
			switch {
			case b.Text == "" || len(fields) != 2:
				return nil, bad("can't parse inline keyboard button: text buttons are unallowed in the inline keyboard")
			case len(b.Data) < 1 || len(b.Data) > 64:
				return nil, bad("BUTTON_DATA_INVALID")
			}
			line = append(line, b)
		}
		out = append(out, line)
		if keys += len(line); keys > 100 {
			return nil, bad("reply markup is too long")
		}
	}
	return out, nil
}

// edit replaces a message of the bot, or one of inline mode.
func (s *Server) edit(c Call) (any, *refusal) {
	if c.Params["inline_message_id"] != "" {
		return s.editInline(c)
	}
	r, refused := s.known(c)
	if refused == nil {
		refused = s.throttle(r)
	}
	if refused != nil {
		return nil, refused
	}
	id, _ := c.number("message_id")
	old := r.find(int(id))
	if old == nil {
		return nil, bad("message to edit not found")
	}
	next := *old
	if refused := s.refill(c, &next); refused != nil {
		return nil, refused
	}
	if reflect.DeepEqual(next, *old) {
		return nil, bad("message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
	}
	next.Edits++
	*old = next
	return r.wire(old.ID), nil
}

// refill applies an edit to a message.
func (s *Server) refill(c Call, m *Message) (refused *refusal) {
	switch c.Method {
	case "editMessageText":
		if m.Photo != nil {
			return bad("there is no text in the message to edit")
		}
		return s.fill(c, m, false)
	case "editMessageCaption":
		if m.Photo == nil {
			return bad("there is no caption in the message to edit")
		}
		if m.Text, m.Entities, refused = check(c.Params["caption"], c.Params["parse_mode"], 1024); refused != nil {
			return refused
		}
	default:
		var media struct {
			Type, Media, Caption string
			Mode                 string `json:"parse_mode"`
		}
		if err := json.Unmarshal([]byte(c.Params["media"]), &media); err != nil || media.Type != "photo" {
			return bad("can't parse media")
		}
		if m.Text, m.Entities, refused = check(media.Caption, media.Mode, 1024); refused != nil {
			return refused
		}
		part, _ := strings.CutPrefix(media.Media, "attach://")
		if m.Photo, m.FileID, refused = s.photo(c, media.Media, part); refused != nil {
			return refused
		}
	}
	m.Buttons, refused = buttons(c.Params["reply_markup"])
	return refused
}

// editInline keeps the last state of an inline message in a chat of its own, 0.
func (s *Server) editInline(c Call) (any, *refusal) {
	if len(c.Files) > 0 {
		return nil, bad("new files can't be uploaded to inline messages")
	}
	id := c.Params["inline_message_id"]
	m := &Message{Photo: s.files[strings.TrimPrefix(id, "photo:")]}
	if refused := s.refill(c, m); refused != nil {
		return nil, refused
	}
	r := s.room(0, map[string]any{"id": 0})
	r.sent = append(r.sent, m)
	return true, nil
}
