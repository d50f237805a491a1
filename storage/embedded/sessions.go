package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// sessions keeps [account.Store]: 32 bytes of a token's hash → until when, and
// account.Session (see expiry.go). In bucketDevices, for each that is found under an
// account ([account.Session.Owner]), 16 bytes of its id and the hash → nothing.
type sessions struct{ *Store }

// Sessions is the file's [account.Store].
func (s *Store) Sessions() account.Store { return sessions{s} }

func (s sessions) Create(ctx context.Context, h account.Hash, session account.Session) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSessions)
		if live(b, h[:], time.Now()) != nil {
			return account.ErrExists
		}
		return putSession(tx, h, session)
	})
	if err != nil {
		return fmt.Errorf("create session %s: %w", session.ID, err)
	}
	return nil
}

func (s sessions) Session(ctx context.Context, h account.Hash) (session account.Session, err error) {
	err = s.view(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) (err error) {
		session, err = sessionIn(tx.Bucket(bucketSessions), h)
		return err
	})
	if err != nil {
		return account.Session{}, fmt.Errorf("look up session: %w", err)
	}
	return session, nil
}

func putSession(tx *bbolt.Tx, h account.Hash, session account.Session) error {
	if owner, ok := session.Owner(); ok {
		if err := tx.Bucket(bucketDevices).Put(deviceKey(owner, h), nil); err != nil {
			return err
		}
	}
	return putUntil(tx.Bucket(bucketSessions), h[:], session, sessionUntil(session))
}

func sessionIn(b *bbolt.Bucket, h account.Hash) (session account.Session, err error) {
	text := live(b, h[:], time.Now())
	if text == nil {
		return session, account.ErrNoSession
	}
	err = json.Unmarshal(text, &session)
	return session, err
}

func (s sessions) Renew(ctx context.Context, h account.Hash, session account.Session) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSessions)
		was, err := sessionIn(b, h)
		if err != nil {
			return err
		}
		if !was.Merged.IsZero() && was.Merged.Merge != session.Merged.Merge {
			return account.ErrMerged
		}
		return putSession(tx, h, session)
	})
	s.ears.told(err, athand.Session, athand.Key(h), 0)
	if err != nil {
		return fmt.Errorf("renew session %s: %w", session.ID, err)
	}
	return nil
}

func (s sessions) Spend(ctx context.Context, h account.Hash, merged account.Session) (stands account.Session, err error) {
	err = s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) (err error) {
		b := tx.Bucket(bucketSessions)
		if stands, err = sessionIn(b, h); err != nil || !stands.Merged.IsZero() {
			return err
		}
		stands = merged
		return putSession(tx, h, merged)
	})
	s.ears.told(err, athand.Session, athand.Key(h), 0)
	if err != nil {
		return account.Session{}, fmt.Errorf("spend session %s: %w", merged.ID, err)
	}
	return stands, nil
}

func (s sessions) End(ctx context.Context, h account.Hash) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSessions)
		value := b.Get(h[:])
		if len(value) < untilSize {
			return nil
		}
		var was account.Session
		if err := json.Unmarshal(value[untilSize:], &was); err != nil {
			return err
		}
		if owner, ok := was.Owner(); ok {
			if err := tx.Bucket(bucketDevices).Delete(deviceKey(owner, h)); err != nil {
				return err
			}
		}
		return b.Delete(h[:])
	})
	s.ears.told(err, athand.Session, athand.Key(h), 0)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

func (s sessions) Of(ctx context.Context, id account.ID) (held []account.Held, err error) {
	err = s.view(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b, c := tx.Bucket(bucketSessions), tx.Bucket(bucketDevices).Cursor()
		for key, _ := c.Seek(id[:]); bytes.HasPrefix(key, id[:]); key, _ = c.Next() {
			h := account.Hash(key[len(id):])
			session, err := sessionIn(b, h)
			if errors.Is(err, account.ErrNoSession) {
				continue
			}
			if err != nil {
				return err
			}
			held = append(held, account.Held{Hash: h, Session: session})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sessions of %s: %w", id, err)
	}
	return held, nil
}

func (s sessions) Unlist(ctx context.Context, id account.ID) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketDevices)
		for _, key := range keysOf(b, id) {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("unlist the sessions of %s: %w", id, err)
	}
	return nil
}

func deviceKey(id account.ID, h account.Hash) []byte { return append(id[:], h[:]...) }

// sweepDevices takes out of the index what has no session any more.
func (s *Store) sweepDevices(ctx context.Context) error {
	return s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b, sessions := tx.Bucket(bucketDevices), tx.Bucket(bucketSessions)
		var gone [][]byte
		err := b.ForEach(func(key, _ []byte) error {
			if sessions.Get(key[len(account.ID{}):]) == nil {
				gone = append(gone, key)
			}
			return nil
		})
		for _, key := range gone {
			err = errors.Join(err, b.Delete(key))
		}
		return err
	})
}

// sessionUntil is never "for good": a session without an expiry has expired.
func sessionUntil(s account.Session) uint64 { return max(1, millis(s.Expires)) }
