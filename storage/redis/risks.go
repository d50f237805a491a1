package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// risk is a setting that must have one value, and what may happen otherwise.
type risk struct{ setting, want, otherwise string }

var riskySettings = []risk{
	{"appendonly", "yes", "what was written since the last snapshot is lost when Redis stops unexpectedly"},
	{"appendfsync", "always", "the last second or more of acknowledged edits is lost when its machine stops unexpectedly"},
	{"maxmemory-policy", "noeviction", "Redis throws away people's lists and sessions when its memory is full"},
}

// Risks says in plain words what the settings of the server put at risk; nothing
// when they are right. A server that does not show its settings is a risk too.
// The error is that of a server that cannot be asked.
func (s *Store) Risks(ctx context.Context) ([]string, error) {
	var (
		mu    sync.Mutex // guards risks: masters are asked at once
		risks []string
	)
	err := s.eachMaster(ctx, func(ctx context.Context, c *goredis.Client) error {
		texts, err := s.risksOf(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		for _, text := range texts {
			risks = append(risks, fmt.Sprintf("Redis at %s: %s", c.Options().Addr, text))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the settings of redis at %s: %w", s.addr, err)
	}
	slices.Sort(risks)
	return risks, nil
}

// risksOf asks one server.
func (s *Store) risksOf(ctx context.Context, c *goredis.Client) (texts []string, err error) {
	for _, r := range riskySettings {
		text, err := r.ask(ctx, c)
		if err != nil {
			return nil, err
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	if s.wanted.replicas == 0 {
		return texts, nil
	}
	info, err := c.Info(ctx, "replication").Result()
	if err != nil {
		return nil, err
	}
	if online := strings.Count(info, "state=online"); online < s.wanted.replicas {
		texts = append(texts, fmt.Sprintf("%d of %d replicas that are to confirm each edit (wait_replicas) are there: edits are stored and refused", online, s.wanted.replicas))
	}
	return texts, nil
}

func (r risk) ask(ctx context.Context, c *goredis.Client) (string, error) {
	got, err := c.ConfigGet(ctx, r.setting).Result()
	switch {
	case goredis.HasErrorPrefix(err, "NOPERM"), goredis.HasErrorPrefix(err, "unknown command"):
		return fmt.Sprintf("%s cannot be checked (CONFIG is forbidden); unless it is %s, %s", r.setting, r.want, r.otherwise), nil
	case err != nil:
		return "", err
	case !strings.EqualFold(got[r.setting], r.want):
		return fmt.Sprintf("%s is %q and should be %q: %s", r.setting, got[r.setting], r.want, r.otherwise), nil
	}
	return "", nil
}
