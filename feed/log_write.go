package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests/topic"
)

// This file is the writer of the log: what it decides, and how it inserts at the
// top + 1 against others who do the same.
//
// The unique edition is the lock. The writer knows that the log was at edition N,
// reads the current versions of the articles in hand, decides, and inserts at
// N+1, N+2, … If N+1 is taken, somebody else went first: it reads on and decides
// again. Where an answer was lost, the entries' call id tells its own from
// another's; inserting the same entries at the same editions again is harmless.

// item is one change of a call.
type item struct {
	call *call
	i    int
}

func (it item) change() *Change { return &it.call.changes[it.i] }
func (it item) result() *Result { return &it.call.results[it.i] }

// decision is what an item will be answered, and the entry it needs, if any.
type decision struct {
	item   item
	result Result
	entry  int // index of its entry in the batch; -1 for none
}

// write is the writer's loop.
func (l *Log) write(ctx context.Context) {
	defer close(l.finished)
	for {
		select {
		case <-ctx.Done():
			l.refuseWaiting()
			return
		case c := <-l.queue:
			l.serve(ctx, l.gather(c))
		}
	}
}

// refuseWaiting answers what is in the queue when the log stops.
func (l *Log) refuseWaiting() {
	for {
		select {
		case c := <-l.queue:
			l.answer(c, fmt.Errorf("%w: the log is stopping", ErrUnavailable))
		default:
			return
		}
	}
}

// gather adds to a call what else is waiting, up to a batch.
func (l *Log) gather(c *call) []*call {
	calls, n := []*call{c}, len(c.changes)
	for n < batchSize {
		select {
		case c := <-l.queue:
			calls = append(calls, c)
			n += len(c.changes)
		default:
			return calls
		}
	}
	return calls
}

// answer ends a call.
func (l *Log) answer(c *call, err error) {
	c.err = err
	l.release(len(c.changes))
	close(c.done)
}

// serve writes calls batch by batch and answers each when its last item is done.
func (l *Log) serve(ctx context.Context, calls []*call) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	var items []item
	for _, c := range calls {
		if time.Since(c.at) > putTimeout {
			l.answer(c, fmt.Errorf("%w: waited %s for the writer", ErrContended, putTimeout))
			continue
		}
		for i := range c.changes {
			items = append(items, item{c, i})
		}
	}
	for len(items) > 0 {
		done, err := l.writeBatch(ctx, items[:min(batchSize, len(items))])
		for _, it := range items[:done] {
			if it.call.next++; it.call.next == len(it.call.changes) {
				l.answer(it.call, nil)
			}
		}
		items = items[done:]
		if err != nil {
			l.fail(items, err)
			return
		}
	}
}

// fail answers every call that has an undecided item.
func (l *Log) fail(items []item, err error) {
	for i, it := range items {
		if i == 0 || items[i-1].call != it.call {
			l.answer(it.call, err)
		}
	}
}

// writeBatch brings items to an end, from the first on, until all are done or
// the context has ended; it returns how many are done.
func (l *Log) writeBatch(ctx context.Context, items []item) (done int, err error) {
	call := uuid.Must(uuid.NewV7())
	l.mine.Store(call, struct{}{})
	defer l.mine.Delete(call)
	seq, lost := 0, false
	for done < len(items) {
		if !lost {
			l.bePolite(ctx)
		}
		decisions, entries, err := l.decide(ctx, items[done:], call, &seq)
		if err != nil {
			return done, putError(ctx, err)
		}
		stored, took, err := l.insert(ctx, entries)
		done += settle(decisions, stored)
		if lost = errors.Is(err, errLost); err != nil && !lost {
			return done, putError(ctx, err)
		}
		if !lost {
			l.won = victory{time.Now(), took}
		}
	}
	return done, nil
}

// putError names the end of a Put by the reason its caller acts on.
func putError(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("%w: %w", ErrContended, err)
	}
	return err
}

// settle gives items their results: all up to the first whose entry was not
// stored. It returns how many.
func settle(decisions []decision, stored int) int {
	for i, d := range decisions {
		if d.entry >= stored {
			return i
		}
		*d.item.result() = d.result
	}
	return len(decisions)
}

