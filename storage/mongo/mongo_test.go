package mongo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"

	"newsfeed/feed"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
	"newsfeed/storage/storagetest/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }

// The suites kill and freeze their server, so each topology has one of its own.

func TestReplicaSet(t *testing.T) { suites(t, servers.Mongo(t), "replica set") }

func TestStandalone(t *testing.T) { suites(t, servers.MongoStandalone(t), "standalone") }

func suites(t *testing.T, server *servers.Server, topology string) {
	name := server.Kind() + ", " + topology
	t.Run("articles", func(t *testing.T) { storagetest.Articles(t, contract(server, name, (*Store).Articles)) })
	t.Run("sowing", func(t *testing.T) { storagetest.Sowing(t, contract(server, name, (*Store).Topics)) })
	t.Run("topics", func(t *testing.T) { storagetest.Topics(t, contract(server, name, (*Store).Topics)) })
	t.Run("accounts", func(t *testing.T) { storagetest.Accounts(t, contract(server, name, (*Store).Accounts)) })
	t.Run("erasures", func(t *testing.T) { storagetest.Erasures(t, contract(server, name, (*Store).Erasures)) })
	t.Run("sources", func(t *testing.T) { storagetest.Sources(t, contract(server, name, (*Store).Sources)) })
	t.Run("keys", func(t *testing.T) { storagetest.Keys(t, contract(server, name, (*Store).Keys)) })
}

// The log keeps its promise over this store.
func TestLog(t *testing.T) {
	server := servers.SharedMongo(t)
	storagetest.Log(t, contract(server, server.Kind(), (*Store).Articles), storagetest.LogLoad{
		Nodes: 3, Writers: 3, Readers: 1, Puts: 10, Seed: 5, Zombie: 50 * time.Millisecond})
}

// contract gives a suite one contract in a database of its own.
func contract[T any](server *servers.Server, name string, of func(*Store) T) storagetest.Fresh[T] {
	return func(testing.TB) storagetest.Harness[T] {
		uri := server.Database(newName())
		return storagetest.Harness[T]{
			Name: name,
			Open: func(t testing.TB) (T, func() error) {
				s := open(t, uri)
				return of(s), func() error { return s.Close(context.Background()) }
			},
			Shared: true,
			Lose:   func(testing.TB) { server.Kill() },
			Heal:   func(testing.TB) { server.Restart() },
			Freeze: func(testing.TB) { server.Freeze() },
			Thaw:   func(testing.TB) { server.Thaw() },
		}
	}
}

var databases atomic.Int64

func newName() string { return fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1)) }

