package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

const (
	maxTags     = 100    // topics of an article, of all kinds together
	maxNewTags  = 10_000 // topics that a key may create
	maxAttempts = 5      // to create one topic, against other nodes
)

// Tagger puts topics on drafts: the publisher's labels, resolved or made into
// new topics; the topics found in the text and the broader ones of all these,
// when automatic; and the source's. It is safe for concurrent use.
type Tagger struct {
	catalogue *topic.Catalogue
	store     topic.Store
	automatic bool

	// turn is held while topics are created, so that this node never races
	// with itself; it guards what follows. A channel, because a wait for it
	// has to end with the caller's context.
	turn chan struct{}
	// created counts the topics of each key, since this program started: the
	// limit is a dam against floods, not a book-keeping.
	created map[string]int
}

// NewTagger returns a tagger over a catalogue and the store of topics that it
// grows with. When not automatic, drafts get only publishers' tags and the
// source's.
func NewTagger(catalogue *topic.Catalogue, store topic.Store, automatic bool) *Tagger {
	return &Tagger{
		catalogue: catalogue, store: store, automatic: automatic,
		turn: make(chan struct{}, 1), created: map[string]int{},
	}
}

// Tag sets d.Text, and d.Tags: at most 100, the most salient first, then by id. by names
// the publisher's key that new topics are counted for; "" is the program
// itself, which may create any number. The error is [*Invalid] when the key
// has created too many, else the store's (wrapped) or the context's.
func (t *Tagger) Tag(ctx context.Context, d *feed.Draft, by string) error {
	source, err := t.source(ctx, d.Source, by)
	if err != nil {
		return err
	}
	direct := map[topic.ID]topic.Tag{}
	for i, label := range d.Labels {
		found, ok, err := t.label(ctx, fmt.Sprintf("/topics/%d", i), label.Name, by)
		if err != nil {
			return err
		}
		if ok {
			keep(direct, topic.Tag{Topic: found.ID, Salience: cmp.Or(label.Salience, 1)})
		}
	}
	d.Text = Text(d.BodyHTML)
	d.Tags = t.finish(t.widen(direct, d), source)
	return nil
}

// keep holds the greater of two saliences of one topic.
func keep(tags map[topic.ID]topic.Tag, tag topic.Tag) {
	if old, ok := tags[tag.Topic]; !ok || old.Salience < tag.Salience {
		tags[tag.Topic] = tag
	}
}

// widen adds what the text is about, and what is broader, when automatic.
func (t *Tagger) widen(direct map[topic.ID]topic.Tag, d *feed.Draft) []topic.Tag {
	if t.automatic {
		text := topic.Text{Title: d.Title, Summary: d.Summary, Body: d.Text}
		for _, tag := range t.catalogue.Tagger().Tags(text) {
			keep(direct, tag)
		}
	}
	tags := make([]topic.Tag, 0, len(direct))
	for _, tag := range direct {
		tags = append(tags, tag)
	}
	if t.automatic {
		tags = t.catalogue.Inherit(tags)
	}
	return tags
}

// finish rounds, names, cuts and orders. When there are too many, inherited
// ones go first.
func (t *Tagger) finish(tags []topic.Tag, source topic.Topic) []feed.Tag {
	finished := []feed.Tag{{Topic: source.ID, Name: source.Name, Salience: 1}}
	for _, tag := range tags {
		found, ok := t.catalogue.Get(tag.Topic)
		if !ok || found.ID == source.ID {
			continue
		}
		finished = append(finished, feed.Tag{Topic: found.ID, Name: found.Name, Salience: hundredths(tag.Salience), Inherited: tag.Inherited})
	}
	slices.SortFunc(finished, bySalience)
	if len(finished) > maxTags {
		slices.SortStableFunc(finished, inheritedLast)
		finished = finished[:maxTags]
		slices.SortFunc(finished, bySalience)
	}
	return finished
}

