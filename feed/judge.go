package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"newsfeed/interests/topic"
)

// judge decides what a change becomes, given the newest versions of the articles
// it is about. It is the one place where that is decided.
type judge struct {
	at       time.Time // the moment of acceptance
	halfLife time.Duration
	current  map[ArticleID]Entry         // updated by the caller as entries are made
	topics   func(topic.ID) *topic.Topic // what the log said last of a topic; nil: unknown, or long ago
	told     map[topic.ID]*topic.Topic   // what entries of this batch say
}

// decide returns the answer to a change, and the entry it needs, if any.
func (j *judge) decide(c *Change) (*Entry, Result) {
	switch {
	case c.Topic != nil:
		return j.topic(c.Topic)
	case c.Draft != nil:
		return j.draft(c)
	default:
		return j.withdraw(c.Withdraw, c.Right)
	}
}

// topic says what is new of a topic, once.
func (j *judge) topic(t *topic.Topic) (*Entry, Result) {
	last, ok := j.told[t.ID]
	if !ok {
		last = j.topics(t.ID)
	}
	if last != nil && last.Equal(*t) {
		return nil, Result{Outcome: Unchanged}
	}
	j.told[t.ID] = t
	return &Entry{Topic: t}, Result{Outcome: Updated}
}

func (j *judge) draft(c *Change) (*Entry, Result) {
	d := c.Draft
	id := NewArticleID(d.URL)
	old, known := j.current[id]
	owner := d.Source.ID
	if known && !c.Own {
		owner = old.Owner
	}
	if host := hostOf(d.URL); !c.Right.Allows(owner, host) || !c.Right.Allows(d.Source.ID, host) {
		return nil, Result{ID: id, Outcome: Refused, Err: ErrNotYours}
	}
	content := contentOf(d)
	switch {
	case known && d.Status == Withdrawn && !old.Withdrawn:
		return j.withdrawn(&old), Result{ID: id, Outcome: Updated}
	case known && d.Status == Withdrawn, known && old.Content == content && !old.Withdrawn:
		return nil, Result{ID: id, Outcome: Unchanged}
	case known && old.Withdrawn && !comesBack(&old, d, content):
		return nil, Result{ID: id, Outcome: Unchanged}
	case known && c.Repeats && wasBefore(&old, d, content):
		return nil, Result{ID: id, Outcome: Unchanged}
	}
	e := j.version(d, id, owner, content)
	if d.Status == Withdrawn { // withdrawn before it was ever sent: remembered as such
		e = j.withdrawn(e)
		e.Previous, e.Left = 0, nil
		return e, Result{ID: id, Outcome: Accepted}
	}
	if !known {
		return e, Result{ID: id, Outcome: Accepted}
	}
	e.Previous, e.Story, e.StoryNum = old.Edition, old.Story, old.StoryNum
	e.Left = left(old.Article.Tags, e.Article.Tags)
	e.Article.Published, e.Key = old.Article.Published, old.Key // where it stands is decided once
	e.Past = past(&old, content)
	return e, Result{ID: id, Outcome: Updated}
}

// maxPast is how many contents of an article's older versions are remembered;
// with the newest one's they are 16.
const maxPast = 15

// past is what is remembered of an article's contents once it has a new one: the
// latest, each once, the oldest first.
func past(old *Entry, content string) []string {
	var kept []string
	for _, before := range append(slices.Clone(old.Past), old.Content) {
		if before != content {
			kept = append(kept, before)
		}
	}
	return kept[max(0, len(kept)-maxPast):]
}

// wasBefore reports whether a draft only repeats what the article said once: by
// its own date it must not be later than the newest version, which, where it has
// no such date, counts as of when it was accepted.
func wasBefore(old *Entry, d *Draft, content string) bool {
	newest := old.Article.Updated
	if newest.IsZero() {
		newest = old.At
	}
	return slices.Contains(old.Past, content) && !milli(d.Updated).After(newest)
}

// comesBack reports whether a draft brings a withdrawn article back: it must say
// so, and be something else than what was withdrawn.
func comesBack(old *Entry, d *Draft, content string) bool {
	return d.Status == Usable && (content != old.Content || d.Updated.After(old.Article.Updated))
}

// version makes the entry of a draft as if it were the first.
func (j *judge) version(d *Draft, id ArticleID, owner, content string) *Entry {
	published := d.Published
	if published.IsZero() {
		published = d.Presumed
	}
	if published.IsZero() || published.After(j.at) {
		published = j.at
	}
	a := Article{
		ID: id, URL: d.URL, Title: d.Title, Summary: d.Summary, BodyHTML: d.BodyHTML,
		Byline: d.Byline, Language: d.Language, Kind: d.Kind, Source: d.Source, Image: d.Image,
		Published: milli(published), Updated: milli(d.Updated), ExternalID: d.ExternalID, Tags: d.Tags,
	}
	return &Entry{
		Features: featuresOf(&a, d.Text),
		Article:  a, Owner: owner, Content: content, Story: StoryID(id),
		Key: Key(1, a.Published, j.halfLife),
	}
}

func (j *judge) withdraw(id ArticleID, right Right) (*Entry, Result) {
	old, known := j.current[id]
	switch {
	case !known:
		return nil, Result{ID: id, Outcome: Refused, Err: ErrUnknownArticle}
	case !right.Allows(old.Owner, old.Article.Host()):
		return nil, Result{ID: id, Outcome: Refused, Err: ErrNotYours}
	case old.Withdrawn:
		return nil, Result{ID: id, Outcome: Unchanged}
	}
	return j.withdrawn(&old), Result{ID: id, Outcome: Updated}
}

// withdrawn makes the entry that takes a version back. What the article said is
// not repeated in it.
func (j *judge) withdrawn(old *Entry) *Entry {
	a := &old.Article
	return &Entry{
		Article: Article{ID: a.ID, URL: a.URL, Kind: a.Kind, Source: a.Source,
			Published: a.Published, Updated: a.Updated, ExternalID: a.ExternalID},
		Withdrawn: true, Owner: old.Owner, Content: old.Content, Past: old.Past, Key: old.Key,
		Story: old.Story, StoryNum: old.StoryNum, Previous: old.Edition,
		Left: left(a.Tags, nil),
	}
}

// left returns the topics of old that are not in next.
func left(old, next []Tag) []topic.ID {
	var out []topic.ID
	for _, t := range old {
		if !slices.ContainsFunc(next, func(n Tag) bool { return n.Topic == t.Topic }) {
			out = append(out, t.Topic)
		}
	}
	return out
}

// contentOf is a digest of what the publisher sent: all but the tags that the
// service found itself, whether the article is usable, and the dates that it
// claims, which many a publisher renews without a word changed.
func contentOf(d *Draft) string {
	c := *d
	c.Tags, c.Status, c.Text = nil, "", ""
	c.Published, c.Updated = time.Time{}, time.Time{}
	b, err := json.Marshal(&c)
	if err != nil {
		panic(err) // strings, numbers and times of a checked draft always encode
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// milli cuts a time to what stores keep.
func milli(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}
