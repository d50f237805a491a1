package mongo

import (
	"context"
	"errors"
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
	Normalised string     `bson:"normalised"` // topic.NameKey; unique in the collection of topics
	Kind       topic.Kind `bson:"kind"`
	Aliases    []string   `bson:"aliases,omitempty"`
	Broader    []topic.ID `bson:"broader,omitempty"`
}

func topicDocOf(t topic.Topic) topicDoc {
	return topicDoc{ID: t.ID, Name: t.Name, Normalised: topic.NameKey(t), Kind: t.Kind,
		Aliases: t.Aliases, Broader: t.Broader}
}

func (doc topicDoc) topic() topic.Topic {
	return topic.Topic{ID: doc.ID, Name: doc.Name, Kind: doc.Kind, Aliases: doc.Aliases, Broader: doc.Broader}
}

// Topics returns the database's topics.
func (s *Store) Topics() topic.Store {
	return &topics{all: s.db.Collection(collectionTopics), meta: s.db.Collection(collectionMeta)}
}

// topics keeps topic.Store. Ids and normalised names are unique keys.
type topics struct{ all, meta *driver.Collection }

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

// Replace implements topic.Store, in one round trip. The filter of a change names
// every field as it was, and is so the comparison too.
func (s *topics) Replace(ctx context.Context, changes []topic.Replacement) error {
	models, replaced := make([]driver.WriteModel, len(changes)), int64(0)
	for i := range changes {
		now := topicDocOf(changes[i].Now)
		if changes[i].Was == nil {
			models[i] = driver.NewInsertOneModel().SetDocument(now)
			continue
		}
		was := topicDocOf(*changes[i].Was)
		models[i] = driver.NewReplaceOneModel().SetReplacement(now).SetFilter(bson.M{
			"_id": was.ID, "name": was.Name, "kind": was.Kind, "aliases": orMissing(was.Aliases), "broader": orMissing(was.Broader)})
		replaced++
	}
	if len(models) == 0 {
		return nil
	}
	result, err := s.all.BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
	if isDuplicate(err) || err == nil && result.MatchedCount < replaced {
		return fmt.Errorf("replace %d topics: %w", len(changes), topic.ErrChanged)
	}
	if err != nil {
		return fmt.Errorf("replace %d topics: %w", len(changes), translate(ctx, err, topic.ErrUnavailable))
	}
	return nil
}

// orMissing is what a filter says of a list that is left out when it is empty.
func orMissing[T any](list []T) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

const sownID = "sown"

// sownDoc is a topic.Sown as a document: ids are no names of fields.
type sownDoc struct {
	ID       string    `bson:"_id"` // sownID
	Revision int64     `bson:"revision"`
	Number   int       `bson:"number"`
	Sowing   int       `bson:"sowing"`
	Topics   []markDoc `bson:"topics"`
}

// markDoc is a topic.Mark as a document.
type markDoc struct {
	Seed    topic.ID `bson:"seed"`
	At      topic.ID `bson:"at"`
	First   int      `bson:"first"`
	Last    int      `bson:"last"`
	Digests []string `bson:"digests"`
}

// Sown implements topic.Store.
func (s *topics) Sown(ctx context.Context) (topic.Sown, error) {
	var doc sownDoc
	err := s.meta.FindOne(ctx, bson.M{"_id": sownID}).Decode(&doc)
	if errors.Is(err, driver.ErrNoDocuments) {
		return topic.Sown{}, nil
	}
	if err != nil {
		return topic.Sown{}, fmt.Errorf("load what was sown: %w", translate(ctx, err, topic.ErrUnavailable))
	}
	sown := topic.Sown{Revision: uint64(doc.Revision), Number: doc.Number, Sowing: doc.Sowing, Topics: make(map[topic.ID]topic.Mark, len(doc.Topics))}
	for _, m := range doc.Topics {
		sown.Topics[m.Seed] = topic.Mark{At: m.At, First: m.First, Last: m.Last, Digests: m.Digests}
	}
	return sown, nil
}

// SetSown implements topic.Store.
func (s *topics) SetSown(ctx context.Context, next topic.Sown) error {
	doc := sownDoc{ID: sownID, Revision: int64(next.Revision), Number: next.Number, Sowing: next.Sowing, Topics: []markDoc{}}
	for id, m := range next.Topics {
		doc.Topics = append(doc.Topics, markDoc{id, m.At, m.First, m.Last, m.Digests})
	}
	var matched int64
	var err error
	if next.Revision == 1 {
		_, err = s.meta.InsertOne(ctx, doc)
	} else {
		var result *driver.UpdateResult
		if result, err = s.meta.ReplaceOne(ctx, bson.M{"_id": sownID, "revision": doc.Revision - 1}, doc); err == nil {
			matched = result.MatchedCount
		}
	}
	if isDuplicate(err) || err == nil && next.Revision > 1 && matched == 0 {
		return fmt.Errorf("note what is sown: %w", topic.ErrChanged)
	}
	if err != nil {
		return fmt.Errorf("note what is sown: %w", translate(ctx, err, topic.ErrUnavailable))
	}
	return nil
}
