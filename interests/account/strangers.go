package account

import (
	"sync"
	"time"
)

// How long it is remembered that a token is nobody's, and of how many. It keeps
// one that is sent again and again away from the store; a session that is made
// on another node meanwhile is refused here for so long at most, though its token
// was never known to anybody before.
const (
	strangerAge  = time.Second
	maxStrangers = 4096
)

// strangers are hashes of tokens that were nobody's a moment ago: those of the
// current second and those of the one before. The zero value knows none. Safe
// for concurrent use.
type strangers struct {
	mu       sync.Mutex // guards what follows
	now, was map[Hash]time.Time
	turned   time.Time
}

func (s *strangers) have(h Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.now[h]
	if !ok {
		at, ok = s.was[h]
	}
	return ok && time.Since(at) < strangerAge
}

func (s *strangers) add(h Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.now == nil || len(s.now) >= maxStrangers || now.Sub(s.turned) > strangerAge {
		s.now, s.was, s.turned = make(map[Hash]time.Time), s.now, now
	}
	s.now[h] = now
}

func (s *strangers) remove(h Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.now, h)
	delete(s.was, h)
}
