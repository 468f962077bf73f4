package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/platforms/discord/discordtest"
	"liqbot/platforms/telegram/telegramtest"
	"liqbot/storage"
)

// spoilDisk lets the kernel refuse all that a process writes into files, until mend.
func spoilDisk(t *testing.T, pid int, errno string) (mend func()) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("no strace here, which makes a disk fail: apt install strace")
	}
	var out bytes.Buffer
	cmd := exec.Command(strace, "-f", "-qq", "-o", os.DevNull, "-p", strconv.Itoa(pid), "-e", "trace=pwrite64,fdatasync", "-e", "inject=pwrite64:error="+errno)
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Skipf("strace does not start: %v", err)
	}
	for deadline := time.Now().Add(5 * time.Second); tracer(pid) != cmd.Process.Pid; <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Skipf("strace does not work here: %s", out.String())
		}
	}
	return func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
}

// tracer is the process that traces another one, 0 for none.
func tracer(pid int) int {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "TracerPid:\t")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		return 0
	}
	return n
}

// TestDiskThatTakesNothing fills the disk, or makes it read-only, in the middle of a fan-out:
// what cannot be kept is not sent, questions are answered, a change is refused in plain words,
// and when the disk works again everybody is told, once.
func TestDiskThatTakesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	binary := buildBot(t)
	for _, errno := range []string{"ENOSPC", "EROFS"} {
		t.Run(errno, func(t *testing.T) {
			t.Parallel()
			testSpoiltDisk(t, binary, errno)
		})
	}
}

func testSpoiltDisk(t *testing.T, binary, errno string) {
	t.Helper()
	const chats, rate, asks = 400, 40, 3
	server := telegramtest.New(t)
	server.Latency(30 * time.Millisecond)
	dir := t.TempDir()
	prefill(t, dir, firstChat, chats)
	for id := range int64(chats) {
		server.Know(firstChat + id)
	}
	environ := append(onRecording(recordBreakout(t, 2*time.Second)), "DATA_DIR="+dir, "WEB_ADDR=127.0.0.1:0", "PATH="+os.Getenv("PATH"),
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(), "TELEGRAM_RATE="+strconv.Itoa(rate))
	var log logged
	bot := startBinaryLogging(t, &log, binary, environ)
	server.WaitFor("some alerts", func() bool { return server.Called("sendPhoto") > chats/4 })
	mend := spoilDisk(t, bot.Process.Pid, errno)
	<-time.After(2 * time.Second)
	before := server.Called("sendPhoto")
	if before > chats/4+4*rate {
		t.Errorf("%d were sent, the disk failed after about %d", before, chats/4)
	}
	for id := int64(1); id <= asks; id++ {
		server.PrivateText(id, "/liq btc")
		server.WaitFor("an answer", func() bool { return len(server.Messages(id)) == 1 })
	}
	server.PrivateText(9, "/subscribe btc")
	server.WaitFor("the refusal", func() bool { return len(server.Messages(9)) == 1 })
	if text := server.Messages(9)[0].Text; strings.Contains(text, "Subscribed") || strings.Contains(text, "file") {
		t.Errorf("a change that cannot be kept is answered with %q", text)
	}
	if n := server.Called("sendPhoto") - before; n > asks {
		t.Errorf("%d alerts were sent that could not be kept", n-asks)
	}
	mend()
	for deadline := time.Now().Add(time.Minute); heard(server, chats) < chats && time.Now().Before(deadline); {
		<-time.After(100 * time.Millisecond)
	}
	checkSpoilt(t, server, chats)
	_ = bot.Process.Signal(os.Interrupt)
	if err := bot.Wait(); err != nil {
		t.Errorf("the bot ended with %v", err)
	}
	if n := strings.Count(log.String(), "deliveries rest: the outbox does not work"); n != 1 {
		t.Errorf("the host was told %d times", n)
	}
	checkSent(t, dir, chats)
}

