package athand

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// Cache keeps values of one kind, bounded by their weight. A hit takes no lock
// and allocates nothing. Nothing is kept longer than others need the room, but
// what is not trusted any more is, as the last known, until it is read anew.
//
// The nil Cache keeps nothing. Safe for concurrent use.
type Cache[V any] struct {
	changes Announcements
	held    *otter.Cache[Key, *item[V]]
	stop    func()
	failed  atomic.Int64 // when the store was last found unreachable, in Unix ns; 0: it answers

	mu     sync.Mutex      // guards what follows, and all that changes held; never held while a store is called
	busy   map[Key]*use[V] // records that are being read or edited here
	closed bool            // nothing is kept any more: nobody listens
}

// item is a value at hand. It is never changed, but for being superseded.
type item[V any] struct {
	value      V
	revision   uint64
	weight     uint32
	read       time.Time   // before the store was asked
	superseded atomic.Bool // there is a later one
}

// use is what happens to a record while it is read or edited here.
type use[V any] struct {
	users  int
	newest uint64     // the greatest revision heard of meanwhile
	gone   int        // how often it was gone meanwhile
	flight *flight[V] // who comes now waits for this one; nil: reads by themselves
}

// flight is one reading of a record for many.
type flight[V any] struct {
	began    time.Time
	done     chan struct{} // closed when what follows is set
	value    V
	revision uint64
	err      error
}

// New returns a cache of one kind that holds so much weight and listens to
// changes until it is closed.
func New[V any](of Kind, changes Announcements, maxWeight uint64) *Cache[V] {
	c := &Cache[V]{changes: changes, busy: map[Key]*use[V]{}}
	c.held = otter.Must(&otter.Options[Key, *item[V]]{
		MaximumWeight: maxWeight,
		Weigher:       func(_ Key, i *item[V]) uint32 { return i.weight },
		Executor:      func(maintain func()) { maintain() }, // no goroutine of its own
	})
	c.stop = changes.Listen(func(change Change) {
		if change.Of == of {
			c.hear(change.Key, change.Revision)
		}
	})
	return c
}

// Close stops listening and forgets everything. Closing twice is closing once.
func (c *Cache[V]) Close() {
	if c == nil {
		return
	}
	c.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.held.InvalidateAll()
}

// Get returns a value at hand that is trusted and not older than a revision.
func (c *Cache[V]) Get(k Key, least uint64) (v V, ok bool) {
	if c == nil {
		return v, false
	}
	i, ok := c.held.GetIfPresent(k)
	if !ok || i.revision < least || !c.trusts(i) {
		return v, false
	}
	return i.value, true
}

func (c *Cache[V]) trusts(i *item[V]) bool {
	if i.superseded.Load() {
		return false
	}
	now := time.Now()
	return now.Sub(i.read) < MaxAge || c.changes.Vouch(i.read, now)
}

// LastKnown returns a value at hand that is not older than a revision, trusted
// or not.
func (c *Cache[V]) LastKnown(k Key, least uint64) (v V, ok bool) {
	if c == nil {
		return v, false
	}
	i, ok := c.held.GetIfPresent(k)
	if !ok || i.revision < least {
		return v, false
	}
	return i.value, true
}

// Read is what a store says of a record.
type Read[V any] struct {
	Value    V
	Revision uint64
	Weight   uint32 // at least 1, unless it is not to be kept
}

// Load returns a value at hand as [Cache.Get] does, else what read returns, which
// is kept. Many who ask for one record at a time share one read. What the store
// says is returned even if it is older than asked for: then the record is.
func (c *Cache[V]) Load(ctx context.Context, k Key, least uint64, read func(context.Context) (Read[V], error)) (v V, err error) {
	if c == nil {
		r, err := read(ctx)
		return r.Value, err
	}
	arrived := time.Now()
	for {
		if v, ok := c.Get(k, least); ok {
			return v, nil
		}
		f, ticket := c.join(k)
		if ticket != nil {
			if v, ok := c.Get(k, least); ok { // another flight landed before ours was announced
				f.err = context.Canceled // who joined meanwhile looks again
				ticket.land(f)
				close(f.done)
				return v, nil
			}
			return c.lead(ctx, f, ticket, read)
		}
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-f.done:
		}
		switch ours := f.began.After(arrived); {
		case errors.Is(f.err, context.Canceled) || errors.Is(f.err, context.DeadlineExceeded):
			// The one who read has gone. We have not.
		case f.err != nil:
			return v, f.err
		case ours || f.revision >= least && time.Since(f.began) < MaxAge:
			return f.value, nil
		}
	}
}

