package reader

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests/account"
)

const signOutPath = "/sign-out"

// signPage is the form of sign-in or sign-up. What was typed stands in it again
// after a mistake, but for the password, which is written into no page.
type signPage struct {
	layout
	Email  string
	After  string // where to be led when it is done
	SignUp bool   // anyone may

	Guest bool        // what this browser holds can be brought along
	Bring []topicView // topics it follows or mutes
	Merge bool        // the box is ticked
	Again bool        // a sign-in was interrupted, and what it began is finished without asking

	Elsewhere string // where to sign in with an account elsewhere; "": nowhere

	Wrong complaints
}

// complaints is what is wrong with the fields of a form, by field; under "", with
// all of it.
type complaints map[string]string

// complaint is what is wrong with one field.
type complaint struct{ Field, Text string }

// faulty is a page with a form.
type faulty interface{ wrongs() complaints }

func (p *signPage) wrongs() complaints    { return p.Wrong }
func (p *accountPage) wrongs() complaints { return p.Wrong }

func newComplaint(p faulty, field string) complaint { return complaint{field, p.wrongs()[field]} }

// First is the first field to be mended, which has the focus.
func (w complaints) First(fields ...string) string {
	for _, f := range fields {
		if w[f] != "" {
			return f
		}
	}
	return ""
}

// What a field can be told.
func badEmail() string   { return text("bad-email") }
func emailTaken() string { return text("email-taken") }
func badEntry() string   { return text("bad-entry") }
func badPassword() string {
	return text("bad-password", "least", account.MinPassword, "most", account.MaxPassword)
}

// signInPage answers GET /sign-in.
func (r *Reader) signInPage(c *fiber.Ctx) error { return r.signPage(c, "sign-in", text("sign-in")) }

// signUpPage answers GET /sign-up.
func (r *Reader) signUpPage(c *fiber.Ctx) error {
	if !r.deps.SignUp {
		return errNoSignUp
	}
	return r.signPage(c, "sign-up", text("sign-up"))
}

func (r *Reader) signPage(c *fiber.Ctx, name, title string) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	after := localPath(c.Query("back"))
	if v.member() {
		return c.Redirect(after, fiber.StatusSeeOther)
	}
	p := r.newSignPage(c, &v, title, after)
	p.Merge = true
	return r.render(c, fiber.StatusOK, name, p)
}

func (r *Reader) newSignPage(c *fiber.Ctx, v *visitor, title, after string) *signPage {
	p := &signPage{layout: r.layout(c, v, title), After: after, SignUp: r.deps.SignUp,
		Guest: v.guest(), Again: v.merged, Elsewhere: r.elsewhere(after)}
	for _, i := range v.list.Interests() {
		p.Bring = append(p.Bring, r.topicView(v, r.named(i.Topic)))
	}
	p.Enter.Back = url.QueryEscape(after)
	c.Set(fiber.HeaderCacheControl, keepPrivate)
	return p
}

// entry is what the form of sign-in or sign-up says.
type entry struct {
	email    string
	password account.Password
	merge    bool
	after    string
}

func readEntry(c *fiber.Ctx) (entry, error) {
	fields, err := readFields(c)
	return entry{fields.Get("email"), account.Password(fields.Get("password")), fields.Get("merge") == "yes", localPath(fields.Get("back"))}, err
}

