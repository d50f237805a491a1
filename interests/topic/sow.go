package topic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// This file brings the seed into the store. Any number of nodes, of any versions,
// may do that at the same time, and any may end in the middle:
//
//  1. The record says first what is about to be written (SetSown), so that what is
//     found in the store later can be told from what an editor wrote.
//  2. The topics are written where they are still as they were read (Replace).
//  3. Their new states become entries of the log; that is the caller's.
//  4. The record says that this seed is sown ([SeedVersion.Settle]).
//
// Who finds that another was there first reads again and decides again; what is
// there already is not written again.

// seedNumber counts the versions of the program's seed; a test asks for a greater
// one when the seed has changed.
const seedNumber = 1

const maxSowing = 20 // times that others may come between

// SeedVersion is a version of a seed. A store in which one of its number or a
// greater one is sown needs nothing of it.
type SeedVersion struct {
	Number int
	Topics []Topic
}

// CurrentSeed returns the program's seed. Its topics are not for the caller to change.
func CurrentSeed() SeedVersion { return SeedVersion{seedNumber, loadSeed().topics} }

// Sow brings the seed into the store and returns the topics that are there then and
// the record. While the record's Number is less than the seed's, what [Sown.Untold]
// names has yet to be told.
//
// A topic that is as a seed wrote it follows the seed; one that an editor changed,
// removed or made before the seed did is left alone. Where a publisher's tag has
// the name of a topic that is new in the seed, its id or an alias, the topic takes
// over the tag: it was a word that nobody knew, and now it is known. The tag's id
// stays, so that who followed it follows the topic. Of several tags the one by the
// name does that, else by the id, else by the first alias.
func (s SeedVersion) Sow(ctx context.Context, store Store) ([]Topic, Sown, error) {
	for range maxSowing {
		stored, sown, done, err := s.sowOnce(ctx, store)
		if done || err != nil && !errors.Is(err, ErrChanged) {
			return stored, sown, err
		}
	}
	return nil, Sown{}, fmt.Errorf("sow the topics: %w, %d times", ErrChanged, maxSowing)
}

// sowOnce is one attempt. done: the store holds what it is to hold.
func (s SeedVersion) sowOnce(ctx context.Context, store Store) (stored []Topic, sown Sown, done bool, err error) {
	// The record is read first: what others write meanwhile they have announced in
	// a later record, and writing the record fails then.
	if sown, err = store.Sown(ctx); err != nil {
		return nil, sown, false, err
	}
	if stored, err = store.All(ctx); err != nil || sown.Number >= s.Number {
		return stored, sown, err == nil, err
	}
	next, changes := plan(s, stored, sown)
	if !sameRecord(sown, next) {
		next.Revision++
		if err := store.SetSown(ctx, next); err != nil {
			return nil, sown, false, err
		}
	}
	if len(changes) > 0 {
		if err := store.Replace(ctx, changes); err != nil {
			return nil, sown, false, err
		}
	}
	return replaced(stored, changes), next, true, nil
}

// replaced returns topics after changes that were made.
func replaced(topics []Topic, changes []Replacement) []Topic {
	gone := map[ID]bool{}
	for _, change := range changes {
		gone[change.Now.ID] = true
	}
	topics = slices.DeleteFunc(topics, func(t Topic) bool { return gone[t.ID] })
	for _, change := range changes {
		topics = append(topics, change.Now)
	}
	return topics
}

func sameRecord(a, b Sown) bool {
	return a.Number == b.Number && a.Sowing == b.Sowing && maps.EqualFunc(a.Topics, b.Topics, func(x, y Mark) bool {
		return x.At == y.At && x.First == y.First && x.Last == y.Last && slices.Equal(x.Digests, y.Digests)
	})
}

