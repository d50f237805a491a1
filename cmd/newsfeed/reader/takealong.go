package reader

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/topic"
)

// brought is what came of a file with topics.
type brought struct {
	Added, LeftOut []topicView
	Kept           int // the list had them, and they are as they were
	Unknown        []unknownLine
}

// unknownLine is a line of a file that names no topic.
type unknownLine struct {
	Line int
	Name string
}

// importInterests answers POST /my/interests/import: a file of OPML, ours or another
// app's. The first topic makes a guest. The answer is the page that says what came of
// each line: it cannot be asked for again by an address.
func (r *Reader) importInterests(c *fiber.Ctx) error {
	file, err := readFile(c, "opml", maxOPMLForm)
	if err != nil {
		return err
	}
	ops, b, err := r.topicsOf(file)
	if err != nil {
		return r.linksPage(c, fiber.StatusUnprocessableEntity, &linksPage{Wrong: complaints{"opml": text("no-opml", "fault", err.Error())}})
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	if len(ops) > 0 {
		if v, err = r.settled(ctx, c, v); err != nil {
			return err
		}
		list, told, err := r.deps.Lists.Import(ctx, v.session.Account, ops, v.session.Until())
		if err != nil {
			return err
		}
		v.list, v.own = list, nil
		b.Added, b.LeftOut, b.Kept = r.namedViews(&v, told.Added), r.namedViews(&v, told.LeftOut), len(told.Kept)
	}
	return r.linksOf(ctx, c, fiber.StatusOK, &v, &linksPage{Brought: b})
}

// topicsOf reads the topics of an OPML file, each once, and the lines that name none.
func (r *Reader) topicsOf(file []byte) (ops []interests.Op, b *brought, err error) {
	b = &brought{}
	if !ingest.IsOPML(file) {
		return nil, nil, errors.New(text("not-opml"))
	}
	outlines, err := ingest.ParseTopicOPML(bytes.NewReader(file), interests.MaxImport)
	if err != nil {
		return nil, nil, err
	}
	seen := map[topic.ID]bool{}
	for _, o := range outlines {
		name, level := o.Stands(r.deps.URL + "/topics/")
		t, ok := r.deps.Catalogue.Resolve(name)
		switch {
		case !ok:
			b.Unknown = append(b.Unknown, unknownLine{o.Line, shorten(name)})
		case !seen[t.ID]:
			seen[t.ID] = true
			ops = append(ops, interests.Op{Topic: t.ID, Level: level})
		}
	}
	if len(outlines) == 0 {
		err = errors.New(text("opml-without-topics"))
	}
	return ops, b, err
}

// readFile reads the file of a form that has one, of at most so many bytes.
func readFile(c *fiber.Ctx, name string, most int64) ([]byte, error) {
	kind, more, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || kind != fiber.MIMEMultipartForm {
		return nil, errForm
	}
	body, err := readBody(c, most)
	if err != nil {
		return nil, err
	}
	parts := multipart.NewReader(bytes.NewReader(body), more["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, errForm
		}
		if part.FormName() == name {
			file, err := io.ReadAll(part)
			if err != nil {
				return nil, errForm
			}
			return []byte(strings.TrimPrefix(string(file), "\uFEFF")), nil
		}
	}
}
