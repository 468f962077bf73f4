package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"liqbot/storage"
)

func (sh *shell) restoreCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in place of the bot's data; the bot has to be stopped",
		Long: `restore checks FILE, which bot backup has written, and puts it in place in DATA_DIR: a
copy of the market file in place of that, any other in place of the chats' data. What was
there is kept beside it, with the date in its name. Data that is not empty is only
replaced with --force. Whatever happens meanwhile, the old data is in place or the new.`,
		Args: oneFile("a file that bot backup has written, such as: bot restore liqbot-backup.db"),
		RunE: func(cmd *cobra.Command, args []string) error { return sh.restore(cmd.Context(), args[0], force) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace data that is not empty")
	return cmd
}

func (sh *shell) restore(ctx context.Context, file string, force bool) error {
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	l, err := sh.lookAtBackup(ctx, file)
	if err != nil {
		return err
	}
	live := filepath.Join(c.dataDir, l.Kind.Name())
	if same(file, live) {
		return fmt.Errorf("%w: %s is in place already", errUsage, file)
	}
	if err := sh.replaceable(ctx, live, force); err != nil {
		return err
	}
	kept, err := storage.Restore(ctx, file, c.dataDir, l.Kind.Name(), sh.sound)
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "Restored %s to %s: %s\n", file, live, describe(l))
	sh.tellKept(kept)
	return nil
}

// lookAtBackup looks at a file that is to be restored.
func (sh *shell) lookAtBackup(ctx context.Context, file string) (storage.Look, error) {
	l, err := sh.look(ctx, file)
	switch {
	case errors.Is(err, storage.ErrLocked):
		return storage.Look{}, fmt.Errorf("%w: %s is in use; want a copy that bot backup has written", errUsage, file)
	case errors.Is(err, storage.ErrDamaged):
		return storage.Look{}, fmt.Errorf("%w; nothing was changed; want a file that bot backup has written", err)
	case err != nil:
		return storage.Look{}, fmt.Errorf("restore: %w", err)
	case l.Newer:
		return storage.Look{}, fmt.Errorf("%s: %w: its schema is %d, this bot knows up to %d; nothing was changed; want the bot that wrote it, or a newer one",
			file, storage.ErrNewer, l.Schema, storage.Schema())
	}
	return l, nil
}

// replaceable reports why a data file may not be replaced.
func (sh *shell) replaceable(ctx context.Context, live string, force bool) error {
	if _, err := os.Stat(live); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	l, err := sh.look(ctx, live)
	switch {
	case errors.Is(err, storage.ErrLocked):
		return err
	case force || err == nil && l.Empty:
		return nil
	case errors.Is(err, storage.ErrDamaged):
		return fmt.Errorf("%w; with --force it is replaced and kept beside the restored data", err)
	case err != nil:
		return err
	default:
		return fmt.Errorf("%s is not empty: %s; with --force it is replaced and kept beside the restored data", live, describe(l))
	}
}

func describe(l storage.Look) string {
	if l.Kind == storage.MarketFile {
		return fmt.Sprintf("%d rows of market data", l.Rows)
	}
	return fmt.Sprintf("schema %d, settings of %d chats, alerts of %d", l.Schema, l.Chats, l.Alerts)
}

// tellKept says where the data before a change is, if it was kept.
func (sh *shell) tellKept(kept string) {
	if kept != "" {
		fmt.Fprintf(sh.out, "The data before is kept as %s; delete it when all is well.\n", kept)
	}
}
