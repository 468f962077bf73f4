package discordtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Permissions that tests need.
// https://discord.com/developers/docs/topics/permissions
const (
	Administrator int64 = 1 << 3
	ManageGuild   int64 = 1 << 5
	ViewChannel   int64 = 1 << 10
	SendMessages  int64 = 1 << 11
	EmbedLinks    int64 = 1 << 14
	AttachFiles   int64 = 1 << 15
	ReadHistory   int64 = 1 << 16
	SendInThreads int64 = 1 << 38
)

// Contexts of an interaction.
const (
	InGuild = iota
	InDirect
	InPrivateChannel
)

// From says who does something, and where.
type From struct {
	// Context is InGuild, InDirect or InPrivateChannel.
	Context        int
	Channel, User  string
	Locale         string
	GuildLocale    string
	Permissions    int64
	AppPermissions int64
	// Name is how Discord calls the member, Nick how the server does.
	Name, Nick string
	// Carried is a bot that is no member of the server: the member has installed it.
	Carried bool
}

// Guild is a plain member in a server's channel, where the bot may do all.
func Guild() From {
	return From{
		Context: InGuild, Channel: ChannelID, User: UserID, Locale: "en-US", GuildLocale: "en-US",
		Permissions: SendMessages, AppPermissions: SendMessages | EmbedLinks | AttachFiles,
	}
}

// Direct is somebody in a private chat with the bot.
func Direct() From {
	return From{
		Context: InDirect, Channel: DirectID, User: UserID, Locale: "en-US",
		AppPermissions: SendMessages | EmbedLinks | AttachFiles,
	}
}

// Value is an option as a member filled it in.
type Value struct {
	Name, Value string
	// Channel is what was picked for an option that takes a channel.
	Channel *Channel
	focused bool
}

// Choice is an answer to an autocomplete.
type Choice struct {
	Name              string            `json:"name"`
	NameLocalizations map[string]string `json:"name_localizations,omitempty"`
	Value             any               `json:"value"`
}

// interaction is the server's side of it, guarded by Server.mu.
type interaction struct {
	id, token string
	kind      int
	created   time.Time
	from      From
	acks      []int
	// original and pressed are messages; original may be the pressed one.
	original, pressed *Message
	choices           []Choice
	form              *Form
}

// Interaction is something that a member did.
type Interaction struct {
	ID, Token string
	s         *Server
	in        *interaction
}

// Slash uses a slash command. The command has to be registered and to have the
// options, as for a real member.
func (s *Server) Slash(from From, name string, values ...Value) *Interaction {
	s.t.Helper()
	s.offered(name)
	if problem := s.accepts(name, values); problem != "" {
		s.t.Fatalf("discordtest: no member could do that: %s", problem)
	}
	return s.Raw(from, 2, commandData(name, values))
}

// Autocomplete types into an option and returns what is offered.
func (s *Server) Autocomplete(from From, name, option, typed string) []Choice {
	s.t.Helper()
	s.offered(name)
	i := s.Raw(from, 4, commandData(name, []Value{{Name: option, Value: typed, focused: true}}))
	s.wait("choices", func() bool { return len(i.in.acks) > 0 })
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(i.in.choices)
}

// Press presses a button, or claims that there is one with this custom id.
func (s *Server) Press(from From, m Message, customID string) *Interaction {
	s.t.Helper()
	return s.raw(from, 3, map[string]any{"custom_id": customID, "component_type": 2}, m.ID)
}

// Raw sends an interaction of any type and data.
func (s *Server) Raw(from From, kind int, data any) *Interaction {
	s.t.Helper()
	return s.raw(from, kind, data, "")
}

