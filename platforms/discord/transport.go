package discord

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/bwmarrin/discordgo"
)

// maxBody is more than any answer that the bot asks for, bytes.
const maxBody = 8 << 20

// userAgent has the form that Discord asks for; others may be turned away.
// https://discord.com/developers/docs/reference#user-agent
const userAgent = "DiscordBot (https://github.com/liqbot/liqbot, 1)"

// redirect sends what discordgo addresses to discord.com to the configured base
// instead. Doing it here leaves the library's package variables alone, so that
// two adapters can talk to two servers in one process.
type redirect struct {
	base *url.URL
	next http.RoundTripper
}

func (t redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.URL.Host == "discord.com" {
		r.URL.Scheme, r.URL.Host, r.Host = t.base.Scheme, t.base.Host, t.base.Host
		r.URL.Path, r.URL.RawPath = t.base.Path+r.URL.Path, ""
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxBody)
	return resp, nil
}

// newClient makes a client of its own connections. It follows no redirects: they
// would carry the token elsewhere.
func (a *Adapter) newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	return &http.Client{
		Transport:     redirect{base: a.base, next: tallied{next: transport, invalid: a.invalid}},
		Timeout:       a.cfg.Timing.Call,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// roundTrip makes a function a http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// until ends requests when ctx ends: discordgo opens sessions without a context.
func until(ctx context.Context, next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		own, cancel := context.WithCancel(r.Context())
		stop := context.AfterFunc(ctx, cancel)
		release := func() { stop(); cancel() }
		resp, err := next.RoundTrip(r.WithContext(own))
		if err != nil {
			release()
			return nil, err
		}
		resp.Body = &releasing{ReadCloser: resp.Body, release: release}
		return resp, nil
	})
}

type releasing struct {
	io.ReadCloser

	release func()
}

func (b *releasing) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

// newSession makes a discordgo session that keeps no state, retries nothing and
// prints nothing. Its log would go to the process's standard log with addresses
// and bodies in it; a level below LogError silences it for good, and Debug,
// which knows no level, stays off.
func newSession(token string, client *http.Client) (*discordgo.Session, error) {
	s, err := discordgo.New("Bot " + token)
	if err != nil {
		return nil, err
	}
	s.LogLevel = discordgo.LogError - 1
	s.Client = client
	s.UserAgent = userAgent
	s.StateEnabled = false
	s.MaxRestRetries = 0
	s.ShouldRetryOnRateLimit = false
	s.ShouldReconnectOnError = false
	s.ShouldReconnectVoiceOnSessionError = false
	s.Identify.Intents = discordgo.IntentsGuilds
	return s, nil
}
