package discordtest

import (
	"fmt"
	"slices"
	"strings"
)

// The types of components that the server knows.
// https://discord.com/developers/docs/components/reference
const (
	actionRow  = 1
	aButton    = 2
	aMenu      = 3
	aTextInput = 4
)

// Button is a button under a message.
type Button struct {
	Type     int    `json:"type"`
	Label    string `json:"label"`
	Style    int    `json:"style"`
	CustomID string `json:"custom_id"`
	URL      string `json:"url"`
	Disabled bool   `json:"disabled"`
}

// Menu is a list under a message from which one value is picked.
type Menu struct {
	CustomID, Placeholder string
	Options               []Pick
}

// Pick is one choice of a menu.
type Pick struct {
	Label   string `json:"label"`
	Value   string `json:"value"`
	Default bool   `json:"default"`
}

// row is an action row: buttons, or one of what takes its whole width.
type row struct {
	Type       int         `json:"type"`
	Components []component `json:"components"`
}

// component is a button, a menu or a line of a form.
type component struct {
	Button

	Placeholder string `json:"placeholder"`
	Options     []Pick `json:"options"`
	MinValues   *int   `json:"min_values"`
	MaxValues   *int   `json:"max_values"`
	Value       string `json:"value"`
	MinLength   int    `json:"min_length"`
	MaxLength   *int   `json:"max_length"`
	Required    *bool  `json:"required"`
}

// menu is the menu with this custom id or placeholder. It fails the test if there is
// none.
func (s *Server) menu(m Message, name string) Menu {
	s.t.Helper()
	for _, menu := range m.Menus {
		if menu.CustomID == name || menu.Placeholder == name {
			return menu
		}
	}
	s.t.Fatalf("discordtest: the message has no menu %q but %+v", name, m.Menus)
	return Menu{}
}

// Select picks a value from a menu, named by its custom id or placeholder. As for a real
// member, both have to be under the message now.
func (s *Server) Select(from From, m Message, menu, value string) *Interaction {
	s.t.Helper()
	found := s.menu(m, menu)
	if !slices.ContainsFunc(found.Options, func(p Pick) bool { return p.Value == value }) {
		s.t.Fatalf("discordtest: no member could do that: menu %q has no value %q", menu, value)
	}
	return s.Claim(from, m, map[string]any{"custom_id": found.CustomID, "component_type": aMenu, "values": []string{value}})
}

// Claim presses or picks anything, as a client of its own making could.
func (s *Server) Claim(from From, m Message, data any) *Interaction {
	s.t.Helper()
	return s.raw(from, 3, data, m.ID)
}

// put shows components under a message.
func (m *Message) put(rows []row) {
	m.Buttons, m.Menus = nil, nil
	for _, r := range rows {
		var buttons []Button
		for _, c := range r.Components {
			if c.Type == aMenu {
				m.Menus = append(m.Menus, Menu{CustomID: c.CustomID, Placeholder: c.Placeholder, Options: c.Options})
			} else {
				buttons = append(buttons, c.Button)
			}
		}
		if buttons != nil {
			m.Buttons = append(m.Buttons, buttons)
		}
	}
}

func (p payload) checkComponents() *Failure {
	if p.Components == nil {
		return nil
	}
	if len(*p.Components) > 5 {
		return invalid("components", "BASE_TYPE_BAD_LENGTH")
	}
	seen := make(map[string]bool)
	for n, r := range *p.Components {
		field := fmt.Sprintf("components.%d", n)
		if r.Type != actionRow || len(r.Components) < 1 || len(r.Components) > 5 {
			return invalid(field+".components", "BASE_TYPE_BAD_LENGTH")
		}
		for k, c := range r.Components {
			at := fmt.Sprintf("%s.components.%d", field, k)
			f := c.check(at)
			if c.Type == aMenu {
				f = c.checkMenu(at, len(r.Components) == 1)
			}
			if f != nil {
				return f
			}
			if c.CustomID != "" && seen[c.CustomID] {
				return invalid(at+".custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED")
			}
			seen[c.CustomID] = true
		}
	}
	return nil
}

func (b Button) check(at string) *Failure {
	link := b.Style == 5
	switch {
	case b.Type != aButton:
		return invalid(at+".type", "UNION_TYPE_CHOICES")
	case b.Style < 1 || b.Style > 5:
		return invalid(at+".style", "BASE_TYPE_CHOICES")
	case length(b.Label) < 1 || length(b.Label) > 80:
		return invalid(at+".label", "BASE_TYPE_BAD_LENGTH")
	case link != (b.URL != "") || link != (b.CustomID == ""):
		return invalid(at+".custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED")
	case length(b.CustomID) > 100:
		return invalid(at+".custom_id", "BASE_TYPE_BAD_LENGTH")
	}
	return nil
}

// checkMenu checks a menu from which one value is picked.
func (c component) checkMenu(at string, alone bool) *Failure {
	one := func(n *int) bool { return n == nil || *n == 1 }
	switch {
	case !alone:
		return invalid(at, "COMPONENT_LAYOUT_WIDTH_EXCEEDED")
	case length(c.CustomID) < 1 || length(c.CustomID) > 100:
		return invalid(at+".custom_id", "BASE_TYPE_BAD_LENGTH")
	case length(c.Placeholder) > 150:
		return invalid(at+".placeholder", "BASE_TYPE_MAX_LENGTH")
	case len(c.Options) < 1 || len(c.Options) > 25:
		return invalid(at+".options", "BASE_TYPE_BAD_LENGTH")
	case !one(c.MinValues) || !one(c.MaxValues):
		return invalid(at+".max_values", "DISCORDTEST_ONE_VALUE_ONLY")
	}
	seen, defaults := make(map[string]bool), 0
	for n, o := range c.Options {
		field := fmt.Sprintf("%s.options.%d", at, n)
		switch {
		case length(strings.TrimSpace(o.Label)) < 1 || length(o.Label) > 100:
			return invalid(field+".label", "BASE_TYPE_BAD_LENGTH")
		case length(o.Value) < 1 || length(o.Value) > 100:
			return invalid(field+".value", "BASE_TYPE_BAD_LENGTH")
		case seen[o.Value]:
			return invalid(field+".value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED")
		}
		seen[o.Value] = true
		if o.Default {
			defaults++
		}
	}
	if defaults > 1 {
		return invalid(at+".options", "SELECT_COMPONENT_TOO_MANY_DEFAULT_OPTIONS")
	}
	return nil
}
