package reader

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// maxForm is the greatest form in bytes; a topic's name and a path are all there is.
const maxForm = 16 << 10

// interestsPage is a visitor's whole list.
type interestsPage struct {
	layout
	Favourites, Following, Muted []topicView
}

// interests answers GET /my/interests.
func (r *Reader) interests(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	p := &interestsPage{layout: r.layout(c, &v, "My interests")}
	if v.member() {
		if p.layout, err = r.ownLayout(ctx, c, &v, "My interests"); err != nil {
			return err
		}
	}
	for _, i := range r.listed(&v) {
		switch i.Level {
		case "favourite":
			p.Favourites = append(p.Favourites, i)
		case "follow":
			p.Following = append(p.Following, i)
		case "mute":
			p.Muted = append(p.Muted, i)
		}
	}
	return r.render(c, fiber.StatusOK, "interests", p)
}

// edit answers POST /my/interests: one topic, one level, and back to where the
// button was. The first edit makes a guest.
func (r *Reader) edit(c *fiber.Ctx) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	id, ok := r.editable(&v, f.topic)
	if !ok {
		return r.say(c, r.unknownTopic(f.topic))
	}
	if !v.known && f.level == interests.None {
		return c.Redirect(f.back, fiber.StatusSeeOther) // nobody has nothing to remove
	}
	lost := v.expired
	if v, err = r.settled(ctx, c, v); err != nil {
		return err
	}
	if _, err := r.deps.Lists.Set(ctx, v.session.Account, id, f.level, v.session.Until()); err != nil {
		return err
	}
	if lost {
		f.back = withNote(f.back, "renewed")
	}
	return c.Redirect(f.back, fiber.StatusSeeOther)
}

// pressed is what the form of a button says.
type pressed struct {
	topic string // an id, a name or an alias
	level interests.Level
	back  string // a local path
}

// readForm reads a form that is one of ours. Its fields count in the body only.
// The door hands bodies over as they come, so no more is read than a form has.
func readForm(c *fiber.Ctx) (pressed, error) {
	fields, err := readFields(c)
	if err != nil {
		return pressed{}, err
	}
	f := pressed{fields.Get("topic"), interests.None, localPath(fields.Get("back"))}
	if word := fields.Get("level"); word != interests.None.String() {
		if f.level, err = interests.ParseLevel(word); err != nil {
			return pressed{}, errForm
		}
	}
	return f, nil
}

func readFields(c *fiber.Ctx) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEApplicationForm {
		return nil, errForm
	}
	in := c.Request().BodyStream()
	if in == nil {
		in = bytes.NewReader(c.Request().Body())
	}
	body, err := io.ReadAll(io.LimitReader(in, maxForm+1))
	if err != nil || len(body) > maxForm {
		return nil, errForm
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errForm
	}
	return fields, nil
}

// editable returns the topic that a form means: one that exists, or one that is
// in the list whatever became of it.
func (r *Reader) editable(v *visitor, asked string) (topic.ID, bool) {
	if id := topic.ID(asked); v.list.Level(id) != 0 {
		return id, true
	}
	t, ok := r.deps.Catalogue.Resolve(asked)
	return t.ID, ok
}
