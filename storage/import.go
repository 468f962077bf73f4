package storage

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	bolt "go.etcd.io/bbolt"

	"liqbot/market"
)

// ImportOptions say how Import works.
type ImportOptions struct {
	// Replace puts an imported chat in the place of the one that is there; otherwise they
	// are joined as in Move, and where both have chosen, what is there counts. Logs of
	// changes are always joined.
	Replace bool
	// DryRun reads and checks all of it and changes nothing.
	DryRun bool
	Check  Check
}

// Outcomes counts what became of the records of one kind.
type Outcomes struct {
	// New had nothing in their place, Changed have changed what was there, Same have not.
	New, Changed, Same int
}

// Imported counts what Import did, or would do.
type Imported struct {
	Settings, Alerts, Changes, Moves Outcomes
	// Kept is the name of the file as it was before, empty without a change.
	Kept string
}

// Import reads an export into the store in a folder. Every line is read and checked in a
// copy, which takes the store's place at the end: after an error, which names the line and
// says what would work, or a kill at any moment, nothing has changed. The error wraps
// ErrNewer for a file of a newer bot and ErrLocked when another process has the store open.
func Import(ctx context.Context, dir string, from io.Reader, o ImportOptions) (Imported, error) {
	var done Imported
	kept, err := remake(ctx, dir, true, o.Check, func(_, fresh *Store) error {
		im := &importing{store: fresh, replace: o.Replace}
		if err := im.read(ctx, from); err != nil {
			return err
		}
		done = im.done
		if o.DryRun || !im.changed {
			return errNothing
		}
		return nil
	})
	if err != nil {
		return Imported{}, fmt.Errorf("import: %w", err)
	}
	done.Kept = kept
	return done, nil
}

// importing is one Import into a copy of the store.
type importing struct {
	store   *Store
	replace bool
	// keepNumbers lets levels have the numbers that they had: in a store that has never
	// had a level.
	keepNumbers bool
	coins       map[market.Coin]bool
	pending     pendingLog
	changed     bool
	done        Imported
	// number is that of the line, records counts those before it.
	number, records int
}

// read takes the whole of an export, so many lines in one transaction.
func (im *importing) read(ctx context.Context, from io.Reader) error {
	lines := bufio.NewReaderSize(from, maxLine)
	if err := im.begin(lines); err != nil {
		return err
	}
	for over := false; !over; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := im.store.update(func(tx *bolt.Tx) error {
			for range batch {
				var err error
				if over, err = im.next(tx, lines); err != nil {
					return fmt.Errorf("line %d %w", im.number, err)
				}
				if over {
					break
				}
			}
			return im.flush(tx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// begin reads the header.
func (im *importing) begin(lines *bufio.Reader) error {
	if err := wrongFile(lines); err != nil {
		return err
	}
	text, err := im.line(lines)
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty: want one that bot export wrote")
	}
	if err == nil {
		_, err = parseHeader(bytes.TrimPrefix(text, []byte("\ufeff")))
	}
	if err != nil {
		return fmt.Errorf("line %d %w", im.number, err)
	}
	return im.store.db.View(func(tx *bolt.Tx) error {
		im.keepNumbers = tx.Bucket(levelsBucket).Sequence() == 0
		im.coins = map[market.Coin]bool{}
		for _, coin := range watched(tx) {
			im.coins[coin] = true
		}
		return nil
	})
}

// wrongFile recognises files of other kinds.
func wrongFile(lines *bufio.Reader) error {
	head, _ := lines.Peek(20)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return errors.New("the file is compressed: want it unpacked, as gunzip does")
	case len(head) == 20 && bytes.Equal(head[16:], []byte{0xed, 0xda, 0x0c, 0xed}), len(head) == 20 && bytes.Equal(head[16:], []byte{0xed, 0x0c, 0xda, 0xed}):
		return errors.New("the file is a backup: bot restore puts it in place")
	default:
		return nil
	}
}

// line reads the next line that is not empty. It is valid until the next one.
func (im *importing) line(lines *bufio.Reader) ([]byte, error) {
	for {
		text, err := lines.ReadSlice('\n')
		if len(text) > 0 {
			im.number++
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("is longer than %d bytes: no record is", maxLine)
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("cannot be read: %w", err)
		}
		if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 {
			return trimmed, nil
		}
		if err != nil {
			return nil, io.EOF
		}
	}
}

// next takes one line; over is set at the end.
func (im *importing) next(tx *bolt.Tx, lines *bufio.Reader) (over bool, err error) {
	text, err := im.line(lines)
	if errors.Is(err, io.EOF) {
		return false, errors.New("is the last one, and the file has no end: it was cut off; want the whole of it")
	}
	if err != nil {
		return false, err
	}
	if end := parseEnd(text); end != nil {
		if *end != im.records {
			return false, fmt.Errorf("says that there are %d records, and there are %d: want the whole file; if you have taken some out, write {\"liqbot_end\":%d}", *end, im.records, im.records)
		}
		if _, err := im.line(lines); !errors.Is(err, io.EOF) {
			return false, errors.New("comes after the end: want one export, and nothing behind it")
		}
		return true, nil
	}
	in, err := parseLine(text)
	if err != nil {
		if strings.Contains(string(text[:min(len(text), 40)]), `"liqbot_export"`) {
			return false, errors.New("begins another export: want one in a file")
		}
		return false, err
	}
	im.records++
	return false, im.apply(tx, &in)
}
