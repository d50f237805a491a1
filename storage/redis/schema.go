package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	goredis "github.com/redis/go-redis/v9"
)

// ErrNewer is the error of Open when the data are a newer program's.
var ErrNewer = errors.New("redis: the data were written by a newer version of the program")

const schemaKey = "newsfeed:schema"

// migration leads from one version of the layout to the next. It may be broken
// off and run again, also by several nodes at once, so its steps must bear being
// repeated.
type migration func(context.Context, goredis.UniversalClient) error

// migrations[i] leads from version i+1 to i+2. What stands here once is never
// changed: data of that version are out there.
var migrations = []migration{}

// SchemaVersion is the version of the layout that this program writes.
func SchemaVersion() int { return len(migrations) + 1 }

// Migrated reports whether Open migrated the data, and from which version. A
// server that had none was not migrated.
func (s *Store) Migrated() (from int, migrated bool) {
	return s.from, s.from > 0 && s.from < SchemaVersion()
}

// migrate brings the data to the version after the last of the steps. The
// version is raised after each step, never before it.
func (s *Store) migrate(ctx context.Context, steps []migration) error {
	newest := len(steps) + 1
	found, err := s.schema(ctx, newest)
	if err != nil {
		return err
	}
	s.from = found
	if found > newest {
		return fmt.Errorf("%w: it has version %d, this program knows up to %d", ErrNewer, found, newest)
	}
	for ; found < newest; found++ {
		if err := steps[found-1](ctx, s.client); err != nil {
			return fmt.Errorf("migrate from version %d: %w", found, err)
		}
		if err := s.client.Set(ctx, schemaKey, found+1, 0).Err(); err != nil {
			return fmt.Errorf("note version %d: %w", found+1, err)
		}
	}
	return nil
}

// schema reads the version, and notes the newest where there is none.
func (s *Store) schema(ctx context.Context, newest int) (int, error) {
	text, err := s.client.Get(ctx, schemaKey).Result()
	if errors.Is(err, goredis.Nil) {
		if err := s.client.SetNX(ctx, schemaKey, newest, 0).Err(); err != nil {
			return 0, fmt.Errorf("note version %d: %w", newest, err)
		}
		// Another node of another version may have been first.
		text, err = s.client.Get(ctx, schemaKey).Result()
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the data: %w", err)
	}
	version, err := strconv.Atoi(text)
	if err != nil || version < 1 {
		return 0, fmt.Errorf("%s is %.40q and should be a version", schemaKey, text)
	}
	return version, nil
}
