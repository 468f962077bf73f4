package main

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"liqbot/platforms/telegram/telegramtest"
)

// startBot runs a subcommand of the bot that serves until the test ends, with these
// settings, and returns the web chat's address.
func startBot(t *testing.T, command string, environ ...string) string {
	t.Helper()
	return startBotLogging(t, t.Output(), command, environ...)
}

func startBotLogging(t *testing.T, log io.Writer, command string, environ ...string) string {
	t.Helper()
	announced := make(announcement, 1)
	environ = append([]string{"SOURCE=demo", "WEB_ADDR=127.0.0.1:0", "DATA_DIR=" + t.TempDir()}, environ...)
	sh := &shell{environ: environ, dotenv: filepath.Join(t.TempDir(), ".env"), out: announced, err: log}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- sh.main(ctx, []string{command}) }()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("bot %s ended with %d", command, code)
		}
	})
	select {
	case line := <-announced:
		address, _, _ := strings.Cut(line[strings.Index(line, "http://"):], " ")
		return address
	case code := <-ended:
		ended <- code
		t.Fatalf("bot %s ended with %d", command, code)
	case <-time.After(10 * time.Second):
		t.Fatalf("bot %s announces nothing", command)
	}
	return ""
}

// announcement passes on the first line that is written to it.
type announcement chan string

func (a announcement) Write(p []byte) (int, error) {
	select {
	case a <- string(p):
	default:
	}
	return len(p), nil
}

