package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"liqbot/storage"
)

func (sh *shell) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the bot's data to a file, also while the bot runs",
		Long: `backup copies the data in DATA_DIR to FILE, checks the copy and only then puts it
in place. It works while the bot runs and while it does not. To restore, stop the
bot and copy FILE to ` + storage.FileName + ` in DATA_DIR.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("%w: want a file, such as: bot backup liqbot-backup.db", errUsage)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return sh.backup(cmd.Context(), args[0]) },
	}
}

func (sh *shell) backup(ctx context.Context, file string) (err error) {
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	live := filepath.Join(c.dataDir, storage.FileName)
	if same(file, live) {
		return fmt.Errorf("%w: %s is the bot's own data file; want another name", errUsage, file)
	}
	if _, err := os.Stat(live); err != nil {
		return fmt.Errorf("there is no data to copy: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*.tmp")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	err = sh.copyStore(ctx, c.dataDir, tmp)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := sh.verify(ctx, tmp.Name()); err != nil {
		return fmt.Errorf("the copy is no good and was not kept: %w", err)
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	fmt.Fprintf(sh.out, "Copied and checked: %s\n", file)
	return nil
}

// copyStore copies from the running bot, or from the file when none runs.
func (sh *shell) copyStore(ctx context.Context, dir string, to *os.File) (err error) {
	if done, err := fetchBackup(ctx, dir, to); done || err != nil {
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
