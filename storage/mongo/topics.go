package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"newsfeed/interests/topic"
)

// topicDoc is a topic as a document.
type topicDoc struct {
	ID         topic.ID   `bson:"_id"`
	Name       string     `bson:"name"`
	Normalised string     `bson:"normalised"` // topic.NormaliseName(Name); unique in the collection of topics
	Kind       topic.Kind `bson:"kind"`
	Aliases    []string   `bson:"aliases,omitempty"`
	Broader    []topic.ID `bson:"broader,omitempty"`
}

func topicDocOf(t topic.Topic) topicDoc {
	return topicDoc{ID: t.ID, Name: t.Name, Normalised: topic.NormaliseName(t.Name), Kind: t.Kind,
		Aliases: t.Aliases, Broader: t.Broader}
}

func (doc topicDoc) topic() topic.Topic {
	return topic.Topic{ID: doc.ID, Name: doc.Name, Kind: doc.Kind, Aliases: doc.Aliases, Broader: doc.Broader}
}

// Topics returns the database's topics.
func (s *Store) Topics() topic.Store { return &topics{all: s.db.Collection(collectionTopics)} }

// topics keeps topic.Store. Ids and normalised names are unique keys.
type topics struct{ all *driver.Collection }

// All implements topic.Store.
func (s *topics) All(ctx context.Context) ([]topic.Topic, error) {
	cursor, err := s.all.Find(ctx, bson.M{})
	if err != nil {
		return nil, fmt.Errorf("load topics: %w", translate(ctx, err, topic.ErrUnavailable))
	}
	var docs []topicDoc
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, fmt.Errorf("load topics: %w", translate(ctx, err, topic.ErrUnavailable))
	}
	all := make([]topic.Topic, len(docs))
	for i, doc := range docs {
		all[i] = doc.topic()
	}
	return all, nil
}

// Create implements topic.Store.
func (s *topics) Create(ctx context.Context, t topic.Topic) error {
	_, err := s.all.InsertOne(ctx, topicDocOf(t))
	if isDuplicate(err) {
		return fmt.Errorf("create topic %s: %w", t.ID, topic.ErrTaken)
	}
	if err != nil {
		return fmt.Errorf("create topic %s: %w", t.ID, translate(ctx, err, topic.ErrUnavailable))
	}
	return nil
}

// Put implements topic.Store. Of two that put one new id at the same time one
// finds the other's document in its way; the second time it replaces that, and
// only a taken name can be in the way still.
func (s *topics) Put(ctx context.Context, t topic.Topic) error {
	var err error
	for range 2 {
		_, err = s.all.ReplaceOne(ctx, bson.M{"_id": t.ID}, topicDocOf(t), options.Replace().SetUpsert(true))
		if !isDuplicate(err) {
			break
		}
	}
	if isDuplicate(err) {
		return fmt.Errorf("put topic %s: %w", t.ID, topic.ErrTaken)
	}
	if err != nil {
		return fmt.Errorf("put topic %s: %w", t.ID, translate(ctx, err, topic.ErrUnavailable))
	}
	return nil
}
