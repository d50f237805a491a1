package feed

import (
	"cmp"
	"math"
	"slices"

	"newsfeed/interests/topic"
)

// What goes with the topics that a person follows is on the same articles more
// often than chance would have it. For a followed topic f with N articles, n of
// which carry t too, and t on a share p of all,
//
//	lift = (n + 2) / (N·p + 2)
//
// smoothed as trends are; the score of t is the sum of log2(lift) over all f, and
// of what the catalogue says of its nearness to them (near).
const (
	suggestPrior = 2.0
	suggestLeast = 2      // articles that carry both
	suggestEach  = 300    // articles of a followed topic that are looked at, the best of its list,
	suggestLook  = 20_000 // and of all of them together,
	suggestSome  = 30     // but of each as many
)

// Suggestion is a topic that goes with what a person follows.
type Suggestion struct {
	Topic    topic.ID
	Score    float64
	Articles int      // that carry it beside a followed topic, of those looked at; counted once for each of these
	With     topic.ID // of the followed topics the one that it goes with most
}

// Near says how near the catalogue has other topics to one, in the measure of
// log2(lift).
type Near func(topic.ID) map[topic.ID]float64

// Suggested returns what goes with what the person follows, best first, then by
// topic: nothing that they follow or mute, no sources, and what counts are only
// articles that the person may see.
func (b *Builder) Suggested(q Query, near Near) (Edition, []Suggestion) {
	c := b.index.corpus.Load()
	edition := Edition(c.edition.Load())
	s := suggesting{c: c, edition: c.short(edition), scores: map[topic.ID]*Suggestion{}, most: map[topic.ID]float64{}}
	s.policy.prepare(c, &q)
	s.all = max(1, float64(c.list(everything).live.Load()))
	follows := slices.Clone(q.present().followed)
	slices.SortFunc(follows, func(a, b followed) int { return cmp.Compare(a.topic, b.topic) })
	each := min(suggestEach, max(suggestSome, suggestLook/max(1, len(follows))))
	for _, f := range follows {
		s.together(f.topic, each)
		for t, score := range near(f.topic) {
			s.add(t, f.topic, score, 0)
		}
	}
	known := map[topic.ID]bool{}
	for _, f := range follows {
		known[f.topic] = true
	}
	for _, id := range q.present().muted {
		known[id] = true
	}
	var all []Suggestion
	for id, suggestion := range s.scores {
		if !known[id] {
			all = append(all, *suggestion)
		}
	}
	slices.SortFunc(all, func(a, b Suggestion) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Topic, b.Topic)) })
	return edition, all
}

// suggesting is one call of Suggested.
type suggesting struct {
	c       *corpus
	edition uint32
	policy  policy
	all     float64 // articles in the index
	scores  map[topic.ID]*Suggestion
	most    map[topic.ID]float64 // by suggested topic: the score with Suggestion.With
}

// together scores the topics that stand on articles of a followed one, of which
// it looks at so many.
func (s *suggesting) together(follows topic.ID, look int) {
	n, ok := s.c.lookup(follows)
	if !ok {
		return
	}
	head := s.c.list(n).load()
	v := s.c.view()
	both, seen := map[topicNum]int{}, 0
	for walk := newWalk(head); seen < look; {
		r, ok := walk.next()
		if !ok {
			break
		}
		if !v.alive(r, s.edition) || !s.policy.allows(&v, r) {
			continue
		}
		seen++
		for t := range v.tagsOf(r).all() {
			both[t.topic()]++
		}
	}
	for t, count := range both {
		if _, isSource := s.c.topics.sourceName(s.c.list(t)); isSource || count < suggestLeast || t == n {
			continue
		}
		share := float64(s.c.list(t).live.Load()) / s.all
		if lift := (float64(count) + suggestPrior) / (float64(seen)*share + suggestPrior); lift > 1 {
			s.add(s.c.topicID(t), follows, math.Log2(lift), count)
		}
	}
}

// add adds to the score of a topic for going with a followed one.
func (s *suggesting) add(t, follows topic.ID, score float64, articles int) {
	suggestion := s.scores[t]
	if suggestion == nil {
		suggestion = &Suggestion{Topic: t, With: follows}
		s.scores[t] = suggestion
	}
	suggestion.Score += score
	suggestion.Articles += articles
	if score > s.most[t] {
		s.most[t], suggestion.With = score, follows
	}
}
