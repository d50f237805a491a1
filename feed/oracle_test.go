package feed

import (
	"bytes"
	"cmp"
	"flag"
	"math"
	"slices"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// The plain twin of the index and the builder: it keeps every entry, and for a
// page scores everything, sorts and cuts.

var (
	oracleCases = flag.Int("oracle", 10_000, "random corpora and lists that are compared with the oracle")
	oracleSeed  = flag.Uint64("oracle.seed", 1, "their seed")
)

type oracle struct {
	entries []Entry
	newest  map[ArticleID]Entry // of the articles that are not withdrawn and within the horizon
	since   time.Time           // of the horizon; zero: none
}

// add appends an entry.
func (o *oracle) add(e Entry) {
	o.entries = append(o.entries, e)
	o.replace(o.newest, e)
}

func (o *oracle) replace(versions map[ArticleID]Entry, e Entry) {
	if e.Merge != nil {
		return
	}
	if e.Withdrawn || !e.Article.Published.After(o.since) {
		delete(versions, e.Article.ID)
	} else {
		versions[e.Article.ID] = e
	}
}

// at returns the version of each article that was the newest at an edition. Not
// to be changed.
func (o *oracle) at(e Edition) map[ArticleID]Entry {
	if e >= Edition(len(o.entries)) {
		return o.newest
	}
	versions := map[ArticleID]Entry{}
	for _, entry := range o.entries[:e] {
		o.replace(versions, entry)
	}
	return versions
}

// root returns the id by which a story went at an edition.
func (o *oracle) root(id StoryID, at Edition) StoryID {
	for _, e := range o.entries[:at] {
		if e.Merge != nil && e.Merge.Gone == id {
			id = e.Merge.Kept
		}
	}
	return id
}

// named is root of the present.
func (o *oracle) named(id StoryID) StoryID { return o.root(id, Edition(len(o.entries))) }

// marks are the marks on a story, through all that was merged with it.
func (o *oracle) marks(set *MarkSet, id StoryID) (read, saved, hidden bool) {
	ids := map[StoryID]bool{id: true}
	for _, e := range o.entries {
		if m := e.Merge; m != nil {
			ids[m.Kept], ids[m.Gone] = true, true
		}
	}
	read = true
	for other := range ids {
		if o.named(other) == o.named(id) {
			read = read && set.Has(other, Read)
			saved, hidden = saved || set.Has(other, Saved), hidden || set.Has(other, Hidden)
		}
	}
	return read, saved, hidden
}

// state is what a store says of an article that the index does not hold.
func (o *oracle) state(id ArticleID) Rule {
	for _, e := range slices.Backward(o.entries) {
		switch {
		case e.Article.ID != id:
		case e.Withdrawn:
			return RuleWithdrawn
		default:
			return RuleTooOld
		}
	}
	return RuleUnknown
}

// present is what decides what a person may see now.
type present struct {
	list   *interests.List
	filter Filter
	marks  *MarkSet
	unread bool
}

// rule returns the first rule that keeps a version from being seen now, and the
// muted topic if that is the rule: by what the version says, and the newest one.
func (o *oracle) rule(n *present, v *Entry) (Rule, topic.ID) {
	current, ok := o.newest[v.Article.ID]
	if !ok {
		return RuleWithdrawn, ""
	}
	for _, e := range []*Entry{v, &current} {
		for _, t := range e.Article.Tags {
			if n.list.Level(t.Topic) == interests.Mute {
				return RuleMuted, t.Topic
			}
		}
	}
	read, _, hidden := o.marks(n.marks, v.Story)
	switch {
	case hidden:
		return RuleHidden, ""
	case n.unread && read:
		return RuleRead, ""
	case !n.filter.admits(v) || !n.filter.admits(&current):
		return RuleFiltered, ""
	}
	return "", ""
}

func (f *Filter) admits(v *Entry) bool {
	carries := func(t Tag) bool { return slices.Contains(f.Topics, t.Topic) }
	return (len(f.Topics) == 0 || slices.ContainsFunc(v.Article.Tags, carries)) &&
		(len(f.Kinds) == 0 || slices.Contains(f.Kinds, v.Article.Kind)) &&
		(len(f.Languages) == 0 || slices.Contains(f.Languages, v.Article.Language))
}

// plan is what a walk through all pages is judged by: the places in their order,
// and what each may show.
type plan struct {
	o       *oracle
	l       *interests.List // of the order
	at      time.Time
	alive   map[ArticleID]Entry
	stories map[StoryID][]Entry // what is alive of each, in order of arrival
	scores  map[Edition]int64   // found so far
	ranking []Entry             // by stage 1
	chunks  [][]planned
	places  []planned // of all chunks
}

// planned is a place: the articles of its story that may stand in it, best first.
type planned []Entry

// plan does what the builder does, the long way: it ranks everything, cuts the
// ranking into chunks, and in each opens, scores, sorts and spreads the places.
func (o *oracle) plan(l *interests.List, asOf Edition, chunk int) *plan {
	p := &plan{o: o, l: l, alive: map[ArticleID]Entry{}, stories: map[StoryID][]Entry{}, scores: map[Edition]int64{}}
	if asOf > 0 {
		p.at = o.entries[asOf-1].At
	}
	born := map[StoryID]Edition{}
	for _, e := range o.entries[:asOf] {
		if id := o.root(e.Story, asOf); e.StoryNum != 0 && (born[id] == 0 || e.StoryNum < born[id]) {
			born[id] = e.StoryNum
		}
	}
	for id, v := range o.at(asOf) {
		v.Story = o.root(v.Story, asOf)
		v.StoryNum = born[v.Story]
		p.alive[id] = v
	}
	for _, v := range p.alive {
		p.stories[v.Story] = append(p.stories[v.Story], v)
		if _, matches := p.effective(&v); matches {
			p.ranking = append(p.ranking, v)
		}
	}
	for _, s := range p.stories {
		slices.SortFunc(s, func(a, b Entry) int { return cmp.Compare(a.Edition, b.Edition) })
	}
	slices.SortFunc(p.ranking, p.compare)
	for candidates := range slices.Chunk(p.ranking, chunk) {
		places := p.judge(candidates, p.opens)
		p.chunks, p.places = append(p.chunks, places), append(p.places, places...)
	}
	return p
}

// judge makes the places of a chunk, given which candidates open one.
func (p *plan) judge(candidates []Entry, opens func(*Entry) bool) (places []planned) {
	for _, v := range candidates {
		if p.allows(&v) && opens(&v) {
			places = append(places, p.members(v.Story))
		}
	}
	return p.arrange(places, func(m planned) int64 { return p.score(&m[0]) })
}

// opens reports whether an article is the first of its story.
func (p *plan) opens(v *Entry) bool {
	return p.opener(p.members(v.Story)).Edition == v.Edition
}

// effective is the key of stage 1.
func (p *plan) effective(v *Entry) (key int64, matches bool) {
	if p.cold() {
		return v.Key, true
	}
	best := int64(-1)
	for _, t := range v.Article.Tags {
		switch p.l.Level(t.Topic) {
		case interests.Follow:
			best = max(best, 0)
		case interests.Favourite:
			best = max(best, Unit)
		}
	}
	return v.Key + best, best >= 0
}

func (p *plan) cold() bool {
	followed, _ := p.l.Count()
	return followed == 0
}

func (p *plan) compare(a, b Entry) int {
	ka, _ := p.effective(&a)
	kb, _ := p.effective(&b)
	return cmp.Or(cmp.Compare(kb, ka), bytes.Compare(a.Article.ID[:], b.Article.ID[:]))
}

func (p *plan) allows(v *Entry) bool {
	_, matches := p.effective(v)
	return matches && !p.mutes(*v)
}

func (p *plan) mutes(v Entry) bool {
	return slices.ContainsFunc(v.Article.Tags, func(t Tag) bool { return p.l.Level(t.Topic) == interests.Mute })
}

func (p *plan) members(s StoryID) (m planned) {
	for _, v := range p.stories[s] {
		if p.allows(&v) {
			m = append(m, v)
		}
	}
	slices.SortFunc(m, p.better)
	return m
}

// better orders articles by score.
func (p *plan) better(a, b Entry) int {
	return cmp.Or(cmp.Compare(p.score(&b), p.score(&a)), bytes.Compare(a.Article.ID[:], b.Article.ID[:]))
}

func (p *plan) score(v *Entry) int64 {
	score, ok := p.scores[v.Edition]
	if !ok {
		for _, t := range p.terms(v) {
			score += t.Value
		}
		p.scores[v.Edition] = score
	}
	return score
}

// terms are what docs/ranking.md says of an article.
func (p *plan) terms(v *Entry) []Term {
	terms := []Term{{"published", v.Key}}
	var matched, fresh int64
	for _, t := range v.Article.Tags {
		r := p.l.Topics[t.Topic]
		var worth int64
		salience := int64(math.Round(t.Salience * 100))
		switch r.Level {
		case interests.Follow:
			worth = worthFollow * salience / 100
		case interests.Favourite:
			worth = worthFavourite * salience / 100
		default:
			continue
		}
		worth = min(worth, maxInterest-matched)
		matched += worth
		terms = append(terms, Term{"interest:" + string(t.Topic), worth})
		if !r.Since.IsZero() {
			days := int64(max(p.at.Sub(r.Since).Hours(), 0)) / 24
			fresh = max(fresh, max(7-days, 0)*maxFresh/7)
		}
	}
	covered := int64(min(math.Round(coverageStep*math.Log2(float64(p.sources(v.Story)))), maxCoverage))
	terms = append(terms, Term{"coverage", covered}, Term{"kind", kindWorth[slices.Index(Kinds, v.Article.Kind)]}, Term{"fresh", fresh})
	return slices.DeleteFunc(terms, func(t Term) bool { return t.Value == 0 && t.Name != "published" })
}

// sources counts the independent sources of a story.
func (p *plan) sources(s StoryID) int {
	sources := map[string]bool{}
	for _, m := range p.stories[s] {
		sources[m.Article.Source.ID] = true
	}
	return len(sources)
}

// arrange sorts by score and spreads, by the words of the rule.
func (p *plan) arrange(places []planned, score func(planned) int64) []planned {
	places = slices.SortedFunc(slices.Values(places), func(a, b planned) int {
		return cmp.Or(cmp.Compare(score(b), score(a)), p.compare(p.opener(a), p.opener(b)))
	})
	var out []planned
	for len(places) > 0 {
		pick := 0
		for i := range places {
			if p.mayFollow(out, places[i]) {
				pick = i
				break
			}
		}
		out = append(out, places[pick])
		places = slices.Delete(places, pick, pick+1)
	}
	return out
}

func (p *plan) opener(m planned) Entry { return slices.MinFunc(m, p.compare) }

func (p *plan) mayFollow(out []planned, next planned) bool {
	row := append(slices.Clone(out), next)
	if n := len(row); n >= 3 {
		last := row[n-3:]
		same := func(of func(planned) string) bool { return of(last[0]) == of(last[1]) && of(last[1]) == of(last[2]) }
		if same(p.lead) || same(func(m planned) string { return m[0].Article.Source.ID }) {
			return false
		}
	}
	window := row[max(0, len(row)-10):]
	of := 0
	for _, m := range window {
		if p.lead(m) == p.lead(next) {
			of++
		}
	}
	return of <= 4
}

func (p *plan) lead(m planned) string {
	own := topic.SourceTopicID(m[0].Article.Source.ID)
	for _, t := range m[0].Article.Tags {
		if t.Topic != own && (p.cold() || p.matches(t.Topic)) {
			return string(t.Topic)
		}
	}
	return string(own)
}

func (p *plan) matches(id topic.ID) bool {
	level := p.l.Level(id)
	return level == interests.Follow || level == interests.Favourite
}

// shown returns the article that a place shows now.
func (p *plan) shown(n *present, place planned) (Entry, bool) {
	for _, v := range place {
		if rule, _ := p.o.rule(n, &v); rule == "" {
			return v, true
		}
	}
	return Entry{}, false
}

// cardOf returns what the i-th place shows now: nothing when its story was merged
// since with one whose place comes first, and an article of one that it was merged
// with when all of its own are kept away.
func (p *plan) cardOf(n *present, i int) (Entry, bool) {
	name := func(m planned) StoryID { return p.o.named(m[0].Story) }
	for _, before := range p.places[:i] {
		if name(before) == name(p.places[i]) {
			return Entry{}, false
		}
	}
	if v, ok := p.shown(n, p.places[i]); ok {
		return v, true
	}
	var others planned
	for _, later := range p.places[i+1:] {
		if name(later) == name(p.places[i]) {
			others = append(others, later...)
		}
	}
	plain := func(v *Entry) int64 {
		return p.score(v) - int64(min(math.Round(coverageStep*math.Log2(float64(p.sources(v.Story)))), maxCoverage))
	}
	slices.SortFunc(others, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(plain(&b), plain(&a)), bytes.Compare(a.Article.ID[:], b.Article.ID[:]))
	})
	return p.shown(n, others)
}

