package tape

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"liqbot/market"
)

// MaxLine bounds a line, bytes.
const MaxLine = 32 << 20

// Options say how a tape is written.
type Options struct {
	// Gzip compresses.
	Gzip bool
	// WithoutFrames leaves raw messages out, which are most of a tape.
	WithoutFrames bool
	// Bot is the bot's version, for the header.
	Bot string
	// Log hears of a failure, nil for nobody.
	Log *slog.Logger
}

// Writer writes a tape. Nothing is left out: what cannot be written, be it that the disk
// is full, ends the tape, and whoever writes to it goes on. It is safe for concurrent use.
type Writer struct {
	opts   Options
	failed chan struct{}

	mu  sync.Mutex
	buf *bufio.Writer
	zip *gzip.Writer // nil if not compressed
	// err is why the tape ended, errEnded after Close.
	err   error
	names map[string]int
}

var errEnded = errors.New("the tape is closed")

// NewWriter makes a writer; Close ends the tape, not w.
func NewWriter(w io.Writer, o Options) *Writer {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	t := &Writer{opts: o, failed: make(chan struct{}), names: make(map[string]int)}
	if o.Gzip {
		t.zip, _ = gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one of its own
		w = t.zip
	}
	t.buf = bufio.NewWriterSize(w, 64<<10)
	return t
}

// Begin writes the header, with the versions of the bot and of the format.
func (t *Writer) Begin(h Header) {
	h.Bot, h.Arch = t.opts.Bot, runtime.GOARCH
	line, err := h.Encode()
	t.write(line, err)
}

// Write writes an entry. The caller holds the lock of what the entry changes, so that the
// order of entries is that of the changes.
func (t *Writer) Write(e *Entry) {
	line, err := e.Encode()
	if err != nil {
		err = fmt.Errorf("%s of %s%s: %w", e.Kind, e.Coin, e.Listing, err)
	}
	t.write(line, err)
}

// Frame writes a raw message, unless they are left out.
func (t *Writer) Frame(at time.Time, venue market.Venue, stream string, frame []byte) {
	if !t.opts.WithoutFrames {
		t.Write(&Entry{At: At(at), Kind: Frame, Message: NewMessage(venue, stream, frame)})
	}
}

func (t *Writer) write(line []byte, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return
	}
	if len(line) > MaxLine && err == nil {
		err = fmt.Errorf("a line of %d bytes", len(line))
	}
	if err == nil {
		_, err = t.buf.Write(line)
	}
	t.note(err)
}

// note ends the tape at its first error; the lock is held.
func (t *Writer) note(err error) {
	if err == nil || t.err != nil {
		return
	}
	t.err = fmt.Errorf("write tape: %w", err)
	t.opts.Log.Error("tape ended, nothing more is recorded", slog.Any("err", err))
	close(t.failed)
}

// Flush hands on what was written: a reader can read up to here.
func (t *Writer) Flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.note(t.flush())
	}
}

func (t *Writer) flush() error {
	if err := t.buf.Flush(); err != nil || t.zip == nil {
		return err
	}
	return t.zip.Flush()
}

// Close writes the last entry and returns why the tape had ended before, if it had.
func (t *Writer) Close(at time.Time) error {
	t.Write(&Entry{At: At(at), Kind: End})
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(t.err, errEnded) {
		return nil
	}
	if t.err == nil {
		err := t.buf.Flush()
		if t.zip != nil {
			err = errors.Join(err, t.zip.Close())
		}
		t.note(err)
	}
	err := t.err
	t.err = errEnded
	return err
}

// Failed is closed when the tape has ended with an error.
func (t *Writer) Failed() <-chan struct{} { return t.failed }

// Name makes a name that no other thing of the tape has: the one given, with a number from
// the second time on.
func (t *Writer) Name(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names[name]++
	if n := t.names[name]; n > 1 {
		return name + "#" + strconv.Itoa(n)
	}
	return name
}
