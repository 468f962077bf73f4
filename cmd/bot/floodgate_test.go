package main

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/chat"
)

func TestFloodgateStopsOneAndNotTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handle := newFloodgate().guard(func(context.Context, chat.Request) chat.Reply { return chat.Reply{Text: chat.Plainly("answer")} })
		ask := func(platform chat.Platform, member, room string) string {
			return handle(t.Context(), chat.Request{
				Target: chat.Target{Platform: platform, Chat: room}, Member: chat.Member{Platform: platform, ID: member}, LanguageHint: "ru",
			}).Text.String()
		}
		var answers, notices, silence int
		for range 100 {
			switch got := ask(chat.Telegram, "flooder", "a"); {
			case got == "answer":
				answers++
			case strings.Contains(got, "Подождите"):
				notices++
			case got == "":
				silence++
			}
		}
		if answers != memberBurst || notices != 1 || silence != 100-memberBurst-1 {
			t.Errorf("%d answers, %d notices, %d times silence", answers, notices, silence)
		}
		if ask(chat.Telegram, "other", "a") != "answer" || ask(chat.Discord, "flooder", "a") != "answer" || ask(chat.Web, "x", "x") != "answer" {
			t.Error("others are stopped as well")
		}
		<-time.After(2 * time.Second)
		if ask(chat.Telegram, "flooder", "a") != "answer" {
			t.Error("the flooder is stopped for ever")
		}
	})
}
