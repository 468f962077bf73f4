package discord

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// line is a discordgo session and the connection that it has now. The session
// keeps the id and sequence number from which Discord resumes it. Only serve
// uses it; the mutex is for the dialler, which runs in the library.
type line struct {
	session *discordgo.Session
	// up hears of READY and RESUMED.
	up chan string
	// alive: the session was ready on some connection, so it can be resumed.
	alive bool
	// stuck: a handshake hangs in the library's own lock; touch it no more.
	stuck bool

	mu   sync.Mutex
	conn *watched
	// ended makes a dial that comes late end at once.
	ended bool
}

// dialled makes a session with its handlers.
func dialled(ctx context.Context, r *run) (*line, error) {
	client := &http.Client{Transport: until(ctx, r.client.Transport), Timeout: r.client.Timeout, CheckRedirect: r.client.CheckRedirect}
	session, err := newSession(r.token, client)
	if err != nil {
		return nil, err
	}
	l := &line{session: session, up: make(chan string, 4)}
	session.Dialer = &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: min(r.timing.Open, 15*time.Second),
		NetDialContext:   l.dial,
	}
	session.AddHandler(func(_ *discordgo.Session, e *discordgo.Ready) {
		r.introduce(e)
		l.tell(EventIdentified)
	})
	session.AddHandler(func(*discordgo.Session, *discordgo.Resumed) { l.tell(EventResumed) })
	// The library knows less of an interaction than what came.
	session.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
		if created, ok := e.Struct.(*discordgo.InteractionCreate); ok {
			r.take(created.Interaction, e.RawData)
		}
	})
	// A server that the bot has to leave is not told channel by channel: posts find
	// out.
	session.AddHandler(func(_ *discordgo.Session, e *discordgo.ChannelDelete) { r.left(e.Channel) })
	session.AddHandler(func(_ *discordgo.Session, e *discordgo.ThreadDelete) { r.left(e.Channel) })
	return l, nil
}

func (l *line) tell(event string) {
	select {
	case l.up <- event:
	default:
	}
}

// open does the handshake. The library knows no deadline for it, so when the
// time is up the connection is cut; if not even that helps, the session is
// stuck.
func (l *line) open(ctx context.Context, limit time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- openSafely(l.session) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return openError(err)
	case <-ctx.Done():
	case <-timer.C:
	}
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	l.cut()
	timer.Reset(time.Second)
	select {
	case err := <-done:
		return errors.Join(errNotReady, openError(err))
	case <-timer.C:
		l.stuck = true
		return errStuck
	}
}

// openSafely turns a panic into an error: the library follows a nil pointer when
// a frame is the JSON value null.
func openSafely(s *discordgo.Session) (err error) {
	defer func() {
		if recover() != nil {
			err = errUnforeseen
		}
	}()
	return s.Open()
}

func openError(err error) error {
	if err == nil {
		return nil
	}
	if closing, ok := errors.AsType[*websocket.CloseError](err); ok {
		return fmt.Errorf("open the gateway: %w", closing)
	}
	return restError("open the gateway", err)
}

// resumable reports whether the session may be resumed after a connection that
// ended with err. Discord closing the door during a handshake means that it does
// not know the session any more.
func (l *line) resumable(err error) bool {
	_, closing := errors.AsType[*websocket.CloseError](err)
	return l.alive && !l.stuck && !l.ended && !closing && !errors.Is(err, errNotReady)
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	l.conn = &watched{Conn: conn, closed: make(chan struct{})}
	return l.conn, nil
}

// closed is closed together with the present connection.
func (l *line) closed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn.closed
}

// cut closes the connection without a word, so that Discord keeps the session.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		_ = l.conn.Close()
	}
}

// quiet reports whether no heartbeat was answered for so long.
func (l *line) quiet(limit time.Duration) bool {
	l.session.RLock()
	defer l.session.RUnlock()
	return time.Since(l.session.LastHeartbeatAck) > limit
}

// watched is a connection that tells when it is closed.
type watched struct {
	net.Conn

	once   sync.Once
	closed chan struct{}
}

func (c *watched) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
