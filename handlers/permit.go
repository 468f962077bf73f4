package handlers

import (
	"context"
	"slices"
	"strings"

	"liqbot/chat"
)

// Whom a command may be for in a chat.
const (
	forEveryone = "everyone"
	forAdmins   = "admins"
	forUsual    = "usual"
)

// always are commands that nobody is kept from, so that a chat can always be explained and
// set right, and members can always see to their own data.
var always = []string{"start", "help", "about", "settings", "permit", "privacy", "deletemydata"}

// inList reports whether a list with commas holds a name.
func inList(list, name string) bool { return slices.Contains(strings.Split(list, ","), name) }

// withList adds a name to a list with commas, or takes it out.
func withList(list, name string, in bool) string {
	names := slices.DeleteFunc(strings.Split(list, ","), func(n string) bool { return n == name || n == "" })
	if in {
		names = append(names, name)
		slices.Sort(names)
	}
	return strings.Join(names, ",")
}

// guarded reports whether a command, or its buttons, change something.
func (cmd command) guarded() bool { return cmd.admin || cmd.name == "alerts" }

// admitted checks what the chat says of who may use a command. The reply is the refusal.
func (c *call) admitted(ctx context.Context, cmd command) (bool, chat.Reply) {
	if c.Kind == chat.Private || slices.Contains(always, cmd.name) {
		return true, chat.Reply{}
	}
	if cmd.guarded() && inList(c.settings.Everyone, cmd.name) {
		c.admin = true
		return true, chat.Reply{}
	}
	if !inList(c.settings.AdminsOnly, cmd.name) {
		return true, chat.Reply{}
	}
	if ok, refusal := c.mayChange(ctx); !ok {
		if c.IsAdmin != nil {
			refusal.Text = c.lang.Text("error.admins_command", "command", "/"+cmd.name)
		}
		return false, refusal
	}
	return true, chat.Reply{}
}

// permit answers /permit: who may use which command in this chat.
func permit(ctx context.Context, c *call) chat.Reply {
	s := subject{target: c.Target, home: c.Chooser(), kind: c.Kind}
	if len(c.args) == 0 {
		return whoPage(ctx, c, s, nil)
	}
	name := strings.ToLower(strings.TrimPrefix(c.args[0], "/"))
	cmd, known := c.commands[name]
	switch {
	case !known || cmd.owner || slices.Contains(always, name):
		return c.fail("error.permit")
	case len(c.args) == 1:
		return whoPage(ctx, c, s, []string{name})
	case len(c.args) > 2:
		return c.fail("error.permit")
	}
	who := permitWord(c.args[1])
	if who == "" {
		return c.fail("error.permit")
	}
	if c.Kind == chat.Private {
		return c.fail("permit.private")
	}
	if ok, refusal := c.mayChange(ctx); !ok {
		return refusal
	}
	entry := c.entry("permit", "command", name, "who", who)
	ok, refusal := c.change(ctx, entry, func(settings *chat.Settings) {
		settings.AdminsOnly = withList(settings.AdminsOnly, name, who == forAdmins)
		settings.Everyone = withList(settings.Everyone, name, who == forEveryone && cmd.guarded())
	})
	if !ok {
		return refusal
	}
	return whoPage(ctx, c, s, []string{name})
}

func permitWord(word string) string {
	switch strings.ToLower(word) {
	case "everyone", "everybody", "all", "anyone", "members", "все", "всем", "所有人", "全部":
		return forEveryone
	case "admins", "admin", "админы", "админам", "管理员":
		return forAdmins
	case "usual", "default", "reset", "off", "обычно", "默认":
		return forUsual
	default:
		return ""
	}
}

// permission is whom a command is for in this chat.
func (c *call) permission(cmd command) string {
	switch {
	case inList(c.settings.AdminsOnly, cmd.name):
		return forAdmins
	case cmd.guarded() && inList(c.settings.Everyone, cmd.name):
		return forEveryone
	case cmd.guarded():
		return forAdmins
	default:
		return forEveryone
	}
}

// whoPage shows who may use which command, or of one command, and how to change it.
func whoPage(_ context.Context, c *call, s subject, args []string) chat.Reply {
	l := c.lang
	if s.name != "" {
		return c.fail("permit.there")
	}
	if len(args) == 1 {
		cmd, known := c.commands[args[0]]
		if !known || cmd.owner || slices.Contains(always, cmd.name) {
			return c.fail("error.permit")
		}
		now := c.permission(cmd)
		text := l.Text("permit.of_one", "command", "/"+cmd.name, "who", l.Say("permit."+now))
		var choices []chat.Button
		for _, who := range []string{forEveryone, forAdmins} {
			choices = append(choices, c.choice(s, "permit", l.Say("permit."+who), who == now, cmd.name, who))
		}
		return c.page(s, text, choices, nil, false)
	}
	var p paragraphs
	p.line(l.Text("permit.title"))
	c.sayPermissions(&p)
	p.line(l.Text("permit.usage"))
	// What shows the market, and what changes the chat: one list would be too long.
	shows := chat.Menu{Data: press("settings", "edit", "who"), Label: l.Say("permit.pick")}
	changes := chat.Menu{Data: press("permit", "edit"), Label: l.Say("permit.pick_change")}
	for _, cmd := range commandTable() {
		if cmd.owner || slices.Contains(always, cmd.name) {
			continue
		}
		menu := &shows
		if cmd.guarded() {
			menu = &changes
		}
		menu.Choices = append(menu.Choices, chat.MenuChoice{Label: "/" + cmd.name, Value: cmd.name})
	}
	reply := c.page(s, p.text, nil, nil, false)
	reply.Menus = []chat.Menu{shows, changes}
	return reply
}

// sayPermissions says what is not as usual.
func (c *call) sayPermissions(p *paragraphs) {
	slashed := func(list string) string { return "/" + strings.ReplaceAll(list, ",", ", /") }
	if list := c.settings.AdminsOnly; list != "" {
		p.line(c.lang.Text("permit.for_admins", "commands", slashed(list)))
	}
	if list := c.settings.Everyone; list != "" {
		p.line(c.lang.Text("permit.for_everyone", "commands", slashed(list)))
	}
}
