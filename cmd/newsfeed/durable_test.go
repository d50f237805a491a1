package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage"
	"newsfeed/storage/embedded"
	"newsfeed/storage/redis"
	"newsfeed/storage/storagetest/servers"
)

// What was acknowledged is there after a crash: of redis-server, of the program on
// its embedded store, and (powercut_linux_test.go) of the machine.

var (
	redisKills   = flag.Int("kills.redis", 3, "kill -9 of redis-server in TestKillRedisDuringEdits")
	programKills = flag.Int("kills.program", 3, "kill -9 of the program in TestKillServeDuringEdits")
	killEdits    = flag.Int("kills.edits", 300, "acknowledged edits before each, at least")
	crashSeed    = flag.Uint64("kills.seed", 1, "seed of the edits")
)

func TestKillRedisDuringEdits(t *testing.T) {
	server := servers.Redis(t)
	c := newCrash(t, server, 48)
	for range *redisKills {
		c.round(*killEdits, server.Kill)
		server.Restart()
		c.check(c.inRedis)
	}
	c.report(server.Kind()+", kill -9", *redisKills)
	c.mustHaveKept()
}

func TestKillServeDuringEdits(t *testing.T) {
	folder := t.TempDir()
	p := serve(t, "NEWSFEED_DATA="+folder)
	c := &crash{t: t, node: p, editors: 16}
	for range *programKills {
		c.round(*killEdits, p.kill)
		c.check(func(check func(interests.Store)) {
			file, err := embedded.Open(filepath.Join(folder, storage.File))
			if err != nil {
				t.Fatal(err)
			}
			check(file.Lists())
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
		})
		p.start()
	}
	c.report("the embedded store, kill -9 of the program", *programKills)
	c.mustHaveKept()
}

// crash is people who edit through the door of a node until something strikes, and
// what they were told that it was stored.
type crash struct {
	t       *testing.T
	node    *process
	redis   *servers.Server // nil: the node's store is embedded
	editors int

	people       []*editor
	acknowledged int
	lost         int
	example      string // of what was lost
	began        time.Time
}

func newCrash(t *testing.T, server *servers.Server, people int) *crash {
	mongo := servers.SharedMongo(t)
	name := "crash" + server.Addr()[strings.LastIndex(server.Addr(), ":")+1:]
	node := serve(t, "MONGODB_URI="+mongo.Database(name), "REDIS_URL="+server.URL())
	return &crash{t: t, node: node, redis: server, editors: people}
}

// editor is one person, who makes one edit after the other.
type editor struct {
	id    account.ID
	token string
	r     *rand.Rand
	since interests.Revision // of the list when it was checked last
	edits []madeEdit         // since then
}

// madeEdit was acknowledged with a revision; 0: nobody knows what became of it.
type madeEdit struct {
	topic    topic.ID
	level    interests.Level
	revision interests.Revision
}

// round lets all edit until so many edits were acknowledged, strikes, and returns
// when all have noticed.
func (c *crash) round(least int, strike func()) {
	if c.began.IsZero() {
		c.began = time.Now()
	}
	c.gather()
	var (
		acknowledged atomic.Int64
		struck       atomic.Bool
		enough       = make(chan struct{})
		all          sync.WaitGroup
	)
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: c.editors}}
	defer client.CloseIdleConnections()
	for _, e := range c.people {
		all.Go(func() {
			for {
				err := e.edit(client, c.node.url)
				if err == nil && acknowledged.Add(1) == int64(least) {
					close(enough)
				}
				if err != nil && struck.Load() {
					return
				}
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(2 * time.Minute):
		c.t.Errorf("only %d of %d edits were acknowledged in two minutes", acknowledged.Load(), least)
	}
	struck.Store(true)
	strike()
	all.Wait()
}

// gather makes people who have made one edit each: a guest's first keeps the guest.
func (c *crash) gather() {
	for n := len(c.people); n < c.editors; n++ {
		var made struct {
			Account struct{ ID account.ID }
			Token   string
		}
		for deadline := time.Now().Add(30 * time.Second); ; { // a node may not know yet that Redis is back
			status, err := c.node.tryCall("POST", "/guests", "", nil, &made)
			if status == http.StatusCreated {
				break
			}
			if time.Now().After(deadline) {
				c.t.Fatalf("POST /guests: %d, %v", status, err)
			}
		}
		c.people = append(c.people, &editor{id: made.Account.ID, token: made.Token, r: rand.New(rand.NewPCG(*crashSeed, uint64(n)))})
	}
}

var crashLevels = []interests.Level{interests.Follow, interests.Favourite, interests.Mute, interests.None}

// edit makes an edit; an error when it was not acknowledged.
func (e *editor) edit(client *http.Client, url string) error {
	m := madeEdit{topic: topic.ID(walkTopics[e.r.IntN(len(walkTopics))]), level: crashLevels[e.r.IntN(len(crashLevels))]}
	method, body := http.MethodPut, `{"level":"`+m.level.String()+`"}`
	if m.level == interests.None {
		method, body = http.MethodDelete, ""
	}
	request, err := http.NewRequestWithContext(context.Background(), method, url+"/interests/"+string(m.topic), strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+e.token)
	request.Header.Set("Content-Type", "application/json")
	var answer struct{ Revision interests.Revision }
	err = do(client, request, &answer)
	m.revision = answer.Revision
	e.edits = append(e.edits, m)
	return err
}

func do(client *http.Client, request *http.Request, answer any) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d: %s", response.StatusCode, text)
	}
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	return err
}

