package api

import (
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// momentShape is the moment that an answer is of.
type momentShape struct {
	Edition feed.Edition `json:"edition"`
	Time    time.Time    `json:"time"`
}

// trendShape is a topic that is published on more than usual.
type trendShape struct {
	foundTopic
	Articles int     `json:"articles"`
	Usual    float64 `json:"usual"`
}

// suggestedShape is a topic that goes with what the caller follows.
type suggestedShape struct {
	foundTopic
	Articles int      `json:"articles"`
	With     topic.ID `json:"with,omitempty"`
}

// lineage is how much more than a narrower topic a broader one must grow to be
// named beside it.
const lineage = 1.1

// How near the catalogue says other topics are, in the measure of log2(lift).
const (
	nearNarrower = 1.0
	nearBroader  = 0.5
	nearSibling  = 0.5
	maxSiblings  = 50 // topics with more narrower ones say nothing about these
)

// nowQuestion reads what the two calls take.
func (s *Server) nowQuestion(c *fiber.Ctx, who *caller) (q feed.Query, n int, err error) {
	n = topicsFound
	err = query(c, func(name, value []byte) string {
		if string(name) == "limit" {
			return limit(&n, value)
		}
		return ""
	})
	if err != nil {
		return q, 0, err
	}
	if q, err = s.question(c, 0); err != nil {
		return q, 0, err
	}
	return q, n, s.see(c, who, &q)
}

// getTrending answers what is published on more than usual, under the caller's
// mutes.
func (s *Server) getTrending(c *fiber.Ctx, who *caller) error {
	q, n, err := s.nowQuestion(c, who)
	if err != nil {
		return err
	}
	list, err := s.levels(c, who)
	if err != nil {
		return err
	}
	edition, at, trends := s.Builder.Trending(q)
	answer := struct {
		AsOf   momentShape  `json:"as_of"`
		Topics []trendShape `json:"topics"`
	}{momentShape{edition, at}, []trendShape{}}
	for _, trend := range s.mostParticular(trends) {
		if len(answer.Topics) == n {
			break
		}
		if t, ok := s.Catalogue.Get(trend.Topic); ok {
			answer.Topics = append(answer.Topics, trendShape{foundTopic{t.ID, t.Name, t.Kind, levelOf(&list, t.ID)}, trend.Articles, rounded(trend.Usual)})
		}
	}
	cache(c, who, topicsKeep)
	return sendTagged(c, &answer)
}

func rounded(usual float64) float64 { return float64(int(usual*10+0.5)) / 10 }

// mostParticular leaves out topics that grow only because a narrower one does.
func (s *Server) mostParticular(trends []feed.Trend) []feed.Trend {
	below := map[topic.ID]float64{} // the greatest ratio below a topic
	for _, t := range trends {
		for above := range s.Catalogue.Ancestors(t.Topic) {
			below[above] = max(below[above], t.Ratio)
		}
	}
	return slices.DeleteFunc(trends, func(t feed.Trend) bool { return t.Ratio <= below[t.Topic]*lineage })
}

// getSuggested answers what goes with what the caller follows; for one who
// follows nothing, what is trending.
func (s *Server) getSuggested(c *fiber.Ctx, who *caller) error {
	q, n, err := s.nowQuestion(c, who)
	if err != nil {
		return err
	}
	edition, suggestions := s.suggestions(&q)
	answer := struct {
		AsOf struct {
			Edition feed.Edition `json:"edition"`
		} `json:"as_of"`
		Topics []suggestedShape `json:"topics"`
	}{Topics: []suggestedShape{}}
	answer.AsOf.Edition = edition
	for _, suggestion := range suggestions {
		if len(answer.Topics) == n {
			break
		}
		if t, ok := s.Catalogue.Get(suggestion.Topic); ok {
			answer.Topics = append(answer.Topics, suggestedShape{foundTopic{t.ID, t.Name, t.Kind, nil}, suggestion.Articles, suggestion.With})
		}
	}
	cache(c, who, topicsKeep)
	return sendTagged(c, &answer)
}

// suggestions leaves out topics with a muted one above them: nothing on these
// would be seen.
func (s *Server) suggestions(q *feed.Query) (feed.Edition, []feed.Suggestion) {
	if q.Person.Cold() {
		edition, _, trends := s.Builder.Trending(*q)
		var all []feed.Suggestion
		for _, t := range s.mostParticular(trends) {
			all = append(all, feed.Suggestion{Topic: t.Topic, Articles: t.Articles})
		}
		return edition, all
	}
	edition, all := s.Builder.Suggested(*q, s.near)
	return edition, slices.DeleteFunc(all, func(suggestion feed.Suggestion) bool {
		for above := range s.Catalogue.Ancestors(suggestion.Topic) {
			if q.Mutes(above) {
				return true
			}
		}
		return false
	})
}

// near is the catalogue's neighbourhood of a topic.
func (s *Server) near(id topic.ID) map[topic.ID]float64 {
	near := map[topic.ID]float64{}
	t, ok := s.Catalogue.Get(id)
	if !ok {
		return near
	}
	for _, below := range s.Catalogue.Narrower(id) {
		near[below.ID] = nearNarrower
	}
	for _, broader := range t.Broader {
		if siblings := s.Catalogue.Narrower(broader); len(siblings) <= maxSiblings {
			for _, sibling := range siblings {
				if sibling.ID != id {
					near[sibling.ID] = max(near[sibling.ID], nearSibling)
				}
			}
		}
		if _, ok := s.Catalogue.Get(broader); ok {
			near[broader] = max(near[broader], nearBroader)
		}
	}
	return near
}
