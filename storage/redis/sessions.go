package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests/account"
	"newsfeed/interests/athand"
)

// sessions keeps [account.Store].
type sessions struct{ client goredis.UniversalClient }

// Sessions is the server's [account.Store].
func (s *Store) Sessions() account.Store { return sessions{s.client} }

func sessionKey(h account.Hash) string { return "newsfeed:session:{" + h.String() + "}" }

// deviceKey is the key of an account's index: a sorted set of the hashes of the
// sessions found under it ([account.Session.Owner]), in hex, by when they were
// made in milliseconds. It may name sessions
// that are no more, never leave one out: a name is in it before its session is
// there, and is taken out after it has gone.
func deviceKey(id account.ID) string { return "newsfeed:{" + id.String() + "}:sessions" }

// indexing is how long a session may take to follow its name into the store.
const indexing = time.Hour

// enlist adds a name to an index, which lives as long as the last session in it.
var enlist = goredis.NewScript(`
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then
	redis.call('PEXPIREAT', KEYS[1], ARGV[3])
end
return 1
`)

func (s sessions) enlist(ctx context.Context, h account.Hash, session account.Session) error {
	owner, ok := session.Owner()
	if !ok {
		return nil
	}
	until := session.Expires.Add(indexing)
	err := enlist.Run(ctx, s.client, []string{deviceKey(owner)},
		session.Created.UnixMilli(), h.String(), max(1, until.UnixMilli()), time.Until(until).Milliseconds()).Err()
	return blame(ctx, err, account.ErrUnavailable)
}

// Create announces nothing: nobody has a session at hand that was not made yet.
func (s sessions) Create(ctx context.Context, h account.Hash, session account.Session) error {
	text, err := json.Marshal(session)
	if err == nil {
		err = s.enlist(ctx, h, session)
	}
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

// renew replaces a session that is there and replies 1, else 0; -1 when the one
// that is there was merged by another merge than the new one's.
var renew = goredis.NewScript(`
local was = redis.call('GET', KEYS[1])
if not was then
	return 0
end
local merged = cjson.decode(was).merged
if merged and merged.merge ~= ARGV[3] then
	return -1
end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
` + telling(athand.Session, "0") + `
return 1
`)

func (s sessions) Renew(ctx context.Context, h account.Hash, session account.Session) error {
	text, err := json.Marshal(session)
	if err == nil {
		err = s.enlist(ctx, h, session)
	}
	if err == nil {
		var done int
		done, err = renew.Run(ctx, onceClient{s.client}, []string{sessionKey(h)}, text, sessionUntil(session), session.Merged.Merge.String()).Int()
		switch err = blame(ctx, err, account.ErrUnavailable); {
		case err == nil && done == 0:
			err = account.ErrNoSession
		case err == nil && done < 0:
			err = account.ErrMerged
		}
	}
	if err != nil {
		return fmt.Errorf("renew session %s: %w", session.ID, err)
	}
	return nil
}

// spend replies what is there after it.
var spend = goredis.NewScript(`
local was = redis.call('GET', KEYS[1])
if not was or cjson.decode(was).merged then
	return was
end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
` + telling(athand.Session, "0") + `
return ARGV[1]
`)

func (s sessions) Spend(ctx context.Context, h account.Hash, merged account.Session) (stands account.Session, err error) {
	text, err := json.Marshal(merged)
	if err == nil {
		err = s.enlist(ctx, h, merged)
	}
	if err == nil {
		var reply string
		reply, err = spend.Run(ctx, s.client, []string{sessionKey(h)}, text, sessionUntil(merged)).Text()
		if errors.Is(err, goredis.Nil) {
			err = account.ErrNoSession
		} else if err = blame(ctx, err, account.ErrUnavailable); err == nil {
			err = json.Unmarshal([]byte(reply), &stands)
		}
	}
	if err != nil {
		return account.Session{}, fmt.Errorf("spend session %s: %w", merged.ID, err)
	}
	return stands, nil
}

// sessionUntil is positive, as PXAT must be; what is past already is gone at once
// either way.
func sessionUntil(s account.Session) int64 { return max(1, s.Expires.UnixMilli()) }

// end replies what it has removed.
var end = goredis.NewScript(`
local was = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
` + telling(athand.Session, "0") + `
return was
`)

func (s sessions) End(ctx context.Context, h account.Hash) error {
	text, err := end.Run(ctx, s.client, []string{sessionKey(h)}).Text()
	if errors.Is(err, goredis.Nil) {
		return nil
	}
	var was account.Session
	if err = blame(ctx, err, account.ErrUnavailable); err == nil {
		err = json.Unmarshal([]byte(text), &was)
	}
	if owner, ok := was.Owner(); err == nil && ok {
		err = blame(ctx, s.client.ZRem(ctx, deviceKey(owner), h.String()).Err(), account.ErrUnavailable)
	}
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

func (s sessions) Of(ctx context.Context, id account.ID) ([]account.Held, error) {
	names, err := s.client.ZRangeWithScores(ctx, deviceKey(id), 0, -1).Result()
	var held []account.Held
	var gone []any
	if err = blame(ctx, err, account.ErrUnavailable); err == nil {
		held, gone, err = s.named(ctx, names)
	}
	held = slices.DeleteFunc(held, func(h account.Held) bool { // spent for another, who was faster
		owner, ok := h.Owner()
		return !ok || owner != id
	})
	if err == nil && len(gone) > 0 {
		err = blame(ctx, s.client.ZRem(ctx, deviceKey(id), gone...).Err(), account.ErrUnavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("sessions of %s: %w", id, err)
	}
	return held, nil
}

func (s sessions) Unlist(ctx context.Context, id account.ID) error {
	if err := blame(ctx, s.client.Del(ctx, deviceKey(id)).Err(), account.ErrUnavailable); err != nil {
		return fmt.Errorf("unlist the sessions of %s: %w", id, err)
	}
	return nil
}

// named reads the sessions of an index, and returns the names of those that are
// no more: not of those that may be on their way.
func (s sessions) named(ctx context.Context, names []goredis.Z) (held []account.Held, gone []any, err error) {
	if len(names) == 0 {
		return nil, nil, nil
	}
	hashes, texts := make([]account.Hash, len(names)), make([]*goredis.StringCmd, len(names))
	_, err = s.client.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i, name := range names {
			text, _ := name.Member.(string)
			if err := hashes[i].UnmarshalText([]byte(text)); err != nil {
				return fmt.Errorf("damaged name %.80q: %w", text, err)
			}
			texts[i] = p.Get(ctx, sessionKey(hashes[i]))
		}
		return nil
	})
	if err = blame(ctx, err, account.ErrUnavailable); err != nil && !errors.Is(err, goredis.Nil) {
		return nil, nil, err
	}
	for i, text := range texts {
		h := account.Held{Hash: hashes[i]}
		b, err := text.Bytes()
		switch {
		case errors.Is(err, goredis.Nil):
			if time.Since(time.UnixMilli(int64(names[i].Score))) > indexing {
				gone = append(gone, names[i].Member)
			}
			continue
		case err != nil:
			return nil, nil, blame(ctx, err, account.ErrUnavailable)
		}
		if err := json.Unmarshal(b, &h.Session); err != nil {
			return nil, nil, err
		}
		held = append(held, h)
	}
	return held, gone, nil
}
