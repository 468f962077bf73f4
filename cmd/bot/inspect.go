package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"liqbot/storage"
)

// inspect is check --data.
func (sh *shell) inspect(ctx context.Context, repair bool) error {
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	if repair {
		if err := sh.repair(ctx, c.dataDir); err != nil {
			return err
		}
	}
	var findings []finding
	err = sh.readStore(ctx, c.dataDir, func(s *storage.Store, path string) error {
		l, err := sh.sizeAndPages(path)
		if err != nil {
			return err
		}
		condition, err := s.Inspect(ctx)
		if err != nil {
			return err
		}
		findings = append([]finding{l}, conditionFindings(&condition)...)
		return nil
	})
	if err != nil {
		return err
	}
	return report(sh.out, append(findings, sh.inspectMarket(ctx, c.dataDir)))
}

// sizeAndPages tells of a file that was opened, and so checked from page to page.
func (sh *shell) sizeAndPages(path string) (finding, error) {
	info, err := os.Stat(path)
	if err != nil {
		return finding{}, err
	}
	return finding{stateOK, "pages", fmt.Sprintf("every page is sound, %s", size(info.Size()))}, nil
}

// repair mends the store of a bot that does not run.
func (sh *shell) repair(ctx context.Context, dir string) error {
	live := filepath.Join(dir, storage.FileName)
	if _, err := os.Stat(live); err != nil {
		return fmt.Errorf("there is no data: %w; DATA_DIR says where it is", err)
	}
	if err := sh.verify(ctx, live); err != nil {
		return err
	}
	found, kept, err := storage.Repair(ctx, dir, sh.sound)
	if err != nil {
		return err
	}
	if kept == "" {
		fmt.Fprintln(sh.out, "There is nothing to repair.")
		return nil
	}
	for _, f := range found.Faults {
		fmt.Fprintf(sh.out, "Found in the %s: %s (%d), such as %s\n", f.Part, f.What, f.Count, f.Example)
	}
	sh.tellKept(kept)
	return nil
}

// conditionFindings are what is told of a store.
func conditionFindings(c *storage.Condition) []finding {
	parts := []finding{
		{stateOK, "records", fmt.Sprintf("settings of %d chats, alerts of %d", c.Chats, c.Records)},
		{stateOK, "index", fmt.Sprintf("%d subscriptions and %d levels in force", c.Subscriptions, c.Levels)},
		{stateOK, "outbox", fmt.Sprintf("%d alerts on their way, %d deliveries left", c.Entries, c.Left)},
		{stateOK, "log", "every line can be read"},
		{stateOK, "claims", "answered requests and events are in order"},
	}
	for i := range parts {
		first := true
		for _, f := range c.Faults {
			if f.Part != parts[i].what {
				continue
			}
			text := fmt.Sprintf("%s (%d), such as %s", f.What, f.Count, f.Example)
			if first {
				parts[i].state, parts[i].text, first = stateFail, text, false
			} else {
				parts[i].text += "\n" + text
			}
		}
		if !first {
			parts[i].text += "\nstop the bot, then: bot check --data --repair"
		}
	}
	aside := finding{stateOK, "aside", "no row was ever set aside"}
	if c.Quarantined > 0 {
		aside = finding{stateNote, "aside", fmt.Sprintf("%d rows could not be read so far and were set aside, %d are kept for a look", c.Quarantined, c.Kept)}
	}
	return append(parts, aside)
}

// inspectMarket looks at the market file.
func (sh *shell) inspectMarket(ctx context.Context, dir string) finding {
	path := filepath.Join(dir, storage.MarketFileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return finding{stateOff, "market", "there is no market file, as SOURCE=exchanges makes one"}
	}
	l, err := sh.look(ctx, path)
	if errors.Is(err, storage.ErrLocked) {
		return finding{stateOK, "market", path + " is in use: a bot is running on it"}
	}
	if errors.Is(err, storage.ErrDamaged) {
		return finding{stateNote, "market", fmt.Sprintf("%v; the bot moves it away and fetches its history anew", err)}
	}
	return result("market", describe(l), err)
}
