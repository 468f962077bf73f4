package webchat

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"liqbot/chat"
)

// The clock of a synctest bubble stands still while a page is open at the other
// end of a socket, so these two open no socket.

func TestPageCountsUntilItCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFeed(nil)
		l := f.open("session", "", false)
		<-time.After(30 * 24 * time.Hour)
		wantFate(t, f, "session", chat.Posted)
		l.close()
		<-time.After(goneAfter - time.Second)
		wantFate(t, f, "session", chat.Posted)
		<-time.After(time.Second)
		wantFate(t, f, "session", chat.Gone)
	})
}

// There may be more sessions than a feed remembers: one that it has forgotten is
// not gone too early.
func TestForgottenSessionIsNotGoneEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFeed(nil)
		<-time.After(goneAfter)
		f.open("early", "", false).close()
		<-time.After(time.Hour)
		for i := range maxReaders {
			f.open(fmt.Sprint(i), "", false).close()
		}
		if got := len(f.readers); got > maxReaders || f.readers["early"] != nil {
			t.Fatalf("%d sessions remembered, early %v, want at most %d without it", got, f.readers["early"] != nil, maxReaders)
		}
		wantFate(t, f, "early", chat.Posted)
		<-time.After(goneAfter)
		wantFate(t, f, "another", chat.Gone)
	})
}

func wantFate(t *testing.T, f *Feed, session string, want chat.Fate) {
	t.Helper()
	p := chat.Post{To: chat.Target{Platform: chat.Web, Chat: session}, Reply: chat.Reply{Text: chat.Plainly("hi")}}
	if got := f.Send(t.Context(), p); got.Fate != want {
		t.Errorf("fate %d for session %s, want %d", got.Fate, session, want)
	}
}

// FuzzParseEventID reads what any program on the machine may send, without the
// stream that it opens.
func FuzzParseEventID(f *testing.F) {
	feed := NewFeed(nil)
	for _, seed := range []string{
		feed.eventID(7), "", "-", "a-", "-7", "a-7", "a-b-7", "a-18446744073709551616", "a-+7", "a- 7", strings.Repeat("a", 70) + "-7",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		epoch, number, ok := parseEventID(s)
		switch {
		case !ok && (epoch != "" || number != 0):
			t.Errorf("%q is refused and yet read as %q, %d", s, epoch, number)
		case ok && (epoch == "" || len(s) > maxEventID):
			t.Errorf("%q is accepted with epoch %q", s, epoch)
		case ok && epoch == feed.epoch && strings.TrimLeft(s[len(epoch)+1:], "0") != strings.TrimLeft(feed.eventID(number)[len(epoch)+1:], "0"):
			t.Errorf("%q is read as %s", s, feed.eventID(number))
		}
	})
}
