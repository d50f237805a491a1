package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"newsfeed/interests/topic"
)

// Topics returns the store's topics.
func (s *Store) Topics() topic.Store { return &topics{store: s} }

// topics keeps topic.Store: topics by id, and ids by normalised name.
type topics struct{ store *Store }

// All implements topic.Store.
func (s *topics) All(ctx context.Context) ([]topic.Topic, error) {
	var all []topic.Topic
	err := s.store.view(ctx, topic.ErrUnavailable, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketTopics).ForEach(func(id, value []byte) error {
			var t topic.Topic
			if err := json.Unmarshal(value, &t); err != nil {
				return fmt.Errorf("topic %s is damaged: %w", id, err)
			}
			all = append(all, t)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("load topics: %w", err)
	}
	return all, nil
}

// Create implements topic.Store.
func (s *topics) Create(ctx context.Context, t topic.Topic) error {
	err := s.store.update(ctx, topic.ErrUnavailable, func(tx *bbolt.Tx) error {
		if tx.Bucket(bucketTopics).Get([]byte(t.ID)) != nil {
			return topic.ErrTaken
		}
		return putTopic(tx, t)
	})
	if err != nil {
		return fmt.Errorf("create topic %s: %w", t.ID, err)
	}
	return nil
}

// Put implements topic.Store.
func (s *topics) Put(ctx context.Context, t topic.Topic) error {
	err := s.store.update(ctx, topic.ErrUnavailable, func(tx *bbolt.Tx) error {
		if _, _, err := dropName(tx, t.ID); err != nil {
			return err
		}
		return putTopic(tx, t)
	})
	if err != nil {
		return fmt.Errorf("put topic %s: %w", t.ID, err)
	}
	return nil
}

// Replace implements topic.Store, in one transaction: names are let go before
// others take them, and with one change that cannot be made none is.
func (s *topics) Replace(ctx context.Context, changes []topic.Replacement) error {
	err := s.store.update(ctx, topic.ErrUnavailable, func(tx *bbolt.Tx) error {
		for i := range changes {
			now, found, err := dropName(tx, changes[i].Now.ID)
			if err != nil {
				return err
			}
			if was := changes[i].Was; found != (was != nil) || found && !now.Equal(*was) {
				return topic.ErrChanged
			}
		}
		for i := range changes {
			if err := putTopic(tx, changes[i].Now); errors.Is(err, topic.ErrTaken) {
				return topic.ErrChanged
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("replace %d topics: %w", len(changes), err)
	}
	return nil
}

var keySown = []byte("sown")

// Sown implements topic.Store.
func (s *topics) Sown(ctx context.Context) (sown topic.Sown, err error) {
	err = s.store.view(ctx, topic.ErrUnavailable, func(tx *bbolt.Tx) error {
		_, err := get(tx.Bucket(bucketMeta), keySown, &sown)
		return err
	})
	if err != nil {
		return topic.Sown{}, fmt.Errorf("load what was sown: %w", err)
	}
	return sown, nil
}

// SetSown implements topic.Store.
func (s *topics) SetSown(ctx context.Context, next topic.Sown) error {
	err := s.store.update(ctx, topic.ErrUnavailable, func(tx *bbolt.Tx) error {
		var now topic.Sown
		if _, err := get(tx.Bucket(bucketMeta), keySown, &now); err != nil {
			return err
		}
		if now.Revision+1 != next.Revision {
			return topic.ErrChanged
		}
		return put(tx.Bucket(bucketMeta), keySown, next)
	})
	if err != nil {
		return fmt.Errorf("note what is sown: %w", err)
	}
	return nil
}

// dropName frees the name of a topic, for itself or for another.
func dropName(tx *bbolt.Tx, id topic.ID) (old topic.Topic, found bool, err error) {
	if found, err = get(tx.Bucket(bucketTopics), []byte(id), &old); !found || err != nil {
		return old, false, err
	}
	return old, true, tx.Bucket(bucketTopicNames).Delete(nameKey(old))
}

// putTopic stores a topic and its name, which nobody else may hold.
func putTopic(tx *bbolt.Tx, t topic.Topic) error {
	names := tx.Bucket(bucketTopicNames)
	if names.Get(nameKey(t)) != nil {
		return topic.ErrTaken
	}
	if err := names.Put(nameKey(t), []byte(t.ID)); err != nil {
		return err
	}
	return put(tx.Bucket(bucketTopics), []byte(t.ID), t)
}

func nameKey(t topic.Topic) []byte { return []byte(topic.NameKey(t)) }
