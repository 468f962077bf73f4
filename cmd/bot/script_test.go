package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"liqbot/sources/coinglass/coinglasstest"
)

var update = flag.Bool("update", false, "write what commands print into the scripts that compare it")

// The command line is tested by scripts: testdata/script/*.txtar.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"bot": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			sh := &shell{environ: os.Environ(), dotenv: ".env", out: os.Stdout, err: os.Stderr, self: os.Args[0]}
			code := sh.main(ctx, os.Args[1:])
			stop()
			os.Exit(code)
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			// Every script has a CoinGlass of its own that it may ask.
			server := coinglasstest.New(t)
			env.Setenv("COINGLASS", server.URL)
			env.Setenv("COINGLASS_ADDR", strings.TrimPrefix(server.URL, "http://"))
			env.Setenv("COINGLASS_KEY", coinglasstest.Key)
			incident, err := filepath.Abs("testdata/incident.jsonl.gz")
			if err != nil {
				return err
			}
			env.Setenv("INCIDENT", incident)
			market, err := filepath.Abs(madeMarket)
			if err != nil {
				return err
			}
			env.Setenv("MARKET", market)
			env.Setenv("LANG", "en")
			env.Setenv("SOURCE", "demo") // the real exchanges are out of reach
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"png":       checkPNG,
			"waitfile":  waitFile,
			"damage":    damage,
			"swapbytes": swapBytes,
		},
	})
}
