package storage

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"

	"liqbot/chat"
)

// Exported counts what Export wrote.
type Exported struct {
	Settings, Alerts, Changes, Moves int
	// Unreadable counts the records that are damaged and left out.
	Unreadable int
}

// Export writes what all chats have chosen and asked for as JSON lines, with their logs of
// changes and the ids that they had before, in the same order for the same content. bot is
// the version of the bot. The store grows while the writing lasts, if it is changed
// meanwhile: with a slow reader export a copy.
func (s *Store) Export(ctx context.Context, w io.Writer, bot string) (Exported, error) {
	out := bufio.NewWriterSize(w, 1<<16)
	var done Exported
	err := s.db.View(func(tx *bolt.Tx) error {
		e := &exporting{ctx: ctx, tx: tx, out: json.NewEncoder(out)}
		e.out.SetEscapeHTML(false)
		err := e.out.Encode(exportHeader{Format: exportFormat, Schema: Schema(), At: s.now().UTC(), Bot: bot})
		if err != nil {
			return err
		}
		for _, part := range []struct {
			bucket []byte
			count  *int
			read   func(in *imported, value []byte) error
		}{
			{chatsBucket, &done.Settings, readSettingsRow},
			{alertsBucket, &done.Alerts, readAlertsRow},
			{auditBucket, &done.Changes, readChangeRow},
			{movedBucket, &done.Moves, readMoveRow},
		} {
			if err := e.part(part.bucket, part.count, part.read); err != nil {
				return err
			}
		}
		done.Unreadable = e.unreadable
		return e.out.Encode(exportEnd{&e.lines})
	})
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return Exported{}, fmt.Errorf("export: %w", err)
	}
	return done, nil
}

// exporting is one Export.
type exporting struct {
	ctx               context.Context //nolint:containedctx // of one call
	tx                *bolt.Tx
	out               *json.Encoder
	lines, unreadable int
}

// part writes the rows of a bucket.
func (e *exporting) part(bucket []byte, count *int, read func(*imported, []byte) error) error {
	return e.tx.Bucket(bucket).ForEach(func(key, value []byte) error {
		if e.lines%1000 == 0 && e.ctx.Err() != nil {
			return e.ctx.Err()
		}
		if string(bucket) == string(auditBucket) {
			key = key[:max(0, len(key)-9)] // a sequence behind it
		}
		var in imported
		var ok bool
		in.chat, ok = splitChatKey(string(key))
		if err := read(&in, value); err != nil || !ok {
			e.unreadable++
			return nil //nolint:nilerr // counted; the others must not suffer
		}
		l, err := in.line()
		if err != nil {
			return err
		}
		e.lines++
		*count++
		return e.out.Encode(l)
	})
}

func readSettingsRow(in *imported, value []byte) error {
	c, err := decodeSettings(value)
	in.settings = &c
	return err
}

func readAlertsRow(in *imported, value []byte) error {
	c, err := decodeChat(value)
	in.alerts = &c
	return err
}

func readChangeRow(in *imported, value []byte) error {
	e, err := decodeEntry(value)
	in.change = &e
	return err
}

func readMoveRow(in *imported, value []byte) error {
	to, ok := splitChatKey(string(value))
	if !ok {
		return errWire
	}
	in.movedTo = &chat.Target{Platform: to.Platform, Chat: to.Chat}
	return nil
}
