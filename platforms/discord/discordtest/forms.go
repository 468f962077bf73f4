package discordtest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Form is what a member sees and fills in: a modal.
type Form struct {
	CustomID, Title string
	Fields          []Field
}

// Field is one line of a form.
type Field struct {
	CustomID, Label, Placeholder, Value string
	Required                            bool
	MinLength, MaxLength                int
}

// ask takes a first answer that is a form. There is none after another form.
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-modal
func (in *interaction) ask(data json.RawMessage) *Failure {
	var body struct {
		CustomID   string `json:"custom_id"`
		Title      string `json:"title"`
		Components []row  `json:"components"`
	}
	switch {
	case in.kind == 5:
		return invalid("type", "BASE_TYPE_CHOICES")
	case json.Unmarshal(data, &body) != nil:
		return invalid("data", "MODEL_TYPE_CONVERT")
	case length(body.CustomID) < 1 || length(body.CustomID) > 100:
		return invalid("data.custom_id", "BASE_TYPE_BAD_LENGTH")
	case length(strings.TrimSpace(body.Title)) < 1 || length(body.Title) > 45:
		return invalid("data.title", "BASE_TYPE_BAD_LENGTH")
	case len(body.Components) < 1 || len(body.Components) > 5:
		return invalid("data.components", "BASE_TYPE_BAD_LENGTH")
	}
	form := &Form{CustomID: body.CustomID, Title: body.Title}
	seen := make(map[string]bool)
	for n, r := range body.Components {
		at := fmt.Sprintf("data.components.%d.components", n)
		if r.Type != actionRow || len(r.Components) != 1 {
			return invalid(at, "BASE_TYPE_BAD_LENGTH")
		}
		c := r.Components[0]
		if f := c.checkInput(at + ".0"); f != nil {
			return f
		}
		if seen[c.CustomID] {
			return invalid(at+".0.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED")
		}
		seen[c.CustomID] = true
		form.Fields = append(form.Fields, c.field())
	}
	in.form = form
	return nil
}

// maxInput is the longest text of a line.
const maxInput = 4000

func (c component) field() Field {
	f := Field{
		CustomID: c.CustomID, Label: c.Label, Placeholder: c.Placeholder, Value: c.Value,
		Required: c.Required == nil || *c.Required, MinLength: c.MinLength, MaxLength: maxInput,
	}
	if c.MaxLength != nil {
		f.MaxLength = *c.MaxLength
	}
	return f
}

func (c component) checkInput(at string) *Failure {
	f := c.field()
	switch {
	case c.Type != aTextInput:
		return invalid(at+".type", "UNION_TYPE_CHOICES")
	case length(c.CustomID) < 1 || length(c.CustomID) > 100:
		return invalid(at+".custom_id", "BASE_TYPE_BAD_LENGTH")
	case length(strings.TrimSpace(c.Label)) < 1 || length(c.Label) > 45:
		return invalid(at+".label", "BASE_TYPE_BAD_LENGTH")
	case c.Style != 1 && c.Style != 2:
		return invalid(at+".style", "BASE_TYPE_CHOICES")
	case length(c.Placeholder) > 100:
		return invalid(at+".placeholder", "BASE_TYPE_MAX_LENGTH")
	case f.MinLength < 0 || f.MaxLength < 1 || f.MaxLength > maxInput || f.MinLength > f.MaxLength:
		return invalid(at+".max_length", "NUMBER_TYPE_MAX")
	case length(c.Value) > f.MaxLength || c.Value != "" && length(c.Value) < f.MinLength:
		return invalid(at+".value", "BASE_TYPE_BAD_LENGTH")
	}
	return nil
}

// Form waits for the first answer, which has to be a form, and returns it.
func (i *Interaction) Form() Form {
	i.s.t.Helper()
	if ack := i.WaitAck(); ack != 9 {
		i.s.t.Fatalf("discordtest: the first answer is of type %d, want a form", ack)
	}
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	return *i.in.form
}

// Submit fills the form in, the values by the ids of the lines, and sends it. Lines
// without a value keep the one they came with. What Discord does not let a member send
// fails the test.
func (i *Interaction) Submit(values map[string]string) *Interaction {
	i.s.t.Helper()
	form := i.Form()
	rows, known := []any{}, 0
	for _, f := range form.Fields {
		value, filled := values[f.CustomID]
		if filled {
			known++
		} else {
			value = f.Value
		}
		if n := length(value); n == 0 && f.Required || n > f.MaxLength || n > 0 && n < f.MinLength || strings.Contains(value, "\n") {
			i.s.t.Fatalf("discordtest: no member could do that: %q in the line %q", value, f.Label)
		}
		rows = append(rows, map[string]any{"type": actionRow, "components": []any{
			map[string]any{"type": aTextInput, "custom_id": f.CustomID, "value": value},
		}})
	}
	if known != len(values) {
		i.s.t.Fatalf("discordtest: the form has no such lines: %v, it has %+v", values, form.Fields)
	}
	return i.s.Fill(i.in.from, i.pressedID(), map[string]any{"custom_id": form.CustomID, "components": rows})
}

// pressedID is the message whose button opened the form, empty for none.
func (i *Interaction) pressedID() string {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	if i.in.pressed == nil || i.in.pressed.Deleted {
		return ""
	}
	return i.in.pressed.ID
}

// Fill sends anything as a filled form, as a client of its own making could. The message
// is the one whose button opened it, empty for none.
func (s *Server) Fill(from From, message string, data any) *Interaction {
	s.t.Helper()
	return s.raw(from, 5, data, message)
}
