// The page's script: what is typed or pressed goes to the bot, what it answers
// is shown. Text only ever gets into the page through textContent.

const log = document.getElementById("log");
const form = document.getElementById("form");
const input = document.getElementById("text");
const zoom = document.getElementById("zoom");
const words = document.body.dataset;

// Below this width the bot is asked for pictures that suit a phone.
const narrowBelow = 600;

// With a touch screen, focus on the input would bring up a keyboard that covers
// half of the page.
const typist = matchMedia("(pointer: fine)").matches;

// Problem is an answer that says what is wrong in words for people.
class Problem extends Error {}

function element(name, properties = {}, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

// --- Talking to the bot ---

function send(body) {
  return fetch("/api/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, narrow: window.innerWidth < narrowBelow }),
    signal: AbortSignal.timeout(30_000),
  });
}

// renew gets a new session where the bot does not know the old one any more, as
// when it was started anew: opening the page gives one.
function renew() {
  return fetch("/", { cache: "no-store" });
}

// ask returns the bot's reply, null when it has nothing to say.
async function ask(body) {
  let response;
  try {
    response = await send(body);
    if (response.status === 401) {
      await renew();
      alerts.again();
      response = await send(body);
    }
  } catch {
    throw new Problem(words.offline);
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || !answer.spans) throw new Problem(answer.error?.message ?? words.broken);
  return answer;
}

// --- Showing messages ---

function message(who) {
  const m = element("article", { className: `message ${who}` });
  m.setAttribute("aria-label", words[who]);
  return m;
}

// Signs in texts that not every system has a font for are drawn by the style
// sheet. They stay in the text, for copying and for screen readers.
const signs = { "🔵": "blue", "🟠": "orange", "🔄": "refresh", "🧪": "flask", "⚖️": "scales", "⚠️": "warning", "⏪": "rewind",
  "🔔": "bell", "🔕": "mute", "🚨": "siren", "🎯": "target", "🔁": "refresh", "⏸": "pause", "▶": "play", "✖": "cross", "✅": "check",
  "🌙": "moon", "📰": "news", "🔎": "lens", "📊": "bars", "⏱": "clock", "⏰": "clock", "⏳": "clock",
  "🧲": "magnet", "🌊": "wave", "🐋": "whale", "💸": "coins", "📈": "rise", "📉": "fall", "📣": "horn",
  "📍": "pin", "🌍": "globe", "👥": "people", "⚙️": "gear", "⚙": "gear", "✏️": "pencil", "✏": "pencil",
  "↩️": "undo", "↩": "undo", "🗑": "bin", "📒": "book", "➕": "plus", "❌": "failed" };
const anySign = new RegExp(`(${Object.keys(signs).join("|")})`, "u");

function signed(text) {
  return text.split(anySign).map((part) =>
    signs[part] ? element("span", { className: `sign ${signs[part]}`, textContent: part }) : part);
}

function styled({ text, style, at }) {
  if (at) return element("time", { dateTime: at, title: new Date(at).toLocaleString() }, ...signed(text));
  if (style === "bold") return element("strong", {}, ...signed(text));
  if (style === "italic") return element("em", {}, ...signed(text));
  if (style === "code" && text.startsWith("/")) return command(text);
  if (style === "code") return element("code", { textContent: text });
  return element("span", {}, ...signed(text));
}

// command is a command in a text, which runs when it is clicked.
function command(text) {
  return element("a", { className: "command", href: `/?say=${encodeURIComponent(text)}`, textContent: text });
}

function picture({ url, alt, width, height }) {
  const img = element("img", { src: url, alt, width, height });
  const open = element("button", { type: "button", className: "picture", title: words.zoom }, img);
  open.addEventListener("click", () => {
    zoom.querySelector("div").replaceChildren(element("img", { src: url, alt }));
    zoom.classList.remove("full");
    zoom.showModal();
  });
  return open;
}

