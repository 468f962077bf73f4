package webchat_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"liqbot/chat"
	"liqbot/platforms/webchat"
)

// screenshots names the variable with a folder to save screenshots in.
const screenshots = "WEBCHAT_SCREENSHOTS"

// opener shows the page at a size, as a phone does when it is narrow. Every tab
// has cookies of its own.
type opener func(t *testing.T, address string, width, height int64) *tab

// chromium starts a headless browser, or skips the test where none is installed.
func chromium(t *testing.T) opener {
	t.Helper()
	var path string
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium here: install chromium to test the page in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", "en-US"))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser's end
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return func(t *testing.T, address string, width, height int64) *tab {
		t.Helper()
		ctx, cancel := chromedp.NewContext(ctx, chromedp.WithNewBrowserContext())
		t.Cleanup(cancel)
		p := &tab{t: t, ctx: func() context.Context { return ctx }, console: chromedp.Console(ctx)}
		var phone []chromedp.EmulateViewportOption
		if width < 600 {
			phone = append(phone, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2))
		}
		p.run(chromedp.EmulateViewport(width, height, phone...),
			chromedp.Navigate(address), chromedp.WaitVisible("#text"))
		return p
	}
}

// tab is a page in a browser.
type tab struct {
	t       *testing.T
	ctx     func() context.Context
	console iter.Seq2[chromedp.ConsoleMessage, error]
}

// quiet checks that the page's console shows nothing, up to a last word of our own.
func (p *tab) quiet() {
	p.t.Helper()
	const last = "end of the test"
	eval[chromedp.Void](p, `console.log("`+last+`")`)
	for m, err := range p.console {
		if err != nil {
			p.t.Fatal(err)
		}
		if m.Text == last {
			return
		}
		p.t.Errorf("the page's console shows: %s", m)
	}
}

func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx(), actions...); err != nil {
		p.t.Fatal(err)
	}
}

// until waits for an expression to be true.
func (p *tab) until(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx(), chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(5*time.Second))); err != nil {
		p.t.Fatalf("waited for %s: %v", expression, err)
	}
}

func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx(), chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// fits checks that nothing sticks out to the side and that targets suit a thumb.
func (p *tab) fits() {
	p.t.Helper()
	if eval[bool](p, `document.documentElement.scrollWidth > innerWidth || document.getElementById("log").scrollWidth > document.getElementById("log").clientWidth`) {
		p.t.Error("the page scrolls sideways")
	}
	small := eval[[]string](p, `[...document.querySelectorAll("button, input, select")].filter((e) => e.checkVisibility()).
		filter((e) => e.offsetWidth < 44 || e.offsetHeight < 44).map((e) => e.outerHTML)`)
	if len(small) > 0 {
		p.t.Errorf("smaller than 44 pixels: %q", small)
	}
}

