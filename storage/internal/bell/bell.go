// Package bell is the half of an announcement that happens inside a process:
// whoever rings is never kept waiting, and whoever listens to a [Bell] finds the
// greatest edition that was rung since they last looked, while [Listeners] are
// told of every change. Adapters add what carries it to other processes, if there
// are any.
package bell

import (
	"sync"

	"newsfeed/feed"
)

// Bell is [feed.Announcements] for one process.
type Bell struct {
	mu     sync.Mutex        // guards sending to editions, and closed
	closed bool              // editions is closed
	rung   chan feed.Edition // room for one, the greatest
}

// New makes a bell that nobody has rung.
func New() *Bell { return &Bell{rung: make(chan feed.Edition, 1)} }

// Announce implements [feed.Announcements]. On a closed bell it does nothing.
func (b *Bell) Announce(e feed.Edition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	select {
	case waiting := <-b.rung:
		e = max(e, waiting)
	default:
	}
	b.rung <- e // has room: only we send, under the lock, and we have just emptied it
}

// Editions implements [feed.Announcements].
func (b *Bell) Editions() <-chan feed.Edition { return b.rung }

// Close closes the channel of editions. Closing twice is closing once.
func (b *Bell) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.rung)
	}
}
