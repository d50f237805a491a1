package storagetest

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"newsfeed/feed"
)

// storyOf is the id of a story that began with the n-th article.
func storyOf(n int) feed.StoryID { return feed.StoryID(articleID(n)) }

// mergeEntry is an entry that makes two stories one.
func mergeEntry(edition feed.Edition, kept, gone int) feed.Entry {
	return feed.Entry{Edition: edition, At: version(edition, 1).At, Merge: &feed.StoryMerge{
		Kept: storyOf(kept), KeptNum: feed.Edition(kept), Gone: storyOf(gone), GoneNum: feed.Edition(gone)}}
}

func merges(t *testing.T, h Harness[feed.Articles]) {
	store, stop := h.Start(t)
	log := batch(version(1, 1), mergeEntry(2, 1, 2), mergeEntry(3, 3, 1), version(4, 1), mergeEntry(5, 4, 5))
	mustAppend(t, store, log)
	check := func() {
		t.Helper()
		for _, c := range []struct {
			of, want []int // stories, and entries of the log
		}{
			{nil, nil},
			{[]int{9}, nil},
			{[]int{2}, []int{1}},
			{[]int{1}, []int{1, 2}},
			{[]int{1, 2, 3}, []int{1, 2}},
			{[]int{5, 9, 2}, []int{1, 4}},
		} {
			var ids []feed.StoryID
			for _, n := range c.of {
				ids = append(ids, storyOf(n))
			}
			want := []feed.StoryMerge{}
			for _, i := range c.want {
				want = append(want, *log[i].Merge)
			}
			got, err := store.Merges(background(t), ids)
			if err != nil {
				t.Fatalf("merges of %v: %v", c.of, err)
			}
			same(t, "merges", sortMerges(got), sortMerges(want))
		}
	}
	check()
	stop()
	store, _ = h.Start(t)
	check()
}

func (m *articlesMachine) merges(r *rapid.T) {
	var ids []feed.StoryID
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, sampleArticles), 0, 4).Draw(r, "stories") {
		ids = append(ids, storyOf(n))
	}
	got, err := m.store.Merges(ctxRandom, ids)
	want, _ := m.model.Merges(ctxRandom, ids)
	compare(r, "merges", sortMerges(got), err, sortMerges(want))
}

// sortMerges sorts merges by their stories; several of the same two may be.
func sortMerges(found []feed.StoryMerge) []feed.StoryMerge {
	slices.SortFunc(found, func(a, b feed.StoryMerge) int {
		if c := bytes.Compare(a.Kept[:], b.Kept[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.Gone[:], b.Gone[:])
	})
	return found
}
