package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"liqbot/storage"
)

// controlFile names the file in which a running bot says how commands on the same
// machine reach it. Only its owner can read it.
const controlFile = "control.json"

// controlMark is a header of every answer, so that another program on a port that
// was ours is not taken for the bot.
const controlMark = "Liqbot-Control"

// What the door hands out.
const (
	storeCopy  = "/backup"
	marketCopy = "/market"
)

// controlAddress is the content of the control file.
type controlAddress struct {
	Addr  string `json:"addr"`
	Token string `json:"token"`
}

// control is the door of a running bot for commands such as backup: bbolt lets one
// process open the file, so the running one has to copy it.
type control struct {
	listener net.Listener
	server   *http.Server
	path     string
}

// newControl opens the door. market is nil for a bot without exchanges.
func newControl(ctx context.Context, dir string, store *storage.Store, market *storage.Market) (*control, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("control: listen: %w", err)
	}
	address := controlAddress{Addr: l.Addr().String(), Token: rand.Text()}
	content, err := json.Marshal(address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control: %w", err), l.Close())
	}
	c := &control{listener: l, path: filepath.Join(dir, controlFile)}
	if err := os.WriteFile(c.path, content, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control: %w", err), l.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+storeCopy, func(w http.ResponseWriter, r *http.Request) { serveCopy(w, r, dir, store) })
	if market != nil {
		mux.HandleFunc("POST "+marketCopy, func(w http.ResponseWriter, r *http.Request) { serveCopy(w, r, dir, market) })
	}
	c.server = &http.Server{Handler: authorized(address.Token, mux), ReadHeaderTimeout: 5 * time.Second}
	return c, nil
}

func authorized(token string, next http.Handler) http.Handler {
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(controlMark, "1")
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			http.Error(w, "not allowed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// run serves until the context ends.
func (c *control) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = c.server.Close() })
	defer stop()
	err := c.server.Serve(c.listener)
	if rerr := os.Remove(c.path); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		return fmt.Errorf("control: %w", rerr)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("control: %w", err)
}

func serveCopy(w http.ResponseWriter, r *http.Request, dir string, file interface {
	CopyTo(dir string) (string, error)
},
) {
	path, err := file.CopyTo(dir)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer os.Remove(path)
	http.ServeFile(w, r, path)
}

// fetchCopy asks a running bot for a copy of its store or its market file. It reports false
// when no bot answers or it has no such file: then the file's own lock decides.
func fetchCopy(ctx context.Context, dir, what string, to io.Writer) (bool, error) {
	content, err := os.ReadFile(filepath.Join(dir, controlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("control: %w", err)
	}
	var address controlAddress
	if err := json.Unmarshal(content, &address); err != nil {
		return false, fmt.Errorf("control: %s: %w", controlFile, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address.Addr+what, nil)
	if err != nil {
		return false, fmt.Errorf("control: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+address.Token)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false, nil // the file is left over from a bot that was killed
	}
	defer response.Body.Close()
	status := response.StatusCode
	if response.Header.Get(controlMark) == "" || status == http.StatusUnauthorized || status == http.StatusNotFound {
		return false, nil
	}
	if status != http.StatusOK {
		return false, fmt.Errorf("control: the running bot answered %s", response.Status)
	}
	if _, err := io.Copy(to, response.Body); err != nil {
		return false, fmt.Errorf("control: %w", err)
	}
	return true, nil
}