// Settle notes that the seed is in the store and in the log; sown is the record as
// it was when the seed was sown.
func (s SeedVersion) Settle(ctx context.Context, store Store, sown Sown) (err error) {
	for range maxSowing {
		if sown.Number >= s.Number {
			return nil
		}
		sown.Number, sown.Revision = s.Number, sown.Revision+1
		if err = store.SetSown(ctx, sown); !errors.Is(err, ErrChanged) {
			return err
		}
		if sown, err = store.Sown(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("note that the topics are sown: %w, %d times", ErrChanged, maxSowing)
}

// Untold returns those of the stored topics that seeds have written and of which
// the log may not know.
func (s Sown) Untold(stored []Topic) []Topic {
	untold := map[ID]bool{}
	for _, m := range s.Topics {
		if m.Last > s.Number && len(m.Digests) > 0 {
			untold[m.At] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(stored), func(t Topic) bool { return !untold[t.ID] })
}

// planning is what a plan is made from, and what it comes to.
type planning struct {
	number int
	sown   Sown // before
	next   Sown // after
	byID   map[ID]Topic
	byName map[string]Topic // by name, but for sources'
	isSeed map[ID]bool
	held   map[ID]bool   // ids in the store that a topic of the seed has
	theirs map[string]ID // names and aliases of editors' topics
	done   []Replacement
}

// plan decides what sowing a seed changes in a store, and what the record says of it.
func plan(seed SeedVersion, stored []Topic, sown Sown) (Sown, []Replacement) {
	p := planning{number: seed.Number, sown: sown, next: sown, byID: map[ID]Topic{}, byName: map[string]Topic{}, isSeed: map[ID]bool{}, held: map[ID]bool{}, theirs: map[string]ID{}}
	p.next.Sowing, p.next.Topics = max(sown.Sowing, seed.Number), maps.Clone(sown.Topics)
	if p.next.Topics == nil {
		p.next.Topics = make(map[ID]Mark, len(seed.Topics))
	}
	p.read(seed.Topics, stored)
	for _, t := range seed.Topics {
		if p.isOpen(t) {
			p.find(t)
		}
	}
	for _, t := range seed.Topics {
		p.change(t)
	}
	return p.next, p.done
}

// read notes what is in the store, and whose it is.
func (p *planning) read(seed, stored []Topic) {
	for _, t := range seed {
		p.isSeed[t.ID] = true
	}
	ours := map[ID][]string{}
	for _, m := range p.sown.Topics {
		ours[m.At], p.held[m.At] = m.Digests, true
	}
	for _, t := range stored {
		p.byID[t.ID] = t
		if t.Kind != KindSource {
			p.byName[NameKey(t)] = t
		}
		if t.Kind.InCatalogue() && !slices.Contains(ours[t.ID], digestOf(t)) {
			for _, name := range append([]string{t.Name}, t.Aliases...) {
				p.theirs[NormaliseName(name)] = t.ID
			}
		}
	}
}

// isOpen reports whether it is yet to be decided where a topic of the seed stands:
// it is new, or somebody began to sow it and a tag came between.
func (p *planning) isOpen(t Topic) bool {
	m, known := p.next.Topics[t.ID]
	there, written := p.byID[m.At]
	return !known || m.First > p.sown.Number && (!written || there.Kind == KindTag)
}

// find decides under which id a topic that is new in the seed stands: that of an
// editor's topic of its id or name, of the tag that it takes over, or its own.
func (p *planning) find(t Topic) {
	m, known := p.next.Topics[t.ID]
	if known {
		delete(p.held, m.At)
	} else {
		m.First, m.Last = p.number, p.number
	}
	m.At = t.ID
	here, isHere := p.byID[t.ID]
	named, isNamed := p.byName[NameKey(t)]
	switch {
	case isHere && here.Kind.InCatalogue():
	case isNamed && named.Kind.InCatalogue() && !p.held[named.ID]:
		m.At = named.ID
	default:
		m.At = p.takeover(t)
		if tag, ok := p.byID[m.At]; ok {
			m.Digests = withDigest(m.Digests, digestOf(tag))
		}
	}
	p.held[m.At] = true
	p.next.Topics[t.ID] = m
}

// takeover returns the id of the tag that a topic takes over, else its own id.
func (p *planning) takeover(t Topic) ID {
	if tag, ok := p.tag(t.Name, t.ID); ok {
		return tag
	}
	if _, ok := p.byID[t.ID]; ok {
		return t.ID
	}
	if len(p.byID) > 0 {
		for _, alias := range t.Aliases {
			if tag, ok := p.tag(alias, t.ID); ok {
				return tag
			}
		}
	}
	return t.ID
}

// tag returns the tag of a name that the topic of an id may take over: nobody else
// has, and it has not the id of another topic of the seed.
func (p *planning) tag(name string, id ID) (ID, bool) {
	t, ok := p.byName[NormaliseName(name)]
	return t.ID, ok && t.Kind == KindTag && !p.held[t.ID] && (t.ID == id || !p.isSeed[t.ID])
}

// change adds what the seed makes of a topic, if it may.
func (p *planning) change(t Topic) {
	m := p.next.Topics[t.ID]
	want := p.wanted(t, m)
	now, isThere := p.byID[m.At]
	digest := digestOf(want)
	holder, isHeld := p.byName[NameKey(want)]
	switch {
	case isThere && digestOf(now) == digest: // perhaps written just now, and not told yet
	case isThere && !slices.Contains(m.Digests, digestOf(now)):
		return // an editor's
	case !isThere && m.First <= p.sown.Number:
		return // an editor removed it
	case isThere && now.Kind.InCatalogue() && p.sown.Sowing > p.number:
		return // a newer seed is being sown
	case isHeld && holder.ID != m.At:
		return // its name is another's now
	case isThere:
		p.done = append(p.done, Replacement{Was: &now, Now: want})
	default:
		p.done = append(p.done, Replacement{Now: want})
	}
	if !slices.Contains(m.Digests, digest) {
		m.Digests, m.Last = withDigest(m.Digests, digest), max(m.Last, p.number)
		p.next.Topics[t.ID] = m
	}
}

// wanted is a topic of the seed as it stands in this store: broader topics by
// the ids they have here, without aliases that stand for an editor's topic.
func (p *planning) wanted(t Topic, m Mark) Topic {
	t = clone(t)
	t.ID = m.At
	for i, above := range t.Broader {
		if b, ok := p.next.Topics[above]; ok {
			t.Broader[i] = b.At
		}
	}
	if len(p.theirs) == 0 {
		return t
	}
	t.Aliases = slices.DeleteFunc(t.Aliases, func(alias string) bool {
		id, taken := p.theirs[NormaliseName(alias)]
		return taken && id != m.At
	})
	return t
}

// withDigest adds a digest to those of a mark, which others may hold.
func withDigest(digests []string, digest string) []string {
	if slices.Contains(digests, digest) {
		return digests
	}
	return append(slices.Clone(digests), digest)
}

// digestOf tells states of a topic apart.
func digestOf(t Topic) string {
	text, _ := json.Marshal(t) // strings always encode
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
