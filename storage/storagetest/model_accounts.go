package storagetest

import (
	"context"
	"fmt"
	"sync"

	"newsfeed/interests/account"
)

// ModelAccounts is a store of accounts as plain as can be. The zero value is ready.
type ModelAccounts struct {
	outage
	mu       sync.Mutex // guards accounts
	accounts map[account.ID]account.Account
}

func (m *ModelAccounts) do(ctx context.Context, call func() error) error {
	if err := m.check(ctx, account.ErrUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.accounts == nil {
		m.accounts = map[account.ID]account.Account{}
	}
	if err := call(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// owner returns whose a name is, e-mail or identity.
func (m *ModelAccounts) owner(email account.Email, who account.Identity) (account.Account, bool) {
	for _, a := range m.accounts {
		if email != "" && a.Email == email || !who.IsZero() && a.Identity == who {
			return a, true
		}
	}
	return account.Account{}, false
}

// taken reports whether a name of an account is another's.
func (m *ModelAccounts) taken(a account.Account) bool {
	byEmail, email := m.owner(a.Email, account.Identity{})
	byIdentity, identity := m.owner("", a.Identity)
	return email && byEmail.ID != a.ID || identity && byIdentity.ID != a.ID
}

// Create implements account.Accounts.
func (m *ModelAccounts) Create(ctx context.Context, a account.Account) error {
	return m.do(ctx, func() error {
		if _, id := m.accounts[a.ID]; id || m.taken(a) {
			return account.ErrExists
		}
		m.accounts[a.ID] = a
		return nil
	})
}

// Account implements account.Accounts.
func (m *ModelAccounts) Account(ctx context.Context, id account.ID) (a account.Account, err error) {
	err = m.do(ctx, func() error {
		var ok bool
		if a, ok = m.accounts[id]; !ok {
			return account.ErrNoAccount
		}
		return nil
	})
	return a, err
}

// ByEmail implements account.Accounts.
func (m *ModelAccounts) ByEmail(ctx context.Context, email account.Email) (a account.Account, err error) {
	err = m.do(ctx, func() error {
		var ok bool
		if a, ok = m.owner(email, account.Identity{}); !ok {
			return account.ErrNoAccount
		}
		return nil
	})
	return a, err
}

// ByIdentity implements account.Accounts.
func (m *ModelAccounts) ByIdentity(ctx context.Context, who account.Identity) (a account.Account, err error) {
	err = m.do(ctx, func() error {
		var ok bool
		if a, ok = m.owner("", who); !ok {
			return account.ErrNoAccount
		}
		return nil
	})
	return a, err
}

// Change implements account.Accounts.
func (m *ModelAccounts) Change(ctx context.Context, next account.Account) error {
	return m.do(ctx, func() error {
		was, ok := m.accounts[next.ID]
		switch {
		case !ok:
			return account.ErrNoAccount
		case was.Version+1 != next.Version:
			return account.ErrChanged
		case m.taken(next):
			return account.ErrExists
		}
		m.accounts[next.ID] = next
		return nil
	})
}

// Delete implements account.Accounts.
func (m *ModelAccounts) Delete(ctx context.Context, id account.ID) error {
	return m.do(ctx, func() error { delete(m.accounts, id); return nil })
}
