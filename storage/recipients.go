package storage

import (
	"encoding/binary"
	"fmt"

	"liqbot/alert"
	"liqbot/chat"
)

// chunkSize is the number of recipients in a chunk: about 20 KB.
const chunkSize = 1000

const chunkVersion = 1

// What a recipient has besides its chat; the low bits of the byte are its Kind.
const (
	kindBits    = 0x07
	hasReply    = 0x08
	hasThread   = 0x10
	hasHome     = 0x20
	hasLanguage = 0x40
	hasTerms    = 0x80
)

// appendRecipient packs a recipient. The platform is not in it: the rows of a
// platform stand together.
func appendRecipient(b []byte, to *alert.Recipient) []byte {
	flags := byte(to.Kind) & kindBits
	for _, f := range []struct {
		has bool
		bit byte
	}{{to.Target.Thread != "", hasThread}, {to.Home != chat.Target{}, hasHome}, {to.Language != "", hasLanguage}, {to.ReplyTo != "", hasReply}, {to.Terms, hasTerms}} {
		if f.has {
			flags |= f.bit
		}
	}
	b = appendString(append(b, flags), to.Target.Chat)
	if flags&hasThread != 0 {
		b = appendString(b, to.Target.Thread)
	}
	if flags&hasHome != 0 {
		b = appendString(appendString(appendString(b, string(to.Home.Platform)), to.Home.Chat), to.Home.Thread)
	}
	if flags&hasLanguage != 0 {
		b = appendString(b, to.Language)
	}
	if flags&hasReply != 0 {
		b = appendString(b, to.ReplyTo)
	}
	return b
}

func (r *reader) recipient(p chat.Platform) alert.Recipient {
	flags := r.byte()
	to := alert.Recipient{Target: chat.Target{Platform: p, Chat: r.string()}, Kind: chat.Kind(flags & kindBits), Terms: flags&hasTerms != 0}
	if flags&hasThread != 0 {
		to.Target.Thread = r.string()
	}
	if flags&hasHome != 0 {
		to.Home = chat.Target{Platform: chat.Platform(r.string()), Chat: r.string(), Thread: r.string()}
	}
	if flags&hasLanguage != 0 {
		to.Language = r.string()
	}
	if flags&hasReply != 0 {
		to.ReplyTo = r.string()
	}
	return to
}

// skipRecipient passes over a recipient without copying it.
func (r *reader) skipRecipient() {
	flags := r.byte()
	r.skip()
	if flags&hasThread != 0 {
		r.skip()
	}
	if flags&hasHome != 0 {
		r.skip()
		r.skip()
		r.skip()
	}
	if flags&hasLanguage != 0 {
		r.skip()
	}
	if flags&hasReply != 0 {
		r.skip()
	}
}

// chunk is a packed list of recipients that grows.
type chunk struct {
	body []byte
	n    int
}

func (c *chunk) add(to *alert.Recipient) {
	c.body = appendRecipient(c.body, to)
	c.n++
}

// encode returns the row, which shares nothing with the chunk.
func (c *chunk) encode() []byte {
	row := make([]byte, 0, len(c.body)+16)
	row = append(row, chunkVersion)
	row = binary.AppendUvarint(row, uint64(c.n)) //nolint:gosec // a count
	return seal(append(row, c.body...))
}

// decodeChunk returns n recipients of a chunk from one of them on.
func decodeChunk(p chat.Platform, row []byte, from, n int) ([]alert.Recipient, error) {
	body, err := unseal(row)
	if err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	r := &reader{rest: body}
	version, held := r.byte(), r.uvarint()
	if version != chunkVersion || held > chunkSize || from < 0 || n < 0 || uint64(from+n) > held {
		return nil, fmt.Errorf("recipients: %w", errWire)
	}
	for range from {
		r.skipRecipient()
	}
	found := make([]alert.Recipient, 0, n)
	for range n {
		found = append(found, r.recipient(p))
	}
	if r.broken {
		return nil, fmt.Errorf("recipients: %w", errWire)
	}
	return found, nil
}