function rows(buttons, m) {
  return element("div", { className: "rows" }, ...buttons.map((row) => {
    const choice = row.some((b) => b.active);
    return element("div", { className: "row" }, ...row.map(({ label, press: data, active }) => {
      const b = element("button", { type: "button" }, ...signed(label));
      b.dataset.press = data;
      if (choice) b.setAttribute("aria-pressed", String(Boolean(active)));
      b.addEventListener("click", () => press(m, b));
      return b;
    }));
  }));
}

// menu is a list to pick from. A pick goes to the bot at once, but with the keyboard,
// where each arrow is a pick on the way to another, with Enter or when the list is left.
function menu({ label, press: data, choices }, m) {
  const options = choices.map(({ label, value, active }) =>
    new Option(label, `${data}|${value}`, Boolean(active), Boolean(active)));
  if (!choices.some(({ active }) => active)) {
    const none = new Option("–", "", true, true);
    none.disabled = true;
    options.unshift(none);
  }
  const select = element("select", {}, ...options);
  select.dataset.menu = data;
  let keyed = false;
  let picked = select.value;
  const pick = () => {
    if (select.value === picked || m.getAttribute("aria-busy")) return;
    picked = select.value;
    select.dataset.press = picked;
    press(m, select);
  };
  select.addEventListener("pointerdown", () => keyed = false);
  select.addEventListener("keydown", ({ key }) => {
    keyed = true;
    if (key === "Enter") pick();
  });
  select.addEventListener("change", () => keyed || pick());
  select.addEventListener("blur", pick);
  return element("label", { className: "menu" }, element("span", { textContent: label }), select);
}

// quote is the beginning of the message that is answered, and leads to it.
function quote({ id, text }) {
  const q = element("button", { type: "button", className: "quote" }, ...signed(text));
  q.addEventListener("click", () => {
    const original = [...log.querySelectorAll(".message")].find((m) => m.dataset.id === id);
    if (!original) return q.disabled = true;
    original.tabIndex = -1;
    original.focus({ preventScroll: true });
    reveal(original);
  });
  return element("blockquote", {}, q);
}

// show fills a message with the bot's reply.
function show(m, reply) {
  const parts = [];
  if (reply.answers) parts.push(quote(reply.answers));
  if (reply.picture) parts.push(picture(reply.picture));
  if (reply.spans.length) parts.push(element("div", { className: "text" }, ...reply.spans.map(styled)));
  if (reply.buttons) parts.push(rows(reply.buttons, m));
  if (reply.menus) parts.push(element("div", { className: "menus" }, ...reply.menus.map((one) => menu(one, m))));
  m.dataset.id = reply.id;
  m.lang = reply.lang;
  m.classList.remove("failed");
  m.classList.toggle("pictured", Boolean(reply.picture));
  m.replaceChildren(...parts);
  m.removeAttribute("aria-busy");
}

// fail fills a message with a problem and a button that tries again.
function fail(m, problem, again) {
  const retry = element("button", { type: "button", className: "retry", textContent: words.retry });
  retry.addEventListener("click", again);
  m.classList.add("failed");
  m.lang = document.documentElement.lang;
  m.replaceChildren(element("div", { className: "text", textContent: problem.message }), retry);
  m.removeAttribute("aria-busy");
}

function wait(m) {
  const dots = element("div", { className: "dots" }, element("i"), element("i"), element("i"));
  m.setAttribute("aria-busy", "true");
  m.replaceChildren(element("span", { className: "unseen", textContent: words.working }), dots);
}

// reveal scrolls so that a message stands at the top, as far as there is
// something below it.
function reveal(m) {
  log.scrollTo({ top: m.offsetTop - 12 });
}

// --- What the member does ---

// say shows what was typed and the bot's reply to it.
function say(text) {
  const question = message("you");
  question.append(element("div", { className: "text", textContent: text }));
  const answer = message("bot");
  log.append(question, answer);
  past.add(text);
  return answerTo(question, answer, { text });
}

