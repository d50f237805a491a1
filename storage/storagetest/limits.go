package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"newsfeed/interests/account"
)

// Limits proves that an implementation keeps the contract of [account.Limits].
func Limits(t *testing.T, fresh Fresh[account.Limits]) {
	run(t, "account.Limits", fresh, []testCase[account.Limits]{
		{name: "n calls are allowed at once, and the next is told how long to wait", run: limitsBurst},
		{name: "an allowance is one key's alone", run: limitsKeys},
		{name: "after the wait there is one call, and not before", run: limitsComeBack},
		{name: "of 40 calls at once on several nodes n are allowed", run: limitsRace},
		{name: "a context that has ended ends every call", run: func(t *testing.T, h Harness[account.Limits]) {
			limits, _ := h.Start(t)
			wantContext(t, limitCalls(limits))
		}},
		{name: "a lost server is unavailable, and back when it is back", server: true, run: func(t *testing.T, h Harness[account.Limits]) {
			limits, _ := h.Start(t)
			wantLostAndBack(t, h.Lose, h.Heal, limitCalls(limits), account.ErrUnavailable)
		}},
		{name: "a frozen server keeps no call beyond its deadline", server: true, run: func(t *testing.T, h Harness[account.Limits]) {
			limits, _ := h.Start(t)
			wantDeadlines(t, h.Freeze, h.Thaw, limitCalls(limits))
		}},
	})
	t.Run("random operations agree with the model", func(t *testing.T) { limitsRandom(t, fresh) })
}

func limitsBurst(t *testing.T, h Harness[account.Limits]) {
	limits, _ := h.Start(t)
	for _, n := range []int{1, 3, 100} {
		key, window := newHash(), time.Duration(n)*time.Hour
		began := time.Now()
		for i := range n {
			if wait := mustAllow(t, limits, key, n, window); wait != 0 {
				t.Fatalf("call %d of %d: wait %v", i+1, n, wait)
			}
		}
		for range 2 { // what was refused took nothing
			wait := mustAllow(t, limits, key, n, window)
			if least := time.Hour - time.Since(began) - time.Second; wait < least || wait > time.Hour {
				t.Fatalf("call %d of %d: wait %v, want an hour or just less", n+1, n, wait)
			}
		}
	}
}

func limitsKeys(t *testing.T, h Harness[account.Limits]) {
	limits, _ := h.Start(t)
	whom := newHash().String()
	for _, key := range []account.Hash{
		account.LimitKey("a", whom), account.LimitKey("a", whom+"b"), account.LimitKey("b", whom), account.LimitKey("a"+whom, ""),
	} {
		if wait := mustAllow(t, limits, key, 1, time.Hour); wait != 0 {
			t.Errorf("another key's first call: wait %v", wait)
		}
		if wait := mustAllow(t, limits, key, 1, time.Hour); wait == 0 {
			t.Error("a second call was allowed")
		}
	}
}

func limitsComeBack(t *testing.T, h Harness[account.Limits]) {
	limits, _ := h.Start(t)
	key, n := newHash(), 4
	for range n {
		mustAllow(t, limits, key, n, time.Duration(n)*soon)
	}
	began := time.Now()
	wait := mustAllow(t, limits, key, n, time.Duration(n)*soon)
	if wait <= 0 || wait > soon {
		t.Fatalf("wait %v, want at most %v", wait, soon)
	}
	eventually(t, "a call has come back", func() bool {
		allowed := mustAllow(t, limits, key, n, time.Duration(n)*soon) == 0
		if took := time.Since(began); allowed && took < wait-time.Millisecond {
			t.Fatalf("a call came back after %v, which was to take %v", took, wait)
		}
		return allowed
	})
}

func limitsRace(t *testing.T, h Harness[account.Limits]) {
	nodes := h.Nodes(t, 4)
	key, n := newHash(), 7
	var allowed atomic.Int32
	inParallel(40, func(i int) {
		wait, err := nodes[i%len(nodes)].Allow(background(t), key, n, time.Hour)
		if err != nil {
			t.Errorf("allow: %v", err)
		} else if wait == 0 {
			allowed.Add(1)
		}
	})
	if got := int(allowed.Load()); got != n {
		t.Errorf("%d calls were allowed, want %d", got, n)
	}
}

func limitCalls(limits account.Limits) []storeCall {
	return []storeCall{{"Allow", func(ctx context.Context) error {
		_, err := limits.Allow(ctx, newHash(), 1, time.Hour)
		return err
	}}}
}

// limitsRandom: windows are days, so that no clock decides.
func limitsRandom(t *testing.T, fresh Fresh[account.Limits]) {
	checkRandom(t, fresh, 20, func(r *rapid.T, h Harness[account.Limits]) {
		limits, stop := h.Start(t)
		defer stop()
		model := new(ModelLimits)
		keys := []account.Hash{newHash(), newHash(), newHash()}
		for range rapid.IntRange(1, 30).Draw(r, "calls") {
			i := rapid.IntRange(0, len(keys)-1).Draw(r, "key")
			n, window := 3*i+1, time.Duration(i+1)*24*time.Hour
			want, err := model.Allow(context.Background(), keys[i], n, window)
			got, err2 := limits.Allow(context.Background(), keys[i], n, window)
			if err = errors.Join(err, err2); err != nil || (want == 0) != (got == 0) || (want-got).Abs() > 10*time.Second {
				r.Fatalf("key %d of %d a window: wait %v, the model says %v; %v", i, n, got, want, err)
			}
		}
	})
}

func mustAllow(t testing.TB, limits account.Limits, key account.Hash, n int, window time.Duration) time.Duration {
	t.Helper()
	wait, err := limits.Allow(background(t), key, n, window)
	if err != nil {
		t.Fatalf("allow: %v", err)
	}
	return wait
}

// ModelLimits is a store of allowances as plain as can be: per key a bucket that
// fills evenly. The zero value is ready.
type ModelLimits struct {
	mu      sync.Mutex // guards buckets
	buckets map[account.Hash]bucket
}

type bucket struct {
	calls float64
	at    time.Time
}

func (m *ModelLimits) Allow(ctx context.Context, key account.Hash, n int, window time.Duration) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("allow: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buckets == nil {
		m.buckets = map[account.Hash]bucket{}
	}
	now := time.Now()
	b, ok := m.buckets[key]
	if !ok {
		b = bucket{float64(n), now}
	}
	each := window / time.Duration(n)
	b.calls = min(float64(n), b.calls+now.Sub(b.at).Seconds()/each.Seconds())
	b.at = now
	wait := time.Duration(0)
	if b.calls < 1 {
		wait = time.Duration((1 - b.calls) * float64(each))
	} else {
		b.calls--
	}
	m.buckets[key] = b
	return wait, nil
}