// inRedis hands out the lists that are in Redis now.
func (c *crash) inRedis(check func(interests.Store)) {
	store, err := redis.Open(c.t.Context(), c.redis.URL())
	if err != nil {
		c.t.Fatal(err)
	}
	check(store.Lists())
	if err := store.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// check counts what was acknowledged since the last check, and what of it is lost.
func (c *crash) check(open func(func(interests.Store))) {
	open(func(lists interests.Store) {
		for _, e := range c.people {
			acknowledged, lost, err := e.check(c.t.Context(), lists)
			if err != nil {
				c.t.Fatalf("account %s: %v", e.id, err)
			}
			c.acknowledged += acknowledged
			c.lost += len(lost)
			if len(lost) > 0 {
				c.example = fmt.Sprintf("account %s: %v", e.id, lost[0])
			}
		}
	})
}

// check finds in the journal every edit that was acknowledged since the last
// check, and in the list what the last of them to each topic said, unless one of
// unknown fate came after it.
func (e *editor) check(ctx context.Context, lists interests.Store) (acknowledged int, lost []string, err error) {
	list, undos, err := lists.Journal(ctx, e.id, e.since)
	if err != nil && !errors.Is(err, interests.ErrForgotten) {
		return 0, nil, err
	}
	kept := map[interests.Revision]bool{}
	for _, u := range undos {
		kept[u.Revision] = true
	}
	may := map[topic.ID][]interests.Level{}
	for _, m := range e.edits {
		if m.revision == 0 {
			may[m.topic] = append(may[m.topic], m.level)
			continue
		}
		acknowledged++
		may[m.topic] = []interests.Level{m.level}
		if !kept[m.revision] {
			lost = append(lost, fmt.Sprintf("%s %s at revision %d; the list is at %d", m.level, m.topic, m.revision, list.Revision))
		}
	}
	for id, levels := range may {
		known := slices.ContainsFunc(e.edits, func(m madeEdit) bool { return m.topic == id && m.revision > 0 })
		if known && len(lost) == 0 && !slices.Contains(levels, list.Topics[id].Level) {
			lost = append(lost, fmt.Sprintf("%s is at %s, want %s", id, list.Topics[id].Level, levels))
		}
	}
	e.since, e.edits = list.Revision, nil
	return acknowledged, lost, nil
}

func (c *crash) report(what string, strikes int) {
	c.t.Logf("%s: %d times, %d people, -kills.seed %d: %d edits acknowledged, %d lost; %v",
		what, strikes, c.editors, *crashSeed, c.acknowledged, c.lost, time.Since(c.began).Round(time.Second/10))
}

// mustHaveKept also asks for each list through the door.
func (c *crash) mustHaveKept() {
	if c.lost > 0 {
		c.t.Errorf("%d of %d acknowledged edits are lost, for instance %s", c.lost, c.acknowledged, c.example)
	}
	for _, e := range c.people {
		var got struct{ Revision interests.Revision }
		if status := c.node.call("GET", "/interests", e.token, nil, &got); status != http.StatusOK || got.Revision != e.since {
			c.t.Errorf("account %s: %d, revision %d, want %d", e.id, status, got.Revision, e.since)
		}
	}
}
