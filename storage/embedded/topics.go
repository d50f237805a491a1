package embedded

import (
	"context"
	"encoding/json"
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
		var old topic.Topic
		found, err := get(tx.Bucket(bucketTopics), []byte(t.ID), &old)
		if err != nil {
			return err
		}
		if found { // its name is free again, for itself or for another
			if err := tx.Bucket(bucketTopicNames).Delete(nameKey(old)); err != nil {
				return err
			}
		}
		return putTopic(tx, t)
	})
	if err != nil {
		return fmt.Errorf("put topic %s: %w", t.ID, err)
	}
	return nil
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

func nameKey(t topic.Topic) []byte { return []byte(topic.NormaliseName(t.Name)) }
