package feed

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// This file is the follower of the log: how a node warms, keeps up, notices that
// the log is another one, and lets go of what nobody can name any more.

// How long a superseded version is kept: as long as a cursor may name it.
const keepSuperseded = 25 * time.Hour

// Times of the follower's other work.
const (
	rewindEvery = time.Second
	tidyEvery   = time.Minute
)

// Warm reads the log from its top down to the horizon and builds the index. It
// calls progress, if not nil, now and then with how many entries were read and
// how many there are at most. Call it before Start.
func (l *Log) Warm(ctx context.Context, progress func(done, total int)) error {
	l.applyMu.Lock()
	defer l.applyMu.Unlock()
	return l.warm(ctx, progress)
}

// warm is Warm with applyMu held.
func (l *Log) warm(ctx context.Context, progress func(done, total int)) error {
	top, at, err := l.store.Top(ctx)
	if err != nil {
		return fmt.Errorf("read the top of the log: %w", err)
	}
	b := l.index.newBulk(top, at)
	oldest := time.Time{}
	if h := l.index.horizon; h > 0 {
		// What was superseded is kept for cursors, whatever the horizon.
		oldest = l.opt.Now().Add(-max(h, keepSuperseded))
	}
	for before, done := top+1, 0; before > 1; {
		entries, err := l.store.Read(ctx, Range{Before: before, NewestFirst: true, Limit: followBatch})
		if err != nil {
			return fmt.Errorf("read the log below %d: %w", before, err)
		}
		if err := dense(entries, before); err != nil {
			return err
		}
		if before == top+1 {
			l.lastCall = entries[0].Call
		}
		for i := range entries {
			b.add(&entries[i])
		}
		last := entries[len(entries)-1]
		before, done = last.Edition, done+len(entries)
		if progress != nil {
			progress(done, int(top))
		}
		if last.At.Before(oldest) {
			break
		}
	}
	b.publish()
	return nil
}

// dense checks that entries are those directly below an edition.
func dense(entries []Entry, before Edition) error {
	if len(entries) == 0 {
		return fmt.Errorf("%w: edition %d is missing", ErrDamaged, before-1)
	}
	for i := range entries {
		if want := before - 1 - Edition(i); entries[i].Edition != want {
			return fmt.Errorf("%w: edition %d is missing", ErrDamaged, want)
		}
	}
	return nil
}

// follow applies what others append: at once when an announcement rings, else at
// the next look.
func (l *Log) follow(ctx context.Context) {
	look := time.NewTicker(followEvery)
	defer look.Stop()
	rewind := time.NewTicker(rewindEvery)
	defer rewind.Stop()
	failing := false
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-rewind.C:
			err = l.checkRewind(ctx)
		case e := <-l.bell.Editions():
			if e <= l.index.Edition() {
				continue
			}
			err = l.catchUpSoon(ctx)
		case <-look.C:
			err = l.catchUpSoon(ctx)
		}
		if err != nil && ctx.Err() == nil && !failing {
			l.opt.Report(err)
		}
		failing = err != nil
	}
}

func (l *Log) catchUpSoon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return l.catchUp(ctx)
}

// checkRewind warms again when the log is not the one that was read: it is
// shorter, or another entry stands where the last one was. A backup was restored.
func (l *Log) checkRewind(ctx context.Context) error {
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l.applyMu.Lock()
	have, lastCall := l.index.Edition(), l.lastCall
	l.applyMu.Unlock()
	if have == 0 {
		return nil
	}
	found, err := l.store.Read(call, Range{After: have - 1, Limit: 1})
	if err != nil {
		return fmt.Errorf("look at edition %d again: %w", have, err)
	}
	if len(found) > 0 && found[0].Edition == have && found[0].Call == lastCall {
		return nil
	}
	l.opt.Report(fmt.Errorf("the log is no longer the one that was read up to edition %d: reading it anew", have))
	l.applyMu.Lock()
	defer l.applyMu.Unlock()
	l.broken = nil
	return l.warm(ctx, nil)
}

// tidy lets go, now and then, of rows and versions that nobody can name any
// more: in the index, and in the store.
func (l *Log) tidy(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := l.Tidy(ctx, l.opt.Now().Add(-keepSuperseded)); err != nil && ctx.Err() == nil {
				l.opt.Report(err)
			}
		}
	}
}

// Tidy removes versions superseded before a time, and articles beyond the
// horizon, from the index, and leaves stubs of those versions in the log.
func (l *Log) Tidy(ctx context.Context, before time.Time) error {
	l.applyMu.Lock()
	editions := l.index.forget(before)
	l.applyMu.Unlock()
	for len(editions) > 0 {
		n := min(len(editions), batchSize)
		if err := l.store.Prune(ctx, editions[:n]); err != nil {
			l.applyMu.Lock()
			l.index.remember(editions, before)
			l.applyMu.Unlock()
			return fmt.Errorf("prune superseded versions: %w", err)
		}
		editions = editions[n:]
	}
	return nil
}

// Err returns why the log is not followed any more: ErrDamaged, or nil.
func (l *Log) Err() error {
	l.applyMu.Lock()
	defer l.applyMu.Unlock()
	return l.broken
}

// Await waits until the index holds an edition, at most a second.
// context.DeadlineExceeded when it does not come.
func (l *Log) Await(ctx context.Context, e Edition) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for l.index.Edition() < e {
		if err := wait(ctx, 2*time.Millisecond); err != nil {
			return errors.Join(fmt.Errorf("wait for edition %d", e), err)
		}
	}
	return nil
}
