package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"time"

	"liqbot/chat"
	"liqbot/market"
	"liqbot/secret"
)

// config is the whole configuration, checked.
type config struct {
	source     string
	coins      []market.Coin
	refresh    time.Duration // 0: as suits the source
	stale      time.Duration
	refuse     time.Duration
	keyBand    float64 // fraction of the mark
	evenBand   float64
	demoSpeed  float64
	recorded   recordedConfig
	coinglass  coinglassConfig
	exchanges  exchangesConfig
	dataDir    string
	web        webConfig
	telegram   telegramConfig
	discord    discordConfig
	alerts     alertsConfig
	owners     []chat.Member
	logLevel   slog.Level
	warnings   []string
	allSecrets []secret.Secret
	// given holds the keys that were set, not left to their fallback.
	given map[string]bool
}

type recordedConfig struct {
	file  string
	speed float64
}

type coinglassConfig struct {
	key      secret.Secret
	url      string
	exchange market.Venue
}

// alertsConfig says when something is an alert; hold and cooldown count only where
// they were given.
type alertsConfig struct {
	hold, cooldown, ttl time.Duration
	hysteresis          float64 // fraction
}

type webConfig struct {
	addr  string // empty: off
	hosts []string
}

type telegramConfig struct {
	token         secret.Secret
	url           string
	webhook       string
	webhookSecret secret.Secret
	rate          float64 // messages a second
	paid          bool    // for more than Telegram takes for nothing
}

type discordConfig struct {
	token secret.Secret
	url   string
}

// freeTelegramRate is how many messages a second Telegram takes for nothing
// (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
const freeTelegramRate = 30

// The names of the sources.
const (
	sourceDemo      = "demo"
	sourceRecorded  = "recorded"
	sourceCoinGlass = "coinglass"
	sourceExchanges = "exchanges"
)

// readConfig reads the configuration from the environment and, for what that does
// not set, from .env. All wrong values are reported at once; none of a secret is
// shown. overrides win over both.
func readConfig(environ []string, dotenv string, overrides map[string]string) (*config, error) {
	c := &config{given: make(map[string]bool)}
	fromFile, err := readDotenv(dotenv)
	if err != nil {
		return nil, err
	}
	c.warnings = append(c.warnings, unknownKeys(fromFile, dotenv)...)
	values := maps.Clone(fromFile)
	if values == nil {
		values = make(map[string]string)
	}
	given := make(map[string]bool)
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			values[name], given[name] = value, true
		}
	}
	maps.Copy(values, overrides)
	for _, k := range keys {
		// A file named in the environment wins over a value in .env.
		if k.secret && given[k.name+"_FILE"] && !given[k.name] {
			delete(values, k.name)
		}
	}
	var problems []error
	for _, k := range keys {
		if err := c.take(k, values); err != nil {
			problems = append(problems, err)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if err := c.coherent(); err != nil {
		return nil, err
	}
	// What works, though not as it was meant.
	if c.telegram.token.Set() && c.telegram.rate > freeTelegramRate && !c.telegram.paid {
		c.warnings = append(c.warnings, fmt.Sprintf("TELEGRAM_RATE: Telegram takes about %d messages a second; more needs TELEGRAM_PAID_BROADCAST=on", freeTelegramRate))
	}
	return c, nil
}

// take sets one key from the values, or its fallback.
func (c *config) take(k key, values map[string]string) error {
	value := strings.TrimSpace(values[k.name])
	if k.secret && value == "" {
		if file := strings.TrimSpace(values[k.name+"_FILE"]); file != "" {
			content, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("%s_FILE: %w", k.name, err)
			}
			value = strings.TrimSpace(string(content))
		}
	}
	if value != "" {
		c.given[k.name] = true
	} else {
		value = k.fallback
	}
	if value == "" {
		return nil
	}
	if k.secret {
		c.allSecrets = append(c.allSecrets, secret.New(value))
	}
	if err := k.set(c, value); err != nil {
		if k.secret || k.unshown {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		return fmt.Errorf("%s=%q: %w", k.name, value, err)
	}
	return nil
}

// coherent checks what no key can say alone.
func (c *config) coherent() error {
	var problems []error
	if c.refresh > 0 && c.stale < 2*c.refresh {
		problems = append(problems, errors.New("STALE_AFTER: is shorter than two of REFRESH_EVERY, so that all data would be stale; want it longer"))
	}
	if c.refuse < c.stale {
		problems = append(problems, errors.New("REFUSE_AFTER: is shorter than STALE_AFTER; want it longer, such as 15m"))
	}
	if c.source == sourceRecorded && c.recorded.file == "" {
		problems = append(problems, errors.New("RECORDED_FILE: is not set, and SOURCE=recorded plays that file; want a path, such as market.jsonl.gz"))
	}
	if c.source == sourceCoinGlass && !c.coinglass.key.Set() {
		problems = append(problems, errors.New("COINGLASS_API_KEY: is not set, and SOURCE=coinglass needs it; want the key from your CoinGlass account (the liquidation map needs the Professional plan)"))
	}
	if c.telegram.webhook != "" && c.web.addr == "" {
		problems = append(problems, errors.New("TELEGRAM_WEBHOOK_URL: is set, but WEB_ADDR=off leaves nothing to receive it; want an address in WEB_ADDR, or no webhook"))
	}
	return errors.Join(problems...)
}
