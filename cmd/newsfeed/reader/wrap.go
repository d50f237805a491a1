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
	errNewList   = errors.New("reader: begin a list")
	errSignIn    = errors.New("reader: this page is for who has signed in")
	errNoSignUp  = errors.New("reader: nobody can sign up here")
	errNoMail    = errors.New("reader: no mail server is set")
	errNoGuests  = errors.New("reader: this site keeps lists of its members only")
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

var (
	home   = []linked{{"/", "Back to the feed"}}
	signIn = []linked{{"/sign-in", "Sign in"}, {"/", "Back to the feed"}}
)

// messageFor is the one table from errors to pages.
func messageFor(err error) *message {
	var often *account.TooOften
	switch {
	case errors.Is(err, errNewList) && errors.As(err, &often):
		return &message{Status: 429, Heading: "Too many new lists from here", Wait: int(often.Wait.Seconds()) + 1,
			Text: "Many people have begun a list from your network in a short time. Nothing was changed; reading goes on as before. Try again a little later.", Links: home}
	case errors.Is(err, account.ErrNoRoom):
		return &message{Status: 503, Heading: "No new lists just now", Wait: 60,
			Text: "There is no room for one more list at the moment. Nothing was changed; reading goes on as before, and so do the lists that there are. Try again later.", Links: home}
	case errors.As(err, &often):
		wait := max(1, int((often.Wait+time.Second-1)/time.Second))
		return &message{Status: 429, Heading: "Too many tries", Wait: wait,
			Text: fmt.Sprintf("So that nobody can guess a password, it may be tried only so often. Try again in %s. Nothing was changed.", count((wait+59)/60, "minute")), Links: signIn}
	case errors.Is(err, errNoSignUp):
		return &message{Status: 403, Heading: "Sign-up is closed",
			Text: "Nobody can make an account here. Ask who runs this site for one. What you follow on this browser is kept.", Links: signIn}
	case errors.Is(err, errNoGuests):
		return &message{Status: 403, Heading: "Sign in to do that",
			Text: "This site keeps topics and marks of its members only. Reading goes on as before.", Links: signIn}
	case errors.Is(err, errNoArticle), errors.Is(err, errNoStory):
		return &message{Status: 404, Heading: "Nothing is here",
			Text: "There is no such article, or there never was. The address may have been cut short.", Links: home}
	case errors.Is(err, errGone):
		return &message{Status: 410, Heading: "This article was withdrawn",
			Text: "Its publisher took it back, and it is shown nowhere here any more.", Links: home}
	case errors.Is(err, feed.ErrMarksFull):
		return &message{Status: 409, Heading: "No room for more stars",
			Text: fmt.Sprintf("%d stories can be saved. Take the star from some that you no longer need. Nothing was changed.", feed.MaxSaved), Links: []linked{{"/my/saved", "Go through what I saved"}, {"/", "Back to the feed"}}}
	case errors.Is(err, errNoMail):
		return &message{Status: 404, Heading: "This site sends no letters",
			Text: "Ask who runs it for a link to a new password.", Links: signIn}
	case errors.Is(err, account.ErrMerged):
		return &message{Status: 409, Heading: "This device has an account already",
			Text: "What you followed on this browser is in an account. Sign in to that one.", Links: signIn}
	case errors.Is(err, account.ErrNoPassword):
		return &message{Status: 409, Heading: "This account has no password",
			Text: "You sign in to it with an account elsewhere, and change the password there. Nothing was changed.", Links: home}
	case errors.Is(err, account.ErrWrong):
		return &message{Status: 401, Heading: "The password was changed meanwhile",
			Text: "Sign in with the new one.", Links: signIn}
	case errors.Is(err, interests.ErrNoMerge):
		return &message{Status: 404, Heading: "That cannot be looked at any more",
			Text: "What a device brought along is remembered, and can be taken back, for 30 days, and only by the account that it went into.", Links: []linked{{"/my/interests", "My interests"}, {"/", "Back to the feed"}}}
	case errors.Is(err, errElsewhere):
		return &message{Status: 403, Heading: "That did not come from this page",
			Text: "The form was sent from another site, or your browser does not say from where. Nothing was changed. Open the page here and press the button again.", Links: home}
	case errors.Is(err, errForm):
		return &message{Status: 400, Heading: "That form is not one of ours",
			Text: "Something in it was missing or not understood. Nothing was changed.", Links: home}
	case errors.Is(err, interests.ErrFull):
		return &message{Status: 409, Heading: "Your list is full",
			Text:  fmt.Sprintf("A list holds %d topics that you follow and %d that you mute. Remove one that you no longer need, then add the new one. Nothing was changed.", interests.MaxFollowed, interests.MaxMuted),
			Links: []linked{{"/my/interests", "Go through my interests"}, {"/", "Back to the feed"}}}
	case errors.Is(err, identity.ErrFlow):
		return &message{Status: 400, Heading: "That sign-in has ended",
			Text: "It took more than ten minutes, was finished before, or was begun in another browser. If this happens each time, let this site keep cookies. You are not signed in by it; begin again.", Links: signIn}
	case errors.Is(err, identity.ErrDeclined):
		return &message{Status: 403, Heading: "You were not signed in",
			Text: "The service that you sign in with said no, or you turned back there. Nothing was changed here.", Links: signIn}
	case errors.Is(err, identity.ErrAway):
		return &message{Status: 503, Heading: "The service that you sign in with does not answer", Wait: 5,
			Text: "It is not this site, and it may take a while. You can read on without signing in; what this browser holds is kept.", Links: signIn}
	case errors.Is(err, identity.ErrUnfit):
		return &message{Status: 502, Heading: "Signing in is not set up right",
			Text: "This site and the service that you sign in with do not agree on who they are. Who runs this site is told why, and sees it with: newsfeed check.", Links: home}
	case errors.Is(err, identity.ErrToken):
		return &message{Status: 502, Heading: "We cannot tell who you are",
			Text: "The answer of the service that you sign in with was not one for this site, or its clock is wrong. You are not signed in. Begin again; if this happens each time, tell who runs this site.", Links: signIn}
	case errors.Is(err, account.ErrBadReset):
		return &message{Status: 410, Heading: "This link is no longer good",
			Text: "A link to a new password is good for an hour, and once. Ask for another one. Nothing was changed.", Links: home}
	case errors.Is(err, errWarming):
		return &message{Status: 503, Heading: "Warming up", Wait: 3, Refresh: true,
			Text: "The service has just started and is still reading its articles. This page asks again by itself in a few seconds.", Links: []linked{{"/", "Try again"}}}
	case errors.Is(err, errAhead):
		return &message{Status: 503, Heading: "One moment", Wait: 1,
			Text: "This page belongs to a newer edition than we have here yet. Try again in a second.", Links: []linked{{"/", "Start from the first page"}}}
	case isUnavailable(err):
		return &message{Status: 503, Heading: "We cannot reach your list just now", Wait: 5,
			Text: "The store that keeps people’s interests does not answer. What you saved before is safe; what you just pressed may not have been saved. Try again in a moment.", Links: []linked{{"/", "Try again"}}}
	}
	return &message{Status: 500, Heading: "Something went wrong",
		Text: "It is our fault, and it was noted. Nothing of yours was lost.", Links: home}
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
