package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"newsfeed/feed"
)

// redisServer holds the corpus in a Redis: per topic a sorted set of all its
// articles, and a capped one of the best 30.
//
// A member is the article's id with every bit turned: Redis gives equal scores
// from the greatest member down, and the smallest id is to come first.
type redisServer struct {
	client *redis.Client
	server *process // nil: somebody else's
	pid    int
}

func startRedis(ctx context.Context, url, dir string, all []posting) (*redisServer, error) {
	s := &redisServer{}
	if url == "" {
		// No copy on disk, and a socket that is faster than TCP: it only reads.
		socket := dir + "/redis.sock"
		p, err := startProcess(ctx, dir, "redis", "redis-server", "--port", "0", "--unixsocket", socket,
			"--save", "", "--appendonly", "no", "--dir", dir)
		if err != nil {
			return nil, err
		}
		s.server, s.pid, url = p, p.pid(), "unix://"+socket
	}
	opt, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the address of Redis: %w", err), s.close())
	}
	opt.PoolSize, opt.ReadTimeout = 1, 5*time.Minute
	s.client = redis.NewClient(opt)
	err = s.server.await(ctx, func() error { return s.client.Ping(ctx).Err() })
	if err == nil {
		err = s.load(ctx, all)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bring the corpus to Redis: %w", err), s.close())
	}
	return s, nil
}

func (s *redisServer) load(ctx context.Context, all []posting) error {
	const atOnce = 500
	err := byTopic(all, func(topic int32, of []posting) error {
		pipe := s.client.Pipeline()
		pipe.Del(ctx, fullKey(topic), cappedKey(topic))
		pipe.ZAdd(ctx, cappedKey(topic), members(of[:min(len(of), best)])...)
		for part := range slices.Chunk(of, atOnce) {
			pipe.ZAdd(ctx, fullKey(topic), members(part)...)
		}
		_, err := pipe.Exec(ctx)
		return err
	})
	return err
}

func fullKey(topic int32) string   { return "newsload:t:" + strconv.Itoa(int(topic)) }
func cappedKey(topic int32) string { return "newsload:c:" + strconv.Itoa(int(topic)) }

func members(of []posting) []redis.Z {
	out := make([]redis.Z, len(of))
	for i, p := range of {
		out[i] = redis.Z{Score: float64(p.key), Member: turned(string(p.id[:]))}
	}
	return out
}

func turned(id string) string {
	b := []byte(id)
	for i := range b {
		b[i] = ^b[i]
	}
	return string(b)
}

func (s *redisServer) close() error {
	var err error
	if s.client != nil {
		err = s.client.Close()
	}
	return errors.Join(err, s.server.stop())
}

func hitsOf(hits []hit, zs []redis.Z) ([]hit, error) {
	for _, z := range zs {
		member, ok := z.Member.(string)
		if !ok || len(member) != len(feed.ArticleID{}) {
			return nil, fmt.Errorf("a member of a sorted set is no id: %q", z.Member)
		}
		hits = append(hits, hit{int64(z.Score), feed.ArticleID([]byte(turned(member)))})
	}
	return hits, nil
}

// redisMerge asks for the best of each topic, all in one round trip, and merges
// them here.
type redisMerge struct {
	*redisServer
	hits []hit
}

func (s *redisMerge) name() string { return "Redis, ZREVRANGE per topic + merge" }

func (s *redisMerge) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	pipe := s.client.Pipeline()
	answers := make([]*redis.ZSliceCmd, len(q.topics))
	for i, t := range q.topics {
		answers[i] = pipe.ZRevRangeWithScores(ctx, fullKey(t), 0, best-1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	s.hits = s.hits[:0]
	for _, a := range answers {
		var err error
		if s.hits, err = hitsOf(s.hits, a.Val()); err != nil {
			return nil, err
		}
	}
	return merged(dst, s.hits), nil
}

func (s *redisMerge) cpu() (time.Duration, bool, error) { return withServer(s.pid) }

// redisUnion lets Redis merge, in one round trip, the capped sets.
type redisUnion struct {
	*redisServer
	hits []hit
}

func (s *redisUnion) name() string { return "Redis, ZUNIONSTORE of capped sets" }

func (s *redisUnion) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	const union = "newsload:union"
	keys := make([]string, len(q.topics))
	for i, t := range q.topics {
		keys[i] = cappedKey(t)
	}
	pipe := s.client.Pipeline()
	pipe.ZUnionStore(ctx, union, &redis.ZStore{Keys: keys, Aggregate: "MAX"})
	answer := pipe.ZRevRangeWithScores(ctx, union, 0, best-1)
	pipe.Del(ctx, union)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	var err error
	if s.hits, err = hitsOf(s.hits[:0], answer.Val()); err != nil {
		return nil, err
	}
	return merged(dst, s.hits), nil
}

func (s *redisUnion) cpu() (time.Duration, bool, error) { return withServer(s.pid) }
func (s *redisUnion) close() error                      { return nil } // redisMerge's is the same server
