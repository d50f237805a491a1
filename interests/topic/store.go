package topic

import (
	"context"
	"errors"
)

// Errors of the contract [Store].
var (
	ErrTaken       = errors.New("topic: id or name is taken") // by another topic
	ErrUnavailable = errors.New("topic: the store of topics is unavailable")
)

// Store keeps the topics there are beside the seed: tags, sources' topics and
// editors' changes to the catalogue. Names are compared in the form of
// [NormaliseName] and are unique among the topics stored; aliases are not
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
	// stored topic has its id or its normalised name: who loses such a race
	// reads again and resolves again.
	Create(ctx context.Context, t Topic) error

	// Put is an editor's change: it replaces the topic of that id or creates
	// it. It returns ErrTaken, and stores nothing, when the normalised name
	// is held by another id.
	Put(ctx context.Context, t Topic) error
}
