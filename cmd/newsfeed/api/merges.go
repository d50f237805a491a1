package api

import (
	"context"
	"fmt"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// mergeShape is a merge as its person sees it.
type mergeShape struct {
	ID         uuid.UUID       `json:"id,omitzero"` // a preview has none
	Added      []topic.ID      `json:"added"`
	Unchanged  []topic.ID      `json:"unchanged"`
	Overridden []overrideShape `json:"overridden"`
	LeftOut    []topic.ID      `json:"left_out"`
	Undone     bool            `json:"undone,omitzero"`
}

// overrideShape: kept is null where the account's removal stands.
type overrideShape struct {
	Topic   topic.ID         `json:"topic"`
	Kept    *interests.Level `json:"kept"`
	Dropped *interests.Level `json:"dropped"`
}

func shapeOfMerge(m interests.Merge) *mergeShape {
	shape := &mergeShape{
		ID: m.ID, Undone: m.Undone, Overridden: []overrideShape{},
		Added: append([]topic.ID{}, m.Added...), Unchanged: append([]topic.ID{}, m.Unchanged...), LeftOut: append([]topic.ID{}, m.LeftOut...),
	}
	for _, o := range m.Overridden {
		shape.Overridden = append(shape.Overridden, overrideShape{o.Topic, levelOrNull(o.Kept), levelOrNull(o.Dropped)})
	}
	return shape
}

func levelOrNull(l interests.Level) *interests.Level {
	if l == interests.None {
		return nil
	}
	return &l
}

// merge merges what belongs to the guest who asks into an account, once; nil when
// no guest does.
func (s *Server) merge(ctx context.Context, who *caller, into account.ID) (*mergeShape, error) {
	if !who.isGuest() {
		return nil, nil
	}
	return shapeOrNone(s.Together.MergeGuest(ctx, s.People, who.token, who.session, into))
}

func shapeOrNone(m *interests.Merge, err error) (*mergeShape, error) {
	if m == nil || err != nil {
		return nil, err
	}
	return shapeOfMerge(*m), nil
}

// postMergePreview answers what a sign-in would merge. It writes nothing.
func (s *Server) postMergePreview(c *fiber.Ctx, who *caller) error {
	var in credentials
	if err := decode(c, &in); err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	a, err := s.verify(ctx, c, &in)
	if err != nil {
		return err
	}
	if !who.isGuest() {
		return errMember
	}
	merge, err := s.preview(ctx, who, a.ID)
	if err != nil {
		return err
	}
	return send(c, fiber.StatusOK, struct {
		Merge *mergeShape `json:"merge"`
	}{merge})
}

func (s *Server) preview(ctx context.Context, who *caller, into account.ID) (*mergeShape, error) {
	merged := who.session.Merged
	switch {
	case !merged.IsZero() && merged.Account != into:
		return nil, account.ErrMerged
	case merged.Done:
		merge, err := shapeOrNone(s.Together.Merged(ctx, into, merged.Merge))
		if merge == nil && err == nil {
			err = account.ErrMerged
		}
		return merge, err
	}
	m, err := s.Together.Merger.Preview(ctx, into, who.session.Account)
	if err != nil {
		return nil, fmt.Errorf("preview the merge of the guest %s: %w", who.session.Account, err)
	}
	return shapeOfMerge(m), nil
}

// postMergeUndo takes a merge back.
func (s *Server) postMergeUndo(c *fiber.Ctx, who *caller) error {
	if err := skipBody(c); err != nil {
		return err
	}
	text, err := path(c, "id")
	if err != nil {
		return err
	}
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return interests.ErrNoMerge
	}
	ctx, cancel := deadline()
	defer cancel()
	list, err := s.Together.Unmerge(ctx, who.session.Account, id)
	if err != nil {
		return fmt.Errorf("undo the merge %s: %w", id, err)
	}
	return sendRevision(c, list.Revision)
}
