package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests/account"
)

// sessions keeps [account.Store].
type sessions struct{ client goredis.UniversalClient }

// Sessions is the server's [account.Store].
func (s *Store) Sessions() account.Store { return sessions{s.client} }

func sessionKey(h account.Hash) string { return "newsfeed:session:{" + h.String() + "}" }

func (s sessions) Create(ctx context.Context, h account.Hash, session account.Session) error {
	if err := s.set(ctx, h, session, "NX", account.ErrExists); err != nil {
		return fmt.Errorf("create session %s: %w", session.ID, err)
	}
	return nil
}

func (s sessions) Session(ctx context.Context, h account.Hash) (account.Session, error) {
	var session account.Session
	text, err := s.client.Get(ctx, sessionKey(h)).Bytes()
	if errors.Is(err, goredis.Nil) {
		err = account.ErrNoSession
	} else if err = blame(ctx, err, account.ErrUnavailable); err == nil {
		err = json.Unmarshal(text, &session)
	}
	if err != nil {
		return account.Session{}, fmt.Errorf("look up session: %w", err)
	}
	return session, nil
}

func (s sessions) Renew(ctx context.Context, h account.Hash, session account.Session) error {
	if err := s.set(ctx, h, session, "XX", account.ErrNoSession); err != nil {
		return fmt.Errorf("renew session %s: %w", session.ID, err)
	}
	return nil
}

// set writes a session on a condition of Redis's SET: NX when the key is free,
// XX when it is taken. otherwise is the error when the condition does not hold.
func (s sessions) set(ctx context.Context, h account.Hash, session account.Session, condition string, otherwise error) error {
	text, err := json.Marshal(session)
	if err != nil {
		return err
	}
	// PXAT must be positive; what is past already is gone at once either way.
	until := max(1, session.Expires.UnixMilli())
	cmd := once{goredis.NewCmd(ctx, "SET", sessionKey(h), text, condition, "PXAT", until)}
	err = s.client.Process(ctx, cmd)
	if errors.Is(err, goredis.Nil) {
		return otherwise
	}
	return blame(ctx, err, account.ErrUnavailable)
}

func (s sessions) End(ctx context.Context, h account.Hash) error {
	err := blame(ctx, s.client.Del(ctx, sessionKey(h)).Err(), account.ErrUnavailable)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}
