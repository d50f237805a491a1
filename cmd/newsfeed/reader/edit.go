package reader

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// maxForm is the greatest form in bytes: a page's stories and a path.
const maxForm = 16 << 10

// edit answers POST /my/interests: one topic, one level, and back to where the
// button was, where what took something away can be undone. The first edit makes
// a guest.
func (r *Reader) edit(c *fiber.Ctx) error {
	f, err := readPress(c)
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
	lost, was := v.expired, v.list.Level(id)
	if v, err = r.settled(ctx, c, v); err != nil {
		return err
	}
	if _, err := r.deps.Lists.Set(ctx, v.session.Account, id, f.level, v.session.Until()); err != nil {
		return err
	}
	switch {
	case lost:
		f.back = withNote(f.back, "renewed")
	case wordOf(was) != wordOf(f.level) && (f.level == interests.Mute || f.level == interests.None || strings.HasPrefix(f.back, "/my/interests")):
		f.back = withNote(f.back, wordOf(f.level), "of", string(id), "was", wordOf(was))
	}
	return c.Redirect(f.back, fiber.StatusSeeOther)
}

// pressed is what the form of a button says.
type pressed struct {
	level interests.Level
	topic string // an id, a name or an alias
	back  string // a local path
}

// levels are the words by which buttons are named.
var levels = []interests.Level{interests.Follow, interests.Favourite, interests.Mute, interests.None}

// wordOf is the word of a level, also of none.
func wordOf(l interests.Level) string {
	if l == 0 {
		l = interests.None
	}
	return l.String()
}

// readPress reads a form of one button: its name is a level, its value a topic.
func readPress(c *fiber.Ctx) (pressed, error) {
	fields, err := readFields(c)
	if err != nil {
		return pressed{}, err
	}
	f, found := pressed{back: localPath(fields.Get("back"))}, 0
	for _, l := range levels {
		if topics, ok := fields[wordOf(l)]; ok {
			f.level, f.topic = l, topics[0]
			found += len(topics)
		}
	}
	if found != 1 {
		return pressed{}, errForm
	}
	return f, nil
}

// readFields reads a form that is one of ours. Its fields count in the body only.
// The door hands bodies over as they come, so no more is read than a form has.
func readFields(c *fiber.Ctx) (url.Values, error) { return readFieldsUpTo(c, maxForm) }

func readFieldsUpTo(c *fiber.Ctx, most int64) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEApplicationForm {
		return nil, errForm
	}
	body, err := readBody(c, most)
	if err != nil {
		return nil, err
	}
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errForm
	}
	return fields, nil
}

// readBody reads a body of at most so many bytes.
func readBody(c *fiber.Ctx, most int64) ([]byte, error) {
	in := c.Request().BodyStream()
	if in == nil {
		in = bytes.NewReader(c.Request().Body())
	}
	body, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(body)) > most {
		err = errLong
	} else if err != nil {
		err = errForm
	}
	return body, err
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
