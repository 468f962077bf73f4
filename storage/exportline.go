package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/market"
)

// An export is a text file of JSON lines: a header, a line a record, and an end that says
// how many records there are, so that a file that was cut off is noticed. It holds what
// chats have chosen and asked for, and no secret: neither the key of the web chat nor a
// token, nothing that is on its way, no message.

const (
	exportFormat = 1
	// maxLine bounds a line in bytes. The largest record has about 40 KB.
	maxLine = 256 << 10
	// maxLevelID bounds the numbers of levels.
	maxLevelID = 1 << 53
	// maxChoice bounds a text in the settings in bytes.
	maxChoice = 2000
)

type (
	exportHeader struct {
		Format int       `json:"liqbot_export"`
		Schema uint64    `json:"schema"`
		At     time.Time `json:"at"`
		Bot    string    `json:"bot"`
	}
	exportEnd struct {
		Lines *int `json:"liqbot_end"`
	}
	// exportLine is one record of a chat: one of the four is set.
	exportLine struct {
		Platform chat.Platform   `json:"platform"`
		Chat     string          `json:"chat"`
		Settings json.RawMessage `json:"settings,omitempty"`
		Alerts   json.RawMessage `json:"alerts,omitempty"`
		Change   json.RawMessage `json:"change,omitempty"`
		MovedTo  *targetRecord   `json:"moved_to,omitempty"`
	}
)

// imported is a line of an export, understood and checked.
type imported struct {
	chat     chat.Target
	settings *chat.Settings
	alerts   *alert.Chat
	change   *chat.Entry
	movedTo  *chat.Target
}

// parseHeader reads the first line of an export.
func parseHeader(text []byte) (exportHeader, error) {
	var h exportHeader
	switch err := json.Unmarshal(text, &h); {
	case err != nil || h.Format == 0:
		return exportHeader{}, errors.New("is not the beginning of an export: want a file that bot export wrote")
	case h.Format > exportFormat || h.Schema > Schema():
		return exportHeader{}, fmt.Errorf("%w: format %d, schema %d, and this bot knows up to %d and %d: want a newer bot", ErrNewer, h.Format, h.Schema, exportFormat, Schema())
	case h.Format < 0 || h.Schema == 0:
		return exportHeader{}, errors.New("is damaged: want it as bot export wrote it")
	}
	return h, nil
}

// parseEnd reads the last line; nil for any other one.
func parseEnd(text []byte) *int {
	var end exportEnd
	if strict(text, &end) != nil {
		return nil
	}
	return end.Lines
}

// strict decodes one JSON value in which every name is known.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// parseLine reads a record and checks it as far as that goes without a store.
func parseLine(text []byte) (imported, error) {
	var l exportLine
	if err := strict(text, &l); err != nil {
		return imported{}, fmt.Errorf("is damaged: %w; want it as bot export wrote it", err)
	}
	in := imported{chat: chat.Target{Platform: l.Platform, Chat: l.Chat}}
	if err := checkPlace(in.chat); err != nil {
		return imported{}, err
	}
	var err error
	kinds := 0
	for _, part := range []struct {
		set  bool
		read func() error
	}{
		{l.Settings != nil, func() error { return in.readSettings(l.Settings) }},
		{l.Alerts != nil, func() error { return in.readAlerts(l.Alerts) }},
		{l.Change != nil, func() error { return in.readChange(l.Change) }},
		{l.MovedTo != nil, func() error { return in.readMove(l.MovedTo) }},
	} {
		if part.set {
			kinds++
			err = errors.Join(err, part.read())
		}
	}
	switch {
	case err != nil:
		return imported{}, err
	case kinds != 1:
		return imported{}, fmt.Errorf("has %d of settings, alerts, change and moved_to: want one", kinds)
	}
	return in, nil
}

// checkPlace refuses chats that no bot can have.
func checkPlace(t chat.Target) error {
	switch t.Platform {
	case chat.Telegram, chat.Discord, chat.Web, chat.Console:
		return checkTarget(t)
	default:
		return fmt.Errorf("platform %.20q: want telegram, discord, web or console", string(t.Platform))
	}
}

