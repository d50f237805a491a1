package redis

import (
	"context"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// together keeps [feed.Together]: one pipeline, to the one server that has the
// keys of a person.
type together struct{ client goredis.UniversalClient }

// Together is the server's [feed.Together].
func (s *Store) Together() feed.Together { return together{s.client} }

func (s together) LoadTogether(ctx context.Context, id account.ID) (interests.List, feed.MarkSet, error) {
	pipe := s.client.Pipeline()
	text, fields := pipe.HGet(ctx, listKey(id), "list"), pipe.HGetAll(ctx, marksKey(id))
	_, _ = pipe.Exec(ctx) // each command has its own error
	list, err := readList(ctx, text)
	if err != nil {
		return interests.List{}, feed.MarkSet{}, fmt.Errorf("load list of %s: %w", id, err)
	}
	set, err := readMarks(ctx, fields)
	if err != nil {
		return interests.List{}, feed.MarkSet{}, fmt.Errorf("load marks of %s: %w", id, err)
	}
	return list, set, nil
}
