package main

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"liqbot/platforms/telegram/telegramtest"
)

var (
	killRounds = flag.Int("kill-rounds", 2, "how often TestKilledInTheMiddle kills the bot")
	killRate   = flag.String("kill-rate", "200", "messages a second in TestKilledInTheMiddle")
)

// TestKilledInTheMiddle kills the real binary in the middle of a fan-out, starts it
// again and counts, at the receiving server, what people saw: nobody is missed, and
// nobody sees more than was on its way at the kill twice, and that marked.
func TestKilledInTheMiddle(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "bot")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	const chats = 500
	for round := range *killRounds {
		server := telegramtest.New(t)
		dir := t.TempDir()
		prefill(t, dir, 1000, chats)
		for id := int64(1000); id < 1000+chats; id++ {
			server.Know(id)
		}
		environ := append(onRecording(recordBreakout(t, 2*time.Second)), "DATA_DIR="+dir, "WEB_ADDR=127.0.0.1:0",
			"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(), "TELEGRAM_RATE="+*killRate, "PATH="+os.Getenv("PATH"))
		sent := func() int { return len(server.Calls("sendPhoto")) }
		bot := startBinary(t, binary, environ)
		at := 1 + rand.N(chats-60)
		deadline := time.Now().Add(time.Minute)
		for sent() < at && time.Now().Before(deadline) {
			<-time.After(5 * time.Millisecond)
		}
		if err := bot.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = bot.Wait()
		again := startBinary(t, binary, environ)
		counts := func() (missed, doubles, unmarked int) {
			for id := int64(1000); id < 1000+chats; id++ {
				all := server.Messages(id)
				if len(all) == 0 {
					missed++
				}
				for i := 1; i < len(all); i++ {
					doubles++
					if !strings.Contains(all[i].Text, "Repeat") {
						unmarked++
					}
				}
			}
			return missed, doubles, unmarked
		}
		deadline = time.Now().Add(time.Minute)
		for missed, _, _ := counts(); missed > 0 && time.Now().Before(deadline); missed, _, _ = counts() {
			<-time.After(100 * time.Millisecond)
		}
		<-time.After(2 * time.Second) // whatever else comes
		missed, doubles, unmarked := counts()
		t.Logf("round %d: killed after %d of %d, missed %d, doubles %d, unmarked %d", round+1, at, chats, missed, doubles, unmarked)
		if missed > 0 || unmarked > 0 || doubles > window(*killRate) {
			t.Errorf("round %d: missed %d, doubles %d, of them unmarked %d", round+1, missed, doubles, unmarked)
		}
		_ = again.Process.Signal(os.Interrupt)
		if err := again.Wait(); err != nil {
			t.Errorf("the bot ended with %v", err)
		}
		server.Close()
	}
}

// window is how many deliveries may be on their way at once at a rate.
func window(rate string) int {
	var n int
	for _, r := range rate {
		n = n*10 + int(r-'0')
	}
	return n
}

func startBinary(t *testing.T, binary string, environ []string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary, "run")
	cmd.Env, cmd.Dir = environ, t.TempDir()
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}
