package live_test

import (
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/live"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// What a node does ten times a second for 10,000 people who have streams and
// follow 20 topics each: when nothing happens, and when every entry is of a topic
// that all of them follow.
func BenchmarkTurn(b *testing.B) {
	const crowd, topics = 10_000, 20
	n := newNode(b, newStores())
	n.SetMost(crowd + 1)
	for range 20_000 {
		n.publish(benchTopic(int(n.Index.Edition()) % 400))
	}
	for i := range crowd {
		session, token, err := n.People.NewGuest(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		n.follow(session.Account, benchTopic(0))
		for j := range topics - 1 {
			n.follow(session.Account, benchTopic((i*7+j*13)%400))
		}
		if _, err := n.Open(b.Context(), live.Asked{Session: session, Token: token,
			Query: feed.Query{Limit: feed.DefaultLimit, Now: time.Now()}}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("quiet", func(b *testing.B) {
		for b.Loop() {
			n.TakeTurn()
		}
	})
	b.Run("all are touched", func(b *testing.B) {
		for b.Loop() {
			n.publish(benchTopic(0))
			n.TakeTurn()
		}
	})
}

func benchTopic(i int) topic.ID { return topic.ID(rune('a'+i%20)) + topic.ID(rune('a'+i/20)) }

// follow edits a list as it is stored.
func (n *node) follow(id account.ID, t topic.ID) {
	n.Helper()
	if _, err := n.Lists.Set(n.Context(), id, t, interests.Follow, time.Time{}); err != nil {
		n.Fatal(err)
	}
}
