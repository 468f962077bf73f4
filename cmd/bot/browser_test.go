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

// TestDemoInABrowser runs `bot demo` and uses it as a newcomer would, on a phone.
// SCREENSHOTS names a folder to save what it looks like.
func TestDemoInABrowser(t *testing.T) {
	browser := browserPath(t)
	address := startBot(t, "demo", "DEMO_SPEED=0.01")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", "en-US"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	defer chromedp.Cancel(ctx) //nolint:errcheck // the browser's end
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	until := func(expression string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(10*time.Second))); err != nil {
			t.Fatalf("waited for %s: %v", expression, err)
		}
	}
	shoot := func(name string) {
		t.Helper()
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2)),
		chromedp.Navigate(address), chromedp.WaitVisible("#text"))
	shoot("1-welcome")
	do(chromedp.SendKeys("#text", "/liq btc"+kb.Enter))
	until(`document.body.innerText.includes("$2.705B") && document.body.innerText.includes("DEMO")`)
	until(`[...document.querySelectorAll("#log img")].some((i) => i.complete && i.naturalWidth === 1080)`)
	shoot("2-liq")
	until(`(() => { const b = [...document.querySelectorAll("#log button")].find((b) => b.textContent.trim() === "30d"); b?.click(); return !!b })()`)
	until(`document.body.innerText.includes("30d") && !document.body.innerText.includes("map · 7d")`)
	shoot("3-30d")
	do(chromedp.SendKeys("#text", "/levels eth"+kb.Enter))
	until(`document.body.innerText.includes("Key level")`)
	shoot("4-levels")
	do(chromedp.SendKeys("#text", "/liq ВТС"+kb.Enter))
	until(`document.body.innerText.includes("Did you mean")`)
	shoot("5-look-alike")
}

func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: install chromium to test the page in a browser")
	return ""
}