// logged is a log that can be searched while it is written.
type logged struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func fetch(t *testing.T, address string) (int, string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestTelegramFromEndToEnd(t *testing.T) {
	server := telegramtest.New(t)
	var log logged
	page := startBotLogging(t, &log, "run", "DEMO_SPEED=0.01", "TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(), "OWNER_IDS=telegram:7")
	server.PrivateText(7, "/liq btc secret-chat-text")
	server.PrivateText(7, "/liq btc")
	server.WaitFor("two replies", func() bool { return len(server.Messages(7)) == 2 })
	m := server.Messages(7)[1]
	for _, want := range []string{"DEMO", "$90,131.71", "$2.705B", "$1.563B", "1.73x"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("reply lacks %q:\n%s", want, m.Text)
		}
	}
	picture, err := png.Decode(bytes.NewReader(m.Photo))
	if err != nil || picture.Bounds().Dx() != 1080 || picture.Bounds().Dy() != 1350 {
		t.Errorf("picture: %v, %v", picture.Bounds(), err)
	}
	server.Press(7, m, "v1|liq|BTC|30d|edit")
	server.WaitFor("the edit", func() bool { return strings.Contains(server.Messages(7)[1].Text, "30d") })
	server.SetMember(-100, 8, "member")
	server.GroupText(-100, 8, "/lang ru")
	server.WaitFor("the refusal", func() bool { return len(server.Messages(-100)) == 1 })
	if got := server.Messages(-100)[0].Text; !strings.Contains(got, "Only admins") {
		t.Errorf("a member's /lang: %q", got)
	}
	server.SetMember(-100, 8, "administrator")
	server.GroupText(-100, 8, "/lang ru")
	server.WaitFor("the change", func() bool { return len(server.Messages(-100)) == 2 })
	if got := server.Messages(-100)[1].Text; !strings.Contains(got, "Русский") {
		t.Errorf("an administrator's /lang: %q", got)
	}
	server.SetMember(-100123, 8, "member")
	server.GroupText(-100, 8, "", telegramtest.With("migrate_to_chat_id", -100123))
	server.WaitFor("the move to be done", func() bool { return server.Unconfirmed() == 0 })
	server.GroupText(-100123, 8, "/help")
	server.WaitFor("help in the supergroup", func() bool { return len(server.Messages(-100123)) == 1 })
	if got := server.Messages(-100123)[0].Text; !strings.Contains(got, "Команды") {
		t.Errorf("the language did not follow the group: %q", got)
	}
	if code, body := fetch(t, page+"readyz"); code != http.StatusOK || !strings.Contains(body, `"telegram","up":true`) {
		t.Errorf("readyz: %d %s", code, body)
	}
	_, metrics := fetch(t, page+"metrics")
	for _, output := range []string{log.String(), metrics} {
		for _, planted := range []string{server.Token(), "TEST-secret", "secret-chat-text"} {
			if strings.Contains(output, planted) {
				t.Errorf("the output holds %q", planted)
			}
		}
	}
}

// A platform that refuses its token does not keep the others from serving.
func TestPlatformThatIsDownDoesNotStopTheOthers(t *testing.T) {
	server := telegramtest.New(t)
	server.Revoke()
	var log logged
	page := startBotLogging(t, &log, "run", "TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(),
		"DISCORD_TOKEN=planted-discord-token", "DISCORD_API_URL=http://127.0.0.1:1")
	deadline := time.Now().Add(10 * time.Second)
	for {
		code, body := fetch(t, page+"readyz")
		if code == http.StatusOK && strings.Contains(body, `"discord","up":false`) && strings.Contains(body, `"telegram","up":false`) && strings.Contains(body, `"web","up":true`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("readyz: %d %s", code, body)
		}
	}
	if strings.Contains(log.String(), "planted-discord-token") || strings.Contains(log.String(), server.Token()) {
		t.Error("the log holds a token")
	}
}

// What was answered before a restart is not answered again after it, even when
// Telegram delivers it once more.
func TestNothingIsAnsweredTwiceAcrossARestart(t *testing.T) {
	server := telegramtest.New(t)
	data := "DATA_DIR=" + t.TempDir()
	environ := []string{data, "DEMO_SPEED=0.01", "TELEGRAM_TOKEN=" + server.Token(), "TELEGRAM_API_URL=" + server.URL()}
	server.Know(7)
	question := fmt.Sprintf(`{"update_id":9000,"message":{"message_id":1,"date":%d,"chat":{"id":7,"type":"private"},"from":{"id":7},"text":"/help",`+
		`"entities":[{"type":"bot_command","offset":0,"length":5}]}}`, time.Now().Unix())
	t.Run("before", func(t *testing.T) {
		startBot(t, "run", environ...)
		server.SendRaw(9000, question)
		server.WaitFor("the answer", func() bool { return len(server.Messages(7)) == 1 })
	})
	server.SendRaw(9000, question)
	t.Run("after", func(t *testing.T) {
		startBot(t, "run", environ...)
		server.PrivateText(7, "/about")
		server.WaitFor("the answer to the next question", func() bool {
			all := server.Messages(7)
			return strings.Contains(all[len(all)-1].Text, "What the numbers mean")
		})
		if n := len(server.Messages(7)); n != 2 {
			t.Errorf("%d messages, want 2", n)
		}
	})
}

func TestTelegramByWebhook(t *testing.T) {
	server := telegramtest.New(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	startBot(t, "run", "WEB_ADDR="+addr, "DEMO_SPEED=0.01", "TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(),
		"TELEGRAM_WEBHOOK_URL=http://"+addr+"/telegram", "TELEGRAM_WEBHOOK_SECRET=planted_webhook_secret")
	server.WaitFor("the webhook", func() bool { return len(server.Calls("setWebhook")) == 1 })
	server.PrivateText(7, "/liq btc")
	server.WaitFor("the reply", func() bool { return len(server.Messages(7)) == 1 })
	if got := server.Messages(7)[0]; !strings.Contains(got.Text, "$2.705B") || got.Photo == nil {
		t.Errorf("reply: %s", got.Text)
	}
	for _, secret := range []string{"", "wrong"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/telegram", strings.NewReader(`{"update_id":1}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusUnauthorized {
			t.Errorf("secret %q: %s, %v; want 401", secret, response.Status, err)
		}
	}
}

// The page is in the language that was chosen in it, also after a reload.
func TestWebPageKeepsTheChosenLanguage(t *testing.T) {
	page := startBot(t, "demo")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	load := func() string {
		response, err := client.Get(page)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if !strings.Contains(load(), `lang="en"`) {
		t.Fatal("the page is not in English at first")
	}
	response, err := client.Post(page+"api/messages", "application/json", strings.NewReader(`{"text":"/lang ru"}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("/lang: %s, %v", response.Status, err)
	}
	if !strings.Contains(load(), `lang="ru"`) {
		t.Error("after /lang ru the page is not in Russian")
	}
}
