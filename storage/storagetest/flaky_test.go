package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"newsfeed/feed"
)

// A call that fails before took no effect, one that fails after took effect,
// and in both cases the caller is told nothing.
func TestFlakyAppend(t *testing.T) {
	for _, c := range []struct {
		name          string
		faults        Faults
		inLog         feed.Edition
		before, after int
	}{
		{"before", Faults{Before: 1}, 0, 1, 0},
		{"after", Faults{After: 1}, 2, 0, 1},
		{"both", Faults{Before: 1, After: 1}, 0, 1, 0},
	} {
		model := NewModelArticles()
		flaky := NewFlaky(model, 1, c.faults)
		stored, err := flaky.Append(t.Context(), versions(1, 2))
		if stored != 0 || !errors.Is(err, feed.ErrUnavailable) {
			t.Errorf("%s: append: %d, %v; want 0, ErrUnavailable", c.name, stored, err)
		}
		if top, _, _ := model.Top(t.Context()); top != c.inLog {
			t.Errorf("%s: top %d, want %d", c.name, top, c.inLog)
		}
		if before, after := flaky.Count(); before != c.before || after != c.after {
			t.Errorf("%s: count %d, %d; want %d, %d", c.name, before, after, c.before, c.after)
		}
		flaky.Set(Faults{})
		mustAppend(t, flaky, versions(c.inLog+1, 1))
	}
}

// What the store itself says is handed on unchanged.
func TestFlakyHandsOn(t *testing.T) {
	flaky := NewFlaky(NewModelArticles(), 1, Faults{After: 1})
	if _, err := flaky.Append(t.Context(), versions(1, 1)); !errors.Is(err, feed.ErrUnavailable) {
		t.Fatalf("append: %v, want a lost answer", err)
	}
	if stored, err := flaky.Append(t.Context(), versions(1, 1)); stored != 0 || !errors.Is(err, feed.ErrEditionTaken) {
		t.Fatalf("append again: %d, %v; want 0, ErrEditionTaken", stored, err)
	}
}

// The same seed draws the same faults.
func TestFlakySeed(t *testing.T) {
	faults := Faults{Before: 0.3, After: 0.3}
	draw := func(seed uint64) (fates []bool) {
		flaky := NewFlaky(NewModelArticles(), seed, faults)
		for range 64 {
			_, _, err := flaky.Top(t.Context())
			fates = append(fates, err != nil)
		}
		return fates
	}
	same(t, "the fates of seed 7", draw(7), draw(7))
}

// A delay ends with its caller's patience.
func TestFlakyDelay(t *testing.T) {
	flaky := NewFlaky(NewModelArticles(), 1, Faults{Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := flaky.Append(ctx, versions(1, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("append: %v, want context.DeadlineExceeded", err)
	}
}
