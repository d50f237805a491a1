package reader

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/embedded"
)

// start is when the tests begin.
var start = time.Date(2026, 10, 1, 14, 0, 0, 0, time.UTC)

// site is the reader on an embedded store and an index that the test fills.
type site struct {
	t         testing.TB
	app       *fiber.App
	store     *embedded.Store
	people    *account.People
	members   *account.Members
	lists     *interests.Lists
	catalogue *topic.Catalogue
	index     *feed.Index
	edition   feed.Edition
	warm      atomic.Bool
	clock     time.Time
	reported  []error
	unstored  bool // articles go to the index alone, which is quick
}

func newSite(t testing.TB, change ...func(*Deps)) *site {
	t.Helper()
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	// The store judges expiry by its own clock, so the test's begins at the real one.
	s := &site{t: t, store: store, clock: time.Now().UTC().Truncate(time.Millisecond)}
	now := func() time.Time { return s.clock }
	s.catalogue = topic.NewCatalogue(topic.Seed())
	s.index = feed.NewIndex(0, now, func(t topic.Topic) {
		if _, known := s.catalogue.Get(t.ID); !known {
			s.catalogue.Put(t)
		}
	})
	s.people = account.NewPeople(store.Sessions(), now)
	s.lists = interests.NewLists(store.Lists(), now)
	s.warm.Store(true)
	cheap := account.NewPasswords(account.Cost{Memory: 64, Passes: 1, Lanes: 1})
	s.members = account.NewMembers(store.Accounts(), s.people, cheap, store.Limits(), account.Allowance{Calls: 10, Window: time.Hour}, now)
	belongs := &feed.Belongings{Lists: s.lists, Marks: feed.NewMarkSets(store.Marks(), now), Together: store.Together(), Merger: interests.NewMerger(s.lists, store.Merges())}
	d := Deps{
		Members: s.members, Belongs: belongs, Limits: store.Limits(), SignUp: true,
		Eraser: &feed.Eraser{Accounts: store.Accounts(), Erasures: store.Erasures(), People: s.people, Belongings: belongs, Now: now},
		People: s.people, Lists: s.lists, Catalogue: s.catalogue, Index: s.index, Builder: feed.NewBuilder(s.index), Articles: store.Articles(),
		Now: now, Warm: s.warm.Load, Cookie: "__Host-newsfeed", URL: "https://news.example",
		Network: func(*fiber.Ctx) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
		Report:  func(err error) { s.reported = append(s.reported, err) },
	}
	for _, f := range change {
		f(&d)
	}
	s.app = fiber.New(fiber.Config{Immutable: true, StreamRequestBody: true, DisableStartupMessage: true}) // as the door's
	New(d).Routes(s.app)
	return s
}

// publish adds an article to the index, with topics of the catalogue.
func (s *site) publish(a feed.Article, topics ...topic.ID) feed.Article {
	s.t.Helper()
	s.edition++
	if a.URL == "" {
		a.URL = fmt.Sprintf("https://paper.example/%d", s.edition)
	}
	a.ID = feed.NewArticleID(a.URL)
	if a.Kind == "" {
		a.Kind = feed.News
	}
	if a.Source.ID == "" {
		a.Source = feed.Source{ID: "paper", Name: "The Paper"}
	}
	if a.Published.IsZero() {
		a.Published = s.clock.Add(-time.Duration(s.edition) * time.Minute)
	}
	for _, id := range topics {
		tp, ok := s.catalogue.Get(id)
		if !ok {
			s.t.Fatalf("the catalogue has no topic %s", id)
		}
		a.Tags = append(a.Tags, feed.Tag{Topic: id, Name: tp.Name, Salience: 0.9})
	}
	a.Tags = append(a.Tags, feed.Tag{Topic: topic.SourceTopicID(a.Source.ID), Name: a.Source.Name, Salience: 1})
	e := feed.Entry{
		Edition: s.edition, At: s.clock, Article: a, Owner: a.Source.ID,
		Key: feed.Key(1, a.Published, 12*time.Hour), Story: feed.StoryID(a.ID), StoryNum: s.edition,
	}
	s.apply(e)
	return a
}

// apply puts an entry into the log and the index.
func (s *site) apply(e feed.Entry) {
	s.t.Helper()
	e.Call = uuid.Must(uuid.NewV7())
	if s.unstored {
		s.index.Apply(e)
		return
	}
	if _, err := s.store.Articles().Append(context.Background(), []feed.Entry{e}); err != nil {
		s.t.Fatal(err)
	}
	e.Article.BodyHTML = ""
	s.index.Apply(e)
}

// browser keeps a cookie as one would, and does not follow redirects.
type browser struct {
	*site
	cookie string
	others []*http.Cookie // that are there for a while
}

type answer struct {
	*http.Response
	body string
}

func (b *browser) do(req *http.Request) answer {
	b.t.Helper()
	if b.cookie != "" {
		req.Header.Set("Cookie", "__Host-newsfeed="+b.cookie)
	}
	for _, c := range b.others {
		if c.Expires.After(time.Now()) {
			req.AddCookie(c)
		}
	}
	resp, err := b.app.Test(req, -1)
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if c.Name != "__Host-newsfeed" {
			b.others = append(slices.DeleteFunc(b.others, func(o *http.Cookie) bool { return o.Name == c.Name }), c)
			continue
		}
		if b.cookie = c.Value; !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			b.cookie = ""
		}
	}
	return answer{resp, string(body)}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

// press sends the form of a button, as a browser does from a page of ours.
func (b *browser) press(topic, level, back string) answer {
	b.t.Helper()
	req := form(url.Values{level: {topic}, "back": {back}})
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(req)
}

func form(v url.Values) *http.Request {
	req := httptest.NewRequest(http.MethodPost, "/my/interests", strings.NewReader(v.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

func (a answer) want(t testing.TB, status int, texts ...string) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("status %d, want %d; location %q; body:\n%.2000s", a.StatusCode, status, a.Header.Get("Location"), a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("%q is not in the page:\n%.6000s", text, a.body)
		}
	}
	return a
}

func (a answer) lacks(t testing.TB, texts ...string) answer {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("%q is in the page", text)
		}
	}
	return a
}

var headline = regexp.MustCompile(`<h2 dir="auto">(?:<a [^>]*>)?([^<]*)`)

// titles returns the titles of the cards in their order.
func (a answer) titles() []string {
	var titles []string
	for _, m := range headline.FindAllStringSubmatch(a.body, -1) {
		titles = append(titles, html.UnescapeString(m[1]))
	}
	return titles
}