// shoot saves a screenshot where the host of the test asked for it.
func (p *tab) shoot(name string) {
	p.t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx(), chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func TestBrowser(t *testing.T) {
	t.Parallel()
	open := chromium(t)
	t.Run("by keyboard", func(t *testing.T) { byKeyboard(t, open) })
	t.Run("by mouse", func(t *testing.T) { byMouse(t, open) })
	t.Run("from menus", func(t *testing.T) { fromMenus(t, open) })
	t.Run("text stays text", func(t *testing.T) { textStaysText(t, open) })
	t.Run("alerts come by themselves", func(t *testing.T) { alertsCome(t, open) })
	t.Run("alerts of all tabs", func(t *testing.T) { alertsOfAllTabs(t, open) })
	t.Run("alerts after the bot was started anew", func(t *testing.T) { alertsOutliveTheBot(t, open) })
	t.Run("the bot goes and comes back", func(t *testing.T) { outlivesTheBot(t, open) })
}

// A newcomer with a phone's screen and a keyboard: the whole way without a mouse.
func byKeyboard(t *testing.T, open opener) {
	t.Helper()
	bot := new(fakeBot)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: bot.handle}, Demo: true})
	p := open(t, s.URL(), 360, 740)
	p.fits()
	p.shoot("phone-1-start")

	p.run(chromedp.Focus("#text"), chromedp.KeyEvent("/liq btc"+kb.Enter))
	p.until(`document.querySelector(".bot img")?.naturalWidth > 0`)
	if got := bot.last(); got.Text != "/liq btc" || got.Shape != chat.Portrait {
		t.Errorf("the bot was asked %q in shape %d, want /liq btc for a phone", got.Text, got.Shape)
	}
	if got := eval[string](p, `document.querySelector(".bot .text").textContent`); !strings.Contains(got, "$2.705B") {
		t.Errorf("the reply says %q", got)
	}
	if got := eval[string](p, `document.querySelector(".bot img").alt`); got != "BTC liquidation map, 1d" {
		t.Errorf("the picture's description is %q", got)
	}
	if got := eval[string](p, `document.activeElement.id + document.activeElement.value`); got != "text" {
		t.Errorf("the focus is on %q, want the empty input", got)
	}
	p.fits()
	p.shoot("phone-2-reply")

	p.run(chromedp.Focus(`[data-press="liq:BTC:7d"]`), chromedp.KeyEvent(kb.Enter))
	p.until(`document.querySelector(".bot .text").textContent.includes("· 7d")`)
	if got := eval[int](p, `document.querySelectorAll(".message").length`); got != 2 {
		t.Errorf("%d messages after a press, want the question and the edited reply", got)
	}
	if got := eval[string](p, `document.activeElement.dataset.press + document.activeElement.getAttribute("aria-pressed")`); got != "liq:BTC:7dtrue" {
		t.Errorf("the focus is on %q, want the button that was pressed", got)
	}
	p.until(`document.querySelector(".bot img").complete`)
	p.shoot("phone-3-edited")

	p.run(chromedp.Focus(".picture"), chromedp.KeyEvent(kb.Enter))
	p.until(`document.getElementById("zoom").open`)
	p.shoot("phone-4-zoom")
	p.run(chromedp.KeyEvent(kb.Escape))
	p.until(`!document.getElementById("zoom").open && document.activeElement.className === "picture"`)

	p.run(chromedp.Focus("#text"), chromedp.KeyEvent(kb.ArrowUp))
	if got := eval[string](p, `document.getElementById("text").value`); got != "/liq btc" {
		t.Errorf("arrow up recalls %q, want /liq btc", got)
	}
	p.run(chromedp.KeyEvent(kb.ArrowDown))
	if got := eval[string](p, `document.getElementById("text").value`); got != "" {
		t.Errorf("arrow down leaves %q, want nothing", got)
	}
	p.quiet()
}

func byMouse(t *testing.T, open opener) {
	t.Helper()
	bot := new(fakeBot)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: bot.handle}, Demo: true})
	p := open(t, s.URL(), 1280, 860)
	p.shoot("desktop-1-start")
	p.run(chromedp.Click(`[data-say="/liq btc"]`))
	p.until(`document.querySelector(".bot img")?.naturalWidth === 1280`)
	p.shoot("desktop-2-reply")
	p.run(chromedp.Click(`[data-say="/help"]`), chromedp.Click(".bot .command"))
	p.until(`document.querySelectorAll(".bot img").length === 2`)
	if got := bot.last().Text; got != "/liq btc 7d" {
		t.Errorf("a click on a command in a text asked %q", got)
	}
	p.fits()
	p.shoot("desktop-3-help")

	p.run(chromedp.SendKeys("#text", "/lang ru"+kb.Enter))
	p.until(`document.documentElement.lang === "ru" && document.querySelector("form button").textContent === "Отправить"`)
	p.shoot("desktop-4-russian")
	p.run(chromedp.EmulateViewport(360, 740))
	p.fits()
	p.shoot("phone-6-russian")
	p.quiet()
}

