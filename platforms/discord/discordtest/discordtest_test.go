package discordtest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"liqbot/platforms/discord/discordtest"
)

// call makes a REST call as a well-behaved bot and returns status and body.
func call(t *testing.T, srv *discordtest.Server, method, path, body string, header ...string) (int, string) {
	t.Helper()
	status, _, text := answer(t, srv, method, path, body, header...)
	return status, text
}

// answer is call with the headers of the answer.
func answer(t *testing.T, srv *discordtest.Server, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL()+"/api/v10"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "DiscordBot (https://example.org, 1)")
	req.Header.Set("Authorization", "Bot "+discordtest.Token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

const quiet = `"allowed_mentions":{"parse":[]}`

func TestMessagesAreChecked(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("я", n) }
	button := func(label, id string) string {
		return `{"type":2,"style":2,"label":"` + label + `","custom_id":"` + id + `"}`
	}
	row := func(buttons ...string) string { return `{"type":1,"components":[` + strings.Join(buttons, ",") + `]}` }
	menu := func(fields string, options ...string) string {
		return row(`{"type":3,"custom_id":"m",` + fields + `"options":[` + strings.Join(options, ",") + `]}`)
	}
	option := func(value string) string { return `{"label":"a","value":"` + value + `","default":true}` }
	six := strings.TrimSuffix(strings.Repeat(row(button("a", "a"))+",", 6), ",")
	tests := []struct{ name, body, want string }{
		{"good", `{"content":"` + long(2000) + `",` + quiet + `}`, ""},
		{"good with buttons", `{"content":"x","components":[` + row(button("a", "1"), button("b", "2")) + `],` + quiet + `}`, ""},
		{"mentions not switched off", `{"content":"x"}`, `"allowed_mentions":{"_errors"`},
		{"mentions null", `{"content":"x","allowed_mentions":{"parse":null}}`, `"allowed_mentions":{"_errors"`},
		{"mentions allowed", `{"content":"x","allowed_mentions":{"parse":["everyone"]}}`, `"allowed_mentions":{"_errors"`},
		{"content", `{"content":"` + long(2001) + `",` + quiet + `}`, `"content":{"_errors"`},
		{"description", `{"embeds":[{"description":"` + long(4097) + `"}],` + quiet + `}`, `"embeds":{"0":{"description":{"_errors"`},
		{"embeds in all", `{"embeds":[{"description":"` + long(4000) + `"},{"description":"` + long(2001) + `"}],` + quiet + `}`, "MAX_EMBED_SIZE_EXCEEDED"},
		{"picture that is not attached", `{"embeds":[{"image":{"url":"attachment://x.png"}}],` + quiet + `}`, "URL_TYPE_INVALID"},
		{"empty", `{"content":" ",` + quiet + `}`, "50006"},
		{"six rows", `{"content":"x","components":[` + six + `],` + quiet + `}`, `"components":{"_errors"`},
		{"six buttons", `{"content":"x","components":[` + row(button("a", "1"), button("a", "2"), button("a", "3"), button("a", "4"), button("a", "5"), button("a", "6")) + `],` + quiet + `}`, "BASE_TYPE_BAD_LENGTH"},
		{"same id twice", `{"content":"x","components":[` + row(button("a", "1"), button("b", "1")) + `],` + quiet + `}`, "COMPONENT_CUSTOM_ID_DUPLICATED"},
		{"label", `{"content":"x","components":[` + row(button(long(81), "1")) + `],` + quiet + `}`, `"label":{"_errors"`},
		{"custom id", `{"content":"x","components":[` + row(button("a", long(101))) + `],` + quiet + `}`, `"custom_id":{"_errors"`},
		{"menu", `{"content":"x","components":[` + menu("", option("1")) + `],` + quiet + `}`, ""},
		{"menu beside a button", `{"content":"x","components":[` + row(button("a", "1"), `{"type":3,"custom_id":"m","options":[`+option("1")+`]}`) + `],` + quiet + `}`, "COMPONENT_LAYOUT_WIDTH_EXCEEDED"},
		{"menu without options", `{"content":"x","components":[` + menu("") + `],` + quiet + `}`, `"options":{"_errors"`},
		{"26 options", `{"content":"x","components":[` + menu("", strings.Split(strings.Repeat(option("1")+" ", 26)[:26*len(option("1"))+25], " ")...) + `],` + quiet + `}`, `"options":{"_errors"`},
		{"same value twice", `{"content":"x","components":[` + menu("", option("1"), option("1")) + `],` + quiet + `}`, "OPTION_VALUE_DUPLICATED"},
		{"two defaults", `{"content":"x","components":[` + menu("", option("1"), option("2")) + `],` + quiet + `}`, "TOO_MANY_DEFAULT_OPTIONS"},
		{"long value", `{"content":"x","components":[` + menu("", option(long(101))) + `],` + quiet + `}`, `"value":{"_errors"`},
		{"placeholder", `{"content":"x","components":[` + menu(`"placeholder":"`+long(151)+`",`, option("1")) + `],` + quiet + `}`, `"placeholder":{"_errors"`},
		{"text input", `{"content":"x","components":[` + row(`{"type":4,"custom_id":"m","label":"a","style":1}`) + `],` + quiet + `}`, "UNION_TYPE_CHOICES"},
		{"nonce", `{"content":"x","nonce":"` + long(26) + `",` + quiet + `}`, `"nonce":{"_errors"`},
		{"no JSON", `{`, "50109"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := discordtest.New(t, discordtest.Tolerant())
			status, body := call(t, srv, "POST", "/channels/1/messages", tt.body)
			if tt.want == "" && status != http.StatusOK || tt.want != "" && (status != http.StatusBadRequest || !strings.Contains(body, tt.want)) {
				t.Errorf("got %d %s, want %q", status, body, tt.want)
			}
			if got := len(srv.Violations()); (got == 0) != (tt.want == "") {
				t.Errorf("got %d violations", got)
			}
		})
	}
}

