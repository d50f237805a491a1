package feed

import (
	"sync"

	"newsfeed/interests/topic"
)

// toldTopics is what entries of the log said last of topics, as far back as the log
// was read. By it the writer knows an entry that would say nothing new: nodes that
// tell of the same topics, or tell again after they were cut short, make one entry
// of each.
type toldTopics struct {
	mu      sync.Mutex // guards below
	newest  map[topic.ID]*topic.Topic
	entries Edition
}

// note takes what the next entry says.
func (t *toldTopics) note(said *topic.Topic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.newest == nil {
		t.newest = map[topic.ID]*topic.Topic{}
	}
	t.newest[said.ID] = said
	t.entries++
}

// last returns what was said last; nil when nothing was.
func (t *toldTopics) last(id topic.ID) *topic.Topic {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.newest[id]
}

// HasOnlyTopics reports whether the log holds entries of the catalogue alone, and
// no article ever was in it.
func (x *Index) HasOnlyTopics() bool {
	c := x.corpus.Load()
	c.told.mu.Lock()
	defer c.told.mu.Unlock()
	return c.told.entries == Edition(c.edition.Load())
}
