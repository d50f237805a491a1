package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// sessions keeps [account.Store].
type sessions struct{ client goredis.UniversalClient }

// Sessions is the server's [account.Store].
func (s *Store) Sessions() account.Store { return sessions{s.client} }

func sessionKey(h account.Hash) string { return "newsfeed:session:{" + h.String() + "}" }

// Create announces nothing: nobody has a session at hand that was not made yet.
func (s sessions) Create(ctx context.Context, h account.Hash, session account.Session) error {
	text, err := json.Marshal(session)
	if err == nil {
		cmd := once{goredis.NewCmd(ctx, "SET", sessionKey(h), text, "NX", "PXAT", sessionUntil(session))}
		if err = s.client.Process(ctx, cmd); errors.Is(err, goredis.Nil) {
			err = account.ErrExists
		} else {
			err = blame(ctx, err, account.ErrUnavailable)
		}
	}
	if err != nil {
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

// renew replaces a session that is there and replies 1, else 0.
var renew = goredis.NewScript(`
if not redis.call('SET', KEYS[1], ARGV[1], 'XX', 'PXAT', ARGV[2]) then
	return 0
end
` + telling(athand.Session, "0") + `
return 1
`)

func (s sessions) Renew(ctx context.Context, h account.Hash, session account.Session) error {
	text, err := json.Marshal(session)
	if err == nil {
		var there bool
		there, err = renew.Run(ctx, onceClient{s.client}, []string{sessionKey(h)}, text, sessionUntil(session)).Bool()
		if err = blame(ctx, err, account.ErrUnavailable); err == nil && !there {
			err = account.ErrNoSession
		}
	}
	if err != nil {
		return fmt.Errorf("renew session %s: %w", session.ID, err)
	}
	return nil
}

// sessionUntil is positive, as PXAT must be; what is past already is gone at once
// either way.
func sessionUntil(s account.Session) int64 { return max(1, s.Expires.UnixMilli()) }

var end = goredis.NewScript(`redis.call('DEL', KEYS[1]) ` + telling(athand.Session, "0"))

func (s sessions) End(ctx context.Context, h account.Hash) error {
	err := blame(ctx, run(ctx, s.client, end, []string{sessionKey(h)}), account.ErrUnavailable)
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}