func TestCommandsAreChecked(t *testing.T) {
	t.Parallel()
	option := func(extra string) string {
		return `[{"name":"liq","description":"x","options":[{"type":3,"name":"coin","description":"x"` + extra + `}]}]`
	}
	full := func(name string) string {
		choice := `{"name":"` + strings.Repeat("n", 100) + `","value":"` + strings.Repeat("v", 100) + `"}`
		return `{"type":3,"name":"` + name + `","description":"x","choices":[` + choice + strings.Repeat(","+choice, 24) + `]}`
	}
	tests := []struct{ name, body, want string }{
		{"good", option(`,"autocomplete":true,"choices":null`), ""},
		{"upper case", `[{"name":"Liq","description":"x"}]`, "APPLICATION_COMMAND_INVALID_NAME"},
		{"no description", `[{"name":"liq","description":""}]`, `"description":{"_errors"`},
		{"twice", `[{"name":"liq","description":"x"},{"name":"liq","description":"x"}]`, "APPLICATION_COMMANDS_DUPLICATE_NAME"},
		{"language", `[{"name":"liq","description":"x","description_localizations":{"zh-Hans":"x"}}]`, "zh-Hans"},
		{"choices and autocomplete", option(`,"autocomplete":true,"choices":[{"name":"a","value":"a"}]`), "AUTOCOMPLETE_CHOICES"},
		{"required after optional", option(`},{"type":3,"name":"b","description":"x","required":true`), "OPTIONS_REQUIRED_INVALID"},
		{"channel types of a text", option(`,"channel_types":[0]`), "CHANNEL_TYPES_INVALID"},
		{"too large", `[{"name":"liq","description":"x","options":[` + full("a") + "," + full("b") + `]}]`, "APPLICATION_COMMAND_TOO_LARGE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := discordtest.New(t, discordtest.Tolerant())
			status, body := call(t, srv, "PUT", "/applications/"+discordtest.ApplicationID+"/commands", tt.body)
			if tt.want == "" && status != http.StatusOK || tt.want != "" && (status != http.StatusBadRequest || !strings.Contains(body, tt.want)) {
				t.Errorf("got %d %s, want %q", status, body, tt.want)
			}
		})
	}
}

func TestLocalisationsAreOnlyListedOnDemand(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	path := "/applications/" + discordtest.ApplicationID + "/commands"
	call(t, srv, "PUT", path, `[{"name":"liq","description":"x","description_localizations":{"ru":"карта"}}]`)
	if _, body := call(t, srv, "GET", path, ""); strings.Contains(body, "карта") {
		t.Errorf("without with_localizations: got %s", body)
	}
	if _, body := call(t, srv, "GET", path+"?with_localizations=true", ""); !strings.Contains(body, "карта") {
		t.Errorf("with_localizations: got %s", body)
	}
}

