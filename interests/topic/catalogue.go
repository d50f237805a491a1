package topic

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Catalogue holds all topics and answers by id, by name and by what stands
// above and below. It is safe for concurrent use: a Put locks readers out for
// microseconds, whatever the number of topics.
type Catalogue struct {
	mu       sync.RWMutex // guards the maps, the entries in them and search
	byID     map[ID]*entry
	byName   map[string][]ID // normalised names of topics of the catalogue proper
	byAlias  map[string][]ID // normalised aliases of the same
	byTag    map[string][]ID // normalised names of tags
	narrower map[ID][]ID     // those that name the key in Broader
	search   searchIndex
	order    int // place of the next new topic that is not of the seed

	compiling
}

// entry is a topic as it is held. It never changes; Put makes another.
type entry struct {
	topic Topic
	order int      // place in the order of entering
	texts []string // the name and the aliases as searchText makes them
}

// NewCatalogue makes a catalogue of topics, usually what a Store holds; of two with
// one id the later counts. Topics of the seed stand first, in its order, whatever
// theirs is; then the others as they entered.
func NewCatalogue(topics []Topic) *Catalogue {
	c := &Catalogue{
		byID:     make(map[ID]*entry, len(topics)),
		byName:   map[string][]ID{},
		byAlias:  map[string][]ID{},
		byTag:    map[string][]ID{},
		narrower: map[ID][]ID{},
		order:    len(loadSeed().topics),
	}
	c.quit = make(chan struct{})
	for _, t := range topics {
		c.Put(t)
	}
	return c
}

// Get returns the topic of an id.
func (c *Catalogue) Get(id ID) (Topic, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.byID[id]
	if !ok {
		return Topic{}, false
	}
	return clone(e.topic), true
}

// IDs returns the ids of all topics, in no order.
func (c *Catalogue) IDs() []ID {
	c.mu.RLock()
	defer c.mu.RUnlock()
	ids := make([]ID, 0, len(c.byID))
	for id := range c.byID {
		ids = append(ids, id)
	}
	return ids
}

// Len returns the number of topics of all kinds.
func (c *Catalogue) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.byID)
}

// Put adds a topic or replaces the one of its id, which keeps its place. It
// takes microseconds at 100,000 topics. It does not check that the name is
// free: that is the Store's unique index. Every Tagger of a later call knows it.
func (c *Catalogue) Put(t Topic) {
	c.put(t)
	c.Insist()
}

// Learn is Put for what the log says: the tagger follows soon, see [Catalogue.Tagger].
func (c *Catalogue) Learn(t Topic) {
	if c.put(t) {
		c.compileSoon()
	}
}

// put is Put but for the tagger; it reports whether that has to follow.
func (c *Catalogue) put(t Topic) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, known := c.byID[t.ID]
	if known && old.topic.Equal(t) {
		return false
	}
	t = clone(t)
	e := &entry{topic: t, texts: searchTexts(t)}
	changed = t.Kind.InCatalogue()
	if known {
		e.order = old.order
		changed = changed || old.topic.Kind.InCatalogue()
		c.unlink(old)
	}
	if place, ok := loadSeed().places[seedID(t)]; ok {
		e.order = place
	} else if !known || e.order < len(loadSeed().topics) {
		e.order, c.order = c.order, c.order+1
	}
	c.byID[t.ID] = e
	c.link(e)
	if changed {
		c.taggable.Add(1)
	}
	return changed
}

// link enters a topic into every index but byID; unlink takes it out.
func (c *Catalogue) link(e *entry)   { c.each(e, addID); c.search.add(e) }
func (c *Catalogue) unlink(e *entry) { c.each(e, removeID); c.search.remove(e) }

// each applies change to all lists of ids that the topic belongs in.
func (c *Catalogue) each(e *entry, change func([]ID, ID) []ID) {
	t := e.topic
	switch {
	case t.Kind.InCatalogue():
		update(c.byName, NormaliseName(t.Name), t.ID, change)
		for _, alias := range t.Aliases {
			update(c.byAlias, NormaliseName(alias), t.ID, change)
		}
	case t.Kind == KindTag:
		update(c.byTag, NormaliseName(t.Name), t.ID, change)
	}
	for _, broader := range t.Broader {
		update(c.narrower, broader, t.ID, change)
	}
}

