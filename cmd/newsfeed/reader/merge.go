package reader

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

// mergesPath is where a merge is told of; its id follows.
const mergesPath = "/my/merges/"

// mergePage says what a merge did.
type mergePage struct {
	layout
	Action                    string
	After                     string
	Undone                    bool
	Added, Unchanged, LeftOut []topicView
	Overridden                []override
}

// override is a topic that the account and the device had at different levels.
type override struct {
	topicView
	Kept, Dropped string
}

// levelWord is a level in a sentence about the past.
func levelWord(l interests.Level) string { return text("was-" + wordOf(l)) }

// merge answers GET /my/merges/:id.
func (r *Reader) merge(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, l, err := r.memberPage(ctx, c, text("brought-along"))
	if err != nil {
		return err
	}
	id, err := mergeID(c)
	if err != nil {
		return err
	}
	m, err := r.deps.Belongs.Merged(ctx, v.session.Account, id)
	if err == nil && m == nil {
		err = interests.ErrNoMerge
	}
	if err != nil {
		return err
	}
	p := &mergePage{layout: *l, Action: c.Path(), After: localPath(c.Query("back")), Undone: m.Undone,
		Added: r.namedViews(v, m.Added), Unchanged: r.namedViews(v, m.Unchanged), LeftOut: r.namedViews(v, m.LeftOut)}
	for _, o := range m.Overridden {
		p.Overridden = append(p.Overridden, override{r.topicView(v, r.named(o.Topic)), levelWord(o.Kept), levelWord(o.Dropped)})
	}
	return r.render(c, fiber.StatusOK, "merge", p)
}

func (r *Reader) namedViews(v *visitor, ids []topic.ID) []topicView {
	views := make([]topicView, len(ids))
	for i, id := range ids {
		views[i] = r.topicView(v, r.named(id))
	}
	return views
}

func mergeID(c *fiber.Ctx) (uuid.UUID, error) {
	text := c.Params("id")
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return uuid.Nil, interests.ErrNoMerge
	}
	return id, nil
}

// undoMerge answers POST /my/merges/:id, which takes the merge back.
func (r *Reader) undoMerge(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, _, err := r.memberPage(ctx, c, "")
	if err != nil {
		return err
	}
	id, err := mergeID(c)
	if err != nil {
		return err
	}
	if _, err := r.deps.Belongs.Unmerge(ctx, v.session.Account, id); err != nil {
		return fmt.Errorf("undo the merge %s: %w", id, err)
	}
	back := mergesPath + id.String()
	if fields.Get("back") != "" {
		back = localPath(fields.Get("back"))
	}
	return c.Redirect(withNote(back, "undone"), fiber.StatusSeeOther)
}

// memberPage returns who has signed in and what stands around their own page, with
// their address. errSignIn for anybody else.
func (r *Reader) memberPage(ctx context.Context, c *fiber.Ctx, title string) (*visitor, *layout, error) {
	v, err := r.visitor(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if !v.member() {
		return nil, nil, errSignIn
	}
	l, err := r.ownLayout(ctx, c, &v, title)
	return &v, &l, err
}

// ownLayout is layout for a page of the visitor's own, which says by which address
// they are known.
func (r *Reader) ownLayout(ctx context.Context, c *fiber.Ctx, v *visitor, title string) (layout, error) {
	l := r.layout(c, v, title)
	c.Set(fiber.HeaderCacheControl, keepPrivate)
	if !v.member() {
		return l, nil
	}
	a, err := r.deps.Members.Account(ctx, v.session.Account)
	if errors.Is(err, account.ErrNoAccount) {
		r.clearCookie(c) // it was erased, and its sessions are about to be
		return l, errSignIn
	}
	l.Enter.Email = a.Email
	return l, err
}
