package recorded

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"liqbot/market"
	"liqbot/snapshot"
)

// RecordOptions say what to record. The zero value records everything that the
// source has.
type RecordOptions struct {
	// Coins and Windows are what to fetch: all that the source lists, and all
	// windows, when empty.
	Coins   []market.Coin
	Windows []market.Window
	// Every is how often everything is fetched, 10 seconds when zero.
	Every time.Duration
	// Gzip compresses; every pass can still be read if the process is killed.
	Gzip bool
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Log hears of keys that cannot be fetched, once for each new problem; nil
	// for nobody.
	Log *slog.Logger
}

// Record writes what a source delivers until the context ends, which is not an
// error. It writes a figure when it changed, and a short line when it was
// fetched again unchanged. Each pass is one write of whole lines, so the file
// can be played at any moment. The error is that of a writer, or of a source
// from which nothing could be recorded at all.
func Record(ctx context.Context, src snapshot.Source, w io.Writer, o RecordOptions) error {
	r, err := newRecorder(ctx, src, o)
	if err != nil {
		return fmt.Errorf("recorded: record %s: %w", src.Name(), err)
	}
	if o.Gzip {
		z := gzip.NewWriter(w)
		err = r.run(ctx, func(lines []byte) error {
			_, err := z.Write(lines)
			return errors.Join(err, z.Flush())
		})
		err = errors.Join(err, z.Close())
	} else {
		err = r.run(ctx, func(lines []byte) error {
			_, err := w.Write(lines)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("recorded: record %s: %w", src.Name(), err)
	}
	return nil
}

// recorder is one recording in progress.
type recorder struct {
	source  snapshot.Source
	options RecordOptions
	coins   []market.Coin
	header  *Header
	// player is what a player of the lines so far would have in force. What it
	// has already is not written again.
	player state
	timeMS int64
	lines  []byte
	// problems are the keys that could not be fetched, failure the last reason.
	problems map[snapshot.Key]snapshot.Problem
	failure  error
	// refused are the figures that were left out as they cannot be.
	refused map[place]bool
}

// place is where an event belongs.
type place struct {
	kind   Kind
	coin   market.Coin
	window market.Window
}

func newRecorder(ctx context.Context, src snapshot.Source, o RecordOptions) (*recorder, error) {
	if o.Every < 0 {
		return nil, fmt.Errorf("every %v: want a positive duration", o.Every)
	}
	if o.Every == 0 {
		o.Every = 10 * time.Second
	}
	if len(o.Windows) == 0 {
		o.Windows = market.Windows()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	coins := o.Coins
	if len(coins) == 0 {
		var err error
		if coins, err = src.Coins(ctx); err != nil {
			return nil, fmt.Errorf("list coins: %w", err)
		}
	}
	return &recorder{
		source: src, options: o, coins: coins,
		player:   state{coins: make(map[market.Coin]*coin)},
		problems: make(map[snapshot.Key]snapshot.Problem),
		refused:  make(map[place]bool),
	}, nil
}

// run makes passes until the context ends.
func (r *recorder) run(ctx context.Context, write func(lines []byte) error) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			if r.header == nil {
				return errors.Join(errors.New("nothing was recorded"), r.failure)
			}
			return nil
		case <-timer.C:
		}
		shots := r.fetch(ctx)
		if ctx.Err() != nil {
			continue
		}
		if err := r.pass(shots); err != nil {
			return err
		}
		if len(r.lines) > 0 {
			if err := write(r.lines); err != nil {
				return err
			}
		}
		timer.Reset(r.options.Every)
	}
}

// fetch returns the snapshots that could be had, by coin.
func (r *recorder) fetch(ctx context.Context) [][]*snapshot.Snapshot {
	var all [][]*snapshot.Snapshot
	for _, c := range r.coins {
		var shots []*snapshot.Snapshot
		for _, w := range r.options.Windows {
			key := snapshot.Key{Coin: c, Window: w}
			s, err := r.source.Fetch(ctx, key)
			if ctx.Err() != nil {
				return nil
			}
			r.note(key, err)
			if err == nil {
				shots = append(shots, s)
			}
		}
		if len(shots) > 0 {
			all = append(all, shots)
		}
	}
	return all
}

