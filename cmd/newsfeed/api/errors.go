package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"newsfeed/cmd/newsfeed/identity"
	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/feed/live"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// Refusals of the door itself.
var (
	errBadQuery     = errors.New("a parameter is not what it should be")
	errBadHeader    = errors.New("a header is not what it should be")
	errBadPath      = errors.New("the path is not valid")
	errBadBody      = errors.New("the body is not what this call takes")
	errBrokenBody   = errors.New("the body ended too early")
	errSlowBody     = errors.New("the body did not arrive in time")
	errNoToken      = errors.New("this call needs a token")
	errBadToken     = errors.New("the token is wrong or has expired")
	errWrongKind    = errors.New("the token is not of the kind that this call needs")
	errOneUse       = errors.New("the token is good for one thing only, and this is another")
	errOtherOrigin  = errors.New("the token is good on the pages of one origin only, and this is another")
	errNoLink       = errors.New("there is no such link: it was ended, or never was")
	errOtherAccount = errors.New("the change is meant for another account than the one that is signed in")
	errCrossSite    = errors.New("a change by cookie is taken from the reader's own pages only")
	errNoMail       = errors.New("this service sends no mail: ask who runs it for a link to a new password")
	errNotOperator  = errors.New("only a key of the operator's settings, or the program on its own machine, may do this")
	errGuest        = errors.New("a guest has no password: sign up first")
	errMember       = errors.New("only a guest's list is merged, and this token is a member's")
	errExporting    = errors.New("others are being exported at the moment")
	errNotPassword  = errors.New("the password is wrong: it is asked for, since what is erased is gone for good")
	errElsewhere    = errors.New("the token is another service's: sign out there")
	errNoSignUp     = errors.New("nobody can sign up here: ask who runs this service")
	errNotFound     = errors.New("there is nothing here")
	errUnknownTopic = errors.New("there is no such topic")
	errUnknownStory = errors.New("there is no such story")
	errClockAhead   = errors.New("the edit is stamped too far ahead of the server's clock: stamp all pending edits anew, in their order, by now")
	errTooOld       = errors.New("the edit is older than the removals that are remembered")
	errNoSession    = errors.New("there is no such session")
	errWithdrawn    = errors.New("the article was withdrawn")
	errTooLarge     = errors.New("the body is larger than this call takes")
	errMediaType    = errors.New("the body is of a type that this call does not take")
	errInvalid      = errors.New("what was sent is not valid")
	errTooFast      = errors.New("too many calls")
	errCold         = errors.New("the service is still reading its articles")
	errBehind       = errors.New("this node has not reached the page's edition yet")
)

// known is one line of the table of errors.
type known struct {
	err    error
	status int
	kind   string // the problem's type; "": the status says all
	detail string // for strangers; "": what err says
	retry  int    // seconds; 0: trying again later does not help
	told   bool   // the operator is told
}