func bySalience(a, b feed.Tag) int {
	return cmp.Or(cmp.Compare(b.Salience, a.Salience), cmp.Compare(a.Topic, b.Topic))
}

func inheritedLast(a, b feed.Tag) int {
	switch {
	case a.Inherited == b.Inherited:
		return 0
	case b.Inherited:
		return -1
	}
	return 1
}

// hundredths rounds a salience into 0.01 … 1.
func hundredths(salience float64) float64 {
	return min(max(math.Round(salience*100), 1), 100) / 100
}

// label finds or makes the topic of a publisher's label. ok is false for one
// that stands for a source's topic: only what a source publishes carries that.
func (t *Tagger) label(ctx context.Context, location, name, by string) (found topic.Topic, ok bool, err error) {
	if found, ok = t.catalogue.Resolve(name); ok {
		return found, found.Kind != topic.KindSource, nil
	}
	if err := t.lock(ctx); err != nil {
		return topic.Topic{}, false, err
	}
	defer t.unlock()
	for range maxAttempts {
		// Others may have made it while this one waited, or on another node.
		if found, ok = t.catalogue.Resolve(name); ok {
			return found, found.Kind != topic.KindSource, nil
		}
		found = topic.Topic{ID: t.catalogue.FreeID(name), Name: name, Kind: topic.KindTag}
		if done, err := t.create(ctx, location, found, by); done || err != nil {
			return found, true, err
		}
	}
	return topic.Topic{}, false, fmt.Errorf("create topic %q: %w", name, topic.ErrTaken)
}

// source finds or makes the topic of a source. Where another source has its name,
// the id is added to it, since their names are unique.
func (t *Tagger) source(ctx context.Context, s feed.Source, by string) (topic.Topic, error) {
	id := topic.SourceTopicID(s.ID)
	if found, ok := t.catalogue.Get(id); ok {
		return found, nil
	}
	if err := t.lock(ctx); err != nil {
		return topic.Topic{}, err
	}
	defer t.unlock()
	name := s.Name
	for range maxAttempts {
		if found, ok := t.catalogue.Get(id); ok {
			return found, nil
		}
		made := topic.Topic{ID: id, Name: name, Kind: topic.KindSource}
		if done, err := t.create(ctx, "/source", made, by); done || err != nil {
			return made, err
		}
		name = fmt.Sprintf("%s (%s)", s.Name, s.ID)
	}
	return topic.Topic{}, fmt.Errorf("create topic of source %q: %w", s.ID, topic.ErrTaken)
}

// create stores a topic and enters it into the catalogue. When the store has
// another of that id or name, the catalogue learns what the store knows and
// done is false. The caller has the turn.
func (t *Tagger) create(ctx context.Context, location string, made topic.Topic, by string) (done bool, err error) {
	if by != "" && t.created[by] >= maxNewTags {
		return false, &Invalid{[]Field{{location, fmt.Sprintf("is unknown, and this key has made %d new topics already", maxNewTags)}}}
	}
	switch err := t.store.Create(ctx, made); {
	case err == nil:
		t.created[by]++
		t.learn(made)
		return true, nil
	case errors.Is(err, topic.ErrTaken):
		return false, t.reload(ctx)
	default:
		return false, fmt.Errorf("create topic %s: %w", made.ID, err)
	}
}

// reload reads all stored topics: rare, for it is another node's new topic that was
// in the way.
func (t *Tagger) reload(ctx context.Context) error {
	topics, err := t.store.All(ctx)
	if err != nil {
		return fmt.Errorf("read topics: %w", err)
	}
	for _, stored := range topics {
		t.learn(stored)
	}
	return nil
}

// learn enters a topic that this node did not know, or knew under another
// name: a change that the log will bring soon.
func (t *Tagger) learn(stored topic.Topic) {
	if known, ok := t.catalogue.Get(stored.ID); !ok || known.Name != stored.Name {
		t.catalogue.Learn(stored)
	}
}

func (t *Tagger) lock(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *Tagger) unlock() { <-t.turn }
