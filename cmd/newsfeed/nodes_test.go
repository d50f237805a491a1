package main

import (
	"flag"
	"slices"
	"sync"
	"testing"
	"time"
)

var (
	visibleArticles = flag.Int("visible", 100, "articles of TestTwoNodes whose way from one node to the other is timed")
	fairArticles    = flag.Int("fair", 60, "articles that each of the three nodes of TestThreeNodes publishes")
)

// Two nodes on the same servers: an article posted to one is in the feed of the
// other, and an interest set on one is honoured by the other at once, if asked
// for by its revision, as clients do.
func TestTwoNodes(t *testing.T) {
	settings := onServers(t)
	a := serve(t, settings...)
	b := serve(t, settings...)
	token := a.guest("iran")
	var took []time.Duration
	began := time.Now().Add(-time.Hour)
	for i := range *visibleArticles {
		article := testArticle(i)
		article["published_at"] = began.Add(time.Duration(i) * time.Second).UTC().Format(time.RFC3339) // each the newest
		if answer := a.publish(article); answer.Accepted != 1 {
			t.Fatalf("article %d: %+v", i, answer)
		}
		accepted := time.Now()
		for !b.shows(token, testArticle(i)["url"]) {
			if time.Since(accepted) > 10*time.Second {
				t.Fatalf("article %d is not in the other node's feed after ten seconds", i)
			}
			time.Sleep(time.Millisecond)
		}
		took = append(took, time.Since(accepted))
	}
	slices.Sort(took)
	t.Logf("accepted on one node → in the feed of the other, %d articles: p50 %v, p99 %v, max %v",
		len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])

	for i := range 20 {
		on, other := a, b
		if i%2 == 1 {
			on, other = b, a
		}
		level, want := "mute", 0
		if i%4 > 1 {
			level, want = "follow", *visibleArticles
		}
		var edit struct{ Revision uint64 }
		on.call("PUT", "/interests/iran", token, map[string]string{"level": level}, &edit)
		other.least = edit.Revision
		if got := len(other.feed(token, 100).Items); got != want {
			t.Fatalf("%s on one node, then %d cards on the other, want %d", level, got, want)
		}
		on.call("PUT", "/interests/chad", token, map[string]string{"level": "follow"}, nil) // so that the feed is never cold
	}
}

// shows reports whether an article is on the first page of a feed.
func (p *process) shows(token string, url any) bool {
	var page feedPage
	p.call("GET", "/feed?limit=100", token, nil, &page)
	for _, item := range page.Items {
		if item.Article.URL == url {
			return true
		}
	}
	return false
}

// Three nodes publish at once: all is accepted, and none of them starves.
func TestThreeNodes(t *testing.T) {
	settings := onServers(t)
	nodes := make([]*process, 3)
	for n := range nodes {
		nodes[n] = serve(t, settings...)
	}
	p99 := make([]time.Duration, len(nodes))
	var publishers sync.WaitGroup
	for n, node := range nodes {
		publishers.Go(func() {
			var took []time.Duration
			for i := range *fairArticles {
				start := time.Now()
				if answer := node.publish(testArticle(n*100_000 + i)); answer.Accepted != 1 {
					t.Errorf("node %d: %+v", n, answer)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			p99[n] = took[len(took)*99/100]
			t.Logf("node %d: p50 %v, p99 %v", n, took[len(took)/2], p99[n])
		})
	}
	publishers.Wait()
	t.Logf("greatest p99 / least p99: %.2f", float64(slices.Max(p99))/float64(slices.Min(p99)))
	token := nodes[0].guest("iran")
	for n, node := range nodes {
		want := len(nodes) * *fairArticles
		for deadline := time.Now().Add(10 * time.Second); len(node.feed(token, 100).Items) < want && time.Now().Before(deadline); {
			time.Sleep(10 * time.Millisecond)
		}
		if got := node.feed(token, 100); len(got.Items) != want || got.AsOf.Edition != sownTopics+want {
			t.Errorf("node %d has %d articles at edition %d, want %d after %d", n, len(got.Items), got.AsOf.Edition, want, sownTopics)
		}
	}
}