// A menu is picked from with the keyboard, where arrows only walk, and with a pointer.
func fromMenus(t *testing.T, open opener) {
	t.Helper()
	bot := new(fakeBot)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: bot.handle}})
	p := open(t, s.URL(), 360, 740)
	p.run(chromedp.SendKeys("#text", "/settings"+kb.Enter))
	p.until(`document.querySelectorAll(".menu select").length === 2`)
	p.fits()
	p.shoot("phone-7-menus")
	if got := eval[string](p, `[...document.querySelectorAll("select")].map((s) => s.labels[0].innerText + "=" + s.value).join(" ")`); !strings.Contains(got, "Time zone") || !strings.HasSuffix(got, "=") {
		t.Errorf("the menus are %q", got)
	}
	p.run(chromedp.Focus(`[data-menu="zone"]`), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown))
	if got := eval[string](p, `document.activeElement.value`); got != "zone|Tokyo" || bot.last().Press != "" {
		t.Errorf("the arrows walked to %q, the bot was asked %q, want Tokyo and nothing", got, bot.last().Press)
	}
	p.run(chromedp.KeyEvent(kb.Enter))
	p.until(`document.querySelector(".bot .text").textContent === "Settings zone|Tokyo"`)
	if got := eval[string](p, `document.activeElement.dataset.menu + document.activeElement.value`); got != "zonezone|Tokyo" {
		t.Errorf("the focus is on %q, want the menu that was used", got)
	}
	// Leaving the list counts too.
	p.run(chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.Tab))
	p.until(`document.querySelector(".bot .text").textContent === "Settings zone|Berlin"`)
	// A pointer opens the list; what is picked there goes at once.
	eval[chromedp.Void](p, `{ const s = document.querySelector('[data-menu="coin"]');
		s.dispatchEvent(new Event("pointerdown")); s.value = "coin|ETH"; s.dispatchEvent(new Event("change")); }`)
	p.until(`document.querySelector(".bot .text").textContent === "Settings coin|ETH"`)
	if got := eval[int](p, `document.querySelectorAll(".message").length`); got != 2 {
		t.Errorf("%d messages, want the question and the edited reply", got)
	}
	p.run(chromedp.EmulateViewport(1280, 860))
	p.shoot("desktop-5-menus")
	p.quiet()
}

// What people type is shown as it is and never becomes part of the page.
func textStaysText(t *testing.T, open opener) {
	t.Helper()
	s := serve(t, webchat.Config{})
	p := open(t, s.URL(), 360, 740)
	for _, attack := range []string{
		`<img src=x onerror="document.title='broken'">`,
		`<script>document.title="broken"</script>`,
		`"><svg onload=alert(1)>` + strings.Repeat("wide", 100),
	} {
		before := eval[int](p, `document.querySelectorAll(".bot .text").length`)
		p.run(chromedp.SendKeys("#text", attack+kb.Enter))
		p.until(fmt.Sprintf(`document.querySelectorAll(".bot .text").length > %d`, before))
		if got := eval[string](p, `[...document.querySelectorAll(".bot .text")].at(-1).textContent`); got != "You said "+attack {
			t.Errorf("shown as %q, want %q", got, "You said "+attack)
		}
	}
	if got := eval[int](p, `document.querySelectorAll("main img, main svg, main script").length`); got != 0 {
		t.Errorf("text became %d elements", got)
	}
	if got := eval[string](p, `document.title`); strings.Contains(got, "broken") {
		t.Errorf("text ran as a script: title %q", got)
	}
	p.fits()
	p.quiet()
}

// The bot goes away and comes back: the page says so, tries again when asked,
// and gets a new session by itself.
func outlivesTheBot(t *testing.T, open opener) {
	t.Helper()
	first, err := webchat.New(webchat.Config{Addr: "127.0.0.1:0", Bot: chat.Bot{Handle: new(fakeBot).handle}})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- first.Run(ctx) }()
	p := open(t, first.URL(), 360, 740)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	p.run(chromedp.SendKeys("#text", "hello"+kb.Enter))
	p.until(`document.querySelector(".failed .text")?.textContent.includes("cannot be reached")`)
	p.fits()
	p.shoot("phone-5-offline")
	addr := strings.Trim(strings.TrimPrefix(first.URL(), "http://"), "/")
	serve(t, webchat.Config{Addr: addr})
	p.run(chromedp.Click(".retry"))
	p.until(`document.querySelector(".bot .text")?.textContent === "You said hello"`)
}
