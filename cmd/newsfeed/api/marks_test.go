package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests/account"
)

type marksAnswer struct {
	Revision uint64
	Marks    []markShape
	Next     string
}

func TestMarks(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a", "b", "c")
	guest := h.Guest()
	put := func(id, body string) (got struct{ Revision uint64 }) {
		t.Helper()
		h.Must(200, "PUT", "/marks/"+id, guest, body).JSON(t, &got)
		return got
	}
	one := put(ids[0], `{"read":true,"saved":true}`)
	two := put(ids[0], `{"saved":false,"hidden":null}`)
	if two.Revision <= one.Revision {
		t.Errorf("revisions %d, %d", one.Revision, two.Revision)
	}
	put(ids[1], `{"saved":true}`)
	last := put(ids[2], `{"hidden":false}`)

	var got marksAnswer
	h.Must(200, "GET", "/marks?story="+ids[2]+"&story="+ids[0], guest, "").JSON(t, &got)
	if len(got.Marks) != 2 || got.Marks[0].Story.String() != ids[2] || got.Marks[0].Hidden || !got.Marks[1].Read || got.Marks[1].Saved || got.Revision != last.Revision {
		t.Errorf("named: %+v", got)
	}
	var all []string
	for path := "/marks?limit=1"; path != ""; {
		r := h.Must(200, "GET", path, guest, "")
		got = marksAnswer{}
		r.JSON(t, &got)
		for _, m := range got.Marks {
			all = append(all, m.Story.String())
		}
		path = linkTo(r.Header.Get("Link"))
	}
	want := slices.Clone(ids[:2]) // what is taken back is no mark
	slices.Sort(want)
	if !slices.Equal(all, want) {
		t.Errorf("all: %v, want %v", all, want)
	}
	if p := h.GetPage("/feed?must_know=0", guest); !p.Items[0].Mark.Read || p.Items[0].Mark.Saved || !p.Items[1].Mark.Saved {
		t.Errorf("on cards: %+v", p.Items)
	}
	if got := h.GetPage("/feed?unread=true", guest).Titles(); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("unread: %v", got)
	}
	if p := h.GetPage("/topics/iran/articles", h.Guest()); p.Items[0].Mark.Read {
		t.Error("another's card is read")
	}
}

// What was never a story cannot be marked; what once was can, wherever it went.
func TestMarksOfStories(t *testing.T) {
	h := NewHouse(t)
	old := h.Clock.Now().Add(-1000 * time.Hour).UTC().Format(time.RFC3339)
	got := post(t, h, h.Publisher, `{"url":"https://news.example/1","title":"1","external_id":"urn:s"}
		{"url":"https://news.example/2","title":"2","external_id":"urn:s"}
		{"url":"https://news.example/old","title":"old","published_at":"`+old+`"}
		{"url":"https://news.example/gone","title":"gone"}`, ndjson)
	h.Must(204, "DELETE", "/articles/"+got.Results[3].ID, h.Publisher, "")
	guest := h.Guest()
	for i, want := range []int{200, 404, 200, 200} {
		id := got.Results[i].ID
		h.Must(want, "PUT", "/marks/"+id, guest, `{"read":true}`)
		h.Must(want, "GET", "/stories/"+id, "", "")
		var article struct{ Story string }
		if i < 3 {
			h.Must(200, "GET", "/articles/"+id, "", "").JSON(t, &article)
			if isStory := article.Story == id; isStory != (want == 200) {
				t.Errorf("article %d says that its story is %s", i, article.Story)
			}
		}
	}
	for _, id := range []string{"x", "00000000-0000-5000-8000-000000000000", "%7B" + got.Results[0].ID + "%7D"} {
		p := h.Must(404, "PUT", "/marks/"+id, guest, `{"read":true}`).Problem(t)
		if !strings.Contains(p.Detail, "story") {
			t.Errorf("%s: %+v", id, p)
		}
		h.Must(404, "GET", "/stories/"+id, guest, "")
	}
}

// A first mark keeps its guest as a first interest does, and whoever is seen
// keeps their marks.
func TestMarksKeepGuests(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a")
	guest, idle := h.Guest(), h.Guest()
	h.Must(200, "PUT", "/marks/"+ids[0], guest, `{"saved":true}`)
	h.Clock.Move(account.GuestUnused + time.Minute)
	h.Must(401, "GET", "/saved", idle, "")
	if got := h.GetPage("/saved", guest).Titles(); len(got) != 1 {
		t.Errorf("saved: %v", got)
	}
	if who, err := h.person(guest, anybodys); err != nil || !who.session.Kept {
		t.Errorf("the session %+v, %v", who.session, err)
	}
}

