package telegram

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRefusalsOfSeveralChatsSlowPostsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(defaultRate, time.Time{})
		if p.refuse(1, 3*time.Second) {
			t.Error("one chat is taken for all")
		}
		if p.refuse(1, 3*time.Second) {
			t.Error("one chat twice is taken for all")
		}
		<-time.After(2 * time.Second)
		if p.refuse(2, 3*time.Second) {
			t.Error("another chat two seconds later is taken for all")
		}
		if _, wait, all := asked(p, 2); wait != 3*time.Second || all {
			t.Errorf("the chat waits %v, all %v", wait, all)
		}
		if !p.refuse(3, 10*time.Second) || !p.refuse(4, 10*time.Second) {
			t.Error("three chats in a second are not taken for all")
		}
		if _, wait, all := asked(p, 9); !all || wait < 10100*time.Millisecond || wait > 11*time.Second {
			t.Errorf("posts wait %v, all %v", wait, all)
		}
		if reply, err := p.take(t.Context(), 9, aReply, 0); err != nil {
			t.Errorf("a reply is held too: %v", err)
		} else {
			reply.end()
		}
		if p.rate != defaultRate/2 {
			t.Errorf("rate %v, want half", p.rate)
		}
		<-time.After(p.rested() + 3*quietTime)
		next, _, _ := asked(p, 10)
		if next == nil || p.rate != defaultRate/2+3 {
			t.Errorf("rate %v after three quiet times", p.rate)
		}
		next.end()
		for range 10 {
			p.refuseAll(0)
			<-time.After(p.rested() + time.Millisecond)
		}
		if p.rate != minRate {
			t.Errorf("rate %v, want the least", p.rate)
		}
		<-time.After(time.Hour)
		next, _, _ = asked(p, 11)
		next.end()
		if p.rate != defaultRate {
			t.Errorf("rate %v, want the full one again", p.rate)
		}
	})
}

// Posts that wait when all are paused are told at once.
func TestWaitingPostsAreToldOfAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(1, time.Time{})
		turn, _, _ := asked(p, 1)
		turn.end()
		begun := time.Now()
		time.AfterFunc(100*time.Millisecond, func() { p.refuseAll(5 * time.Second) })
		if _, wait, all := asked(p, 2); !all || wait < 5*time.Second || time.Since(begun) != 100*time.Millisecond {
			t.Errorf("told after %v: wait %v, all %v", time.Since(begun), wait, all)
		}
	})
}

func TestIdleChatsAreForgotten(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		p := newPacer(maxRate, time.Time{})
		for i := range int64(8 * keptRooms) {
			chat := i + 1
			if i%2 == 0 {
				chat = -chat
			}
			turn, wait, _ := asked(p, chat)
			if turn == nil {
				t.Fatalf("wait %v", wait)
			}
			turn.end()
			if i%(keptRooms/4) == 0 {
				<-time.After(groupWindow)
			}
		}
		if n := len(p.rooms); n > 2*keptRooms {
			t.Errorf("%d chats are remembered", n)
		}
	})
}
