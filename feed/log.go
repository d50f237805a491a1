package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"newsfeed/interests/topic"
)

// Outcome is what became of a change.
type Outcome string

// What can become of a change.
const (
	Accepted  Outcome = "accepted"  // an article that is new to the log
	Updated   Outcome = "updated"   // a new version, a withdrawal, or back again
	Unchanged Outcome = "unchanged" // the log says this already
	Refused   Outcome = "rejected"  // see Result.Err
)

// Change is one wish to change the corpus: exactly one of its first three fields
// is set.
type Change struct {
	Draft    *Draft
	Withdraw ArticleID
	Topic    *topic.Topic
	Right    Right // of who asks
	Own      bool  // the draft stands on its source's own host: the article becomes that source's
	Repeats  bool  // who sends the draft may repeat old ones: content that the article had before is no new version
}

// Result is the answer to one change.
type Result struct {
	ID      ArticleID
	Outcome Outcome
	Edition Edition // the entry that was stored; 0 when none was
	InIndex bool    // false for an article older than the horizon
	Err     error   // why it was refused: ErrNotYours, ErrUnknownArticle
}

// Errors of the log.
var (
	// ErrNotYours: the article belongs to a source that the key is not bound to.
	ErrNotYours = errors.New("feed: the article belongs to another source")
	// ErrUnknownArticle: there is no article to withdraw.
	ErrUnknownArticle = errors.New("feed: no such article")
	// ErrQueueFull: the writer has more waiting than it will take.
	ErrQueueFull = errors.New("feed: the writer's queue is full")
	// ErrContended: others took the next edition for as long as was waited.
	ErrContended = errors.New("feed: other writers were always first")
	// ErrDamaged: the log has a gap, or an edition changed. Nothing is applied
	// after it; the store needs mending.
	ErrDamaged = errors.New("feed: the log is damaged")
)

// LogOptions are the settings of a log on one node.
type LogOptions struct {
	HalfLife time.Duration    // of the key, see [Key]
	Now      func() time.Time // the server's clock
	Report   func(error)      // told of failures in the background; may be nil
}

// Sizes and times of the log.
const (
	batchSize     = 500                    // changes an Append holds at most, besides merges of stories
	queueSize     = 4000                   // changes that wait for the writer at most
	putTimeout    = 5 * time.Second        // after it a Put gives up
	callTimeout   = 2 * time.Second        // of one call to the store, so that a lost answer is asked for again
	followEvery   = 50 * time.Millisecond  // between two looks at the log without an announcement
	politeWindow  = 200 * time.Millisecond // how long others' entries make the writer polite
	politeFactor  = 4                      // how many insert times a polite winner pauses
	followFirst   = 32                     // entries asked for when mostly there are none
	followBatch   = 1000                   // entries read at once
	maxPoliteWait = 100 * time.Millisecond
)

// Log is one node's end of the log: one writer that gathers changes into
// batches, and one follower that applies entries to the index in order. Start it
// before use; Stop it after.
type Log struct {
	store Articles
	index *Index
	bell  Announcements
	opt   LogOptions

	queue chan *call
	slots chan struct{} // one token per change that waits or is being written

	applyMu  sync.Mutex // held while entries are applied: by the follower, or by the writer for its own
	othersAt time.Time  // when an entry of another node was last applied; guarded by applyMu
	broken   error      // set once the log was found damaged; guarded by applyMu
	lastCall CallID     // of the newest entry applied; guarded by applyMu

	won  victory  // the writer's
	mine sync.Map // CallID → struct{}: batches of this node that are being written

	start, stop sync.Once
	cancel      context.CancelFunc
	done        sync.WaitGroup
	finished    chan struct{} // closed when the writer has ended
}

// call is one Put that waits for its answer.
type call struct {
	at      time.Time // when it was queued
	changes []Change
	results []Result
	next    int // changes before it are decided
	err     error
	done    chan struct{}
}

// NewLog returns this node's end of a log. The index is the log's alone to change.
func NewLog(store Articles, index *Index, bell Announcements, opt LogOptions) *Log {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Report == nil {
		opt.Report = func(error) {}
	}
	return &Log{
		store: store, index: index, bell: bell, opt: opt,
		queue:    make(chan *call, queueSize),
		slots:    make(chan struct{}, queueSize),
		finished: make(chan struct{}),
	}
}

