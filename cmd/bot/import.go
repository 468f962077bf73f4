package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"liqbot/storage"
)

func (sh *shell) importCommand() *cobra.Command {
	var o storage.ImportOptions
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Read what bot export has written; the bot has to be stopped",
		Long: `import reads FILE, which bot export has written, into the data in DATA_DIR; - is the
standard input. Every line is checked before anything is changed. A chat that is there
already keeps what it has chosen and gets what it lacks; with --replace what FILE says
counts. Other chats stay as they are. The data before is kept beside, with the date in its
name.`,
		Example: `  bot import chats.jsonl --dry-run
  bot import chats.jsonl
  ssh old-machine bot export | bot import -`,
		Args: oneFile("a file that bot export has written, such as: bot import chats.jsonl"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.importFile(cmd.Context(), args[0], cmd.InOrStdin(), o)
		},
	}
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "check all of it and change nothing, also while the bot runs")
	cmd.Flags().BoolVar(&o.Replace, "replace", false, "let FILE count where a chat is there already")
	return cmd
}

func (sh *shell) importFile(ctx context.Context, file string, stdin io.Reader, o storage.ImportOptions) (err error) {
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	from := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		defer f.Close()
		from = f
	}
	dir := c.dataDir
	if o.DryRun {
		if dir, err = sh.scratch(ctx, dir); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	live := filepath.Join(dir, storage.FileName)
	if _, serr := os.Stat(live); serr == nil {
		if err := sh.verify(ctx, live); err != nil {
			return err
		}
	}
	o.Check = sh.sound
	done, err := storage.Import(ctx, dir, from, o)
	if err != nil {
		return fmt.Errorf("%w\nnothing was changed", err)
	}
	sh.tellImported(&done, o.DryRun)
	return nil
}

// scratch is a folder with a copy of the data, if there is any.
func (sh *shell) scratch(ctx context.Context, dir string) (copied string, err error) {
	if copied, err = os.MkdirTemp("", "liqbot-import-"); err != nil {
		return "", fmt.Errorf("make a folder for a copy: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, storage.FileName)); errors.Is(err, fs.ErrNotExist) {
		return copied, nil
	}
	err = writeAtomically(filepath.Join(copied, storage.FileName), func(f *os.File) error { return sh.copyStore(ctx, dir, f) })
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(copied))
	}
	return copied, nil
}

func (sh *shell) tellImported(done *storage.Imported, dry bool) {
	for _, part := range []struct {
		what string
		storage.Outcomes
	}{{"settings", done.Settings}, {"alerts", done.Alerts}, {"log lines", done.Changes}, {"moves", done.Moves}} {
		fmt.Fprintf(sh.out, "%-9s  %d new, %d changed, %d as they were\n", part.what, part.New, part.Changed, part.Same)
	}
	if dry {
		fmt.Fprintln(sh.out, "Nothing was changed: this was a dry run.")
	}
	sh.tellKept(done.Kept)
}
