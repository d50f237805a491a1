package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests/account"
)

// risk is a setting that must have one value, and what may happen otherwise.
type risk struct{ setting, want, otherwise string }

var riskySettings = []risk{
	{"appendonly", "yes", "what was written since the last snapshot is lost when Redis stops unexpectedly"},
	{"appendfsync", "always", "the last second or more of acknowledged edits is lost when its machine stops unexpectedly"},
	{"maxmemory-policy", "noeviction", "Redis throws away people's lists and sessions when its memory is full"},
}

// Risks says in plain words what the settings and the state of the server put at
// risk; nothing when all is well. A server that does not show its settings is a risk too.
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
	asks := []func(context.Context, *goredis.Client) (string, error){memoryRisk, s.replicaRisk}
	for _, r := range riskySettings {
		asks = append(asks, r.ask)
	}
	for _, ask := range asks {
		text, err := ask(ctx, c)
		if err != nil {
			return nil, err
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	return texts, nil
}

func memoryRisk(ctx context.Context, c *goredis.Client) (string, error) {
	share, err := memoryShare(ctx, c)
	if err != nil || share < account.RoomForPeople {
		return "", err
	}
	return fmt.Sprintf("%.0f %% of maxmemory is used: from %.0f %% on no guests are made, at 100 %% edits are refused; raise it",
		100*share, 100*account.RoomForPeople), nil
}

func (s *Store) replicaRisk(ctx context.Context, c *goredis.Client) (string, error) {
	if s.wanted.replicas == 0 {
		return "", nil
	}
	info, err := c.Info(ctx, "replication").Result()
	online := strings.Count(info, "state=online")
	if err != nil || online >= s.wanted.replicas {
		return "", err
	}
	return fmt.Sprintf("%d of the %d replicas that are to confirm each edit (wait_replicas) are there: edits are stored, and answered as unconfirmed",
		online, s.wanted.replicas), nil
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
