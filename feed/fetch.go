package feed

import "slices"

// Judging reads, of each candidate, its record, its tags, and of a story the record,
// the list of its rows, and of each of these the same again. Most of that is in no
// cache, and each is needed to know where the next one is. So candidates are fetched
// many at a time, in rounds: a round reads one such thing of all, so that the
// processor has many of them on their way from memory at a time.

// fetched is a candidate and what its record says.
type fetched struct {
	hit
	from    int64 // weight of the list that it came from
	tags    uint32
	meta    meta
	story   storyNum // as of the walk's edition
	scanned bool     // it was appraised already
	appraisal
}

// several is a story of several articles: the row by which it was met, and those of
// all versions of its articles.
type several struct {
	story storyNum
	first row
	rows  []row
}

// fetch takes up to n candidates from stage 1 and reads what judging will ask for;
// false when there are none. Those that are favourites come again.
func (w *walker) fetch(n int) bool {
	w.fetched, w.stories = w.fetched[:0], w.stories[:0]
	w.fetched = slices.Grow(w.fetched, n)
	for range n {
		w.fetched = w.fetched[:len(w.fetched)+1]
		if !w.m.pop(&w.fetched[len(w.fetched)-1]) {
			w.fetched = w.fetched[:len(w.fetched)-1]
			break
		}
	}
	v, stories := &w.m.view, 0
	for i := range w.fetched {
		c := &w.fetched[i]
		b := v.at(c.row)
		c.tags, c.meta, c.story = b.tags, b.meta, b.story.Load()
		stories += int(min(c.story, 1))
	}
	for i := range w.fetched {
		if c := &w.fetched[i]; !c.scanned {
			w.warm += v.touchTags(c.tags)
		}
	}
	if stories > 0 {
		w.fetchStories()
	}
	return len(w.fetched) > 0
}

// fetchStories judges the stories of the candidates that were not met before.
func (w *walker) fetchStories() {
	v, stories := &w.m.view, &w.c.stories
	for i := range w.fetched {
		if n := w.fetched[i].story; n != 0 {
			w.warm += byte(stories.record(n).members.Load())
		}
	}
	for i := range w.fetched {
		c := &w.fetched[i]
		if c.story == 0 {
			continue
		}
		c.story = w.storyAt(c.story)
		if _, known := w.judged.find(c.story); !known {
			w.stories = append(w.stories, several{c.story, c.row, w.membersOf(c.story)})
		}
	}
	for i := range w.stories {
		for _, r := range w.stories[i].rows {
			if v.holds(r) {
				w.warm += byte(v.at(r).meta)
			}
		}
	}
	for i := range w.stories {
		for _, r := range w.stories[i].rows {
			if v.holds(r) {
				w.warm += v.touchTags(v.at(r).tags)
			}
		}
	}
	for _, s := range w.stories {
		p, _ := w.judged.find(s.story)
		w.judgeStory(p, s)
	}
}
