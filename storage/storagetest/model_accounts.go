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

func (m *ModelAccounts) owner(email account.Email) (account.Account, bool) {
	for _, a := range m.accounts {
		if a.Email == email {
			return a, true
		}
	}
	return account.Account{}, false
}

// Create implements account.Accounts.
func (m *ModelAccounts) Create(ctx context.Context, a account.Account) error {
	return m.do(ctx, func() error {
		_, id := m.accounts[a.ID]
		if _, email := m.owner(a.Email); id || email {
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
		if a, ok = m.owner(email); !ok {
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
		owner, taken := m.owner(next.Email)
		switch {
		case !ok:
			return account.ErrNoAccount
		case was.Version+1 != next.Version:
			return account.ErrChanged
		case taken && owner.ID != next.ID:
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