// decide makes entries of items, for the editions after the index's. What it
// decides holds if the first of them can be inserted: then nothing came between.
func (l *Log) decide(ctx context.Context, items []item, call CallID, seq *int) ([]decision, []Entry, error) {
	base := l.index.Edition()
	at := max(l.opt.Now().UnixMilli(), l.index.corpus.Load().at.Load())
	current, err := l.current(ctx, items)
	if err != nil {
		return nil, nil, err
	}
	j := judge{at: time.UnixMilli(at).UTC(), halfLife: l.opt.HalfLife, current: current,
		topics: l.index.corpus.Load().told.last, told: map[topic.ID]*topic.Topic{}}
	decisions, entries := make([]decision, 0, len(items)), []Entry(nil)
	window := l.index.corpus.Load().window
	window.begin()
	defer window.end()
	add := func(e *Entry) {
		e.Edition, e.At, e.Call, e.Seq = base+1+Edition(len(entries)), j.at, call, *seq
		*seq++
	}
	for i, it := range items {
		entry, result := j.decide(it.change())
		decisions = append(decisions, decision{it, result, -1})
		if entry == nil {
			continue
		}
		add(entry)
		if id := entry.Article.ID; !id.IsZero() {
			var old *Entry
			if e, ok := j.current[id]; ok {
				old = &e
			}
			within := l.index.within(entry.Article.Published)
			window.place(entry, old, within)
			j.current[id] = *entry
			decisions[i].result.InIndex = !entry.Withdrawn && within
		}
		decisions[i].entry, decisions[i].result.Edition = len(entries), entry.Edition
		entries = append(entries, *entry)
	}
	for _, union := range window.unions() {
		e := Entry{Merge: &union}
		add(&e)
		entries = append(entries, e)
	}
	return decisions, entries, nil
}

// current reads the newest versions of the articles that items name.
func (l *Log) current(ctx context.Context, items []item) (map[ArticleID]Entry, error) {
	ids := make([]ArticleID, 0, len(items))
	for _, it := range items {
		if id := it.change().article(); !id.IsZero() {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return map[ArticleID]Entry{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return l.store.Current(ctx, ids)
}

// article returns the id of the article that a change is about, if any.
func (c *Change) article() ArticleID {
	if c.Draft != nil {
		return NewArticleID(c.Draft.URL)
	}
	return c.Withdraw
}

// errLost: another writer took the next edition.
var errLost = errors.New("feed: lost the race for an edition")

// insert brings entries into the log, in their editions. It returns how many of
// them, from the first on, are stored and applied to the index, and how long the
// last call to the store took. errLost: another writer has the next edition; the
// index has caught up with the log.
func (l *Log) insert(ctx context.Context, entries []Entry) (stored int, took time.Duration, err error) {
	if len(entries) == 0 {
		return 0, 0, nil
	}
	for try := 0; ; try++ {
		began := time.Now()
		n, err := l.append(ctx, entries[stored:])
		took = time.Since(began)
		if err == nil {
			if err := l.apply(entries); err != nil {
				return stored, took, err
			}
			l.bell.Announce(entries[len(entries)-1].Edition)
			return len(entries), took, nil
		}
		switch stored, err = l.resolve(ctx, entries, stored+n, err); {
		case stored == len(entries):
			return stored, took, nil
		case err != nil:
			return stored, took, err
		}
		if err := wait(ctx, time.Duration(1+try)*10*time.Millisecond); err != nil {
			return stored, took, fmt.Errorf("%w: no answer to an insert: %w", ErrUnavailable, err)
		}
	}
}

func (l *Log) append(ctx context.Context, entries []Entry) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return l.store.Append(ctx, entries)
}

// resolve finds out, after an insert that failed with why, how many of the
// entries are in the log, applies the log up to its top, and says what to do:
// nil, insert the rest at the same editions again; errLost, decide again.
func (l *Log) resolve(ctx context.Context, entries []Entry, stored int, why error) (int, error) {
	look, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	rest := entries[stored:]
	found, err := l.store.Read(look, Range{After: entries[0].Edition - 1 + Edition(stored), Limit: len(rest) + 1})
	if err == nil {
		err = l.catchUp(look)
	}
	if err != nil {
		return stored, lasting(err, why)
	}
	ours := 0
	for ours < min(len(found), len(rest)) && found[ours].Call == rest[ours].Call && found[ours].Seq == rest[ours].Seq {
		ours++
	}
	if stored += ours; stored > 0 {
		l.bell.Announce(entries[stored-1].Edition)
	}
	switch {
	case stored == len(entries):
		return stored, nil
	case ours < len(found):
		return stored, errLost
	}
	return stored, lasting(why)
}

// lasting returns the first of the errors that will not pass by itself.
func lasting(errs ...error) error {
	for _, err := range errs {
		passing := errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrEditionTaken)
		if !passing || errors.Is(err, ErrDamaged) {
			return err
		}
	}
	return nil
}

// victory is when this writer last won an edition, and how long the insert took.
type victory struct {
	at   time.Time
	took time.Duration
}

// bePolite lets others write before a writer that has just won writes again,
// if others are writing too: whoever lost tries again at once.
func (l *Log) bePolite(ctx context.Context) {
	l.applyMu.Lock()
	others := time.Since(l.othersAt) < politeWindow
	l.applyMu.Unlock()
	if pause := min(politeFactor*l.won.took, maxPoliteWait) - time.Since(l.won.at); others && pause > 0 {
		_ = wait(ctx, pause)
	}
}

// wait sleeps, or returns the context's error when it ends first.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
