package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"newsfeed/feed"
)

// mongoServer holds the corpus in a collection, a document per article, with the
// index that the question wants.
type mongoServer struct {
	client   *mongo.Client
	articles *mongo.Collection
	server   *process // nil: somebody else's
	pid      int
	hits     []hit
}

// startMongo connects to a server, or starts one.
func startMongo(ctx context.Context, uri, dir string, c *Corpus) (*mongoServer, error) {
	s := &mongoServer{}
	if uri == "" {
		var err error
		if s.server, uri, err = runMongo(ctx, dir); err != nil {
			return nil, err
		}
		s.pid = s.server.pid()
	}
	var err error
	s.client, err = mongo.Connect(ctx, options.Client().ApplyURI(uri).SetServerSelectionTimeout(2*time.Second).SetMaxPoolSize(1))
	if err == nil {
		err = s.server.await(ctx, func() error { return s.client.Ping(ctx, nil) })
	}
	if err == nil {
		s.articles = s.client.Database("newsload").Collection("articles")
		err = s.load(ctx, c)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bring the corpus to MongoDB: %w", err), s.close())
	}
	return s, nil
}

// mongoBinary finds a server: MongoDB's own, else one that speaks its protocol.
func mongoBinary() (path string, genuine bool) {
	for _, b := range []struct {
		env, name string
		genuine   bool
	}{{"MONGOD", "mongod", true}, {"SECANTUSD", "secantusd-py", false}} {
		if path := os.Getenv(b.env); path != "" {
			return path, b.genuine
		}
		if path, err := exec.LookPath(b.name); err == nil {
			return path, b.genuine
		}
	}
	return "", false
}

func runMongo(ctx context.Context, dir string) (*process, string, error) {
	path, genuine := mongoBinary()
	if path == "" {
		return nil, "", fmt.Errorf("MongoDB: %w: set MONGODB_URI, or MONGOD to a mongod", errNotInstalled)
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	args := []string{"--bind_ip", "127.0.0.1", "--port", strconv.Itoa(port), "--dbpath", dir}
	if !genuine {
		config := dir + "/none.toml" // else it looks for one elsewhere
		if err := os.WriteFile(config, nil, 0o600); err != nil {
			return nil, "", fmt.Errorf("write an empty configuration: %w", err)
		}
		args = []string{"--config", config, "--host", "127.0.0.1", "--port", strconv.Itoa(port),
			"--storage-path", dir + "/db", "--standalone"}
	}
	p, err := startProcess(ctx, dir, "mongo", path, args...)
	return p, fmt.Sprintf("mongodb://127.0.0.1:%d/?directConnection=true", port), err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *mongoServer) load(ctx context.Context, c *Corpus) error {
	const atOnce = 1000
	if err := s.articles.Drop(ctx); err != nil {
		return err
	}
	_, err := s.articles.Indexes().CreateOne(ctx, mongo.IndexModel{
		Keys: bson.D{{Key: "topics", Value: 1}, {Key: "key", Value: -1}, {Key: "_id", Value: 1}}})
	if err != nil {
		return err
	}
	m := c.maker()
	var docs []any
	for i := 1; i <= c.Articles; i++ {
		it := m.item(i)
		id := feed.NewArticleID(url(i))
		docs = append(docs, bson.D{{Key: "_id", Value: primitive.Binary{Subtype: 4, Data: id[:]}},
			{Key: "key", Value: it.key()}, {Key: "topics", Value: append([]int32(nil), it.topics...)}})
		if len(docs) == atOnce || i == c.Articles {
			if _, err := s.articles.InsertMany(ctx, docs); err != nil {
				return err
			}
			docs = docs[:0]
		}
	}
	return nil
}

func (s *mongoServer) name() string { return "MongoDB, find $in sort limit" }

var mongoSort = bson.D{{Key: "key", Value: -1}, {Key: "_id", Value: 1}}

func (s *mongoServer) ask(ctx context.Context, dst []feed.ArticleID, q *question) ([]feed.ArticleID, error) {
	found, err := s.articles.Find(ctx, bson.D{{Key: "topics", Value: bson.D{{Key: "$in", Value: q.topics}}}},
		options.Find().SetSort(mongoSort).SetLimit(best).SetBatchSize(best+1).SetProjection(bson.D{{Key: "key", Value: 1}}))
	if err != nil {
		return nil, err
	}
	defer found.Close(ctx)
	s.hits = s.hits[:0]
	for found.Next(ctx) {
		var doc struct {
			ID  primitive.Binary `bson:"_id"`
			Key int64            `bson:"key"`
		}
		if err := found.Decode(&doc); err != nil {
			return nil, err
		}
		s.hits = append(s.hits, hit{doc.Key, feed.ArticleID(doc.ID.Data)})
	}
	return merged(dst, s.hits), found.Err()
}

func (s *mongoServer) cpu() (time.Duration, bool, error) { return withServer(s.pid) }

func (s *mongoServer) close() error {
	var err error
	if s.client != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err = s.client.Disconnect(ctx)
	}
	return errors.Join(err, s.server.stop())
}
