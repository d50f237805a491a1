package main

import (
	"flag"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

var cardsShown = flag.Int("stories.cards", 0, "pages of the feeds of TestStoryTable that are printed, for the eye")

// mostFollowed is how many topics a list may follow.
const mostFollowed = 500

// storyCard is what is read of a card.
type storyCard struct {
	Story   string
	Article struct {
		ID, URL, Title string
		Source         struct{ Name string }
	}
	Also struct{ Articles int }
}

// walkCards reads the whole feed of somebody who follows the topics of a set's
// articles: each story stands on one card, the stories are those that GET /stories
// gave, and none of a followed topic is missing. It tells how often two cards of a
// page, and of the whole walk, tell the same event.
func walkCards(p *process, corpus string, articles []toldArticle, ids map[string]string, found []string) {
	topics := topicsOf(p, articles, ids)
	followed := mostCommon(topics, mostFollowed)
	token := p.guest()
	for id := range followed {
		if status := p.call("PUT", "/interests/"+url.PathEscape(id), token, map[string]string{"level": "follow"}, nil); status != 200 {
			p.t.Fatalf("follow %s: %d", id, status)
		}
	}
	missing, event := map[string]bool{}, map[string]string{} // by story, by article
	storyOf := map[string]string{}
	for i, a := range articles {
		id := ids[a.url]
		event[id], storyOf[id] = a.event, found[i]
		if slices.ContainsFunc(topics[id], func(t string) bool { return followed[t] }) {
			missing[found[i]] = true
		}
	}
	stories, seen := len(missing), map[string]bool{}
	pages, same := 0, sameEvents{all: map[string]int{}}
	for cards := range cardPages(p, token) {
		for i := range cards {
			c := &cards[i]
			if seen[c.Story] {
				p.t.Errorf("%s: the story %s of %q stands on two cards", corpus, c.Story, c.Article.Title)
			}
			if storyOf[c.Article.ID] != c.Story {
				p.t.Errorf("%s: the card of %q says story %s, GET /stories %s", corpus, c.Article.Title, c.Story, storyOf[c.Article.ID])
			}
			seen[c.Story] = true
			delete(missing, c.Story)
		}
		same.page(cards, event)
		if pages++; pages <= *cardsShown {
			p.t.Logf("%s, page %d\n%s", corpus, pages, tellCards(cards, event))
		}
	}
	for story := range missing {
		p.t.Errorf("%s: no card for the story %s", corpus, story)
	}
	p.t.Logf("%-16s a follower of %d topics: %d stories of %d articles on %d cards, %d pages; beside another of the same event stand %d cards of %d on their page (%d pairs of %d), %d of the walk",
		corpus, len(followed), stories, len(articles), len(seen), pages, same.cards, len(seen), same.pairs, same.ofPairs, same.anywhere())
}

// cardPages are the pages of a feed.
func cardPages(p *process, token string) func(yield func([]storyCard) bool) {
	return func(yield func([]storyCard) bool) {
		for cursor := ""; ; {
			var page struct {
				Items []storyCard
				Next  string
			}
			if status := p.call("GET", "/feed?limit=30&must_know=0"+cursor, token, nil, &page); status != 200 {
				p.t.Fatalf("GET /feed: %d", status)
			}
			if !yield(page.Items) || page.Next == "" {
				return
			}
			cursor = "&cursor=" + url.QueryEscape(page.Next)
		}
	}
}

// topicsOf are the topics of each article, inherited ones included.
func topicsOf(p *process, articles []toldArticle, ids map[string]string) map[string][]string {
	topics := map[string][]string{}
	for _, a := range articles {
		var one struct{ Topics []struct{ ID string } }
		if status := p.call("GET", "/articles/"+ids[a.url], "", nil, &one); status != 200 {
			p.t.Fatalf("GET /articles/%s: %d", ids[a.url], status)
		}
		for _, t := range one.Topics {
			topics[ids[a.url]] = append(topics[ids[a.url]], t.ID)
		}
	}
	return topics
}

// mostCommon are the n topics that most articles have.
func mostCommon(topics map[string][]string, n int) map[string]bool {
	count := map[string]int{}
	for _, of := range topics {
		for _, t := range of {
			count[t]++
		}
	}
	var all []string
	for t := range count {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	most := map[string]bool{}
	for _, t := range all[:min(n, len(all))] {
		most[t] = true
	}
	return most
}

// sameEvents counts cards that stand beside others of the same event.
type sameEvents struct {
	cards          int // with another on their page
	pairs, ofPairs int // of one page
	all            map[string]int
}

func (s *sameEvents) page(cards []storyCard, event map[string]string) {
	count := map[string]int{}
	for i := range cards {
		count[event[cards[i].Article.ID]]++
	}
	s.ofPairs += len(cards) * (len(cards) - 1) / 2
	for e, n := range count {
		s.all[e] += n
		if n > 1 {
			s.cards, s.pairs = s.cards+n, s.pairs+n*(n-1)/2
		}
	}
}

func (s *sameEvents) anywhere() (cards int) {
	for _, n := range s.all {
		if n > 1 {
			cards += n
		}
	}
	return cards
}

func tellCards(cards []storyCard, event map[string]string) string {
	var b strings.Builder
	for i := range cards {
		c := &cards[i]
		fmt.Fprintf(&b, "%2d  %3d  %-10.10s  %-20.20s  %s\n", i+1, 1+c.Also.Articles, event[c.Article.ID], c.Article.Source.Name, c.Article.Title)
	}
	return b.String()
}