// postSignIn answers POST /sign-in.
func (r *Reader) postSignIn(c *fiber.Ctx) error {
	in, err := readEntry(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	a, err := r.verify(ctx, c, in)
	if err != nil {
		return r.signAgain(ctx, c, "sign-in", text("sign-in"), in, err)
	}
	held, was, err := r.holder(ctx, c)
	if err != nil {
		return err
	}
	next := withNote(in.after, "signed-in")
	// What was merged into another account before stays there, and is no reason not
	// to sign in to this one.
	if was.Guest && in.merge && (was.Merged.IsZero() || was.Merged.Account == a.ID) {
		m, err := r.deps.Belongs.MergeGuest(ctx, r.deps.People, held, was, a.ID)
		if err != nil && !errors.Is(err, account.ErrMerged) {
			return err
		}
		if m != nil && m.Guest != a.ID {
			next = mergesPath + m.ID.String() + "?" + url.Values{"back": {in.after}}.Encode()
		}
	}
	if err := r.enter(ctx, c, a, held, was); err != nil {
		return err
	}
	return c.Redirect(next, fiber.StatusSeeOther)
}

func (r *Reader) verify(ctx context.Context, c *fiber.Ctx, in entry) (account.Account, error) {
	if err := r.enters(ctx, c); err != nil {
		return account.Account{}, err
	}
	email, err := account.ParseEmail(in.email)
	if err != nil {
		return account.Account{}, err
	}
	return r.deps.Members.Verify(ctx, email, in.password)
}

// enters counts who signs up or in from an address, with those at the API.
func (r *Reader) enters(ctx context.Context, c *fiber.Ctx) error {
	return r.deps.Entries.Take(ctx, r.deps.Limits, account.Entering(r.deps.Network(c)))
}

// postSignUp answers POST /sign-up. A guest becomes the account, with all they have.
func (r *Reader) postSignUp(c *fiber.Ctx) error {
	in, err := readEntry(c)
	if err != nil {
		return err
	}
	if !r.deps.SignUp {
		return errNoSignUp
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	held, was, err := r.holder(ctx, c)
	if err != nil {
		return err
	}
	a, err := r.signUp(ctx, c, in, was)
	if err != nil {
		return r.signAgain(ctx, c, "sign-up", text("sign-up"), in, err)
	}
	if a.ID == was.Account {
		if _, err := r.deps.Belongs.MergeGuest(ctx, r.deps.People, held, was, a.ID); err != nil {
			return err
		}
	}
	if err := r.enter(ctx, c, a, held, was); err != nil {
		return err
	}
	return c.Redirect(withNote(in.after, "signed-up"), fiber.StatusSeeOther)
}

func (r *Reader) signUp(ctx context.Context, c *fiber.Ctx, in entry, was account.Session) (account.Account, error) {
	email, err := account.ParseEmail(in.email)
	if _, bad := in.password.Normal(); err != nil || bad != nil {
		return account.Account{}, errors.Join(err, bad)
	}
	if err := r.enters(ctx, c); err != nil {
		return account.Account{}, err
	}
	id := account.NewID()
	if was.Guest && (was.Merged.IsZero() || was.Merged.Account == was.Account) {
		id = was.Account
	}
	return r.deps.Members.SignUp(ctx, id, email, in.password)
}

// signAgain shows the form once more, with what is to be mended, when that is what
// the error says.
func (r *Reader) signAgain(ctx context.Context, c *fiber.Ctx, name, title string, in entry, err error) error {
	status, wrong := fiber.StatusUnprocessableEntity, complaints{}
	if errors.Is(err, account.ErrEmail) {
		wrong["email"] = badEmail()
	}
	if errors.Is(err, account.ErrPassword) {
		wrong["password"] = badPassword()
	}
	switch {
	case errors.Is(err, account.ErrEmailTaken):
		status, wrong["email"] = fiber.StatusConflict, emailTaken()
	case errors.Is(err, account.ErrWrong):
		status, wrong[""] = fiber.StatusUnauthorized, badEntry()
	}
	if len(wrong) == 0 {
		return err
	}
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	p := r.newSignPage(c, &v, title, in.after)
	p.Email, p.Merge, p.Wrong = shorten(in.email), in.merge, wrong
	return r.render(c, status, name, p)
}

// enter makes a session of an account and gives the browser its token, in the
// place of what it held: a member's is ended, a guest's expires.
func (r *Reader) enter(ctx context.Context, c *fiber.Ctx, a account.Account, held account.Secret, was account.Session) error {
	s, token, err := r.deps.Members.SignIn(ctx, a, deviceName(c.Get(fiber.HeaderUserAgent)))
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	r.setCookie(c, token, s)
	if held == "" || was.Guest {
		return nil
	}
	return r.deps.People.End(ctx, held)
}

// holder returns the token of the cookie and its session, also of a guest's that
// was merged; the zero Session when it is nobody's.
func (r *Reader) holder(ctx context.Context, c *fiber.Ctx) (account.Secret, account.Session, error) {
	held := account.Secret(c.Cookies(r.deps.Cookie))
	if held == "" {
		return "", account.Session{}, nil
	}
	s, err := r.deps.People.Holder(ctx, held)
	if errors.Is(err, account.ErrNoSession) {
		return "", account.Session{}, nil
	}
	return held, s, err
}

// signOut answers POST /sign-out. Of a guest, whose session is all that leads to
// the list, it would be the end; no page offers it to one, and nothing is done.
func (r *Reader) signOut(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	held, was, err := r.holder(ctx, c)
	if err != nil {
		return err
	}
	if was.Guest && was.Merged.IsZero() {
		return c.Redirect("/", fiber.StatusSeeOther)
	}
	if held != "" {
		if err := r.deps.People.End(ctx, held); err != nil {
			return err
		}
	}
	r.clearCookie(c)
	r.clearDevice(c)
	return c.Redirect("/?note=signed-out", fiber.StatusSeeOther)
}
