package storagetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"newsfeed/feed"
)

// Faults says how often, from 0 to 1, and how a [Flaky] store misbehaves.
type Faults struct {
	Before float64       // fails with ErrUnavailable and does nothing
	After  float64       // does it, and fails with ErrUnavailable: the answer was lost
	Delay  time.Duration // waits up to so long before the call, and again after it
}

// Flaky is feed.Articles over a bad line. A lost answer tells nothing: Append
// then reports 0 entries stored, whatever happened. Which calls fail is drawn
// from a seeded source: the same seed draws the same sequence, though with many
// goroutines not for the same calls.
type Flaky struct {
	inner feed.Articles

	mu     sync.Mutex // guards what follows
	faults Faults
	random *rand.Rand
	before int
	after  int
}

// NewFlaky wraps a store. Print the seed when a test fails.
func NewFlaky(inner feed.Articles, seed uint64, f Faults) *Flaky {
	return &Flaky{inner: inner, faults: f, random: rand.New(rand.NewPCG(seed, 0))}
}

// Set changes the faults from now on; the zero Faults is a good line.
func (f *Flaky) Set(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = faults
}

// Count returns how many calls failed so far before and after they took effect,
// for a test to know that it saw what it is about.
func (f *Flaky) Count() (before, after int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.before, f.after
}

// Top implements feed.Articles.
func (f *Flaky) Top(ctx context.Context) (top feed.Edition, at time.Time, err error) {
	err = f.call(ctx, "top", func() (err error) { top, at, err = f.inner.Top(ctx); return err })
	if err != nil {
		return 0, time.Time{}, err
	}
	return top, at, nil
}

// Append implements feed.Articles.
func (f *Flaky) Append(ctx context.Context, entries []feed.Entry) (stored int, err error) {
	answered := false
	err = f.call(ctx, "append", func() (err error) {
		stored, err = f.inner.Append(ctx, entries)
		answered = err != nil
		return err
	})
	if err != nil && !answered {
		return 0, err
	}
	return stored, err
}

// Current implements feed.Articles.
func (f *Flaky) Current(ctx context.Context, ids []feed.ArticleID) (current map[feed.ArticleID]feed.Entry, err error) {
	err = f.call(ctx, "current", func() (err error) { current, err = f.inner.Current(ctx, ids); return err })
	if err != nil {
		return nil, err
	}
	return current, nil
}

// Body implements feed.Articles.
func (f *Flaky) Body(ctx context.Context, e feed.Edition) (body string, err error) {
	err = f.call(ctx, "body", func() (err error) { body, err = f.inner.Body(ctx, e); return err })
	if err != nil {
		return "", err
	}
	return body, nil
}

// Read implements feed.Articles.
func (f *Flaky) Read(ctx context.Context, r feed.Range) (entries []feed.Entry, err error) {
	err = f.call(ctx, "read", func() (err error) { entries, err = f.inner.Read(ctx, r); return err })
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// Prune implements feed.Articles.
func (f *Flaky) Merges(ctx context.Context, ids []feed.StoryID) (found []feed.StoryMerge, err error) {
	err = f.call(ctx, "merges", func() error { found, err = f.inner.Merges(ctx, ids); return err })
	return found, err
}

func (f *Flaky) Prune(ctx context.Context, editions []feed.Edition) error {
	return f.call(ctx, "prune", func() error { return f.inner.Prune(ctx, editions) })
}

// call is one call over the line. An error of the store itself is handed on.
func (f *Flaky) call(ctx context.Context, what string, do func() error) error {
	fate := f.draw()
	if err := wait(ctx, fate.delayBefore); err != nil {
		return fmt.Errorf("%s over a flaky line: %w", what, err)
	}
	if fate.before {
		f.count(&f.before)
		return fmt.Errorf("%s failed before it took effect: %w", what, feed.ErrUnavailable)
	}
	if err := do(); err != nil {
		return err
	}
	if err := wait(ctx, fate.delayAfter); err != nil {
		return fmt.Errorf("%s over a flaky line: %w", what, err)
	}
	if fate.after {
		f.count(&f.after)
		return fmt.Errorf("%s took effect, its answer was lost: %w", what, feed.ErrUnavailable)
	}
	return nil
}

// fate is what will happen to one call.
type fate struct {
	before, after           bool
	delayBefore, delayAfter time.Duration
}

func (f *Flaky) draw() fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	drawn := fate{
		delayBefore: time.Duration(f.random.Float64() * float64(f.faults.Delay)),
		delayAfter:  time.Duration(f.random.Float64() * float64(f.faults.Delay)),
		before:      f.random.Float64() < f.faults.Before,
		after:       f.random.Float64() < f.faults.After,
	}
	return drawn
}

func (f *Flaky) count(n *int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*n++
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
