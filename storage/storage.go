// Package storage turns addresses into stores: servers where addresses are
// given, else one local file. It is the only place that knows which adapters
// there are.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
	"newsfeed/interests/topic"
	"newsfeed/storage/embedded"
	"newsfeed/storage/mongo"
	"newsfeed/storage/redis"
)

// Addresses say where data is kept: on both servers, or, when both are empty, in
// a file in the data folder.
type Addresses struct {
	Data     string // folder
	MongoURI string
	RedisURL string
}

// File is the embedded store's name in the data folder.
const File = "newsfeed.db"

// ErrHalf: one server was named without the other.
var ErrHalf = errors.New("storage: MONGODB_URI and REDIS_URL go together: give both, or neither for the embedded store")

// Stores are all contracts, kept.
type Stores struct {
	Articles      feed.Articles
	Topics        topic.Store
	Keys          account.Keys
	Lists         interests.Store
	Merges        interests.Merges
	Marks         feed.Marks
	Sessions      account.Store
	Limits        account.Limits
	Accounts      account.Accounts
	Erasures      account.Erasures
	Sources       ingest.Sources
	Together      feed.Together
	Announcements feed.Announcements
	Changes       athand.Announcements

	// Fill says how full the store of lists is; nil where it has no limit.
	Fill account.Fill

	// Backup writes a consistent copy while the stores are in use; nil where
	// the servers have means of their own.
	Backup func(ctx context.Context, w io.Writer) error

	// Sweep removes what has expired, where the store does not do so itself.
	Sweep func(ctx context.Context, now time.Time) (removed int, err error)

	// Migrated says, a line each, which stores an older program had written and
	// were brought up to date.
	Migrated []string

	health []func(context.Context) Health
	close  []func() error
}

// Health is the state of one store.
type Health struct {
	Name  string // what it keeps: "articles", "interests"
	Kind  string // "mongodb", "redis", "embedded"
	Err   error  // nil: it answers
	Risks []string
}

// Open opens the stores at the addresses. Errors name the store and wrap the
// adapter's: embedded.ErrInUse, and the ErrNewer of each.
func Open(ctx context.Context, a Addresses) (*Stores, error) {
	switch {
	case (a.MongoURI == "") != (a.RedisURL == ""):
		return nil, ErrHalf
	case a.MongoURI == "":
		return openEmbedded(filepath.Join(a.Data, File))
	}
	return openServers(ctx, a)
}

func openEmbedded(path string) (*Stores, error) {
	s, err := embedded.Open(path)
	if err != nil {
		return nil, err
	}
	return &Stores{
		Articles: s.Articles(), Topics: s.Topics(), Keys: s.Keys(), Accounts: s.Accounts(), Erasures: s.Erasures(), Sources: s.Sources(),
		Lists: s.Lists(), Merges: s.Merges(), Marks: s.Marks(), Sessions: s.Sessions(), Limits: s.Limits(), Together: s.Together(),
		Announcements: s.Announcements(), Changes: s.Changes(),
		Backup:   func(ctx context.Context, w io.Writer) error { _, err := s.WriteTo(w); return err },
		Sweep:    s.Sweep,
		Migrated: migrated(path, s.Migrated),
		health: []func(context.Context) Health{func(ctx context.Context) Health {
			_, _, err := s.Articles().Top(ctx)
			return Health{Name: "articles and interests", Kind: "embedded", Err: err}
		}},
		close: []func() error{s.Close},
	}, nil
}

func openServers(ctx context.Context, a Addresses) (*Stores, error) {
	m, err := mongo.Open(ctx, a.MongoURI)
	if err != nil {
		return nil, err
	}
	closeMongo := func() error { return m.Close(context.Background()) }
	r, err := redis.Open(ctx, a.RedisURL)
	if err != nil {
		return nil, errors.Join(err, closeMongo())
	}
	return &Stores{
		Sweep:    func(context.Context, time.Time) (int, error) { return 0, nil },
		Fill:     r.Fill,
		Articles: m.Articles(), Topics: m.Topics(), Keys: m.Keys(), Accounts: m.Accounts(), Erasures: m.Erasures(), Sources: m.Sources(),
		Lists: r.Lists(), Merges: r.Merges(), Marks: r.Marks(), Sessions: r.Sessions(), Limits: r.Limits(), Together: r.Together(),
		Announcements: r.Announcements(), Changes: r.Changes(),
		Migrated: append(migrated("MongoDB", m.Migrated), migrated("Redis", r.Migrated)...),
		health: []func(context.Context) Health{
			func(ctx context.Context) Health {
				return Health{Name: "articles", Kind: "mongodb", Err: m.Ping(ctx)}
			},
			func(ctx context.Context) Health {
				h := Health{Name: "interests", Kind: "redis", Err: r.Ping(ctx)}
				if h.Err == nil {
					h.Risks, h.Err = r.Risks(ctx)
				}
				return h
			},
		},
		close: []func() error{r.Close, closeMongo},
	}, nil
}

// migrated makes a line of an adapter's report that Open has migrated its data.
func migrated(name string, report func() (from int, migrated bool)) []string {
	from, ok := report()
	if !ok {
		return nil
	}
	return []string{fmt.Sprintf("%s: brought up to date from schema %d", name, from)}
}

// Health asks every store how it is.
func (s *Stores) Health(ctx context.Context) []Health {
	out := make([]Health, len(s.health))
	for i, ask := range s.health {
		out[i] = ask(ctx)
	}
	return out
}

// Close closes what Open opened, in reverse, and reports all errors.
func (s *Stores) Close() error {
	var errs []error
	for _, c := range s.close {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}
