package account

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Members are the people who have signed up: who they are, by e-mail and
// password. Safe for concurrent use.
type Members struct {
	store     Accounts
	people    *People
	passwords *Passwords
	limits    Limits
	guesses   Allowance
	now       func() time.Time
}

// Allowance is how often something may be done; the zero Allowance, as often as
// one likes.
type Allowance struct {
	Calls  int
	Window time.Duration
}

// TooOften is the error of what was done more often than is allowed.
type TooOften struct{ Wait time.Duration }

func (e *TooOften) Error() string {
	return fmt.Sprintf("account: too often; again in %v", e.Wait.Round(time.Second))
}

// Take takes one call out of an allowance; a TooOften when nothing is left.
func (a Allowance) Take(ctx context.Context, limits Limits, key Hash) error {
	if a.Calls == 0 {
		return nil
	}
	wait, err := limits.Allow(ctx, key, a.Calls, a.Window)
	if err == nil && wait > 0 {
		err = &TooOften{wait}
	}
	return err
}

// Errors of Members, beside those of the stores, ErrPassword, ErrHashing and TooOften.
var (
	ErrEmailTaken = errors.New("account: the e-mail address has an account already")
	ErrWrong      = errors.New("account: the e-mail address or the password is wrong")
	ErrBadReset   = errors.New("account: the link to a new password has expired or was used")
)

// NewMembers returns the members whose accounts are in a store and whose sessions
// are among people's. guesses is how often one account's password may be tried,
// right or wrong.
func NewMembers(store Accounts, people *People, passwords *Passwords, limits Limits, guesses Allowance, now func() time.Time) *Members {
	return &Members{store, people, passwords, limits, guesses, now}
}

// SignUp makes an account. id is a guest's, who keeps what is theirs, or new.
// ErrEmailTaken when the address has an account; ErrMerged when the guest has
// signed up before under another address. Signing up again with the same id,
// address and password is signing up once: who lost the answer may repeat it.
func (m *Members) SignUp(ctx context.Context, id ID, email Email, password Password) (Account, error) {
	password, err := password.Normal()
	if err != nil {
		return Account{}, err
	}
	hash, err := m.passwords.Hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	a := Account{ID: id, Version: 1, Email: email, Password: hash, Created: m.now().UTC().Truncate(time.Millisecond)}
	err = m.store.Create(ctx, a)
	if errors.Is(err, ErrExists) {
		return m.signedUp(ctx, id, email, password)
	}
	return a, err
}

// signedUp is what a sign-up comes to whose id or address is taken.
func (m *Members) signedUp(ctx context.Context, id ID, email Email, password Password) (Account, error) {
	a, err := m.store.ByEmail(ctx, email)
	if errors.Is(err, ErrNoAccount) {
		return Account{}, ErrMerged // the id is taken
	}
	if err != nil {
		return Account{}, err
	}
	if a.ID != id {
		return Account{}, ErrEmailTaken
	}
	ok, err := m.passwords.Verify(ctx, a.Password, password)
	if err == nil && !ok {
		err = ErrEmailTaken
	}
	return a, err
}

// Account returns a member's account; ErrNoAccount when there is none.
func (m *Members) Account(ctx context.Context, id ID) (Account, error) {
	return m.store.Account(ctx, id)
}

// Verify returns the account of an e-mail address and a password. It says ErrWrong,
// and takes the same time to, whether the address or the password is.
func (m *Members) Verify(ctx context.Context, email Email, password Password) (Account, error) {
	if err := m.guesses.Take(ctx, m.limits, LimitKey("password", string(email))); err != nil {
		return Account{}, err
	}
	a, err := m.store.ByEmail(ctx, email)
	if err != nil && !errors.Is(err, ErrNoAccount) {
		return Account{}, err
	}
	password, bad := password.Normal() // nobody's, and checked all the same
	ok, err := m.passwords.Verify(ctx, a.Password, password)
	if err == nil && (!ok || bad != nil) {
		err = ErrWrong
	}
	if err != nil {
		return Account{}, err
	}
	return a, nil
}

// SignIn makes a session of an account that was verified. ErrWrong when its
// password was changed since, for that has ended all sessions but this one.
func (m *Members) SignIn(ctx context.Context, verified Account, label string) (Session, Secret, error) {
	s, token, err := m.people.SignIn(ctx, verified.ID, label)
	if err != nil {
		return s, token, err
	}
	return m.ifUnchanged(ctx, verified, s, token)
}

// Embed is SignIn for the pages of an origin, whose token is good for one thing only.
func (m *Members) Embed(ctx context.Context, verified Account, origin string) (Session, Secret, error) {
	s, token, err := m.people.NewWidget(ctx, verified.ID, origin)
	if err != nil {
		return s, token, err
	}
	return m.ifUnchanged(ctx, verified, s, token)
}

// ifUnchanged ends a session that was just made if the password was changed meanwhile.
func (m *Members) ifUnchanged(ctx context.Context, verified Account, s Session, token Secret) (Session, Secret, error) {
	now, err := m.store.Account(ctx, verified.ID)
	if errors.Is(err, ErrNoAccount) || err == nil && now.Password != verified.Password {
		err = ErrWrong
	}
	if err != nil {
		return Session{}, "", errors.Join(err, m.people.End(ctx, token))
	}
	return s, token, nil
}

// ChangePassword sets a new password and ends all of the account's sessions but
// one. ErrWrong when the current one is not, ErrNoPassword when there is none.
func (m *Members) ChangePassword(ctx context.Context, id ID, keep Hash, current, next Password) error {
	a, err := m.store.Account(ctx, id)
	if err != nil {
		return err
	}
	if a.Password == "" {
		return ErrNoPassword
	}
	if _, err := m.Verify(ctx, a.Email, current); err != nil {
		return err
	}
	return m.setPassword(ctx, a, keep, next)
}

// setPassword sets a password, which ends a reset that is under way, and sessions.
func (m *Members) setPassword(ctx context.Context, a Account, keep Hash, next Password) error {
	next, err := next.Normal()
	if err != nil {
		return err
	}
	if a.Password, err = m.passwords.Hash(ctx, next); err != nil {
		return err
	}
	a.Version++
	a.Reset = Reset{}
	if err := m.store.Change(ctx, a); err != nil {
		return err
	}
	return m.people.EndOthers(ctx, a.ID, keep)
}
