package feed

import (
	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// Person is a list of interests made ready for the index: what a page is built
// for. It stays right while the index grows; topics that no article carries yet
// are looked up again when the index has become newer.
type Person struct {
	Revision interests.Revision
	Digest   uint64
	Known    bool // false for nobody: a call without a token

	followed []weighted
	muted    []topic.ID
}

// weighted is a followed topic and its weight, as log2 in units of 1/Unit.
type weighted struct {
	topic  topic.ID
	weight int64
}

// NewPerson makes a list ready.
func NewPerson(l *interests.List) *Person {
	p := &Person{Revision: l.Revision, Digest: l.Digest(), Known: true}
	for _, i := range l.Interests() {
		switch i.Level {
		case interests.Follow:
			p.followed = append(p.followed, weighted{i.Topic, weightFollow})
		case interests.Favourite:
			p.followed = append(p.followed, weighted{i.Topic, weightFavourite})
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
	one.followed = []weighted{{id, weightFollow}}
	return &one
}

// Cold reports whether the person follows nothing.
func (p *Person) Cold() bool { return len(p.followed) == 0 }
