package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// The models are the contracts in the plainest form: a mutex and a map. They
// pass the suites and are the oracle for random operations; tests of other
// packages may use them where no data must outlive the process.

// ModelArticles is feed.Articles in memory.
type ModelArticles struct {
	outage
	mu      sync.Mutex   // guards entries
	entries []feed.Entry // of editions 1, 2, …
	made    time.Time
}

// NewModelArticles makes an empty log.
func NewModelArticles() *ModelArticles {
	return &ModelArticles{made: time.Now().UTC().Truncate(time.Millisecond)}
}

// Top implements feed.Articles.
func (m *ModelArticles) Top(ctx context.Context) (feed.Edition, time.Time, error) {
	if err := m.check(ctx, feed.ErrUnavailable); err != nil {
		return 0, time.Time{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) == 0 {
		return 0, m.made, nil
	}
	newest := m.entries[len(m.entries)-1]
	return newest.Edition, newest.At, nil
}

// Append implements feed.Articles.
func (m *ModelArticles) Append(ctx context.Context, entries []feed.Entry) (int, error) {
	if err := m.check(ctx, feed.ErrUnavailable); err != nil {
		return 0, err
	}
	if len(entries) == 0 {
		return 0, errors.New("no entries")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := feed.Edition(len(m.entries) + 1)
	for i, e := range entries {
		if e.Edition != entries[0].Edition+feed.Edition(i) {
			return 0, fmt.Errorf("entry %d has edition %d", i, e.Edition)
		}
	}
	switch first := entries[0].Edition; {
	case first < next:
		return 0, fmt.Errorf("edition %d: %w", first, feed.ErrEditionTaken)
	case first > next:
		return 0, fmt.Errorf("edition %d would leave a gap", first)
	}
	for _, e := range entries {
		m.entries = append(m.entries, copyEntry(e))
	}
	return len(entries), nil
}

// Current implements feed.Articles.
func (m *ModelArticles) Current(ctx context.Context, ids []feed.ArticleID) (map[feed.ArticleID]feed.Entry, error) {
	if err := m.check(ctx, feed.ErrUnavailable); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	current := map[feed.ArticleID]feed.Entry{}
	for _, e := range m.entries {
		if !e.Article.ID.IsZero() && slices.Contains(ids, e.Article.ID) {
			current[e.Article.ID] = withoutBody(e)
		}
	}
	return current, nil
}

// Body implements feed.Articles.
func (m *ModelArticles) Body(ctx context.Context, e feed.Edition) (string, error) {
	if err := m.check(ctx, feed.ErrUnavailable); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e == 0 || e > feed.Edition(len(m.entries)) {
		return "", nil
	}
	return m.entries[e-1].Article.BodyHTML, nil
}

// Read implements feed.Articles.
func (m *ModelArticles) Read(ctx context.Context, r feed.Range) ([]feed.Entry, error) {
	if err := m.check(ctx, feed.ErrUnavailable); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var entries []feed.Entry
	for _, e := range m.entries {
		if e.Edition > r.After && (r.Before == 0 || e.Edition < r.Before) {
			entries = append(entries, withoutBody(e))
		}
	}
	if r.NewestFirst {
		slices.Reverse(entries)
	}
	return entries[:min(r.Limit, len(entries))], nil
}

// Merges implements feed.Articles.
func (m *ModelArticles) Merges(ctx context.Context, ids []feed.StoryID) (found []feed.StoryMerge, err error) {
	if err := m.check(ctx, feed.ErrUnavailable); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.Merge != nil && (slices.Contains(ids, e.Merge.Kept) || slices.Contains(ids, e.Merge.Gone)) {
			found = append(found, *e.Merge)
		}
	}
	return found, nil
}

// Prune implements feed.Articles.
func (m *ModelArticles) Prune(ctx context.Context, editions []feed.Edition) error {
	if err := m.check(ctx, feed.ErrUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, e := range m.entries {
		if slices.Contains(editions, e.Edition) {
			m.entries[i] = stubOf(e)
		}
	}
	return nil
}

func stubOf(e feed.Entry) feed.Entry {
	return feed.Entry{Edition: e.Edition, At: e.At, Call: e.Call, Seq: e.Seq, Stub: true}
}

func withoutBody(e feed.Entry) feed.Entry {
	e = copyEntry(e)
	e.Article.BodyHTML = ""
	return e
}

func copyEntry(e feed.Entry) feed.Entry {
	if e.Topic != nil {
		t := copyTopic(*e.Topic)
		e.Topic = &t
	}
	if e.Article.Image != nil {
		image := *e.Article.Image
		e.Article.Image = &image
	}
	e.Article.Tags, e.Left, e.Past = slices.Clone(e.Article.Tags), slices.Clone(e.Left), slices.Clone(e.Past)
	return e
}

func copyTopic(t topic.Topic) topic.Topic {
	t.Aliases, t.Broader = slices.Clone(t.Aliases), slices.Clone(t.Broader)
	return t
}

// ModelTopics is topic.Store in memory. The zero value is ready.
type ModelTopics struct {
	outage
	mu     sync.Mutex // guards topics and sown
	topics map[topic.ID]topic.Topic
	sown   topic.Sown
}

// All implements topic.Store.
func (m *ModelTopics) All(ctx context.Context) ([]topic.Topic, error) {
	if err := m.check(ctx, topic.ErrUnavailable); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []topic.Topic
	for t := range maps.Values(m.topics) {
		all = append(all, copyTopic(t))
	}
	return all, nil
}

// Create implements topic.Store.
func (m *ModelTopics) Create(ctx context.Context, t topic.Topic) error {
	return m.store(ctx, t, true)
}

// Put implements topic.Store.
func (m *ModelTopics) Put(ctx context.Context, t topic.Topic) error {
	return m.store(ctx, t, false)
}

func (m *ModelTopics) store(ctx context.Context, t topic.Topic, isNew bool) error {
	if err := m.check(ctx, topic.ErrUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.topics[t.ID]; taken && isNew || m.isHeld(t) {
		return fmt.Errorf("%q: %w", t.Name, topic.ErrTaken)
	}
	m.keep(t)
	return nil
}

// isHeld reports whether another topic has a topic's name.
func (m *ModelTopics) isHeld(t topic.Topic) bool {
	for _, other := range m.topics {
		if other.ID != t.ID && topic.NameKey(other) == topic.NameKey(t) {
			return true
		}
	}
	return false
}

func (m *ModelTopics) keep(t topic.Topic) {
	if m.topics == nil {
		m.topics = map[topic.ID]topic.Topic{}
	}
	m.topics[t.ID] = copyTopic(t)
}

// Replace implements topic.Store. It makes what changes it can.
func (m *ModelTopics) Replace(ctx context.Context, changes []topic.Replacement) error {
	if err := m.check(ctx, topic.ErrUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	for _, change := range changes {
		now, found := m.topics[change.Now.ID]
		if found != (change.Was != nil) || found && !now.Equal(*change.Was) || m.isHeld(change.Now) {
			err = topic.ErrChanged
			continue
		}
		m.keep(change.Now)
	}
	return err
}

// Sown implements topic.Store.
func (m *ModelTopics) Sown(ctx context.Context) (topic.Sown, error) {
	if err := m.check(ctx, topic.ErrUnavailable); err != nil {
		return topic.Sown{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return copySown(m.sown), nil
}

// SetSown implements topic.Store.
func (m *ModelTopics) SetSown(ctx context.Context, next topic.Sown) error {
	if err := m.check(ctx, topic.ErrUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sown.Revision+1 != next.Revision {
		return topic.ErrChanged
	}
	m.sown = copySown(next)
	return nil
}

func copySown(s topic.Sown) topic.Sown {
	s.Topics = maps.Clone(s.Topics)
	for id, m := range s.Topics {
		m.Digests = slices.Clone(m.Digests)
		s.Topics[id] = m
	}
	return s
}

// ModelKeys is account.Keys in memory. The zero value is ready.
type ModelKeys struct {
	outage
	mu   sync.Mutex // guards keys
	keys []account.Key
}

// CreateKey implements account.Keys.
func (m *ModelKeys) CreateKey(ctx context.Context, k account.Key) error {
	if err := m.check(ctx, account.ErrUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.keys {
		if other.ID == k.ID || other.Hash == k.Hash {
			return fmt.Errorf("key %s: %w", k.ID, account.ErrExists)
		}
	}
	m.keys = append(m.keys, copyKey(k))
	return nil
}

// Keys implements account.Keys.
func (m *ModelKeys) Keys(ctx context.Context) ([]account.Key, error) {
	if err := m.check(ctx, account.ErrUnavailable); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []account.Key
	for _, k := range m.keys {
		all = append(all, copyKey(k))
	}
	slices.SortFunc(all, func(a, b account.Key) int {
		return cmp.Or(a.Created.Compare(b.Created), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return all, nil
}

// RevokeKey implements account.Keys.
func (m *ModelKeys) RevokeKey(ctx context.Context, id uuid.UUID) error {
	if err := m.check(ctx, account.ErrUnavailable); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.keys)
	m.keys = slices.DeleteFunc(m.keys, func(k account.Key) bool { return k.ID == id })
	if len(m.keys) == before {
		return fmt.Errorf("key %s: %w", id, account.ErrNoKey)
	}
	return nil
}

func copyKey(k account.Key) account.Key {
	k.Sources, k.Hosts = slices.Clone(k.Sources), slices.Clone(k.Hosts)
	return k
}
