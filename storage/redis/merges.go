package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests"
	"newsfeed/interests/account"
)

// merges keeps [interests.Merges].
type merges struct{ client goredis.UniversalClient }

// Merges is the server's [interests.Merges].
func (s *Store) Merges() interests.Merges { return merges{s.client} }

// mergeKey is the key of a person's merges: a hash, which lives as long as the
// newest in it.
func mergeKey(id account.ID) string { return "newsfeed:{" + id.String() + "}:merges" }

// merge is a swap that stores a merge at the same moment. The ids of merges have
// their time in front: the smallest is the oldest.
var merge = goredis.NewScript(fmt.Sprintf(swapText, 9, fmt.Sprintf(`
local merges, id, merge, undone, kept = KEYS[3], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if undone == '' and redis.call('HEXISTS', merges, id) == 1 then
	return 0
end
redis.call('HSET', merges, id, merge)
redis.call('PEXPIREAT', merges, kept)
local ids = redis.call('HKEYS', merges)
if #ids > %d then
	table.sort(ids)
	redis.call('HDEL', merges, ids[1])
end
if next == from then
	return 1
end`, interests.MaxMerges)))

func (s merges) Put(ctx context.Context, id account.ID, from interests.Revision, next interests.List, m interests.Merge, undos ...interests.Undo) error {
	args, err := swapArgs(from, next, time.Time{}, undos)
	if err != nil {
		return fmt.Errorf("put merge %s of %s: %w", m.ID, id, err)
	}
	text, err := json.Marshal(m)
	if err == nil {
		undone := ""
		if m.Undone {
			undone = "1"
		}
		args = slices.Insert(args, 4, []any{m.ID.String(), text, undone, m.At.Add(interests.MergeKept).UnixMilli()}...)
		var put bool
		put, err = merge.Run(ctx, onceClient{s.client}, listKeys(id), args...).Bool()
		if err = blame(ctx, err, interests.ErrUnavailable); err == nil && !put {
			err = interests.ErrConflict
		}
	}
	if err != nil {
		return fmt.Errorf("put merge %s of %s: %w", m.ID, id, err)
	}
	return nil
}

func (s merges) Merge(ctx context.Context, id account.ID, merge uuid.UUID) (m interests.Merge, err error) {
	text, err := s.client.HGet(ctx, mergeKey(id), merge.String()).Bytes()
	if errors.Is(err, goredis.Nil) {
		err = interests.ErrNoMerge
	} else if err = blame(ctx, err, interests.ErrUnavailable); err == nil {
		if err = json.Unmarshal(text, &m); err == nil && gone(m) {
			m, err = interests.Merge{}, interests.ErrNoMerge
		}
	}
	if err != nil {
		return m, fmt.Errorf("merge %s of %s: %w", merge, id, err)
	}
	return m, nil
}

// gone: an older one in a hash that lives on for the sake of a newer.
func gone(m interests.Merge) bool { return time.Since(m.At) >= interests.MergeKept }

func (s merges) Merges(ctx context.Context, id account.ID) (all []interests.Merge, err error) {
	texts, err := s.client.HVals(ctx, mergeKey(id)).Result()
	if err = blame(ctx, err, interests.ErrUnavailable); err != nil {
		return nil, fmt.Errorf("merges of %s: %w", id, err)
	}
	for _, text := range texts {
		var m interests.Merge
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return nil, fmt.Errorf("merges of %s: %w", id, err)
		}
		if !gone(m) {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b interests.Merge) int { return cmp.Compare(b.ID.String(), a.ID.String()) })
	return all, nil
}
