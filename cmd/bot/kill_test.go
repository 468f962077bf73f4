package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/platforms/telegram/telegramtest"
	"liqbot/storage"
)

var (
	killRounds = flag.Int("kill-rounds", 2, "how often TestKilledInTheMiddle kills the bot")
	killChats  = flag.Int("kill-chats", 500, "recipients in TestKilledInTheMiddle")
	killRate   = flag.Int("kill-rate", 200, "messages a second in TestKilledInTheMiddle")
)

// TestKilledInTheMiddle kills the real binary at a random point of a fan-out, starts it
// again and counts, at the receiving server, what people saw: nobody is missed, and nobody
// sees more than was on its way at the kill twice, and that marked.
func TestKilledInTheMiddle(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	binary := buildBot(t)
	filled := t.TempDir()
	prefill(t, filled, firstChat, *killChats)
	var sum seen
	for round := range *killRounds {
		at := rand.N(*killChats)
		s := killOnce(t, binary, filled, at)
		t.Logf("| %d | %d | %d | %d | %d | %d | %d | %d |", round+1, s.killed, s.missed, s.marked, s.unmarked, *killRate, s.sent, s.uncertain)
		if s.missed > 0 || s.unmarked > 0 || s.marked > *killRate || s.sent+s.uncertain != *killChats {
			t.Errorf("round %d: %+v", round+1, s)
		}
		sum.missed, sum.marked, sum.unmarked, sum.most = sum.missed+s.missed, sum.marked+s.marked, sum.unmarked+s.unmarked, max(sum.most, s.marked)
	}
	t.Logf("round sum: %d kills of a fan-out to %d: missed %d, marked repeats %d (at most %d in a round, bound %d), unmarked doubles %d",
		*killRounds, *killChats, sum.missed, sum.marked, sum.most, *killRate, sum.unmarked)
}

// seen is what the people of a fan-out saw, and what the bot says of it.
type seen struct {
	killed, missed, marked, unmarked, most int
	sent, uncertain                        int
}

func killOnce(t *testing.T, binary, filled string, at int) seen {
	t.Helper()
	server := telegramtest.New(t)
	defer server.Close()
	server.Latency(30 * time.Millisecond)
	dir := t.TempDir()
	copyStore(t, filled, dir)
	for id := range int64(*killChats) {
		server.Know(firstChat + id)
	}
	environ := append(onRecording(recordBreakout(t, 2*time.Second)), "DATA_DIR="+dir, "WEB_ADDR=127.0.0.1:0",
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(), "TELEGRAM_RATE="+strconv.Itoa(*killRate), "PATH="+os.Getenv("PATH"))
	bot := startBinary(t, binary, environ)
	for deadline := time.Now().Add(2 * time.Minute); server.Called("sendPhoto") < at && time.Now().Before(deadline); {
		<-time.After(time.Duration(rand.N(3)) * time.Millisecond)
	}
	if err := bot.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = bot.Wait()
	s := seen{killed: server.Called("sendPhoto")}
	again := startBinary(t, binary, environ)
	deadline := time.Now().Add(2 * time.Minute)
	for s.count(server); s.missed > 0 && time.Now().Before(deadline); s.count(server) {
		<-time.After(200 * time.Millisecond)
	}
	<-time.After(2 * time.Second) // whatever else comes
	_ = again.Process.Signal(os.Interrupt)
	if err := again.Wait(); err != nil {
		t.Errorf("the bot ended with %v", err)
	}
	s.count(server)
	store, err := storage.Open(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	totals, err := store.Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.sent, s.uncertain = int(totals.Deliveries[alert.Sent]), int(totals.Deliveries[alert.Uncertain])
	return s
}

// count counts anew what people saw.
func (s *seen) count(server *telegramtest.Server) {
	s.missed, s.marked, s.unmarked = 0, 0, 0
	for id := range int64(*killChats) {
		all := server.Messages(firstChat + id)
		if len(all) == 0 {
			s.missed++
		}
		for i := 1; i < len(all); i++ {
			if strings.Contains(all[i].Text, "Repeat") {
				s.marked++
			} else {
				s.unmarked++
			}
		}
	}
}

func buildBot(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bot")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

func copyStore(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(from, storage.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, storage.FileName), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func startBinary(t *testing.T, binary string, environ []string) *exec.Cmd {
	t.Helper()
	return startBinaryLogging(t, t.Output(), binary, environ)
}

func startBinaryLogging(t *testing.T, log io.Writer, binary string, environ []string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary, "run")
	cmd.Env, cmd.Dir = environ, t.TempDir()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// prefill subscribes private chats of Telegram, from the id first on, in a data folder. It
// takes the way of an import, which makes one commit of thousands.
func prefill(t *testing.T, dir string, first, n int) {
	t.Helper()
	read, write := io.Pipe()
	go func() {
		_, err := fmt.Fprintf(write, `{"liqbot_export":1,"schema":%d,"at":"2026-01-01T00:00:00Z","bot":"test"}`+"\n", storage.Schema())
		for id := first; id < first+n && err == nil; id++ {
			_, err = fmt.Fprintf(write, `{"platform":%q,"chat":"%d","alerts":{"kind":%d,"language":"en","subscriptions":[{"rule":"breakout","coin":"BTC"}]}}`+"\n", chat.Telegram, id, chat.Private)
		}
		if err == nil {
			_, err = fmt.Fprintf(write, `{"liqbot_end":%d}`+"\n", n)
		}
		write.CloseWithError(err)
	}()
	done, err := storage.Import(t.Context(), dir, read, storage.ImportOptions{Check: storage.Verify})
	if err != nil || done.Alerts.New != n {
		t.Fatalf("prefill: %+v, %v", done, err)
	}
}
