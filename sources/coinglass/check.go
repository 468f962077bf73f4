package coinglass

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"liqbot/snapshot"
	"liqbot/sources/coinglass/wire"
)

// Finding is one thing that Check looked at.
type Finding struct {
	// What names it: "key", "plan", "map", "price", "requests".
	What string
	OK   bool
	// Text says in plain English what was found, and what to do if it is not OK.
	Text string
}

// expiresSoon is how long before its end a plan is worth a word.
const expiresSoon = 7 * 24 * time.Hour

// Check finds out whether the source works, for the one who runs the bot: a few
// real requests, from the key to a price. It stops at a failure that would make
// all that follows fail as well.
func (s *Source) Check(ctx context.Context) []Finding {
	if !s.client.key.Set() {
		return []Finding{{What: "key", Text: "no key is set: " + hintNoKey}}
	}
	plan, err := read(ctx, s.client, subscription, nil, wire.DecodeSubscription)
	if errors.Is(err, context.Canceled) {
		return []Finding{bad("plan", err)}
	}
	found := []Finding{{What: "key", OK: true, Text: "accepted by CoinGlass"}}
	switch {
	case err == nil:
		found = append(found, s.planFinding(plan))
	case snapshot.ProblemOf(err) == snapshot.Unauthorized:
		return []Finding{bad("key", err)}
	case noAnswer(err):
		return []Finding{bad("reach", err)}
	default:
		found = []Finding{{What: "plan", OK: true, Text: "not told by CoinGlass: the map below decides"}}
	}
	found = append(found, s.mapFinding(ctx), s.priceFinding(ctx))
	if most, used, ok := s.client.budget.told(); ok {
		found = append(found, Finding{
			What: "requests", OK: used < most,
			Text: fmt.Sprintf("%d of %d allowed in this minute are used", used, most),
		})
	}
	return found
}

// noAnswer tells an API that was not reached from one that refuses a request.
func noAnswer(err error) bool {
	e, ok := errors.AsType[*snapshot.Error](err)
	return ok && (e.Problem == snapshot.RateLimited || e.Problem == snapshot.Unavailable && e.Hint != hintAddress)
}

func bad(what string, err error) Finding {
	text := err.Error()
	if e, ok := errors.AsType[*snapshot.Error](err); ok && e.Hint != "" {
		text = fmt.Sprintf("%s (%v)", e.Hint, e.Err)
	}
	return Finding{What: what, Text: text}
}

func (s *Source) planFinding(plan wire.Subscription) Finding {
	left := plan.Expires.Sub(s.now())
	text := strings.ToLower(plan.Level)
	switch {
	case plan.Expired || !plan.Expires.IsZero() && left <= 0:
		return Finding{What: "plan", Text: text + " has expired: renew it on your CoinGlass account page"}
	case plan.Expires.IsZero():
		return Finding{What: "plan", OK: true, Text: text}
	case left < expiresSoon:
		return Finding{What: "plan", OK: true, Text: fmt.Sprintf("%s, but it ends soon: on %s", text, plan.Expires.Format(time.DateOnly))}
	default:
		return Finding{What: "plan", OK: true, Text: fmt.Sprintf("%s, until %s", text, plan.Expires.Format(time.DateOnly))}
	}
}

// probe is what Check asks for: every plan that has maps has this one.
func probe() snapshot.Key { return snapshot.Key{Coin: "BTC", Window: "1d"} }

func (s *Source) mapFinding(ctx context.Context) Finding {
	d, err := s.drawn(ctx, probe())
	switch {
	case err != nil:
		return bad("map", err)
	case len(d.Levels) == 0:
		return Finding{What: "map", Text: "the map of BTC came back empty"}
	}
	text := fmt.Sprintf("%d levels for BTC", len(d.Levels))
	switch {
	case d.venue != "":
		text += " on " + string(d.venue)
	case len(d.Venues) > 0:
		text += " from " + strings.Join(d.Venues, ", ")
	}
	return Finding{What: "map", OK: true, Text: text}
}

func (s *Source) priceFinding(ctx context.Context) Finding {
	history, err := s.presentPrice(ctx, probe().Coin)
	if err != nil {
		return bad("price", err)
	}
	usd, at := newest(history)
	return Finding{
		What: "price", OK: true,
		Text: fmt.Sprintf("BTC at %s USD on %s, %s old", trimZeros(usd), history.value.venue, max(0, s.now().Sub(at)).Round(time.Second)),
	}
}

func trimZeros(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.2f", v), ".00") }
