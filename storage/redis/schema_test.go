package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/storage/storagetest/servers"
)

// The layout's version is noted where there is none, kept where it is ours, and
// a newer one or nonsense is refused and left as it was.
func TestSchema(t *testing.T) {
	s := servers.Redis(t)
	client := goredis.NewClient(&goredis.Options{Addr: s.Addr()})
	defer client.Close()
	for _, c := range []struct {
		before string
		after  string
		want   error // nil, ErrNewer, or errAny
	}{
		{"", "1", nil},
		{"1", "1", nil},
		{"2", "2", ErrNewer},
		{"999", "999", ErrNewer},
		{"0", "0", errAny},
		{"x", "x", errAny},
	} {
		err := client.Del(t.Context(), schemaKey).Err()
		if c.before != "" {
			err = client.Set(t.Context(), schemaKey, c.before, 0).Err()
		}
		if err != nil {
			t.Fatal(err)
		}
		store, err := Open(t.Context(), s.URL())
		if (err == nil) != (c.want == nil) || errors.Is(err, ErrNewer) != errors.Is(c.want, ErrNewer) {
			t.Errorf("open version %q: %v, want %v", c.before, err, c.want)
		}
		if err == nil {
			if from, migrated := store.Migrated(); migrated {
				t.Errorf("version %q was migrated from %d", c.before, from)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
		if after := client.Get(t.Context(), schemaKey).Val(); after != c.after {
			t.Errorf("version %q became %q, want %q", c.before, after, c.after)
		}
	}
}

var errAny = errors.New("any error")

// Migrations are done in order from where the data are; one that fails is done
// again the next time, those before it are not.
func TestMigrate(t *testing.T) {
	s := servers.Redis(t)
	store, err := Open(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var done []string
	broken := true
	step := func(n int) migration {
		return func(context.Context, goredis.UniversalClient) error {
			if n == 3 && broken {
				return errAny
			}
			done = append(done, fmt.Sprint(n))
			return nil
		}
	}
	steps := []migration{step(1), step(2), step(3), step(4)}
	if err := store.migrate(t.Context(), steps); !errors.Is(err, errAny) {
		t.Fatalf("migrate with a broken step: %v", err)
	}
	broken = false
	for range 2 {
		if err := store.migrate(t.Context(), steps); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(done, " "); got != "1 2 3 4" {
		t.Errorf("done: %s, want 1 2 3 4", got)
	}
	if _, err := Open(t.Context(), s.URL()); !errors.Is(err, ErrNewer) {
		t.Errorf("open by the older program: %v, want ErrNewer", err)
	}
}
