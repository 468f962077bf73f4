package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"liqbot/sources/exchanges/tape"
	"liqbot/sources/recorded"
	"liqbot/telemetry"
)

func (sh *shell) recordCommand() *cobra.Command {
	var out string
	var withoutFrames bool
	cmd := &cobra.Command{
		Use:   "record --out FILE",
		Short: "Write what the source delivers to a file that can be played again",
		Long: `record fetches the coins in COINS from the source in SOURCE, again and again, until it
is stopped. A name that ends in .gz is compressed.

With SOURCE=exchanges it writes a tape: every message of the exchanges and all that it
changed, from which bot replay makes the same maps and alerts, bit for bit. Its format
is described in docs/raw-tape.md. With any other source it writes what changed in the
maps, for SOURCE=recorded to play; see docs/recorded-market.md.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return sh.record(cmd.Context(), out, withoutFrames) },
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write; must not exist yet")
	cmd.Flags().BoolVar(&withoutFrames, "without-frames", false, "leave the raw messages out of a tape, which are most of it")
	return cmd
}

func (sh *shell) record(ctx context.Context, out string, withoutFrames bool) (err error) {
	if out == "" {
		return fmt.Errorf("%w: want --out FILE, such as: bot record --out market.jsonl.gz", errUsage)
	}
	c, err := sh.config(nil)
	if err != nil {
		return err
	}
	log := telemetry.NewLogger(sh.err, c.logLevel, c.allSecrets...)
	if c.source == sourceExchanges {
		return sh.recordTape(ctx, c, out, withoutFrames, log)
	}
	source, err := newSource(ctx, c, whenAskedOnce, log)
	if err != nil {
		return err
	}
	defer inBackground(ctx, source)()
	f, err := createOut(out)
	if err != nil {
		return err
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

func createOut(out string) (*os.File, error) {
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // market data to be shared
	if err != nil {
		return nil, fmt.Errorf("%w: --out: %w", errUsage, err)
	}
	return f, nil
}

// recordTape runs the source of the exchanges as the bot does, for COINS alone, and keeps
// all that happens in it. It ends with the context or with the disk.
func (sh *shell) recordTape(ctx context.Context, c *config, out string, withoutFrames bool, log *slog.Logger) (err error) {
	f, err := createOut(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := tape.NewWriter(f, tape.Options{Gzip: strings.HasSuffix(out, ".gz"), WithoutFrames: withoutFrames, Bot: version(), Log: log})
	defer func() { err = errors.Join(err, w.Close(time.Now())) }()
	c.exchanges.tape, c.exchanges.follow = w, len(c.coins)
	source, err := newExchanges(ctx, c, whenAskedOnce, log)
	if err != nil {
		return errors.Join(err, os.Remove(out))
	}
	defer inBackground(ctx, source)()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-w.Failed():
			stop()
		case <-ctx.Done():
		}
	}()
	fmt.Fprintf(sh.err, "bot: recording %s to %s; Ctrl+C stops it\n", source.Name(), out)
	return newCache(c, source, log, func(error) {}, nil).Run(ctx)
}
