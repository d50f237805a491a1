package reader

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/cmd/newsfeed/identity"
	"newsfeed/cmd/newsfeed/origin"
	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// How long pages may be kept. Nobody's page is everybody's, so a proxy may keep
// it for a moment. A browser may not: Chromium does not look at "Vary: Cookie",
// and would show the page from before the first follow once more after it.
const (
	keepPublic  = "public, max-age=0, s-maxage=30"
	keepPrivate = "private, no-store"
)

// setSafe sets the headers of everything that the reader sends.
func setSafe(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, origin.Policy)
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(openerPolicy, "same-origin")
}

// page wraps a handler of a page: headers before it, and a page of words for the
// error it returns or the panic it ends in.
func (r *Reader) page(h fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		setSafe(c)
		c.Set(fiber.HeaderCacheControl, keepPrivate)
		c.Vary(fiber.HeaderCookie)
		err := safely(h, c)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errSignIn):
			return c.Redirect("/sign-in?"+url.Values{"back": {backOf(c)}}.Encode(), fiber.StatusSeeOther)
		}
		m := messageFor(err)
		if m.Status >= 500 {
			r.deps.Report(fmt.Errorf("%s %s: %w", c.Method(), c.Path(), err))
		}
		return r.say(c, m)
	}
}

// safely calls a handler and makes an error of its panic, which would end the
// process: fasthttp lets panics through.
func safely(h fiber.Handler, c *fiber.Ctx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(c)
}

// guarded lets only forms of our own pages through.
func (r *Reader) guarded(h fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if !r.own.Ours(c.Get("Sec-Fetch-Site"), c.Get(fiber.HeaderOrigin), c.Get(fiber.HeaderHost)) {
			return errElsewhere
		}
		return h(c)
	}
}

// Errors that only a page can have.
var (
	errElsewhere = errors.New("reader: the form did not come from a page of ours")
	errForm      = errors.New("reader: the form is not one of ours")
	errWarming   = errors.New("reader: the index is not warm yet")
	errLong      = errors.New("reader: the form is longer than it may be")
	errNewList   = errors.New("reader: begin a list")
	errSignIn    = errors.New("reader: this page is for who has signed in")
	errNoSignUp  = errors.New("reader: nobody can sign up here")
	errNoMail    = errors.New("reader: no mail server is set")
	errNoGuests  = errors.New("reader: this site keeps lists of its members only")
	errNoPage    = errors.New("reader: no such page")
	errNoArticle = errors.New("reader: no such article")
	errGone      = errors.New("reader: the article was withdrawn")
	errNoStory   = errors.New("reader: no such story")
	errAhead     = errors.New("reader: the cursor is ahead of this node")
)

// message is a page that says something in words.
type message struct {
	layout
	Status  int
	Heading string
	Text    string
	Wait    int      // seconds until trying again is worthwhile; 0: it is not
	Refresh bool     // the page does that by itself
	Links   []linked // where to go from here; never empty
}

// linked is a link with its text.
type linked struct{ Path, Text string }

// Where a page of words leads on to.
func home() []linked { return []linked{{"/", text("back-to-the-feed")}} }
func signIn() []linked {
	return []linked{{"/sign-in", text("sign-in")}, {"/", text("back-to-the-feed")}}
}

