package main

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"liqbot/platforms/telegram/telegramtest"
)

var (
	bulkChats = flag.Int("bulk-chats", 100_000, "recipients in TestBulk")
	bulkRate  = flag.Int("bulk-rate", 200, "messages a second in TestBulk, paid for")
)

// TestBulk sends a breakout to very many chats of a server that enforces Telegram's limits,
// asks for /liq meanwhile, and prints what is wanted of that and what was seen.
func TestBulk(t *testing.T) {
	if !*measured {
		t.Skip("measures times: run it with -measure, as make bench does")
	}
	server := telegramtest.New(t)
	server.EnforceLimits()
	server.Latency(60 * time.Millisecond)
	dir := t.TempDir()
	prefill(t, dir, firstChat, *bulkChats)
	for id := range int64(*bulkChats) {
		server.Know(firstChat + id)
	}
	binary := buildBot(t)
	environ := append(onRecording(recordBreakout(t, 40*time.Second)), "DATA_DIR="+dir, "WEB_ADDR=127.0.0.1:0", "PATH="+os.Getenv("PATH"),
		"TELEGRAM_TOKEN="+server.Token(), "TELEGRAM_API_URL="+server.URL(), "TELEGRAM_RATE="+strconv.Itoa(*bulkRate), "TELEGRAM_PAID_BROADCAST=on")
	bot := startBinary(t, binary, environ)
	asker := &asker{server: server, next: 2_000_000}
	asker.ask(t, 20) // warm
	idle := asker.ask(t, 200)
	for server.Called("sendPhoto") < 2*asker.asked {
		<-time.After(50 * time.Millisecond)
	}
	before := statusOf(t, bot.Process.Pid)
	half := *bulkChats / 2 // without questions: replies come first and have their share of the rate
	for server.Called("sendPhoto") < asker.asked+half {
		<-time.After(20 * time.Millisecond)
	}
	after := statusOf(t, bot.Process.Pid)
	var busy []time.Duration
	for done := 0; done < *bulkChats; done = server.Called("sendPhoto") - asker.asked {
		if *bulkChats-done > 2**bulkRate { // so that all samples are taken beside posts
			busy = append(busy, asker.ask(t, 1)...)
		}
		<-time.After(400 * time.Millisecond)
	}
	<-time.After(2 * time.Second)
	slices.Sort(busy)
	times, once := toldAt(server)
	took, best := times[half-1].Sub(times[0]), time.Duration(half-1)*time.Second/time.Duration(*bulkRate)
	share := 100 * float64(best) / float64(took)
	p99 := func(all []time.Duration) time.Duration { return all[len(all)*99/100] }
	t.Logf("%d of %d chats told once; wanted: >= 97 %% of %d a second, seen: %.1f %% (%d in %v)", once, *bulkChats, *bulkRate, share, half, took.Round(time.Millisecond))
	t.Logf("wanted: no refusal for the limits, seen: %d", server.Limited())
	t.Logf("wanted: /liq p99 within 2x of idle, seen: %v idle, %v during it (%.2fx; %d and %d samples)", p99(idle), p99(busy), float64(p99(busy))/float64(p99(idle)), len(idle), len(busy))
	t.Logf("wanted: <= 3072 bytes to the disk a delivery, seen: %.0f of pages, %.0f by the kernel's count of its cache",
		float64(after.passed-before.passed)/float64(half), float64(after.written-before.written)/float64(half))
	t.Logf("resident memory: %d MB before, %d MB after", before.resident>>20, after.resident>>20)
	if once != *bulkChats || share < 97 || server.Limited() > 0 {
		t.Error("want everybody told once, at the rate, without a refusal")
	}
}

// asker is members who ask for /liq, each once.
type asker struct {
	server *telegramtest.Server
	next   int64
	asked  int
}

// ask returns the times, in order, from the updates until the calls that send the replies.
func (a *asker) ask(t *testing.T, n int) []time.Duration {
	t.Helper()
	var took []time.Duration
	for range n {
		a.next++
		a.asked++
		began := time.Now()
		a.server.PrivateText(a.next, "/liq btc")
		var all []telegramtest.Message
		a.server.WaitFor("a reply", func() bool { all = a.server.Messages(a.next); return len(all) > 0 })
		took = append(took, all[0].At.Sub(began))
		<-time.After(60 * time.Millisecond)
	}
	slices.Sort(took)
	return took
}

// status is, in bytes, what a process has passed to the kernel to write, into sockets as
// well, what the kernel says that it has written to disks, and its resident memory.
type status struct{ passed, written, resident int64 }

func statusOf(t *testing.T, pid int) status {
	t.Helper()
	field := func(file, name string, unit int64) int64 {
		data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + file)
		if err != nil {
			t.Skip("the system does not tell what a process does")
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			if rest, ok := strings.CutPrefix(line, name); ok {
				n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				return n * unit
			}
		}
		return 0
	}
	return status{passed: field("io", "wchar:", 1), written: field("io", "write_bytes:", 1), resident: field("status", "VmRSS:", 1<<10)}
}

// toldAt is when chats were told, in order, and how many were told once.
func toldAt(server *telegramtest.Server) (times []time.Time, once int) {
	for id := range int64(*bulkChats) {
		all := server.Messages(firstChat + id)
		if len(all) == 1 {
			once++
		}
		for _, m := range all {
			times = append(times, m.At)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times, once
}