// table says of each error what a stranger is told. What is not in it is an
// "internal error" outside, and told to the operator. The first that fits counts.
var table = []known{
	{err: errBadQuery, status: 400},
	{err: errBadHeader, status: 400},
	{err: errBadPath, status: 400},
	{err: errBadBody, status: 400},
	{err: errBrokenBody, status: 400},
	{err: errSlowBody, status: 408},
	{err: feed.ErrCursorDamaged, status: 400, kind: "cursor-damaged", detail: "the cursor is damaged"},
	{err: errNoToken, status: 401},
	{err: errBadToken, status: 401, kind: "token"},
	{err: account.ErrWrong, status: 401, kind: "credentials", detail: "the e-mail address or the password is wrong"},
	{err: account.ErrMerged, status: 401, kind: "merged", detail: "the guest's list was merged into an account: sign in to that"},
	{err: errNoSession, status: 404},
	{err: errNoLink, status: 404},
	{err: account.ErrManyLinks, status: 409, kind: "too-many-links", detail: "there are as many links to this feed as may be: end one of them with DELETE /sessions/{id}"},
	{err: interests.ErrNoMerge, status: 404, detail: "there is no such merge, or it was more than 30 days ago"},
	{err: errNoMail, status: 404, kind: "no-mail"},
	{err: errNotOperator, status: 403},
	{err: account.ErrNoAccount, status: 404, detail: "there is no such account"},
	{err: account.ErrBadReset, status: 410, kind: "reset-expired", detail: "the link to a new password has expired or was used: ask for another one"},
	{err: account.ErrMailBusy, status: 503, kind: "busy", detail: "too many letters are being sent", retry: 5},
	{err: errGuest, status: 403, kind: "guest"},
	{err: errMember, status: 403, kind: "member"},
	{err: errNotPassword, status: 403, kind: "credentials"},
	{err: errElsewhere, status: 403, kind: "elsewhere"},
	{err: account.ErrNoPassword, status: 403, kind: "elsewhere", detail: "the account has no password: it is signed in to elsewhere"},
	{err: errNoSignUp, status: 403, kind: "sign-up-closed"},
	{err: account.ErrNoSession, status: 401, kind: "token", detail: errBadToken.Error()},
	{err: errOtherAccount, status: 401, kind: "other-account"},
	{err: errWrongKind, status: 403},
	{err: errOneUse, status: 403, kind: "one-use"},
	{err: interests.ErrMuted, status: 403, kind: "muted", detail: "the topic is muted, and this token may not lift that"},
	{err: interests.ErrNotTheirs, status: 403, kind: "one-use", detail: "the topic was not added by this token, which may take back only what it added"},
	{err: errOtherOrigin, status: 403, kind: "other-origin"},
	{err: errCrossSite, status: 403, kind: "cross-site"},
	{err: feed.ErrNotYours, status: 403, kind: "not-yours", detail: "the article belongs to a source or a host that the key is not bound to"},
	{err: errUnknownTopic, status: 404, kind: "unknown-topic"},
	{err: errUnknownStory, status: 404},
	{err: errNotFound, status: 404},
	{err: feed.ErrUnknownArticle, status: 404, detail: "there is no such article"},
	{err: ingest.ErrNoSource, status: 404, detail: "there is no such source"},
	{err: ingest.ErrAddressTaken, status: 409, kind: "taken", detail: "the address is polled already"},
	{err: account.ErrNoKey, status: 404, detail: "there is no such key"},
	{err: account.ErrEmailTaken, status: 409, kind: "taken", detail: "the e-mail address has an account: sign in"},
	{err: topic.ErrTaken, status: 409, kind: "taken", detail: "another topic has this name"},
	{err: interests.ErrFull, status: 409, kind: "list-full", detail: "the list holds as many topics as it may: 500 followed, 500 muted"},
	{err: feed.ErrMarksFull, status: 409, kind: "list-full", detail: "as many stories are saved as may be: 10,000"},
	{err: errClockAhead, status: 409, kind: string(interests.ClockAhead)},
	{err: errTooOld, status: 409, kind: string(interests.TooOld)},
	{err: errWithdrawn, status: 410, kind: "withdrawn"},
	{err: feed.ErrCursorExpired, status: 410, kind: "cursor-expired", detail: "the cursor has expired: begin again with the first page"},
	{err: interests.ErrForgotten, status: 410, kind: "cursor-expired", detail: "the list that the cursor names is not remembered: begin again with the first page"},
	{err: errTooLarge, status: 413},
	{err: ingest.ErrTooMany, status: 413, kind: "too-many"},
	{err: errMediaType, status: 415},
	{err: errInvalid, status: 422},
	{err: errTooFast, status: 429, retry: 1},
	{err: feed.ErrQueueFull, status: 503, kind: "queue-full", detail: "too many articles are waiting to be stored", retry: 1},
	{err: feed.ErrContended, status: 503, kind: "contended", detail: "others were writing all the time", retry: 1, told: true},
	{err: interests.ErrBusy, status: 503, kind: "busy", detail: "too many edits of this list at once", retry: 1},
	{err: account.ErrHashing, status: 503, kind: "busy", detail: "too many passwords are being checked", retry: 1},
	{err: errExporting, status: 503, kind: "busy", retry: 1},
	{err: account.ErrChanged, status: 503, kind: "busy", detail: "the account was changed at the same moment", retry: 1},
	{err: feed.ErrMarksBusy, status: 503, kind: "busy", detail: "too many edits of these marks at once", retry: 1},
	{err: live.ErrFull, status: 503, kind: "streams-full", detail: "as many streams are open on this node as it takes", retry: 5},
	{err: live.ErrClosed, status: 503, kind: "stopping", detail: "this node is about to stop", retry: 1},
	{err: live.ErrSignedOut, status: 401, kind: "token", detail: errBadToken.Error()},
	{err: live.ErrCrowded, status: 429, kind: "streams", detail: "too many streams of one person at once", retry: 1},
	{err: errCold, status: 503, kind: "warming-up", retry: 2},
	{err: errBehind, status: 503, kind: "behind", retry: 1},
	{err: feed.ErrDamaged, status: 503, kind: "unavailable", detail: unavailable, retry: 30, told: true},
	{err: feed.ErrUnavailable, status: 503, kind: "unavailable", detail: unavailable, retry: 2, told: true},
	{err: interests.ErrUnconfirmed, status: 503, kind: "unconfirmed", detail: unconfirmed, retry: 2, told: true},
	{err: feed.ErrMarksUnavailable, status: 503, kind: "unavailable", detail: unavailable, retry: 2, told: true},
	{err: interests.ErrUnavailable, status: 503, kind: "unavailable", detail: unavailable, retry: 2, told: true},
	{err: account.ErrNoRoom, status: 503, kind: "no-room", detail: "there is no room for more guests at the moment; who is here already can go on", retry: 60},
	{err: account.ErrUnavailable, status: 503, kind: "unavailable", detail: unavailable, retry: 2, told: true},
	{err: ingest.ErrSourcesUnavailable, status: 503, kind: "unavailable", detail: unavailable, retry: 2, told: true},
	{err: identity.ErrAway, status: 503, kind: "issuer", detail: "the issuer of the token cannot be asked for its keys", retry: 5, told: true},
	{err: identity.ErrUnfit, status: 503, kind: "issuer", detail: "the issuer of the token cannot be asked for its keys", retry: 60, told: true},
	{err: topic.ErrUnavailable, status: 503, kind: "unavailable", detail: unavailable, retry: 2, told: true},
	{err: context.DeadlineExceeded, status: 503, kind: "unavailable", detail: unavailable, retry: 2, told: true},
	{err: context.Canceled, status: 503, kind: "unavailable", detail: unavailable, retry: 2, told: true},
}

