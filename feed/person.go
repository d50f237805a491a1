package feed

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// Person is a list of interests made ready for the index: what a page is built
// for. It is never changed and stays right while the index grows.
type Person struct {
	Revision interests.Revision
	Digest   uint64
	Known    bool // false for nobody: a call without a token

	followed []followed
	muted    []topic.ID
	numbered atomic.Pointer[numbers]
	keeping
}

// numbers are the person's topics as an index numbers them; those that no article
// has are left out. A page reads this and not the names, so it is kept small.
type numbers struct {
	corpus   *corpus
	topics   int // in the index when they were looked up
	followed []numbered
	muted    []topicNum
}

// numbered is a topic that the person follows, and that some article has.
type numbered struct {
	list  *postings
	since int64 // ms, or forEver
	topic topicNum
	level standing // standingFollow or standingFavourite
}

// numbers returns the person's topics by number. They are looked up again only
// when the index has come to know more topics.
func (p *Person) numbers(c *corpus) *numbers {
	n, lists := p.numbered.Load(), load(&c.lists)
	if n != nil && n.corpus == c && n.topics == len(lists) {
		return n
	}
	n = &numbers{corpus: c, topics: len(lists), followed: make([]numbered, 0, len(p.followed))}
	for i := range p.followed {
		f := &p.followed[i]
		if num, ok := c.lookup(f.topic); ok && int(num) < len(lists) {
			n.followed = append(n.followed, numbered{lists[num], f.since, num, f.level})
		}
	}
	for _, id := range p.muted {
		if num, ok := c.lookup(id); ok && int(num) < len(lists) {
			n.muted = append(n.muted, num)
		}
	}
	p.numbered.Store(n)
	return n
}

// followed is a topic that the person follows.
type followed struct {
	topic topic.ID
	level standing // standingFollow or standingFavourite
	since int64    // ms, or forEver
}

// forEver is since when a topic is followed that has no time.
const forEver = math.MinInt64

// NewPerson makes a list ready.
func NewPerson(l *interests.List) *Person {
	p := &Person{Revision: l.Revision, Digest: l.Digest(), Known: true}
	for _, i := range l.Interests() {
		switch i.Level {
		case interests.Follow:
			p.followed = append(p.followed, followed{i.Topic, standingFollow, sinceMilli(i.Since)})
		case interests.Favourite:
			p.followed = append(p.followed, followed{i.Topic, standingFavourite, sinceMilli(i.Since)})
		case interests.Mute:
			p.muted = append(p.muted, i.Topic)
		}
	}
	return p
}

func sinceMilli(since time.Time) int64 {
	if since.IsZero() {
		return forEver
	}
	return since.UnixMilli()
}

// Nobody is who calls without a token: no interests, no mutes.
var Nobody = &Person{}

// Following returns one who follows just a topic, under this person's mutes:
// whose feed is that topic's page.
func (p *Person) Following(id topic.ID) *Person {
	return &Person{Revision: p.Revision, Digest: p.Digest, Known: p.Known, muted: p.muted,
		followed: []followed{{id, standingFollow, forEver}}}
}

// Cold reports whether the person follows nothing.
func (p *Person) Cold() bool { return len(p.followed) == 0 }

// Mutes reports whether the person of a query mutes a topic now.
func (q *Query) Mutes(id topic.ID) bool { return slices.Contains(q.present().muted, id) }
