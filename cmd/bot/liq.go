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

	"liqbot/charts"
	"liqbot/chat"
	"liqbot/handlers"
	"liqbot/locales"
	"liqbot/market"
	"liqbot/platforms/console"
	"liqbot/telemetry"
)

// oneReply bounds a command that asks once and ends.
const oneReply = 30 * time.Second

type liqFlags struct {
	source, png, lang string
	portrait          bool
}

func (sh *shell) liqCommand() *cobra.Command {
	var flags liqFlags
	cmd := &cobra.Command{
		Use:   "liq COIN [WINDOW]",
		Short: "Print the liquidation map's reply and write its picture",
		Example: `  bot liq btc --source demo --png btc.png
  bot liq eth 30d --lang ru`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return fmt.Errorf("%w: want a coin and maybe a window, such as: bot liq btc 7d", errUsage)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return sh.liq(cmd.Context(), args, flags) },
	}
	cmd.Flags().StringVar(&flags.source, "source", "", "exchanges, demo, recorded or coinglass (default: SOURCE)")
	cmd.Flags().StringVar(&flags.png, "png", "", "write the picture to this file")
	cmd.Flags().BoolVar(&flags.portrait, "portrait", false, "picture for a phone, 1080x1350, instead of 1280x720")
	cmd.Flags().StringVar(&flags.lang, "lang", "", "language of the reply, such as en, ru or zh-Hans (default: LANG)")
	return cmd
}

func (sh *shell) liq(ctx context.Context, args []string, flags liqFlags) error {
	if _, ok := locales.Match(flags.lang); flags.lang != "" && !ok {
		return fmt.Errorf("%w: no language %q; want one of %s", errUsage, flags.lang, strings.Join(locales.Tags(), ", "))
	}
	overrides := make(map[string]string)
	if flags.source != "" {
		overrides["SOURCE"] = flags.source
	}
	c, err := sh.config(overrides)
	if err != nil {
		return err
	}
	c.only(args[0])
	ctx, cancel := context.WithTimeout(ctx, oneReply)
	defer cancel()
	// The reply says what went wrong; the log adds the cause for the host.
	log := telemetry.NewLogger(sh.err, max(c.logLevel, slog.LevelWarn), c.allSecrets...)
	source, err := newSource(ctx, c, whenAskedOnce, log)
	if err != nil {
		return err
	}
	defer inBackground(ctx, source)()
	snapshots := newFetchOnce(ctx, source, c.coins)
	pictures, err := charts.New()
	if err != nil {
		return err
	}
	options := handlerOptions(c, snapshots, pictures, log)
	options.Settings, options.ColdWait = noSettings{}, oneReply
	h := handlers.New(options)
	request := console.Request("/liq "+strings.Join(args, " "), sh.language(flags.lang))
	if flags.portrait {
		request.Shape = chat.Portrait
	}
	reply := h.Handle(ctx, request)
	if err := console.Print(sh.out, reply, sh.terminal); err != nil {
		return err
	}
	if reply.Picture == nil {
		return errors.Join(errors.New("there is no map to show"), snapshots.err)
	}
	if flags.png == "" {
		return nil
	}
	if err := os.WriteFile(flags.png, reply.Picture.PNG, 0o644); err != nil { //nolint:gosec // a picture to be shared
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

// only leaves the other coins alone: a command that asks once should not spend the
// exchanges' limits, which a running bot on the same machine needs.
func (c *config) only(name string) {
	coin, err := market.ParseCoin(strings.ToUpper(name))
	if err != nil || c.source != sourceExchanges {
		return
	}
	c.coins, c.exchanges.follow = []market.Coin{coin}, 1
}

// language is the flag's or, as on any Unix, that of the environment.
func (sh *shell) language(flag string) string {
	if flag != "" {
		return flag
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		for _, pair := range sh.environ {
			if value, ok := strings.CutPrefix(pair, name+"="); ok && value != "" {
				tag, _, _ := strings.Cut(value, ".")
				return tag
			}
		}
	}
	return ""
}

// handlerOptions are what every way of running the handlers shares.
func handlerOptions(c *config, snapshots handlers.Snapshots, pictures handlers.Charts, log *slog.Logger) handlers.Options {
	return handlers.Options{
		Snapshots:     snapshots,
		Charts:        pictures,
		Owners:        c.owners,
		StaleAfter:    c.stale,
		RefuseAfter:   c.refuse,
		KeyLevelBand:  c.keyBand,
		SymmetricBand: c.evenBand,
		Hold:          c.hold(),
		Cooldown:      c.cooldown(),
		Rest:          c.restShown(),
		Follow:        c.follow(),
		ColdWait:      coldWait,
		Log:           log,
	}
}

// coldWait is how long a command waits for a coin that nobody asked for before.
const coldWait = 10 * time.Second

// noSettings is for the command line, where nothing is kept.
type noSettings struct{}

func (noSettings) Settings(context.Context, chat.Target) (chat.Settings, error) {
	return chat.Settings{}, nil
}

func (noSettings) Change(context.Context, chat.Target, chat.Entry, func(*chat.Settings)) error {
	return errors.New("the command line keeps no settings")
}
