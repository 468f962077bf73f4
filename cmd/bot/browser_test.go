package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// visit is a browser with the shape of a phone, on the bot's page. SCREENSHOTS names a
// folder to save what it looks like.
type visit struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // chromedp keeps its browser in there
}

func openPage(t *testing.T, address string) *visit {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browserPath(t)), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", "en-US"))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	v := &visit{t: t, ctx: ctx}
	v.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2)),
		chromedp.Navigate(address), chromedp.WaitVisible("#text"))
	return v
}

func (v *visit) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, actions...); err != nil {
		v.t.Fatal(err)
	}
}

func (v *visit) say(text string) {
	v.t.Helper()
	v.do(chromedp.SendKeys("#text", text+kb.Enter))
}

// until waits for an expression to be true.
func (v *visit) until(expression string) {
	v.t.Helper()
	if _, err := chromedp.Run(v.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		v.t.Fatalf("waited for %s: %v", expression, err)
	}
}

// press clicks the last button with this text, once there is one.
func (v *visit) press(label string) {
	v.t.Helper()
	v.until(`(() => { const b = [...document.querySelectorAll("#log button")].filter((b) => b.textContent.trim() === "` + label + `").at(-1); b?.click(); return !!b })()`)
}

func (v *visit) shoot(name string) {
	v.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// TestDemoInABrowser runs `bot demo` and uses it as a newcomer would, on a phone.
func TestDemoInABrowser(t *testing.T) {
	v := openPage(t, startBot(t, "demo", "DEMO_SPEED=0.01"))
	v.shoot("1-welcome")
	v.say("/liq btc")
	v.until(`document.body.innerText.includes("$2.705B") && document.body.innerText.includes("DEMO")`)
	v.until(`[...document.querySelectorAll("#log img")].some((i) => i.complete && i.naturalWidth === 1080)`)
	v.shoot("2-liq")
	v.press("30d")
	v.until(`document.body.innerText.includes("30d") && !document.body.innerText.includes("map · 7d")`)
	v.shoot("3-30d")
	v.say("/levels eth")
	v.until(`document.body.innerText.includes("Key level")`)
	v.shoot("4-levels")
	v.say("/liq ВТС")
	v.until(`document.body.innerText.includes("Did you mean")`)
	v.shoot("5-look-alike")
}

// TestAlertInABrowser subscribes on the page, sees the alert and its picture come, and
// mutes it.
func TestAlertInABrowser(t *testing.T) {
	v := openPage(t, startBot(t, "demo", "DEMO_SPEED=5", "REFRESH_EVERY=200ms"))
	v.say("/subscribe btc")
	v.until(`document.body.innerText.includes("Subscribed")`)
	v.shoot("6-subscribed")
	v.until(`[...document.querySelectorAll("#log .alert")].some((m) => m.innerText.includes("BTC broke") && m.innerText.includes("DEMO"))`)
	v.until(`[...document.querySelectorAll("#log .alert img")].some((i) => i.complete && i.naturalWidth === 1080)`)
	v.shoot("7-alert")
	v.press("🔕 8 hours")
	v.until(`document.body.innerText.includes("Muted until")`)
	v.shoot("8-muted")
	v.say("/alerts")
	v.press("⏸ BTC")
	v.until(`document.body.innerText.includes("the usual ones – paused")`)
	v.say("/settings")
	v.until(`document.body.innerText.includes("Coin and window")`)
	v.shoot("9-settings")
	v.say("/settings log")
	v.until(`document.body.innerText.includes("paused BTC")`)
	v.shoot("10-log")
}

func browserPath(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: install chromium to test the page in a browser")
	return ""
}
