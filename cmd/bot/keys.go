package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"liqbot/chat"
	"liqbot/market"
	"liqbot/secret"
)

// key is one key of the configuration. The list of keys is kept equal to
// .env.example by a test.
type key struct {
	name     string
	fallback string
	// secret keys are never shown and may come from a file named by <name>_FILE.
	secret bool
	// unshown values are not repeated in errors: people paste secrets there.
	unshown bool
	set     func(*config, string) error
}

var keys = slices.Concat(ownKeys, venueKeys())

// ownKeys are all keys but the venues' addresses.
var ownKeys = []key{
	{name: "SOURCE", fallback: sourceExchanges, set: setSource},
	{name: "COINS", fallback: "BTC,ETH,SOL", set: setCoins},
	{name: "REFRESH_EVERY", set: duration(func(c *config) *time.Duration { return &c.refresh }, 200*time.Millisecond, time.Hour)},
	{name: "STALE_AFTER", fallback: "2m", set: duration(func(c *config) *time.Duration { return &c.stale }, time.Second, 24*time.Hour)},
	{name: "REFUSE_AFTER", fallback: "15m", set: duration(func(c *config) *time.Duration { return &c.refuse }, time.Second, 7*24*time.Hour)},
	{name: "KEY_LEVEL_BAND", fallback: "6", set: within(func(c *config) *float64 { return &c.keyBand }, 0.5, 50)},
	{name: "SYMMETRIC_BAND", fallback: "5", set: within(func(c *config) *float64 { return &c.evenBand }, 0.5, 50)},
	{name: "DEMO_SPEED", fallback: "1", set: speed(func(c *config) *float64 { return &c.demoSpeed })},
	{name: "RECORDED_FILE", set: text(func(c *config) *string { return &c.recorded.file })},
	{name: "RECORDED_SPEED", fallback: "1", set: speed(func(c *config) *float64 { return &c.recorded.speed })},
	{name: "EXCHANGES", set: setVenues},
	{name: "FOLLOW_COINS", fallback: "100", set: setFollow},
	{name: "HYPERLIQUID_WATCH", set: setWatch},
	{name: "COINGLASS_API_KEY", secret: true, set: token(func(c *config) *secret.Secret { return &c.coinglass.key })},
	{name: "COINGLASS_API_URL", unshown: true, fallback: "https://open-api-v4.coinglass.com", set: address(func(c *config) *string { return &c.coinglass.url })},
	{name: "COINGLASS_EXCHANGE", set: func(c *config, v string) error { c.coinglass.exchange = market.Venue(v); return nil }},
	{name: "BREAKOUT_HOLD", set: duration(func(c *config) *time.Duration { return &c.alerts.hold }, 0, time.Hour)},
	{name: "BREAKOUT_COOLDOWN", set: duration(func(c *config) *time.Duration { return &c.alerts.cooldown }, 0, 7*24*time.Hour)},
	{name: "BREAKOUT_HYSTERESIS", fallback: "0.3", set: within(func(c *config) *float64 { return &c.alerts.hysteresis }, 0.01, 10)},
	{name: "ALERT_TTL", fallback: "30m", set: duration(func(c *config) *time.Duration { return &c.alerts.ttl }, time.Minute, 24*time.Hour)},
	{name: "DATA_DIR", fallback: "data", set: text(func(c *config) *string { return &c.dataDir })},
	{name: "WEB_ADDR", fallback: "127.0.0.1:8080", set: setWebAddr},
	{name: "WEB_HOSTS", set: func(c *config, v string) error { c.web.hosts = list(v); return nil }},
	{name: "TELEGRAM_TOKEN", secret: true, set: token(func(c *config) *secret.Secret { return &c.telegram.token })},
	{name: "TELEGRAM_API_URL", unshown: true, fallback: "https://api.telegram.org", set: address(func(c *config) *string { return &c.telegram.url })},
	{name: "TELEGRAM_WEBHOOK_URL", unshown: true, set: setWebhook},
	{name: "TELEGRAM_WEBHOOK_SECRET", secret: true, set: token(func(c *config) *secret.Secret { return &c.telegram.webhookSecret })},
	{name: "TELEGRAM_RATE", fallback: "28", set: setTelegramRate},
	{name: "TELEGRAM_PAID_BROADCAST", fallback: "off", set: onOff(func(c *config) *bool { return &c.telegram.paid })},
	{name: "DISCORD_TOKEN", secret: true, set: token(func(c *config) *secret.Secret { return &c.discord.token })},
	{name: "DISCORD_API_URL", unshown: true, fallback: "https://discord.com", set: address(func(c *config) *string { return &c.discord.url })},
	{name: "OWNER_IDS", unshown: true, set: setOwners},
	{name: "LOG_LEVEL", fallback: "info", set: setLogLevel},
}

func setSource(c *config, v string) error {
	c.source = strings.ToLower(v)
	switch c.source {
	case sourceExchanges, sourceDemo, sourceRecorded, sourceCoinGlass:
		return nil
	default:
		return fmt.Errorf("no such source; want %s, %s, %s or %s", sourceExchanges, sourceDemo, sourceRecorded, sourceCoinGlass)
	}
}

