package webchat_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"liqbot/chat"
	"liqbot/platforms/webchat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeBot answers like the real one, without a market, and remembers what it was
// asked.
type fakeBot struct {
	mu    sync.Mutex
	asked []chat.Request
}

func (b *fakeBot) handle(_ context.Context, r chat.Request) chat.Reply {
	b.mu.Lock()
	b.asked = append(b.asked, r)
	b.mu.Unlock()
	switch {
	case strings.HasPrefix(r.Press, "liq:BTC:"):
		reply := liqReply(strings.TrimPrefix(r.Press, "liq:BTC:"), r.Shape)
		reply.Edit = true
		return reply
	case strings.HasPrefix(r.Text, "/liq"):
		return liqReply("1d", r.Shape)
	case r.Text == "/lang ru":
		return chat.Reply{Text: chat.Plainly("Теперь язык – русский."), Language: "ru"}
	case r.Text == "/settings", strings.HasPrefix(r.Press, "zone|"), strings.HasPrefix(r.Press, "coin|"):
		return settingsReply(r.Press)
	case r.Text == "/help":
		return chat.Reply{Text: chat.Text{
			{Text: "Commands", Style: chat.Bold},
			{Text: "\n"},
			{Text: "/liq btc 7d", Style: chat.Code},
			{Text: " – liquidation map: coin, then 1d, 7d or 30d"},
		}, Language: "en"}
	case r.Text == "/panic":
		panic("planted chat text")
	case r.Text == "/silent":
		return chat.Reply{}
	default:
		return chat.Reply{Text: chat.Plainly("You said " + r.Text), Language: "en"}
	}
}

// last returns the newest request.
func (b *fakeBot) last() chat.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) == 0 {
		return chat.Request{}
	}
	return b.asked[len(b.asked)-1]
}

func liqReply(window string, shape chat.Shape) chat.Reply {
	reply := chat.Reply{
		Text: chat.Text{
			{Text: "BTC liquidation map", Style: chat.Bold},
			{Text: " · " + window + "\n\nMark price: "},
			{Text: "$90,131.71", Style: chat.Code},
			{Text: "\n🔵 Above, up to "},
			{Text: "$94,681", Style: chat.Bold},
			{Text: " (+5.05%): "},
			{Text: "$2.705B", Style: chat.Bold},
			{Text: " of short liquidation intensity. If it breaks, shorts must buy back, which can push the price further up." +
				"\n🟠 Below, down to "},
			{Text: "$86,137", Style: chat.Bold},
			{Text: " (-4.43%): "},
			{Text: "$1.563B", Style: chat.Bold},
			{Text: " of long liquidation intensity. If it breaks, longs are sold, which can push the price further down.\n\nAs of "},
			{Text: "3 seconds ago", Style: chat.Italic, At: time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)},
		},
		Picture:  &chat.Picture{PNG: drawn(shape), Name: "btc.png", Alt: "BTC liquidation map, " + window, Width: 1280, Height: 720},
		Language: "en",
	}
	if shape == chat.Portrait {
		reply.Picture.Width, reply.Picture.Height = 1080, 1350
	}
	var row []chat.Button
	for _, w := range []string{"1d", "7d", "30d"} {
		row = append(row, chat.Button{Label: w, Data: "liq:BTC:" + w, Active: w == window})
	}
	reply.Buttons = [][]chat.Button{row, {{Label: "🔄 Refresh", Data: "liq:BTC:" + window + " "}, {Label: "Levels", Data: "levels:BTC"}}}
	return reply
}

