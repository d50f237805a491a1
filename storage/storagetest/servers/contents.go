package servers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Documents returns every document of every collection in a database of a MongoDB
// server, as the bytes of BSON, for a test to look for what must not be there.
func (s *Server) Documents(t testing.TB, database string) []byte {
	t.Helper()
	list, err := askMongoOf(s.Addr(), database, bson{}.num("listCollections", 1))
	if err != nil {
		t.Fatalf("list the collections of %s: %v", database, err)
	}
	var all []byte
	for _, name := range list.texts("name") {
		documents, err := askMongoOf(s.Addr(), database, bson{}.str("find", name).num("batchSize", 1<<20))
		if err != nil {
			t.Fatalf("read %s.%s: %v", database, name, err)
		}
		all = append(all, documents...)
	}
	return all
}

// texts returns the values of all fields of a name.
func (b bson) texts(name string) (texts []string) {
	for rest := b.after(bsonString, name); rest != nil; rest = bson(rest).after(bsonString, name) {
		n := int(rest[0]) | int(rest[1])<<8
		if n < 1 || n > len(rest)-4 {
			return texts
		}
		texts = append(texts, string(rest[4:4+n-1]))
	}
	return texts
}

// Values returns every key of a Redis server and everything under it.
func (s *Server) Values(t testing.TB) []byte {
	t.Helper()
	var all bytes.Buffer
	for cursor := "0"; ; {
		found := s.askAll(t, "SCAN", cursor, "COUNT", "1000")
		for _, key := range found[1:] {
			all.WriteString(key + "\n")
			for _, text := range s.askAll(t, readOf(s.askAll(t, "TYPE", key)[0], key)...) {
				all.WriteString(text + "\n")
			}
		}
		if cursor = found[0]; cursor == "0" {
			return all.Bytes()
		}
	}
}

// readOf is the command that reads all that is under a key of a type.
func readOf(kind, key string) []string {
	switch kind {
	case "hash":
		return []string{"HGETALL", key}
	case "list":
		return []string{"LRANGE", key, "0", "-1"}
	case "set":
		return []string{"SMEMBERS", key}
	case "zset":
		return []string{"ZRANGE", key, "0", "-1", "WITHSCORES"}
	}
	return []string{"GET", key}
}

// Files returns what stands in the append-only files of a Redis server.
func (s *Server) Files(t testing.TB) []byte {
	t.Helper()
	var all []byte
	for _, path := range s.appendOnly(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func (s *Server) appendOnly(t testing.TB) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"*.aof", "appendonlydir/*"} {
		found, err := filepath.Glob(filepath.Join(s.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	return paths
}

// Rewrite has a Redis server rewrite its append-only files, without compression,
// and returns when that is done and the old ones are gone.
func (s *Server) Rewrite(t testing.TB) {
	t.Helper()
	before := s.appendOnly(t)
	s.askAll(t, "CONFIG", "SET", "rdbcompression", "no")
	s.askAll(t, "BGREWRITEAOF")
	deadline := time.Now().Add(startPatience)
	for {
		info := s.askAll(t, "INFO", "persistence")[0]
		done := strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0")
		if done && !strings.Contains(info, "aof_last_bgrewrite_status:ok") {
			t.Fatalf("rewriting failed: %s", info)
		}
		if done && len(s.appendOnly(t)) <= max(1, len(before)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("rewriting takes too long: %v\n%s", s.appendOnly(t), info)
		}
		time.Sleep(pollEvery)
	}
}

// askAll sends one command and returns all strings of its answer.
func (s *Server) askAll(t testing.TB, command ...string) []string {
	t.Helper()
	conn, err := dial(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, encodeRedis(command)); err != nil {
		t.Fatal(err)
	}
	texts, err := readAllRedis(bufio.NewReader(conn))
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	return texts
}

// readAllRedis is readRedis for arrays too, whose strings it returns in one row.
func readAllRedis(r *bufio.Reader) ([]string, error) {
	kind, err := r.Peek(1)
	if err != nil {
		return nil, err
	}
	if kind[0] != '*' {
		text, err := readRedis(r)
		return []string{text}, err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil {
		return nil, fmt.Errorf("unexpected answer %q", line)
	}
	var all []string
	for range n {
		texts, err := readAllRedis(r)
		if err != nil {
			return nil, err
		}
		all = append(all, texts...)
	}
	return all, nil
}
