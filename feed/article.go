// Package feed makes personalised, ranked pages of articles.
//
// The log ([Log]) is the ordered record of everything that changes the corpus;
// the index ([Index]) holds in memory what a page needs and follows the log;
// the builder ([Builder]) turns a list of interests into a page. Stores of
// articles are behind the contract [Articles]. The package knows nothing of
// HTTP, of a database, or of how articles come in (see feed/ingest).
package feed

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests/topic"
)

// ArticleID names an article: UUID version 5, namespace URL, of its canonical
// address. The same address is the same article, whoever sends it.
type ArticleID uuid.UUID

// StoryID names a story, the cluster of articles that report one event. Until
// stories are told apart, a story is its article and has its id.
type StoryID uuid.UUID

// NewArticleID returns the id of the article at a canonical address (see [CanonicalURL]).
func NewArticleID(canonical string) ArticleID {
	return ArticleID(uuid.NewSHA1(uuid.NameSpaceURL, []byte(canonical)))
}

// ParseArticleID reads the text form of an id.
func ParseArticleID(s string) (ArticleID, error) {
	if len(s) != 36 {
		return ArticleID{}, fmt.Errorf("%q is no article id", s)
	}
	id, err := uuid.Parse(s)
	return ArticleID(id), err
}

func (id ArticleID) String() string                { return uuid.UUID(id).String() }
func (id ArticleID) MarshalText() ([]byte, error)  { return uuid.UUID(id).MarshalText() }
func (id *ArticleID) UnmarshalText(b []byte) error { return (*uuid.UUID)(id).UnmarshalText(b) }
func (id StoryID) String() string                  { return uuid.UUID(id).String() }
func (id StoryID) MarshalText() ([]byte, error)    { return uuid.UUID(id).MarshalText() }
func (id *StoryID) UnmarshalText(b []byte) error   { return (*uuid.UUID)(id).UnmarshalText(b) }

// IsZero reports whether the id names no article.
func (id ArticleID) IsZero() bool { return id == ArticleID{} }

// Kind says what an article is made of.
type Kind string

// The kinds of articles; an article that does not say is news.
const (
	News     Kind = "news"
	Video    Kind = "video"
	Analysis Kind = "analysis"
	Opinion  Kind = "opinion"
	Live     Kind = "live"
	Audio    Kind = "audio"
	Gallery  Kind = "gallery"
)

// Kinds lists every kind, news first.
var Kinds = []Kind{News, Video, Analysis, Opinion, Live, Audio, Gallery}

// Status is what a publisher says of an article; empty means not said.
type Status string

// The two things that a publisher can say.
const (
	Usable    Status = "usable"
	Withdrawn Status = "withdrawn"
)

// Source is where an article comes from. Its topic is topic.SourceTopicID(ID).
type Source struct {
	ID   string `json:"id" bson:"id"` // made as a topic id is, at most 64 bytes
	Name string `json:"name" bson:"name"`
	URL  string `json:"url,omitempty" bson:"url,omitempty"`
}

// Image illustrates an article. Width and Height are pixels, 0 when not known.
type Image struct {
	URL    string `json:"url" bson:"url"`
	Alt    string `json:"alt,omitempty" bson:"alt,omitempty"`
	Width  int    `json:"width,omitempty" bson:"width,omitempty"`
	Height int    `json:"height,omitempty" bson:"height,omitempty"`
}

// Tag is a topic on an article.
type Tag struct {
	Topic     topic.ID `json:"id" bson:"id"`
	Name      string   `json:"name" bson:"name"`
	Salience  float64  `json:"salience" bson:"salience"`                       // 0.01 to 1, in hundredths: how much the article is about it
	Inherited bool     `json:"inherited,omitempty" bson:"inherited,omitempty"` // only through a narrower topic
}

// Label is a publisher's own tag, not yet resolved to a topic.
type Label struct {
	Name     string  // an id, a name or an alias
	Salience float64 // 0 when the publisher did not say
}

// Draft is parsed and cleaned input that is not stored yet. Text fields are
// plain text, BodyHTML is sanitised, URL is canonical.
type Draft struct {
	URL        string
	Title      string
	Summary    string
	BodyHTML   string
	Byline     string
	Language   string // BCP 47, lower case primary tag first; empty when not said
	Kind       Kind
	Published  time.Time // zero when absent
	Presumed   time.Time `json:"-"` // taken for Published of a new article that says none; zero: the moment of acceptance
	Updated    time.Time // zero when absent
	Source     Source
	Image      *Image
	Labels     []Label
	ExternalID string
	Status     Status
	Text       string // of the body, plain; only its features are kept

	// Tags are the resolved topics: the publisher's, the automatic ones, the
	// inherited ones and the source's. Set between cleaning and Put.
	Tags []Tag
}

// Article is one version of an article as the log holds it.
type Article struct {
	ID         ArticleID `json:"id"`
	URL        string    `json:"url"`
	Title      string    `json:"title"`
	Summary    string    `json:"summary,omitempty"`
	BodyHTML   string    `json:"body_html,omitempty"` // absent unless it was asked for
	Byline     string    `json:"byline,omitempty"`
	Language   string    `json:"language,omitempty"`
	Kind       Kind      `json:"kind"`
	Source     Source    `json:"source"`
	Image      *Image    `json:"image,omitempty"`
	Published  time.Time `json:"published_at"`
	Updated    time.Time `json:"updated_at,omitzero"`
	ExternalID string    `json:"external_id,omitempty"`
	Tags       []Tag     `json:"topics"` // most salient first; the source's topic included
}

// Host returns the host of the article's address, without port.
func (a *Article) Host() string { return hostOf(a.URL) }

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
