package storage_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/chat"
	"liqbot/storage"
)

// exported is the export of a data file, as a file.
func exported(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	copyFile(t, file, filepath.Join(dir, storage.FileName))
	s := open(t, dir)
	defer s.Close()
	path := filepath.Join(t.TempDir(), "export.jsonl")
	if err := os.WriteFile(path, export(t, s), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func export(t *testing.T, s *storage.Store) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := s.Export(t.Context(), &out, "test"); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// imported imports an export into a folder.
func imported(t *testing.T, dir string, text []byte, o storage.ImportOptions) (storage.Imported, error) {
	t.Helper()
	o.Check = sound
	return storage.Import(t.Context(), dir, bytes.NewReader(text), o)
}

// body is an export without its header, which has the time.
func body(text []byte) string {
	_, rest, _ := strings.Cut(string(text), "\n")
	return rest
}

func TestExportAndImportIntoAnEmptyStore(t *testing.T) {
	r := newRoom(t)
	furnish(t, r)
	crowdBeside(t, r, 3000)
	text := export(t, r.Store)
	key, err := r.WebKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{
		"web key": string(key), "hex": hex.EncodeToString(key), "base64": base64.StdEncoding.EncodeToString(key)[:40],
		"waiting request": "two", "answered request": "telegram:1", "rule state": "armed",
	} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the %s is in the export", name)
		}
	}
	dir := t.TempDir()
	done, err := imported(t, dir, text, storage.ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := storage.Imported{
		Settings: storage.Outcomes{New: 3}, Alerts: storage.Outcomes{New: audience + 3 + 3000},
		Changes: storage.Outcomes{New: 5}, Moves: storage.Outcomes{New: 1},
	}
	if diff := cmp.Diff(want, done); diff != "" || len(names(t, dir)) != 1 {
		t.Errorf("%v done (-want +got):\n%s", names(t, dir), diff)
	}
	again := &room{dir: dir, now: start}
	again.open(t)
	defer again.Close()
	if diff := cmp.Diff(body(text), body(export(t, again.Store))); diff != "" {
		t.Errorf("exported again (-want +got):\n%s", diff)
	}
	sameIndex(t, again)
	condition, err := again.Inspect(t.Context())
	census, cerr := again.Census(t.Context())
	before, berr := r.Census(t.Context())
	if err := errors.Join(err, cerr, berr); err != nil || len(condition.Faults) > 0 || census != before {
		t.Errorf("condition %+v, census %+v, want %+v, %v", condition, census, before, err)
	}
	if n := again.record(t, breakouts("BTC", 1)); n != audience {
		t.Errorf("an alert goes to %d, want %d", n, audience)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if done, err := imported(t, dir, text, storage.ImportOptions{}); err != nil || done.Kept != "" || done.Alerts.Same != want.Alerts.New || done.Changes.New != 0 {
		t.Errorf("imported twice: %+v, %v", done, err)
	}
}

// What is there counts, and what the file has besides is joined; with Replace the file
// counts. A level that is new has a number of its own.
func TestImportIntoAStoreThatHasTheChats(t *testing.T) {
	other := newRoom(t)
	speak(t, other, "ru")
	other.subscribe(t, chat.Group, "ETH", superGroup)
	other.level(t, superGroup, "BTC", 5, true)
	other.level(t, superGroup, "BTC", 6, true)
	text := export(t, other.Store)
	for _, replaced := range []bool{false, true} {
		r := newRoom(t)
		speak(t, r, "en")
		r.subscribe(t, chat.Group, "BTC", superGroup)
		r.level(t, superGroup, "BTC", 5, true)
		r.level(t, lost, "SOL", 1, false)
		r.subscribe(t, chat.Private, "SOL", lost)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		dry, err := imported(t, r.dir, text, storage.ImportOptions{Replace: replaced, DryRun: true})
		if err != nil || dry.Kept != "" {
			t.Fatalf("dry run: %+v, %v", dry, err)
		}
		r.open(t)
		if c, err := r.Settings(t.Context(), superGroup); c.Language != "en" || err != nil {
			t.Errorf("the dry run has changed something: %+v, %v", c, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		done, err := imported(t, r.dir, text, storage.ImportOptions{Replace: replaced})
		if err != nil || done.Kept == "" || done.Alerts != dry.Alerts || done.Alerts.Changed != 1 {
			t.Fatalf("%+v, dry %+v, %v", done, dry, err)
		}
		r.open(t)
		c, err := r.Alerts(t.Context(), superGroup)
		settings, serr := r.Settings(t.Context(), superGroup)
		l, lerr := r.Alerts(t.Context(), lost)
		if err := errors.Join(err, serr, lerr); err != nil {
			t.Fatal(err)
		}
		coins, language := "BTC ETH", "en"
		if replaced {
			coins, language = "ETH", "ru"
		}
		var subscribed []string
		for _, s := range c.Subscriptions {
			subscribed = append(subscribed, string(s.Coin))
		}
		if strings.Join(subscribed, " ") != coins || settings.Language != language {
			t.Errorf("replace %v: %v, %+v", replaced, subscribed, settings)
		}
		if len(c.Levels) != 2 || c.Levels[0].ID != 1 || c.Levels[1].ID != 3 || len(l.Levels) != 1 || l.Levels[0].ID != 2 || len(l.Subscriptions) != 1 {
			t.Errorf("replace %v: levels %+v, of the other %+v", replaced, c.Levels, l)
		}
		sameIndex(t, r)
	}
}

func TestImportJoinsLogsInTheOrderOfTime(t *testing.T) {
	logged := func(r *room, changes ...string) {
		for _, change := range changes {
			at := start.Add(time.Duration(change[0]) * time.Minute)
			err := r.Change(t.Context(), superGroup, chat.Entry{Change: change, At: at}, func(c *chat.Settings) { c.Coin = strings.ToUpper(change) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	other, r := newRoom(t), newRoom(t)
	logged(other, "a", "b", "d")
	logged(r, "b", "c", "e")
	text := export(t, other.Store)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := imported(t, r.dir, text, storage.ImportOptions{}); err != nil {
			t.Fatal(err)
		}
		r.open(t)
		entries, err := r.Log(t.Context(), superGroup, 100)
		var got []string
		for _, e := range entries {
			got = append(got, e.Change)
		}
		if strings.Join(got, "") != "edcba" || err != nil {
			t.Errorf("log %v, %v", got, err)
		}
	}
}

// TestImportRefuses: the message has the line and says what would work, and nothing has
// changed.
func TestImportRefuses(t *testing.T) {
	const header = `{"liqbot_export":1,"schema":1,"at":"2026-11-24T12:00:00Z","bot":"x"}` + "\n"
	line := func(rest string) string { return `{"platform":"telegram","chat":"5",` + rest + "}\n" }
	sub := `{"rule":"breakout","coin":"BTC"}`
	coins := ""
	for i := range 400 {
		coins += fmt.Sprintf(`{"platform":"telegram","chat":"%d","alerts":{"subscriptions":[{"rule":"breakout","coin":"C%d"}]}}`+"\n", i, i)
	}
	file := backup(t, "en")
	good := line(`"alerts":{"subscriptions":[` + sub + `]}`)
	for name, c := range map[string]struct{ text, want string }{
		"nothing":             {"", "empty"},
		"a text":              {"hello\nworld\n", "line 1 is not the beginning of an export"},
		"other JSON":          {"{\"a\":1}\n", "line 1 is not the beginning of an export"},
		"a compressed file":   {"\x1f\x8b\x08abc", "compressed"},
		"a backup":            {"0123456789abcdef\xed\xda\x0c\xed", "bot restore"},
		"a newer format":      {`{"liqbot_export":2,"schema":1}` + "\n", "newer"},
		"a newer schema":      {`{"liqbot_export":1,"schema":9999}` + "\n", "newer"},
		"no schema":           {`{"liqbot_export":1}` + "\n", "line 1 is damaged"},
		"a cut line":          {header + good + good[:30], "line 3 is damaged"},
		"a cut file":          {header + good, "line 2 is the last one, and the file has no end"},
		"a missing line":      {header + good + `{"liqbot_end":2}`, `write {"liqbot_end":1}`},
		"two files":           {header + good + header + good, "line 3 begins another export"},
		"more behind the end": {header + good + `{"liqbot_end":1}` + "\n" + good, "line 4 comes after the end"},
		"a long line":         {header + line(`"settings":{"language":"`+strings.Repeat("x", 300<<10)+`"}`), "line 2 is longer"},
		"an unknown name":     {header + line(`"settings":{"colour":"red"}`), "line 2 settings: json: unknown field \"colour\""},
		"an unknown platform": {header + strings.Replace(good, "telegram", "icq", 1), "want telegram, discord"},
		"a chat without id":   {header + strings.Replace(good, `"5"`, `""`, 1), "chat id of 0 bytes"},
		"a NUL in an id":      {header + strings.Replace(good, `"5"`, `"5\u0000"`, 1), "without NUL"},
		"an invalid coin":     {header + strings.Replace(good, "BTC", "btc!", 1), `line 2 alerts: subscription: coin name "btc!"`},
		"a coin in settings":  {header + line(`"settings":{"coins":"BTC,no coin","since":"2026-11-24T12:00:00Z"}`), "coin name"},
		"an unknown window":   {header + line(`"settings":{"window":"9d"}`), "want 1d, 7d or 30d"},
		"an unknown rule":     {header + strings.Replace(good, "breakout", "moon", 1), `rule "moon"`},
		"a price of nothing":  {header + line(`"alerts":{"levels":[{"id":1,"coin":"BTC","usd":-1}]}`), "level: price of -1"},
		"a huge number":       {header + line(`"alerts":{"levels":[{"id":18446744073709551615,"coin":"BTC","usd":1}]}`), "level number"},
		"a clock":             {header + line(`"alerts":{"terms":{"digest":{"on":true,"at":5000}}}`), "minute 5000"},
		"a NUL in a topic":    {header + line(`"alerts":{"terms":{"digest":{"on":true,"at":5,"thread":"a\u0000b"}}}`), "digest: topic id"},
		"no wish":             {header + line(`"alerts":{}`), "nothing is asked for"},
		"nothing in a line":   {header + line(`"chat":"6"`), "want one"},
		"two in a line":       {header + line(`"settings":{"since":"2026-11-24T12:00:00Z"},"moved_to":{"platform":"telegram","chat":"6"}`), "want one"},
		"moved to itself":     {header + line(`"moved_to":{"platform":"telegram","chat":"5"}`), "moved to itself"},
		"too many levels":     {header + line(`"alerts":{"levels":[`+strings.TrimSuffix(strings.Repeat(`{"id":1,"coin":"BTC","usd":2},`, 500), ",")+`]}`), "500 levels"},
		"too many coins":      {header + coins + `{"liqbot_end":400}`, "more than 300 coins"},
		"a wrong time":        {header + line(`"change":{"at":"yesterday","change":"x"}`), "line 2 change"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			restore(t, file, dir)
			before, err := os.ReadFile(filepath.Join(dir, storage.FileName))
			if err != nil {
				t.Fatal(err)
			}
			done, err := imported(t, dir, []byte(c.text), storage.ImportOptions{Replace: true})
			if err == nil || !strings.Contains(err.Error(), c.want) || done != (storage.Imported{}) {
				t.Errorf("%+v, %v; want %q", done, err, c.want)
			}
			after, err := os.ReadFile(filepath.Join(dir, storage.FileName))
			if err != nil || !bytes.Equal(before, after) || len(names(t, dir)) != 1 {
				t.Errorf("something has changed: %v, %v", names(t, dir), err)
			}
		})
	}
}

// Windows' line ends, a mark at the beginning and empty lines do no harm.
func TestImportOfWhatAnEditorHasSaved(t *testing.T) {
	dir := t.TempDir()
	restore(t, backup(t, "en"), dir)
	text := strings.ReplaceAll(string(export(t, open(t, dir))), "\n", "\r\n\r\n")
	if done, err := imported(t, t.TempDir(), []byte("\ufeff"+text), storage.ImportOptions{}); err != nil || done.Settings.New != 3 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestExportTellsOfWhatItCannotRead(t *testing.T) {
	r := newRoom(t)
	furnish(t, r)
	spoil(t, r.Store, "alerts", "flip")
	var out bytes.Buffer
	done, err := r.Export(t.Context(), &out, "test")
	if err != nil || done.Unreadable != 1 || done.Alerts != audience+2 {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := imported(t, t.TempDir(), out.Bytes(), storage.ImportOptions{}); err != nil {
		t.Errorf("the rest cannot be imported: %v", err)
	}
}

func FuzzImportLine(f *testing.F) {
	for line := range bytes.Lines(exportForFuzz(f)) {
		f.Add(line)
	}
	f.Add([]byte(`{"platform":"web","chat":"x","moved_to":{"platform":"web","chat":"y","thread":"z"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		line, err := storage.ParseLine(text)
		if err != nil {
			return
		}
		again, err := storage.ParseLine(line)
		if err != nil || !bytes.Equal(line, again) {
			t.Fatalf("%s came back as %s, %v", line, again, err)
		}
	})
}

// exportForFuzz is the export of the file in testdata.
func exportForFuzz(f *testing.F) []byte {
	f.Helper()
	dir := f.TempDir()
	copyFile(f, "testdata/schema3.db", filepath.Join(dir, storage.FileName))
	s, err := storage.Open(f.Context(), dir, nil)
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	var out bytes.Buffer
	if _, err := s.Export(f.Context(), &out, "test"); err != nil {
		f.Fatal(err)
	}
	return out.Bytes()
}
