package discordtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// command is a registered command, as far as it matters here.
// https://discord.com/developers/docs/interactions/application-commands
type command struct {
	ID                       string            `json:"id"`
	ApplicationID            string            `json:"application_id"`
	Version                  string            `json:"version"`
	Type                     int               `json:"type"`
	Name                     string            `json:"name"`
	NameLocalizations        map[string]string `json:"name_localizations"`
	Description              string            `json:"description"`
	DescriptionLocalizations map[string]string `json:"description_localizations"`
	DefaultMemberPermissions *string           `json:"default_member_permissions"`
	Contexts                 []int             `json:"contexts"`
	IntegrationTypes         []int             `json:"integration_types"`
	NSFW                     bool              `json:"nsfw"`
	Options                  []option          `json:"options,omitempty"`
}

type option struct {
	Type                     int               `json:"type"`
	Name                     string            `json:"name"`
	NameLocalizations        map[string]string `json:"name_localizations"`
	Description              string            `json:"description"`
	DescriptionLocalizations map[string]string `json:"description_localizations"`
	Required                 bool              `json:"required,omitempty"`
	Autocomplete             bool              `json:"autocomplete,omitempty"`
	Choices                  []Choice          `json:"choices,omitempty"`
	ChannelTypes             []int             `json:"channel_types,omitempty"`
}

// channelOption is the type of an option that takes a channel.
const channelOption = 7

var (
	commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)
	tongues     = strings.Fields(`id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE
		vi tr cs el bg ru uk hi th zh-CN ja zh-TW ko`)
)

// Commands lists the names of the registered commands.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.commands {
		out = append(out, c.Name)
	}
	return out
}

// Command returns a registered command as JSON, nil for none.
func (s *Server) Command(name string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.command(name)
	if c == nil {
		return nil
	}
	text, _ := json.Marshal(c)
	return text
}

