package main

import (
	"context"
	"encoding/json"
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
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := storage.LookAt(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return json.NewEncoder(sh.out).Encode(l)
		},
	}
}

// look looks at a data file by running verifyCommand; in tests there may be no binary to
// run. The error wraps storage.ErrLocked when a bot has the file open, and
// storage.ErrDamaged.
func (sh *shell) look(ctx context.Context, path string) (storage.Look, error) {
	f, err := os.Open(path)
	if err != nil {
		return storage.Look{}, err
	}
	if err := f.Close(); err != nil {
		return storage.Look{}, err
	}
	if sh.self == "" {
		return storage.LookAt(ctx, path)
	}
	ctx, cancel := context.WithTimeout(ctx, verifyLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, sh.self, "verify", path).Output() //nolint:gosec // this very program
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == exitDataBusy {
		return storage.Look{}, fmt.Errorf("%s: %w", path, storage.ErrLocked)
	}
	var l storage.Look
	if err != nil || json.Unmarshal(out, &l) != nil {
		return storage.Look{}, fmt.Errorf("%s: %w", path, storage.ErrDamaged)
	}
	return l, nil
}

// sound is look as a check of new data files.
func (sh *shell) sound(ctx context.Context, path string) error {
	_, err := sh.look(ctx, path)
	return err
}

// verify checks the bot's data file. One that another process uses is left to that one.
func (sh *shell) verify(ctx context.Context, path string) error {
	err := sh.sound(ctx, path)
	switch {
	case errors.Is(err, storage.ErrLocked):
		return nil
	case errors.Is(err, storage.ErrDamaged):
		return fmt.Errorf("%w; move it away, or put a backup in place with bot restore FILE --force", err)
	default:
		return err
	}
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

// readStore reads the bot's data as they are now: the store itself or, while a bot has it
// open, a copy that the bot makes. path is the file that is read.
func (sh *shell) readStore(ctx context.Context, dir string, read func(s *storage.Store, path string) error) (err error) {
	live := filepath.Join(dir, storage.FileName)
	if _, err := os.Stat(live); err != nil {
		return fmt.Errorf("there is no data: %w; DATA_DIR says where it is", err)
	}
	copied, err := os.MkdirTemp("", "liqbot-copy-")
	if err != nil {
		return fmt.Errorf("make a folder for a copy: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(copied)) }()
	path := filepath.Join(copied, storage.FileName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("copy data: %w", err)
	}
	running, err := fetchCopy(ctx, dir, storeCopy, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if running {
		dir = copied
	} else {
		path = live
	}
	store, err := sh.openStore(ctx, dir)
	if err != nil {
		return err
	}
	return errors.Join(read(store, path), store.Close())
}
