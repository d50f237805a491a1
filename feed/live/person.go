package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// person is one who has streams here, or had a moment ago.
type person struct {
	id account.ID

	mu      sync.Mutex // guards below
	list    interests.Revision
	marks   interests.Revision
	copy    *interests.Copy // the list, as it was last found
	set     *feed.MarkSet
	streams []*Stream       // oldest first
	waiting bool            // to be looked up
	again   time.Time       // newer is not counted before
	looked  feed.Edition    // as of which it was asked whether newer may have changed
	by      *interests.Copy // and by which list

	counting sync.Mutex // held while newer is counted; taken before mu
}

// raise notes that there are later revisions; of 0 there are not.
func (p *person) raise(list, marks interests.Revision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(max(p.list, list), max(p.marks, marks))
}

// note sets the revisions and wakes who does not know them; mu is held.
func (p *person) note(list, marks interests.Revision) {
	if p.list == list && p.marks == marks {
		return
	}
	p.list, p.marks = list, marks
	for _, s := range p.streams {
		s.nudge()
	}
}

// theirs returns the person's streams.
func (p *person) theirs() []*Stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.streams)
}

// found notes what list and marks were found, when the revisions were those given
// before. Less than was known is believed of a record only if nobody has told of
// more meanwhile: then it has lost edits.
func (p *person) found(list, marks interests.Revision, c *interests.Copy, set *feed.MarkSet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.copy, p.set = c, set
	l, m := c.Revision, set.Revision
	if p.list != list {
		l = max(l, p.list)
	}
	if p.marks != marks {
		m = max(m, p.marks)
	}
	p.note(l, m)
}

// atHand looks at a person without a store; false when they must be looked up.
func (h *Hub) atHand(p *person) bool {
	p.mu.Lock()
	list, marks := p.list, p.marks
	for _, s := range p.streams {
		if _, ok := h.People.AtHand(s.hash); !ok {
			p.mu.Unlock()
			return false
		}
	}
	p.mu.Unlock()
	c, ok := h.Lists.AtHand(p.id, list)
	if !ok {
		return false
	}
	set, ok := h.Marks.AtHand(p.id, marks)
	if ok {
		p.found(list, marks, c, set)
	}
	return ok
}

// lookSoon has a person looked up, unless no store is there.
func (h *Hub) lookSoon(p *person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting || h.resting() {
		return
	}
	select {
	case h.due <- p:
		p.waiting = true
	default:
	}
}

// lookUp looks up who is due, until the hub is closed.
func (h *Hub) lookUp() {
	for {
		select {
		case <-h.ended.Done():
			return
		case p := <-h.due:
			p.mu.Lock()
			p.waiting = false
			p.mu.Unlock()
			if h.resting() {
				continue
			}
			ctx, cancel := context.WithTimeout(h.ended, lookLimit)
			if err := errors.Join(h.lookAtSessions(ctx, p), h.look(ctx, p, 0, 0)); unreachable(err) {
				h.restAWhile()
			}
			cancel()
		}
	}
}

// unreachable reports whether a look-up failed because a store was out of reach.
func unreachable(err error) bool {
	return errors.Is(err, account.ErrUnavailable) || errors.Is(err, interests.ErrUnavailable) ||
		errors.Is(err, feed.ErrMarksUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

// lookAtSessions ends the streams of sessions that have ended.
func (h *Hub) lookAtSessions(ctx context.Context, p *person) error {
	for _, s := range p.theirs() {
		if s.until != nil {
			continue
		}
		_, err := h.People.Who(ctx, s.token)
		switch {
		case errors.Is(err, account.ErrNoSession):
			s.end(ErrSignedOut)
		case err != nil:
			return fmt.Errorf("look at a session of %s: %w", p.id, err)
		}
	}
	return nil
}

// look finds a person's list and marks, not older than the revisions given.
func (h *Hub) look(ctx context.Context, p *person, leastList, leastMarks interests.Revision) error {
	p.mu.Lock()
	list, marks := p.list, p.marks
	p.mu.Unlock()
	c, err := h.Lists.AtLeast(ctx, p.id, max(list, leastList))
	if err != nil {
		return fmt.Errorf("find the list of %s: %w", p.id, err)
	}
	set, err := h.Marks.AtLeast(ctx, p.id, max(marks, leastMarks))
	if err != nil {
		return fmt.Errorf("find the marks of %s: %w", p.id, err)
	}
	p.found(list, marks, c, set)
	return nil
}

func (h *Hub) resting() bool {
	h.restMu.Lock()
	defer h.restMu.Unlock()
	return time.Now().Before(h.rest)
}

func (h *Hub) restAWhile() {
	h.restMu.Lock()
	defer h.restMu.Unlock()
	h.rest = time.Now().Add(lookRest)
}
