package bell

import (
	"sync"

	"newsfeed/interests/athand"
)

// Listeners are those who listen to changes inside a process. The zero value has
// none. Safe for concurrent use.
type Listeners struct {
	mu   sync.RWMutex // guards what follows; held for reading while they are told
	last int
	all  map[int]func(athand.Change)
}

// Listen implements [athand.Announcements].
func (l *Listeners) Listen(hear func(athand.Change)) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[int]func(athand.Change){}
	}
	l.last++
	number := l.last
	l.all[number] = hear
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, number)
	}
}

// Tell hands a change to all who listen, and returns when they have it.
func (l *Listeners) Tell(c athand.Change) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, hear := range l.all {
		hear(c)
	}
}

// Close makes all deaf.
func (l *Listeners) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.all)
}
