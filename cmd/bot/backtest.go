package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"liqbot/backtest"
)

// backtestFlags are what bot backtest can be told.
type backtestFlags struct {
	data, history, part string
	clean, parts, json  bool
	boot                int
}

func (sh *shell) backtestCommand() *cobra.Command {
	var flags backtestFlags
	cmd := &cobra.Command{
		Use:   "backtest --data DIR",
		Short: "Score the liquidation map on a recorded market",
		Long: `backtest replays recorded candles, open interest and liquidations through the bot's
own liquidation map and prints how well the map agreed with what was liquidated: by coin
and side, against baselines and placebos, what it said beforehand, and on bars of 60, 15
and 5 minutes where there are 5-minute candles. Bad rows are printed like good ones.

DIR has gzip CSV files such as binance_1h/liquidations_1h_BTCUSDT.csv.gz. It reads no
settings and needs no network.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return sh.backtest(cmd, flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.data, "data", "", "folder of the recorded market (required)")
	f.StringVar(&flags.history, "history", "", "folder of earlier recordings: they warm the map up and are never scored")
	f.StringVar(&flags.part, "part", string(backtest.All), "what to score: all, tune (the first 60 %) or confirm (the rest)")
	f.BoolVar(&flags.clean, "clean", false, "leave out buckets that the data provider corrected by more than a fifth")
	f.BoolVar(&flags.parts, "parts", false, "also score the map with one part of it changed: what each part is worth")
	f.IntVar(&flags.boot, "boot", 1000, "draws of days behind the intervals")
	f.BoolVar(&flags.json, "json", false, "print JSON")
	return cmd
}

func (sh *shell) backtest(cmd *cobra.Command, flags backtestFlags) error {
	part, err := backtest.ParsePart(flags.part)
	if err != nil {
		return fmt.Errorf("%w: --part: %w", errUsage, err)
	}
	if flags.boot < 1 || flags.boot > 100_000 {
		return fmt.Errorf("%w: --boot %d: want 1 to 100000", errUsage, flags.boot)
	}
	options := backtest.Options{Part: part, Clean: flags.clean, Boot: flags.boot}
	if options.Data, err = folder("--data", flags.data); err != nil {
		return err
	}
	if flags.parts {
		options.Variants = backtest.PartsChanged()
	}
	if flags.history != "" {
		if options.History, err = folder("--history", flags.history); err != nil {
			return err
		}
	}
	report, err := backtest.Run(cmd.Context(), options)
	if err != nil {
		return err
	}
	if !flags.json {
		return report.WriteText(sh.out)
	}
	encoder := json.NewEncoder(sh.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}

// folder opens a folder that a flag names.
func folder(flag, path string) (fs.FS, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: %s: want a folder of recorded markets", errUsage, flag)
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = errors.New("not a folder")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", errUsage, flag, path, err)
	}
	return os.DirFS(path), nil
}
