// Package chat is a chat without a platform: a request comes in, a reply goes
// out. Platforms translate between it and their wire; handlers think in it. It
// holds no HTML, no Telegram or Discord word, no market word, does no I/O and
// owns no goroutine.
package chat

import (
	"context"
	"errors"
	"time"
)

// Platform names a place where people chat.
type Platform string

// The platforms.
const (
	Telegram Platform = "telegram"
	Discord  Platform = "discord"
	Web      Platform = "web"
	Console  Platform = "console"
)

// Target is where a message goes: a chat and, where there are any, a topic in it.
type Target struct {
	Platform Platform
	// Chat is the platform's id of the chat, channel or DM.
	Chat string
	// Thread is the id of a forum topic; empty for none.
	Thread string
}

// Kind is the kind of a chat, which decides who may change its settings.
type Kind uint8

// The kinds of chat.
const (
	// Private is one member and the bot: the member decides.
	Private Kind = iota + 1
	// Group is several members: its administrators decide.
	Group
	// Channel is a place where only administrators post.
	Channel
)

// Member is who wrote or pressed. ID is empty when the platform does not tell,
// as for a channel post or an anonymous administrator.
type Member struct {
	Platform Platform
	ID       string
}

// Shape is the format of a picture that suits a platform.
type Shape uint8

// The shapes of a picture.
const (
	// Wide is 1280x720, for a page, Discord and a file.
	Wide Shape = iota
	// Portrait is 1080x1350 with price going up, for a phone.
	Portrait
)

// Request is one thing that a member asked: a typed command, a slash command
// turned into the same text, or a press on a button.
type Request struct {
	// ID is unique for this event on its platform and the same when the platform
	// delivers it again.
	ID     string
	Target Target
	// MemberName is how the member is called there, for a chat's own log; empty when
	// the platform does not tell.
	MemberName string
	// Home is the chat whose choices count, where that is not Target: the server
	// that a channel belongs to. Zero means Target.
	Home   Target
	Kind   Kind
	Member Member
	// Text is what was typed, such as "/liq btc 7d"; empty for a press.
	Text string
	// Press is the Data of the button that was pressed; empty for text. It comes
	// from the client, so it may be forged.
	Press string
	// Addressed reports that the text was meant for this bot: a private chat, a
	// slash command, or the bot's own name behind the command. A group's
	// "/unknown" that is not addressed gets no answer.
	Addressed bool
	// CannotPost says that the bot may not post in Target unasked, as far as the platform
	// tells.
	CannotPost bool
	// LanguageHint is the platform's tag for the member's language, "" for none.
	LanguageHint string
	// ChatLanguageHint is the platform's tag for the chat's language, where it has
	// one, as a Discord server does.
	ChatLanguageHint string
	Shape            Shape
	// Quick asks for an answer from what is ready, without waiting for a source: for
	// replies that are made while a member types.
	Quick bool
	// IsAdmin asks the platform, now, whether the member administers the chat. Where
	// it is nil only private chats can be changed.
	IsAdmin func(context.Context) (bool, error)
	// Place finds another chat that the member has named, such as "@channel", and asks
	// the platform, now, what the member and the bot may do there. Nil where there are
	// no other chats. The error wraps ErrNoPlace when there is no such chat, or none
	// that the bot can see.
	Place func(ctx context.Context, name string) (Place, error)
	// Working is called at most once, when the reply's picture has to be made
	// first. It must return at once; nil is allowed.
	Working func()
}

// Chooser is the chat whose choices count.
func (r Request) Chooser() Target {
	if r.Home != (Target{}) {
		return r.Home
	}
	return r.Target
}

// Reply is the answer to a request. The zero Reply means: say nothing.
type Reply struct {
	Text    Text
	Picture *Picture
	// Buttons are rows of buttons under the message.
	Buttons [][]Button
	// Menus are lists to pick from, below the buttons; a platform without lists shows
	// their choices as buttons.
	Menus []Menu
	// Form asks for values to be typed, where the platform has forms and the request was
	// a press; elsewhere the text says what to type.
	Form *Form
	// Edit asks to replace the message whose button was pressed.
	Edit bool
	// Private asks that only the member sees it, where the platform can.
	Private bool
	// Language is the tag of the language that the text is in, such as "zh-Hans".
	Language string
}

// Silent reports whether there is nothing to say.
func (r Reply) Silent() bool { return len(r.Text) == 0 && r.Picture == nil }

// Picture is a PNG that goes with a text. It may be shared by many replies; do
// not change it.
type Picture struct {
	PNG []byte
	// Name is a file name of letters, digits, dash, underscore and ".png".
	Name string
	// Alt describes the picture to those who do not see it; at most 1,000 bytes.
	Alt string
	// Key is equal for equal pictures within this process, so that an upload can
	// be used again.
	Key string
	// Width and Height are in pixels.
	Width, Height int
}

// MaxPress is the greatest length of a Button's Data, in bytes: Telegram's limit.
const MaxPress = 64

// Button is a button under a message.
type Button struct {
	Label string
	// Data comes back as Request.Press: at most MaxPress bytes of printable ASCII,
	// different for every button of a message.
	Data string
	// Active marks the choice that is shown now.
	Active bool
}

// Menu is a list under a message from which one choice is picked. Picking one comes back
// as Request.Press: Data, a "|" and the choice's value, together at most MaxPress bytes
// of printable ASCII.
type Menu struct {
	// Data is different for every menu of a message.
	Data string
	// Label says what is picked.
	Label   string
	Choices []MenuChoice
}

// MenuChoice is one choice of a Menu; at most 25 in one.
type MenuChoice struct {
	Label, Value string
	// Active marks the choice that is in force.
	Active bool
}