// Start starts the writer and the follower. The index must be warm ([Log.Warm]).
func (l *Log) Start() {
	l.start.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		l.cancel = cancel
		l.done.Add(3)
		go func() { defer l.done.Done(); l.write(ctx) }()
		go func() { defer l.done.Done(); l.follow(ctx) }()
		go func() { defer l.done.Done(); l.tidy(ctx) }()
	})
}

// Stop ends the writer, which answers what still waits with ErrUnavailable, and
// the follower, and waits for both.
func (l *Log) Stop() {
	l.stop.Do(func() {
		if l.cancel != nil {
			l.cancel()
		}
	})
	l.done.Wait()
}

// Full reports whether the writer would refuse more changes now, so that a body
// need not be read.
func (l *Log) Full() bool { return len(l.slots) >= cap(l.slots)-batchSize }

// Put makes changes durable and visible on this node, in their order, and
// answers each. It returns when they are in the log and in this node's index. A
// Put that starts after another was acknowledged, on whatever node, gets higher
// editions. The Edition returned is the highest of the call, or the log's when
// nothing was stored.
//
// On an error the results say how far it got: those with an Outcome are stored
// (or needed nothing), the others are not known to be. Sending everything again
// is safe. Errors: ErrQueueFull, ErrContended, ErrUnavailable, ErrDamaged, or
// the context's.
func (l *Log) Put(ctx context.Context, changes []Change) ([]Result, Edition, error) {
	c := &call{at: time.Now(), changes: changes, results: make([]Result, len(changes)), done: make(chan struct{})}
	if len(changes) == 0 {
		return nil, l.index.Edition(), nil
	}
	if err := cmp.Or(ctx.Err(), l.enqueue(c)); err != nil {
		return c.results, l.index.Edition(), err
	}
	// A change that the writer has begun is brought to its end, which is soon,
	// whatever becomes of the context: its caller is to know what was stored.
	select {
	case <-c.done:
	case <-l.finished:
		return c.results, l.index.Edition(), c.abandoned()
	}
	var top Edition
	for _, r := range c.results {
		top = max(top, r.Edition)
	}
	return c.results, cmp.Or(top, l.index.Edition()), c.err
}

// abandoned returns the answer of a call whose writer has ended.
func (c *call) abandoned() error {
	select {
	case <-c.done:
		return c.err
	default:
		return fmt.Errorf("%w: the log has stopped", ErrUnavailable)
	}
}

// enqueue takes a slot per change, all or none.
func (l *Log) enqueue(c *call) error {
	for taken := range c.changes {
		select {
		case l.slots <- struct{}{}:
		default:
			l.release(taken)
			return ErrQueueFull
		}
	}
	l.queue <- c // never blocks: a call holds at least one slot
	return nil
}

func (l *Log) release(n int) {
	for range n {
		<-l.slots
	}
}

// apply gives entries to the index, in order, passing over those it has. It
// reports ErrDamaged when the first new one does not follow the last.
func (l *Log) apply(entries []Entry) error {
	l.applyMu.Lock()
	defer l.applyMu.Unlock()
	for i := range entries {
		e := &entries[i]
		have := l.index.Edition()
		switch {
		case l.broken != nil:
			return l.broken
		case e.Edition <= have:
			continue
		case e.Edition != have+1:
			l.broken = fmt.Errorf("%w: edition %d follows %d", ErrDamaged, e.Edition, have)
			return l.broken
		}
		if _, ours := l.mine.Load(e.Call); !ours {
			l.othersAt = time.Now()
		}
		l.index.Apply(*e)
		l.lastCall = e.Call
	}
	return nil
}

// catchUp reads and applies everything after the index's edition. It asks for
// little first: mostly there is nothing.
func (l *Log) catchUp(ctx context.Context) error {
	for limit := followFirst; ; limit = followBatch {
		have := l.index.Edition()
		entries, err := l.store.Read(ctx, Range{After: have, Limit: limit})
		if err != nil {
			return fmt.Errorf("follow the log after %d: %w", have, err)
		}
		if err := l.apply(entries); err != nil {
			return err
		}
		if len(entries) < limit {
			return nil
		}
	}
}