// messageFor is the one table from errors to pages.
func messageFor(err error) *message {
	var often *account.TooOften
	switch {
	case errors.Is(err, errNewList) && errors.As(err, &often):
		return &message{Status: 429, Heading: text("too-many-new-lists-from-here"), Wait: int(often.Wait.Seconds()) + 1,
			Text: text("too-many-new-lists-from-here-text"), Links: home()}
	case errors.Is(err, account.ErrNoRoom):
		return &message{Status: 503, Heading: text("no-new-lists-just-now"), Wait: 60,
			Text: text("no-new-lists-just-now-text"), Links: home()}
	case errors.As(err, &often):
		wait := max(1, int((often.Wait+time.Second-1)/time.Second))
		return &message{Status: 429, Heading: text("too-many-tries"), Wait: wait,
			Text: text("too-many-tries-text", "n", (wait+59)/60), Links: signIn()}
	case errors.Is(err, errNoSignUp):
		return &message{Status: 403, Heading: text("sign-up-is-closed"),
			Text: text("sign-up-is-closed-text"), Links: signIn()}
	case errors.Is(err, errNoGuests):
		return &message{Status: 403, Heading: text("sign-in-to-do-that"),
			Text: text("sign-in-to-do-that-text"), Links: signIn()}
	case errors.Is(err, errNoPage), errors.Is(err, errNoArticle), errors.Is(err, errNoStory):
		return &message{Status: 404, Heading: text("nothing-is-here"),
			Text: text("nothing-is-here-text"), Links: home()}
	case errors.Is(err, errGone):
		return &message{Status: 410, Heading: text("this-article-was-withdrawn"),
			Text: text("this-article-was-withdrawn-text"), Links: home()}
	case errors.Is(err, feed.ErrMarksFull):
		return &message{Status: 409, Heading: text("no-room-for-more-stars"),
			Text: text("no-room-for-more-stars-text", "n", feed.MaxSaved), Links: []linked{{"/my/saved", text("go-through-what-i-saved")}, {"/", text("back-to-the-feed")}}}
	case errors.Is(err, errNoMail):
		return &message{Status: 404, Heading: text("this-site-sends-no-letters"),
			Text: text("this-site-sends-no-letters-text"), Links: signIn()}
	case errors.Is(err, account.ErrMerged):
		return &message{Status: 409, Heading: text("this-device-has-an-account-already"),
			Text: text("this-device-has-an-account-already-text"), Links: signIn()}
	case errors.Is(err, account.ErrNoPassword):
		return &message{Status: 409, Heading: text("this-account-has-no-password"),
			Text: text("this-account-has-no-password-text"), Links: home()}
	case errors.Is(err, account.ErrWrong):
		return &message{Status: 401, Heading: text("the-password-was-changed-meanwhile"),
			Text: text("the-password-was-changed-meanwhile-text"), Links: signIn()}
	case errors.Is(err, interests.ErrNoMerge):
		return &message{Status: 404, Heading: text("that-cannot-be-looked-at-any"),
			Text: text("that-cannot-be-looked-at-any-text"), Links: []linked{{"/my/interests", text("my-interests")}, {"/", text("back-to-the-feed")}}}
	case errors.Is(err, errElsewhere):
		return &message{Status: 403, Heading: text("that-did-not-come-from-this"),
			Text: text("that-did-not-come-from-this-text"), Links: home()}
	case errors.Is(err, errLong):
		return &message{Status: 413, Heading: text("that-is-too-much"),
			Text: text("that-is-too-much-text"), Links: home()}
	case errors.Is(err, errForm):
		return &message{Status: 400, Heading: text("that-form-is-not-one-of"),
			Text: text("that-form-is-not-one-of-text"), Links: home()}
	case errors.Is(err, interests.ErrFull):
		return &message{Status: 409, Heading: text("your-list-is-full"),
			Text:  text("your-list-is-full-text", "followed", interests.MaxFollowed, "muted", interests.MaxMuted),
			Links: []linked{{"/my/interests", text("go-through-my-interests")}, {"/", text("back-to-the-feed")}}}
	case errors.Is(err, identity.ErrFlow):
		return &message{Status: 400, Heading: text("that-sign-in-has-ended"),
			Text: text("that-sign-in-has-ended-text"), Links: signIn()}
	case errors.Is(err, identity.ErrDeclined):
		return &message{Status: 403, Heading: text("you-were-not-signed-in"),
			Text: text("you-were-not-signed-in-text"), Links: signIn()}
	case errors.Is(err, identity.ErrAway):
		return &message{Status: 503, Heading: text("the-service-that-you-sign-in"), Wait: 5,
			Text: text("the-service-that-you-sign-in-text"), Links: signIn()}
	case errors.Is(err, identity.ErrUnfit):
		return &message{Status: 502, Heading: text("signing-in-is-not-set-up"),
			Text: text("signing-in-is-not-set-up-text"), Links: home()}
	case errors.Is(err, identity.ErrToken):
		return &message{Status: 502, Heading: text("we-cannot-tell-who-you-are"),
			Text: text("we-cannot-tell-who-you-are-text"), Links: signIn()}
	case errors.Is(err, account.ErrBadReset):
		return &message{Status: 410, Heading: text("this-link-is-no-longer-good"),
			Text: text("this-link-is-no-longer-good-text"), Links: home()}
	case errors.Is(err, errWarming):
		return &message{Status: 503, Heading: text("warming-up"), Wait: 3, Refresh: true,
			Text: text("warming-up-text"), Links: []linked{{"/", text("try-again")}}}
	case errors.Is(err, errAhead):
		return &message{Status: 503, Heading: text("one-moment"), Wait: 1,
			Text: text("one-moment-text"), Links: []linked{{"/", text("start-from-the-first-page")}}}
	case isUnavailable(err):
		return &message{Status: 503, Heading: text("we-cannot-reach-your-list-just"), Wait: 5,
			Text: text("we-cannot-reach-your-list-just-text"), Links: []linked{{"/", text("try-again")}}}
	}
	return &message{Status: 500, Heading: text("something-went-wrong"),
		Text: text("something-went-wrong-text"), Links: home()}
}

func isUnavailable(err error) bool {
	for _, e := range []error{interests.ErrUnavailable, account.ErrUnavailable, account.ErrHashing, account.ErrMailBusy, account.ErrChanged, interests.ErrBusy, feed.ErrMarksUnavailable, feed.ErrMarksBusy, feed.ErrUnavailable, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// say sends a page of words.
func (r *Reader) say(c *fiber.Ctx, m *message) error {
	m.Title = m.Heading
	if m.Wait > 0 {
		c.Set(fiber.HeaderRetryAfter, fmt.Sprint(m.Wait))
	}
	return r.render(c, m.Status, "message", m)
}
