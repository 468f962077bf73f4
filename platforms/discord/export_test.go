package discord

import "time"

// Markdown is the renderer, for tests of its rules one by one.
var Markdown = markdown

// RoomID reads the name of a channel.
var RoomID = roomID

// Refuse counts calls as refused by Discord, without making them.
func (a *Adapter) Refuse(calls int) {
	for range calls {
		a.invalid.add(time.Now())
	}
}
