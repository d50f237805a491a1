package redis

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"newsfeed/interests/athand"
	"newsfeed/storage/internal/bell"
)

// changesChannel carries what scripts tell: kind, account or hash, revision, with
// a space between: "list 0192f0c1-… 1753900000000".
const changesChannel = "newsfeed:changes"

// telling is the line of a script that announces the change it makes. What the
// first key has in braces names the record. A script is done at once, so whoever
// was answered was announced too.
func telling(of athand.Kind, revision string) string {
	return fmt.Sprintf(`redis.call('PUBLISH', '%s', '%s ' .. string.match(KEYS[1], '{(.-)}') .. ' ' .. %s)`,
		changesChannel, of, revision)
}

// readChange reads what telling wrote.
func readChange(text string) (c athand.Change, ok bool) {
	kind, rest, _ := strings.Cut(text, " ")
	name, number, _ := strings.Cut(rest, " ")
	revision, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return c, false
	}
	c.Revision = revision
	switch kind {
	case athand.List.String():
		c.Of = athand.List
	case athand.Marks.String():
		c.Of = athand.Marks
	case athand.Session.String():
		c.Of = athand.Session
		n, err := hex.Decode(c.Key[:], []byte(name[:min(len(name), 2*len(c.Key))]))
		return c, err == nil && n == len(c.Key)
	default:
		return c, false
	}
	id, err := uuid.Parse(name)
	copy(c.Key[:], id[:])
	return c, err == nil
}

// How the lines to servers are watched. Each is asked for a word askEvery; what
// it had told before the question was then heard. A line that is silent for
// athand.MaxAge is given up.
const (
	askEvery  = 500 * time.Millisecond
	lookAgain = time.Second // which masters a cluster has
)

// changes keeps [athand.Announcements]. Each master of a cluster is listened to
// by itself: what its scripts tell arrives over one connection, in order, before
// its answer to a later question. On the bus between the servers of a cluster it
// may get lost without a trace. So every change is heard as many times as there
// are masters.
type changes struct {
	bell.Listeners
	client goredis.UniversalClient
	begun  time.Time // what lines count from
	ended  context.Context
	end    context.CancelFunc
	run    sync.WaitGroup
	sure   atomic.Pointer[span] // nil: not all lines are up

	mu    sync.Mutex // guards lines and what is in them
	lines map[string]*line
}

// span is the time of which all changes were heard.
type span struct{ from, to time.Time }

// line listens to one server.
type line struct {
	client *goredis.Client
	end    context.CancelFunc
	heard  span
	up     bool
}

// Changes is the server's [athand.Announcements], the same at every call. The
// first call subscribes; Close ends it.
func (s *Store) Changes() athand.Announcements {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes == nil {
		s.changes = hearChanges(s.client)
		if s.closed {
			s.changes.close()
		}
	}
	return s.changes
}

func hearChanges(client goredis.UniversalClient) *changes {
	c := &changes{client: client, begun: time.Now(), lines: map[string]*line{}}
	c.ended, c.end = context.WithCancel(context.Background())
	c.run.Go(c.follow)
	return c
}

func (c *changes) close() {
	c.end()
	c.run.Wait()
	c.sure.Store(nil)
	c.Listeners.Close()
}

// Vouch implements [athand.Announcements].
func (c *changes) Vouch(since, now time.Time) bool {
	s := c.sure.Load()
	return s != nil && !since.Before(s.from) && now.Sub(s.to) < athand.MaxAge
}

// follow keeps a line to each master.
func (c *changes) follow() {
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		c.adjust(c.masters())
		select {
		case <-c.ended.Done():
			return
		case <-look.C:
		}
	}
}

// masters returns the servers to listen to; none when that cannot be told.
func (c *changes) masters() map[string]*goredis.Client {
	found := map[string]*goredis.Client{}
	switch client := c.client.(type) {
	case *goredis.Client:
		found[client.Options().Addr] = client
	case *goredis.ClusterClient:
		ctx, cancel := context.WithTimeout(c.ended, dialTimeout)
		defer cancel()
		var mu sync.Mutex
		_ = client.ForEachMaster(ctx, func(_ context.Context, master *goredis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			found[master.Options().Addr] = master
			return nil
		})
	}
	return found
}

// adjust makes the lines those to the masters.
func (c *changes) adjust(masters map[string]*goredis.Client) {
	if len(masters) == 0 || c.ended.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for addr, l := range c.lines {
		if masters[addr] != l.client { // the client forgets servers, and finds them again
			l.end()
			delete(c.lines, addr)
		}
	}
	for addr, client := range masters {
		if c.lines[addr] == nil {
			l := &line{client: client}
			ctx, end := context.WithCancel(c.ended)
			l.end = end
			c.lines[addr] = l
			c.run.Go(func() { c.listen(ctx, l) })
		}
	}
	c.settle()
}

// settle finds out of what time all lines are sure; mu is held.
func (c *changes) settle() {
	var all span
	for _, l := range c.lines {
		if !l.up {
			c.sure.Store(nil)
			return
		}
		if all.from.Before(l.heard.from) {
			all.from = l.heard.from
		}
		if all.to.IsZero() || l.heard.to.Before(all.to) {
			all.to = l.heard.to
		}
	}
	c.sure.Store(&all)
}

func (c *changes) report(l *line, up bool, heard span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.up, l.heard = up, heard
	c.settle()
}

// listen keeps a line up.
func (c *changes) listen(ctx context.Context, l *line) {
	for {
		c.hear(ctx, l)
		select {
		case <-ctx.Done():
			return
		case <-time.After(reconnectPause):
		}
	}
}

// hear tells what a server tells until the connection is lost or the line is
// ended. go-redis would connect again behind our back, and what was told
// meanwhile would be missed: so the first error ends it, also one of asking.
func (c *changes) hear(ctx context.Context, l *line) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sub := l.client.Subscribe(ctx)
	defer func() { _ = sub.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() }) // ends a waiting receive
	defer stop()
	if !c.subscribe(ctx, sub) {
		return
	}
	now := time.Now()
	heard := span{now, now}
	c.report(l, true, heard)
	defer func() { c.report(l, false, span{}) }()

	var asking sync.WaitGroup
	asking.Go(func() { c.ask(ctx, sub) })
	defer asking.Wait()
	defer cancel()
	for {
		message, err := sub.ReceiveTimeout(ctx, athand.MaxAge)
		if err != nil {
			return
		}
		switch message := message.(type) {
		case *goredis.Message:
			if change, ok := readChange(message.Payload); ok {
				c.Tell(change)
			}
		case *goredis.Pong:
			asked, err := strconv.ParseInt(message.Payload, 10, 64)
			if err != nil {
				return
			}
			heard.to = c.begun.Add(time.Duration(asked))
			c.report(l, true, heard)
		default: // subscribed, for the second time
			return
		}
	}
}

// subscribe returns when the server has confirmed that it will tell.
func (c *changes) subscribe(ctx context.Context, sub *goredis.PubSub) bool {
	in, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if sub.Subscribe(in, changesChannel) != nil {
		return false
	}
	first, err := sub.ReceiveTimeout(in, dialTimeout)
	_, confirmed := first.(*goredis.Subscription)
	return err == nil && confirmed
}

// ask sends questions that say when they were sent, until the line ends.
func (c *changes) ask(ctx context.Context, sub *goredis.PubSub) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if sub.Ping(ctx, strconv.FormatInt(int64(time.Since(c.begun)), 10)) != nil {
			_ = sub.Close()
			return
		}
	}
}
