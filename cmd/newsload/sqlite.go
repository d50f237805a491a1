package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"newsfeed/feed"
)

// sqliteFile holds the corpus in this process, in a table that is clustered as the
// question wants it, and in one of the same rows with the newest first.
type sqliteFile struct {
	db         *sql.DB
	statements map[string]*sql.Stmt
	args       []any
	hits       []hit
}

const sqliteSchema = `
	PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -524288; PRAGMA mmap_size = 4294967296;
	CREATE TABLE postings (topic INTEGER, key INTEGER, id BLOB, PRIMARY KEY (topic, key DESC, id)) WITHOUT ROWID;
	CREATE TABLE newest (key INTEGER, id BLOB, topic INTEGER, PRIMARY KEY (key DESC, id, topic)) WITHOUT ROWID;`

func openSQLite(ctx context.Context, dir string, all []posting) (*sqliteFile, error) {
	db, err := sql.Open("sqlite", "file:"+dir+"/sqlite.db")
	if err != nil {
		return nil, fmt.Errorf("open SQLite: %w", err)
	}
	db.SetMaxOpenConns(1)
	s := &sqliteFile{db: db, statements: map[string]*sql.Stmt{}}
	if err := s.load(ctx, all); err != nil {
		return nil, errors.Join(fmt.Errorf("bring the corpus to SQLite: %w", err), s.close())
	}
	return s, nil
}

func (s *sqliteFile) load(ctx context.Context, all []posting) error {
	if _, err := s.db.ExecContext(ctx, sqliteSchema); err != nil {
		return err
	}
	if err := s.fill(ctx, all); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, "INSERT INTO newest SELECT key, id, topic FROM postings ORDER BY key DESC, id, topic; ANALYZE")
	return err
}

func (s *sqliteFile) fill(ctx context.Context, all []posting) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	insert, err := tx.PrepareContext(ctx, "INSERT INTO postings VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	for i := range all {
		if _, err := insert.ExecContext(ctx, all[i].topic, all[i].key, all[i].id[:]); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// query asks with a statement that stays prepared, and adds to the hits.
func (s *sqliteFile) query(ctx context.Context, text string, topics []int32) error {
	stmt := s.statements[text]
	if stmt == nil {
		var err error
		if stmt, err = s.db.PrepareContext(ctx, text); err != nil {
			return err
		}
		s.statements[text] = stmt
	}
	s.args = s.args[:0]
	for _, t := range topics {
		s.args = append(s.args, t)
	}
	rows, err := stmt.QueryContext(ctx, s.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var id sql.RawBytes
	for rows.Next() {
		var h hit
		if err := rows.Scan(&h.key, &id); err != nil {
			return err
		}
		copy(h.id[:], id)
		s.hits = append(s.hits, h)
	}
	return rows.Err()
}

func (s *sqliteFile) cpu() (time.Duration, bool, error) { return inProcess() }

func (s *sqliteFile) close() error {
	var errs []error
	for _, stmt := range s.statements {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, s.db.Close())...)
}

// An article comes up once for each of its topics that match; so many rows hold
// the best 30 articles for certain.
const enoughRows = best * mostTopics

// sqliteIn is how one would write it first.
type sqliteIn struct{ *sqliteFile }

func (s *sqliteIn) name() string { return "SQLite, topic IN (…)" }

func (s *sqliteIn) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	text := fmt.Sprintf("SELECT key, id FROM postings WHERE topic IN (?%s) ORDER BY key DESC, id LIMIT %d",
		strings.Repeat(",?", len(q.topics)-1), enoughRows)
	s.hits = s.hits[:0]
	err := s.query(ctx, text, q.topics)
	return merged(dst, s.hits), err
}

// sqliteTops asks for the best 30 of each topic, one after the other: the table's
// order gives them without a sort. (As one statement, a UNION ALL of them, it took
// 50 µs a topic.)
type sqliteTops struct{ *sqliteFile }

func (s *sqliteTops) name() string { return "SQLite, top 30 of each topic" }

func (s *sqliteTops) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	s.hits = s.hits[:0]
	for i := range q.topics {
		err := s.query(ctx, "SELECT key, id FROM postings WHERE topic = ? ORDER BY key DESC, id LIMIT 30", q.topics[i:i+1])
		if err != nil {
			return nil, err
		}
	}
	return merged(dst, s.hits), nil
}

// sqliteNewest reads from the newest article on until there are 30 that match.
type sqliteNewest struct{ *sqliteFile }

func (s *sqliteNewest) name() string { return "SQLite, newest first until 30 match" }

func (s *sqliteNewest) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	text := fmt.Sprintf("SELECT DISTINCT key, id FROM newest WHERE topic IN (?%s) ORDER BY key DESC, id LIMIT 30",
		strings.Repeat(",?", len(q.topics)-1))
	s.hits = s.hits[:0]
	err := s.query(ctx, text, q.topics)
	return merged(dst, s.hits), err
}

// The file is sqliteIn's to close.
func (s *sqliteTops) close() error   { return nil }
func (s *sqliteNewest) close() error { return nil }

// Both were thought of after those that are the usual ones.
func (s *sqliteTops) harder()   {}
func (s *sqliteNewest) harder() {}
