package feed

import (
	"slices"
	"strconv"

	"newsfeed/interests/topic"
)

// A receipt says why a card stands where it does: the terms whose sum is its
// score, bit for bit; or why an article is not shown.

// Term is one part of a score, in 1/Unit of a half-life.
type Term struct {
	Name  string
	Value int64
}

// terms returns the terms of a row's score. "published" is the static key, what
// the article would score for anybody; the others are left out when they are 0.
func (w *walker) terms(r row, sources int) []Term {
	v := &w.m.view
	terms := []Term{{"published", v.key(r)}}
	add := func(name string, value int64) {
		if value != 0 {
			terms = append(terms, Term{name, value})
		}
	}
	left, fresh := int64(maxInterest), int64(0)
	for t := range v.tagsOf(r).all() {
		if s := w.m.standing(t.topic()); s.matched() {
			value := min(s.worth(t.salience()), left)
			left -= value
			add("interest:"+string(w.c.topicID(t.topic())), value)
			fresh = max(fresh, s.fresh())
		}
	}
	add("coverage", coverage(sources))
	add("kind", kindWorth[v.kind(r)])
	add("fresh", fresh)
	return terms
}

// appendReceipt writes {"score": …, "terms": […]}.
func appendReceipt(dst []byte, terms []Term) []byte {
	var score int64
	for _, t := range terms {
		score += t.Value
	}
	dst = append(dst, `{"score":`...)
	dst = appendScore(dst, score)
	dst = append(dst, `,"terms":[`...)
	for i, t := range terms {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"name":"`...)
		dst = append(dst, t.Name...) // of letters, digits, hyphens, colon and underscore
		dst = append(dst, `","value":`...)
		dst = appendScore(dst, t.Value)
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}

// appendScore writes a score in half-lives. A float64 holds it exactly.
func appendScore(dst []byte, v int64) []byte {
	return strconv.AppendFloat(dst, float64(v)/Unit, 'f', -1, 64)
}

// Receipt is the answer to why an article is in a feed, or is not.
type Receipt struct {
	Shown    bool
	Position int    // of the card in the feed, from 1; 0 on the must-know shelf or beyond what was looked at
	Why      []Term // when shown
	MustKnow bool   // shown, on that shelf

	Rule  Rule     // when not shown: the first rule that kept it out
	Topic topic.ID // for RuleMuted: which is muted
	Story StoryID  // for RuleSameStory: whose card stands for it
}

// AppendJSON writes the receipt's score and terms.
func (r *Receipt) AppendJSON(dst []byte) []byte { return appendReceipt(dst, r.Why) }

// Why tells of an article why it is in the feed that the query's first page
// begins, or the first rule that keeps it out. state is what the store says of an
// article that the index does not hold: RuleUnknown, RuleWithdrawn or RuleTooOld.
func (b *Builder) Why(q Query, id ArticleID, state Rule) Receipt {
	q.Cursor = nil
	w := b.begin(&q)
	defer w.end()
	r, v, ok := w.c.ids.find(id, w.c.view)
	if !ok || !v.alive(r, w.m.edition) {
		return Receipt{Rule: state}
	}
	if d := w.policy.judge(&w.m.view, r); d.rule != "" && d.rule != RuleFiltered {
		return Receipt{Rule: d.rule, Topic: w.c.topicID(d.topic)}
	} else if !w.m.cold && !w.matches(r) {
		return w.whyUnmatched(r, d)
	} else if d.rule != "" {
		return Receipt{Rule: RuleFiltered}
	}
	return w.whyMatched(r)
}

// whyUnmatched tells of an article that no interest matches, and of which the
// policy says d: it may be on the must-know shelf, or its story.
func (w *walker) whyUnmatched(r row, d verdict) Receipt {
	n := w.story(r)
	for _, p := range w.shelf() {
		if n == 0 || p.story != n {
			continue
		}
		if p.row == r {
			return Receipt{Shown: true, MustKnow: true, Why: []Term{{"must_know", p.score}}}
		}
		if d.rule != "" {
			return Receipt{Rule: d.rule}
		}
		return Receipt{Rule: RuleSameStory, Story: w.c.storyID(&w.m.view, r)}
	}
	return Receipt{Rule: RuleNotFollowed}
}

// whyMatched finds the place of an article's story and tells whose card it has.
func (w *walker) whyMatched(r row) Receipt {
	n := w.story(r)
	position := 0
	for looked := 0; looked < maxCandidates && w.judge(); looked += w.looked {
		for at := 0; ; at++ {
			p := w.arrange(at)
			if p == nil {
				break
			}
			shown, ok := w.shown(p)
			if !ok {
				continue
			}
			position++
			if shown == r || n != 0 && p.story == n {
				return w.receipt(r, shown, n, position)
			}
		}
	}
	// Beyond what was looked at: its place is known, its position is not.
	p := &place{row: r, story: n}
	if n != 0 {
		p = w.placeOf(n, r)
	}
	if shown, ok := w.shown(p); ok {
		return w.receipt(r, shown, n, 0)
	}
	return Receipt{Rule: RuleNotFollowed}
}

// receipt tells of a row in whose story's place another, or itself, is shown.
func (w *walker) receipt(r, shown row, n storyNum, position int) Receipt {
	if shown != r {
		return Receipt{Rule: RuleSameStory, Story: w.c.storyID(&w.m.view, r)}
	}
	return Receipt{Shown: true, Position: position, Why: w.terms(r, w.sources(n))}
}

// Story returns the rows of a story that a person may see now, newest first, as
// ids of their articles; none when there is no such story in the index.
func (b *Builder) Story(q Query, story StoryID) []ArticleID {
	w := b.begin(&q)
	defer w.end()
	rows := w.c.stories.rowsAt(w.c.stories.lookup(story), always)
	if len(rows) == 0 {
		if r, _, ok := w.c.ids.find(ArticleID(story), w.c.view); ok {
			rows = []row{r}
		}
	}
	var shown []row
	for _, r := range rows {
		if w.m.view.alive(r, w.m.edition) && w.policy.allows(&w.m.view, r) {
			shown = append(shown, r)
		}
	}
	slices.SortFunc(shown, func(a, b row) int {
		if w.m.view.before(a, b) {
			return -1
		}
		return 1
	})
	ids := make([]ArticleID, len(shown))
	for i, r := range shown {
		ids[i] = w.m.view.id(r)
	}
	return ids
}