func TestNonceIsEnforced(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	for range 3 {
		call(t, srv, "POST", "/channels/1/messages", `{"content":"alert","nonce":"n1","enforce_nonce":true,`+quiet+`}`)
	}
	call(t, srv, "POST", "/channels/1/messages", `{"content":"alert","nonce":"n1",`+quiet+`}`)
	call(t, srv, "POST", "/channels/2/messages", `{"content":"alert","nonce":"n1","enforce_nonce":true,`+quiet+`}`)
	if one, two := len(srv.Messages("1")), len(srv.Messages("2")); one != 2 || two != 0 {
		t.Errorf("got %d and %d messages, want 2 and, as the nonce is the bot's, 0", one, two)
	}
}

func TestActThenFail(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	srv.Fail(discordtest.Fault{Method: "POST", Path: "/messages", Act: true, Status: http.StatusBadGateway})
	if status, _ := call(t, srv, "POST", "/channels/1/messages", `{"content":"alert",`+quiet+`}`); status != http.StatusBadGateway {
		t.Errorf("got status %d, want 502", status)
	}
	if n := len(srv.Messages("1")); n != 1 {
		t.Errorf("got %d messages, want 1", n)
	}
}

func TestChannelLimit(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	var status int
	var body string
	for range 6 {
		status, body = call(t, srv, "POST", "/channels/1/messages", `{"content":"x",`+quiet+`}`)
	}
	var limited struct {
		RetryAfter float64 `json:"retry_after"`
	}
	if err := json.Unmarshal([]byte(body), &limited); err != nil || status != http.StatusTooManyRequests || limited.RetryAfter <= 0 || limited.RetryAfter > 5 {
		t.Errorf("sixth message: got %d %s", status, body)
	}
	if status, _ := call(t, srv, "POST", "/channels/2/messages", `{"content":"x",`+quiet+`}`); status != http.StatusOK {
		t.Errorf("another channel: got %d, want 200", status)
	}
}

func TestLimitIsTold(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	for left := 4; left >= -1; left-- {
		status, header, _ := answer(t, srv, "POST", "/channels/1/messages", `{"content":"x",`+quiet+`}`)
		if want := strconv.Itoa(max(left, 0)); header.Get("X-RateLimit-Limit") != "5" || header.Get("X-RateLimit-Remaining") != want || header.Get("X-RateLimit-Reset-After") == "" {
			t.Errorf("status %d: got %v, want %s left", status, header, want)
		}
		if (status == http.StatusTooManyRequests) != (left < 0) || (header.Get("Retry-After") != "") != (left < 0) {
			t.Errorf("with %d left: got status %d, %v", left, status, header)
		}
	}
	if calls := srv.Calls("POST", "/messages"); calls[0].Status != http.StatusOK || calls[5].Status != http.StatusTooManyRequests {
		t.Errorf("noted: got %d and %d", calls[0].Status, calls[5].Status)
	}
}

// All calls with the bot token share a limit, and its 429 has no Reset-After.
func TestGlobalLimit(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	for range 200 { // the loop may be slower than the limit
		status, header, body := answer(t, srv, "GET", "/users/@me", "")
		if status == http.StatusOK {
			continue
		}
		if status != http.StatusTooManyRequests || header.Get("X-RateLimit-Scope") != "global" || header.Get("X-RateLimit-Reset-After") != "" || !strings.Contains(body, `"global":true`) {
			t.Errorf("got %d %v %s", status, header, body)
		}
		if status, _, _ := answer(t, srv, "GET", "/gateway", ""); status != http.StatusOK {
			t.Errorf("without token: got %d", status)
		}
		return
	}
	t.Skip("this machine makes fewer than 50 calls a second")
}

