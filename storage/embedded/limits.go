package embedded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"newsfeed/interests/account"
)

// limits keeps [account.Limits] in memory: this process is the only one, and who
// can make it start anew needs no second allowance.
type limits struct {
	mu   sync.Mutex                 // guards below
	back map[account.Hash]time.Time // when the whole allowance is back
	size int                        // of back at which it is cleared of what is past
}

// leastLimits is how many allowances are kept without looking for old ones.
const leastLimits = 1024

// Limits is this process's [account.Limits], the same at every call.
func (s *Store) Limits() account.Limits { return &s.limits }

func (l *limits) Allow(ctx context.Context, key account.Hash, n int, window time.Duration) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("count against a limit: %w", err)
	}
	now, each := time.Now(), window/time.Duration(n)
	l.mu.Lock()
	defer l.mu.Unlock()
	back := l.back[key]
	if back.Before(now) {
		back = now
	}
	back = back.Add(each)
	if wait := back.Sub(now) - each*time.Duration(n); wait > 0 {
		return wait, nil
	}
	l.clear(now)
	l.back[key] = back
	return 0, nil
}

// clear makes room: what is whole again need not be remembered. Each look at all
// of them is paid for by as many additions. mu is held.
func (l *limits) clear(now time.Time) {
	if l.back == nil {
		l.back, l.size = map[account.Hash]time.Time{}, leastLimits
	}
	if len(l.back) < l.size {
		return
	}
	for key, back := range l.back {
		if !back.After(now) {
			delete(l.back, key)
		}
	}
	l.size = max(leastLimits, 2*len(l.back))
}
