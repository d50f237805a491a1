package mongo

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// entry is an entry of the log as a document. Whoever queries the collection
// finds an article's versions by article, and its topics by their ids; what is
// absent has no field. Documents are never changed, but for pruning, which
// leaves the first four fields and stub.
type entry struct {
	Edition int64     `bson:"_id"`
	At      time.Time `bson:"at"`
	Call    string    `bson:"call"`
	Seq     int       `bson:"seq"`
	Stub    bool      `bson:"stub,omitempty"`

	Article    string       `bson:"article,omitempty"`
	URL        string       `bson:"url,omitempty"`
	Title      string       `bson:"title,omitempty"`
	Summary    string       `bson:"summary,omitempty"`
	BodyHTML   string       `bson:"body_html,omitempty"`
	Byline     string       `bson:"byline,omitempty"`
	Language   string       `bson:"language,omitempty"`
	Kind       feed.Kind    `bson:"kind,omitempty"`
	Source     *feed.Source `bson:"source,omitempty"`
	Image      *feed.Image  `bson:"image,omitempty"`
	Published  time.Time    `bson:"published_at,omitempty"`
	Updated    time.Time    `bson:"updated_at,omitempty"`
	ExternalID string       `bson:"external_id,omitempty"`
	Topics     []topic.ID   `bson:"topics,omitempty"` // the ids in tags, for an index
	Tags       []feed.Tag   `bson:"tags,omitempty"`

	Withdrawn bool       `bson:"withdrawn,omitempty"`
	Owner     string     `bson:"owner,omitempty"`
	Key       int64      `bson:"key,omitempty"`
	Story     string     `bson:"story,omitempty"`
	StoryNum  int64      `bson:"story_num,omitempty"`
	StoryNth  int        `bson:"story_nth,omitempty"`
	StoryFrom time.Time  `bson:"story_from,omitempty"`
	News      time.Time  `bson:"news,omitempty"`
	Features  []byte     `bson:"features,omitempty"`
	Previous  int64      `bson:"previous,omitempty"`
	Left      []topic.ID `bson:"left,omitempty"`
	Content   string     `bson:"content,omitempty"`
	Past      []string   `bson:"past,omitempty"`

	Topic *topicDoc `bson:"topic,omitempty"` // a change of the catalogue
	Merge *mergeDoc `bson:"merge,omitempty"` // two stories that turned out to be one
}

// mergeDoc is a feed.StoryMerge.
type mergeDoc struct {
	Kept    string `bson:"kept"`
	KeptNum int64  `bson:"kept_num"`
	Gone    string `bson:"gone"`
	GoneNum int64  `bson:"gone_num"`
}

func documentOf(e feed.Entry) entry {
	a := e.Article
	doc := entry{
		Edition: int64(e.Edition), At: e.At, Call: e.Call.String(), Seq: e.Seq, Stub: e.Stub,
		URL: a.URL, Title: a.Title, Summary: a.Summary, BodyHTML: a.BodyHTML, Byline: a.Byline,
		Language: a.Language, Kind: a.Kind, Image: a.Image, Published: a.Published, Updated: a.Updated,
		ExternalID: a.ExternalID, Tags: a.Tags,
		Withdrawn: e.Withdrawn, Owner: e.Owner, Key: e.Key, StoryNum: int64(e.StoryNum),
		StoryNth: e.StoryNth, StoryFrom: e.StoryFrom, News: e.News, Features: e.Features,
		Previous: int64(e.Previous), Left: e.Left, Content: e.Content, Past: e.Past,
	}
	if !a.ID.IsZero() {
		doc.Article = a.ID.String()
	}
	if e.Story != (feed.StoryID{}) {
		doc.Story = e.Story.String()
	}
	if a.Source != (feed.Source{}) {
		doc.Source = &a.Source
	}
	for _, t := range a.Tags {
		doc.Topics = append(doc.Topics, t.Topic)
	}
	if m := e.Merge; m != nil {
		doc.Merge = &mergeDoc{m.Kept.String(), int64(m.KeptNum), m.Gone.String(), int64(m.GoneNum)}
	}
	if e.Topic != nil {
		t := topicDocOf(*e.Topic)
		doc.Topic = &t
	}
	return doc
}

func (doc entry) entry() (feed.Entry, error) {
	e := feed.Entry{
		Edition: feed.Edition(doc.Edition), At: doc.At, Seq: doc.Seq, Stub: doc.Stub,
		Article: feed.Article{
			URL: doc.URL, Title: doc.Title, Summary: doc.Summary, BodyHTML: doc.BodyHTML, Byline: doc.Byline,
			Language: doc.Language, Kind: doc.Kind, Image: doc.Image, Published: doc.Published, Updated: doc.Updated,
			ExternalID: doc.ExternalID, Tags: doc.Tags,
		},
		Withdrawn: doc.Withdrawn, Owner: doc.Owner, Key: doc.Key, StoryNum: feed.Edition(doc.StoryNum),
		StoryNth: doc.StoryNth, StoryFrom: doc.StoryFrom, News: doc.News, Features: doc.Features,
		Previous: feed.Edition(doc.Previous), Left: doc.Left, Content: doc.Content, Past: doc.Past,
	}
	if doc.Source != nil {
		e.Article.Source = *doc.Source
	}
	if doc.Topic != nil {
		t := doc.Topic.topic()
		e.Topic = &t
	}
	var merge mergeDoc
	if doc.Merge != nil {
		merge = *doc.Merge
	}
	var kept, gone uuid.UUID
	var err error
	for _, id := range []struct {
		text string
		into *uuid.UUID
	}{
		{merge.Kept, &kept}, {merge.Gone, &gone},
		{doc.Call, &e.Call}, {doc.Article, (*uuid.UUID)(&e.Article.ID)}, {doc.Story, (*uuid.UUID)(&e.Story)},
	} {
		if id.text == "" {
			continue
		}
		if *id.into, err = uuid.Parse(id.text); err != nil {
			return e, fmt.Errorf("the entry of edition %d is damaged: %w", doc.Edition, err)
		}
	}
	if doc.Merge != nil {
		e.Merge = &feed.StoryMerge{Kept: feed.StoryID(kept), KeptNum: feed.Edition(merge.KeptNum), Gone: feed.StoryID(gone), GoneNum: feed.Edition(merge.GoneNum)}
	}
	return e, nil
}
