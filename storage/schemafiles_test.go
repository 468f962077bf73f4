package storage_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/storage"
)

var schemaFile = flag.String("schema-file", "", "make a data file of the newest schema with this name, and beside it what is in it")

// The chats of the data files in testdata.
var (
	oldGroup   = chat.Target{Platform: chat.Telegram, Chat: "-100"}
	superGroup = chat.Target{Platform: chat.Telegram, Chat: "-1001"}
	server     = chat.Target{Platform: chat.Discord, Chat: "900"}
	channel    = chat.Target{Platform: chat.Discord, Chat: "901"}
	lost       = chat.Target{Platform: chat.Telegram, Chat: "77"}
	furnished  = []chat.Target{oldGroup, superGroup, server, channel, lost, member(chat.Telegram, 0), member(chat.Telegram, 1)}
)

// contents are what can be seen of a furnished store from outside.
type contents struct {
	Settings    map[string]chat.Settings
	Alerts      map[string]alert.Chat
	Logs        map[string][]chat.Entry
	States      map[string][]byte
	Claimed     map[string]bool
	Kept        []chat.Event
	WebKey      []byte
	Totals      alert.Totals
	Census      alert.Census
	Quarantined uint64
	// Interrupted are the chats whose deliveries were handed out, Waiting those that
	// come again, Left those whose turn has not come.
	Interrupted, Waiting, Left []string
}

const audience = 40