async function answerTo(question, answer, body) {
  wait(answer);
  reveal(question);
  try {
    const reply = await ask(body);
    if (!reply) return answer.remove();
    show(answer, reply);
    speak(reply.lang);
  } catch (problem) {
    fail(answer, problem, () => {
      (typist ? input : log).focus({ preventScroll: true });
      answerTo(question, answer, body);
    });
  }
  reveal(question);
}

// press sends the button of a message; the reply takes the message's place or
// comes below.
async function press(m, b) {
  if (m.getAttribute("aria-busy")) return;
  m.setAttribute("aria-busy", "true");
  const body = { press: b.dataset.press, message: m.dataset.id };
  try {
    const reply = await ask(body);
    if (reply?.edit) replace(m, b, reply);
    else if (reply) append(reply);
    if (reply) speak(reply.lang);
  } catch (problem) {
    const notice = message("bot");
    log.append(notice);
    fail(notice, problem, () => {
      notice.remove();
      b.focus();
      press(m, b);
    });
    reveal(notice);
  } finally {
    m.removeAttribute("aria-busy");
  }
}

function append(reply) {
  const m = message("bot");
  log.append(m);
  show(m, reply);
  reveal(m);
}

// replace shows a reply in place of a message. The focus goes to the button or menu
// that stands where the one stood that was used.
function replace(m, b, reply) {
  const focused = document.activeElement === b;
  const controls = () => [...m.querySelectorAll(".row button, .menu select")];
  const place = controls().indexOf(b);
  show(m, reply);
  if (!focused) return;
  const same = controls().find(({ dataset }) =>
    b.dataset.menu ? dataset.menu === b.dataset.menu : dataset.press === b.dataset.press);
  (same ?? controls()[place] ?? input).focus({ preventScroll: true });
}

// --- What the bot says unasked ---

// The title counts the alerts that came while the page was hidden.
let title = document.title;
let unseen = 0;

function entitle(own = title) {
  title = own;
  document.title = unseen ? `(${unseen}) ${title}` : title;
}

// news points to an alert that came while its reader was further up, by its first
// line, and goes once the alert is in view.
const news = document.getElementById("news");
const inView = new IntersectionObserver((entries) => {
  if (entries.some((e) => e.isIntersecting)) hush();
}, { root: log });

function point(m, reply) {
  const head = reply.spans.map(({ text }) => text).join("").split("\n", 1)[0];
  hush();
  news.replaceChildren(...signed(head));
  news.hidden = false;
  news.onclick = () => reveal(m);
  inView.observe(m);
}

function hush() {
  news.hidden = true;
  inView.disconnect();
}

// A page that stays open for weeks shows the newest alerts.
const maxAlerts = 200;

// alarm shows an alert, unless it is there already. Who reads further up is left
// where they are. A silent one is there and no more.
function alarm(reply) {
  const shown = [...log.querySelectorAll(".alert")];
  if (shown.some((m) => m.dataset.id === reply.id)) return;
  const atEnd = log.scrollHeight - log.clientHeight - log.scrollTop < 48;
  const m = message("bot");
  m.classList.add("alert");
  if (reply.silent) m.setAttribute("aria-live", "off");
  show(m, reply);
  log.append(m);
  if (shown.length >= maxAlerts) shown[0].remove();
  if (atEnd) reveal(m);
  else if (!reply.silent) point(m, reply);
  if (document.hidden && !reply.silent) unseen++;
  entitle();
}

