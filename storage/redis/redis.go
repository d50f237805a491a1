// Package redis keeps what belongs to people on a Redis server or a Redis
// Cluster: their lists of interests and their sessions; and it carries
// announcements between nodes. It keeps the contracts of interests, account and
// feed and decides nothing.
//
// What it keeps is durable data, not a cache. That is up to the server's
// settings, so [Store.Risks] reads them and says what may be lost. Redis copies
// to replicas after it has answered: a failover to a replica may lose the last
// acknowledged writes whatever the settings.
//
// All keys of a person share one hash-tag, the account's id, so that one script
// can touch them on a cluster:
//
//	newsfeed:schema                     version of this layout
//	newsfeed:{<account>}:list           hash: revision (decimal), list (JSON of interests.List)
//	newsfeed:{<account>}:journal        list: interests.Undo as JSON, newest first
//	newsfeed:{<account>}:marks          hash: see marks.go
//	newsfeed:{<account>}:sessions       sorted set: see deviceKey
//	newsfeed:{<account>}:merges         hash: id of a merge → JSON of interests.Merge
//	newsfeed:session:{<hash of token>}  JSON of account.Session
//	newsfeed:limit:{<hash>}             see limits.go
//
// What changes one of them publishes that on the channel newsfeed:changes in the
// same step; a user of an ACL needs newsfeed:* for keys and channels.
//
// Lists and sessions expire by Redis's own clock and means. Redis 6.2 or newer.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// Store is an open connection to a server or cluster. Its contracts may be used
// from any goroutine until Close.
//
// Calls end at their context's deadline, and without one after some seconds. A
// context that is cancelled while a silent server is waited for is noticed only
// then.
type Store struct {
	client goredis.UniversalClient
	wanted confirmations
	addr   string // for messages
	from   int    // schema version found by Open

	mu            sync.Mutex // guards what follows
	closed        bool
	announcements *announcements // made by the first call of Announcements
	changes       *changes       // made by the first call of Changes
}

// Open connects to the server of a URL and prepares it:
//
//	redis://[user:password@]host[:6379][/database][?addr=host2:6379&addr=host3:6379]
//
// Several addresses are nodes of one cluster; a single address may be one too,
// which its server is asked. rediss:// is the same over TLS. With wait_replicas=1
// an edit is acknowledged when one replica has it too, which it must within
// wait_timeout (500ms, at most 2s; see [interests.ErrUnconfirmed]). Further parameters
// are those of go-redis (read_timeout, pool_size, skip_verify, …). The password
// never appears in an error.
//
// Open returns [ErrNewer] when a newer version of the program has written to the
// server. Data of an older one are migrated (see [Store.Migrated]).
func Open(ctx context.Context, url string) (*Store, error) {
	quiet()
	options, wanted, err := parse(url)
	if err != nil {
		return nil, err
	}
	s := &Store{wanted: wanted, addr: strings.Join(options.Addrs, ", ")}
	if s.client, err = connect(ctx, options); err != nil {
		return nil, fmt.Errorf("open redis at %s: %w", s.addr, err)
	}
	if err := s.migrate(ctx, migrations); err != nil {
		return nil, errors.Join(fmt.Errorf("open redis at %s: %w", s.addr, err), s.client.Close())
	}
	return s, nil
}

func (s *Store) writer() writer { return writer{s.client, s.wanted} }

// connect makes a client of the kind that the server needs.
func connect(ctx context.Context, options *goredis.UniversalOptions) (goredis.UniversalClient, error) {
	if len(options.Addrs) > 1 {
		return cluster(options)
	}
	client := goredis.NewUniversalClient(options)
	info, err := client.Info(ctx, "cluster").Result()
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	if !strings.Contains(info, "cluster_enabled:1") {
		return client, nil
	}
	if err := client.Close(); err != nil {
		return nil, err
	}
	return cluster(options)
}

func cluster(options *goredis.UniversalOptions) (goredis.UniversalClient, error) {
	if options.DB != 0 {
		return nil, fmt.Errorf("a cluster has no database %d, only 0: leave it out of the address", options.DB)
	}
	options.IsClusterMode = true
	options.MaxRetries = 0 // of a node; the cluster's client tries again by itself
	return goredis.NewUniversalClient(options), nil
}

// quiet makes go-redis's own log part of ours. It has one for the whole program,
// on standard error, with a line for every failed dial; what matters of it is in
// the errors that calls return.
var quiet = sync.OnceFunc(func() { goredis.SetLogger(debugLog{}) })

type debugLog struct{}

func (debugLog) Printf(ctx context.Context, format string, v ...any) {
	slog.DebugContext(ctx, fmt.Sprintf(format, v...), "from", "go-redis")
}

// Ping reports whether the server answers; each master of a cluster.
func (s *Store) Ping(ctx context.Context) error {
	err := s.eachMaster(ctx, func(ctx context.Context, c *goredis.Client) error { return c.Ping(ctx).Err() })
	if err != nil {
		return fmt.Errorf("ping redis at %s: %w", s.addr, err)
	}
	return nil
}

// eachMaster calls f for the server, or for each master of the cluster, at once.
func (s *Store) eachMaster(ctx context.Context, f func(context.Context, *goredis.Client) error) error {
	switch client := s.client.(type) {
	case *goredis.ClusterClient:
		return client.ForEachMaster(ctx, f)
	case *goredis.Client:
		return f(ctx, client)
	default:
		return fmt.Errorf("unknown kind of client %T", client)
	}
}

// Close ends what runs, waits for it and closes the connections. Closing twice
// is closing once. Calls after it return the ErrUnavailable of their contract.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.announcements != nil {
		s.announcements.close()
	}
	if s.changes != nil {
		s.changes.close()
	}
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("close redis at %s: %w", s.addr, err)
	}
	return nil
}
