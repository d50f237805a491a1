package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/feed/ingest/fetch"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/embedded"
)

// House is a whole service on the embedded store in a temporary folder, with
// its door on a free port: what tests of this package call.
type House struct {
	testing.TB
	*Server
	Store     *embedded.Store
	Clock     *Clock // of everything but the store's own look at what has expired
	URL       string
	Publisher account.Secret // an unbound key
	Editor    account.Secret

	closed chan struct{} // told of each connection that the server has closed

	mu       sync.Mutex // guards below
	reported []error
}

// Clock is a clock that a test moves.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now returns the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Move moves the clock, also backwards.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// NewHouse starts a house. Each change is made to what the door is given, before
// the log is warmed; the house stops with the test.
func NewHouse(t testing.TB, changes ...func(*Deps)) *House {
	t.Helper()
	store, err := embedded.Open(filepath.Join(t.TempDir(), "newsfeed.db"))
	if err != nil {
		t.Fatal(err)
	}
	h := &House{TB: t, Store: store, Clock: &Clock{at: time.Now()}, Publisher: account.NewSecret(), Editor: account.NewSecret()}
	d := h.deps()
	for _, change := range changes {
		change(&d)
	}
	if d.Log == nil {
		d.Log = feed.NewLog(d.Articles, d.Index, store.Announcements(), feed.LogOptions{HalfLife: 12 * time.Hour, Now: h.Clock.Now})
	}
	if err := d.Log.Warm(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	d.Log.Start()
	if d.Desk == nil {
		d.Desk = NewDesk(h.Store.Sources())
	}
	d.Desk.Log, d.Desk.Tagger, d.Desk.Articles, d.Desk.Now = d.Log, d.Tagger, d.Articles, h.Clock.Now
	h.Server = New(d)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.URL = "http://" + l.Addr().String()
	served := make(chan error, 1)
	h.closed = make(chan struct{}, 1000)
	go func() { served <- h.Serve(watched{l, h.closed}) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := h.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		d.Log.Stop()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// watched is a listener whose connections say when the server closes them, which it
// does after it has closed what it answered with.
type watched struct {
	net.Listener
	closed chan struct{}
}

func (w watched) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return watchedConn{c.(*net.TCPConn), w.closed}, nil
}

type watchedConn struct {
	*net.TCPConn
	closed chan struct{}
}

func (c watchedConn) Close() error {
	err := c.TCPConn.Close()
	select {
	case c.closed <- struct{}{}:
	default: // nobody waits
	}
	return err
}

// Sow brings the topics of the catalogue into the store, as a starting node does.
func (h *House) Sow() {
	h.Helper()
	if _, _, err := topic.CurrentSeed().Sow(context.Background(), h.Store.Topics()); err != nil {
		h.Fatal(err)
	}
}

func (h *House) deps() Deps {
	catalogue := topic.NewCatalogue(topic.Seed())
	index := feed.NewIndex(720*time.Hour, h.Clock.Now, func(t topic.Topic) {
		if _, known := catalogue.Get(t.ID); !known || t.Kind.InCatalogue() {
			catalogue.Put(t)
		}
	})
	people := account.NewPeople(h.Store.Sessions(), h.Clock.Now)
	lists := interests.NewLists(h.Store.Lists(), h.Clock.Now)
	marks, merger := feed.NewMarkSets(h.Store.Marks(), h.Clock.Now), interests.NewMerger(lists, h.Store.Merges())
	return Deps{
		Lists: lists, Merger: merger,
		Marks:  marks,
		Eraser: EraserOf(h.Store, people, &feed.Belongings{Lists: lists, Marks: marks, Merger: merger}, h.Clock.Now),
		People: people, Members: MembersOf(h.Store, people, h.Clock), Limits: h.Store.Limits(),
		Keyring: account.NewKeyring(h.Store.Keys(), h.Clock.Now,
			account.Key{Name: "publisher", Role: account.Publisher, Hash: h.Publisher.Hash()},
			account.Key{Name: "editor", Role: account.Editor, Hash: h.Editor.Hash()}),
		Catalogue: catalogue, Topics: h.Store.Topics(), Index: index, Builder: feed.NewBuilder(index),
		Articles: h.Store.Articles(), Tagger: ingest.NewTagger(catalogue, h.Store.Topics(), false),
		Now: h.Clock.Now, Changes: h.Store.Changes(),
		Backup: func(_ context.Context, w io.Writer) error { _, err := h.Store.WriteTo(w); return err },
		Health: func(context.Context) []Dependency {
			return []Dependency{{Name: "articles", Kind: "embedded", OK: true, Since: h.Clock.Now()}}
		},
		Log500: func(_ string, err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.reported = append(h.reported, err)
		},
		Settings: Settings{Version: "test", URL: "https://news.example", AllowedOrigins: []string{"https://app.example"}, SignUp: true},
	}
}

// remember keeps what belongs to people at hand from now on.
func (h *House) remember() {
	changes := h.Store.Changes()
	h.People.Remember(changes, 1000)
	h.Lists.Remember(changes, 1000)
	h.Marks.Remember(changes, 1000)
}

// NewDesk returns a desk over sources that may ask this machine too.
func NewDesk(sources ingest.Sources) *ingest.Desk {
	const patience = 5 * time.Second
	return ingest.NewDesk(ingest.DeskDeps{Sources: sources, Timeout: patience,
		Client: fetch.New(fetch.Options{Agent: "newsfeed/test", Timeout: patience, AllowPrivate: true})})
}

// MembersOf returns the members of a store, with passwords that are hashed in no time.
func MembersOf(store *embedded.Store, people *account.People, clock *Clock) *account.Members {
	return account.NewMembers(store.Accounts(), people, account.NewPasswords(account.Cost{Memory: 64, Passes: 1, Lanes: 1}),
		store.Limits(), account.Allowance{}, clock.Now)
}

// EraserOf returns what erases people from a store, whose only node it is.
func EraserOf(store *embedded.Store, people *account.People, of *feed.Belongings, now func() time.Time) *feed.Eraser {
	return &feed.Eraser{Accounts: store.Accounts(), Erasures: store.Erasures(), People: people, Belongings: of, Now: now}
}

// Reported returns the errors that the operator was told of.
func (h *House) Reported() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]error(nil), h.reported...)
}

