package recorded

import (
	"context"
	"errors"
	"io"
)

// tape plays a recording forward, once or in a loop. Its times are play times:
// Unix milliseconds that start at the header's start and, in a loop, run on
// where the last pass ended.
type tape struct {
	open   func() (io.ReadCloser, error)
	reader *reader
	// ahead is the next event, not yet reached; nil at the end.
	ahead *Event
	// shift is what is added to an event's time to get its play time.
	shift int64
}

// newTape opens a recording and reads its first event.
func newTape(open func() (io.ReadCloser, error)) (*tape, error) {
	r, err := openReader(open)
	if err != nil {
		return nil, err
	}
	first, err := r.next()
	if errors.Is(err, io.EOF) {
		err = errors.New("no event follows the header")
	}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return &tape{open: open, reader: r, ahead: first}, nil
}

// advance hands out the events up to a play time in order. After an error other
// than the context's it stays at its end.
func (t *tape) advance(ctx context.Context, to int64, apply func(e *Event, shift int64) error) error {
	for n := 1; t.ahead != nil && t.ahead.TimeMS+t.shift <= to; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := apply(t.ahead, t.shift); err != nil {
			t.ahead = nil
			return t.reader.at(err)
		}
		if err := t.step(to); err != nil {
			t.ahead = nil
			return err
		}
	}
	return nil
}

// step reads the next event, of the next pass where the recording loops.
func (t *tape) step(to int64) error {
	var err error
	t.ahead, err = t.reader.next()
	if !errors.Is(err, io.EOF) {
		return err
	}
	t.ahead = nil
	if !t.reader.header.Loop {
		return nil
	}
	return t.rewind(to)
}

// rewind starts the next pass at the moment of the last event, leaving out
// passes that would be over before the play time anyway.
func (t *tape) rewind(to int64) error {
	start, end := t.reader.header.StartMS, t.reader.lastMS
	period := end - start
	if period <= 0 {
		return errors.New("a loop needs an event that is later than start_ms")
	}
	passes := max(1, (to-start-t.shift)/period)
	next, err := newTape(t.open)
	if err != nil {
		return err
	}
	err = t.close()
	t.reader, t.ahead = next.reader, next.ahead
	t.shift += passes * period
	return err
}

func (t *tape) close() error { return t.reader.close() }
