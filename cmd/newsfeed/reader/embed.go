package reader

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

// The button on others' pages, and the popup by which it gets a token. The button
// never holds an account's token: what it gets is bound to the account and to the
// origin of the page, and good for adding topics and taking those back.

// module is a script that other pages may load, under a name that stays.
type module struct {
	content []byte
	tag     string
}

func newModule(content []byte) module {
	sum := sha256.Sum256(content)
	return module{content, `"` + hex.EncodeToString(sum[:8]) + `"`}
}

//go:embed assets/widget.js
var widgetScript []byte

//go:embed assets/embed.js
var popupScript []byte

var widgetModule, popupModule = newModule(withTexts(widgetScript)), newModule(withTexts(popupScript))

// serve answers with the module, to pages of any origin.
func (m module) serve(c *fiber.Ctx) error {
	setSafe(c)
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
	c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	c.Set(fiber.HeaderETag, m.tag)
	if c.Get(fiber.HeaderIfNoneMatch) == m.tag {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, "text/javascript; charset=utf-8")
	return c.Send(m.content)
}

// embedPage is the popup.
type embedPage struct {
	layout
	Origins string // those that may have a token, side by side
	Member  bool
	Email   account.Email
	SignUp  bool
}

// namedOrigins are the origins that the operator named, as browsers write them: "*"
// lets scripts of everybody call us, and gives nobody a part in people's accounts.
func namedOrigins(allowed []string) (named []string) {
	for _, o := range allowed {
		if o != "*" {
			named = append(named, strings.TrimSuffix(strings.ToLower(o), "/"))
		}
	}
	return named
}

// embedSignIn answers GET /embed/sign-in. It alone may talk to who opened it.
func (r *Reader) embedSignIn(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	p := &embedPage{layout: r.layout(c, &v, text("save-your-interests")), Origins: strings.Join(r.embedders, " "), Member: v.member(), SignUp: r.deps.SignUp}
	p.Enter = nil // what leads away from here would lose who waits for the answer
	if p.Member {
		a, err := r.deps.Members.Account(ctx, v.session.Account)
		if err != nil && !errors.Is(err, account.ErrNoAccount) {
			return err
		}
		p.Email = a.Email
	}
	c.Set(fiber.HeaderCacheControl, keepPrivate)
	c.Set(openerPolicy, "unsafe-none")
	return r.render(c, fiber.StatusOK, "embed", p)
}

const openerPolicy = "Cross-Origin-Opener-Policy"

// postEmbedSignIn answers POST /embed/sign-in, which the popup's script sends: it
// merges the guest of the other page as a sign-in does, and makes a token for it.
func (r *Reader) postEmbedSignIn(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	site := fields.Get("site")
	if !slices.Contains(r.embedders, site) {
		return sayPlainly(c, fiber.StatusForbidden, text("page-may-not"))
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	guest := account.Secret(fields.Get("guest"))
	was, err := r.embeddedGuest(ctx, guest)
	if err != nil {
		return err
	}
	a, err := r.embedAccount(ctx, c, fields, was)
	if err != nil {
		return r.embedComplaint(c, err)
	}
	if was.Guest && (was.Merged.IsZero() || was.Merged.Account == a.ID) {
		if _, err := r.deps.Belongs.MergeGuest(ctx, r.deps.People, guest, was, a.ID); err != nil && !errors.Is(err, account.ErrMerged) {
			return err
		}
	}
	_, token, err := r.deps.Members.Embed(ctx, a, site)
	if err != nil {
		return r.embedComplaint(c, err)
	}
	return c.JSON(fiber.Map{"token": token})
}

// embeddedGuest returns the session of the guest that the other page made; the zero
// Session when there is none any more, or it is somebody else's token.
func (r *Reader) embeddedGuest(ctx context.Context, token account.Secret) (account.Session, error) {
	if token == "" {
		return account.Session{}, nil
	}
	s, err := r.deps.People.Holder(ctx, token)
	if errors.Is(err, account.ErrNoSession) || err == nil && !s.Guest {
		return account.Session{}, nil
	}
	return s, err
}

// embedAccount returns whose list the page is to add to: who is signed in here
// already, or who the form says.
func (r *Reader) embedAccount(ctx context.Context, c *fiber.Ctx, fields url.Values, was account.Session) (account.Account, error) {
	in := entry{email: fields.Get("email"), password: account.Password(fields.Get("password"))}
	switch fields.Get("do") {
	case "continue":
		v, err := r.visitor(ctx, c)
		if err != nil {
			return account.Account{}, err
		}
		if !v.member() {
			return account.Account{}, account.ErrNoSession
		}
		return r.deps.Members.Account(ctx, v.session.Account)
	case "sign-in":
		return r.verify(ctx, c, in)
	case "sign-up":
		if !r.deps.SignUp {
			return account.Account{}, errNoSignUp
		}
		return r.signUp(ctx, c, in, was)
	}
	return account.Account{}, errForm
}

// embedComplaint answers what a person can mend in words for the popup.
func (r *Reader) embedComplaint(c *fiber.Ctx, err error) error {
	var often *account.TooOften
	switch {
	case errors.Is(err, account.ErrEmail):
		return sayPlainly(c, fiber.StatusUnprocessableEntity, badEmail())
	case errors.Is(err, account.ErrPassword):
		return sayPlainly(c, fiber.StatusUnprocessableEntity, badPassword())
	case errors.Is(err, account.ErrEmailTaken):
		return sayPlainly(c, fiber.StatusConflict, emailTaken())
	case errors.Is(err, account.ErrWrong):
		return sayPlainly(c, fiber.StatusUnauthorized, badEntry())
	case errors.Is(err, account.ErrMerged), errors.Is(err, errNoSignUp), errors.As(err, &often):
		m := messageFor(err)
		return sayPlainly(c, m.Status, m.Text)
	case errors.Is(err, account.ErrNoSession), errors.Is(err, account.ErrNoAccount):
		return sayPlainly(c, fiber.StatusUnauthorized, text("not-signed-in-any-more"))
	}
	return fmt.Errorf("sign in for another page: %w", err)
}

func sayPlainly(c *fiber.Ctx, status int, text string) error {
	c.Set(fiber.HeaderContentType, "text/plain; charset=utf-8")
	return c.Status(status).SendString(text)
}