func update[K comparable](lists map[K][]ID, key K, id ID, change func([]ID, ID) []ID) {
	if list := change(lists[key], id); len(list) > 0 {
		lists[key] = list
	} else {
		delete(lists, key)
	}
}

// addID appends id. A topic is linked in one go, so if id is there already (a
// name twice among the aliases) it is the last: looking further would make
// each Put as slow as its list is long.
func addID(list []ID, id ID) []ID {
	if len(list) > 0 && list[len(list)-1] == id {
		return list
	}
	return append(list, id)
}

func removeID(list []ID, id ID) []ID {
	return slices.DeleteFunc(list, func(other ID) bool { return other == id })
}

// Resolve finds the topic that s stands for: the id of a catalogue topic, else
// its name, else an alias of just one, else the id of a tag or a source, else
// the name of a tag. Case and the width of white space do not matter. What
// stands for two topics stands for none.
func (c *Catalogue) Resolve(s string) (Topic, bool) {
	name := NormaliseName(s)
	if name == "" {
		return Topic{}, false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	named, isID := c.byID[ID(name)]
	if isID && named.topic.Kind.InCatalogue() {
		return clone(named.topic), true
	}
	for _, names := range []map[string][]ID{c.byName, c.byAlias} {
		if ids := names[name]; len(ids) == 1 {
			return clone(c.byID[ids[0]].topic), true
		}
	}
	// A source's id may have capitals, which the normal form has not.
	if exact, ok := c.byID[ID(strings.TrimSpace(s))]; ok {
		return clone(exact.topic), true
	}
	if isID {
		return clone(named.topic), true
	}
	if ids := c.byTag[name]; len(ids) == 1 {
		return clone(c.byID[ids[0]].topic), true
	}
	return Topic{}, false
}

// FreeID makes an id for a new topic: MakeID, followed by "-2", "-3", … while
// that is taken or reserved. A name without letter or digit gives "topic", and
// one that would look like a source's topic has "topic-" before it, so that
// nobody can make a tag that later stands in the way of a publisher.
// Another caller may take the id meanwhile; the Store decides.
func (c *Catalogue) FreeID(name string) ID {
	id := MakeID(name)
	if id == "" {
		id = "topic"
	}
	if strings.HasPrefix(string(id), sourcePrefix) {
		id = MakeID("topic-" + string(id))
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	free := id
	for n := 2; ; n++ {
		if _, taken := c.byID[free]; !taken && !Reserved(free) {
			return free
		}
		free = numbered(id, n)
	}
}

// numbered is id with -n behind it, shortened to stay within 64 bytes.
func numbered(id ID, n int) ID {
	suffix := "-" + strconv.Itoa(n)
	for len(id)+len(suffix) > maxID {
		runes := []rune(string(id))
		last := len(runes) - 1
		for last > 0 && isMark(runes[last]) { // never a letter without its marks
			last--
		}
		id = ID(strings.TrimRight(string(runes[:last]), "-"))
	}
	return id + ID(suffix)
}

// Narrower returns the topics directly below id, in order of entering.
func (c *Catalogue) Narrower(id ID) []Topic {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entries := make([]*entry, 0, len(c.narrower[id]))
	for _, below := range c.narrower[id] {
		entries = append(entries, c.byID[below])
	}
	return topicsInOrder(entries)
}

// topicsInOrder sorts entries by their place and copies the topics out.
func topicsInOrder(entries []*entry) []Topic {
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.order, b.order) })
	return topics(entries)
}

// Ancestors returns all topics above id with the least number of steps to
// each, 1 for the direct ones. A topic is never its own ancestor, and broader
// topics that do not exist are left out. Cycles, which editors can make, end
// the walk.
func (c *Catalogue) Ancestors(id ID) map[ID]int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.ancestors(id)
}

func (c *Catalogue) ancestors(id ID) map[ID]int {
	above := map[ID]int{}
	level := []ID{id}
	for distance := 1; len(level) > 0; distance++ {
		var next []ID
		for _, below := range level {
			e, ok := c.byID[below]
			if !ok {
				continue
			}
			for _, broader := range e.topic.Broader {
				if _, seen := above[broader]; seen || broader == id || c.byID[broader] == nil {
					continue
				}
				above[broader] = distance
				next = append(next, broader)
			}
		}
		level = next
	}
	return above
}
