package embedded

import (
	"errors"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"newsfeed/interests/topic"
)

// In a file of version 6 the name of a source's topic stands among all names; after
// it was opened the name is free for others, and still taken for sources.
func TestNamesMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newsfeed.db")
	now := migrations
	defer func() { migrations = now }()
	migrations = now[:6]
	s := open(t, path)
	source := topic.Topic{ID: "source-bbc", Name: "BBC", Kind: topic.KindSource}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.Bucket(bucketTopicNames).Put([]byte("bbc"), []byte(source.ID)), put(tx.Bucket(bucketTopics), []byte(source.ID), source))
	})
	if err = errors.Join(err, s.Topics().Create(t.Context(), topic.Topic{ID: "oil", Name: "Oil", Kind: topic.KindTag}), s.Close()); err != nil {
		t.Fatal(err)
	}
	migrations = now
	topics := open(t, path).Topics()
	for _, test := range []struct {
		topic topic.Topic
		err   error
	}{
		{topic.Topic{ID: "source-2", Name: "bbc", Kind: topic.KindSource}, topic.ErrTaken},
		{topic.Topic{ID: "oil-2", Name: "OIL", Kind: topic.KindTag}, topic.ErrTaken},
		{topic.Topic{ID: "bbc", Name: "BBC", Kind: topic.KindCompany}, nil},
		{topic.Topic{ID: "bbc-2", Name: "bbc", Kind: topic.KindTag}, topic.ErrTaken},
	} {
		if err := topics.Create(t.Context(), test.topic); !errors.Is(err, test.err) {
			t.Errorf("create %+v: %v, want %v", test.topic, err, test.err)
		}
	}
	if err := topics.Put(t.Context(), source); err != nil {
		t.Errorf("put the source again: %v", err)
	}
}
