package discord

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/bwmarrin/discordgo"

	"liqbot/chat"
)

// run is what one Adapter.Run works with.
type run struct {
	token  string
	bot    chat.Bot
	log    *slog.Logger
	count  func(string)
	state  func(bool, string)
	timing Timing

	client *http.Client
	// rest never opens a gateway: it is for calls with the bot token.
	rest *discordgo.Session
	desk *desk
	// take answers an interaction and left tells of a channel that is gone; they may
	// outlive the gateway for the drain.
	take func(i *discordgo.Interaction, raw []byte)
	left func(*discordgo.Channel)
	// application hears the application's id from READY, once is enough.
	application chan string
	// trouble is the last one that was logged, empty while all is well. Only serve
	// uses it.
	trouble string
}

// newRun prepares a run; work is the life of the answers under way.
func newRun(work context.Context, a *Adapter) (*run, error) {
	client := a.newClient()
	rest, err := newSession(a.token, client)
	if err != nil {
		return nil, err
	}
	r := &run{
		token: a.token, bot: a.cfg.Bot, log: a.cfg.Log, count: a.cfg.Count, state: a.cfg.State, timing: a.cfg.Timing,
		client: client, rest: rest, application: make(chan string, 1),
	}
	r.desk = newDesk(a, &courier{client: client, timing: a.cfg.Timing, count: a.cfg.Count})
	r.take = func(i *discordgo.Interaction, raw []byte) { r.desk.take(work, i, raw) }
	r.left = func(c *discordgo.Channel) { r.desk.left(work, c) }
	return r, nil
}

// introduce keeps the application's id for syncCommands.
func (r *run) introduce(e *discordgo.Ready) {
	id := ""
	switch {
	case e.Application != nil && e.Application.ID != "":
		id = e.Application.ID
	case e.User != nil:
		id = e.User.ID
	}
	select {
	case r.application <- id:
	default:
	}
}
