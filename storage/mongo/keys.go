package mongo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"newsfeed/interests/account"
)

// keyDoc is a key as a document.
type keyDoc struct {
	ID      string       `bson:"_id"`
	Name    string       `bson:"name"`
	Role    account.Role `bson:"role"`
	Hash    string       `bson:"hash"` // 64 hex digits; unique
	Sources []string     `bson:"sources,omitempty"`
	Hosts   []string     `bson:"hosts,omitempty"`
	Created time.Time    `bson:"created"`
}

func (doc keyDoc) key() (account.Key, error) {
	k := account.Key{Name: doc.Name, Role: doc.Role, Sources: doc.Sources, Hosts: doc.Hosts, Created: doc.Created}
	var err error
	if k.ID, err = uuid.Parse(doc.ID); err == nil {
		err = k.Hash.UnmarshalText([]byte(doc.Hash))
	}
	if err != nil {
		return k, fmt.Errorf("key %s is damaged: %w", doc.ID, err)
	}
	return k, nil
}

// Keys returns the database's keys of publishers and editors.
func (s *Store) Keys() account.Keys { return &keys{all: s.db.Collection(collectionKeys)} }

// keys keeps account.Keys.
type keys struct{ all *driver.Collection }

// CreateKey implements account.Keys.
func (s *keys) CreateKey(ctx context.Context, k account.Key) error {
	_, err := s.all.InsertOne(ctx, keyDoc{ID: k.ID.String(), Name: k.Name, Role: k.Role, Hash: k.Hash.String(),
		Sources: k.Sources, Hosts: k.Hosts, Created: k.Created})
	if isDuplicate(err) {
		return fmt.Errorf("create key %s: %w", k.ID, account.ErrExists)
	}
	if err != nil {
		return fmt.Errorf("create key %s: %w", k.ID, translate(ctx, err, account.ErrUnavailable))
	}
	return nil
}

// Keys implements account.Keys.
func (s *keys) Keys(ctx context.Context) ([]account.Key, error) {
	cursor, err := s.all.Find(ctx, bson.M{},
		options.Find().SetSort(bson.D{{Key: "created", Value: 1}, {Key: "_id", Value: 1}}))
	if err != nil {
		return nil, fmt.Errorf("load keys: %w", translate(ctx, err, account.ErrUnavailable))
	}
	var docs []keyDoc
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, fmt.Errorf("load keys: %w", translate(ctx, err, account.ErrUnavailable))
	}
	all := make([]account.Key, len(docs))
	for i, doc := range docs {
		if all[i], err = doc.key(); err != nil {
			return nil, fmt.Errorf("load keys: %w", err)
		}
	}
	return all, nil
}

// RevokeKey implements account.Keys.
func (s *keys) RevokeKey(ctx context.Context, id uuid.UUID) error {
	res, err := s.all.DeleteOne(ctx, bson.M{"_id": id.String()})
	if err != nil {
		return fmt.Errorf("revoke key %s: %w", id, translate(ctx, err, account.ErrUnavailable))
	}
	if res.DeletedCount == 0 {
		return fmt.Errorf("revoke key %s: %w", id, account.ErrNoKey)
	}
	return nil
}
