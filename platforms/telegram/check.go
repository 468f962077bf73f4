package telegram

import "context"

// Check asks Telegram who the bot is and says it in plain English, for the host.
// It sends no message. The error holds no token.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timing.Call)
	defer cancel()
	var me identity
	if err := a.api.call(ctx, "getMe", struct{}{}, &me); err != nil {
		return "", err
	}
	text := "the token is that of @" + me.Username
	if !me.Inline {
		text += "; inline mode is off (BotFather, /setinline)"
	}
	if !me.Groups {
		text += "; it may not be added to groups (BotFather, /setjoingroups)"
	}
	return text, nil
}