// keptMarks notes until when marks are kept.
type keptMarks struct {
	feed.Marks
	until []time.Time
}

func (k *keptMarks) Keep(ctx context.Context, id account.ID, until time.Time) error {
	k.until = append(k.until, until)
	return k.Marks.Keep(ctx, id, until)
}

func TestSeenGuestsKeepTheirMarks(t *testing.T) {
	store := new(keptMarks)
	h := NewHouse(t, func(d *Deps) { d.Marks = feed.NewMarkSets(store, d.Now) })
	store.Marks = h.Store.Marks()
	ids := h.Publish(h.Publisher, "Iran", "a")
	guest := h.Guest()
	h.Must(200, "PUT", "/marks/"+ids[0], guest, `{"saved":true}`)
	h.Clock.Move(48 * time.Hour)
	h.Must(200, "GET", "/saved", guest, "")
	h.Must(200, "GET", "/saved", guest, "")
	if least := h.Clock.Now().Add(account.GuestKept); len(store.until) != 1 || store.until[0].Before(least) {
		t.Errorf("kept until %v, want once until %v or later", store.until, least)
	}
}

// Saved stories come last saved first, each once, wherever they went; under the
// policy.
func TestSaved(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b", "c", "d", "e")
	old := h.Clock.Now().Add(-1000 * time.Hour).UTC().Format(time.RFC3339)
	post(t, h, h.Publisher, `{"url":"https://news.example/old","title":"old","topics":["Iran","Tennis"],"published_at":"`+old+`"}`)
	guest := h.Guest()
	h.Follow(guest, "iran")
	order := []string{"c", "a", "old", "e", "b"}
	for _, name := range order {
		h.Clock.Move(time.Second)
		h.Must(200, "PUT", "/marks/"+idAt("https://news.example/"+name), guest, `{"saved":true}`)
	}
	slices.Reverse(order)
	walk := func(limit int) (titles []string) {
		t.Helper()
		for path := fmt.Sprintf("/saved?limit=%d", limit); path != ""; {
			r := h.Must(200, "GET", path, guest, "")
			h.Must(304, "GET", path, guest, "", "If-None-Match: "+r.Header.Get("ETag"))
			var p Page
			r.JSON(t, &p)
			for _, card := range p.Items {
				if !card.Mark.Saved || !slices.Equal(card.Matched, []string{"iran"}) || card.Story == "" {
					t.Errorf("card %+v", card)
				}
			}
			titles = append(titles, p.Titles()...)
			path = linkTo(r.Header.Get("Link"))
		}
		return titles
	}
	for _, limit := range []int{1, 2, 4, 5, 100} {
		if got := walk(limit); !slices.Equal(got, order) {
			t.Errorf("by %d: %v, want %v", limit, got, order)
		}
	}
	next := h.GetPage("/saved?limit=2", guest).Next
	h.Must(200, "PUT", "/marks/"+idAt("https://news.example/d"), guest, `{"saved":true}`)
	h.Must(200, "PUT", "/marks/"+idAt("https://news.example/e"), guest, `{"saved":false}`)
	if got := h.GetPage("/saved?cursor="+next, guest).Titles(); !slices.Equal(got, order[2:]) {
		t.Errorf("after edits: %v, want %v", got, order[2:])
	}
	h.Must(200, "PUT", "/marks/"+idAt("https://news.example/a"), guest, `{"hidden":true}`)
	h.Must(204, "DELETE", "/articles/"+idAt("https://news.example/c"), h.Publisher, "")
	if got := walk(2); !slices.Equal(got, []string{"d", "b", "old"}) {
		t.Errorf("one is hidden, one withdrawn: %v", got)
	}
	h.Must(200, "PUT", "/interests/tennis", guest, `{"level":"mute"}`)
	if got := walk(1); !slices.Equal(got, []string{"d", "b"}) {
		t.Errorf("the old one's topic is muted: %v", got)
	}
	h.Must(200, "DELETE", "/interests/tennis", guest, "")
	h.Must(200, "PUT", "/marks/"+idAt("https://news.example/old"), guest, `{"hidden":true}`)
	if got := walk(1); !slices.Equal(got, []string{"d", "b"}) {
		t.Errorf("the old one is hidden: %v", got)
	}
	h.Must(200, "PUT", "/marks/"+idAt("https://news.example/old"), guest, `{"hidden":false}`)
	h.Must(204, "DELETE", "/articles/"+idAt("https://news.example/old"), h.Publisher, "")
	if got := walk(1); !slices.Equal(got, []string{"d", "b"}) {
		t.Errorf("the old one is withdrawn: %v", got)
	}
}