// join returns the flight that reads a record; with a ticket it is for the caller
// to fly.
func (c *Cache[V]) join(k Key) (*flight[V], *Ticket[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := c.busy[k]; u != nil && u.flight != nil {
		return u.flight, nil
	}
	t := c.begin(k)
	t.use.flight = &flight[V]{began: t.began, done: make(chan struct{})}
	return t.use.flight, t
}

func (c *Cache[V]) lead(ctx context.Context, f *flight[V], t *Ticket[V], read func(context.Context) (Read[V], error)) (V, error) {
	f.err = errors.New("athand: reading panicked") // unless it returns
	defer func() {
		t.land(f)
		close(f.done)
	}()
	var r Read[V]
	r, f.err = read(ctx)
	f.value, f.revision = r.Value, r.Revision
	if f.err == nil {
		t.Keep(r)
	}
	return f.value, f.err
}

// retryPause is after how long a store that was found unreachable is asked again
// on behalf of who can do with the last known.
const retryPause = time.Second

// LoadOrLastKnown is Load for who would rather have an old value than none: when
// the store is unreachable, which is for the caller to tell by the error, it
// returns the last known one that is not older than a revision, and true. Then
// the store is tried once a second, and nobody else waits for it.
func (c *Cache[V]) LoadOrLastKnown(ctx context.Context, k Key, least uint64,
	read func(context.Context) (Read[V], error), unreachable func(error) bool) (v V, stale bool, err error) {
	if v, ok := c.Get(k, least); ok || c == nil {
		if ok {
			return v, false, nil
		}
		v, err = c.Load(ctx, k, least, read)
		return v, false, err
	}
	if c.down(time.Now().UnixNano()) {
		if v, ok := c.LastKnown(k, least); ok {
			return v, true, nil
		}
	}
	v, err = c.Load(ctx, k, least, read)
	switch {
	case err == nil:
		c.failed.Store(0)
	case unreachable(err):
		c.failed.Store(time.Now().UnixNano())
		if known, ok := c.LastKnown(k, least); ok {
			return known, true, nil
		}
	}
	return v, false, err
}

// down reports whether the store was unreachable a moment ago. After retryPause
// one caller is told otherwise, and tries.
func (c *Cache[V]) down(now int64) bool {
	failed := c.failed.Load()
	if failed == 0 {
		return false
	}
	return now-failed < int64(retryPause) || !c.failed.CompareAndSwap(failed, now)
}

// Forget drops a record that is gone.
func (c *Cache[V]) Forget(k Key) {
	if c != nil {
		c.hear(k, 0)
	}
}

// Doubt ends the trust in what is at hand of a record: nobody knows what became
// of an edit.
func (c *Cache[V]) Doubt(k Key) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if i, ok := c.held.GetEntryQuietly(k); ok {
		i.Value.superseded.Store(true)
	}
	if u := c.busy[k]; u != nil {
		u.flight = nil
	}
}

// hear takes note of a change: what is at hand and older is trusted no more, what
// is read or edited at the moment will not be kept if it is older, and who comes
// from now on reads anew.
func (c *Cache[V]) hear(k Key, revision uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := c.busy[k]; u != nil {
		u.flight = nil
		u.newest = max(u.newest, revision)
		if revision == 0 {
			u.gone++
		}
	}
	i, ok := c.held.GetEntryQuietly(k)
	switch {
	case !ok:
	case revision == 0:
		c.held.Invalidate(k)
	case i.Value.revision < revision:
		i.Value.superseded.Store(true)
	}
}

// Ticket is held by who reads or edits a record beside Load, so that changes that
// others make meanwhile are not covered up by an older value.
type Ticket[V any] struct {
	cache *Cache[V]
	key   Key
	use   *use[V]
	gone  int
	began time.Time
}

// Begin returns a ticket. It is taken before the store is called; End gives it
// back. That of the nil Cache is nil and can be used.
func (c *Cache[V]) Begin(k Key) *Ticket[V] {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.begin(k)
}

// begin is Begin; mu is held.
func (c *Cache[V]) begin(k Key) *Ticket[V] {
	u := c.busy[k]
	if u == nil {
		u = new(use[V])
		c.busy[k] = u
	}
	u.users++
	return &Ticket[V]{cache: c, key: k, use: u, gone: u.gone, began: time.Now()}
}

// Keep keeps what was read, or written and acknowledged, since the ticket was
// taken, unless something newer is known.
func (t *Ticket[V]) Keep(r Read[V]) {
	if t == nil {
		return
	}
	c := t.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || t.use.gone != t.gone || r.Revision < t.use.newest {
		return
	}
	t.use.newest, t.use.flight = r.Revision, nil
	if r.Weight > 0 {
		c.held.Set(t.key, &item[V]{value: r.Value, revision: r.Revision, weight: r.Weight, read: t.began})
	}
}

// End gives the ticket back, once.
func (t *Ticket[V]) End() {
	if t == nil {
		return
	}
	t.cache.mu.Lock()
	defer t.cache.mu.Unlock()
	t.end()
}

// land ends a flight and its ticket.
func (t *Ticket[V]) land(f *flight[V]) {
	t.cache.mu.Lock()
	defer t.cache.mu.Unlock()
	if t.use.flight == f {
		t.use.flight = nil
	}
	t.end()
}

// end is End; mu is held.
func (t *Ticket[V]) end() {
	if t.use.users--; t.use.users == 0 {
		delete(t.cache.busy, t.key)
	}
}

// Size returns how many values are at hand, trusted or not, and their weight.
func (c *Cache[V]) Size() (values int, weight uint64) {
	if c == nil {
		return 0, 0
	}
	c.held.CleanUp()
	return c.held.EstimatedSize(), c.held.WeightedSize()
}

// Unreachable makes an error of a store that gave no answer in time the one of
// its contract that says so; other errors stay what they are.
func Unreachable(err, unavailable error) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, unavailable) {
		return fmt.Errorf("%w: %w", unavailable, err)
	}
	return err
}
