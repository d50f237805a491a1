package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests/account"
)

// Fill is an [account.Fill]: of a cluster that of its fullest master, since nobody
// chooses where a guest goes.
func (s *Store) Fill(ctx context.Context) (float64, error) {
	var (
		mu      sync.Mutex // guards fullest: masters are asked at once
		fullest float64
	)
	err := s.eachMaster(ctx, func(ctx context.Context, c *goredis.Client) error {
		share, err := memoryShare(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		fullest = max(fullest, share)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ask redis at %s for its memory: %w", s.addr, blame(ctx, err, account.ErrUnavailable))
	}
	return fullest, nil
}

// memoryShare is how much of maxmemory a server uses, by its own count: what
// replicas and the append-only file have in their buffers does not make it refuse
// writes. 0 when it has no maxmemory.
func memoryShare(ctx context.Context, c *goredis.Client) (float64, error) {
	info, err := c.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	most := infoNumber(info, "maxmemory")
	if most == 0 {
		return 0, nil
	}
	return max(0, (infoNumber(info, "used_memory")-infoNumber(info, "mem_not_counted_for_evict"))/most), nil
}

// infoNumber reads a line of INFO; 0 when there is none.
func infoNumber(info, name string) float64 {
	for line := range strings.Lines(info) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), ":"); key == name {
			n, _ := strconv.ParseFloat(value, 64)
			return n
		}
	}
	return 0
}
