package chat

import (
	"errors"
	"time"
)

// ErrNoPlace is in the error of Request.Place when there is no such chat, or none
// that the bot can see.
var ErrNoPlace = errors.New("no such chat")

// Place is another chat that a member has named.
type Place struct {
	Target Target
	Home   Target
	Kind   Kind
	// Admin says whether the member administers it, CanPost whether the bot may post
	// there.
	Admin, CanPost bool
}

// Post is a message that the bot sends unasked.
type Post struct {
	To   Target
	Kind Kind
	// ID is the same for every try of one post and different for different posts: a
	// platform that can tell by it that it has the post already makes one of two.
	ID    string
	Reply Reply
	// Silent asks for a message without a sound or a mark, where the platform can.
	Silent bool
	// ReplyTo is the Outcome.Message of an earlier post to the same chat that this one
	// answers. Where that is gone the post stands alone.
	ReplyTo string
	// Wanted is asked right before the post goes out, after any wait for the
	// platform's limits; with false it does not go out. Nil means true.
	Wanted func() bool
}

// Fate is what became of a post.
type Fate uint8

// The fates of a post.
const (
	// Posted: the platform has it.
	Posted Fate = iota + 1
	// Dropped: Wanted said no; nothing was sent.
	Dropped
	// Later: certainly not sent; this chat has to wait.
	Later
	// Down: certainly not sent; the whole platform cannot be reached or has to wait.
	Down
	// Unclear: it may have arrived.
	Unclear
	// Refused: the platform will never take this post.
	Refused
	// Gone: the bot cannot reach the chat any more: blocked, removed, deleted.
	Gone
	// Barred: the chat is there, but the bot may not write in it.
	Barred
)

// Outcome is what became of a post, and why.
type Outcome struct {
	Fate Fate
	// Wait is how long the platform asks to wait, for Later and Down; 0 when it does
	// not tell.
	Wait time.Duration
	// Reason is a constant phrase for the host: no address, token or chat text.
	Reason string
	// Deduplicates says of an Unclear post that the platform will recognise it by its
	// ID for the next minutes: posting it again makes no second one.
	Deduplicates bool
	// Message is the platform's id of what was posted, to be answered later; empty where
	// there is none.
	Message string
}
