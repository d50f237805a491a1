package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests/account"
)

// What two stories that turned out to be one are to a person: one story, by either
// id, in the index and beyond its horizon.

// mergedHouse has the stories a and b, of two articles each, and a guest who follows
// Iran, which a is of.
type mergedHouse struct {
	*versionWorld
	a, b string
}

func newMergedHouse(t *testing.T) *mergedHouse {
	h := &mergedHouse{versionWorld: newVersionWorld(t)}
	twoStories("Iran", "Bergen")(h.versionWorld)
	h.a, h.b = h.id("e0"), h.id("e1")
	return h
}

// story reads the articles of a story and the id that it goes by.
func (h *House) story(id string, token account.Secret) (survivor string, articles []string) {
	h.Helper()
	var got struct {
		Story    string
		Articles []struct{ ID string }
	}
	h.Must(200, "GET", "/stories/"+id, token, "").JSON(h, &got)
	for _, a := range got.Articles {
		articles = append(articles, a.ID)
	}
	slices.Sort(articles)
	return got.Story, articles
}

// marksOf reads the marks of stories, as "story: read saved hidden".
func (h *House) marksOf(token account.Secret, ids ...string) (marks []string) {
	h.Helper()
	var got marksAnswer
	path := "/marks"
	if len(ids) > 0 {
		path += "?story=" + strings.Join(ids, "&story=")
	}
	h.Must(200, "GET", path, token, "").JSON(h, &got)
	for _, m := range got.Marks {
		words := m.Story.String() + ":"
		for word, set := range map[string]bool{" read": m.Read, " saved": m.Saved, " hidden": m.Hidden} {
			if set {
				words += word
			}
		}
		marks = append(marks, words)
	}
	return marks
}

func TestMergedStories(t *testing.T) {
	h := newMergedHouse(t)
	h.mark("e0", `{"read":true}`)
	h.mark("e1", `{"saved":true}`)
	becomeOne(h.versionWorld)
	all := []string{h.a, h.b, h.id("e2")}
	slices.Sort(all)
	survivor, articles := h.story(h.b, h.me)
	if again, others := h.story(h.a, h.me); again != survivor || survivor != h.a || !slices.Equal(articles, all) || !slices.Equal(others, all) {
		t.Errorf("by either id: %s with %v, %s with %v", survivor, articles, again, others)
	}

	// Saved if any is, read only if both are; a mark that is set later is on both.
	if got, want := h.marksOf(h.me, h.a, h.b), []string{h.a + ": saved", h.b + ": saved"}; !slices.Equal(got, want) {
		t.Errorf("marks %v, want %v", got, want)
	}
	if got, want := h.marksOf(h.me), []string{h.a + ": saved"}; !slices.Equal(got, want) {
		t.Errorf("all marks %v, want %v", got, want)
	}
	h.mark("e1", `{"saved":false,"read":true}`)
	if got, want := h.marksOf(h.me, h.a), []string{h.a + ": read"}; !slices.Equal(got, want) {
		t.Errorf("marks %v, want %v", got, want)
	}
	sync := fmt.Sprintf(`{"device":"00000000000000aa","ops":[{"id":"1","story":"%s","mark":"saved","value":true,"at":"%012x000000000000000000aa"}]}`,
		h.b, h.Clock.Now().Add(time.Second).UnixMilli())
	h.Must(200, "POST", "/marks/sync", h.me, sync)
	saved := h.GetPage("/saved", h.me)
	if len(saved.Items) != 1 || saved.Items[0].Story != h.a || !saved.Items[0].Mark.Saved || !saved.Items[0].Mark.Read {
		t.Errorf("saved: %+v", saved.Items)
	}
	h.Must(200, "PUT", "/marks/"+h.a, h.me, `{"saved":false}`)
	if saved := h.GetPage("/saved", h.me); len(saved.Items) != 0 {
		t.Errorf("no more saved: %+v", saved.Items)
	}
}

// Who hid one of the stories sees none of their articles, whichever id is asked for.
func TestMergedStoryHidden(t *testing.T) {
	for _, name := range []string{"e0", "e1"} {
		h := newMergedHouse(t)
		h.mark(name, `{"hidden":true}`)
		becomeOne(h.versionWorld)
		for _, id := range []string{h.a, h.b, h.id("e2")} {
			if h.Call("GET", "/stories/"+id, h.me, "").StatusCode == 404 {
				continue // the third article began no story
			}
			if _, articles := h.story(id, h.me); len(articles) != 0 {
				t.Errorf("%s is hidden, and /stories/%s shows %v", name, id, articles)
			}
		}
		for _, card := range h.GetPage("/feed?must_know=3", h.me).Items {
			if card.Story == h.a || card.Story == h.b {
				t.Errorf("%s is hidden, and its story is in the feed", name)
			}
		}
	}
}

