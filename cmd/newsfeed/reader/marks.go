package reader

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
)

// maxMarked is how many stories one form may mark: a page's, and the must-know
// shelf's.
const maxMarked = feed.DefaultLimit + feed.MaxMustKnow

// marking is what a form of /my/marks asks for.
type marking struct {
	mark    feed.Mark
	value   bool
	stories []feed.StoryID
	all     bool // they are all of a page
	back    string
}

// markNames are the names of buttons that mark.
var markNames = map[string]struct {
	mark  feed.Mark
	value bool
}{
	"save": {feed.Saved, true}, "unsave": {feed.Saved, false},
	"hide": {feed.Hidden, true}, "unhide": {feed.Hidden, false},
	"read": {feed.Read, true}, "unread": {feed.Read, false},
}

// mark answers POST /my/marks: one mark, of one story or (read) of a page's, and
// back to where the button was, where what took something away can be undone. The
// first mark makes a guest.
func (r *Reader) mark(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	if _, ok := fields["unread-at"]; ok {
		return r.unreadAt(ctx, c, &v, fields)
	}
	m, err := readMarking(fields)
	if err != nil {
		return err
	}
	if err := r.mustKnowStories(ctx, m.stories); err != nil {
		return err
	}
	lost := v.expired
	if !v.known && !m.value {
		return c.Redirect(m.back, fiber.StatusSeeOther) // nobody has nothing to take back
	}
	if v, err = r.settled(ctx, c, v); err != nil {
		return err
	}
	at, changed, err := r.setMarks(ctx, &v, m)
	if err != nil {
		return err
	}
	switch first := m.stories[0].String(); {
	case lost:
		m.back = withNote(m.back, "renewed")
	case m.mark == feed.Hidden && m.value:
		m.back = withNote(m.back, "hidden", "of", first)
	case m.all && changed > 0:
		m.back = withNote(m.back, "read", "of", at.String(), "count", strconv.Itoa(changed))
	}
	return c.Redirect(m.back, fiber.StatusSeeOther)
}

func readMarking(fields url.Values) (marking, error) {
	m, found := marking{back: localPath(fields.Get("back")), all: fields.Has("all")}, 0
	for name, what := range markNames {
		texts := fields[name]
		if len(texts) == 0 {
			continue
		}
		found++
		m.mark, m.value = what.mark, what.value
		if len(texts) > maxMarked || name != "read" && (len(texts) > 1 || m.all) || len(texts) > 1 && !m.all {
			return m, errForm
		}
		for _, text := range texts {
			id, err := feed.ParseArticleID(text)
			if err != nil {
				return m, errForm
			}
			m.stories = append(m.stories, feed.StoryID(id))
		}
	}
	if found != 1 {
		return m, errForm
	}
	return m, nil
}

// mustKnowStories refuses stories that there never were.
func (r *Reader) mustKnowStories(ctx context.Context, stories []feed.StoryID) error {
	for _, id := range stories {
		known, _, err := r.record().Knows(ctx, id)
		if err != nil {
			return err
		}
		if !known {
			return errNoStory
		}
	}
	return nil
}

// setMarks sets a mark of stories, with one stamp, and returns the stamp and of
// how many stories that changed anything.
func (r *Reader) setMarks(ctx context.Context, v *visitor, m marking) (at interests.Stamp, changed int, err error) {
	marks := r.deps.Belongs.Marks
	one, err := r.record().Merged(ctx, m.stories...)
	if err != nil {
		return at, 0, err
	}
	if !m.all {
		id := m.stories[0]
		_, err := marks.Set(ctx, v.session.Account, id, map[feed.Mark]bool{m.mark: m.value}, v.session.Until(),
			slices.DeleteFunc(one[id], func(other feed.StoryID) bool { return other == id })...)
		return at, 1, err
	}
	set, err := marks.Get(ctx, v.session.Account)
	if err != nil {
		return at, 0, err
	}
	at = set.NextStamp(r.deps.Now())
	var ops []feed.MarkOp
	for _, id := range m.stories {
		if set.Through(one[id]).Of(m.mark).Value == m.value {
			continue
		}
		changed++
		for _, story := range one[id] {
			ops = append(ops, feed.MarkOp{Story: story, Mark: m.mark, Value: m.value, At: at})
		}
	}
	return at, changed, r.applyMarks(ctx, v, ops)
}

func (r *Reader) applyMarks(ctx context.Context, v *visitor, ops []feed.MarkOp) error {
	if len(ops) == 0 {
		return nil
	}
	_, results, err := r.deps.Belongs.Marks.Apply(ctx, v.session.Account, ops, v.session.Until())
	if err != nil {
		return err
	}
	for _, result := range results {
		if result.Status == interests.Rejected {
			return fmt.Errorf("mark %d stories: %s", len(ops), result.Reason)
		}
	}
	return nil
}

// unreadAt takes back what one press marked as read: all that has its stamp.
func (r *Reader) unreadAt(ctx context.Context, c *fiber.Ctx, v *visitor, fields url.Values) error {
	at, err := interests.ParseStamp(fields.Get("unread-at"))
	if err != nil {
		return errors.Join(errForm, err)
	}
	back := localPath(fields.Get("back"))
	if !v.known || v.marks == nil {
		return c.Redirect(back, fiber.StatusSeeOther)
	}
	next := v.marks.NextStamp(r.deps.Now())
	var ops []feed.MarkOp
	for id, marks := range v.marks.Stories {
		if marks.Read.Value && marks.Read.At == at {
			ops = append(ops, feed.MarkOp{Story: id, Mark: feed.Read, At: next})
		}
	}
	if err := r.applyMarks(ctx, v, ops); err != nil {
		return err
	}
	return c.Redirect(back, fiber.StatusSeeOther)
}
