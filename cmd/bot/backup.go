package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"liqbot/storage"
)

func (sh *shell) backupCommand() *cobra.Command {
	var market string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the bot's data to a file, also while the bot runs",
		Long: `backup copies the data in DATA_DIR to FILE, checks the copy and only then puts it
in place. It works while the bot runs and while it does not. To put it back, stop the
bot and use bot restore FILE.

FILE holds everything about chats: settings, alerts, logs, and what is on its way. It
is as secret as DATA_DIR, and bound to this bot; bot export writes a text without
secrets. What exchanges told is in a file of its own, which is large and mostly
fetched anew: with --market it is copied as well.`,
		Example: `  bot backup liqbot-backup.db
  bot backup liqbot-backup.db --market market-backup.db`,
		Args: oneFile("a file, such as: bot backup liqbot-backup.db"),
		RunE: func(cmd *cobra.Command, args []string) error { return sh.backup(cmd.Context(), args[0], market) },
	}
	cmd.Flags().StringVar(&market, "market", "", "copy bars, liquidations and the record of the self-check to this `FILE`")
	return cmd
}

// oneFile refuses arguments that are not one; want says what would work.
func oneFile(want string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%w: want %s", errUsage, want)
		}
		return nil
	}
}

func (sh *shell) backup(ctx context.Context, file, market string) error {
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	err = sh.copyChecked(ctx, filepath.Join(c.dataDir, storage.FileName), file, func(to *os.File) error {
		return sh.copyStore(ctx, c.dataDir, to)
	})
	if err != nil || market == "" {
		return err
	}
	return sh.copyChecked(ctx, filepath.Join(c.dataDir, storage.MarketFileName), market, func(to *os.File) error {
		done, err := fetchCopy(ctx, c.dataDir, marketCopy, to)
		if done || err != nil {
			return err
		}
		return storage.CopyMarket(ctx, c.dataDir, to)
	})
}

// copyChecked copies a data file and puts the copy in place once it is known to be sound.
func (sh *shell) copyChecked(ctx context.Context, live, file string, copyTo func(*os.File) error) error {
	if same(file, live) {
		return fmt.Errorf("%w: %s is the bot's own data file; want another name", errUsage, file)
	}
	if _, err := os.Stat(live); err != nil {
		return fmt.Errorf("there is no data to copy: %w", err)
	}
	err := writeAtomically(file, func(to *os.File) error {
		if err := errors.Join(copyTo(to), to.Sync()); err != nil {
			return err
		}
		if err := sh.sound(ctx, to.Name()); err != nil {
			return fmt.Errorf("the copy is no good and was not kept: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "Copied and checked: %s\n", file)
	return nil
}

// writeAtomically writes a file under a temporary name and gives it its own once it is
// complete and on the disk.
func writeAtomically(file string, write func(*os.File) error) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	err = write(tmp)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// copyStore copies from the running bot, or from the file when none runs.
func (sh *shell) copyStore(ctx context.Context, dir string, to io.Writer) (err error) {
	if done, err := fetchCopy(ctx, dir, storeCopy, to); done || err != nil {
		return err
	}
	store, err := sh.openStore(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	_, err = store.WriteTo(to)
	return err
}

func same(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}