func (s *Server) raw(from From, kind int, data any, pressed string) *Interaction {
	s.t.Helper()
	s.wait("a session", func() bool { return s.gate.session != nil && !s.gate.session.over })
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &interaction{id: s.newID(), kind: kind, created: time.Now(), from: from}
	in.token = "interaction-token-" + in.id
	s.interactions[in.token] = in
	body := in.wire(data)
	if pressed != "" {
		in.pressed = s.find(pressed)
		if in.pressed == nil {
			s.t.Fatalf("discordtest: there is no message %s to press on", pressed)
		}
		body["message"] = in.pressed.wire()
	}
	s.dispatch("INTERACTION_CREATE", body)
	return &Interaction{ID: in.id, Token: in.token, s: s, in: in}
}

func (in *interaction) wire(data any) map[string]any {
	user := map[string]any{"id": in.from.User, "username": "somebody", "discriminator": "0"}
	if in.from.Name != "" {
		user["global_name"] = in.from.Name
	}
	owners := map[string]string{"0": GuildID}
	if in.from.Carried {
		owners = map[string]string{"1": in.from.User}
	}
	body := map[string]any{
		"id": in.id, "application_id": ApplicationID, "type": in.kind, "token": in.token, "version": 1,
		"channel_id": in.from.Channel, "data": data, "locale": in.from.Locale, "context": in.from.Context,
		"app_permissions":                strconv.FormatInt(in.from.AppPermissions, 10),
		"authorizing_integration_owners": owners,
		"entitlements":                   []any{}, "attachment_size_limit": 10 << 20, "field_of_tomorrow": map[string]any{},
	}
	if in.from.Context != InGuild {
		body["user"] = user
		return body
	}
	body["guild_id"], body["guild_locale"] = GuildID, in.from.GuildLocale
	body["member"] = map[string]any{
		"user": user, "nick": in.from.Nick, "roles": []string{}, "permissions": strconv.FormatInt(in.from.Permissions, 10),
	}
	return body
}

func commandData(name string, values []Value) map[string]any {
	options, channels := []any{}, map[string]any{}
	for _, v := range values {
		o := map[string]any{"name": v.Name, "type": 3, "value": v.Value}
		if v.Channel != nil {
			o["type"], o["value"] = channelOption, v.Channel.ID
			channels[v.Channel.ID] = v.Channel.resolved()
		}
		if v.focused {
			o["focused"] = true
		}
		options = append(options, o)
	}
	return map[string]any{
		"id": "1", "name": name, "type": 1, "options": options, "resolved": map[string]any{"channels": channels},
	}
}

// resolved describes a channel to an interaction that names it.
func (c Channel) resolved() map[string]any {
	body := c.wire()
	body["permissions"] = strconv.FormatInt(c.Permissions, 10)
	if c.AppPermissions != 0 {
		body["app_permissions"] = strconv.FormatInt(c.AppPermissions, 10)
	}
	return body
}

// Again delivers the same interaction once more.
func (i *Interaction) Again() {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	events := i.s.gate.session.events
	for _, e := range slices.Backward(events) {
		var body struct {
			ID string `json:"id"`
		}
		if e.Type == "INTERACTION_CREATE" && json.Unmarshal(e.Data, &body) == nil && body.ID == i.ID {
			i.s.dispatch(e.Type, e.Data)
			return
		}
	}
}

// Acks lists the types of the first answers that Discord accepted: one, or none.
func (i *Interaction) Acks() []int {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	return slices.Clone(i.in.acks)
}

// WaitAck waits for the first answer and returns its type.
func (i *Interaction) WaitAck() int {
	i.s.t.Helper()
	i.s.wait("a first answer", func() bool { return len(i.in.acks) > 0 })
	return i.Acks()[0]
}

// Reply waits until the member sees an answer, no longer "thinking", and returns
// that message. For a button it is the message that was pressed, once edited.
func (i *Interaction) Reply() Message {
	i.s.t.Helper()
	before := 0
	if i.in.pressed != nil {
		before = -1
	}
	i.s.wait("a reply", func() bool {
		m := i.in.original
		return m != nil && !m.Thinking && !m.Deleted && (m != i.in.pressed || m.edits > before && m.editedBy == i.ID)
	})
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	return i.in.original.copy()
}

