package reader

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/cmd/newsfeed/identity"
	"newsfeed/interests/account"
)

// signInPath is where signing in with an account that is elsewhere begins. The issuer's password
// never comes here; what does is a code that this browser alone can redeem.
const signInPath = "/sign-in/oidc"

// signIn answers GET /sign-in/oidc: it sends the browser to the issuer, and gives
// it what it must bring back. ?back= leads to a page of ours afterwards; with
// ?merge=false what it has as a guest is left alone.
func (r *Reader) signIn(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(context.Background(), issuerTimeout)
	defer cancel()
	wish := identity.Wish{Back: localPath(c.Query("back", "/")), Alone: c.Query("merge") == "false"}
	address, kept, err := r.deps.Elsewhere.Begin(ctx, wish)
	if err != nil {
		return err
	}
	r.setFlow(c, kept, time.Now().Add(identity.FlowLife))
	return c.Redirect(address, fiber.StatusSeeOther)
}

// issuerTimeout bounds what a page waits for the issuer: for what it says of
// itself, its answer to a code, and its keys.
const issuerTimeout = 9 * time.Second

// signedIn answers GET /sign-in/oidc/callback, to which the issuer sends a browser
// back. What the browser kept is taken away whatever comes of it.
func (r *Reader) signedIn(c *fiber.Ctx) error {
	kept := c.Cookies(r.flowCookie())
	r.setFlow(c, "", time.Unix(1, 0))
	ctx, cancel := context.WithTimeout(context.Background(), issuerTimeout)
	defer cancel()
	answer := identity.Answer{Code: c.Query("code"), State: c.Query("state"), Error: c.Query("error"), Issuer: c.Query("iss")}
	who, wish, err := r.deps.Elsewhere.Finish(ctx, kept, answer, func(state string) error {
		once := account.Allowance{Calls: 1, Window: 2 * identity.FlowLife}
		return once.Take(ctx, r.deps.Limits, account.LimitKey("sign-in elsewhere", state))
	})
	if err != nil {
		if often := (*account.TooOften)(nil); errors.As(err, &often) {
			err = identity.ErrFlow
		}
		return err
	}
	ctx, cancel = context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := r.enterElsewhere(ctx, c, who, wish); err != nil {
		return err
	}
	return c.Redirect(localPath(wish.Back), fiber.StatusSeeOther)
}

// enterElsewhere signs the browser in as who they are elsewhere. A guest whose identity is
// new becomes its account, as at sign-up; else what is the guest's is merged into
// the account, as at sign-in.
func (r *Reader) enterElsewhere(ctx context.Context, c *fiber.Ctx, who account.Identity, wish identity.Wish) error {
	held, was, err := r.holder(ctx, c)
	if err != nil {
		return err
	}
	id, guest := account.NewID(), was.Guest && !wish.Alone
	if guest && was.Merged.IsZero() {
		id = was.Account
	}
	a, err := r.deps.Members.Enter(ctx, id, who)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if guest && (was.Merged.IsZero() || was.Merged.Account == a.ID) { // else it was merged before, into another
		if _, err := r.deps.Belongs.MergeGuest(ctx, r.deps.People, held, was, a.ID); err != nil && !errors.Is(err, account.ErrMerged) {
			return err
		}
	}
	return r.enter(ctx, c, a, held, was)
}

func (r *Reader) flowCookie() string { return r.deps.Cookie + "-sign-in" }

func (r *Reader) setFlow(c *fiber.Ctx, kept string, until time.Time) {
	cookie := r.cookie()
	cookie.Name, cookie.Value, cookie.Expires = r.flowCookie(), kept, until
	c.Cookie(cookie)
}

// elsewhere is where the sign-in with an account elsewhere begins, to be led back
// to a page; "" when there is none.
func (r *Reader) elsewhere(back string) string {
	if !r.deps.Elsewhere.SignsIn() {
		return ""
	}
	return signInPath + "?" + url.Values{"back": {back}}.Encode()
}
