package mongo

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/bson"

	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest/servers"
)

// In a database of version 1 the name of a source's topic stands among all names;
// after it was opened the name is free for others, and still taken for sources.
// Doing it again, as a node does that was cut short, changes nothing.
func TestNamesMigration(t *testing.T) {
	uri := servers.SharedMongo(t).Database(newName())
	s := open(t, uri)
	old := bson.M{"_id": "source-bbc", "name": "BBC", "normalised": "bbc", "kind": "source"}
	if _, err := s.db.Collection(collectionTopics).InsertOne(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.db.Collection(collectionMeta).UpdateOne(t.Context(), bson.M{"_id": schemaID}, bson.M{"$set": bson.M{"version": 1}}); err != nil {
			t.Fatal(err)
		}
		topics := open(t, uri).Topics()
		if err := topics.Create(t.Context(), topic.Topic{ID: "source-2", Name: "bbc", Kind: topic.KindSource}); !errors.Is(err, topic.ErrTaken) {
			t.Errorf("another source of the name: %v", err)
		}
		if err := topics.Put(t.Context(), topic.Topic{ID: "bbc", Name: "BBC", Kind: topic.KindCompany}); err != nil {
			t.Errorf("a topic of the name: %v", err)
		}
		if err := topics.Put(t.Context(), topic.Topic{ID: "source-bbc", Name: "BBC", Kind: topic.KindSource}); err != nil {
			t.Errorf("put the source again: %v", err)
		}
	}
}
