package feed

import (
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
	one := *p
	one.followed = []followed{{topic: id, level: standingFollow, weight: weightFollow}}
	return &one
}

// Cold reports whether the person follows nothing.
func (p *Person) Cold() bool { return len(p.followed) == 0 }
