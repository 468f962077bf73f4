package storage_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/storage"
)

// recipientOf makes a recipient out of what a fuzzer found.
func recipientOf(id, thread, home, language string, kind byte) alert.Recipient {
	to := alert.Recipient{Target: chat.Target{Platform: chat.Telegram, Chat: id, Thread: thread}, Kind: chat.Kind(kind % 8), Language: language}
	if kind&8 != 0 {
		to.ReplyTo, to.Terms = id, true
	}
	if home != "" {
		to.Home = chat.Target{Platform: chat.Discord, Chat: home, Thread: thread}
	}
	return to
}

func FuzzRecipients(f *testing.F) {
	f.Add("1", "", "", "", byte(3), 1, []byte{})
	f.Add("-1001", "7", "-1002", "ru", byte(2), 1000, storage.EncodeRecipients(nil))
	f.Add("", "\x00", "я", "zh-Hans", byte(0), 3, storage.Seal([]byte{1, 2, 3, 1, '1'}))
	f.Fuzz(func(t *testing.T, id, thread, home, language string, kind byte, n int, raw []byte) {
		var want []alert.Recipient
		for i := range min(max(n, 0), storage.ChunkSize) {
			want = append(want, recipientOf(id, thread[:min(i, len(thread))], home, language, kind+byte(i)))
		}
		row := storage.EncodeRecipients(want)
		for from := range len(want) {
			got, err := storage.DecodeRecipients(chat.Telegram, row, from, len(want)-from)
			if diff := cmp.Diff(want[from:], got); diff != "" || err != nil {
				t.Fatalf("from %d (-want +got), %v:\n%s", from, err, diff)
			}
			if from > 2 {
				break
			}
		}
		if len(want) > 0 {
			if _, err := storage.DecodeRecipients(chat.Telegram, row, 1, len(want)); err == nil {
				t.Fatal("more recipients than there are")
			}
			row[n%len(row)] ^= 1
			if got, err := storage.DecodeRecipients(chat.Telegram, row, 0, len(want)); err == nil || got != nil {
				t.Fatalf("a flipped bit went unnoticed: %v, %v", got, err)
			}
		}
		for _, row := range [][]byte{raw, storage.Seal(raw)} {
			if got, err := storage.DecodeRecipients(chat.Telegram, row, 0, 1); (err == nil) == (got == nil) {
				t.Fatalf("%d recipients and the error %v", len(got), err)
			}
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(uint32(1000), uint32(14), uint8(28), uint64(5), int64(1), storage.Header(10, 3, []bool{false, true, true}, start))
	f.Add(uint32(1), uint32(0), uint8(0), uint64(0), int64(0), []byte{1, 5, 0, 0, 0, 0})
	told := storage.HeaderTold("7", "5000001", "1288888888888888888", "", "007", "x")
	f.Add(uint32(1), uint32(0), uint8(0), uint64(0), int64(0), told)
	f.Add(uint32(1), uint32(0), uint8(0), uint64(0), int64(0), told[:len(told)-4])
	f.Fuzz(func(t *testing.T, total, base uint32, window uint8, settled uint64, expires int64, raw []byte) {
		total = max(total, 1)
		base %= total
		flags := make([]bool, min(uint32(window), total-base))
		for i := range flags {
			flags[i] = settled>>(i%64)&1 != 0
		}
		row := storage.Header(total, base, flags, time.Unix(0, max(expires, 0)))
		again, err := storage.RecodeHeader(row)
		if err != nil || !bytes.Equal(row, again) {
			t.Fatalf("%x came back as %x, %v", row, again, err)
		}
		row[int(settled%uint64(len(row)))] ^= 4
		if _, err := storage.RecodeHeader(row); err == nil {
			t.Fatal("a flipped bit went unnoticed")
		}
		for _, row := range [][]byte{raw, storage.Seal(raw)} {
			again, err := storage.RecodeHeader(row)
			if err != nil {
				continue
			}
			if twice, err := storage.RecodeHeader(again); err != nil || !bytes.Equal(again, twice) {
				t.Fatalf("%x came back as %x, %v", again, twice, err)
			}
		}
	})
}

func FuzzSubscription(f *testing.F) {
	f.Add("1", "", "", "", byte(3), 0.0, int64(0), []byte{})
	f.Add("-1001", "7", "-1002", "ru", byte(2), 1e9, int64(math.MaxInt64), storage.EncodeSubscription(alert.Recipient{}, 5, start))
	f.Fuzz(func(t *testing.T, id, thread, home, language string, kind byte, threshold float64, muted int64, raw []byte) {
		want := recipientOf(id, thread, home, language, kind)
		muted /= 2 // what is after 2261 is kept as for ever
		until := time.Unix(0, muted).UTC()
		if muted <= 0 {
			until = time.Time{}
		}
		to, usd, at, err := storage.DecodeSubscription(storage.EncodeSubscription(want, threshold, until))
		switch {
		case math.IsNaN(threshold):
			if err == nil {
				t.Fatal("a threshold that is no number")
			}
		case err != nil || to != want || usd != threshold || !at.Equal(until):
			t.Fatalf("%+v %v %v came back as %+v %v %v, %v", want, threshold, until, to, usd, at, err)
		}
		to, usd, at, err = storage.DecodeSubscription(raw)
		if err != nil && (to != alert.Recipient{} || usd != 0 || !at.IsZero()) {
			t.Fatalf("%+v beside the error %v", to, err)
		}
	})
}

func FuzzDelivery(f *testing.F) {
	f.Add([]byte{1, 3, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1, '5'})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, row := range [][]byte{raw, storage.Seal(raw)} {
			again, err := storage.RecodeDelivery(row)
			if err != nil {
				continue
			}
			if twice, err := storage.RecodeDelivery(again); err != nil || !bytes.Equal(again, twice) {
				t.Fatalf("%x came back as %x, %v", again, twice, err)
			}
		}
	})
}
