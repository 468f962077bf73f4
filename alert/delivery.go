package alert

import (
	"time"

	"liqbot/chat"
	"liqbot/market"
)

// Recipient is one place that an alert goes to.
type Recipient struct {
	Target chat.Target
	// Home and Language are those of Chat.
	Home     chat.Target
	Kind     chat.Kind
	Language string
	// ReplyTo is the platform's id of the message that this one answers, empty for none.
	ReplyTo string
	// Terms says that the chat has Terms that count when its turn comes.
	Terms bool
}

// LateFor is how long after it has expired an alert is still told of, as how things stand
// by then, where nothing newer of its rule and coin is on its way.
const LateFor = 6 * time.Hour

// Lasts reports whether the alerts of a rule are told of when they are late.
func (r Rule) Lasts() bool { return r.Known() || r == Price }

// Over reports whether an alert is not to be sent any more, Late whether it is old news.
func (a *Alert) Over(now time.Time) bool {
	end := a.Expires
	if a.Rule.Lasts() {
		end = end.Add(LateFor)
	}
	return !a.Expires.IsZero() && !now.Before(end)
}

// Late reports whether an alert is old news: what is told is how things stand.
func (a *Alert) Late(now time.Time) bool {
	return a.Rule.Lasts() && !a.Expires.IsZero() && !now.Before(a.Expires)
}

// Past is an alert of the past: what it said, how many it was for, and what became of it,
// the shortest time first.
type Past struct {
	Alert
	Recipients int
	Outcomes   []Followed
}

// Ref names a delivery in the outbox.
type Ref struct {
	Entry uint64
	Index uint32
}

// Delivery is one alert on its way to one recipient.
type Delivery struct {
	Ref   Ref
	Alert *Alert
	To    Recipient
	// Attempts counts the tries before this one.
	Attempts int
	// Repeat says that an earlier try may have arrived: this one is marked.
	Repeat bool
	// Since is when it was first tried, zero for never.
	Since time.Time
	// Silent asks for a message without a sound. Late says that the alert is old news by
	// now: what is told is how things stand.
	Silent, Late bool
}

// State is what became of a delivery.
type State uint8

// The states. All but Waiting are final.
const (
	// Waiting: certainly not delivered; to be tried again not before a moment.
	Waiting State = iota + 1
	// Sent: the platform said that it has it.
	Sent
	// Failed: the platform will never take it.
	Failed
	// Uncertain: it may have arrived, and is not tried again.
	Uncertain
	// Expired: it was too old to be news when its turn came.
	Expired
	// Unwanted: the chat has muted, paused or dropped it meanwhile.
	Unwanted
	// Retired: failed, and the chat cannot be reached any more.
	Retired
	// Barred: failed, and the bot may not write there.
	Barred
	// Held: kept for a Summary, as the chat's Terms ask for.
	Held
)

// String is the state's name in metrics and logs.
func (s State) String() string {
	switch s {
	case Waiting:
		return "waiting"
	case Sent:
		return "sent"
	case Failed:
		return "failed"
	case Uncertain:
		return "uncertain"
	case Expired:
		return "expired"
	case Unwanted:
		return "unwanted"
	case Retired:
		return "retired"
	case Barred:
		return "barred"
	case Held:
		return "held"
	default:
		return "unknown"
	}
}

// Result is what became of a delivery.
type Result struct {
	Delivery Delivery
	State    State
	// NotBefore is when a Waiting one may be tried again, and Repeat whether that try
	// is marked.
	NotBefore time.Time
	Repeat    bool
	// Reason is a constant phrase for the host.
	Reason string
	// Message is the platform's id of a Sent message, empty where it has none.
	Message string
}

// Batch is what is to be delivered next.
type Batch struct {
	Deliveries []Delivery
	// Next is when something that waits is due; zero when nothing waits. It says
	// nothing of deliveries that are ready: ask again until Deliveries is empty.
	Next time.Time
	// Left counts the deliveries of the platform that have no final state yet, those
	// of this batch included.
	Left int
}

// Totals counts since the data file was made.
type Totals struct {
	// Alerts are the events, Deliveries what became of them by State.
	Alerts     uint64
	Deliveries map[State]uint64
}

// Census counts who asks for alerts now.
type Census struct {
	// Chats have at least one subscription or level, Retired could not be reached.
	Chats, Retired               int
	Subscriptions, Levels, Coins int
}

// Step is what the watcher found in one snapshot: it is kept in one piece, so that
// a crash neither loses nor repeats it.
type Step struct {
	// States are the rules' states by name, to be read again after a restart.
	States map[string][]byte
	// Seen are the coins whose rules are at work.
	Seen []market.Coin
	// Traces are kept for the record: nobody is told.
	Traces []Alert
	// Alerts go to those who have subscribed to their rule and coin and whose threshold
	// they meet.
	Alerts []Alert
	// Reached are prices that members' levels are compared with.
	Reached []Reached
}

// Reached is a confirmed price: rising levels at or below it and falling levels at
// or above it have been reached.
type Reached struct {
	Coin market.Coin
	USD  float64
	// Alert is what all alerts on reached levels have in common; its ID, LevelUSD
	// and Rising are set for each level.
	Alert Alert
}