// Reply is an answer whose body was read.
type Reply struct {
	*http.Response
	Body []byte
}

// Call sends a request with a bearer token (none when empty), a body (JSON, none
// when empty), and headers as "Name: value", which go before those.
func (h *House) Call(method, path string, token account.Secret, body string, headers ...string) Reply {
	h.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	return h.Send(method, path, token, reader, headers...)
}

// Send is Call with a body that comes as it comes.
func (h *House) Send(method, path string, token account.Secret, body io.Reader, headers ...string) Reply {
	h.Helper()
	r, err := http.NewRequest(method, h.URL+path, body)
	if err != nil {
		h.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+string(token))
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		h.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	b, err := ReadAnswer(response)
	if err != nil {
		h.Fatalf("%s %s: %v", method, path, err)
	}
	return Reply{response, b}
}

// Must is a call that has to be answered with a status.
func (h *House) Must(status int, method, path string, token account.Secret, body string, headers ...string) Reply {
	h.Helper()
	r := h.Call(method, path, token, body, headers...)
	r.Want(h, status)
	return r
}

// Want checks the status.
func (r Reply) Want(t testing.TB, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("%s %s answered %d, want %d: %.500s", r.Request.Method, r.Request.URL, r.StatusCode, status, r.Body)
	}
}

// Problem reads a problem.
func (r Reply) Problem(t testing.TB) (p problem) {
	t.Helper()
	p.tally = new(tally)
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s %s: Content-Type %q, want a problem", r.Request.Method, r.Request.URL, got)
	}
	r.JSON(t, &p)
	if p.Status != r.StatusCode || p.Title == "" || p.Type == "" {
		t.Errorf("%s %s answered %d with the problem %s", r.Request.Method, r.Request.URL, r.StatusCode, r.Body)
	}
	return p
}

// JSON reads a body.
func (r Reply) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		t.Fatalf("%s %s: %v in %.500s", r.Request.Method, r.Request.URL, err, r.Body)
	}
}

// Guest makes a guest.
func (h *House) Guest() account.Secret {
	h.Helper()
	var made struct{ Token account.Secret }
	h.Must(http.StatusCreated, "POST", "/guests", "", "").JSON(h, &made)
	return made.Token
}

// Follow sets a guest's interests.
func (h *House) Follow(token account.Secret, topics ...string) {
	h.Helper()
	for _, t := range topics {
		h.Must(http.StatusOK, "PUT", "/interests/"+t, token, `{"level":"follow"}`)
	}
}

// Publish stores articles named by their path on news.example, of the ages
// given in minutes by their order, with one tag, and returns their ids.
func (h *House) Publish(key account.Secret, tag string, paths ...string) []string {
	h.Helper()
	var lines bytes.Buffer
	for i, path := range paths {
		at := h.Clock.Now().Add(-time.Duration(i+1) * time.Minute).UTC().Format(time.RFC3339)
		fmt.Fprintf(&lines, `{"url":"https://news.example/%s","title":"%s","topics":["%s"],"language":"en","published_at":"%s"}`+"\n", path, path, tag, at)
	}
	var got tally
	r := h.Send("POST", "/articles", key, &lines, "Content-Type: application/x-ndjson")
	r.Want(h, http.StatusOK)
	r.JSON(h, &got)
	var ids []string
	for _, r := range got.Results {
		ids = append(ids, r.ID)
	}
	return ids
}

// idAt returns the id of the article at a canonical address.
func idAt(address string) string { return feed.NewArticleID(address).String() }

// Page is what tests look at in a page.
type Page struct {
	AsOf struct {
		Edition  uint64
		Revision uint64
	} `json:"as_of"`
	Cold  bool
	Items []struct {
		Story   string
		Article struct{ ID, URL, Title string }
		Matched []string
		Mark    *struct{ Read, Saved bool }
		Updated bool
	}
	Next  string
	Newer int
}

// Titles returns the titles of a page's cards.
func (p Page) Titles() (titles []string) {
	for _, card := range p.Items {
		titles = append(titles, card.Article.Title)
	}
	return titles
}

// GetPage reads a page.
func (h *House) GetPage(path string, token account.Secret) (p Page) {
	h.Helper()
	h.Must(http.StatusOK, "GET", path, token, "").JSON(h, &p)
	return p
}
