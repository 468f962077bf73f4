package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"liqbot/storage"
)

// verifyLimit ends the check of a file so damaged that it never ends.
const verifyLimit = time.Minute

// verifyCommand checks a data file in a process of its own: reading a damaged one
// can fault or hang in a way that takes the process along.
func (sh *shell) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "verify FILE",
		Short:  "Check a data file from page to page",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE:   func(cmd *cobra.Command, args []string) error { return storage.Verify(cmd.Context(), args[0]) },
	}
}

// verify checks a data file by running verifyCommand. A file that another process
// uses is left to that one. Without a binary to run (in tests) it checks nothing.
func (sh *shell) verify(ctx context.Context, path string) error {
	if sh.self == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, verifyLimit)
	defer cancel()
	err := exec.CommandContext(ctx, sh.self, "verify", path).Run() //nolint:gosec // this very program
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == exitDataBusy {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w; move it away, or restore a copy that bot backup made", path, storage.ErrDamaged)
	}
	return nil
}

// openStore opens the store of a data folder once its file is known to be sound.
func (sh *shell) openStore(ctx context.Context, dir string) (*storage.Store, error) {
	path := filepath.Join(dir, storage.FileName)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		if err := sh.verify(ctx, path); err != nil {
			return nil, err
		}
	}
	return storage.Open(ctx, dir, nil)
}
