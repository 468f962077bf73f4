package discord_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/platforms/discord"
	"liqbot/platforms/discord/discordtest"
	"liqbot/secret"
)

// idle makes an adapter that does not run.
func idle(t *testing.T, srv *discordtest.Server, change ...func(*discord.Config)) (*discord.Adapter, *world) {
	t.Helper()
	w := &world{Server: srv, t: t, logs: new(lockedBuffer), counts: make(map[string]int)}
	cfg := discord.Config{
		Token: secret.New(discordtest.Token), APIURL: srv.URL(), Claims: new(memoryClaims), Bot: chat.Bot{Handle: say("x")},
		Log: slog.New(slog.NewJSONHandler(w.logs, nil)), Count: w.count, Timing: quick,
	}
	for _, c := range change {
		c(&cfg)
	}
	a, err := discord.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(w.noSecrets)
	return a, w
}

func postTo(channel, id string, reply chat.Reply) chat.Post {
	return chat.Post{To: chat.Target{Platform: chat.Discord, Chat: channel}, Kind: chat.Group, ID: id, Reply: reply}
}

var words = chat.Reply{Text: chat.Plainly("chat-text")}

var posted = chat.Outcome{Fate: chat.Posted}

func wantOutcome(t *testing.T, got, want chat.Outcome) {
	t.Helper()
	if got.Fate == chat.Posted && got.Message != "" && want.Message == "" {
		want.Message = got.Message // a test of its own says which
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

// A post is the reply's message with a nonce that Discord is to enforce.
func TestSend(t *testing.T) {
	t.Parallel()
	a, w := idle(t, discordtest.New(t))
	wantOutcome(t, a.Send(t.Context(), postTo(discordtest.ChannelID, "event", picture("BTC"))), posted)
	seen := w.Messages(discordtest.ChannelID)
	if len(seen) != 1 || seen[0].Text() != "**BTC**\nbody" || len(seen[0].Files) != 1 || !bytes.Equal(seen[0].Files[0].Data, png) || len(seen[0].Buttons) != 2 {
		t.Errorf("messages: got %+v", seen)
	}
	private := words
	private.Private = true
	wantOutcome(t, a.Send(t.Context(), postTo(discordtest.DirectID, "event", private)), posted)
	var body struct {
		Nonce    string
		Enforce  bool `json:"enforce_nonce"`
		Flags    int
		Mentions struct{ Parse []string } `json:"allowed_mentions"`
	}
	calls := w.Calls("POST", "/channels/"+discordtest.DirectID+"/messages")
	if err := json.Unmarshal(calls[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Nonce) != 25 || !body.Enforce || body.Flags != 0 || body.Mentions.Parse == nil {
		t.Errorf("body: got %+v", body)
	}
	w.counted(discord.EventPosted, 2)
	if shape := a.Shape(chat.Target{}); shape != chat.Wide {
		t.Errorf("shape: got %d, want Wide", shape)
	}
}

func TestSendOutcomes(t *testing.T) {
	t.Parallel()
	const html = "<html><body>Access denied planted</body></html>"
	refusal := func(status, code int) discordtest.Fault {
		return discordtest.Fault{Status: status, Body: `{"code":` + strconv.Itoa(code) + `,"message":"No"}`}
	}
	page := func(status int) discordtest.Fault { return discordtest.Fault{Status: status, Body: html} }
	limited := func(f discordtest.Fault, header ...string) discordtest.Fault {
		for i := 0; i < len(header); i += 2 {
			f.Header[header[i]] = header[i+1]
		}
		return f
	}
	const retry = 1500 * time.Millisecond
	gone := func(reason string) chat.Outcome { return chat.Outcome{Fate: chat.Gone, Reason: reason} }
	barred := func(reason string) chat.Outcome { return chat.Outcome{Fate: chat.Barred, Reason: reason} }
	down := func(wait time.Duration, reason string) chat.Outcome {
		return chat.Outcome{Fate: chat.Down, Wait: wait, Reason: reason}
	}
	later := func(wait time.Duration) chat.Outcome {
		return chat.Outcome{Fate: chat.Later, Wait: wait, Reason: "the channel's rate limit is reached"}
	}
	unclear := chat.Outcome{Fate: chat.Unclear, Deduplicates: true, Reason: "Discord answered with a server error"}
	tests := []struct {
		name  string
		fault discordtest.Fault
		want  chat.Outcome
	}{
		{"limited", discordtest.Limited("", "", retry, false), later(retry)},
		{"limited, shared", discordtest.LimitedShared("", "", retry), later(retry)},
		{"limited, no word for how long", discordtest.Fault{Status: 429, Body: `{}`}, later(5 * time.Second)},
		{"limited, zero", discordtest.Limited("", "", 0, false), later(5 * time.Second)},
		{"limited, for years", limited(discordtest.Limited("", "", retry, false), "Retry-After", "1e300"), later(24 * time.Hour)},
		{"limited, nonsense", limited(discordtest.Limited("", "", 0, false), "Retry-After", "NaN"), later(5 * time.Second)},
		{"limited globally", discordtest.Limited("", "", retry, true), down(retry, "the bot's rate limit is reached")},
		{"limited globally, by header", limited(discordtest.Limited("", "", retry, false), "X-RateLimit-Scope", "global"), down(retry, "the bot's rate limit is reached")},
		{"banned by Cloudflare", discordtest.Banned("", ""), down(time.Second, "turned away before Discord's API")},
		{"banned, not said how long", page(429), down(time.Minute, "turned away before Discord's API")},
		{"unauthorized", refusal(401, 0), down(time.Minute, "unauthorized")},
		{"page with 403", page(403), down(time.Minute, "turned away before Discord's API")},
		{"page with 404", page(404), down(time.Minute, "turned away before Discord's API")},
		{"redirect", discordtest.Fault{Status: 302, Header: map[string]string{"Location": "http://planted.invalid/"}}, down(time.Minute, "turned away before Discord's API")},
		{"user agent", refusal(403, 40333), down(time.Minute, "turned away before Discord's API")},
		{"overloaded", refusal(503, 130000), unclear},
		{"server error", page(500), unclear},
		{"bad gateway", page(502), unclear},
		{"closed DMs", refusal(403, 50007), gone("the user takes no messages from the bot")},
		{"no server in common", refusal(403, 50278), gone("the user shares no server with the bot")},
		{"channel deleted", refusal(404, 10003), gone("the channel was deleted")},
		{"server unknown", refusal(404, 10004), gone("the server is unknown")},
		{"user unknown", refusal(404, 10013), gone("the user is unknown")},
		{"not seen", refusal(403, 50001), gone("the bot cannot see the channel")},
		{"may not write", refusal(403, 50013), barred("the bot may not write in the channel")},
		{"thread locked", refusal(400, 160005), barred("the thread is locked")},
		{"thread archived", refusal(400, 50083), barred("the thread is archived")},
		{"no text channel", refusal(400, 50008), barred("the channel takes no messages")},
		{"form", refusal(400, 50035), chat.Outcome{Fate: chat.Refused, Reason: "the form of the message is not valid"}},
		{"empty", refusal(400, 50006), chat.Outcome{Fate: chat.Refused, Reason: "the message is empty"}},
		{"too large", refusal(413, 40005), chat.Outcome{Fate: chat.Refused, Reason: "the message is too large"}},
		{"unknown code", discordtest.Fault{Status: 400, Body: `{"code":777,"message":"planted"}`}, chat.Outcome{Fate: chat.Refused, Reason: "Discord does not take the message"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, w := idle(t, discordtest.New(t))
			w.Fail(tt.fault)
			wantOutcome(t, a.Send(t.Context(), postTo(discordtest.ChannelID, "event", words)), tt.want)
			if n := len(w.Calls("", "")); n != 1 {
				t.Errorf("got %d calls, want 1", n)
			}
			again := a.Send(t.Context(), postTo(discordtest.ChannelID, "event", words))
			held := (tt.want.Fate == chat.Later || tt.want.Fate == chat.Down) && tt.want.Wait > time.Second
			if held && (again.Fate != tt.want.Fate || again.Wait <= 0 || again.Wait > tt.want.Wait) {
				t.Errorf("right after: got %+v, want what is left of %v", again, tt.want.Wait)
			}
			if calls := len(w.Calls("", "")); held && calls != 1 {
				t.Errorf("right after: got %d calls, want none more", calls)
			}
		})
	}
}

// A lost answer does not lead to a second message: the post is told to be unclear,
// and posting it again makes none.
func TestLostAnswerIsPostedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault discordtest.Fault
		seen  int
	}{
		{"done, then 502", discordtest.Fault{Act: true, Status: 502, Body: "<html>"}, 1},
		{"done, then lost", discordtest.Fault{Act: true, Hang: true}, 1},
		{"not done, lost", discordtest.Fault{Hang: true}, 0},
		{"not done, 503", discordtest.Fault{Status: 503, Body: "<html>"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, w := idle(t, discordtest.New(t), func(c *discord.Config) { c.Timing.Call = 700 * time.Millisecond })
			w.Fail(tt.fault)
			post := postTo(discordtest.ChannelID, "event", picture("BTC"))
			if out := a.Send(t.Context(), post); out.Fate != chat.Unclear || !out.Deduplicates {
				t.Errorf("first: got %+v, want Unclear that deduplicates", out)
			}
			if n := len(w.Messages(discordtest.ChannelID)); n != tt.seen {
				t.Errorf("after the first: got %d messages, want %d", n, tt.seen)
			}
			wantOutcome(t, a.Send(t.Context(), post), posted)
			if n := len(w.Messages(discordtest.ChannelID)); n != 1 {
				t.Errorf("got %d messages, want 1", n)
			}
		})
	}
}

// The nonce tells posts apart by their id and by their channel.
func TestNonce(t *testing.T) {
	t.Parallel()
	a, w := idle(t, discordtest.New(t))
	long := strings.Repeat("x", 100)
	for _, p := range []struct{ channel, id string }{{"1", "a"}, {"1", "a"}, {"1", "b"}, {"2", "a"}, {"2", long + "1"}, {"2", long + "2"}} {
		wantOutcome(t, a.Send(t.Context(), postTo(p.channel, p.id, words)), posted)
	}
	if one, two := len(w.Messages("1")), len(w.Messages("2")); one != 2 || two != 3 {
		t.Errorf("got %d and %d messages, want 2 and 3", one, two)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	a, _ := idle(t, srv, func(c *discord.Config) { c.APIURL = "http://127.0.0.1:1" })
	out := a.Send(t.Context(), postTo(discordtest.ChannelID, "event", words))
	wantOutcome(t, out, chat.Outcome{Fate: chat.Down, Reason: "Discord cannot be reached"})
}

func TestTargetsThatAreNone(t *testing.T) {
	t.Parallel()
	a, w := idle(t, discordtest.New(t))
	for _, channel := range []string{"", "server:1", "1/../2", "-1", "١", strings.Repeat("1", 21)} {
		if out := a.Send(t.Context(), postTo(channel, "event", words)); out.Fate != chat.Refused {
			t.Errorf("%q: got %+v, want Refused", channel, out)
		}
	}
	if out := a.Send(t.Context(), postTo("1", "event", chat.Reply{})); out.Fate != chat.Refused {
		t.Errorf("nothing to say: got %+v, want Refused", out)
	}
	if n := len(w.Calls("", "")); n != 0 {
		t.Errorf("got %d calls, want none", n)
	}
}

// What a channel lacks is found out once, and what it takes arrives.
func TestPostsWithLessThanAll(t *testing.T) {
	t.Parallel()
	const noFiles, noEmbeds = discordtest.AttachFiles, discordtest.EmbedLinks
	tests := []struct {
		name          string
		lacks         int64
		files, embeds int
		// calls of the first post and of the second.
		first, second int
		note          bool
	}{
		{"nothing", 0, 1, 1, 1, 1, false},
		{"files", noFiles, 0, 0, 2, 1, true},
		{"embeds", noEmbeds, 1, 0, 2, 1, false},
		{"both", noFiles | noEmbeds, 0, 0, 2, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, w := idle(t, discordtest.New(t))
			w.Restrict("5", tt.lacks)
			calls := 0
			for n, want := range []int{tt.first, tt.second} {
				wantOutcome(t, a.Send(t.Context(), postTo("5", strconv.Itoa(n), picture("BTC"))), posted)
				all := len(w.Calls("", "/channels/5/messages"))
				if all-calls != want {
					t.Errorf("post %d: got %d calls, want %d", n, all-calls, want)
				}
				calls = all
			}
			for _, m := range w.Messages("5") {
				if len(m.Files) != tt.files || len(m.Embeds) != tt.embeds || !strings.Contains(m.Text(), "body") || strings.Contains(m.Text(), "Attach Files") != tt.note {
					t.Errorf("got %d files, %d embeds, %q", len(m.Files), len(m.Embeds), m.Text())
				}
			}
		})
	}
}

func TestPictureThatIsNotTaken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		failure discordtest.Failure
		always  bool
		calls   int
		fate    chat.Fate
	}{
		{"too large", discordtest.Failure{Status: 413, Code: 40005}, false, 2, chat.Posted},
		{"too large for those in front", discordtest.Failure{Status: 413}, false, 2, chat.Posted},
		{"too large without it", discordtest.Failure{Status: 413, Code: 40005}, true, 2, chat.Refused},
		{"not allowed without it", discordtest.Failure{Status: 403, Code: 50013}, true, 2, chat.Barred},
		{"other trouble", discordtest.Failure{Status: 403, Code: 50001}, true, 1, chat.Gone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, w := idle(t, discordtest.New(t))
			if tt.always {
				w.FailChannel("5", tt.failure)
			} else {
				body := `{"code":` + strconv.Itoa(tt.failure.Code) + `,"message":"no"}`
				w.Fail(discordtest.Fault{Method: "POST", Path: "/channels/5/", Status: tt.failure.Status, Body: body})
			}
			if out := a.Send(t.Context(), postTo("5", "event", picture("BTC"))); out.Fate != tt.fate {
				t.Errorf("got %+v, want fate %d", out, tt.fate)
			}
			if n := len(w.Calls("POST", "/messages")); n != tt.calls {
				t.Errorf("got %d calls, want %d", n, tt.calls)
			}
			for _, m := range w.Messages("5") {
				if len(m.Files) != 0 || strings.Contains(m.Text(), "Attach Files") {
					t.Errorf("got %d files, %q", len(m.Files), m.Text())
				}
			}
		})
	}
}