func TestChannelsAreLookedUp(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	srv.AddChannel(discordtest.Channel{ID: "5", Guild: discordtest.GuildID, Type: 5})
	srv.AddChannel(discordtest.Channel{ID: "6", Guild: discordtest.GuildID, Hidden: true})
	tests := []struct {
		id     string
		status int
		want   string
	}{
		{discordtest.ChannelID, http.StatusOK, `"guild_id":"` + discordtest.GuildID + `"`},
		{"5", http.StatusOK, `"type":5`},
		{"6", http.StatusForbidden, "50001"},
		{"7", http.StatusNotFound, "10003"},
	}
	for _, tt := range tests {
		if status, _, body := answer(t, srv, "GET", "/channels/"+tt.id, ""); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %d %s, want %d %s", tt.id, status, body, tt.status, tt.want)
		}
	}
}

func TestRestrictedChannels(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	srv.Restrict("1", discordtest.EmbedLinks)
	_, _, body := answer(t, srv, "POST", "/channels/1/messages", `{"content":"x","embeds":[{"description":"y"}],`+quiet+`}`)
	if m := srv.Messages("1"); len(m) != 1 || m[0].Text() != "x" || !strings.Contains(body, `"embeds":[]`) {
		t.Errorf("without embeds: got %+v, %s", m, body)
	}
	srv.FailChannel("2", discordtest.Failure{Status: http.StatusForbidden, Code: 50013})
	if status, _, _ := answer(t, srv, "POST", "/channels/2/messages", `{"content":"x",`+quiet+`}`); status != http.StatusForbidden {
		t.Errorf("broken channel: got %d", status)
	}
	srv.FailChannel("2", discordtest.Failure{})
	if status, _, _ := answer(t, srv, "POST", "/channels/2/messages", `{"content":"x",`+quiet+`}`); status != http.StatusOK {
		t.Errorf("mended channel: got %d", status)
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	tests := []struct {
		name, path string
		header     []string
		want       int
	}{
		{"bot", "/users/@me", nil, http.StatusOK},
		{"application", "/oauth2/applications/@me", nil, http.StatusOK},
		{"gateway needs no token", "/gateway", []string{"Authorization", ""}, http.StatusOK},
		{"no prefix", "/gateway/bot", []string{"Authorization", discordtest.Token}, http.StatusUnauthorized},
		{"wrong token", "/users/@me", []string{"Authorization", "Bot x"}, http.StatusUnauthorized},
		{"user agent", "/users/@me", []string{"User-Agent", "Go-http-client/1.1"}, http.StatusForbidden},
		{"unknown route", "/nowhere", nil, http.StatusNotFound},
	}
	for _, tt := range tests {
		if status, body := call(t, srv, "GET", tt.path, "", tt.header...); status != tt.want {
			t.Errorf("%s: got %d %s, want %d", tt.name, status, body, tt.want)
		}
	}
}

func TestDirectChannelIsKept(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	_, first := call(t, srv, "POST", "/users/@me/channels", `{"recipient_id":"7"}`)
	_, again := call(t, srv, "POST", "/users/@me/channels", `{"recipient_id":"7"}`)
	_, other := call(t, srv, "POST", "/users/@me/channels", `{"recipient_id":"8"}`)
	if first != again || first == other {
		t.Errorf("got %s, %s and %s", first, again, other)
	}
}

// Files pile up on a message unless an edit lists what stays.
func TestEditedFiles(t *testing.T) {
	t.Parallel()
	srv := discordtest.New(t)
	post := func(method, path, payload string) (int, string) {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		_ = form.WriteField("payload_json", payload)
		file, _ := form.CreateFormFile("files[0]", "a.png")
		_, _ = io.WriteString(file, "png")
		_ = form.Close()
		return call(t, srv, method, path, body.String(), "Content-Type", form.FormDataContentType())
	}
	_, body := post("POST", "/channels/1/messages", `{`+quiet+`}`)
	var m struct{ ID string }
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	post("PATCH", "/channels/1/messages/"+m.ID, `{`+quiet+`}`)
	if n := len(srv.Messages("1")[0].Files); n != 2 {
		t.Errorf("edit that lists nothing: got %d files, want 2", n)
	}
	post("PATCH", "/channels/1/messages/"+m.ID, `{"attachments":[{"id":0,"description":"new"}],`+quiet+`}`)
	if files := srv.Messages("1")[0].Files; len(files) != 1 || files[0].Description != "new" {
		t.Errorf("edit that lists the new file: got %+v", files)
	}
}
