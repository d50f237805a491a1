package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"newsfeed/feed"
)

// ErrNewer is returned by Open.
var ErrNewer = errors.New("mongo: the database was made by a newer version of the program")

// The collections.
const (
	collectionMeta     = "meta"     // schema and sownDoc, a document each
	collectionArticles = "articles" // one entry of the log each, see entry
	collectionTopics   = "topics"   // see topicDoc
	collectionKeys     = "keys"     // see keyDoc
	collectionAccounts = "accounts" // see accountDoc
	collectionErasures = "erasures" // see erasureDoc
	collectionSources  = "sources"  // see addressDoc
)

// schema is what the database says of itself.
type schema struct {
	ID      string    `bson:"_id"` // schemaID
	Version int       `bson:"version"`
	Made    time.Time `bson:"made"` // milliseconds
}

const schemaID = "schema"

// migrations lead from version i+1 to i+2: a new database begins with the
// newest. Several nodes may run one at the same time, and one may be cut short
// and run again, so each must come to the same end then.
var migrations = []func(ctx context.Context, db *driver.Database) error{
	nameSourcesApart,
}

// nameSourcesApart puts the names of sources' topics apart from the others, behind
// a line break.
func nameSourcesApart(ctx context.Context, db *driver.Database) error {
	topics := db.Collection(collectionTopics)
	cursor, err := topics.Find(ctx, bson.M{"kind": "source"})
	if err != nil {
		return err
	}
	var docs []topicDoc
	if err := cursor.All(ctx, &docs); err != nil {
		return err
	}
	for _, doc := range docs {
		if strings.HasPrefix(doc.Normalised, "\n") {
			continue
		}
		if _, err := topics.UpdateOne(ctx, bson.M{"_id": doc.ID, "normalised": doc.Normalised},
			bson.M{"$set": bson.M{"normalised": "\n" + doc.Normalised}}); err != nil {
			return err
		}
	}
	return nil
}

// SchemaVersion is the version of the database's layout that this program writes.
func SchemaVersion() int { return 1 + len(migrations) }

// Migrated reports whether Open migrated the database, and from which version.
func (s *Store) Migrated() (from int, migrated bool) { return s.from, s.from < SchemaVersion() }

// indexes are made at each start where they are missing.
var indexes = map[string][]driver.IndexModel{
	collectionArticles: {
		{Keys: bson.D{{Key: "article", Value: 1}, {Key: "_id", Value: -1}}},
		{Keys: bson.D{{Key: "topics", Value: 1}, {Key: "published_at", Value: -1}}},
		{Keys: bson.D{{Key: "published_at", Value: -1}}},
		{Keys: bson.D{{Key: "merge.kept", Value: 1}}, Options: options.Index().SetSparse(true)},
		{Keys: bson.D{{Key: "merge.gone", Value: 1}}, Options: options.Index().SetSparse(true)},
	},
	collectionTopics: {
		{Keys: bson.D{{Key: "normalised", Value: 1}}, Options: options.Index().SetUnique(true)},
	},
	collectionKeys: {
		{Keys: bson.D{{Key: "hash", Value: 1}}, Options: options.Index().SetUnique(true)},
	},
	collectionAccounts: {
		{Keys: bson.D{{Key: "email", Value: 1}}, Options: options.Index().SetUnique(true)},
		{Keys: bson.D{{Key: "identity.issuer", Value: 1}, {Key: "identity.subject", Value: 1}}, Options: options.Index().SetUnique(true).SetSparse(true)},
	},
	collectionSources: {
		{Keys: bson.D{{Key: "url", Value: 1}}, Options: options.Index().SetUnique(true)},
		{Keys: bson.D{{Key: "stopped", Value: 1}, {Key: "due", Value: 1}}},
	},
}

// prepare brings the database to this program's version.
func (s *Store) prepare(ctx context.Context) error {
	found, err := s.readSchema(ctx)
	if err != nil {
		return fmt.Errorf("read its version: %w", translate(ctx, err, feed.ErrUnavailable))
	}
	s.from, s.made = found.Version, found.Made
	if found.Version > SchemaVersion() {
		return fmt.Errorf("%w: it has version %d, this program knows up to %d", ErrNewer, found.Version, SchemaVersion())
	}
	for collection, models := range indexes {
		if _, err := s.db.Collection(collection).Indexes().CreateMany(ctx, models); err != nil {
			return fmt.Errorf("make indexes of %s: %w", collection, translate(ctx, err, feed.ErrUnavailable))
		}
	}
	for version := max(found.Version, 1); version < SchemaVersion(); version++ {
		if err := s.migrate(ctx, version); err != nil {
			return fmt.Errorf("migrate from version %d: %w", version, translate(ctx, err, feed.ErrUnavailable))
		}
	}
	return nil
}

// readSchema returns what the database says of itself; a new one says that it
// was made now, at this program's version. Of nodes that begin together the
// first one's word stands.
func (s *Store) readSchema(ctx context.Context) (found schema, err error) {
	meta := s.db.Collection(collectionMeta)
	now := time.Now().UTC().Truncate(time.Millisecond)
	_, err = meta.InsertOne(ctx, schema{ID: schemaID, Version: SchemaVersion(), Made: now})
	if err != nil && !isDuplicate(err) {
		return found, err
	}
	// What stands in the way of an insert may not have reached a majority yet,
	// and is not to be read before.
	for range readTries {
		err = meta.FindOne(ctx, bson.M{"_id": schemaID}).Decode(&found)
		if !errors.Is(err, driver.ErrNoDocuments) {
			break
		}
		select {
		case <-ctx.Done():
			return found, ctx.Err()
		case <-time.After(readAgain):
		}
	}
	return found, err
}

const (
	readTries = 100
	readAgain = 30 * time.Millisecond
)

// migrate takes the database one version up. Another node may be there already.
func (s *Store) migrate(ctx context.Context, version int) error {
	if err := migrations[version-1](ctx, s.db); err != nil {
		return err
	}
	_, err := s.db.Collection(collectionMeta).UpdateOne(ctx,
		bson.M{"_id": schemaID, "version": version}, bson.M{"$set": bson.M{"version": version + 1}})
	return err
}