func (in *imported) readSettings(text []byte) error {
	var r settingsRecord
	if err := strict(text, &r); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	c := chat.Settings(r)
	c.Since = c.Since.UTC()
	if err := checkSettings(&c); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	in.settings = &c
	return nil
}

func checkSettings(c *chat.Settings) error {
	for _, coin := range append(strings.FieldsFunc(c.Coins, func(r rune) bool { return r == ',' }), c.Coin) {
		if coin == "" {
			continue
		}
		if _, err := market.ParseCoin(coin); err != nil {
			return err
		}
	}
	if c.Window != "" {
		if _, err := market.ParseWindow(c.Window); err != nil {
			return err
		}
	}
	for _, text := range []string{c.Language, c.Coins, c.TimeZone, c.AdminsOnly, c.Everyone} {
		if len(text) > maxChoice || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("a text of %d bytes: want at most %d, without control characters", len(text), maxChoice)
		}
	}
	return nil
}

func (in *imported) readAlerts(text []byte) error {
	if err := strict(text, &chatRecord{}); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	c, err := decodeChat(text)
	if err != nil {
		return err
	}
	if err := checkAlerts(&c); err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	in.alerts = &c
	return nil
}

// checkAlerts is checkChat and what only a file can get wrong.
func checkAlerts(c *alert.Chat) error {
	if c.Kind > chat.Channel {
		return fmt.Errorf("kind %d: want 1, 2 or 3", c.Kind)
	}
	if c.Home != (chat.Target{}) {
		if err := checkPlace(c.Home); err != nil {
			return fmt.Errorf("home: %w", err)
		}
	}
	for _, s := range c.Subscriptions {
		if !s.Rule.Known() {
			return fmt.Errorf("rule %.40q: want one of %v", string(s.Rule), alert.Rules())
		}
	}
	for _, l := range c.Levels {
		if l.ID > maxLevelID {
			return fmt.Errorf("level number %d: want at most %d", l.ID, uint64(maxLevelID))
		}
	}
	// Its topic is part of a key.
	if err := checkTarget(chat.Target{Platform: chat.Web, Chat: "any", Thread: c.Terms.Digest.Thread}); err != nil {
		return fmt.Errorf("digest: %w", err)
	}
	if c.Empty() {
		return errors.New("nothing is asked for")
	}
	return checkChat(c)
}

func (in *imported) readChange(text []byte) error {
	var r entryRecord
	if err := strict(text, &r); err != nil {
		return fmt.Errorf("change: %w", err)
	}
	if r.Change == "" || r.At.IsZero() {
		return errors.New("change: has no name or no time")
	}
	value, err := encodeEntry(chat.Entry{At: r.At, Member: chat.Member{Platform: r.Platform, ID: r.Member}, Name: r.Name, Change: r.Change, Args: r.Args})
	if err != nil {
		return err
	}
	e, err := decodeEntry(value) // within the bounds of a log
	if err != nil {
		return err
	}
	in.change = &e
	return nil
}

func (in *imported) readMove(r *targetRecord) error {
	to := chat.Target(*r)
	if err := checkPlace(to); err != nil {
		return fmt.Errorf("moved_to: %w", err)
	}
	if to.Thread = ""; to == in.chat {
		return errors.New("moved_to: the chat has moved to itself")
	}
	in.movedTo = &to
	return nil
}

// line is the line that says the same.
func (in *imported) line() (exportLine, error) {
	l := exportLine{Platform: in.chat.Platform, Chat: in.chat.Chat}
	var err error
	switch {
	case in.settings != nil:
		l.Settings, err = json.Marshal(settingsRecord(*in.settings))
	case in.alerts != nil:
		l.Alerts, err = encodeChat(in.alerts)
	case in.change != nil:
		l.Change, err = encodeEntry(*in.change)
	default:
		r := targetRecord(*in.movedTo)
		l.MovedTo = &r
	}
	return l, err
}

// distinctNumbers takes the number from a level of a chat that has that of another one.
func distinctNumbers(levels []alert.Level) {
	for n := range levels {
		if slices.ContainsFunc(levels[:n], func(l alert.Level) bool { return l.ID == levels[n].ID }) {
			levels[n].ID = 0
		}
	}
}
