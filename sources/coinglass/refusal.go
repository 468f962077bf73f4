package coinglass

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"liqbot/snapshot"
	"liqbot/sources/coinglass/wire"
)

// What the host can do, in plain words.
const (
	hintNoKey     = "set COINGLASS_API_KEY to the key from your CoinGlass account page"
	hintKey       = "CoinGlass does not accept COINGLASS_API_KEY: copy it again from your CoinGlass account page, and see that its plan has not expired"
	hintPlan      = "the key works, but the liquidation map is part of CoinGlass' Professional plan and above: upgrade the plan, or run with SOURCE=demo"
	hintOtherPlan = "the key works, but its CoinGlass plan does not include this figure: it is left out"
	hintAddress   = "something other than the CoinGlass API answers: check COINGLASS_API_URL, and any proxy on the way"
	hintBlocked   = "a web page refused the request instead of the API: CoinGlass' firewall or a proxy may block this server's address"
	hintBroken    = "CoinGlass itself is out of order; there is nothing to do but wait, the bot keeps trying"
	hintNetwork   = "check this server's network, and COINGLASS_API_URL"
	hintTLS       = "the certificate of the server is not trusted: check this computer's clock and root certificates, COINGLASS_API_URL, and any proxy on the way"
)

// answer is a reply that does not hold what was asked for.
type answer struct {
	endpoint endpoint
	status   int
	header   http.Header
	reply    wire.Reply
	// coin says that a coin or pair was asked for, so that it may be the coin that
	// does not exist.
	coin bool
}

// number is the error's number: the status, or the body's code where the status
// pretends that all is well.
func (a answer) number() int {
	if a.status != http.StatusOK {
		return a.status
	}
	n, err := strconv.Atoi(a.reply.Code)
	if err != nil {
		return 0
	}
	return n
}

func (a answer) err() error {
	text := fmt.Sprintf("status %d", a.status)
	if a.reply.Code != "" {
		text += fmt.Sprintf(", code %s", a.reply.Code)
	}
	if a.reply.Message != "" {
		text += fmt.Sprintf(", message %q", a.reply.Message)
	}
	return errors.New(text)
}

// says reports whether the vendor's message has one of the words. The numbers
// alone do not tell a bad key from a plan that is too low: 401 is used for both,
// and 400 for a bad parameter as well as for a bad key.
func (a answer) says(words ...string) bool {
	message := strings.ToLower(a.reply.Message)
	for _, w := range words {
		if strings.Contains(message, w) {
			return true
		}
	}
	return false
}

func (a answer) isPage() bool {
	return strings.HasPrefix(strings.TrimSpace(a.header.Get("Content-Type")), "text/html")
}

// refusal turns an answer into an error and says whether to ask again soon.
func (c *client) refusal(a answer) (data []byte, again bool, err error) {
	n := a.number()
	if n == http.StatusTooManyRequests || a.says("too many requests", "rate limit") {
		return nil, false, rateLimited(c.budget.refused(a.header), c.wrap(a.endpoint, a.err()))
	}
	c.budget.note(a.header)
	problem, hint := c.sort(a, n)
	again = n >= 500 && n < 600 || n == http.StatusRequestTimeout
	return nil, again, c.refuse(a.endpoint, problem, hint, a.err())
}

// sort finds the problem that an answer tells of.
func (c *client) sort(a answer, n int) (snapshot.Problem, string) {
	switch {
	case n >= 500 && n < 600:
		return snapshot.Unavailable, hintBroken
	case a.says("upgrade", "not available in your plan", "permission"):
		return snapshot.PlanTooLow, a.planHint()
	case n == http.StatusUnauthorized, a.says("api key", "api-key", "apikey"):
		return snapshot.Unauthorized, hintKey
	case n == http.StatusForbidden && a.isPage():
		return snapshot.Unavailable, hintBlocked
	case n == http.StatusForbidden:
		return snapshot.PlanTooLow, a.planHint()
	case n == http.StatusNotFound && (!a.coin || a.isPage()):
		return snapshot.Unavailable, hintAddress
	case n == http.StatusNotFound, a.coin && (n == http.StatusBadRequest || n == http.StatusUnprocessableEntity):
		return snapshot.NotListed, ""
	case n >= 300 && n < 400:
		return snapshot.Unavailable, hintAddress
	default:
		return snapshot.Unavailable, ""
	}
}

func (a answer) planHint() string {
	if a.endpoint == aggregatedMap || a.endpoint == pairMap {
		return hintPlan
	}
	return hintOtherPlan
}

// unreachable is the error for a request that got no whole answer.
func (c *client) unreachable(e endpoint, err error) *snapshot.Error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address, which the host knows and the endpoint tells
	}
	return c.refuse(e, snapshot.Unavailable, networkHint(err), err)
}

func networkHint(err error) string {
	if errors.Is(err, context.Canceled) {
		return ""
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("the name %s cannot be looked up: %s", d.Name, hintNetwork)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return hintTLS
	}
	return hintNetwork
}
