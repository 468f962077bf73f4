package discord

import (
	"net/http"
	"time"

	"liqbot/chat"
)

// How long to wait where Discord does not say it.
const (
	unsaidWait = 5 * time.Second
	// bannedWait is for answers that come from the servers before Discord's API.
	bannedWait = time.Minute
	// unauthorisedWait keeps a bad token from being tried with every post.
	unauthorisedWait = time.Minute
)

// Reasons of outcomes that are not Discord's own words.
const (
	reasonChannelLimit = "the channel's rate limit is reached"
	reasonGlobalLimit  = "the bot's rate limit is reached"
	reasonBanned       = "turned away before Discord's API"
	reasonInvalid      = "too many calls were refused, resting"
	reasonUnauthorised = "unauthorized"
	reasonUnreachable  = "Discord cannot be reached"
	reasonStopped      = "stopped before it was sent"
	reasonAnswerLost   = "the answer was lost"
	reasonServerError  = "Discord answered with a server error"
	reasonTooLarge     = "the message is too large"
	reasonRefused      = "Discord does not take the message"
	reasonNoChannel    = "the target is no channel"
	reasonEmpty        = "the message is empty"
	reasonNotWanted    = "not wanted any more"
)

// meanings are the codes that tell what to do with a post, in words for the host.
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
var meanings = map[int]chat.Outcome{
	50007: {Fate: chat.Gone, Reason: "the user takes no messages from the bot"},
	50278: {Fate: chat.Gone, Reason: "the user shares no server with the bot"},
	10003: {Fate: chat.Gone, Reason: "the channel was deleted"},
	10004: {Fate: chat.Gone, Reason: "the server is unknown"},
	10013: {Fate: chat.Gone, Reason: "the user is unknown"},

	codeMissingAccess:      {Fate: chat.Gone, Reason: "the bot cannot see the channel"},
	codeMissingPermissions: {Fate: chat.Barred, Reason: "the bot may not write in the channel"},

	160005: {Fate: chat.Barred, Reason: "the thread is locked"},
	50083:  {Fate: chat.Barred, Reason: "the thread is archived"},
	50008:  {Fate: chat.Barred, Reason: "the channel takes no messages"},
	50024:  {Fate: chat.Barred, Reason: "the channel takes no messages"},

	20016: {Fate: chat.Later, Wait: unsaidWait, Reason: reasonChannelLimit}, // slow mode
	20022: {Fate: chat.Later, Wait: unsaidWait, Reason: reasonChannelLimit}, // announcements
	20028: {Fate: chat.Later, Wait: unsaidWait, Reason: reasonChannelLimit}, // the channel is written to too fast
	20029: {Fate: chat.Later, Wait: unsaidWait, Reason: reasonChannelLimit}, // the server is

	40002:  {Fate: chat.Down, Wait: bannedWait, Reason: "the bot's account has to be verified"},
	40062:  {Fate: chat.Down, Wait: unsaidWait, Reason: reasonGlobalLimit},
	40333:  {Fate: chat.Down, Wait: bannedWait, Reason: reasonBanned},
	130000: {Fate: chat.Down, Wait: unsaidWait, Reason: "Discord is overloaded"},

	codeTooLarge: {Fate: chat.Refused, Reason: reasonTooLarge},
	50006:        {Fate: chat.Refused, Reason: reasonEmpty},
	50035:        {Fate: chat.Refused, Reason: "the form of the message is not valid"},
	200000:       {Fate: chat.Refused, Reason: "the server's moderation blocked the message"},
	200001:       {Fate: chat.Refused, Reason: "the server's moderation blocked the message"},
	240000:       {Fate: chat.Refused, Reason: "a link filter blocked the message"},
}

// outcomeOf tells what became of a post that Discord did not confirm; written
// says whether the whole request went out.
func outcomeOf(e *apiError, written bool) chat.Outcome {
	switch {
	case e.status == 0 && !written:
		return chat.Outcome{Fate: chat.Down, Reason: reasonUnreachable}
	case e.status == 0:
		return chat.Outcome{Fate: chat.Unclear, Deduplicates: true, Reason: reasonAnswerLost}
	case e.status >= 500:
		return chat.Outcome{Fate: chat.Unclear, Deduplicates: true, Reason: reasonServerError}
	case e.status == http.StatusTooManyRequests:
		return limitedOutcome(e)
	case e.status == http.StatusUnauthorized:
		return chat.Outcome{Fate: chat.Down, Wait: unauthorisedWait, Reason: reasonUnauthorised}
	case e.status == http.StatusRequestEntityTooLarge:
		return meanings[codeTooLarge]
	case e.foreign || e.status < 400:
		return chat.Outcome{Fate: chat.Down, Wait: bannedWait, Reason: reasonBanned}
	}
	if known, ok := meanings[e.code]; ok {
		return known
	}
	return chat.Outcome{Fate: chat.Refused, Reason: reasonRefused}
}

// limitedOutcome tells a 429 for one channel from one for all.
func limitedOutcome(e *apiError) chat.Outcome {
	wait := func(fallback time.Duration) time.Duration {
		if e.retryAfter > 0 {
			return e.retryAfter
		}
		return fallback
	}
	switch {
	case e.foreign:
		return chat.Outcome{Fate: chat.Down, Wait: wait(bannedWait), Reason: reasonBanned}
	case e.global, meanings[e.code].Fate == chat.Down:
		return chat.Outcome{Fate: chat.Down, Wait: wait(unsaidWait), Reason: reasonGlobalLimit}
	default:
		return chat.Outcome{Fate: chat.Later, Wait: wait(unsaidWait), Reason: reasonChannelLimit}
	}
}
