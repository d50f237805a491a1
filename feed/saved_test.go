package feed

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// What the policy says of a row of the index, Visible says of its entry.
func TestVisibleIsThePolicy(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	topics := []topic.ID{"iran", "cuba", "oslo", "golf", "source-a", "source-b"}
	languages := []string{"", "en", "de"}
	now := time.Now()
	shown := 0
	for range 200 {
		x := NewIndex(0, time.Now, nil)
		var entries []Entry
		for i := range 20 {
			id := NewArticleID(fmt.Sprint(i))
			a := Article{ID: id, Title: "t", Kind: Kinds[random.IntN(3)], Language: languages[random.IntN(3)], Published: now, Source: Source{ID: "a", Name: "A"}}
			for range 1 + random.IntN(3) {
				a.Tags = append(a.Tags, Tag{Topic: topics[random.IntN(len(topics))], Salience: 1})
			}
			e := Entry{Edition: Edition(i + 1), At: now, Article: a, Story: StoryID(id), StoryNum: Edition(i + 1)}
			x.Apply(e)
			entries = append(entries, e)
		}
		list := interests.List{Revision: 1, Topics: map[topic.ID]interests.Register{}}
		marks := MarkSet{Revision: 1, Stories: map[StoryID]StoryMarks{}}
		for _, id := range append(topics, "nowhere") {
			if random.IntN(4) == 0 {
				list.Topics[id] = interests.Register{Level: interests.Mute}
			}
		}
		for _, e := range entries {
			marks.Stories[e.Story] = StoryMarks{Hidden: MarkRegister{Value: random.IntN(5) == 0}, Read: MarkRegister{Value: random.IntN(3) == 0}}
		}
		q := Query{Person: NewPerson(&list), Marks: &marks, Unread: random.IntN(2) == 0, Limit: 1}
		if random.IntN(2) == 0 {
			q.Filter = Filter{Kinds: Kinds[:random.IntN(2)], Languages: languages[random.IntN(3):][:random.IntN(2)], Topics: topics[random.IntN(5):][:random.IntN(2)]}
		}
		w := NewBuilder(x).begin(&q)
		for _, e := range entries {
			r, v, _ := w.c.ids.find(e.Article.ID, w.c.view)
			visible := len(q.Visible([]Entry{e}, []StoryID{e.Story})) == 1
			if allowed := w.policy.allows(&v, r); visible != allowed {
				t.Fatalf("%+v of %+v with %+v: visible %v, the policy says %v", e.Article, list, q.Filter, visible, allowed)
			}
			if visible {
				shown++
			}
		}
		w.end()
	}
	if shown < 100 {
		t.Errorf("%d of 4,000 are visible: that says little", shown)
	}
}

func TestMarkCursor(t *testing.T) {
	c := MarkCursor{At: interests.NewStamp(time.Now(), 3, 4), Story: StoryID(NewArticleID("a"))}
	if got, err := ParseMarkCursor(c.String()); err != nil || got != c {
		t.Errorf("%v, %v, want %v", got, err, c)
	}
	for i := range len(c.String()) {
		b := []byte(c.String())
		if b[i]++; b[i] == 'z'+1 {
			b[i] = '0'
		}
		if got, err := ParseMarkCursor(string(b)); err == nil && got == c {
			t.Errorf("%s reads as the cursor", b)
		} else if err == nil {
			t.Errorf("%s reads as %v", b, got)
		}
	}
	if _, err := ParseMarkCursor(""); err == nil {
		t.Error("nothing is a cursor")
	}
}