// settingsReply has menus: one with a choice that is in force, one without.
func settingsReply(press string) chat.Reply {
	zone, coin, _ := strings.Cut(press, "|")
	if zone != "coin" {
		zone, coin = coin, ""
	}
	choices := func(active string, values ...string) []chat.MenuChoice {
		var out []chat.MenuChoice
		for _, v := range values {
			out = append(out, chat.MenuChoice{Label: v + " (label)", Value: v, Active: v == active})
		}
		return out
	}
	return chat.Reply{
		Text: chat.Plainly("Settings " + press), Language: "en", Edit: press != "",
		Buttons: [][]chat.Button{{{Label: "Back", Data: "back"}}},
		Menus: []chat.Menu{
			{Data: "zone", Label: "Time zone", Choices: choices(cmp.Or(zone, "UTC"), "UTC", "Berlin", "Tokyo")},
			{Data: "coin", Label: "Coin", Choices: choices(coin, "BTC", "ETH")},
		},
	}
}

// drawn is a picture in the colours of the real ones, drawn once for each shape.
func drawn(shape chat.Shape) []byte {
	if shape == chat.Portrait {
		return portrait()
	}
	return wide()
}

var (
	wide     = sync.OnceValue(func() []byte { return bars(1280, 720) })
	portrait = sync.OnceValue(func() []byte { return bars(1080, 1350) })
)

func bars(width, height int) []byte {
	palette := color.Palette{color.RGBA{13, 16, 23, 255}, color.RGBA{255, 176, 59, 255}, color.RGBA{98, 176, 255, 255}}
	img := image.NewPaletted(image.Rect(0, 0, width, height), palette)
	for x := range width {
		side := uint8(1)
		if x > width/2 {
			side = 2
		}
		tall := height * (20 + (x/12*37)%60) / 100
		for y := height - tall; y < height && x%12 < 9; y++ {
			img.SetColorIndex(x, y, side)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// events counts what the server tells of.
type events struct {
	mu     sync.Mutex
	counts map[string]int
}

func (e *events) count(event string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil {
		e.counts = make(map[string]int)
	}
	e.counts[event]++
}

func (e *events) of(event string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counts[event]
}

// serve runs a server on a free port until the test ends.
func serve(t *testing.T, cfg webchat.Config) *webchat.Server {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.Bot.Handle == nil {
		cfg.Bot.Handle = new(fakeBot).handle
	}
	s, err := webchat.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

// browser is an HTTP client that keeps cookies, as browsers do.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: 10 * time.Second}
}

// opened is a browser that has opened the page.
func opened(t *testing.T, s *webchat.Server) *http.Client {
	t.Helper()
	c := browser(t)
	if got := do(t, c, request(t, http.MethodGet, s.URL(), "")); got.code != http.StatusOK {
		t.Fatalf("open page: status %d: %s", got.code, got.body)
	}
	return c
}

// request makes a request with the headers that the page's script would send.
func request(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

type response struct {
	code   int
	header http.Header
	body   string
}

func do(t *testing.T, c *http.Client, r *http.Request) response {
	t.Helper()
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(body)}
}

// say posts a message and returns the reply's JSON.
func say(t *testing.T, c *http.Client, s *webchat.Server, body string) map[string]any {
	t.Helper()
	got := do(t, c, request(t, http.MethodPost, s.URL()+"api/messages", body))
	if got.code != http.StatusOK {
		t.Fatalf("POST %s: status %d: %s", body, got.code, got.body)
	}
	var reply map[string]any
	if err := json.Unmarshal([]byte(got.body), &reply); err != nil {
		t.Fatal(err)
	}
	return reply
}

func at(t *testing.T, s *webchat.Server, path string) string {
	t.Helper()
	u, err := url.JoinPath(s.URL(), path)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// numbered answers every request with another picture, or with the same again
// when that is what the request says.
func numbered() chat.Handler {
	var n atomic.Uint32
	return func(_ context.Context, r chat.Request) chat.Reply {
		data := []byte("the same picture")
		if r.Text != "same" {
			data = fmt.Appendf(nil, "picture %d", n.Add(1))
		}
		return chat.Reply{Text: chat.Plainly("a picture"), Picture: &chat.Picture{PNG: data}}
	}
}
