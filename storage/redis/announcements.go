package redis

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"newsfeed/feed"
	"newsfeed/storage/internal/bell"
)

// channel carries editions as decimal numbers. On a cluster every node hears
// what is published on any.
const channel = "newsfeed:log"

const (
	publishTimeout = time.Second            // after it an announcement is worth nothing
	reconnectPause = 100 * time.Millisecond // before the next try to subscribe
)

// silence is after how long without a word the server is asked for one; after
// as long again the connection is given up. Tests are less patient.
var silence = 3 * time.Second

// announcements keeps [feed.Announcements]: two goroutines, one that publishes
// and one that listens. What is announced here is heard here at once, without
// the way over the server, which may be down.
type announcements struct {
	*bell.Bell
	client goredis.UniversalClient
	top    atomic.Uint64 // the greatest edition not published yet; 0 for none
	wake   chan struct{} // top was raised
	ended  context.Context
	end    context.CancelFunc
	run    sync.WaitGroup
}

// Announcements is the server's [feed.Announcements], the same at every call.
// The first call subscribes; Close ends it.
func (s *Store) Announcements() feed.Announcements {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.announcements == nil {
		s.announcements = announce(s.client)
		if s.closed {
			s.announcements.close()
		}
	}
	return s.announcements
}

func announce(client goredis.UniversalClient) *announcements {
	a := &announcements{Bell: bell.New(), client: client, wake: make(chan struct{}, 1)}
	a.ended, a.end = context.WithCancel(context.Background())
	a.run.Go(a.publish)
	a.run.Go(a.listen)
	return a
}

func (a *announcements) close() {
	a.end()
	a.run.Wait()
	a.Bell.Close()
}

// Announce implements [feed.Announcements].
func (a *announcements) Announce(e feed.Edition) {
	a.Bell.Announce(e)
	for old := a.top.Load(); old < uint64(e); old = a.top.Load() {
		if a.top.CompareAndSwap(old, uint64(e)) {
			break
		}
	}
	select {
	case a.wake <- struct{}{}:
	default: // it will wake, and find ours
	}
}

// publish sends the greatest edition announced since it sent the last one. One
// that cannot be sent is dropped: by the time the server is back, every node
// will have looked by itself.
func (a *announcements) publish() {
	for {
		select {
		case <-a.ended.Done():
			return
		case <-a.wake:
		}
		e := a.top.Swap(0)
		if e == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(a.ended, publishTimeout)
		_ = a.client.Publish(ctx, channel, strconv.FormatUint(e, 10)).Err()
		cancel()
	}
}

// listen subscribes, and subscribes again when that is lost.
func (a *announcements) listen() {
	for {
		a.hear()
		select {
		case <-a.ended.Done():
			return
		case <-time.After(reconnectPause):
		}
	}
}

// hear rings for what is published until the subscription is lost or we end.
// go-redis's own PubSub.Channel is not used: it sends pings and does not miss
// the answers, so that it would listen for ever to a server that has gone
// without a word.
func (a *announcements) hear() {
	sub := a.client.Subscribe(a.ended)
	defer func() { _ = sub.Close() }()
	stop := context.AfterFunc(a.ended, func() { _ = sub.Close() }) // ends a waiting receive
	defer stop()

	ctx, cancel := context.WithTimeout(a.ended, dialTimeout)
	defer cancel()
	if sub.Subscribe(ctx, channel) != nil {
		return
	}
	for asked := false; ; {
		heard, err := sub.ReceiveTimeout(a.ended, silence)
		switch {
		case err == nil:
			asked = false
			a.ring(heard)
		case isTimeout(err) && !asked && sub.Ping(a.ended) == nil:
			asked = true
		default:
			return
		}
	}
}

// ring passes on an edition; of what else is heard nothing is meant for us.
func (a *announcements) ring(heard any) {
	if message, ok := heard.(*goredis.Message); ok {
		if e, err := strconv.ParseUint(message.Payload, 10, 64); err == nil {
			a.Bell.Announce(feed.Edition(e))
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
