package discord_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log" //nolint:depguard // discordgo prints through it
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"liqbot/chat"
	"liqbot/locales"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
	"liqbot/secret"
)

// standardLog is what anybody, such as discordgo, prints through package log.
var standardLog lockedBuffer

func TestMain(m *testing.M) {
	log.SetOutput(&standardLog)
	locales.For(locales.Default) // reading them takes long enough to miss a first answer
	flag.Parse()
	// discordgo sleeps a second whenever it closes a connection, so these tests
	// wait far more than they compute. Fuzzing computes.
	if flag.Lookup("test.fuzz").Value.String() == "" {
		if err := flag.Set("test.parallel", "24"); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	if text := standardLog.String(); text != "" {
		fmt.Fprintln(os.Stderr, "something was printed to the standard log:", text)
		code = 1
	}
	if err := goleak.Find(knownLeak); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// knownLeak is the goroutine that a stuck handshake leaves in discordgo: package
// discord says why.
var knownLeak = goleak.IgnoreAnyFunction("github.com/bwmarrin/discordgo.(*Session).Open")

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// memoryClaims is chat.Claims in memory.
type memoryClaims struct {
	mu   sync.Mutex
	seen map[string]bool
	err  error
}

func (c *memoryClaims) Claim(_ context.Context, id string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false, c.err
	}
	if c.seen == nil {
		c.seen = make(map[string]bool)
	}
	first := !c.seen[id]
	c.seen[id] = true
	return first, nil
}

func (c *memoryClaims) Claimed(_ context.Context, id string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[id], c.err
}

func (c *memoryClaims) Release(_ context.Context, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, id)
	return c.err
}

// world is an adapter running against a loopback Discord.
type world struct {
	*discordtest.Server

	t       *testing.T
	adapter *discord.Adapter
	logs    *lockedBuffer
	stop    context.CancelFunc
	result  chan error

	mu     sync.Mutex
	counts map[string]int
	states []string
}

var commands = []chat.Command{
	{
		Name: "liq", Description: map[string]string{"en": "Liquidation map of a coin", "ru": "Карта", "zh-Hans": "清算地图"},
		Options: []chat.Option{
			{Name: "coin", Kind: chat.CoinOption, Description: map[string]string{"en": "Coin, such as BTC"}},
			{
				Name: "window", Kind: chat.ChoiceOption, Description: map[string]string{"en": "Look-back"},
				Choices: []chat.Choice{{Label: "24 hours", Value: "1d"}, {Label: "7 days", Value: "7d"}},
			},
		},
	},
	{Name: "lang", Admin: true, Description: map[string]string{"en": "Language of this chat"}},
	{Name: "stats", Owner: true, Description: map[string]string{"en": "How the bot is doing"}},
	{
		Name: "alerts", Admin: true, Description: map[string]string{"en": "Alerts of this chat"},
		Options: []chat.Option{
			{Name: "amount", Kind: chat.TextOption, Description: map[string]string{"en": "Least amount"}},
			{Name: "place", Kind: chat.PlaceOption, Description: map[string]string{"en": "Another channel"}},
		},
	},
}

// quick keeps the waits of a test short, but those that a busy machine needs.
var quick = discord.Timing{
	Call: 5 * time.Second, Open: 5 * time.Second,
	BackoffMin: 10 * time.Millisecond, BackoffMax: 100 * time.Millisecond, Drain: 2 * time.Second,
}

// start runs an adapter until the test ends.
func start(t *testing.T, srv *discordtest.Server, handle chat.Handler, change ...func(*discord.Config)) *world {
	t.Helper()
	w := &world{Server: srv, t: t, logs: new(lockedBuffer), result: make(chan error, 1), counts: make(map[string]int)}
	cfg := discord.Config{
		Token: secret.New(discordtest.Token), APIURL: srv.URL(), Claims: new(memoryClaims),
		Bot:    chat.Bot{Handle: handle, Commands: commands},
		Log:    slog.New(slog.NewJSONHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Count:  w.count,
		State:  w.state,
		Timing: quick,
	}
	for _, c := range change {
		c(&cfg)
	}
	adapter, err := discord.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	w.adapter, w.stop = adapter, stop
	go func() { w.result <- adapter.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		_ = w.end()
		w.noSecrets()
	})
	return w
}

