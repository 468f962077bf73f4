// Command bot shows liquidation maps of crypto futures in Telegram, Discord and a
// local web chat. This package parses flags and configuration, joins the parts and
// runs them until a signal; everything that another package could want is
// elsewhere.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // members choose time zones, and small images have none

	"github.com/spf13/cobra"

	"liqbot/storage"
	"liqbot/telemetry"
)

// Exit codes, for scripts and service managers.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitDataBusy = 3
)

// errUsage marks errors of flags, arguments and configuration.
var errUsage = errors.New("usage")

// shell is what the commands talk to: the process, or a test.
type shell struct {
	environ  []string
	dotenv   string
	out, err io.Writer
	terminal bool
	// self is this program, to run a part of itself apart; empty in tests.
	self string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one ends the process at once.
	context.AfterFunc(ctx, stop)
	sh := &shell{environ: os.Environ(), dotenv: ".env", out: os.Stdout, err: os.Stderr, terminal: isTerminal(os.Stdout)}
	if self, err := os.Executable(); err == nil {
		sh.self = self
	}
	os.Exit(sh.main(ctx, os.Args[1:]))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// main runs one command and returns the exit code.
func (sh *shell) main(ctx context.Context, args []string) int {
	root := sh.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	// Errors of libraries may quote an address with a token in it.
	message := err.Error()
	if c, cerr := readConfig(sh.environ, sh.dotenv, nil); cerr == nil {
		message = telemetry.NewRedactor(c.allSecrets...).String(message)
	}
	fmt.Fprintln(sh.err, "bot:", strings.TrimPrefix(message, errUsage.Error()+": "))
	switch {
	case strings.HasPrefix(message, "unknown command"): // cobra has no type for it
		return exitUsage
	case errors.Is(err, storage.ErrLocked):
		fmt.Fprintln(sh.err, "bot: a bot is already running on this data folder; stop it, or set another DATA_DIR")
		return exitDataBusy
	case errors.Is(err, errUsage):
		return exitUsage
	default:
		return exitFailure
	}
}

func (sh *shell) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "bot",
		Short: "Liquidation maps of crypto futures, in Telegram, Discord and a web chat",
		Long: `liqbot answers /liq btc with the liquidation map of a coin: a picture, the key
levels above and below the price, and a short reading.

Try it without any token or key:

  bot demo                                   the web chat on an invented market
  bot liq btc --source demo --png btc.png    one reply, on the command line

Settings come from the environment and from .env in this folder; .env.example
lists and explains them all.`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(sh.out)
	root.SetErr(sh.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", errUsage, err) })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(sh.runCommand(), sh.demoCommand(), sh.liqCommand(), sh.checkCommand(), sh.recordCommand(), sh.replayCommand(), sh.backtestCommand())
	root.AddCommand(sh.backupCommand(), sh.restoreCommand(), sh.compactCommand(), sh.exportCommand(), sh.importCommand(), sh.verifyCommand())
	return root
}

// version is the module's version, or the commit that was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}

// config reads the configuration; what is wrong with it is an error of usage.
func (sh *shell) config(overrides map[string]string) (*config, error) {
	c, err := readConfig(sh.environ, sh.dotenv, overrides)
	if err != nil {
		return nil, fmt.Errorf("%w: settings:\n%w", errUsage, err)
	}
	for _, w := range c.warnings {
		fmt.Fprintln(sh.err, "bot: warning:", w)
	}
	return c, nil
}