func open(t testing.TB, uri string) *Store {
	t.Helper()
	s, err := Open(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Of a batch whose third edition is taken two are stored, and the count says so;
// what comes after the taken one is not stored.
func TestTakenInTheMiddle(t *testing.T) {
	s := open(t, servers.SharedMongo(t).Database(newName()))
	if _, err := s.db.Collection(collectionArticles).InsertOne(t.Context(), bson.M{"_id": 3, "call": "another's"}); err != nil {
		t.Fatal(err)
	}
	batch := []feed.Entry{{Edition: 1}, {Edition: 2}, {Edition: 3}, {Edition: 4}}
	stored, err := s.Articles().Append(t.Context(), batch)
	if stored != 2 || !errors.Is(err, feed.ErrEditionTaken) {
		t.Fatalf("append: %d, %v; want 2, ErrEditionTaken", stored, err)
	}
	if n, err := s.db.Collection(collectionArticles).CountDocuments(t.Context(), bson.M{}); n != 3 || err != nil {
		t.Fatalf("%d documents, %v; want 3", n, err)
	}
}

// A call of more bytes than one message holds is split by the driver; the count
// is still that of the whole call.
func TestTakenInTheMiddleOfGreatCalls(t *testing.T) {
	s := open(t, servers.SharedMongo(t).Database(newName()))
	body := strings.Repeat("<p>x</p>", 32<<10) // 256 KiB
	const n, taken = 220, 210                  // 55 MB, over the 48 MB of a message
	if _, err := s.db.Collection(collectionArticles).InsertOne(t.Context(), bson.M{"_id": taken}); err != nil {
		t.Fatal(err)
	}
	batch := make([]feed.Entry, n)
	for i := range batch {
		batch[i] = feed.Entry{Edition: feed.Edition(i + 1), Article: feed.Article{BodyHTML: body}}
	}
	stored, err := s.Articles().Append(t.Context(), batch)
	if stored != taken-1 || !errors.Is(err, feed.ErrEditionTaken) {
		t.Fatalf("append: %d, %v; want %d, ErrEditionTaken", stored, err, taken-1)
	}
}

// Whoever queries the collection finds an article by what the API calls it, with
// values of the natural types.
func TestReadableDocuments(t *testing.T) {
	s := open(t, servers.SharedMongo(t).Database(newName()))
	at := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	id := feed.NewArticleID("https://example.org/1")
	_, err := s.Articles().Append(t.Context(), []feed.Entry{{Edition: 1, At: at, Article: feed.Article{
		ID: id, URL: "https://example.org/1", Title: "Title", Kind: feed.Video, Published: at,
		Source: feed.Source{ID: "example-org", Name: "Example"},
		Tags:   []feed.Tag{{Topic: "north-korea", Name: "North Korea", Salience: 0.9}, {Topic: "asia", Name: "Asia", Salience: 0.45, Inherited: true}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []bson.M{
		{"_id": int64(1)},
		{"article": id.String()},
		{"topics": "north-korea"},
		{"topics": "asia", "published_at": bson.M{"$gte": at, "$lt": at.Add(time.Second)}},
		{"at": at},
		{"url": "https://example.org/1", "title": "Title", "kind": "video"},
		{"source.id": "example-org"},
		{"tags": bson.M{"$elemMatch": bson.M{"id": "asia", "inherited": true, "salience": 0.45}}},
		{"withdrawn": bson.M{"$exists": false}, "updated_at": bson.M{"$exists": false}},
	} {
		if n, err := s.db.Collection(collectionArticles).CountDocuments(t.Context(), query); n != 1 || err != nil {
			t.Errorf("%v finds %d documents, %v; want 1", query, n, err)
		}
	}
}

// A database of a newer program is refused; one of an older program is migrated
// once, by many nodes at the same time, and keeps its data.
func TestSchema(t *testing.T) {
	uri := servers.SharedMongo(t).Database(newName())
	first := open(t, uri)
	if from, migrated := first.Migrated(); migrated {
		t.Errorf("a new database was migrated from %d", from)
	}
	if _, err := first.Articles().Append(t.Context(), []feed.Entry{{Edition: 1}}); err != nil {
		t.Fatal(err)
	}

	now, ran := migrations, atomic.Int64{}
	defer func() { migrations = now }()
	migrations = append(now[:len(now):len(now)], func(ctx context.Context, db *driver.Database) error {
		ran.Add(1)
		return nil
	})
	for opened, want := range []bool{true, false} {
		s := open(t, uri)
		if from, migrated := s.Migrated(); migrated != want || want && from != 1+len(now) {
			t.Errorf("open %d: migrated %v from %d", opened, migrated, from)
		}
		if top, _, err := s.Articles().Top(t.Context()); top != 1 || err != nil || !s.made.Equal(first.made) {
			t.Errorf("after migration: top %d, %v, made %v; want 1, made %v", top, err, s.made, first.made)
		}
	}
	if ran.Load() != 1 {
		t.Errorf("the migration ran %d times", ran.Load())
	}

	migrations = now
	if _, err := Open(t.Context(), uri); !errors.Is(err, ErrNewer) {
		t.Errorf("open a newer database: %v, want ErrNewer", err)
	}
}

// Nodes that start together on an empty server agree on when it was made.
func TestOpenTogether(t *testing.T) {
	uri := servers.SharedMongo(t).Database(newName())
	const nodes = 6
	made := make(chan time.Time, nodes)
	for range nodes {
		go func() {
			s, err := Open(t.Context(), uri)
			if err != nil {
				t.Error(err)
				made <- time.Time{}
				return
			}
			made <- s.made
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
	}
	first := <-made
	for range nodes - 1 {
		if other := <-made; !other.Equal(first) {
			t.Errorf("made %v and %v", first, other)
		}
	}
}

// Without a server Open fails soon, says where it looked, and tells no password.
func TestOpenNowhere(t *testing.T) {
	begin := time.Now()
	_, err := Open(t.Context(), "mongodb://user:s3cret@127.0.0.1:1/")
	if !errors.Is(err, feed.ErrUnavailable) || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("open: %v, want ErrUnavailable and the address", err)
	}
	if took := time.Since(begin); took > 2*selectionPatience {
		t.Errorf("it took %v", took)
	}
	for _, uri := range []string{"mongodb://user:s3cret@127.0.0.1:1/", "mongodb://user:s3cret@/x?y", "http://user:s3cret@h/", "mongodb://us:er:s3cret@h/"} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := Open(ctx, uri)
		cancel()
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("open %s: %v; want an error without the password", uri, err)
		}
	}
}

// The URI names the database; it cannot weaken what the contract promises.
func TestSettings(t *testing.T) {
	o := settings("mongodb://h/?w=1&journal=false&readPreference=secondary&readConcernLevel=local&maxPoolSize=7&retryWrites=true")
	if w := o.WriteConcern; w.W != "majority" || w.Journal == nil || !*w.Journal {
		t.Errorf("write concern %+v", w)
	}
	if o.ReadConcern.Level != "majority" || o.ReadPreference.Mode().String() != "primary" {
		t.Errorf("read concern %v, preference %v", o.ReadConcern, o.ReadPreference)
	}
	if *o.MaxPoolSize != 7 || *o.ServerSelectionTimeout != selectionPatience {
		t.Errorf("pool %d, selection %v", *o.MaxPoolSize, *o.ServerSelectionTimeout)
	}
}

// A closed store is unavailable in each contract's own words.
func TestClosed(t *testing.T) {
	s := open(t, servers.SharedMongo(t).Database(newName()))
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, errArticles := s.Articles().Append(t.Context(), []feed.Entry{{Edition: 1}})
	_, errTopics := s.Topics().All(t.Context())
	_, errKeys := s.Keys().Keys(t.Context())
	for want, err := range map[error]error{
		feed.ErrUnavailable: errArticles, topic.ErrUnavailable: errTopics, account.ErrUnavailable: errKeys,
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if err := s.Ping(t.Context()); !errors.Is(err, feed.ErrUnavailable) {
		t.Errorf("ping: %v, want ErrUnavailable", err)
	}
}
