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

func (sh *shell) compactCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Make the data files smaller; the bot has to be stopped",
		Long: `compact writes the data files in DATA_DIR anew, without the room that deleted rows left,
checks the new ones and puts them in place. Files never shrink by themselves: room is
used again. It needs as much free disk as the new files take, and nothing is lost when
it is stopped half way.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return sh.compact(cmd.Context()) },
	}
}

func (sh *shell) compact(ctx context.Context) error {
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	found := false
	for _, f := range []struct {
		name    string
		compact func(context.Context, string, storage.Check) (storage.Sizes, error)
	}{{storage.FileName, storage.Compact}, {storage.MarketFileName, storage.CompactMarket}} {
		path := filepath.Join(c.dataDir, f.name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		found = true
		if err := sh.verify(ctx, path); err != nil {
			return err
		}
		sizes, err := f.compact(ctx, c.dataDir, sh.sound)
		if err != nil {
			return err
		}
		if sizes.After == sizes.Before {
			fmt.Fprintf(sh.out, "%s: %s, as small as it gets\n", path, size(sizes.Before))
			continue
		}
		fmt.Fprintf(sh.out, "%s: %s before, %s now\n", path, size(sizes.Before), size(sizes.After))
	}
	if !found {
		return fmt.Errorf("there is no data in %s; DATA_DIR says where it is", c.dataDir)
	}
	return nil
}

// size is a number of bytes as people read it.
func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KB", (bytes+1<<10-1)>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
}
