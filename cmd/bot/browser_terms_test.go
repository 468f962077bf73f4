package main

import "testing"

// pick chooses from the last list that offers this, once there is one, as a pointer does.
func (v *visit) pick(choice string) {
	v.t.Helper()
	v.until(`(() => {
		const s = [...document.querySelectorAll("#log select")].filter((s) => [...s.options].some((o) => o.text.trim() === "` + choice + `")).at(-1);
		if (!s) return false;
		s.dispatchEvent(new Event("pointerdown"));
		s.value = [...s.options].find((o) => o.text.trim() === "` + choice + `").value;
		s.dispatchEvent(new Event("change"));
		return true;
	})()`)
}

// reads waits for a text on the page.
func (v *visit) reads(text string) {
	v.t.Helper()
	v.until(`document.body.innerText.includes("` + text + `")`)
}

// TestThresholdAndOutcomeInABrowser is the walk: a member subscribes, a threshold
// is changed with its preview, an alert comes, and what became of it.
func TestThresholdAndOutcomeInABrowser(t *testing.T) {
	v := openPage(t, startBot(t, "demo", "DEMO_SPEED=10", "REFRESH_EVERY=200ms"))
	v.say("/subscribe btc")
	v.reads("Subscribed to BTC")
	v.pick("cascades")
	v.reads("All that this chat hears of BTC: breakouts, cascades")
	v.say("/settings")
	v.reads("Coin and window")
	v.shoot("11-settings")
	v.pick("What counts")
	v.reads("What counts for BTC")
	v.pick("breakouts")
	v.reads("BTC breakouts here: the usual ones")
	v.shoot("12-threshold")
	v.until(`(() => { const b = [...document.querySelectorAll("#log button")].filter((b) => b.textContent.startsWith("$500M")).at(-1); b?.click(); return !!b })()`)
	v.reads("Nothing is changed yet")
	v.reads("this would have fired")
	v.reads("Keep it?")
	v.shoot("13-preview")
	v.press("✅ Keep")
	v.reads("BTC breakouts: from $500M")
	v.shoot("14-kept")
	v.until(`[...document.querySelectorAll("#log .alert")].some((m) => m.innerText.includes("BTC broke") && m.innerText.includes("DEMO"))`)
	v.until(`[...document.querySelectorAll("#log .alert")].some((m) => /after the break/.test(m.innerText) && /The breakout (held|failed)/.test(m.innerText) && m.innerText.includes("DEMO"))`)
	v.shoot("15-outcome")
	v.say("/record btc")
	v.until(`/\d+ of \d+ still beyond the level/.test(document.body.innerText)`)
	v.shoot("16-record")
	v.say("/settings undo")
	v.reads("Taken back: BTC breakouts")
}
