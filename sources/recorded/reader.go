package recorded

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// reader reads the lines of one pass over a recording.
type reader struct {
	file    io.ReadCloser
	scanner *bufio.Scanner
	header  Header
	line    int
	lastMS  int64
}

// openReader opens a recording, plain or gzip, and reads its header.
func openReader(open func() (io.ReadCloser, error)) (*reader, error) {
	file, err := open()
	if err != nil {
		return nil, err
	}
	r := &reader{file: file}
	if err := r.start(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

func (r *reader) start() error {
	buffered := bufio.NewReaderSize(r.file, 64<<10)
	var text io.Reader = buffered
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		inflated, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
		text = inflated
	}
	r.scanner = bufio.NewScanner(text)
	r.scanner.Buffer(make([]byte, 64<<10), MaxLine)
	line, err := r.scan()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	if err != nil {
		return err
	}
	if r.header, err = DecodeHeader(line); err != nil {
		return r.at(err)
	}
	r.lastMS = r.header.StartMS
	return nil
}

// next returns the next event, or io.EOF.
func (r *reader) next() (*Event, error) {
	for range maxSkipped {
		line, err := r.scan()
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		e, err := DecodeEvent(line)
		if errors.Is(err, ErrUnknownKind) {
			continue
		}
		if err != nil {
			return nil, r.at(err)
		}
		if e.TimeMS < r.lastMS {
			return nil, r.at(fmt.Errorf("t: %d is before %d; want lines in the order of time, none before start_ms", e.TimeMS, r.lastMS))
		}
		r.lastMS = e.TimeMS
		return &e, nil
	}
	return nil, r.at(fmt.Errorf("%d lines in a row say nothing", maxSkipped))
}

// scan returns the next line, valid until the next call.
func (r *reader) scan() ([]byte, error) {
	r.line++
	if r.scanner.Scan() {
		return r.scanner.Bytes(), nil
	}
	err := r.scanner.Err()
	switch {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return nil, r.at(fmt.Errorf("longer than %d bytes", MaxLine))
	default:
		return nil, r.at(err)
	}
}

func (r *reader) at(err error) error { return fmt.Errorf("line %d: %w", r.line, err) }

func (r *reader) close() error { return r.file.Close() }
