package storage_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"liqbot/alert"
	"liqbot/chat"
	"liqbot/storage"
)

// say sends what is handed out, in claims of n, until at least so many are told, with the
// chat's number as the id of its message. Some come back late, when their chunk is gone.
func say(t *testing.T, r *room, n, most int) int {
	t.Helper()
	var done []alert.Result
	told := 0
	for told < most {
		b := r.advance(t, chat.Telegram, done, n)
		done = nil
		for _, d := range b.Deliveries {
			res := alert.Result{Delivery: d, State: alert.Sent, Message: d.To.Target.Chat}
			if d.Ref.Index%700 == 5 && d.Attempts == 0 {
				res.Delivery.Attempts, res.State, res.NotBefore = 1, alert.Waiting, r.clock().Add(time.Hour)
			} else {
				told++
			}
			done = append(done, res)
		}
		if len(b.Deliveries) == 0 {
			break
		}
	}
	r.advance(t, chat.Telegram, done, 0)
	return told
}

// TestMessagesOfAFanOutAreKept: whoever was told by the time of a follow-up gets it as an
// answer to the right message, also while others are still to be told and after a restart.
func TestMessagesOfAFanOutAreKept(t *testing.T) {
	const chats = 2*storage.ChunkSize + 100
	r := newRoom(t)
	r.fill(t, chats)
	a := breakout("BTC", 0)
	a.Expires = a.Expires.AddDate(1, 0, 0)
	r.record(t, alert.Step{Alerts: []alert.Alert{a}})
	for i, most := range []int{10, 1111, chats} {
		told := say(t, r, 14, most)
		if i == 2 { // those who are late as well
			r.pass(2 * time.Hour)
			say(t, r, 14, chats)
		}
		r.restart(t)
		follow := outcome(a, time.Duration(i+1)*time.Hour, true)
		n := r.record(t, alert.Step{Alerts: []alert.Alert{follow}})
		if i == 0 && n != told {
			t.Errorf("%d are to hear of the outcome, want the %d who were told", n, told)
		}
		if i == 2 && n != chats {
			t.Errorf("%d are to hear of the last outcome, want all %d", n, chats)
		}
	}
	r.pass(2 * time.Hour)
	answered := map[string]bool{}
	for {
		b := r.advance(t, chat.Telegram, nil, 100)
		if len(b.Deliveries) == 0 {
			break
		}
		var done []alert.Result
		for _, d := range b.Deliveries {
			if d.Alert.Rule == alert.Outcome && d.To.ReplyTo != d.To.Target.Chat {
				t.Fatalf("%+v is an answer to a message of another chat", d.To)
			}
			answered[d.To.Target.Chat] = true
			done = append(done, alert.Result{Delivery: d, State: alert.Sent, Message: d.To.Target.Chat})
		}
		r.advance(t, chat.Telegram, done, 0)
	}
	if len(answered) != chats {
		t.Errorf("%d chats were answered, want %d", len(answered), chats)
	}
	tidied(t, r)
	rows, err := r.Dump()
	if err != nil || rows["posted"] > chats/50 {
		t.Errorf("%d rows for the messages in %d chats, %v", rows["posted"], chats, err)
	}
}

// TestErasedChatHasNoMessage: neither the rows nor a header give a message of the chat back.
func TestErasedChatHasNoMessage(t *testing.T) {
	for _, n := range []int{5, 200} {
		r := newRoom(t)
		r.fill(t, n)
		r.subscribe(t, chat.Private, "BTC", member(chat.Telegram, 5000)) // keeps the entry open
		a := breakout("BTC", 0)
		r.record(t, alert.Step{Alerts: []alert.Alert{a}})
		if told := say(t, r, n, n); told < n-1 {
			t.Fatalf("%d told", told)
		}
		who := member(chat.Telegram, 2)
		erased, err := r.Erase(t.Context(), who, chat.Member{})
		if err != nil || erased.Messages != 1 {
			t.Fatalf("erased %+v, %v; want one message", erased, err)
		}
		before := r.record(t, alert.Step{Alerts: []alert.Alert{outcome(a, time.Hour, true)}})
		if before == 0 || before >= n+1 {
			t.Errorf("%d are to hear of the outcome", before)
		}
		for _, to := range r.deliver(t, chat.Telegram) {
			if to == who {
				t.Error("the chat that was erased is told")
			}
		}
	}
}

// TestMessagesThatAreNoNumbers are kept as they are.
func TestMessagesThatAreNoNumbers(t *testing.T) {
	ids := []string{"1", "0", "007", "-5", "x", "18446744073709551615", "18446744073709551616", "1.5", " 1"}
	r := newRoom(t)
	r.fill(t, len(ids)+1)
	a := breakout("BTC", 0)
	r.record(t, alert.Step{Alerts: []alert.Alert{a}})
	var done []alert.Result
	for i, d := range r.advance(t, chat.Telegram, nil, len(ids)).Deliveries {
		done = append(done, alert.Result{Delivery: d, State: alert.Sent, Message: ids[i]})
	}
	r.advance(t, chat.Telegram, done, 0)
	r.restart(t)
	r.record(t, alert.Step{Alerts: []alert.Alert{outcome(a, time.Hour, true)}})
	var got []string
	for _, d := range r.advance(t, chat.Telegram, nil, 100).Deliveries {
		if d.Alert.Rule == alert.Outcome {
			got = append(got, d.To.ReplyTo)
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("answers to %q, want %q", got, ids)
	}
}

// BenchmarkFollowUp queues the answers to 10,000 messages.
func BenchmarkFollowUp(b *testing.B) {
	r := crowd(b, 10_000, 1)
	a := breakout("C0", 0)
	r.record(b, alert.Step{Alerts: []alert.Alert{a}})
	for batch := r.advance(b, chat.Telegram, nil, 14); len(batch.Deliveries) > 0; {
		done := results(alert.Sent, batch.Deliveries...)
		for i := range done {
			done[i].Message = strconv.Itoa(5_000_000 + i)
		}
		batch = r.advance(b, chat.Telegram, done, 14)
	}
	i := 0
	for b.Loop() {
		i++
		if n := r.record(b, alert.Step{Alerts: []alert.Alert{outcome(a, time.Duration(i)*time.Minute, true)}}); n != 10_000 {
			b.Fatal(fmt.Errorf("%d are told", n))
		}
	}
}
