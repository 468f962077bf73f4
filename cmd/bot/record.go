package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"liqbot/sources/recorded"
	"liqbot/telemetry"
)

func (sh *shell) recordCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "record --out FILE",
		Short: "Write what the source delivers to a file that SOURCE=recorded plays",
		Long: `record fetches the coins in COINS from the source in SOURCE, again and again, and
writes what changed to a file until it is stopped. A name that ends in .gz is
compressed. The format is described in docs/recorded-market.md.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return sh.record(cmd.Context(), out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write; must not exist yet")
	return cmd
}

func (sh *shell) record(ctx context.Context, out string) (err error) {
	if out == "" {
		return fmt.Errorf("%w: want --out FILE, such as: bot record --out market.jsonl.gz", errUsage)
	}
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	log := telemetry.NewLogger(sh.err, c.logLevel, c.allSecrets...)
	source, err := newSource(c, log)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // market data to be shared
	if err != nil {
		return fmt.Errorf("%w: --out: %w", errUsage, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	every := c.refresh
	if every == 0 && c.source != sourceCoinGlass {
		every = replayEvery
	}
	fmt.Fprintf(sh.err, "bot: recording %s to %s; Ctrl+C stops it\n", source.Name(), out)
	return recorded.Record(ctx, source, f, recorded.RecordOptions{
		Coins: c.coins, Every: every, Gzip: strings.HasSuffix(out, ".gz"), Log: log,
	})
}