func setFollow(c *config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 300 {
		return errors.New("not a number of coins; want 1 to 300, such as 100")
	}
	c.exchanges.follow = n
	return nil
}

func setCoins(c *config, v string) error {
	for _, name := range list(v) {
		coin, err := market.ParseCoin(strings.ToUpper(name))
		if err != nil {
			return fmt.Errorf("%w; want a list such as BTC,ETH,SOL", err)
		}
		if !slices.Contains(c.coins, coin) {
			c.coins = append(c.coins, coin)
		}
	}
	if len(c.coins) == 0 || len(c.coins) > 50 {
		return errors.New("want 1 to 50 coins, such as BTC,ETH,SOL")
	}
	return nil
}

func setWebAddr(c *config, v string) error {
	if strings.EqualFold(v, "off") {
		return nil
	}
	host, port, err := net.SplitHostPort(v)
	_, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || strings.ContainsAny(host, "/@ ") {
		return errors.New("not an address; want host:port such as 127.0.0.1:8080, or off")
	}
	c.web.addr = v
	return nil
}

func setWebhook(c *config, v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return errors.New("not a web address; want one such as https://bot.example.org/telegram")
	}
	if strings.Trim(u.Path, "/") == "" {
		return errors.New("has no path; want one that the web server can tell apart, such as https://bot.example.org/telegram")
	}
	for _, taken := range []string{"/healthz", "/readyz", "/metrics", "/api", "/pictures", "/assets"} {
		if u.Path == taken || strings.HasPrefix(u.Path, taken+"/") {
			return fmt.Errorf("%s is the web server's own path; want another, such as https://bot.example.org/telegram", taken)
		}
	}
	c.telegram.webhook = v
	return nil
}

func setOwners(c *config, v string) error {
	for _, item := range list(v) {
		platform, id, ok := strings.Cut(item, ":")
		m := chat.Member{Platform: chat.Platform(strings.ToLower(strings.TrimSpace(platform))), ID: strings.TrimSpace(id)}
		if _, err := strconv.ParseUint(m.ID, 10, 64); !ok || err != nil || (m.Platform != chat.Telegram && m.Platform != chat.Discord) {
			return errors.New("not a list of owners; want platform:number pairs such as telegram:12345,discord:67890")
		}
		c.owners = append(c.owners, m)
	}
	return nil
}

func setLogLevel(c *config, v string) error {
	if err := c.logLevel.UnmarshalText([]byte(v)); err != nil {
		return errors.New("no such level; want debug, info, warn or error")
	}
	return nil
}

func text(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		*field(c) = v
		return nil
	}
}

func token(field func(*config) *secret.Secret) func(*config, string) error {
	return func(c *config, v string) error {
		if len(v) < 6 || len(v) > 512 || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return errors.New("is too short or has spaces, line breaks or letters that no token has; want it exactly as it was issued")
		}
		*field(c) = secret.New(v)
		return nil
	}
}

func address(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.User != nil {
			return errors.New("not a web address; want one such as https://api.example.org")
		}
		if strings.Contains(u.Path, "/bot") {
			return errors.New("holds more than the address of the API; want it without /bot and the token, such as https://api.example.org")
		}
		*field(c) = strings.TrimRight(v, "/")
		return nil
	}
}

func duration(field func(*config) *time.Duration, least, most time.Duration) func(*config, string) error {
	return func(c *config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < least || d > most {
			return fmt.Errorf("want a length of time from %v to %v, such as 90s or 15m", least, most)
		}
		*field(c) = d
		return nil
	}
}

// within sets a fraction from a percentage within bounds.
func within(field func(*config) *float64, least, most float64) func(*config, string) error {
	return func(c *config, v string) error {
		f, err := strconv.ParseFloat(strings.TrimSuffix(v, "%"), 64)
		if err != nil || !(f >= least && f <= most) {
			return fmt.Errorf("not a percentage; want %v to %v", least, most)
		}
		*field(c) = f / 100
		return nil
	}
}

func speed(field func(*config) *float64) func(*config, string) error {
	return func(c *config, v string) error {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || !(f >= 0.0001 && f <= 10_000) {
			return errors.New("not a speed; want 0.0001 to 10000, such as 1 or 0.01")
		}
		*field(c) = f
		return nil
	}
}

func setTelegramRate(c *config, v string) error {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 1 && f <= 1000) {
		return errors.New("not a rate; want 1 to 1000 messages a second, such as 28")
	}
	c.telegram.rate = f
	return nil
}

func onOff(field func(*config) *bool) func(*config, string) error {
	return func(c *config, v string) error {
		v = strings.ToLower(v)
		if v != "on" && v != "off" {
			return errors.New("want on or off")
		}
		*field(c) = v == "on"
		return nil
	}
}

// list splits at commas and white space.
func list(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}

// nearestKey is the known key that a name most resembles.
func nearestKey(name string) string {
	best, distance := "", 1<<30
	for _, k := range keys {
		if d := levenshtein.ComputeDistance(strings.ToUpper(name), k.name); d < distance {
			best, distance = k.name, d
		}
	}
	return best
}
