package topic

import (
	"sync"
	"sync/atomic"
	"time"
)

// compiling is what a catalogue's tagger is kept with. What the log says of topics
// is compiled in the background, by one goroutine that ends when there is nothing
// more to do: of many changes it compiles the first and then all others together.
type compiling struct {
	taggable atomic.Uint64 // grows with each change that the tagger has to follow
	insisted atomic.Uint64 // up to here it has to know them
	tagger   atomic.Pointer[compiled]
	compile  sync.Mutex // one compilation at a time

	work    sync.Mutex // guards what follows
	working bool
	closed  bool
	quit    chan struct{} // closed with it
	done    sync.WaitGroup
}

// compiled is a tagger and the state of the catalogue it was made from.
type compiled struct {
	tagger   *Tagger
	taggable uint64
}

// restFactor is how many times as long as a compilation took is waited before the
// next one: compiling takes a tenth of one core at most.
const restFactor = 9

// Tagger returns the newest tagger there is. It knows what was Put before the call,
// or before a call of [Catalogue.Insist]; what the log said since (Learn) it may not
// know for some hundredths of a second. Only the first call, and the first one after
// a Put, wait for a compilation (15 ms of one core for the seed); tags and sources
// cost nothing. It takes no lock when it need not wait.
func (c *Catalogue) Tagger() *Tagger {
	if current := c.tagger.Load(); current != nil && current.taggable >= c.insisted.Load() {
		return current.tagger
	}
	return c.compileNow()
}

// Insist makes later calls of Tagger wait for one that knows every topic that is in
// the catalogue now. An editor who was answered can so rely on it on this node.
func (c *Catalogue) Insist() {
	for now := c.taggable.Load(); ; {
		was := c.insisted.Load()
		if was >= now || c.insisted.CompareAndSwap(was, now) {
			return
		}
	}
}

// compileNow returns a tagger of what is in the catalogue now, compiled or found.
func (c *Catalogue) compileNow() *Tagger {
	c.compile.Lock()
	defer c.compile.Unlock()
	c.mu.RLock()
	taggable := c.taggable.Load()
	if current := c.tagger.Load(); current != nil && current.taggable == taggable {
		c.mu.RUnlock()
		return current.tagger
	}
	var entries []*entry
	for _, e := range c.byID {
		if e.topic.Kind.InCatalogue() {
			entries = append(entries, e)
		}
	}
	c.mu.RUnlock()
	current := &compiled{newTagger(topicsInOrder(entries)), taggable}
	c.tagger.Store(current)
	return current.tagger
}

// isStale reports whether there is a tagger that does not know everything.
func (c *Catalogue) isStale() bool {
	current := c.tagger.Load()
	return current != nil && current.taggable != c.taggable.Load()
}

// compileSoon starts the goroutine that compiles, unless it runs or no tagger was
// asked for yet.
func (c *Catalogue) compileSoon() {
	c.work.Lock()
	defer c.work.Unlock()
	if c.working || c.closed || !c.isStale() {
		return
	}
	c.working = true
	c.done.Go(func() {
		for more := true; more; {
			began := time.Now()
			c.compileNow()
			more = c.rest(restFactor * time.Since(began))
		}
	})
}

// rest waits a while if there is more to compile; else the work is done.
func (c *Catalogue) rest(d time.Duration) (more bool) {
	c.work.Lock()
	more = c.isStale() && !c.closed
	c.working = more
	c.work.Unlock()
	if more {
		select {
		case <-c.quit:
		case <-time.After(d):
		}
	}
	return more
}

// Close ends what works in the background and waits for it. It may be called twice.
func (c *Catalogue) Close() {
	c.work.Lock()
	if !c.closed {
		c.closed = true
		close(c.quit)
	}
	c.work.Unlock()
	c.done.Wait()
}
