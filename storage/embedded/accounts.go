package embedded

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"newsfeed/interests/account"
)

// accounts keeps [account.Accounts]: 16 bytes of an id → account.Account, and in
// bucketEmails e-mail → id and 0, issuer, 0, subject → id.
type accounts struct{ *Store }

// Accounts is the file's [account.Accounts].
func (s *Store) Accounts() account.Accounts { return accounts{s} }

func (s accounts) Create(ctx context.Context, a account.Account) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		all := tx.Bucket(bucketAccounts)
		if all.Get(a.ID[:]) != nil {
			return account.ErrExists
		}
		if err := rename(tx.Bucket(bucketEmails), account.Account{}, a); err != nil {
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

func (s accounts) ByIdentity(ctx context.Context, who account.Identity) (a account.Account, err error) {
	err = s.view(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) (err error) {
		a, err = accountIn(tx, tx.Bucket(bucketEmails).Get(identityName(who)))
		return err
	})
	if err != nil {
		return account.Account{}, fmt.Errorf("find an account by identity: %w", err)
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
		if err := rename(tx.Bucket(bucketEmails), was, next); err != nil {
			return err
		}
		return put(tx.Bucket(bucketAccounts), next.ID[:], next)
	})
	if err != nil {
		return fmt.Errorf("change account %s: %w", next.ID, err)
	}
	return nil
}

// rename makes an account found by its present names and no more by those it had.
func rename(emails *bbolt.Bucket, was, next account.Account) error {
	for _, name := range namesOf(next) {
		if owner := emails.Get(name); owner != nil && !bytes.Equal(owner, next.ID[:]) {
			return account.ErrExists
		}
	}
	for _, name := range namesOf(was) {
		if err := emails.Delete(name); err != nil {
			return err
		}
	}
	for _, name := range namesOf(next) {
		if err := emails.Put(name, next.ID[:]); err != nil {
			return err
		}
	}
	return nil
}

// namesOf are the keys of bucketEmails that an account is found by.
func namesOf(a account.Account) (names [][]byte) {
	if a.Email != "" {
		names = append(names, []byte(a.Email))
	}
	if !a.Identity.IsZero() {
		names = append(names, identityName(a.Identity))
	}
	return names
}

// identityName is no e-mail address, for none begins with a 0.
func identityName(who account.Identity) []byte {
	return []byte("\x00" + who.Issuer + "\x00" + who.Subject)
}

func (s accounts) Delete(ctx context.Context, id account.ID) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		var was account.Account
		there, err := get(tx.Bucket(bucketAccounts), id[:], &was)
		if err != nil || !there {
			return err
		}
		if err := rename(tx.Bucket(bucketEmails), was, account.Account{}); err != nil {
			return err
		}
		return tx.Bucket(bucketAccounts).Delete(id[:])
	})
	if err != nil {
		return fmt.Errorf("delete account %s: %w", id, err)
	}
	return nil
}
