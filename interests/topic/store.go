package topic

import (
	"context"
	"errors"
	"slices"
)

// Errors of the contract [Store].
var (
	ErrTaken       = errors.New("topic: id or name is taken") // by another topic
	ErrChanged     = errors.New("topic: what was to be replaced has changed")
	ErrUnavailable = errors.New("topic: the store of topics is unavailable")
)

// Store keeps all topics: those of the program's seed once they are sown (see
// [SeedVersion.Sow]), editors' changes to them, tags and sources' topics. Names are compared
// in the form of [NameKey] and are unique among the topics stored; aliases are not
// looked at. Text is valid UTF-8; a list without elements may come back nil.
//
// Safe for concurrent use by several processes. Every method returns ctx.Err()
// (wrapped) when the context ended first and ErrUnavailable (wrapped) when the
// store could not be reached; then nothing is known about whether a write
// happened. What a method has acknowledged is durable.
type Store interface {
	// All returns every stored topic, in no particular order.
	All(ctx context.Context) ([]Topic, error)

	// Create adds a topic. It returns ErrTaken, and stores nothing, when a
	// stored topic has its id or its name: who loses such a race reads again and
	// resolves again.
	Create(ctx context.Context, t Topic) error

	// Put is an editor's change: it replaces the topic of that id or creates
	// it. It returns ErrTaken, and stores nothing, when the name is held by
	// another id.
	Put(ctx context.Context, t Topic) error

	// Replace makes many changes in a few round trips. A change whose topic is
	// no longer as it was, or whose new name another id holds, is left out, and
	// ErrChanged says that there was one; of the others then all were made, or
	// none. Each id and each name stands in one change, a name that one frees in
	// no other.
	Replace(ctx context.Context, changes []Replacement) error

	// Sown returns the record of what was sown; of a store that nothing was sown
	// in, the zero Sown.
	Sown(ctx context.Context) (Sown, error)

	// SetSown replaces that record if its revision is still next.Revision - 1,
	// else it returns ErrChanged.
	SetSown(ctx context.Context, next Sown) error
}

// Replacement is a change to a topic as it was read: Was nil, there was none of
// that id.
type Replacement struct {
	Was *Topic
	Now Topic
}

// Sown is what a store knows of the seeds that programs have sown in it.
type Sown struct {
	Revision uint64      `json:"revision"` // grows by one with each change of the record
	Number   int         `json:"number"`   // the newest seed that is in the store and in the log
	Sowing   int         `json:"sowing"`   // the newest that somebody began to sow
	Topics   map[ID]Mark `json:"topics"`   // by the id in the seed
}

// Mark is what a store knows of one topic of a seed.
type Mark struct {
	At    ID  `json:"at"`    // the topic's id in the store: its own, or of what it took over
	First int `json:"first"` // the seed that brought it
	Last  int `json:"last"`  // the seed that changed it last

	// Digests are those of all that seeds were about to make of the topic, and of
	// the tag that it took over. What the store holds under another digest is an
	// editor's.
	Digests []string `json:"digests"`
}

// NameKey is the form of a topic's name that is unique in a Store. Publishers are
// often called what a topic is called ("Reuters"), so that the names of sources are
// unique among themselves: a line break, which no normalised name has, keeps them
// apart.
func NameKey(t Topic) string {
	if t.Kind == KindSource {
		return "\n" + NormaliseName(t.Name)
	}
	return NormaliseName(t.Name)
}

// Equal reports whether two topics are the same in every field.
func (t Topic) Equal(other Topic) bool {
	return t.ID == other.ID && t.Name == other.Name && t.Kind == other.Kind &&
		slices.Equal(t.Aliases, other.Aliases) && slices.Equal(t.Broader, other.Broader)
}
