// Package mongo keeps the log of articles, the topics, the accounts and the keys in MongoDB
// (5.0 or newer, any topology), for any number of nodes at once. Its documents
// are made to be read by others too: their fields are named as in the API.
//
// It keeps the contracts of feed, topic and account and decides nothing. It is
// not on the read path of a feed: nodes read the log once and hold it in memory.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readconcern"
	"go.mongodb.org/mongo-driver/mongo/readpref"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/x/mongo/driver/connstring"

	"newsfeed/feed"
)

const (
	defaultDatabase = "newsfeed"
	appName         = "newsfeed" // what the server's log calls us

	// A request must not wait longer for a server than its caller would; the
	// driver's own 30 s would outlast every deadline of ours.
	selectionPatience = 3 * time.Second
	// For an answer when the caller has no deadline. Making an index of a
	// million articles takes long.
	answerPatience = time.Minute
	// One writer, one follower and a handful of requests for bodies and topics
	// run at a time on a node; more would only queue inside the server.
	poolSize = 32
)

// Store is a connection to a database. Its contracts may be used from any
// goroutine until Close.
type Store struct {
	client *driver.Client
	db     *driver.Database
	made   time.Time // when the database was made
	from   int       // schema version found by Open
}

// Open connects to the database named in the path of the URI ("newsfeed" when
// there is none), makes what is missing there, and migrates what an older
// version of the program made (see [Store.Migrated]). [ErrNewer] when a newer
// one made it; feed.ErrUnavailable when the server could not be reached.
func Open(ctx context.Context, uri string) (*Store, error) {
	parsed, err := connstring.ParseAndValidate(uri)
	if err != nil {
		return nil, fmt.Errorf("read MongoDB's URI: %w", err)
	}
	client, err := driver.Connect(ctx, settings(uri))
	if err != nil {
		return nil, fmt.Errorf("connect to MongoDB: %w", err)
	}
	name := parsed.Database
	if name == "" {
		name = defaultDatabase
	}
	s := &Store{client: client, db: client.Database(name)}
	if err := s.prepare(ctx); err != nil {
		err = fmt.Errorf("open database %s on MongoDB at %v: %w", name, parsed.Hosts, err)
		return nil, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// settings are ours where the contract depends on them, and the URI's before
// our defaults elsewhere. Writes are majority and journaled: on a standalone
// majority alone is not durable. A retried write carries its number, so the
// driver's retries stay on; a standalone has none.
func settings(uri string) *options.ClientOptions {
	journal := true
	durable := &writeconcern.WriteConcern{W: "majority", Journal: &journal}
	o := options.Client().
		SetAppName(appName).
		SetServerSelectionTimeout(selectionPatience).
		SetSocketTimeout(answerPatience).
		SetMaxPoolSize(poolSize).
		ApplyURI(uri)
	return o.SetWriteConcern(durable).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary())
}

// Ping asks the primary whether it is there.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.client.Ping(ctx, readpref.Primary()); err != nil {
		return fmt.Errorf("ping MongoDB: %w", translate(ctx, err, feed.ErrUnavailable))
	}
	return nil
}

// Close ends all connections; running calls end with ErrUnavailable when the
// context does. Closing twice is closing once.
func (s *Store) Close(ctx context.Context) error {
	err := s.client.Disconnect(ctx)
	if err == nil || errors.Is(err, driver.ErrClientDisconnected) {
		return nil
	}
	return fmt.Errorf("close the connection to MongoDB: %w", err)
}
