package embedded

import (
	"sync/atomic"
	"time"

	"newsfeed/interests/athand"
	"newsfeed/storage/internal/bell"
)

// changes is [athand.Announcements] inside this process, the only one that has
// the file: who listens has heard of a change before it is acknowledged.
type changes struct {
	bell.Listeners
	closed atomic.Bool
}

// Changes is the file's [athand.Announcements].
func (s *Store) Changes() athand.Announcements { return s.ears }

// Vouch implements [athand.Announcements].
func (c *changes) Vouch(_, _ time.Time) bool { return !c.closed.Load() }

func (c *changes) close() {
	c.closed.Store(true)
	c.Listeners.Close()
}

// told announces a change if it was made.
func (c *changes) told(err error, of athand.Kind, key athand.Key, revision uint64) {
	if err == nil {
		c.Tell(athand.Change{Of: of, Key: key, Revision: revision})
	}
}
