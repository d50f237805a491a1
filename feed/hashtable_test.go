package feed

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The table finds what a map finds, while it grows, is changed and thinned out;
// many things share a hash.
func TestHashTableIsAMap(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	for i := range 50 {
		r := rand.New(rand.NewPCG(*oracleSeed+5, uint64(i)))
		var table hashTable
		things, newest := []int{}, map[int]uint32{} // numbers are places in things
		hash := func(thing int) uint64 { return uint64(thing/3) * 0x9e3779b97f4a7c15 }
		hashOf := func(n uint32) uint64 { return hash(things[n]) }
		is := func(thing int) func(uint32) bool { return func(n uint32) bool { return things[n] == thing } }
		for range 1 + r.IntN(2000) {
			thing := r.IntN(1000)
			things = append(things, thing)
			newest[thing] = uint32(len(things) - 1)
			table.set(hash(thing), newest[thing], is(thing), hashOf)
			if r.IntN(200) == 0 {
				odd := r.IntN(2)
				for thing := range newest {
					if thing%2 == odd {
						delete(newest, thing)
					}
				}
				table.keep(func(n uint32) bool { return things[n]%2 != odd }, hashOf)
			}
		}
		for thing := range 1000 {
			want, known := newest[thing]
			if got, ok := table.find(hash(thing), is(thing)); ok != known || got != want {
				t.Fatalf("case %d: %d is at %d, %t; want %d, %t", i, thing, got, ok, want, known)
			}
		}
		if table.used != len(newest) {
			t.Fatalf("case %d: %d are used, want %d", i, table.used, len(newest))
		}
	}
}

// Stories hold what lists of rows by story hold, while rows come and go, and what
// nothing names any more is let go.
func TestStoriesAreLists(t *testing.T) {
	t.Logf("-oracle.seed %d", *oracleSeed)
	for i := range 50 {
		r := rand.New(rand.NewPCG(*oracleSeed+6, uint64(i)))
		var s stories
		want, names := map[StoryID][]row{}, []StoryID{}
		for next := range row(r.IntN(3000)) {
			if len(names) == 0 || r.IntN(3) == 0 {
				names = append(names, StoryID(NewArticleID(string(rune(len(names))))))
			}
			id := names[r.IntN(len(names))]
			want[id] = append(want[id], next)
			s.add(s.number(id), next)
			if r.IntN(300) == 0 {
				thinStories(r, &s, want)
			}
		}
		for _, id := range names {
			if got := s.members(s.lookup(id)); !slices.Equal(got, want[id]) {
				t.Fatalf("case %d: story %s has %v, want %v", i, id, got, want[id])
			}
			if n := s.lookup(id); n != 0 && s.id(n) != id {
				t.Fatalf("case %d: story %d is %s, want %s", i, n, s.id(n), id)
			}
		}
		thinStories(rand.New(all{}), &s, want)
		if left := s.ids.used; left != 0 {
			t.Fatalf("case %d: %d stories without rows are left", i, left)
		}
		for segment := range s.rows.live[:max(len(s.rows.live)-1, 0)] {
			if s.rows.live[segment] != 0 {
				t.Fatalf("case %d: %d lists of rows are left in segment %d", i, s.rows.live[segment], segment)
			}
		}
	}
}

// all is a source of zeros: everything is thinned out.
type all struct{}

func (all) Uint64() uint64 { return 0 }

// thinStories takes out some rows of each story.
func thinStories(r *rand.Rand, s *stories, want map[StoryID][]row) {
	gone := map[storyNum]bool{}
	for id, rows := range want {
		below := rows[len(rows)-1] + 1
		if len(rows) > 1 && r.Uint64() != 0 {
			below = rows[len(rows)/2]
		}
		n := s.lookup(id)
		for _, n := range s.remove(n, func(r row) bool { return r < below }) {
			gone[n] = true
		}
		if want[id] = slices.DeleteFunc(rows, func(r row) bool { return r < below }); len(want[id]) == 0 {
			delete(want, id)
		}
	}
	s.forget(gone)
	s.letGo()()
}