// alerts is the stream of what the bot says unasked. Browsers open at most six
// connections to a host, so of all tabs the one that holds a lock listens and
// tells the others. Without locks, which plain HTTP across a network does not
// have, every tab listens.
const alerts = {
  tabs: new BroadcastChannel("alerts"),
  listens: false,
  stream: null,
  timer: 0,
  pause: 1000,
  // last is the id of the newest event. A new tab goes on after what the tabs
  // before it showed.
  last: localStorage.getItem("last-alert") ?? "",

  start() {
    this.tabs.onmessage = ({ data }) => {
      if (data.again) this.open();
      else this.take(data);
    };
    if (!navigator.locks) return this.lead();
    navigator.locks.request("alerts", () => {
      this.lead();
      return new Promise(() => {}); // held for as long as the tab is there
    });
  },

  lead() {
    this.listens = true;
    this.open();
  },

  open() {
    if (!this.listens) return;
    clearTimeout(this.timer);
    this.stream?.close();
    const narrow = window.innerWidth < narrowBelow ? "1" : "";
    const stream = new EventSource(`/api/events?${new URLSearchParams({ narrow, after: this.last })}`);
    this.stream = stream;
    stream.addEventListener("start", ({ lastEventId }) => {
      this.pause = 1000;
      this.tell({ id: lastEventId });
    });
    stream.onmessage = ({ data, lastEventId }) => {
      this.tell({ id: lastEventId, reply: JSON.parse(data) });
    };
    stream.onerror = () => {
      // The browser comes back by itself unless it was refused.
      if (stream.readyState === EventSource.CLOSED) this.later();
    };
  },

  tell(event) {
    this.take(event);
    this.tabs.postMessage(event);
  },

  take({ id, reply }) {
    this.last = id;
    localStorage.setItem("last-alert", id);
    if (reply) alarm(reply);
  },

  later() {
    this.timer = setTimeout(async () => {
      await renew().catch(() => {});
      this.open();
    }, this.pause);
    this.pause = Math.min(2 * this.pause, 30_000);
  },

  // again opens the stream anew after the session was lost, wherever it is.
  again() {
    this.open();
    this.tabs.postMessage({ again: true });
  },
};

// past is what was typed before, for the arrow keys.
const past = {
  lines: [],
  at: 0,
  draft: "",
  add(line) {
    if (this.lines.at(-1) !== line) this.lines.push(line);
    this.at = this.lines.length;
    this.draft = "";
  },
  move(step) {
    const to = this.at + step;
    if (to < 0 || to > this.lines.length) return;
    if (this.at === this.lines.length) this.draft = input.value;
    this.at = to;
    input.value = this.lines[to] ?? this.draft;
    input.setSelectionRange(input.value.length, input.value.length);
  },
};

// --- Language ---

// speak words the page in the language that the bot answered in, after /lang.
async function speak(lang) {
  if (lang === document.documentElement.lang) return;
  const response = await fetch("/", { headers: { "Accept-Language": lang } }).catch(() => null);
  if (!response?.ok) return;
  const other = new DOMParser().parseFromString(await response.text(), "text/html");
  if (other.documentElement.lang !== lang) return;
  document.documentElement.lang = lang;
  entitle(other.title);
  Object.assign(words, other.body.dataset);
  const theirs = other.querySelectorAll("[data-word]");
  document.querySelectorAll("[data-word]").forEach((mine, i) => reword(mine, theirs[i]));
}

function reword(mine, theirs) {
  for (const name of ["aria-label", "placeholder"]) {
    if (theirs.hasAttribute(name)) mine.setAttribute(name, theirs.getAttribute(name));
  }
  if (!mine.hasAttribute("aria-label") && !mine.hasAttribute("placeholder")) mine.replaceChildren(...theirs.childNodes);
}

// --- Events ---

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  input.value = "";
  say(text);
  input.focus();
});

input.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
  event.preventDefault();
  past.move(event.key === "ArrowUp" ? -1 : 1);
});

document.querySelectorAll("[data-say]").forEach((chip) => {
  chip.addEventListener("click", () => say(chip.dataset.say));
});

log.addEventListener("click", (event) => {
  const link = event.target.closest("a.command");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  say(link.textContent);
});

// A slash anywhere begins a command, as on many pages.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || zoom.open || event.target === input || event.ctrlKey || event.metaKey || event.altKey) return;
  input.focus();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unseen = 0;
  entitle();
});

zoom.addEventListener("click", (event) => {
  if (event.target.tagName === "IMG") zoom.classList.toggle("full");
  else zoom.close();
});

input.value = new URLSearchParams(location.search).get("say") ?? "";
if (typist) input.focus();
alerts.start();
