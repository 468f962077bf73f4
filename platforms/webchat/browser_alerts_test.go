package webchat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"liqbot/chat"
	"liqbot/platforms/webchat"
)

// alert is what the bot says unasked when a level breaks.
func alert(session, id string) chat.Post {
	p := post(session, id, "")
	p.Reply = liqReply("1d", chat.Portrait)
	p.Reply.Text = append(chat.Text{{Text: "⚠️ BTC broke above $94,681", Style: chat.Bold}, {Text: "\n"}}, p.Reply.Text...)
	return p
}

// session asks the bot something, so that it sees the page's session.
func (p *tab) session(bot *fakeBot) string {
	p.t.Helper()
	p.run(chromedp.SendKeys("#text", "hello"+kb.Enter))
	p.until(`document.querySelector(".bot .text")?.textContent === "You said hello"`)
	return bot.last().Target.Chat
}

// another opens the page in another tab, with the same cookies.
func (p *tab) another(address string) *tab {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx())
	p.t.Cleanup(cancel)
	other := &tab{t: p.t, ctx: func() context.Context { return ctx }, console: chromedp.Console(ctx)}
	other.run(chromedp.Navigate(address), chromedp.WaitVisible("#text"))
	return other
}

func (p *tab) wantAlerts(n int) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelectorAll(".alert").length === %d`, n))
}

const hide = `Object.defineProperty(document, "hidden", { value: %t, configurable: true });
	document.dispatchEvent(new Event("visibilitychange"))`

func alertsCome(t *testing.T, open opener) {
	t.Helper()
	bot, f, seen := new(fakeBot), webchat.NewFeed(nil), new(events)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: bot.handle}, Feed: f, Count: seen.count, Demo: true})
	p := open(t, s.URL(), 360, 740)
	session := p.session(bot)
	title := eval[string](p, `document.title`)
	waitFor(t, "the page to listen", func() bool { return seen.of("stream") == 1 })
	if got := f.Shape(chat.Target{Platform: chat.Web, Chat: session}); got != chat.Portrait {
		t.Errorf("shape %d for a phone, want portrait", got)
	}
	for range 2 {
		if got := f.Send(t.Context(), alert(session, "first")); got.Fate != chat.Posted {
			t.Fatalf("Send: %+v", got)
		}
	}
	p.until(`document.querySelector(".alert img")?.naturalWidth === 1080`)
	if got := eval[string](p, `document.querySelector(".alert .text").textContent`); !strings.HasPrefix(got, "⚠️ BTC broke above $94,681") {
		t.Errorf("the alert says %q", got)
	}
	if top := eval[float64](p, `document.querySelector(".alert").getBoundingClientRect().top - document.getElementById("log").getBoundingClientRect().top`); top > 100 {
		t.Errorf("the alert stands %.0f pixels below the top of the log: not scrolled to", top)
	}
	if got := eval[string](p, `document.title`); got != title {
		t.Errorf("title %q of a page that is seen, want %q", got, title)
	}
	p.fits()
	p.shoot("alert-phone-1")

	p.run(chromedp.Focus(`.alert [data-press="liq:BTC:7d"]`), chromedp.KeyEvent(kb.Enter))
	p.until(`document.querySelector(".alert .text").textContent.includes("· 7d")`)
	if got := eval[int](p, `document.querySelectorAll(".message").length`); got != 3 {
		t.Errorf("%d messages after a press, want the question, its answer and the edited alert", got)
	}

	// Who reads further up stays there; a hidden page counts in its title.
	eval[chromedp.Void](p, `document.getElementById("log").scrollTop = 0; `+fmt.Sprintf(hide, true))
	for _, id := range []string{"second", "third"} {
		f.Send(t.Context(), alert(session, id))
	}
	p.wantAlerts(3)
	if got := eval[string](p, `document.title + document.getElementById("log").scrollTop`); got != "(2) "+title+"0" {
		t.Errorf("title and place %q, want (2) and the top", got)
	}
	eval[chromedp.Void](p, fmt.Sprintf(hide, false))
	if got := eval[string](p, `document.title`); got != title {
		t.Errorf("title %q once the page is seen, want %q", got, title)
	}
	answersAndSilence(p, f, session)
	eval[chromedp.Void](p, `document.getElementById("log").scrollTop = 1e6`)
	p.shoot("alert-phone-2")
	p.run(chromedp.EmulateViewport(1280, 860))
	eval[chromedp.Void](p, `document.querySelectorAll(".alert")[0].scrollIntoView()`)
	p.shoot("alert-desktop")
	p.quiet()
}

// An alert that answers the first one quotes it and leads there; a silent one makes no
// mark.
func answersAndSilence(p *tab, f *webchat.Feed, session string) {
	p.t.Helper()
	eval[chromedp.Void](p, `document.getElementById("log").scrollTop = 0; document.getElementById("news").hidden = true; hushed = document.title; `+fmt.Sprintf(hide, true))
	answer := alert(session, "fourth")
	answer.Reply.Picture, answer.ReplyTo, answer.Silent = nil, "first", true
	f.Send(p.t.Context(), answer)
	p.wantAlerts(4)
	if got := eval[string](p, `document.title === hushed && document.getElementById("news").hidden ? "" : document.title`); got != "" {
		p.t.Errorf("a silent alert makes a mark: title %q", got)
	}
	eval[chromedp.Void](p, fmt.Sprintf(hide, false))
	if got := eval[string](p, `document.querySelector("blockquote .quote").textContent`); got != "⚠️ BTC broke above $94,681" {
		p.t.Errorf("the quote says %q", got)
	}
	p.run(chromedp.Focus(".quote"), chromedp.KeyEvent(kb.Enter))
	if got := eval[string](p, `document.activeElement.dataset.id ?? ""`); got != "first" {
		p.t.Errorf("the quote leads to %q", got)
	}
	p.fits()
}

// Of all tabs one listens, so that they do not use up the browser's connections;
// all show what comes, also after that one was closed.
func alertsOfAllTabs(t *testing.T, open opener) {
	t.Helper()
	bot, f, seen := new(fakeBot), webchat.NewFeed(nil), new(events)
	s := serve(t, webchat.Config{Bot: chat.Bot{Handle: bot.handle}, Feed: f, Count: seen.count})
	first := open(t, s.URL(), 800, 700)
	session := first.session(bot)
	push(t, f, session, "before")
	first.wantAlerts(1)
	second, third := first.another(s.URL()), first.another(s.URL())
	push(t, f, session, "for all")
	first.wantAlerts(2)
	second.wantAlerts(1)
	third.wantAlerts(1)
	if got := seen.of("stream"); got != 1 {
		t.Errorf("three tabs opened %d streams, want one", got)
	}
	first.run(chromedp.Navigate("about:blank"))
	push(t, f, session, "after the first", "and once more")
	second.wantAlerts(3)
	third.wantAlerts(3)
	second.quiet()
}

// A bot that was started anew knows no session: the page gets one and listens on.
func alertsOutliveTheBot(t *testing.T, open opener) {
	t.Helper()
	run := start(t, webchat.Config{})
	p := open(t, run.URL(), 360, 740)
	run.stop(t)
	bot, f, seen := new(fakeBot), webchat.NewFeed(nil), new(events)
	s := serve(t, webchat.Config{Addr: addrOf(run.Server), Bot: chat.Bot{Handle: bot.handle}, Feed: f, Count: seen.count})
	waitFor(t, "the page to listen again", func() bool { return seen.of("stream") == 1 })
	if got := seen.of("no_session"); got == 0 {
		t.Error("the old session was accepted")
	}
	push(t, f, p.session(bot), "alert")
	p.wantAlerts(1)
	if got := eval[string](p, `document.querySelector(".alert .text").textContent`); got != "alert" || s.URL() != run.URL() {
		t.Errorf("the alert says %q", got)
	}
}
