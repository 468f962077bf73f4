package discordtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// payload is the body of every call that carries a message.
type payload struct {
	Content     *string   `json:"content"`
	Embeds      *[]Embed  `json:"embeds"`
	Components  *[]row    `json:"components"`
	Attachments *[]listed `json:"attachments"`
	Mentions    *struct {
		Parse *[]string `json:"parse"`
		Roles []string  `json:"roles"`
		Users []string  `json:"users"`
	} `json:"allowed_mentions"`
	Flags        int             `json:"flags"`
	Nonce        json.RawMessage `json:"nonce"`
	EnforceNonce bool            `json:"enforce_nonce"`
	Reference    *struct {
		MessageID json.RawMessage `json:"message_id"`
		Fail      *bool           `json:"fail_if_not_exists"`
	} `json:"message_reference"`
}

// listed is an entry of attachments: one to keep, or words for a new file.
type listed struct {
	ID          json.RawMessage `json:"id"`
	Filename    string          `json:"filename"`
	Description string          `json:"description"`
}

func (l listed) id() string { return strings.Trim(string(l.ID), `"`) }

func (p payload) keeps(id string) bool {
	for _, l := range *p.Attachments {
		if l.id() == id {
			return true
		}
	}
	return false
}

// describes gives the words for the nth new file.
func (p payload) describes(n int) string {
	if p.Attachments == nil {
		return ""
	}
	for _, l := range *p.Attachments {
		if l.id() == fmt.Sprint(n) {
			return l.Description
		}
	}
	return ""
}

func length(s string) int { return utf8.RuneCountInString(s) }

// refused records a refusal; violated does so with the lock held.
func (s *Server) refused(f *Failure) *Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.violated(f)
}

func (s *Server) violated(f *Failure) *Failure {
	if f.Code == 50035 || f.Code == 50006 || f.Code == 50109 {
		s.violations = append(s.violations, fmt.Sprintf("%d %s %s %s", f.Code, f.Message, f.Field, f.FieldCode))
	}
	return f
}

// check refuses what Discord refuses. before is the message that is edited, nil
// for a new one. https://discord.com/developers/docs/resources/message
func (s *Server) check(p payload, files []upload, before *Message) *Failure {
	if !s.opts.mayMention {
		if p.Mentions == nil || p.Mentions.Parse == nil || len(*p.Mentions.Parse)+len(p.Mentions.Roles)+len(p.Mentions.Users) > 0 {
			return invalid("allowed_mentions", "DISCORDTEST_MENTIONS_POSSIBLE")
		}
	}
	if p.Content != nil && length(*p.Content) > 2000 {
		return invalid("content", "BASE_TYPE_MAX_LENGTH")
	}
	for _, f := range []*Failure{p.checkFiles(files), p.checkEmbeds(files, before), p.checkComponents()} {
		if f != nil {
			return f
		}
	}
	empty := (p.Content == nil || strings.TrimSpace(*p.Content) == "") && (p.Embeds == nil || len(*p.Embeds) == 0) && len(files) == 0
	if empty && before == nil {
		return &Failure{Status: http.StatusBadRequest, Code: 50006, Message: "Cannot send an empty message"}
	}
	return nil
}

func (p payload) checkFiles(files []upload) *Failure {
	if len(files) > 10 {
		return invalid("files", "BASE_TYPE_MAX_LENGTH")
	}
	for n, f := range files {
		if f.field != fmt.Sprintf("files[%d]", n) || f.name == "" || len(f.data) == 0 || len(f.data) > 10<<20 {
			return invalid(fmt.Sprintf("files.%d", n), "ATTACHMENT_INVALID")
		}
	}
	if p.Attachments == nil {
		return nil
	}
	for n, l := range *p.Attachments {
		if len(l.ID) == 0 || length(l.Description) > 1024 {
			return invalid(fmt.Sprintf("attachments.%d.description", n), "BASE_TYPE_MAX_LENGTH")
		}
	}
	return nil
}

func (p payload) checkEmbeds(files []upload, before *Message) *Failure {
	if p.Embeds == nil {
		return nil
	}
	if len(*p.Embeds) > 10 {
		return invalid("embeds", "BASE_TYPE_MAX_LENGTH")
	}
	total := 0
	for n, e := range *p.Embeds {
		field := fmt.Sprintf("embeds.%d.", n)
		total += length(e.Title) + length(e.Description)
		switch {
		case length(e.Title) > 256:
			return invalid(field+"title", "BASE_TYPE_MAX_LENGTH")
		case length(e.Description) > 4096:
			return invalid(field+"description", "BASE_TYPE_MAX_LENGTH")
		case e.Footer != nil && length(e.Footer.Text) > 2048:
			return invalid(field+"footer.text", "BASE_TYPE_MAX_LENGTH")
		case len(e.Fields) > 25:
			return invalid(field+"fields", "BASE_TYPE_MAX_LENGTH")
		case e.Title == "" && e.Description == "" && e.Image == nil:
			return invalid(field+"description", "BASE_TYPE_REQUIRED")
		case e.Image != nil && !has(e.Image.URL, files, before):
			return invalid(field+"image.url", "URL_TYPE_INVALID")
		}
		if e.Footer != nil {
			total += length(e.Footer.Text)
		}
		for _, f := range e.Fields {
			if f.Name == "" || f.Value == "" || length(f.Name) > 256 || length(f.Value) > 1024 {
				return invalid(field+"fields", "BASE_TYPE_BAD_LENGTH")
			}
			total += length(f.Name) + length(f.Value)
		}
	}
	if total > 6000 {
		return invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED")
	}
	return nil
}

// has reports whether an image address leads somewhere: the web, or a file of
// this message.
func has(address string, files []upload, before *Message) bool {
	name, attached := strings.CutPrefix(address, "attachment://")
	if !attached {
		return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
	}
	for _, f := range files {
		if f.name == name {
			return true
		}
	}
	if before != nil {
		for _, f := range before.Files {
			if f.Name == name {
				return true
			}
		}
	}
	return false
}
