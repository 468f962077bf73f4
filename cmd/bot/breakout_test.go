package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/platforms/discord/discordtest"
	"liqbot/platforms/telegram/telegramtest"
	"liqbot/storage"
)

// recordBreakout writes a recorded market in which BTC breaks $94,681, up to which
// $2.705B of shorts lie, so long after the start, and stays beyond.
func recordBreakout(t *testing.T, after time.Duration) string {
	t.Helper()
	const start = 1768046400000
	var b strings.Builder
	line := func(at time.Duration, rest string) {
		fmt.Fprintf(&b, `{"t":%d,"coin":"BTC",%s}`+"\n", start+at.Milliseconds(), rest)
	}
	fmt.Fprintf(&b, `{"kind":"market","v":1,"source":"recorded","origin":"vendor","start_ms":%d,"coins":["BTC"]}`+"\n", start)
	levels := `"venues":["Binance","OKX"],"short":[[92000,1000000000,0],[94650,800000000,0],[94681,905000000,1],[99000,900000000,1]],"long":[[88000,500000000,0],[86137,1063000000,1]]`
	for at := time.Duration(0); at < 20*time.Minute; at += time.Second / 5 {
		usd := 90131.71
		if at >= after {
			usd = 94800 + float64(at.Milliseconds()%700)/100
		}
		line(at, fmt.Sprintf(`"kind":"price","usd":%.2f,"price_kind":"mark"`, usd))
		if at%(10*time.Second) == 0 {
			line(at, fmt.Sprintf(`"kind":"map","window":"7d","ref_usd":%.2f,%s`, usd, levels))
		}
	}
	path := filepath.Join(t.TempDir(), "breakout.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// onRecording are settings under which a breakout is confirmed a second after it.
func onRecording(path string) []string {
	return []string{"SOURCE=recorded", "RECORDED_FILE=" + path, "COINS=BTC", "REFRESH_EVERY=200ms", "BREAKOUT_HOLD=1s"}
}

func TestBreakoutReachesTelegram(t *testing.T) {
	t.Parallel()
	server := telegramtest.New(t)
	environ := append(onRecording(recordBreakout(t, 8*time.Second)),
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(), "OWNER_IDS=telegram:7")
	server.SetMember(-1001, 8, "administrator")
	server.SetMember(-1001, 9, "member")
	server.SetMember(-1002, 8, "administrator")
	startBot(t, "run", environ...)
	server.PrivateText(7, "/subscribe btc")
	server.PrivateText(11, "/subscribe btc", telegramtest.With("from", telegramtest.User(11, "ru")))
	server.PrivateText(12, "/subscribe btc")
	server.GroupText(-1001, 8, "/subscribe btc", telegramtest.InTopic(5))
	server.GroupText(-1001, 9, "/unsubscribe all")
	server.GroupText(-1002, 8, "/subscribe btc")
	server.ChannelText(-1003, "/subscribe btc")
	server.PrivateText(13, "/alert btc 94,700")
	has := func(chat int64, n int) bool { return len(server.Messages(chat)) >= n }
	server.WaitFor("the first answers", func() bool {
		return has(7, 1) && has(11, 1) && has(12, 1) && has(-1001, 2) && has(-1002, 1) && has(-1003, 1) && has(13, 1)
	})
	if got := server.Messages(-1001)[1].Text; !strings.Contains(got, "Only admins") {
		t.Errorf("a member is told: %s", got)
	}
	server.GroupText(-1002, 8, "/threshold btc breakout 3B")
	server.PrivateText(12, "/mute 8h")
	server.WaitFor("the threshold and the mute", func() bool { return has(-1002, 2) && has(12, 2) })
	server.WaitFor("the alerts", func() bool {
		return has(7, 2) && has(11, 2) && has(-1001, 3) && has(-1003, 2) && has(13, 2)
	})
	for chat, want := range map[int64]string{
		7: "BTC broke above $94,681", 11: "BTC пробил $94", -1001: "$2.705B of short liquidation intensity", -1003: "BTC broke above $94,681", 13: "BTC rose to $94,700",
	} {
		all := server.Messages(chat)
		m := all[len(all)-1]
		if !strings.Contains(m.Text, want) || len(m.Photo) == 0 {
			t.Errorf("chat %d got %q with %d bytes of photo, want %q", chat, m.Text, len(m.Photo), want)
		}
	}
	alerted := server.Messages(7)[1]
	server.Press(7, alerted, "v1|unsubscribe|BTC")
	server.WaitFor("the answer to the press", func() bool { return has(7, 3) })
	stats := ""
	for n := 4; n < 12 && !strings.Contains(stats, "sent 5"); n++ { // results are written down in batches
		server.PrivateText(7, "/stats")
		server.WaitFor("the stats", func() bool { return has(7, n) })
		stats = server.Messages(7)[n-1].Text
	}
	if !strings.Contains(stats, "sent 5") || !strings.Contains(stats, "Subscribers: 5 chats") {
		t.Errorf("stats:\n%s", stats)
	}
	if n := len(server.Messages(-1002)); n != 2 {
		t.Errorf("the chat with the high threshold has %d messages, want 2", n)
	}
	if n := len(server.Messages(12)); n != 2 {
		t.Errorf("the muted chat has %d messages, want 2", n)
	}
}

func TestBreakoutReachesDiscord(t *testing.T) {
	t.Parallel()
	server := discordtest.New(t)
	environ := append(onRecording(recordBreakout(t, 5*time.Second)), "DISCORD_TOKEN="+discordtest.Token, "DISCORD_API_URL="+server.URL())
	startBot(t, "run", environ...)
	server.WaitConnected()
	from := discordtest.Guild()
	from.Permissions |= 1 << 5 // Manage Server
	reply := server.Slash(from, "subscribe", discordtest.Value{Name: "coin", Value: "btc"}).Reply()
	if !strings.Contains(reply.Text(), "Subscribed") {
		t.Fatalf("reply: %s", reply.Text())
	}
	all := server.WaitMessages(from.Channel, 2)
	m := all[len(all)-1]
	if !strings.Contains(m.Text(), "94,681") || len(m.Files) != 1 {
		t.Errorf("alert: %s with %d files", m.Text(), len(m.Files))
	}
}

// subscribeAll subscribes chats of Telegram to BTC in a data folder; change may add to
// what a chat asks for.
func subscribeAll(t *testing.T, dir string, chats []int64, change func(id int64, a *alert.Chat)) {
	t.Helper()
	store, err := storage.Open(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, id := range chats {
		target := chat.Target{Platform: chat.Telegram, Chat: strconv.FormatInt(id, 10)}
		_, err := store.ChangeAlerts(t.Context(), target, chat.Entry{}, func(a *alert.Chat) error {
			a.Kind, a.Language = chat.Private, "en"
			if id < 0 {
				a.Kind = chat.Group
			}
			a.Subscriptions = append(a.Subscriptions, alert.Subscription{Rule: alert.Breakout, Coin: "BTC"})
			if change != nil {
				change(id, a)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
