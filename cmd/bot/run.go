package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"
)

func (sh *shell) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the bot on every platform that is configured",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := sh.config(nil)
			if err != nil {
				return err
			}
			return sh.serve(cmd.Context(), c)
		},
	}
}

func (sh *shell) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Run the web chat on an invented market: no token, key or network",
		Long: `demo runs the web chat on an invented market, which begins anew at each start.
It needs no token, no key and no network, and keeps nothing unless DATA_DIR is set.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return sh.demo(cmd.Context()) },
	}
}

func (sh *shell) demo(ctx context.Context) (err error) {
	c, err := sh.config(demoOverrides())
	if err != nil {
		return err
	}
	if !c.given["DATA_DIR"] {
		if c.dataDir, err = os.MkdirTemp("", "liqbot-demo-"); err != nil {
			return fmt.Errorf("make a folder for the demo: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(c.dataDir)) }()
	}
	if !c.given["WEB_ADDR"] {
		c.web.addr = freeAddr(ctx, c.web.addr)
	}
	return sh.serve(ctx, c)
}

// demoOverrides leave nothing configured that the demo does not need.
func demoOverrides() map[string]string {
	overrides := map[string]string{"SOURCE": sourceDemo, "TELEGRAM_WEBHOOK_URL": ""}
	for _, k := range keys {
		if k.secret {
			overrides[k.name], overrides[k.name+"_FILE"] = "", ""
		}
	}
	return overrides
}

// freeAddr is the address if nothing listens there, else one with any free port.
func freeAddr(ctx context.Context, addr string) string {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = l.Close()
	return addr
}

// serve runs the bot until the context ends.
func (sh *shell) serve(ctx context.Context, c *config) error {
	announce := func(url string) {
		fmt.Fprintf(sh.out, "The web chat is at %s  (Ctrl+C stops it)\n", url)
	}
	if c.source == sourceExchanges {
		spareMemory(sh.environ)
	}
	a, err := sh.newApp(ctx, c, announce)
	if err != nil {
		return err
	}
	return errors.Join(a.run(ctx), a.close())
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%w: %s takes no arguments; settings come from the environment", errUsage, cmd.CommandPath())
	}
	return nil
}
