package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// A list goes to other apps and comes from them as OPML, which newsreaders know, or as
// the JSON of GET /interests.

const opmlType = "text/x-opml; charset=utf-8"

// getInterestsAsOPML answers with the caller's list as OPML.
func (s *Server) getInterestsAsOPML(c *fiber.Ctx, who *caller) error {
	list, err := s.list(c, who)
	if err != nil {
		return err
	}
	document := ingest.OPML{Title: "Interests at newsfeed"}
	for _, i := range list.Interests() {
		o := ingest.OPMLOutline{Text: s.interest(i).Name, Page: s.Settings.URL + "/t/" + string(i.Topic), Category: i.Level.String()}
		if i.Level != interests.Mute {
			o.Type, o.URL = "rss", s.topicAddress(i.Topic)+".rss"
		}
		document.Outlines = append(document.Outlines, o)
	}
	var out bytes.Buffer
	if err := document.Write(&out); err != nil {
		return fmt.Errorf("write a list as OPML: %w", err)
	}
	cache(c, who, "")
	sendBytesTagged(c, out.Bytes())
	if c.Response().StatusCode() == fiber.StatusOK {
		c.Response().Header.SetContentType(opmlType)
		c.Response().Header.Set(fiber.HeaderContentDisposition, `attachment; filename="newsfeed-interests.opml"`)
	}
	return nil
}

// topicAddress is where a topic is, without an ending.
func (s *Server) topicAddress(id topic.ID) string { return s.Settings.URL + "/topics/" + string(id) }

// postImport adds topics that come from elsewhere.
func (s *Server) postImport(c *fiber.Ctx, who *caller) error {
	ops, unknown, err := s.readImport(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := s.keep(ctx, who); err != nil {
		return err
	}
	list, told, err := s.Lists.Import(ctx, who.session.Account, ops, who.session.Until())
	if err != nil {
		return err
	}
	tellRevision(c, list.Revision)
	return send(c, fiber.StatusOK, struct {
		Revision interests.Revision `json:"revision"`
		Added    []topic.ID         `json:"added"`
		Kept     []topic.ID         `json:"kept"`
		LeftOut  []topic.ID         `json:"left_out"`
		Unknown  []string           `json:"unknown"`
	}{list.Revision, orEmpty(told.Added), orEmpty(told.Kept), orEmpty(told.LeftOut), orEmpty(unknown)})
}

func orEmpty[T any](list []T) []T { return append([]T{}, list...) }

// readImport reads what is to be added, each topic once, and the names that stand for
// none here.
func (s *Server) readImport(c *fiber.Ctx) (ops []interests.Op, unknown []string, err error) {
	in, err := body(c, maxSourceList)
	if err != nil {
		return nil, nil, err
	}
	b, err := io.ReadAll(in)
	if err != nil {
		return nil, nil, err
	}
	read := s.importOfJSON
	switch mediaType(c) {
	case "application/json", "":
	case "text/x-opml", "application/xml", "text/xml", "application/x-opml+xml":
		read = s.importOfOPML
	default:
		return nil, nil, because(errMediaType, "the body must be text/x-opml, application/xml, text/xml or application/json")
	}
	seen := map[topic.ID]bool{}
	err = read(b, func(name string, level interests.Level) {
		t, ok := s.Catalogue.Resolve(name)
		switch {
		case !ok:
			unknown = append(unknown, shorten(name, 80))
		case !seen[t.ID]:
			seen[t.ID] = true
			ops = append(ops, interests.Op{Topic: t.ID, Level: level})
		}
	})
	return ops, unknown, err
}

// importOfJSON reads the answer of GET /interests, or what is left when its topics and
// levels are all that stands in it.
func (s *Server) importOfJSON(b []byte, each func(string, interests.Level)) error {
	var in struct {
		Revision  uint64 `json:"revision"`
		Digest    string `json:"digest"`
		Interests []struct {
			Topic string    `json:"topic"`
			Name  string    `json:"name"`
			Level string    `json:"level"`
			Since time.Time `json:"since"`
		} `json:"interests"`
	}
	if err := wire.Decode(b, &in); err != nil {
		return err
	}
	if len(in.Interests) > interests.MaxImport {
		return &refusal{err: errBadBody, fields: []field{{"/interests", fmt.Sprintf("has more than %d topics", interests.MaxImport)}}}
	}
	for i, one := range in.Interests {
		level, err := interests.ParseLevel(one.Level)
		if err != nil {
			return &refusal{err: errBadBody, fields: []field{{fmt.Sprintf("/interests/%d/level", i), "must be follow, favourite or mute"}}}
		}
		each(one.Topic, level)
	}
	return nil
}

// importOfOPML reads outlines of ours or of a newsreader: what is no level there is
// followed.
func (s *Server) importOfOPML(b []byte, each func(string, interests.Level)) error {
	if !ingest.IsOPML(b[:min(len(b), 4<<10)]) {
		return because(errBadBody, "the body is no OPML")
	}
	list, err := ingest.ParseTopicOPML(bytes.NewReader(b), interests.MaxImport)
	if err != nil {
		return because(errBadBody, err.Error())
	}
	for _, o := range list {
		each(o.Stands(s.topicAddress("")))
	}
	return nil
}
