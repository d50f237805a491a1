package feed

import (
	"slices"

	"newsfeed/interests/topic"
)

// Filter narrows a feed to cards that have one of the named kinds, one of the
// languages and one of the topics. An empty set does not narrow.
type Filter struct {
	Kinds     []Kind
	Languages []string
	Topics    []topic.ID
}

// appendText writes the filter so that different ones are different.
func (f *Filter) appendText(dst []byte) []byte {
	for _, k := range f.Kinds {
		dst = append(append(dst, "\x00k"...), k...)
	}
	for _, l := range f.Languages {
		dst = append(append(dst, "\x00l"...), l...)
	}
	for _, id := range f.Topics {
		dst = append(append(dst, "\x00t"...), id...)
	}
	return dst
}

// policy is what a person may see now: the one place where that is decided, for
// every surface. It looks at mutes, marks and the filter of the present, whatever
// moment the order is of.
type policy struct {
	c      *corpus
	muted  []bool     // by topic number
	set    []topicNum // which of them are true
	kinds  uint32     // a bit a kind; 0: all
	langs  []uint16   // empty: all
	topics []topicNum // empty: all
	marks  *MarkSet   // nil: none
	unread bool       // leave out what is read
	plain  bool       // there is none of all this: what is not withdrawn is allowed
}

// noNumber stands in a filter for a topic that no article has.
const noNumber = ^topicNum(0)

// prepare makes the policy of a query.
func (p *policy) prepare(c *corpus, q *Query) {
	p.c, p.kinds, p.langs, p.topics = c, 0, p.langs[:0], p.topics[:0]
	p.marks, p.unread = q.Marks, q.Unread
	numbers := q.present().numbers(c)
	if n := numbers.topics; len(p.muted) < n {
		p.muted = append(p.muted, make([]bool, n+n/4-len(p.muted))...)
	}
	for _, n := range numbers.muted {
		p.muted[n] = true
		p.set = append(p.set, n)
	}
	for _, k := range q.Filter.Kinds {
		p.kinds |= 1 << kindNum(k)
	}
	for _, l := range q.Filter.Languages {
		n, _ := c.languages.Load(l)
		num, _ := n.(uint16)
		p.langs = append(p.langs, num) // 0: a language nobody writes
	}
	for _, id := range q.Filter.Topics {
		n, ok := c.lookup(id)
		if !ok {
			n = noNumber
		}
		p.topics = append(p.topics, n)
	}
	p.plain = len(p.set) == 0 && p.kinds == 0 && len(p.langs) == 0 && len(p.topics) == 0 &&
		(p.marks == nil || len(p.marks.Stories) == 0)
}

// clear makes the policy ready for another person.
func (p *policy) clear() {
	for _, n := range p.set {
		p.muted[n] = false
	}
	p.set, p.c, p.marks = p.set[:0], nil, nil
}

// Rule names what keeps an article out of a feed; the words are the API's.
type Rule string

// The rules, in the order in which they are tried.
const (
	RuleUnknown     Rule = "unknown"
	RuleWithdrawn   Rule = "withdrawn"
	RuleTooOld      Rule = "too_old"
	RuleMuted       Rule = "muted"
	RuleHidden      Rule = "hidden"
	RuleRead        Rule = "read"
	RuleNotFollowed Rule = "not_followed"
	RuleFiltered    Rule = "filtered"
	RuleSameStory   Rule = "same_story"
)

// verdict is what the policy says of an article: shown when the rule is empty.
type verdict struct {
	rule  Rule
	topic topicNum // for RuleMuted: which
}

// judge decides about a row, by that version and by the newest of its article.
// Of several rules it tells the first in their order.
func (p *policy) judge(v *view, r row) verdict {
	d := p.version(v, r)
	if v.to(r) != open {
		newest, now, ok := p.c.ids.find(v.id(r), p.c.view)
		if !ok || now.to(newest) != open {
			return verdict{rule: RuleWithdrawn}
		}
		if n := p.version(&now, newest); d.rule == "" || d.rule != RuleMuted && n.rule == RuleMuted {
			d = n
		}
	}
	if d.rule == RuleMuted {
		return d
	}
	if m := p.marked(v, r); m.rule != "" {
		return m
	}
	return d
}

// allows reports whether the person may see a row.
func (p *policy) allows(v *view, r row) bool {
	return p.plain && v.to(r) == open || p.judge(v, r).rule == ""
}

// marked looks at the marks of the row's story.
func (p *policy) marked(v *view, r row) verdict {
	if p.marks == nil || len(p.marks.Stories) == 0 {
		return verdict{}
	}
	marks, _ := p.c.marksOf(p.marks, v, r)
	switch {
	case marks.Hidden.Value:
		return verdict{rule: RuleHidden}
	case p.unread && marks.Read.Value:
		return verdict{rule: RuleRead}
	}
	return verdict{}
}

// version looks at what one version says.
func (p *policy) version(v *view, r row) verdict {
	wanted := len(p.topics) == 0
	for t := range v.tagsOf(r).all() {
		n := t.topic()
		if int(n) < len(p.muted) && p.muted[n] {
			return verdict{RuleMuted, n}
		}
		wanted = wanted || slices.Contains(p.topics, n)
	}
	if !wanted || p.kinds != 0 && p.kinds&(1<<v.kind(r)) == 0 ||
		len(p.langs) > 0 && !slices.Contains(p.langs, v.language(r)) {
		return verdict{rule: RuleFiltered}
	}
	return verdict{}
}

// storyID returns the id of the row's story: of several that are one now, that of
// the one that survived.
func (c *corpus) storyID(v *view, r row) StoryID {
	if n := v.story(r); n != 0 {
		return c.stories.id(c.stories.root(n, always))
	}
	return StoryID(v.id(r))
}
