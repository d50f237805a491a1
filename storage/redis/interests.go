package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// lists keeps [interests.Store].
type lists struct{ client goredis.UniversalClient }

// Lists is the server's [interests.Store].
func (s *Store) Lists() interests.Store { return lists{s.client} }

// listKey is the key of a person's list. All keys of a person have the same
// hash-tag; [lists.Delete] names every one of them.
func listKey(id account.ID) string { return "newsfeed:{" + id.String() + "}:list" }

// swap is the one place where a list changes: compare, write, set the time. It
// replies 1, or 0 for a conflict, when it has written nothing.
//
// Revisions are compared as text: a Lua number is a float64 and takes 2^53 and
// 2^53 + 1 for one. The write that a full or read-only server refuses comes
// first, so that a script is done whole or not at all. What else an edit has to
// do at the same moment (note the earlier registers, ring for other nodes)
// belongs behind the HSET, with its keys behind KEYS[1].
var swap = goredis.NewScript(`
local list = KEYS[1]
local from, next, json, till = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if (redis.call('HGET', list, 'revision') or '0') ~= from then
	return 0
end
redis.call('HSET', list, 'revision', next, 'list', json)
if till == '' then
	redis.call('PERSIST', list)
else
	redis.call('PEXPIREAT', list, till)
end
return 1
`)

func (s lists) Load(ctx context.Context, id account.ID) (interests.List, error) {
	var list interests.List
	text, err := s.client.HGet(ctx, listKey(id), "list").Bytes()
	if errors.Is(err, goredis.Nil) {
		return list, nil
	}
	if err = blame(ctx, err, interests.ErrUnavailable); err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		return interests.List{}, fmt.Errorf("load list of %s: %w", id, err)
	}
	return list, nil
}

func (s lists) Swap(ctx context.Context, id account.ID, from interests.Revision, next interests.List, until time.Time) error {
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("swap list of %s: %w", id, err)
	}
	till := ""
	if !until.IsZero() {
		till = strconv.FormatInt(until.UnixMilli(), 10)
	}
	swapped, err := swap.Run(ctx, onceClient{s.client}, []string{listKey(id)},
		decimal(from), decimal(next.Revision), text, till).Bool()
	if err = blame(ctx, err, interests.ErrUnavailable); err == nil && !swapped {
		err = interests.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("swap list of %s: %w", id, err)
	}
	return nil
}

func (s lists) Keep(ctx context.Context, id account.ID, until time.Time) error {
	command := []any{"PERSIST", listKey(id)}
	if !until.IsZero() {
		command = []any{"PEXPIREAT", listKey(id), until.UnixMilli()}
	}
	err := blame(ctx, s.client.Do(ctx, command...).Err(), interests.ErrUnavailable)
	if err != nil {
		return fmt.Errorf("keep list of %s: %w", id, err)
	}
	return nil
}

func (s lists) Delete(ctx context.Context, id account.ID) error {
	err := blame(ctx, s.client.Del(ctx, listKey(id)).Err(), interests.ErrUnavailable)
	if err != nil {
		return fmt.Errorf("delete list of %s: %w", id, err)
	}
	return nil
}

func decimal(r interests.Revision) string { return strconv.FormatUint(uint64(r), 10) }
