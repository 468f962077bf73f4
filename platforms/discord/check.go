package discord

import (
	"context"
	"fmt"

	"github.com/bwmarrin/discordgo"
)

// Check asks Discord who the bot is and says it in plain English, for the host. It
// opens no gateway and sends no message. The error holds no token.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	client := a.newClient()
	defer client.CloseIdleConnections()
	rest, err := newSession(a.token, client)
	if err != nil {
		return "", err
	}
	me, err := rest.User("@me", discordgo.WithContext(ctx))
	if err != nil {
		return "", fmt.Errorf("discord: %w", restError("who am I", err))
	}
	return "the token is that of " + me.Username, nil
}