// furnish puts something into every corner of a store.
func furnish(t *testing.T, r *room) {
	t.Helper()
	entry := chat.Entry{Member: chat.Member{Platform: chat.Telegram, ID: "7"}, Name: "Ann", Change: "language", Args: []string{"to", "ru"}}
	set := func(target chat.Target, change func(*chat.Settings)) {
		if err := r.Change(t.Context(), target, entry, change); err != nil {
			t.Fatal(err)
		}
	}
	set(oldGroup, func(c *chat.Settings) { c.Language, c.Coin, c.Window, c.TimeZone = "ru", "ETH", "1d", "Europe/Berlin" })
	set(server, func(c *chat.Settings) {
		c.Language, c.Coins, c.AdminsOnly, c.Everyone = "zh-Hans", "BTC,SOL", "alert,mute", "lang"
	})
	set(member(chat.Telegram, 0), func(c *chat.Settings) { c.Language = "en" })
	r.subscribe(t, chat.Private, "BTC", members(chat.Telegram, audience)...)
	change := func(target chat.Target, what string, f func(*alert.Chat)) {
		_, err := r.ChangeAlerts(t.Context(), target, chat.Entry{Member: entry.Member, Name: "Ann", Change: what}, func(c *alert.Chat) error {
			f(c)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change(oldGroup, "threshold", func(c *alert.Chat) {
		c.Kind, c.Language, c.MutedUntil = chat.Group, "ru", start.Add(time.Hour)
		c.Subscriptions = []alert.Subscription{{Rule: alert.Breakout, Coin: "ETH", Thread: "7", Since: start}, {Rule: alert.Cascade, Coin: "SOL", Paused: true, Since: start}}
		c.Levels = []alert.Level{{Coin: "BTC", USD: 99_000.5, Rising: true, Since: start}, {Coin: "ETH", USD: 2500, Thread: "7", Since: start, Repeat: true, Until: start.AddDate(0, 1, 0)}}
		c.SetThreshold(alert.Breakout, "ETH", 1.5e9)
		c.Terms = alert.Terms{Quiet: alert.Quiet{On: true, From: 22 * 60, To: 7 * 60}, Digest: alert.Digest{On: true, At: 8 * 60}, Cooldown: time.Hour, Cap: 9, NoOutcomes: true}
	})
	change(channel, "subscribed", func(c *alert.Chat) {
		c.Kind, c.Home = chat.Channel, server
		c.Subscriptions = []alert.Subscription{{Rule: alert.Imbalance, Coin: "BTC", Since: start}}
	})
	r.level(t, lost, "SOL", 100, false)
	if err := errors.Join(r.Left(t.Context(), lost, "bot was blocked"), r.Move(t.Context(), oldGroup, superGroup)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Claim(t.Context(), "telegram:1"); err != nil {
		t.Fatal(err)
	}
	if err := r.Keep(t.Context(), chat.Event{ID: "telegram:2", Body: []byte("two")}); err != nil {
		t.Fatal(err)
	}
	deliverSome(t, r)
}

// deliverSome leaves an alert half delivered.
func deliverSome(t *testing.T, r *room) {
	t.Helper()
	step := breakouts("BTC", 1)
	step.States = map[string][]byte{"breakout": []byte(`{"armed":true}`)}
	if n := r.record(t, step); n != audience {
		t.Fatalf("%d are queued, want %d", n, audience)
	}
	first := r.advance(t, chat.Telegram, nil, 14).Deliveries
	done := append(results(alert.Sent, first[:5]...), results(alert.Waiting, first[5:8]...)...)
	done = append(done, results(alert.Failed, first[8:10]...)...)
	for i := range done {
		if done[i].State == alert.Waiting {
			done[i].NotBefore, done[i].Repeat, done[i].Delivery.Attempts = start.Add(time.Minute), true, 1
		}
	}
	r.advance(t, chat.Telegram, done, 3)
}

// lookAt reads all that can be seen of a furnished store, and ends its deliveries.
func lookAt(t *testing.T, r *room) contents {
	t.Helper()
	c := contents{Settings: map[string]chat.Settings{}, Alerts: map[string]alert.Chat{}, Logs: map[string][]chat.Entry{}, Claimed: map[string]bool{}}
	var err error
	keep := func(e error) { err = errors.Join(err, e) }
	for _, target := range furnished {
		var e error
		name := string(target.Platform) + " " + target.Chat
		c.Settings[name], e = r.Settings(t.Context(), target)
		keep(e)
		c.Alerts[name], e = r.Alerts(t.Context(), target)
		keep(e)
		c.Logs[name], e = r.Log(t.Context(), target, 100)
		keep(e)
	}
	for _, id := range []string{"telegram:1", "telegram:9"} {
		var e error
		c.Claimed[id], e = r.Claimed(t.Context(), id)
		keep(e)
	}
	var e error
	c.States, e = r.States(t.Context())
	keep(e)
	c.Kept, e = r.Kept(t.Context(), chat.Telegram)
	keep(e)
	c.WebKey, e = r.WebKey(t.Context())
	keep(e)
	c.Census, e = r.Census(t.Context())
	keep(e)
	c.Totals, c.Quarantined = r.totals(t), r.quarantined(t)
	if err != nil {
		t.Fatal(err)
	}
	lookAtOutbox(t, r, &c)
	return c
}

func lookAtOutbox(t *testing.T, r *room, c *contents) {
	t.Helper()
	name := func(d alert.Delivery) string {
		return fmt.Sprintf("%s try %d repeat %v since %v", d.To.Target.Chat, d.Attempts, d.Repeat, d.Since)
	}
	open, err := r.Interrupted(t.Context(), chat.Telegram)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range open {
		c.Interrupted = append(c.Interrupted, name(d))
	}
	rest := r.advance(t, chat.Telegram, results(alert.Sent, open...), 100).Deliveries
	for _, d := range rest {
		c.Left = append(c.Left, name(d))
	}
	r.pass(time.Minute)
	late := r.advance(t, chat.Telegram, results(alert.Sent, rest...), 100).Deliveries
	for _, d := range late {
		c.Waiting = append(c.Waiting, name(d))
	}
	if b := r.advance(t, chat.Telegram, results(alert.Sent, late...), 100); len(b.Deliveries) != 0 || b.Left != 0 {
		t.Errorf("%d come after the last, %d are left", len(b.Deliveries), b.Left)
	}
}

// TestMakeSchemaFile makes the files in testdata, see its README.
func TestMakeSchemaFile(t *testing.T) {
	if *schemaFile == "" {
		t.Skip("only with -schema-file")
	}
	r := newRoom(t)
	furnish(t, r)
	if _, err := r.WebKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	copied, err := r.CopyTo(filepath.Dir(*schemaFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(copied, *schemaFile); err != nil {
		t.Fatal(err)
	}
	told, err := json.MarshalIndent(lookAt(t, r), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(strings.TrimSuffix(*schemaFile, ".db")+".json", append(told, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFilesOfEarlierSchemas opens each data file that an earlier bot made, and finds
// everything in it, also after another start.
func TestFilesOfEarlierSchemas(t *testing.T) {
	files, err := filepath.Glob("testdata/schema*.db")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		for starts := 1; starts <= 2; starts++ {
			t.Run(fmt.Sprintf("%s opened %d times", filepath.Base(file), starts), func(t *testing.T) {
				r := &room{dir: t.TempDir(), now: start}
				copyFile(t, file, filepath.Join(r.dir, storage.FileName))
				r.open(t)
				t.Cleanup(func() { _ = r.Close() })
				for range starts - 1 {
					r.restart(t)
				}
				if condition, err := r.Inspect(t.Context()); err != nil || len(condition.Faults) > 0 {
					t.Errorf("condition: %+v, %v", condition, err)
				}
				told, err := os.ReadFile(strings.TrimSuffix(file, ".db") + ".json")
				if err != nil {
					t.Fatal(err)
				}
				var want contents
				if err := json.Unmarshal(told, &want); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, lookAt(t, r), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("what is in it (-want +got):\n%s", diff)
				}
				tidied(t, r)
			})
		}
	}
}

func copyFile(tb testing.TB, from, to string) {
	tb.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}