// end waits for Run and returns its error.
func (w *world) end() error {
	w.t.Helper()
	select {
	case err := <-w.result:
		w.result <- err
		return err
	case <-time.After(10 * time.Second):
		w.t.Error("Run did not return within 10 s")
		return nil
	}
}

func (w *world) noSecrets() {
	w.t.Helper()
	for _, planted := range []string{discordtest.Token, "planted", "interaction-token", "chat-text"} {
		if strings.Contains(w.logs.String(), planted) {
			w.t.Errorf("the log holds %q:\n%s", planted, w.logs)
		}
	}
}

func (w *world) count(event string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[event]++
}

func (w *world) state(up bool, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = append(w.states, fmt.Sprintf("%t %s", up, reason))
}

// counted waits until an event was counted n times.
func (w *world) counted(event string, n int) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%d of %s", n, event), func() bool { return w.counts[event] >= n })
}

// eventually polls a condition under the lock.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		w.mu.Lock()
		done := ok()
		w.mu.Unlock()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			w.t.Fatalf("waited in vain for %s; counted %v, states %q", what, w.counts, w.states)
		}
	}
}

func say(text string) chat.Handler {
	return func(context.Context, chat.Request) chat.Reply { return chat.Reply{Text: chat.Plainly(text)} }
}

var png = append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{7}, 2000)...)

func picture(text string) chat.Reply {
	return chat.Reply{
		Text:    chat.Text{{Text: text, Style: chat.Bold}, {Text: "\nbody"}},
		Picture: &chat.Picture{PNG: png, Name: "btc-7d.png", Alt: "a map of BTC"},
		Buttons: [][]chat.Button{{{Label: "1d", Data: "liq:BTC:1d"}, {Label: "7d", Data: "liq:BTC:7d", Active: true}}, {{Label: "Refresh", Data: "liq:BTC:7d"}}},
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := func() discord.Config {
		return discord.Config{Token: secret.New("Bot abc.def"), Claims: new(memoryClaims), Bot: chat.Bot{Handle: say("x")}}
	}
	tests := []struct {
		name   string
		change func(*discord.Config)
		ok     bool
	}{
		{"complete", func(*discord.Config) {}, true},
		{"spaces around the token", func(c *discord.Config) { c.Token = secret.New(" abc.def\n") }, true},
		{"no token", func(c *discord.Config) { c.Token = secret.New("Bot ") }, false},
		{"token with a line break", func(c *discord.Config) { c.Token = secret.New("planted\nsecret") }, false},
		{"address without scheme", func(c *discord.Config) { c.APIURL = "discord.com" }, false},
		{"address with password", func(c *discord.Config) { c.APIURL = "https://me:planted@discord.com" }, false},
		{"no handler", func(c *discord.Config) { c.Bot.Handle = nil }, false},
		{"no claims", func(c *discord.Config) { c.Claims = nil }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := good()
			tt.change(&cfg)
			_, err := discord.New(cfg)
			if (err == nil) != tt.ok {
				t.Fatalf("New: got error %v, want ok %t", err, tt.ok)
			}
			if err != nil && strings.Contains(err.Error(), "planted") {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
}

func TestWrongTokenIsRefused(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	w := start(t, srv, say("x"), func(c *discord.Config) { c.Token = secret.New("some.other.planted") })
	if err := w.end(); !errors.Is(err, chat.ErrRefused) || strings.Contains(err.Error(), "planted") {
		t.Errorf("Run: got %v, want an error that wraps ErrRefused and holds no token", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	tests := []struct {
		name, token string
		ok          bool
	}{
		{"right token", discordtest.Token, true},
		{"wrong token", "some.other.planted", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			adapter, err := discord.New(discord.Config{
				Token: secret.New(tt.token), APIURL: srv.URL(), Claims: new(memoryClaims), Bot: chat.Bot{Handle: say("x")},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := adapter.Check(t.Context())
			if (err == nil) != tt.ok || tt.ok && !strings.Contains(got, "liqbot") {
				t.Errorf("Check: got %q, %v, want ok %t", got, err, tt.ok)
			}
			if err != nil && strings.Contains(err.Error(), "planted") {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}
