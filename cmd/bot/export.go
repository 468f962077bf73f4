package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"liqbot/storage"
)

func (sh *shell) exportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what chats have chosen and asked for as text, also while the bot runs",
		Long: `export writes settings, subscriptions, levels, thresholds, terms and logs of changes of
all chats as JSON lines, for a look, for another machine or another version. It holds
chat ids and the names of those who changed something, but no token, no key, no message
and nothing that is on its way. bot import reads it.`,
		Example: `  bot export --out chats.jsonl
  bot export | gzip > chats.jsonl.gz`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return sh.export(cmd.Context(), out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this `FILE` instead of the standard output")
	return cmd
}

func (sh *shell) export(ctx context.Context, file string) error {
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	var done storage.Exported
	write := func(w io.Writer) error {
		return sh.readStore(ctx, c.dataDir, func(s *storage.Store, _ string) error {
			var err error
			done, err = s.Export(ctx, w, version())
			return err
		})
	}
	if file == "" {
		err = write(sh.out)
	} else {
		err = writeAtomically(file, func(f *os.File) error { return write(f) })
	}
	if err != nil {
		return err
	}
	if file != "" {
		fmt.Fprintf(sh.out, "Exported to %s: settings of %d chats, alerts of %d, %d lines of logs, %d moves\n", file, done.Settings, done.Alerts, done.Changes, done.Moves)
	}
	if done.Unreadable > 0 {
		return fmt.Errorf("%d records cannot be read and are not in the export; bot check --data tells more", done.Unreadable)
	}
	return nil
}
