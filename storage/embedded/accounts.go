package embedded

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"newsfeed/interests/account"
)

// accounts keeps [account.Accounts]: 16 bytes of an id → account.Account, and in
// bucketEmails e-mail → id.
type accounts struct{ *Store }

// Accounts is the file's [account.Accounts].
func (s *Store) Accounts() account.Accounts { return accounts{s} }

func (s accounts) Create(ctx context.Context, a account.Account) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		all, emails := tx.Bucket(bucketAccounts), tx.Bucket(bucketEmails)
		if all.Get(a.ID[:]) != nil || emails.Get([]byte(a.Email)) != nil {
			return account.ErrExists
		}
		if err := emails.Put([]byte(a.Email), a.ID[:]); err != nil {
			return err
		}
		return put(all, a.ID[:], a)
	})
	if err != nil {
		return fmt.Errorf("create account %s: %w", a.ID, err)
	}
	return nil
}

func (s accounts) Account(ctx context.Context, id account.ID) (a account.Account, err error) {
	err = s.view(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) (err error) {
		a, err = accountIn(tx, id[:])
		return err
	})
	if err != nil {
		return account.Account{}, fmt.Errorf("load account %s: %w", id, err)
	}
	return a, nil
}

func (s accounts) ByEmail(ctx context.Context, email account.Email) (a account.Account, err error) {
	err = s.view(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) (err error) {
		a, err = accountIn(tx, tx.Bucket(bucketEmails).Get([]byte(email)))
		return err
	})
	if err != nil {
		return account.Account{}, fmt.Errorf("find an account by e-mail: %w", err)
	}
	return a, nil
}

// accountIn reads an account by the bytes of its id.
func accountIn(tx *bbolt.Tx, id []byte) (a account.Account, err error) {
	there, err := get(tx.Bucket(bucketAccounts), id, &a)
	if err == nil && !there {
		err = account.ErrNoAccount
	}
	return a, err
}

func (s accounts) Change(ctx context.Context, next account.Account) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		was, err := accountIn(tx, next.ID[:])
		if err != nil {
			return err
		}
		if was.Version+1 != next.Version {
			return account.ErrChanged
		}
		if err := moveEmail(tx.Bucket(bucketEmails), was, next); err != nil {
			return err
		}
		return put(tx.Bucket(bucketAccounts), next.ID[:], next)
	})
	if err != nil {
		return fmt.Errorf("change account %s: %w", next.ID, err)
	}
	return nil
}

func moveEmail(emails *bbolt.Bucket, was, next account.Account) error {
	if was.Email == next.Email {
		return nil
	}
	if emails.Get([]byte(next.Email)) != nil {
		return account.ErrExists
	}
	if err := emails.Delete([]byte(was.Email)); err != nil {
		return err
	}
	return emails.Put([]byte(next.Email), next.ID[:])
}

func (s accounts) Delete(ctx context.Context, id account.ID) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		var was account.Account
		there, err := get(tx.Bucket(bucketAccounts), id[:], &was)
		if err != nil || !there {
			return err
		}
		if err := tx.Bucket(bucketEmails).Delete([]byte(was.Email)); err != nil {
			return err
		}
		return tx.Bucket(bucketAccounts).Delete(id[:])
	})
	if err != nil {
		return fmt.Errorf("delete account %s: %w", id, err)
	}
	return nil
}
