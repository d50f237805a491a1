package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// sessions keeps [account.Store]: 32 bytes of a token's hash → until when, and
// account.Session (see expiry.go).
type sessions struct{ *Store }

// Sessions is the file's [account.Store].
func (s *Store) Sessions() account.Store { return sessions{s} }

func (s sessions) Create(ctx context.Context, h account.Hash, session account.Session) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSessions)
		if live(b, h[:], time.Now()) != nil {
			return account.ErrExists
		}
		return putUntil(b, h[:], session, sessionUntil(session))
	})
	if err != nil {
		return fmt.Errorf("create session %s: %w", session.ID, err)
	}
	return nil
}

func (s sessions) Session(ctx context.Context, h account.Hash) (account.Session, error) {
	var session account.Session
	err := s.view(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		text := live(tx.Bucket(bucketSessions), h[:], time.Now())
		if text == nil {
			return account.ErrNoSession
		}
		return json.Unmarshal(text, &session)
	})
	if err != nil {
		return account.Session{}, fmt.Errorf("look up session: %w", err)
	}
	return session, nil
}

func (s sessions) Renew(ctx context.Context, h account.Hash, session account.Session) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketSessions)
		if live(b, h[:], time.Now()) == nil {
			return account.ErrNoSession
		}
		return putUntil(b, h[:], session, sessionUntil(session))
	})
	s.ears.told(err, athand.Session, athand.Key(h), 0)
	if err != nil {
		return fmt.Errorf("renew session %s: %w", session.ID, err)
	}
	return nil
}

func (s sessions) End(ctx context.Context, h account.Hash) error {
	err := s.update(ctx, account.ErrUnavailable, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketSessions).Delete(h[:])
	})
	s.ears.told(err, athand.Session, athand.Key(h), 0)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// sessionUntil is never "for good": a session without an expiry has expired.
func sessionUntil(s account.Session) uint64 { return max(1, millis(s.Expires)) }