// note logs a key's problem when it is a new one.
func (r *recorder) note(key snapshot.Key, err error) {
	if err == nil {
		delete(r.problems, key)
		return
	}
	r.failure = err
	problem := snapshot.ProblemOf(err)
	if r.problems[key] != problem {
		r.problems[key] = problem
		r.options.Log.Warn("not recorded for now", slog.String("key", key.String()), slog.Any("err", err))
	}
}

// pass turns snapshots into lines.
func (r *recorder) pass(all [][]*snapshot.Snapshot) error {
	r.lines = r.lines[:0]
	r.timeMS = max(r.timeMS, r.options.Now().UnixMilli())
	if r.header == nil {
		if len(all) == 0 {
			return nil
		}
		if err := r.begin(all); err != nil {
			return err
		}
	}
	for _, shots := range all {
		if err := r.coin(shots); err != nil {
			return err
		}
	}
	return nil
}

// begin writes the header, which needs to know where the figures are from.
func (r *recorder) begin(all [][]*snapshot.Snapshot) error {
	first := all[0][0]
	h := Header{Source: r.source.Name(), Origin: first.Map.Provenance().Origin, StartMS: r.timeMS, Coins: r.coins}
	for _, shots := range all {
		for _, s := range shots {
			h.Demo = h.Demo || s.Demo()
		}
	}
	var err error
	if r.lines, err = AppendHeader(r.lines, h); err != nil {
		return err
	}
	r.header = &h
	return nil
}

// coin writes what changed for a coin, whose snapshots differ in their maps.
func (r *recorder) coin(shots []*snapshot.Snapshot) error {
	newest := shots[0]
	for _, s := range shots {
		if s.Price.Provenance.AsOf.After(newest.Price.Provenance.AsOf) {
			newest = s
		}
	}
	for _, e := range r.figures(newest) {
		if err := r.write(e); err != nil {
			return err
		}
	}
	for _, s := range shots {
		if err := r.writeMap(s); err != nil {
			return err
		}
	}
	return nil
}

// write writes a figure unless a player has it already.
func (r *recorder) write(e Event) error {
	c, err := r.player.coin(e.Coin)
	if err != nil {
		return err
	}
	now := c.figure(e.Kind)
	switch {
	case e.Gone && now.Event == nil:
		return nil
	case !e.Gone && now.Event != nil && sameFigure(now.Event, &e):
		if now.asOf == e.asOf() {
			return nil
		}
		e = again(e)
	}
	return r.emit(e)
}

// writeMap writes a map unless a player has just its levels, be it that it swept
// some of those that it was given.
func (r *recorder) writeMap(s *snapshot.Snapshot) error {
	e := r.mapEvent(s)
	c, err := r.player.coin(e.Coin)
	if err != nil {
		return err
	}
	if m := c.maps[e.Window]; m != nil && m.shows(s.Map) && sameOrigin(m.Event, &e) {
		if m.asOf == e.asOf() {
			return nil
		}
		e = again(e)
	}
	return r.emit(e)
}

// emit writes an event and keeps it as a player would. One figure that cannot be
// does not end a recording: it is logged once and left out.
func (r *recorder) emit(e Event) error {
	at := place{e.Kind, e.Coin, e.Window}
	lines, err := AppendEvent(r.lines, e)
	if err != nil {
		if !r.refused[at] {
			r.options.Log.Warn("figure left out of the recording", slog.String("coin", string(e.Coin)), slog.Any("err", err))
		}
		r.refused[at] = true
		return nil
	}
	delete(r.refused, at)
	r.lines = lines
	return r.player.apply(&e, 0)
}

// again is the line that says that an event's figure was fetched unchanged.
func again(e Event) Event {
	return Event{
		TimeMS: e.TimeMS, Kind: e.Kind, Coin: e.Coin, Window: e.Window,
		Same: true, AsOfMS: e.AsOfMS, RecordedMS: e.RecordedMS,
	}
}