// A story that told news since it was read is updated and unread; its place stays.
func TestUpdatedStory(t *testing.T) {
	h := newVersionWorld(t)
	h.tell("e0", ferryTitle, "Iran")
	place := func() (at int, updated bool) {
		for i, card := range h.GetPage("/feed?must_know=0", h.me).Items {
			if card.Story == h.id("e0") {
				return i, card.Updated
			}
		}
		return -1, false
	}
	unread := func() bool {
		return slices.ContainsFunc(h.GetPage("/feed?unread=true&must_know=0", h.me).Items, func(c struct {
			Story   string
			Article struct{ ID, URL, Title string }
			Matched []string
			Mark    *struct{ Read, Saved bool }
			Updated bool
		}) bool {
			return c.Story == h.id("e0")
		})
	}
	h.mark("e0", `{"read":true}`)
	before, updated := place()
	if updated || unread() {
		t.Errorf("read just now: updated %v, unread %v", updated, unread())
	}
	h.Clock.Move(90 * time.Minute) // from a clock that was set back by up to a quarter of an hour
	h.tell("e0", ferryTitle+". Minister resigns, salvage tugs reach wreck, insurers count dead", "Iran")
	after, updated := place()
	if !updated || !unread() || after != before {
		t.Errorf("after news: updated %v, unread %v, place %d, want %d", updated, unread(), after, before)
	}
	h.Clock.Move(time.Minute)
	h.mark("e0", `{"read":true}`)
	if _, updated := place(); updated || unread() {
		t.Errorf("read again: updated %v, unread %v", updated, unread())
	}
}

// Old ids work for ever: also when all articles have left the index, which a new
// node never had.
func TestMergedStoriesBeyondTheHorizon(t *testing.T) {
	var ids []string
	h := NewHouse(t, func(d *Deps) {
		then := d.Now().Add(-40 * 24 * time.Hour).UTC().Truncate(time.Millisecond)
		var log []feed.Entry
		for i := range 3 {
			address := fmt.Sprintf("https://news.example/old%d", i)
			id := feed.NewArticleID(address)
			ids = append(ids, id.String())
			log = append(log, feed.Entry{Edition: feed.Edition(i + 1), At: then, Story: feed.StoryID(id), StoryNum: feed.Edition(i + 1),
				Article: feed.Article{ID: id, URL: address, Title: fmt.Sprint("Old ", i), Kind: "news", Published: then, Source: feed.Source{ID: "s", Name: "S"}}})
		}
		story := func(i int) feed.StoryID { return log[i].Story }
		log = append(log, feed.Entry{Edition: 4, At: then, Merge: &feed.StoryMerge{Kept: story(1), KeptNum: 2, Gone: story(2), GoneNum: 3}},
			feed.Entry{Edition: 5, At: then, Merge: &feed.StoryMerge{Kept: story(0), KeptNum: 1, Gone: story(1), GoneNum: 2}})
		if _, err := d.Articles.Append(context.Background(), log); err != nil {
			t.Fatal(err)
		}
	})
	guest := h.Guest()
	h.Publish(h.Publisher, "Iran", "new")
	all := slices.Sorted(slices.Values(ids))
	for _, id := range ids {
		if survivor, articles := h.story(id, guest); survivor != ids[0] || !slices.Equal(articles, all) {
			t.Errorf("/stories/%s is %s with %v, want %s with %v", id, survivor, articles, ids[0], all)
		}
		var article struct{ Story string }
		if h.Must(200, "GET", "/articles/"+id, "", "").JSON(t, &article); article.Story != ids[0] {
			t.Errorf("the article %s is of story %s, want %s", id, article.Story, ids[0])
		}
	}
	h.Must(200, "PUT", "/marks/"+ids[2], guest, `{"saved":true}`)
	if got, want := h.marksOf(guest, ids...), []string{ids[0] + ": saved", ids[1] + ": saved", ids[2] + ": saved"}; !slices.Equal(got, want) {
		t.Errorf("marks %v, want %v", got, want)
	}
	saved := h.GetPage("/saved", guest)
	if len(saved.Items) != 1 || saved.Items[0].Story != ids[0] {
		t.Errorf("saved: %s", must(json.Marshal(saved)))
	}
	h.Must(200, "PUT", "/marks/"+ids[1], guest, `{"hidden":true}`)
	if _, articles := h.story(ids[0], guest); len(articles) != 0 || len(h.GetPage("/saved", guest).Items) != 0 {
		t.Errorf("it is hidden, and shows %v", articles)
	}
}

func must(b []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	return string(b)
}