// shows returns the articles that the walk gives when the present does not change.
func (p *plan) shows(n *present) (shown []Entry) {
	for i := range p.places {
		if v, ok := p.cardOf(n, i); ok {
			shown = append(shown, v)
		}
	}
	return shown
}

// shelf returns the articles that may stand on the must-know shelf, best first.
func (p *plan) shelf(n *present) (shelf []Entry) {
	if p.cold() {
		return nil
	}
	matches := func(v Entry) bool { _, ok := p.effective(&v); return ok }
	for id, story := range p.stories {
		if p.sources(id) < mustKnowSources || slices.ContainsFunc(story, matches) {
			continue
		}
		unmuted := slices.DeleteFunc(slices.Clone(story), p.mutes)
		if v, ok := p.shown(n, slices.SortedFunc(slices.Values(unmuted), p.better)); ok {
			shelf = append(shelf, v)
		}
	}
	slices.SortFunc(shelf, p.better)
	return shelf
}

// why is the receipt of an article.
func (p *plan) why(n *present, mustKnow int, id ArticleID) Receipt {
	v, ok := p.alive[id]
	if !ok {
		return Receipt{Rule: p.o.state(id)}
	}
	rule, muted := p.o.rule(n, &v)
	if rule != "" && rule != RuleFiltered {
		return Receipt{Rule: rule, Topic: muted}
	}
	sameStory := func(e Entry) bool { return e.Story == v.Story }
	stand, on := p.shows(n), "feed"
	if _, matches := p.effective(&v); !matches {
		shelf := p.shelf(n)
		if stand, on = shelf[:min(len(shelf), mustKnow)], "shelf"; !slices.ContainsFunc(stand, sameStory) {
			return Receipt{Rule: RuleNotFollowed}
		}
	}
	at := slices.IndexFunc(stand, sameStory)
	switch {
	case rule == RuleFiltered:
		return Receipt{Rule: rule}
	case stand[at].Article.ID != id:
		return Receipt{Rule: RuleSameStory, Story: p.o.named(v.Story)}
	case on == "shelf":
		return Receipt{Shown: true, MustKnow: true, Why: []Term{{"must_know", p.score(&v)}}}
	}
	return Receipt{Shown: true, Position: at + 1, Why: p.terms(&v)}
}

// newer counts the stories that entered after an edition and would stand before
// an article, up to 99.
func (p *plan) newer(n *present, since Edition, last Entry) int {
	count := 0
	for _, place := range p.places {
		if _, ok := p.shown(n, place); ok && place[0].StoryNum > since && p.compare(p.opener(place), last) < 0 {
			count++
		}
	}
	return min(count, 99)
}

// testChunk is so small that walks cross chunks.
const testChunk = 7