// Form asks for values. Sending it comes back as Request.Text: Command, then the values
// in the order of the fields, with spaces between.
type Form struct {
	Title   string
	Command string
	Fields  []Field
}

// Field is one line of a Form; at most 5 in one.
type Field struct {
	// Name is 1 to 32 of a-z and different for every field.
	Name, Label string
	// Example is shown while the line is empty, Value is what stands in it.
	Example, Value string
	// Optional lines may stay empty.
	Optional bool
}

// Command describes a command for the platforms' menus.
type Command struct {
	// Name is 1 to 32 of a-z, without the slash.
	Name string
	// Description by language tag; every language of the bot, at most 100
	// characters.
	Description map[string]string
	// Options are the arguments in the order in which they are typed.
	Options []Option
	// Owner marks a command for the bot's owners only: it is in no menu.
	Owner bool
	// Admin marks a command that in groups only administrators can use.
	Admin bool
}

// OptionKind says what an argument is.
type OptionKind uint8

// The kinds of arguments.
const (
	// CoinOption is a coin; the platform may complete it with a Suggest.
	CoinOption OptionKind = iota + 1
	// ChoiceOption is one of Choices.
	ChoiceOption
	// TextOption is anything that fits on a line, such as an amount.
	TextOption
	// PlaceOption is another chat, such as "@channel".
	PlaceOption
)

// Option is one argument of a command. All are optional.
type Option struct {
	Name        string
	Description map[string]string
	Kind        OptionKind
	Choices     []Choice
}

// Choice is one value that a ChoiceOption takes.
type Choice struct {
	Label, Value string
	// Labels by language tag, nil where the label is the same in all.
	Labels map[string]string
}

// Handler answers a request. It never fails: what goes wrong is worded in the
// reply. It is safe for concurrent use.
type Handler func(context.Context, Request) Reply

// Suggest completes what a member has typed of a coin so far: at most limit
// choices, the best first, from memory. It is safe for concurrent use.
type Suggest func(typed string, limit int) []Choice

// Bot is what a platform needs of the bot.
type Bot struct {
	Handle   Handler
	Suggest  Suggest
	Commands []Command
	// Moved lets what a chat has chosen follow it to another id; nil when there is
	// nothing to follow. It may be called twice for one move.
	Moved func(ctx context.Context, from, to Target) error
	// Left is told that the bot cannot reach a chat any more, with a constant phrase
	// for the reason, Back that it can: it was added, unblocked or spoken to. Both may
	// be called twice and may be nil.
	Left func(ctx context.Context, t Target, reason string) error
	Back func(ctx context.Context, t Target) error
	// About holds a line for a bot's profile by language tag, at most 120
	// characters; Description says it at length, at most 512.
	About, Description map[string]string
}

// Claims remembers which requests were answered, across restarts.
type Claims interface {
	// Claimed reports whether an id was claimed, without claiming it.
	Claimed(ctx context.Context, id string) (bool, error)
	// Claim reports true the first time it is called with an id and false ever
	// after. It returns once the claim is on disk.
	Claim(ctx context.Context, id string) (bool, error)
	// Release takes a claim back whose answer was certainly not sent.
	Release(ctx context.Context, id string) error
}

// Event is something that happened on a platform, as the platform sent it.
type Event struct {
	// ID is the Request.ID that it leads to; it begins with the platform and a colon.
	ID   string
	Body []byte
}

// Inbox keeps events that a platform has handed over for good and that are not
// answered yet, across restarts. What is kept may hold chat text: it is forgotten
// as soon as it is answered.
type Inbox interface {
	Keep(ctx context.Context, e Event) error
	Done(ctx context.Context, id string) error
	Kept(ctx context.Context, platform Platform) ([]Event, error)
}

// Entry is a line of a chat's log of changes.
type Entry struct {
	At time.Time
	// Member is who changed it and Name what the member was called; the zero Member is
	// an administrator whom the platform does not name.
	Member Member
	Name   string
	// Change is a constant name such as "threshold", Args its names and values in
	// turn.
	Change string
	Args   []string
}

// Arg is the value that stands behind a name in Args, empty for none.
func (e Entry) Arg(name string) string {
	for i := 0; i+1 < len(e.Args); i += 2 {
		if e.Args[i] == name {
			return e.Args[i+1]
		}
	}
	return ""
}

// Erased says what was deleted of a chat.
type Erased struct {
	// Settings says that the chat had chosen something.
	Settings bool
	// Changes are lines of its own log, Mentions those of other chats' logs that named the
	// member, Held alerts that waited, Messages the notes of which message was sent.
	Subscriptions, Levels, Thresholds, Changes, Mentions, Held, Messages int
}

// Settings is what a chat has chosen. Zero fields mean: not chosen.
type Settings struct {
	// Language is a tag such as "ru".
	Language string
	// Coin and Window are used when a command names none.
	Coin, Window string
	// Coins are those that the chat cares for most, the first ones in lists and buttons:
	// names with commas between.
	Coins string
	// TimeZone is an IANA name such as "Europe/Berlin"; times are UTC without one.
	TimeZone string
	// AdminsOnly and Everyone are commands, with commas between, that in this chat only
	// administrators may use, or that everyone may although they change something.
	AdminsOnly, Everyone string
	// Since is when the chat was first seen, UTC.
	Since time.Time
}

// The reasons for which a change of a chat is not taken back.
var (
	// ErrNoChange: there is none that could be.
	ErrNoChange = errors.New("nothing to take back")
	// ErrChanged: what it changed is something else by now.
	ErrChanged = errors.New("changed since")
)

// ErrRefused is in the error of a platform that has refused the bot itself, as
// for a revoked token: trying again soon is of no use, the host has to act.
var ErrRefused = errors.New("refused by the platform")