func heard(server *telegramtest.Server, chats int) int {
	n := 0
	for id := range int64(chats) {
		if len(server.Messages(firstChat+id)) > 0 {
			n++
		}
	}
	return n
}

// checkSpoilt checks that every chat was told once.
func checkSpoilt(t *testing.T, server *telegramtest.Server, chats int) {
	t.Helper()
	for id := range int64(chats) {
		if n := len(server.Messages(firstChat + id)); n != 1 {
			t.Errorf("chat %d has %d messages, want 1", id, n)
		}
	}
}

// checkSent checks that the store says the same.
func checkSent(t *testing.T, dir string, chats int) {
	t.Helper()
	store, err := storage.Open(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	totals, err := store.Totals(t.Context())
	if err != nil || totals.Deliveries[alert.Sent] != uint64(chats) || len(totals.Deliveries) != 1 {
		t.Errorf("totals %v, %v; want %d sent", totals.Deliveries, err, chats)
	}
}

// runUntilEnd runs a bot that ends by itself.
func runUntilEnd(t *testing.T, environ ...string) (int, string) {
	t.Helper()
	var log logged
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	sh := &shell{environ: environ, dotenv: filepath.Join(t.TempDir(), ".env"), out: &log, err: &log}
	code := sh.main(ctx, []string{"run"})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Error("the bot did not end by itself")
	}
	return code, log.String()
}

// TestDataOfARunningBot: a second bot on the same data says so and ends, and the first one
// does not notice.
func TestDataOfARunningBot(t *testing.T) {
	t.Parallel()
	server := telegramtest.New(t)
	dir := t.TempDir()
	startBot(t, "run", "DATA_DIR="+dir, "DEMO_SPEED=0.01", "TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL())
	code, out := runUntilEnd(t, "SOURCE=demo", "WEB_ADDR=127.0.0.1:0", "DATA_DIR="+dir)
	if code != exitDataBusy || !strings.Contains(out, "already running on this data folder") {
		t.Errorf("the second bot ended with %d: %s", code, out)
	}
	server.PrivateText(7, "/subscribe btc")
	server.WaitFor("the answer", func() bool { return len(server.Messages(7)) == 1 })
	if text := server.Messages(7)[0].Text; !strings.Contains(text, "Subscribed") {
		t.Errorf("the first bot answers %q", text)
	}
}

// TestDiscordTakesAnAlertOnce: answers that are lost, in whatever way, lead to one message
// without a mark.
func TestDiscordTakesAnAlertOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	t.Parallel()
	for name, fault := range map[string]discordtest.Fault{
		"done, then 502":  {Act: true, Status: 502, Body: "<html>"},
		"done, then lost": {Act: true, Hang: true},
		"not done, 503":   {Status: 503, Body: "<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := discordtest.New(t)
			environ := append(onRecording(recordBreakout(t, 5*time.Second)), "DISCORD_TOKEN="+discordtest.Token, "DISCORD_API_URL="+server.URL())
			startBot(t, "run", environ...)
			server.WaitConnected()
			from := discordtest.Guild()
			from.Permissions |= discordtest.ManageGuild
			server.Slash(from, "subscribe", discordtest.Value{Name: "coin", Value: "btc"}).Reply()
			fault.Method, fault.Path = "POST", "/channels/"+from.Channel+"/messages"
			server.Fail(fault)
			for deadline := time.Now().Add(90 * time.Second); len(server.Calls(fault.Method, fault.Path)) < 2; {
				if <-time.After(50 * time.Millisecond); time.Now().After(deadline) {
					t.Fatal("it was not tried again")
				}
			}
			<-time.After(3 * time.Second)
			all := server.Messages(from.Channel)
			if len(all) != 2 || strings.Contains(all[len(all)-1].Text(), "Repeat") { // the first is the reply
				t.Errorf("%d messages, the last is %s", len(all), all[len(all)-1].Text())
			}
		})
	}
}