const unavailable = "a store that this call needs cannot be reached"

const unconfirmed = "the edit was stored, but not confirmed by as many copies as it should be: it may have been kept or not; read the list, or send the edit again"

// field names a bad field, see [wire.Field].
type field struct{ Location, Message string }

// problem is an answer of RFC 9457.
type problem struct {
	wire.Problem
	*tally // of a batch that ended in the middle
}

// refusal is an error of the table with more to say.
type refusal struct {
	err    error
	detail string
	fields []field
	retry  time.Duration
	tally  *tally
}

func (r *refusal) Error() string { return r.err.Error() + ": " + r.detail }
func (r *refusal) Unwrap() error { return r.err }

// because adds what a stranger may know to an error of the table.
func because(err error, detail string) error { return &refusal{err: err, detail: detail} }

// refuse answers a request with a problem.
func (s *Server) refuse(c *fiber.Ctx, err error) {
	k, r := inTable(err)
	p := r.problem(k)
	p.RequestID = uuid.NewString()
	if k.told {
		s.Log500(p.RequestID, err)
	}
	k.setHeaders(&c.Response().Header, r)
	closeLate(c)
	body, err := json.Marshal(&p)
	if err != nil {
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500}`)
	}
	c.Response().ResetBody()
	c.Response().SetStatusCode(p.Status)
	c.Response().Header.SetContentType("application/problem+json")
	c.Response().SetBodyRaw(body)
}

// setHeaders sets what goes with a refusal, and takes back what belonged to the
// answer that was in the making.
func (k *known) setHeaders(h *fasthttp.ResponseHeader, r *refusal) {
	for _, name := range []string{fiber.HeaderETag, fiber.HeaderLink, headerRevision, fiber.HeaderContentDisposition} {
		h.Del(name)
	}
	h.Set(fiber.HeaderCacheControl, "no-store")
	switch {
	case errors.Is(k.err, errNoToken):
		h.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	case k.status == http.StatusUnauthorized:
		h.Set(fiber.HeaderWWWAuthenticate, `Bearer error="invalid_token"`)
	}
	if seconds := max(k.retry, ceilSeconds(r.retry)); seconds > 0 {
		h.Set(fiber.HeaderRetryAfter, strconv.Itoa(seconds))
	}
}

// inTable finds an error's line of the table, and what more is to be said.
func inTable(err error) (known, *refusal) {
	r := new(refusal)
	if !errors.As(err, &r) {
		r = new(refusal)
	}
	var malformed *wire.Malformed
	var invalid *ingest.Invalid
	var often *account.TooOften
	switch {
	case errors.As(err, &often):
		return known{err: errTooFast, status: http.StatusTooManyRequests}, &refusal{retry: often.Wait, detail: "too many attempts from this address or at this account"}
	case errors.As(err, &malformed):
		r = &refusal{fields: []field{{malformed.Location, malformed.Message}}, tally: r.tally}
		return known{err: errBadBody, status: http.StatusBadRequest}, r
	case errors.As(err, &invalid):
		r = &refusal{tally: r.tally, detail: "the article is not valid"}
		for _, f := range invalid.Fields {
			r.fields = append(r.fields, field(f))
		}
		return known{err: errInvalid, status: http.StatusUnprocessableEntity}, r
	}
	for _, k := range table {
		if errors.Is(err, k.err) {
			return k, r
		}
	}
	if status, ok := isFiber(err); ok && status < http.StatusInternalServerError {
		return known{err: fiberDetail(status), status: status}, r
	} else if status == http.StatusNotImplemented {
		return known{err: errors.New("there is no such method"), status: status}, r
	}
	return known{err: errInternal, status: http.StatusInternalServerError, told: true}, &refusal{tally: r.tally}
}

var errInternal = errors.New("internal error")

// fiberDetail is what we say for a refusal of Fiber's own.
func fiberDetail(status int) error {
	switch status {
	case http.StatusNotFound:
		return errNotFound
	case http.StatusMethodNotAllowed:
		return errors.New("the path does not know this method, see Allow")
	case http.StatusRequestEntityTooLarge:
		return errTooLarge
	case http.StatusRequestHeaderFieldsTooLarge:
		return errors.New("the request line and headers are larger than " + strconv.Itoa(maxHeader>>10) + " KiB")
	case http.StatusRequestTimeout:
		return errSlowBody
	}
	return errors.New("this is no request that can be understood")
}

// problem makes the answer of an error of the table.
func (r *refusal) problem(k known) problem {
	p := problem{wire.Problem{Type: "about:blank", Title: http.StatusText(k.status), Status: k.status}, r.tally}
	for _, f := range r.fields {
		p.Errors = append(p.Errors, wire.Field(f))
	}
	if k.kind != "" {
		p.Type = k.kind
	}
	switch {
	case r.detail != "":
		p.Detail = r.detail
	case k.detail != "":
		p.Detail = k.detail
	default:
		p.Detail = k.err.Error()
	}
	return p
}

// problemOf makes the problem of one item of a batch.
func problemOf(err error) *problem {
	k, r := inTable(err)
	p := r.problem(k)
	return &p
}

func ceilSeconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}
