package telegram

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"liqbot/chat"
)

// Limits of the profile in characters
// (https://core.telegram.org/bots/api#setmyshortdescription, #setmydescription)
// and of a command's description (#botcommand).
const (
	maxShort       = 120
	maxDescription = 512
	maxMenuText    = 256
)

// english is the language of the lists that everyone without an own one sees.
const english = "en"

// scopes are the places with an own menu. Telegram shows the first list that fits
// and never merges two, so an administrator's repeats the members' commands.
func scopes() []menuScope {
	return []menuScope{
		{&models.BotCommandScopeDefault{}, false},
		{&models.BotCommandScopeAllPrivateChats{}, true},
		{&models.BotCommandScopeAllGroupChats{}, false},
		{&models.BotCommandScopeAllChatAdministrators{}, true},
	}
}

type menuScope struct {
	scope models.BotCommandScope
	admin bool
}

// introduce registers menus and profile. Failing at it does not keep the bot from
// answering: what is missing is tried at the next start.
func (s *session) introduce(ctx context.Context) {
	var failures []error
	for code, tag := range codes(s.cfg.Bot.Commands) {
		for _, sc := range scopes() {
			failures = append(failures, s.register(ctx, sc, code, menu(s.cfg.Bot.Commands, tag, sc.admin)))
		}
	}
	for code, tag := range profileCodes(s.cfg.Bot.About) {
		failures = append(failures, s.describe(ctx, code, s.cfg.Bot.About[tag], s.cfg.Bot.Description[tag]))
	}
	if err := errors.Join(failures...); err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("telegram menus not fully registered", slog.String("err", clip(err.Error())))
	}
}

// codes leads from Telegram's two-letter language codes to the tags of the
// descriptions; English is the list without a code.
func codes(commands []chat.Command) map[string]string {
	tags := make(map[string]string)
	for _, c := range commands {
		maps.Copy(tags, c.Description)
	}
	return profileCodes(tags)
}

func profileCodes(byTag map[string]string) map[string]string {
	out := make(map[string]string)
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		code, _, _ := strings.Cut(tag, "-")
		if tag == english {
			out[""] = tag
		} else if _, taken := out[code]; !taken && len(code) == 2 && code != english {
			out[code] = tag
		}
	}
	return out
}

// menu lists the commands that may be seen.
func menu(commands []chat.Command, tag string, admin bool) []models.BotCommand {
	var out []models.BotCommand
	for _, c := range commands {
		about := c.Description[tag]
		if about == "" {
			about = c.Description[english]
		}
		if about == "" || c.Owner || c.Admin && !admin {
			continue
		}
		out = append(out, models.BotCommand{Command: c.Name, Description: about[:chat.Prefix(about, maxMenuText)]})
	}
	return out
}

// register sets a list if it differs from what is there.
func (s *session) register(ctx context.Context, sc menuScope, code string, want []models.BotCommand) error {
	if len(want) == 0 {
		return nil
	}
	return s.attempt(ctx, func(ctx context.Context) error {
		have, err := s.api.GetMyCommands(ctx, &bot.GetMyCommandsParams{Scope: sc.scope, LanguageCode: code})
		if err != nil || slices.Equal(have, want) {
			return s.ifAny("getMyCommands", err)
		}
		_, err = s.api.SetMyCommands(ctx, &bot.SetMyCommandsParams{Commands: want, Scope: sc.scope, LanguageCode: code})
		return s.ifAny("setMyCommands", err)
	})
}

// describe sets the texts of the profile if they differ from what is there.
func (s *session) describe(ctx context.Context, code, line, text string) error {
	short := s.attempt(ctx, func(ctx context.Context) error {
		have, err := s.api.GetMyShortDescription(ctx, &bot.GetMyShortDescriptionParams{LanguageCode: code})
		if err != nil || have.ShortDescription == line || line == "" || chat.Units(line) > maxShort {
			return s.ifAny("getMyShortDescription", err)
		}
		_, err = s.api.SetMyShortDescription(ctx, &bot.SetMyShortDescriptionParams{ShortDescription: line, LanguageCode: code})
		return s.ifAny("setMyShortDescription", err)
	})
	long := s.attempt(ctx, func(ctx context.Context) error {
		have, err := s.api.GetMyDescription(ctx, &bot.GetMyDescriptionParams{LanguageCode: code})
		if err != nil || have.Description == text || text == "" || chat.Units(text) > maxDescription {
			return s.ifAny("getMyDescription", err)
		}
		_, err = s.api.SetMyDescription(ctx, &bot.SetMyDescriptionParams{Description: text, LanguageCode: code})
		return s.ifAny("setMyDescription", err)
	})
	return errors.Join(short, long)
}

// ifAny is safe for an error that may be nil.
func (s *session) ifAny(method string, err error) error {
	if err == nil {
		return nil
	}
	return s.safe(method, err)
}

// attempt repeats a call that changes nothing by being repeated, a few times.
func (s *session) attempt(ctx context.Context, call func(context.Context) error) error {
	const tries = 3
	var err error
	for n := range tries {
		if err = s.limited(ctx, s.api.limit, call); err == nil {
			return nil
		}
		c := classOf(err)
		if c != rateLimited && c != unsent && c != uncertain {
			return err
		}
		wait := s.delay(err, n)
		if n == tries-1 || wait > s.cfg.Timing.Pause || rest(ctx, wait) != nil {
			return err
		}
	}
	return err
}
