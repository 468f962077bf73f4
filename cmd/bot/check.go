package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"liqbot/chat"
	"liqbot/feeds"
	"liqbot/market"
	"liqbot/platforms/discord"
	"liqbot/platforms/telegram"
	"liqbot/snapshot"
	"liqbot/sources/coinglass"
	"liqbot/storage"
	"liqbot/telemetry"
)

// checkLimit bounds the whole of bot check.
const checkLimit = 60 * time.Second

// finding is one line of bot check.
type finding struct {
	state findingState
	what  string
	text  string
}

type findingState string

const (
	stateOK   findingState = "ok"
	stateOff  findingState = "off"
	stateNote findingState = "note"
	stateFail findingState = "FAIL"
)

// result is stateOK with one text, or stateFail with the error's.
func result(what, text string, err error) finding {
	if err != nil {
		return finding{stateFail, what, strings.TrimPrefix(err.Error(), errUsage.Error()+": ")}
	}
	return finding{stateOK, what, text}
}

func (sh *shell) checkCommand() *cobra.Command {
	var data, repair bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell what is configured, what works and what does not",
		Long: `check reads the settings, tries the source, the data folder, the web address and
the chat platforms, and says of each whether it works and what to do if not. It
sends no message and shows no token. The exit code is 1 when something fails.

With --data it looks at the data instead, row by row, also while the bot runs. With
--repair as well, and the bot stopped, it mends what can be mended: the index of who
hears what is made anew from what each chat has asked for, and what cannot be read is
set aside. The data before the repair is kept beside it.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case repair && !data:
				return fmt.Errorf("%w: --repair is about the data; want: bot check --data --repair", errUsage)
			case data:
				return sh.inspect(cmd.Context(), repair)
			default:
				return sh.check(cmd.Context())
			}
		},
	}
	cmd.Flags().BoolVar(&data, "data", false, "look at the data, row by row")
	cmd.Flags().BoolVar(&repair, "repair", false, "with --data: mend what can be mended")
	return cmd
}

func (sh *shell) check(ctx context.Context) error {
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	findings := []finding{{stateOK, "settings", describeSettings(c)}}
	findings = append(findings, checkSource(ctx, c)...)
	findings = append(findings, sh.checkData(ctx, c), checkWeb(ctx, c))
	findings = append(findings, checkPlatforms(ctx, c)...)
	return report(telemetry.NewRedactor(c.allSecrets...).Writer(sh.out), findings)
}

// report prints the findings; the error says how many failed.
func report(w io.Writer, findings []finding) error {
	failed := 0
	for _, f := range findings {
		if f.state == stateFail {
			failed++
		}
		fmt.Fprintf(w, "%-4s  %-9s %s\n", f.state, f.what, strings.ReplaceAll(f.text, "\n", "\n                "))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(findings))
	}
	return nil
}

// describeSettings lists the keys that were set; of secret ones only that they are.
func describeSettings(c *config) string {
	var set []string
	for _, k := range keys {
		if c.given[k.name] {
			set = append(set, k.name)
		}
	}
	if len(set) == 0 {
		return "nothing is set, so everything has its default; see .env.example"
	}
	return "set: " + strings.Join(set, ", ")
}

// checkSource tries the source for real.
func checkSource(ctx context.Context, c *config) []finding {
	if c.source == sourceExchanges {
		return checkVenues(ctx, newFeeds(c, slog.New(slog.DiscardHandler)))
	}
	source, err := newSource(ctx, c, whenAskedOnce, slog.New(slog.DiscardHandler))
	if err != nil {
		return []finding{result("source", "", err)}
	}
	var findings []finding
	if s, ok := source.(*coinglass.Source); ok {
		for _, f := range s.Check(ctx) {
			state := stateOK
			if !f.OK {
				state = stateFail
			}
			findings = append(findings, finding{state, "source", f.What + ": " + f.Text})
		}
		return findings
	}
	key := snapshot.Key{Coin: c.coins[0], Window: market.Week}
	s, err := source.Fetch(ctx, key)
	if err != nil {
		return []finding{result("source", "", fmt.Errorf("SOURCE=%s gives no map of %s: %w", c.source, key, err))}
	}
	return []finding{result("source", fmt.Sprintf("SOURCE=%s gives a map of %s at $%g", c.source, key, s.Price.USD), nil)}
}

// checkVenues asks each exchange for its clock and its contracts. One that does not
// answer is a note as long as another does: the bot leaves it out and says so.
func checkVenues(ctx context.Context, venues []feeds.Feed) []finding {
	findings := make([]finding, len(venues))
	var wg sync.WaitGroup
	for i, f := range venues {
		wg.Go(func() {
			what := "source " + string(f.Venue())
			at, err := f.ServerTime(ctx)
			var list []market.Contract
			if err == nil {
				list, err = f.Contracts(ctx)
			}
			findings[i] = result(what, fmt.Sprintf("%d contracts, its clock is %v from this one", len(list), time.Until(at).Round(100*time.Millisecond).Abs()), err)
		})
	}
	wg.Wait()
	answers := slices.ContainsFunc(findings, func(f finding) bool { return f.state == stateOK })
	for i := range findings {
		if answers && findings[i].state == stateFail {
			findings[i].state = stateNote
		}
	}
	return findings
}

// checkData tries the data folder without making a new data file.
func (sh *shell) checkData(ctx context.Context, c *config) finding {
	path := filepath.Join(c.dataDir, storage.FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := writable(c.dataDir); err != nil {
			return result("data", "", fmt.Errorf("DATA_DIR: %w", err))
		}
		return result("data", path+" will be made at the first run", nil)
	}
	store, err := sh.openStore(ctx, c.dataDir)
	if errors.Is(err, storage.ErrLocked) {
		return finding{stateOK, "data", path + " is in use: a bot is running on it"}
	}
	if err != nil {
		return result("data", "", err)
	}
	chats, err := store.Chats()
	if err = errors.Join(err, store.Close()); err != nil {
		return result("data", "", err)
	}
	return result("data", fmt.Sprintf("%s is good, with %d chats", path, chats), nil)
}

// writable tries to write into a folder, or into the one where it would be made.
func writable(dir string) error {
	for {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir:
			dir = filepath.Dir(dir)
			continue
		case err != nil:
			return err
		case !info.IsDir():
			return fmt.Errorf("%s is not a folder", dir)
		}
		f, err := os.CreateTemp(dir, ".liqbot-check-*")
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Remove(f.Name()))
	}
}

func checkWeb(ctx context.Context, c *config) finding {
	if c.web.addr == "" {
		return finding{stateOff, "web", "WEB_ADDR=off: no web chat, no /healthz, no /metrics"}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.web.addr)
	if err != nil {
		return finding{stateNote, "web", fmt.Sprintf("WEB_ADDR=%s cannot be taken now (%v); that is right if the bot is running", c.web.addr, err)}
	}
	if err := l.Close(); err != nil {
		return result("web", "", err)
	}
	host, _, _ := net.SplitHostPort(c.web.addr)
	if ip := net.ParseIP(host); ip != nil && !ip.IsLoopback() || host == "" {
		return finding{stateNote, "web", fmt.Sprintf("WEB_ADDR=%s is free, but not only this machine can reach it: whoever does can use the chat", c.web.addr)}
	}
	return result("web", fmt.Sprintf("WEB_ADDR=%s is free", c.web.addr), nil)
}

// checkPlatforms asks each chat platform whether it accepts the bot.
func checkPlatforms(ctx context.Context, c *config) []finding {
	mute := chat.Bot{Handle: func(context.Context, chat.Request) chat.Reply { return chat.Reply{} }}
	tg := finding{stateOff, "telegram", "TELEGRAM_TOKEN is not set"}
	if c.telegram.token.Set() {
		a, err := telegram.New(telegram.Config{Token: c.telegram.token, APIURL: c.telegram.url, Bot: mute})
		tg = askPlatform(ctx, "telegram", a, err)
	}
	dc := finding{stateOff, "discord", "DISCORD_TOKEN is not set"}
	if c.discord.token.Set() {
		a, err := discord.New(discord.Config{Token: c.discord.token, APIURL: c.discord.url, Bot: mute, Claims: noClaims{}})
		dc = askPlatform(ctx, "discord", a, err)
	}
	return []finding{tg, dc}
}

func askPlatform(ctx context.Context, name string, p interface {
	Check(context.Context) (string, error)
}, err error,
) finding {
	if err != nil {
		return result(name, "", err)
	}
	text, err := p.Check(ctx)
	return result(name, text, err)
}

// noClaims is for a bot that answers nothing.
type noClaims struct{}

func (noClaims) Claimed(context.Context, string) (bool, error) { return false, nil }
func (noClaims) Release(context.Context, string) error         { return nil }
func (noClaims) Claim(context.Context, string) (bool, error)   { return false, nil }
