package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"newsfeed/feed"
)

// postgresServer holds the corpus twice: a row per article and topic, clustered
// as the question wants it, and a row per article with its topics in an array.
type postgresServer struct {
	conn   *pgx.Conn
	server *process // nil: somebody else's
	pid    int      // of our connection's own process there
	hits   []hit
}

// postgresSettings make it fast to fill and leave one processor to a question.
var postgresSettings = []string{"listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=1GB",
	"work_mem=64MB", "maintenance_work_mem=512MB", "max_wal_size=8GB", "jit=off", "random_page_cost=1.1",
	"max_parallel_workers_per_gather=0", "autovacuum=off"}

func startPostgres(ctx context.Context, url, dir string, c *Corpus, all []posting) (*postgresServer, error) {
	s := &postgresServer{}
	if url == "" {
		p, err := runPostgres(ctx, dir)
		if err != nil {
			return nil, err
		}
		s.server, url = p, "host="+dir+" user=postgres dbname=postgres"
	}
	err := s.server.await(ctx, func() (err error) { s.conn, err = pgx.Connect(ctx, url); return err })
	if err == nil {
		err = s.load(ctx, c, all)
	}
	if err == nil && s.server != nil {
		err = s.conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&s.pid)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bring the corpus to PostgreSQL: %w", err), s.close())
	}
	return s, nil
}

// runPostgres starts a fresh PostgreSQL in a folder, as the user postgres when
// we are root, whom it refuses.
func runPostgres(ctx context.Context, dir string) (*process, error) {
	initdb, server := postgresBinary("initdb"), postgresBinary("postgres")
	if initdb == "" || server == "" {
		return nil, fmt.Errorf("PostgreSQL: %w: apt-get install postgresql", errNotInstalled)
	}
	as, err := otherUser("postgres", dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	make := exec.CommandContext(ctx, initdb, "--pgdata", data, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	make.Dir, make.SysProcAttr = dir, as
	if out, err := make.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make a PostgreSQL data folder: %w\n%s", err, out)
	}
	args := []string{"-D", data, "-k", dir}
	for _, setting := range postgresSettings {
		args = append(args, "-c", setting)
	}
	return startProcessAs(ctx, as, dir, "postgres", server, args...)
}

// postgresBinary finds a program of PostgreSQL: Debian has them beside the PATH.
func postgresBinary(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

const postgresTables = `
	DROP TABLE IF EXISTS newsload_postings, newsload_articles, newsload_newest;
	CREATE UNLOGGED TABLE newsload_postings (topic int4, key int8, id uuid);
	CREATE UNLOGGED TABLE newsload_articles (key int8, id uuid, topics int4[]);`

// In newsload_newest the planner may choose to read the newest articles first, where
// it thinks that better than the index by topic.
const postgresIndexes = `
	CREATE INDEX ON newsload_postings (topic, key DESC, id);
	CREATE INDEX ON newsload_articles USING gin (topics);
	CREATE UNLOGGED TABLE newsload_newest AS SELECT * FROM newsload_articles ORDER BY key DESC;
	CREATE INDEX ON newsload_newest USING gin (topics);
	CREATE INDEX ON newsload_newest (key DESC, id);`

func (s *postgresServer) load(ctx context.Context, c *Corpus, all []posting) error {
	if _, err := s.conn.Exec(ctx, postgresTables); err != nil {
		return err
	}
	i := 0
	_, err := s.conn.CopyFrom(ctx, pgx.Identifier{"newsload_postings"}, []string{"topic", "key", "id"},
		pgx.CopyFromFunc(func() ([]any, error) {
			if i++; i > len(all) {
				return nil, nil
			}
			p := &all[i-1]
			return []any{p.topic, p.key, [16]byte(p.id)}, nil
		}))
	if err != nil {
		return err
	}
	m, n := c.maker(), 0
	_, err = s.conn.CopyFrom(ctx, pgx.Identifier{"newsload_articles"}, []string{"key", "id", "topics"},
		pgx.CopyFromFunc(func() ([]any, error) {
			if n++; n > c.Articles {
				return nil, nil
			}
			it := m.item(n)
			return []any{it.key(), [16]byte(feed.NewArticleID(url(n))), it.topics}, nil
		}))
	if err != nil {
		return err
	}
	if _, err := s.conn.Exec(ctx, postgresIndexes); err != nil {
		return err
	}
	// So that an index alone can answer.
	_, err = s.conn.Exec(ctx, "VACUUM (ANALYZE) newsload_postings, newsload_articles, newsload_newest")
	return err
}

func (s *postgresServer) query(ctx context.Context, text string, topics []int32) ([]hit, error) {
	rows, err := s.conn.Query(ctx, text, topics)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	s.hits = s.hits[:0]
	for rows.Next() {
		var h hit
		if err := rows.Scan(&h.key, (*[16]byte)(&h.id)); err != nil {
			return nil, err
		}
		s.hits = append(s.hits, h)
	}
	return s.hits, rows.Err()
}

func (s *postgresServer) cpu() (time.Duration, bool, error) { return withServer(s.pid) }

func (s *postgresServer) close() error {
	var err error
	if s.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err = s.conn.Close(ctx)
	}
	return errors.Join(err, s.server.stop())
}

// postgresLateral takes the best 30 of each topic from the index.
type postgresLateral struct{ *postgresServer }

func (s *postgresLateral) name() string { return "PostgreSQL, LATERAL top 30 of each topic" }

func (s *postgresLateral) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	hits, err := s.query(ctx, `SELECT DISTINCT key, id FROM unnest($1::int4[]) AS t (topic), LATERAL (
		SELECT key, id FROM newsload_postings p WHERE p.topic = t.topic ORDER BY key DESC, id LIMIT 30) AS top
		ORDER BY key DESC, id LIMIT 30`, q.topics)
	return merged(dst, hits), err
}

// postgresOverlap asks for articles whose topics overlap the person's.
type postgresOverlap struct{ *postgresServer }

func (s *postgresOverlap) name() string { return "PostgreSQL, topics && $1 on GIN" }

func (s *postgresOverlap) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	return s.overlapping(ctx, dst, "newsload_articles", q)
}

// postgresNewest is the same with an index by key beside.
type postgresNewest struct{ *postgresServer }

func (s *postgresNewest) name() string { return "PostgreSQL, topics && $1, GIN or newest first" }

func (s *postgresNewest) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	return s.overlapping(ctx, dst, "newsload_newest", q)
}

func (s *postgresServer) overlapping(ctx context.Context, dst []feed.ArticleID, table string, q *question) ([]feed.ArticleID, error) {
	hits, err := s.query(ctx,
		"SELECT key, id FROM "+table+" WHERE topics && $1 ORDER BY key DESC, id LIMIT 30", q.topics)
	return merged(dst, hits), err
}

// The server is postgresLateral's to stop.
func (s *postgresOverlap) close() error { return nil }
func (s *postgresNewest) close() error  { return nil }

// It was thought of after the usual ones.
func (s *postgresNewest) harder() {}

// isRoot is whether servers that refuse root need another user.
func isRoot() bool { return os.Geteuid() == 0 }
