package topic

import (
	"cmp"
	"slices"
)

const (
	inheritStep  = 0.5  // what is left of a salience one step up
	inheritFloor = 0.05 // inherited tags below are dropped
)

// Tag says that a text is about a topic, and how much: Salience is in (0, 1].
// Inherited marks a topic that the text is about only through a narrower one.
type Tag struct {
	Topic     ID      `json:"topic"`
	Salience  float64 `json:"salience"`
	Inherited bool    `json:"inherited,omitempty"`
}

// Inherit adds the broader topics of tags, each with half the salience per
// step, the greatest where several lead there. Direct tags stay as they are;
// inherited ones below 0.05 are left out. The order is by salience, greatest
// first, then by id. The argument is not changed.
func (c *Catalogue) Inherit(tags []Tag) []Tag {
	found := make(map[ID]Tag, 4*len(tags))
	for _, t := range tags {
		if old, ok := found[t.Topic]; !ok || beats(t, old) {
			found[t.Topic] = t
		}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, t := range tags {
		for above, steps := range c.ancestors(t.Topic) {
			inherited := Tag{Topic: above, Salience: t.Salience, Inherited: true}
			for range steps {
				inherited.Salience *= inheritStep
			}
			if inherited.Salience < inheritFloor {
				continue
			}
			if old, ok := found[above]; !ok || beats(inherited, old) {
				found[above] = inherited
			}
		}
	}
	all := make([]Tag, 0, len(found))
	for _, t := range found {
		all = append(all, t)
	}
	slices.SortFunc(all, bySalience)
	return all
}

// beats reports whether of two tags of one topic a counts: direct before
// inherited, then the greater salience.
func beats(a, b Tag) bool {
	if a.Inherited != b.Inherited {
		return b.Inherited
	}
	return a.Salience > b.Salience
}

func bySalience(a, b Tag) int {
	return cmp.Or(cmp.Compare(b.Salience, a.Salience), cmp.Compare(a.Topic, b.Topic))
}
