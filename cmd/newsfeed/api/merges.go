package api

import (
	"context"
	"errors"
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
// no guest does. The guest's token is spent first, so that of two sign-ins at the
// same moment, on whichever nodes, one merges. Repeating a sign-in that was
// interrupted goes on where it ended.
func (s *Server) merge(ctx context.Context, who *caller, into account.ID) (*mergeShape, error) {
	if !who.isGuest() {
		return nil, nil
	}
	guest, err := s.People.Spend(ctx, who.token, who.session, account.Merged{Merge: uuid.Must(uuid.NewV7()), Account: into})
	switch {
	case errors.Is(err, account.ErrNoSession):
		return nil, nil // it has ended meanwhile
	case err != nil:
		return nil, fmt.Errorf("spend the token of the guest %s: %w", who.session.Account, err)
	case guest.Merged.Account != into:
		return nil, account.ErrMerged
	case guest.Merged.Done:
		return s.merged(ctx, into, guest.Merged.Merge)
	}
	m, err := s.Together.Merge(ctx, into, interests.Merge{ID: guest.Merged.Merge, Guest: guest.Account, Token: who.token.Hash()})
	if err != nil {
		return nil, fmt.Errorf("merge the guest %s: %w", guest.Account, err)
	}
	if err := s.People.Spent(ctx, who.token, guest); err != nil && !errors.Is(err, account.ErrNoSession) {
		return nil, fmt.Errorf("note that the guest %s was merged: %w", guest.Account, err)
	}
	return shapeOfMerge(m), nil
}

// merged returns a merge that was done; nil when it is not remembered any more.
func (s *Server) merged(ctx context.Context, into account.ID, id uuid.UUID) (*mergeShape, error) {
	m, err := s.Together.Merger.Find(ctx, into, id)
	if errors.Is(err, interests.ErrNoMerge) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return shapeOfMerge(m), nil
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
		merge, err := s.merged(ctx, into, merged.Merge)
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