func (s *Server) command(name string) *command {
	for _, c := range s.commands {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// offered waits until a command is registered.
func (s *Server) offered(name string) {
	s.t.Helper()
	s.wait("the command "+name, func() bool { return s.command(name) != nil })
}

// accepts says why a client would not let a member send these values.
func (s *Server) accepts(name string, values []Value) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.command(name)
	for _, v := range values {
		at := slices.IndexFunc(c.Options, func(o option) bool { return o.Name == v.Name })
		if at < 0 {
			return fmt.Sprintf("/%s has no option %s", name, v.Name)
		}
		o := c.Options[at]
		if (o.Type == channelOption) != (v.Channel != nil) || v.Channel != nil && !slices.Contains(o.ChannelTypes, v.Channel.Type) {
			return fmt.Sprintf("option %s of /%s takes no such channel", v.Name, name)
		}
		choices := o.Choices
		if len(choices) > 0 && !slices.ContainsFunc(choices, func(k Choice) bool { return k.Value == v.Value }) {
			return fmt.Sprintf("option %s of /%s has no choice %s", v.Name, name, v.Value)
		}
	}
	return ""
}

func (s *Server) listCommands(r *http.Request) (any, *Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []command{}
	full := r.URL.Query().Get("with_localizations") == "true"
	for _, c := range s.commands {
		shown := *c
		shown.Options = slices.Clone(c.Options)
		if !full {
			shown.NameLocalizations, shown.DescriptionLocalizations = nil, nil
			for i := range shown.Options {
				shown.Options[i].NameLocalizations, shown.Options[i].DescriptionLocalizations = nil, nil
			}
		}
		out = append(out, shown)
	}
	return out, nil
}

func (s *Server) overwriteCommands(r *http.Request) (any, *Failure) {
	var wanted []*command
	if json.NewDecoder(r.Body).Decode(&wanted) != nil {
		return nil, s.refused(invalid("_", "MODEL_TYPE_CONVERT"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.PathValue("app") != ApplicationID {
		return nil, &Failure{Status: http.StatusForbidden, Code: 20012, Message: "You are not authorized to perform this action on this application"}
	}
	names := make(map[string]bool)
	for n, c := range wanted {
		if f := c.check(fmt.Sprint(n)); f != nil {
			return nil, s.violated(f)
		}
		if names[c.Name] {
			return nil, s.violated(invalid(fmt.Sprint(n)+".name", "APPLICATION_COMMANDS_DUPLICATE_NAME"))
		}
		names[c.Name] = true
		c.ID, c.ApplicationID, c.Version = s.newID(), ApplicationID, s.newID()
		if old := s.command(c.Name); old != nil {
			c.ID = old.ID
		}
	}
	if len(wanted) > 100 {
		return nil, s.violated(invalid("_", "APPLICATION_COMMANDS_MAX"))
	}
	s.commands = wanted
	s.overwrites++
	s.wake()
	return wanted, nil
}

func (c *command) check(at string) *Failure {
	if c.Type == 0 {
		c.Type = 1
	}
	for _, v := range append(slices.Clone(c.Contexts), c.IntegrationTypes...) {
		if v < 0 || v > 2 {
			return invalid(at+".contexts", "BASE_TYPE_CHOICES")
		}
	}
	if f := checkWords(at, c.Name, c.Description, c.NameLocalizations, c.DescriptionLocalizations); f != nil {
		return f
	}
	if len(c.Options) > 25 {
		return invalid(at+".options", "BASE_TYPE_MAX_LENGTH")
	}
	total, optional := longest(c.Name, c.NameLocalizations)+longest(c.Description, c.DescriptionLocalizations), false
	names := make(map[string]bool)
	for n, o := range c.Options {
		field := fmt.Sprintf("%s.options.%d", at, n)
		if f := o.check(field); f != nil {
			return f
		}
		if names[o.Name] {
			return invalid(field+".name", "APPLICATION_COMMAND_OPTIONS_NAME_NOT_UNIQUE")
		}
		if o.Required && optional {
			return invalid(field, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID")
		}
		names[o.Name], optional = true, optional || !o.Required
		total += longest(o.Name, o.NameLocalizations) + longest(o.Description, o.DescriptionLocalizations)
		for _, k := range o.Choices {
			total += length(k.Name) + length(fmt.Sprint(k.Value))
		}
	}
	if total > 8000 {
		return invalid(at, "APPLICATION_COMMAND_TOO_LARGE")
	}
	return nil
}

func (o option) check(at string) *Failure {
	if o.Type < 1 || o.Type > 11 {
		return invalid(at+".type", "BASE_TYPE_CHOICES")
	}
	if o.Autocomplete && len(o.Choices) > 0 {
		return invalid(at+".choices", "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES")
	}
	if len(o.Choices) > 25 {
		return invalid(at+".choices", "BASE_TYPE_MAX_LENGTH")
	}
	if len(o.ChannelTypes) > 0 && o.Type != channelOption {
		return invalid(at+".channel_types", "APPLICATION_COMMAND_OPTIONS_CHANNEL_TYPES_INVALID")
	}
	for n, k := range o.Choices {
		text, isText := k.Value.(string)
		if length(k.Name) < 1 || length(k.Name) > 100 || isText && length(text) > 100 || o.Type == 3 && !isText {
			return invalid(fmt.Sprintf("%s.choices.%d", at, n), "BASE_TYPE_BAD_LENGTH")
		}
	}
	return checkWords(at, o.Name, o.Description, o.NameLocalizations, o.DescriptionLocalizations)
}

func checkWords(at, name, text string, names, texts map[string]string) *Failure {
	if !commandName.MatchString(name) || name != strings.ToLower(name) {
		return invalid(at+".name", "APPLICATION_COMMAND_INVALID_NAME")
	}
	if length(text) < 1 || length(text) > 100 {
		return invalid(at+".description", "BASE_TYPE_BAD_LENGTH")
	}
	for _, m := range []map[string]string{names, texts} {
		for tongue, words := range m {
			if !slices.Contains(tongues, tongue) || length(words) < 1 || length(words) > 100 {
				return invalid(at+".description_localizations."+tongue, "BASE_TYPE_BAD_LENGTH")
			}
		}
	}
	return nil
}

func longest(text string, localised map[string]string) int {
	n := length(text)
	for _, t := range localised {
		n = max(n, length(t))
	}
	return n
}
