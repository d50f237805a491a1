package feed

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests/topic"
)

// Edition numbers the entries of the log, densely from 1. 0 is the empty log.
type Edition uint64

// LastEdition is greater than every edition.
const LastEdition Edition = math.MaxInt64

// CallID tells one writer's batch from every other: UUID version 7. A writer
// that did not hear the answer to an Append finds its own entries by it.
type CallID = uuid.UUID

// Entry is one entry of the log: a version of an article, its withdrawal, an
// change of a topic, or a merge of two stories. Everything judged about an article was decided by
// the writer and stands in the entry; readers apply it, they never decide.
type Entry struct {
	Edition Edition   `json:"edition"`
	At      time.Time `json:"at"`   // when it was accepted; milliseconds; never before the entry ahead of it
	Call    CallID    `json:"call"` // the writer's batch
	Seq     int       `json:"seq"`  // position in that batch

	// Stub marks an edition whose fields were removed after it was superseded.
	// Only the four fields above are set then.
	Stub bool `json:"stub,omitempty"`

	// Topic is a change of the catalogue, an editor's or the seed's; nil in an article's entry.
	Topic *topic.Topic `json:"topic,omitempty"`

	// Merge says that two stories are one; nil in an article's entry.
	Merge *StoryMerge `json:"merge,omitempty"`

	Article   Article    `json:"article,omitzero"` // of a withdrawn one only id, address, source, times and tags remain
	Withdrawn bool       `json:"withdrawn,omitempty"`
	Owner     string     `json:"owner,omitempty"` // id of the source that first sent the article
	Key       int64      `json:"key,omitempty"`   // static rank, see [Key]
	Story     StoryID    `json:"story,omitzero"`
	StoryNum  Edition    `json:"story_num,omitempty"` // edition of the story's first entry
	StoryNth  int        `json:"story_nth,omitempty"` // article of its story, from 1, as they were accepted
	StoryFrom time.Time  `json:"story_from,omitzero"` // first publication of the story, as of this entry
	News      time.Time  `json:"news,omitzero"`       // when the story last told news, as of this entry: see [window]
	Features  Features   `json:"features,omitempty"`  // what the article is compared by
	Previous  Edition    `json:"previous,omitempty"`  // the version this one supersedes; 0 for a first version
	Left      []topic.ID `json:"left,omitempty"`      // topics that the previous version had and this one has not
	Content   string     `json:"content,omitempty"`   // digest of what the publisher sent, to know an equal one again
	Past      []string   `json:"past,omitempty"`      // those of older versions, see [Change.Repeats]; the oldest first, at most 15
}

// Range selects entries of the log: those with After < edition < Before. Zero
// Before means no upper bound.
type Range struct {
	After, Before Edition
	NewestFirst   bool // descending by edition; else ascending
	Limit         int  // at most so many, > 0
}

// Articles is the contract of a store for the log of articles. An
// implementation is dull: it decides nothing. All methods are safe for
// concurrent use, by several processes where the store allows several.
//
// What is read equals what was appended, in every field, given that times are
// whole milliseconds in UTC and text is valid UTF-8; only a list without elements
// may come back nil. It is the caller's to change.
//
// Every method returns ctx.Err() (wrapped) when the context ended first, and
// [ErrUnavailable] (wrapped) when the store could not be reached or did not
// answer; then nothing is known about whether a write happened. Several errors
// may be true at once: a caller asks for the context's first.
type Articles interface {
	// Top returns the newest edition and the time it was accepted; of an empty
	// log 0 and the time of the log's making, the same at every call.
	Top(ctx context.Context) (Edition, time.Time, error)

	// Append inserts entries, at least one, whose editions follow each other
	// without a gap. The caller knows that the edition before the first one is
	// in the log; a store that sees that it is not refuses, with an error of its
	// own, but none is asked to look. On success all are durable: they survive the loss of the
	// process, and on a replica set the loss of a minority.
	// Append returns how many of the entries, counted from the first, are known
	// to be stored by this call. ErrEditionTaken: the edition of the next one
	// (entries[stored]) is in the log already; it and all after it were not
	// written by this call. Any other error: the count is a lower bound.
	Append(ctx context.Context, entries []Entry) (stored int, err error)

	// Current returns the newest entry of each of the named articles that the
	// log knows, withdrawn ones included, without bodies. Unknown ids are
	// absent from the map. It sees everything whose Append was acknowledged
	// before the call.
	Current(ctx context.Context, ids []ArticleID) (map[ArticleID]Entry, error)

	// Body returns the sanitised HTML body stored in an edition; empty when it
	// has none, is a stub, or does not exist.
	Body(ctx context.Context, e Edition) (string, error)

	// Read returns the entries of a range, stubs included, without bodies. What
	// it returns is durable and will not be taken back. It may count on the log
	// being dense; where it is not, which entries it returns is open.
	Read(ctx context.Context, r Range) ([]Entry, error)

	// Merges returns the merges of stories in the log that name any of the given
	// ones, on either side, each once, in no certain order.
	Merges(ctx context.Context, ids []StoryID) ([]StoryMerge, error)

	// Prune removes all fields of the named entries but edition, time, call and
	// seq, leaving stubs: their editions are never freed. Unknown editions and
	// stubs are passed over. The caller names no article's newest entry: what
	// Current then says of it is not defined.
	Prune(ctx context.Context, editions []Edition) error
}

// Errors of the contract.
var (
	ErrEditionTaken = errors.New("feed: edition is taken")
	ErrUnavailable  = errors.New("feed: the store of articles is unavailable")
)

// Announcements tells the nodes that follow one log that it has grown, so that
// they need not wait for their next look. It is a hint: a lost announcement
// costs the time until the next look, nothing else.
type Announcements interface {
	// Announce tells every node that the log has reached an edition. It does
	// not wait for anybody and reports nothing. After Close it does nothing.
	Announce(e Edition)
	// Editions returns the channel, the same at every call, that carries
	// announced editions, this node's own included and maybe twice, in no
	// certain order. Slow receivers miss some, but find the greatest of what
	// waited for them. Closing the store closes the channel.
	Editions() <-chan Edition
}