// callback takes a first answer.
func (s *Server) callback(r *http.Request) (any, *Failure) {
	var in struct {
		Type int             `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	p, failure := readBody(r, &in)
	if failure != nil {
		return nil, s.refused(failure)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	i := s.interactions[r.PathValue("token")]
	switch {
	case i == nil || i.id != r.PathValue("id") || len(i.acks) == 0 && time.Since(i.created) > s.opts.answerWithin:
		return nil, &Failure{Status: http.StatusNotFound, Code: 10062, Message: "Unknown interaction"}
	case len(i.acks) > 0:
		return nil, &Failure{Status: http.StatusBadRequest, Code: 40060, Message: "Interaction has already been acknowledged."}
	}
	if f := s.first(i, in.Type, in.Data, p); f != nil {
		return nil, s.violated(f)
	}
	i.acks = append(i.acks, in.Type)
	return nil, nil
}

// first does what a first answer asks. The lock is held.
func (s *Server) first(i *interaction, kind int, data json.RawMessage, files []upload) *Failure {
	fresh := func(p payload) *Message {
		m := &Message{ID: s.newID(), Channel: i.from.Channel, Ephemeral: p.Flags&ephemeral != 0, To: i.from.User}
		s.messages = append(s.messages, m)
		i.original = m
		return m
	}
	var p payload
	switch {
	case i.kind == 4 && kind == 8:
		return i.choose(data)
	case i.kind == 4 || kind == 8 || (kind == 6 || kind == 7) && i.pressed == nil:
		return invalid("type", "INTERACTION_APPLICATION_COMMAND_INVALID_CALLBACK")
	case kind == 6:
		i.original = i.pressed
		return nil
	case kind == 9:
		return i.ask(data)
	case kind != 4 && kind != 5 && kind != 7:
		return invalid("type", "BASE_TYPE_CHOICES")
	case len(data) > 0 && json.Unmarshal(data, &p) != nil:
		return invalid("data", "MODEL_TYPE_CONVERT")
	case kind == 5 && p.Flags&^ephemeral != 0:
		return invalid("data.flags", "BASE_TYPE_CHOICES")
	case kind == 5:
		fresh(p).Thinking = true
		return nil
	}
	if f := s.check(p, files, nil); f != nil {
		return f
	}
	if kind == 7 {
		i.original = i.pressed
	} else {
		fresh(p)
	}
	s.apply(i.original, p, files, i.id)
	return nil
}

func (in *interaction) choose(data json.RawMessage) *Failure {
	var body struct {
		Choices []Choice `json:"choices"`
	}
	if json.Unmarshal(data, &body) != nil || body.Choices == nil {
		return invalid("data.choices", "BASE_TYPE_REQUIRED")
	}
	if len(body.Choices) > 25 {
		return invalid("data.choices", "BASE_TYPE_MAX_LENGTH")
	}
	for n, c := range body.Choices {
		text, isText := c.Value.(string)
		if length(c.Name) < 1 || length(c.Name) > 100 || isText && (length(text) < 1 || length(text) > 100) {
			return invalid(fmt.Sprintf("data.choices.%d.name", n), "BASE_TYPE_BAD_LENGTH")
		}
	}
	in.choices = body.Choices
	return nil
}

// live finds the interaction of a webhook call. The lock is held.
func (s *Server) live(r *http.Request) (*interaction, *Failure) {
	i := s.interactions[r.PathValue("token")]
	switch {
	case i == nil || r.PathValue("app") != ApplicationID || len(i.acks) == 0:
		return nil, &Failure{Status: http.StatusNotFound, Code: 10015, Message: "Unknown Webhook"}
	case time.Since(i.created) > s.opts.tokenLife:
		return nil, &Failure{Status: http.StatusUnauthorized, Code: 50027, Message: "Invalid Webhook Token"}
	}
	return i, nil
}
