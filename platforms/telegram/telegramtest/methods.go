package telegramtest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// act carries a call out.
func (s *Server) act(r *http.Request, c Call) (any, *refusal) {
	switch c.Method {
	case "getUpdates":
		return s.getUpdates(r, c)
	case "setWebhook":
		return s.setWebhook(c)
	case "deleteWebhook":
		return s.setWebhook(Call{})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.change()
	switch c.Method {
	case "getMe":
		return map[string]any{"id": BotID, "is_bot": true, "first_name": "Liq", "username": Username, "supports_inline_queries": true, "can_join_groups": true}, nil
	case "sendMessage", "sendPhoto":
		return s.send(c)
	case "editMessageText", "editMessageCaption", "editMessageMedia":
		return s.edit(c)
	case "sendChatAction":
		return s.chatAction(c)
	case "answerCallbackQuery":
		return s.answerCallback(c)
	case "answerInlineQuery":
		return s.answerInline(c)
	case "getChat":
		return s.getChat(c)
	case "getChatMember":
		return s.getChatMember(c)
	case "setMyCommands", "getMyCommands":
		return s.commands(c)
	case "setMyDescription", "getMyDescription":
		return s.text(c, "description", 512)
	case "setMyShortDescription", "getMyShortDescription":
		return s.text(c, "short_description", 120)
	}
	return nil, &refusal{Code: http.StatusNotFound, Description: "Not Found: method not found"}
}

func (s *Server) chatAction(c Call) (any, *refusal) {
	r, refused := s.known(c)
	if refused != nil {
		return nil, refused
	}
	if r.about["type"] == "channel" {
		return nil, bad("chat actions can't be sent to channels")
	}
	return true, nil
}

func (s *Server) answerCallback(c Call) (any, *refusal) {
	id, text := c.Params["callback_query_id"], c.Params["text"]
	if Units(text) > 200 {
		return nil, bad("MESSAGE_TOO_LONG")
	}
	if len(s.toasts[id]) > 0 || !strings.HasPrefix(id, "query-") {
		return nil, bad("query is too old and response timeout expired or query ID is invalid")
	}
	s.toasts[id] = append(s.toasts[id], Toast{text, c.Params["show_alert"] == "true"})
	return true, nil
}

func (s *Server) answerInline(c Call) (any, *refusal) {
	var results []struct {
		Type, ID, Title string
		FileID          string `json:"photo_file_id"`
		Caption         string
		Mode            string `json:"parse_mode"`
		Content         *struct {
			Text string `json:"message_text"`
		} `json:"input_message_content"`
		Markup json.RawMessage `json:"reply_markup"`
	}
	if err := json.Unmarshal([]byte(c.Params["results"]), &results); err != nil || len(results) > 50 {
		return nil, bad("can't parse inline query results")
	}
	out := []InlineResult{}
	seen := map[string]bool{}
	for _, r := range results {
		text, limit := r.Caption, 1024
		switch {
		case r.ID == "" || len(r.ID) > 64 || seen[r.ID]:
			return nil, bad("RESULT_ID_INVALID")
		case r.Type == "photo" && s.files[r.FileID] == nil:
			return nil, bad("wrong file identifier/HTTP URL specified")
		case r.Type == "article" && (r.Content == nil || r.Title == ""):
			return nil, bad("article must have a title and a message content")
		case r.Type == "article":
			text, limit = r.Content.Text, 4096
		}
		seen[r.ID] = true
		plain, _, refused := check(text, "HTML", limit)
		if refused != nil {
			return nil, refused
		}
		if _, refused := buttons(string(r.Markup)); refused != nil {
			return nil, refused
		}
		out = append(out, InlineResult{r.Type, r.ID, r.Title, r.FileID, plain})
	}
	s.inline[c.Params["inline_query_id"]] = out
	return true, nil
}

// commands keeps the menus by scope and language.
func (s *Server) commands(c Call) (any, *refusal) {
	var scope struct{ Type string }
	if err := json.Unmarshal([]byte(c.Params["scope"]), &scope); err != nil {
		return nil, bad("can't parse scope")
	}
	language := c.Params["language_code"]
	if language != "" && len(language) != 2 {
		return nil, bad("invalid language code specified")
	}
	place := scope.Type + "/" + language
	if c.Method == "getMyCommands" {
		if s.menus[place] == "" {
			return []any{}, nil
		}
		return json.RawMessage(s.menus[place]), nil
	}
	var list []struct{ Command, Description string }
	if err := json.Unmarshal([]byte(c.Params["commands"]), &list); err != nil || len(list) > 100 {
		return nil, bad("can't parse commands JSON object")
	}
	for _, command := range list {
		if len(command.Command) < 1 || len(command.Command) > 32 || strings.ToLower(command.Command) != command.Command {
			return nil, bad("BOT_COMMAND_INVALID")
		}
		if n := Units(command.Description); n < 1 || n > 256 {
			return nil, bad("BOT_COMMAND_DESCRIPTION_INVALID")
		}
	}
	s.menus[place] = c.Params["commands"]
	return true, nil
}

func (s *Server) text(c Call, field string, limit int) (any, *refusal) {
	place := field + "/" + c.Params["language_code"]
	if strings.HasPrefix(c.Method, "get") {
		return map[string]any{field: s.profile[place]}, nil
	}
	if Units(c.Params[field]) > limit {
		return nil, bad(field + " is too long")
	}
	s.profile[place] = c.Params[field]
	return true, nil
}
