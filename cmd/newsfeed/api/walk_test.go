package api

import (
	"slices"
	"testing"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
)

// The order of a walk is that of its first page's list, whatever the person edits
// meanwhile; what is muted or hidden since is left out.
func TestWalkIsFrozen(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b", "c", "d", "e", "f")
	h.Publish(h.Publisher, "Tennis", "t")
	guest := h.Guest()
	h.Follow(guest, "iran")
	all := h.GetPage("/feed", guest).Titles()
	first := h.GetPage("/feed?limit=2", guest)
	h.Follow(guest, "tennis")
	h.Must(200, "PUT", "/interests/tennis", guest, `{"level":"favourite"}`)
	h.Must(200, "DELETE", "/interests/iran", guest, "")
	var list listAnswer
	h.Must(200, "GET", "/interests", guest, "").JSON(t, &list)

	r := h.Must(200, "GET", "/feed?limit=2&cursor="+first.Next, guest, "")
	var second Page
	r.JSON(t, &second)
	if got := append(first.Titles(), second.Titles()...); !slices.Equal(got, all[:4]) {
		t.Errorf("two pages: %v, want %v", got, all[:4])
	}
	if second.AsOf != first.AsOf || h.header(r) != list.Revision || list.Revision == first.AsOf.Revision {
		t.Errorf("as of %+v, was %+v; the header says %d, the list %d", second.AsOf, first.AsOf, h.header(r), list.Revision)
	}
	h.Must(304, "GET", "/feed?limit=2&cursor="+first.Next, guest, "", "If-None-Match: "+r.Header.Get("ETag"))
	hidden := second.Items[1].Story
	h.Must(200, "PUT", "/marks/"+hidden, guest, `{"hidden":true}`)
	h.Must(200, "PUT", "/interests/source-news-example", guest, `{"level":"follow"}`)
	if got := h.GetPage("/feed?cursor="+first.Next, guest).Titles(); !slices.Equal(got, append([]string{all[2]}, all[4:]...)) {
		t.Errorf("one hidden since: %v of %v", got, all)
	}
	h.Must(200, "PUT", "/interests/source-news-example", guest, `{"level":"mute"}`)
	if got := h.GetPage("/feed?cursor="+first.Next, guest).Titles(); len(got) != 0 {
		t.Errorf("the source is muted since: %v", got)
	}
}

func (h *House) header(r Reply) (revision uint64) {
	for _, digit := range r.Header.Get(headerRevision) {
		revision = revision*10 + uint64(digit-'0')
	}
	return revision
}

// A walk begun with an empty list goes on; one of a list that cannot be rebuilt,
// or that is another's, is over.
func TestWalksOfOtherLists(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b", "c")
	h.Publish(h.Publisher, "Tennis", "t")
	guest, other := h.Guest(), h.Guest()
	first := h.GetPage("/feed?limit=2", guest)
	h.Follow(guest, "tennis")
	if p := h.GetPage("/feed?cursor="+first.Next, guest); !p.Cold || p.AsOf.Revision != 0 || len(p.Items) != 2 {
		t.Errorf("a cold walk, after a follow: %+v", p)
	}
	nobodys := h.GetPage("/topics/iran/articles?limit=1", "")
	h.Must(200, "PUT", "/interests/source-news-example", guest, `{"level":"mute"}`)
	h.Must(200, "DELETE", "/interests/source-news-example", guest, "")
	if p := h.GetPage("/topics/iran/articles?cursor="+nobodys.Next, guest); p.AsOf.Revision != 0 || len(p.Items) != 2 || p.Items[0].Mark == nil {
		t.Errorf("nobody's walk, by a person: %+v", p)
	}
	mine := h.GetPage("/topics/iran/articles?limit=1", guest).Next
	h.Must(200, "GET", "/topics/iran/articles?cursor="+mine, guest, "")
	never, err := feed.ParseCursor(mine, h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	never.Revision = 7
	for _, path := range []string{"/feed", "/feed/newer", "/topics/iran/articles"} {
		if p := h.Must(410, "GET", path+"?cursor="+never.String(), guest, "").Problem(t); p.Type != "cursor-expired" {
			t.Errorf("GET %s of a list that never was: %+v", path, p)
		}
		h.Must(410, "GET", path+"?cursor="+mine, other, "")
	}
	h.Must(410, "GET", "/topics/iran/articles?cursor="+mine, "", "")
	h.forgetJournal(guest)
	h.Must(410, "GET", "/feed?cursor="+mine, guest, "")
}

// forgetJournal makes an edit after which no earlier list can be rebuilt.
func (h *House) forgetJournal(token account.Secret) {
	h.Helper()
	who, err := h.person(token, anybodys)
	if err != nil {
		h.Fatal(err)
	}
	list, err := h.Lists.Get(h.Context(), who.session.Account)
	if err != nil {
		h.Fatal(err)
	}
	next, _ := interests.Apply(list, []interests.Op{{Topic: "iran", Level: interests.Follow, At: list.NextStamp(h.Clock.Now())}}, h.Clock.Now())
	if err := h.Store.Lists().Swap(h.Context(), who.session.Account, list.Revision, next, who.session.Until()); err != nil {
		h.Fatal(err)
	}
}

// What entered since is counted as the pages count it.
func TestNewer(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b", "c", "d")
	guest := h.Guest()
	h.Follow(guest, "iran")
	first := h.GetPage("/feed?limit=3", guest)
	h.Publish(h.Publisher, "Iran", "e", "f")
	h.Publish(h.Publisher, "Tennis", "t")
	second := h.GetPage("/feed?limit=1&cursor="+first.Next, guest)
	var got struct{ Count int }
	h.Must(200, "GET", "/feed/newer?limit=nonsense&cursor="+first.Next, guest, "").JSON(t, &got)
	if got.Count != 2 || second.Newer != 2 {
		t.Errorf("counted %d, the page says %d, want 2", got.Count, second.Newer)
	}
	h.Must(200, "GET", "/feed/newer?kind=video&cursor="+first.Next, guest, "").JSON(t, &got)
	if got.Count != 0 {
		t.Errorf("of another kind: %d", got.Count)
	}
}
