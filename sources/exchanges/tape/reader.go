package tape

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// DamageError says where a tape ends that should go on. All lines before it are sound.
type DamageError struct {
	// Line counts from 1, the header.
	Line int
	// Truncated says that the tape just ends, as one does whose recorder was killed.
	Truncated bool
	Err       error
}

func (d *DamageError) Error() string {
	if d.Truncated {
		return fmt.Sprintf("the tape breaks off at line %d: %v", d.Line, d.Err)
	}
	return fmt.Sprintf("the tape is damaged at line %d: %v", d.Line, d.Err)
}

// Unwrap returns the cause.
func (d *DamageError) Unwrap() error { return d.Err }

// Reader reads a tape. It is not safe for concurrent use.
type Reader struct {
	lines *bufio.Reader
	line  int
	long  []byte
	ended bool
}

// NewReader reads the header of a tape, plain or gzip. The error is a *DamageError, or wraps
// ErrNoTape or ErrVersion.
func NewReader(r io.Reader) (*Reader, Header, error) {
	raw := bufio.NewReaderSize(r, 64<<10)
	t := &Reader{lines: raw}
	if magic, _ := raw.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, Header{}, fmt.Errorf("%w: %w", ErrNoTape, err)
		}
		t.lines = bufio.NewReaderSize(z, 64<<10)
	}
	line, err := t.next()
	if errors.Is(err, io.EOF) {
		return nil, Header{}, fmt.Errorf("%w: it is empty", ErrNoTape)
	}
	if err != nil {
		return nil, Header{}, err
	}
	h, err := DecodeHeader(line)
	return t, h, err
}

// Line is the number of the line that was read last.
func (t *Reader) Line() int { return t.line }

// Next reads an entry, which the caller may keep. It returns io.EOF after the End of a
// tape; all other errors are *DamageError.
func (t *Reader) Next() (*Entry, error) {
	line, err := t.next()
	switch {
	case errors.Is(err, io.EOF) && !t.ended:
		return nil, &DamageError{Line: t.line, Truncated: true, Err: errors.New("its recorder did not end it")}
	case err != nil:
		return nil, err
	case t.ended:
		return nil, &DamageError{Line: t.line, Err: errors.New("it goes on after its end")}
	}
	e, err := DecodeEntry(line)
	if err != nil {
		return nil, t.damaged(line, err)
	}
	t.ended = e.Kind == End
	return e, nil
}

// damaged tells a line that was cut off from one that is wrong.
func (t *Reader) damaged(line []byte, err error) error {
	return &DamageError{Line: t.line, Truncated: !bytes.HasSuffix(line, []byte{'\n'}), Err: err}
}

// next reads a line with its line feed, which the last one may lack. It is valid until the
// next call.
func (t *Reader) next() ([]byte, error) {
	t.line++
	t.long = t.long[:0]
	for {
		piece, err := t.lines.ReadSlice('\n')
		if err == nil && len(t.long) == 0 {
			return piece, nil
		}
		t.long = append(t.long, piece...)
		switch {
		case len(t.long) > MaxLine:
			return nil, &DamageError{Line: t.line, Err: fmt.Errorf("a line of more than %d bytes", MaxLine)}
		case err == nil, errors.Is(err, io.EOF) && len(t.long) > 0:
			return t.long, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		case errors.Is(err, io.ErrUnexpectedEOF):
			if len(t.long) > 0 {
				err = errors.New("half a line")
			}
			return nil, &DamageError{Line: t.line, Truncated: true, Err: err}
		default:
			return nil, &DamageError{Line: t.line, Err: err}
		}
	}
}
