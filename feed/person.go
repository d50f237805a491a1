package feed

import (
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

// numbers are the person's topics as an index numbers them, in the order of the
// lists; noNumber for a topic that no article has.
type numbers struct {
	corpus          *corpus
	topics          int // in the index when they were looked up
	followed, muted []topicNum
}

// numbers returns the person's topics by number. They are looked up again only
// when the index has come to know more topics.
func (p *Person) numbers(c *corpus) *numbers {
	n, topics := p.numbered.Load(), len(load(&c.lists))
	if n != nil && n.corpus == c && n.topics == topics {
		return n
	}
	n = &numbers{corpus: c, topics: topics}
	look := func(id topic.ID) topicNum {
		if num, ok := c.lookup(id); ok && int(num) < topics {
			return num
		}
		return noNumber
	}
	for i := range p.followed {
		n.followed = append(n.followed, look(p.followed[i].topic))
	}
	for _, id := range p.muted {
		n.muted = append(n.muted, look(id))
	}
	p.numbered.Store(n)
	return n
}

// followed is a topic that the person follows.
type followed struct {
	topic  topic.ID
	level  standing  // standingFollow or standingFavourite
	weight int64     // in stage 1
	since  time.Time // zero: for ever
}

// NewPerson makes a list ready.
func NewPerson(l *interests.List) *Person {
	p := &Person{Revision: l.Revision, Digest: l.Digest(), Known: true}
	for _, i := range l.Interests() {
		switch i.Level {
		case interests.Follow:
			p.followed = append(p.followed, followed{i.Topic, standingFollow, weightFollow, i.Since})
		case interests.Favourite:
			p.followed = append(p.followed, followed{i.Topic, standingFavourite, weightFavourite, i.Since})
		case interests.Mute:
			p.muted = append(p.muted, i.Topic)
		}
	}
	return p
}

// Nobody is who calls without a token: no interests, no mutes.
var Nobody = &Person{}

// Following returns one who follows just a topic, under this person's mutes:
// whose feed is that topic's page.
func (p *Person) Following(id topic.ID) *Person {
	return &Person{Revision: p.Revision, Digest: p.Digest, Known: p.Known, muted: p.muted,
		followed: []followed{{topic: id, level: standingFollow, weight: weightFollow}}}
}

// Cold reports whether the person follows nothing.
func (p *Person) Cold() bool { return len(p.followed) == 0 }
