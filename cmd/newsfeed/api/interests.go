package api

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// headerRevision asks for an answer no older than a revision of the caller's
// list, and tells which revision was used.
const headerRevision = "X-Interests-Revision"

// headerDegraded says of an answer what it was made without.
const headerDegraded = "Feed-Degraded"

// interestShape is one interest of a list.
type interestShape struct {
	Topic topic.ID        `json:"topic"`
	Name  string          `json:"name"`
	Level interests.Level `json:"level"`
	Since time.Time       `json:"since"`
}

func (s *Server) interest(i interests.Interest) interestShape {
	name := string(i.Topic)
	if t, ok := s.Catalogue.Get(i.Topic); ok {
		name = t.Name
	}
	return interestShape{i.Topic, name, i.Level, i.Since}
}

// belonging finds the caller's list and marks for an answer to a GET, and says in
// the header which revision the list has. It is not older than the revision that
// is asked for, unless the record itself is. A call that may be answered from
// what was last known is, when the store is out of reach.
func (s *Server) belonging(c *fiber.Ctx, who *caller) (feed.Belonging, error) {
	least, err := leastRevision(c)
	if err != nil {
		return feed.Belonging{}, err
	}
	b, ok := s.Together.AtHand(who.session.Account, least)
	if !ok {
		if b, err = s.findBelonging(who, least); err != nil {
			return b, err
		}
	}
	if b.Stale || who.stale {
		c.Response().Header.Set(headerDegraded, "interests")
	}
	tellRevision(c, b.Copy.Revision)
	return b, nil
}

func (s *Server) findBelonging(who *caller, least interests.Revision) (feed.Belonging, error) {
	ctx, cancel := deadline()
	defer cancel()
	if who.lastKnown {
		return s.Together.LastKnown(ctx, who.session.Account, least)
	}
	return s.Together.Find(ctx, who.session.Account, least)
}

// list is belonging where the marks do not matter.
func (s *Server) list(c *fiber.Ctx, who *caller) (interests.List, error) {
	b, err := s.belonging(c, who)
	if err != nil {
		return interests.List{}, err
	}
	return b.Copy.List, nil
}

// leastRevision reads the revision that is asked for, 0 when none is.
func leastRevision(c *fiber.Ctx) (interests.Revision, error) {
	asked := c.Request().Header.Peek(headerRevision)
	if len(asked) == 0 {
		return 0, nil
	}
	r, err := strconv.ParseUint(string(asked), 10, 64)
	if err != nil {
		return 0, &refusal{err: errBadHeader, fields: []field{{headerRevision, "must be a revision: a whole number"}}}
	}
	return interests.Revision(r), nil
}

func tellRevision(c *fiber.Ctx, r interests.Revision) {
	var buf [20]byte
	c.Response().Header.SetBytesV(headerRevision, strconv.AppendUint(buf[:0], uint64(r), 10))
}

func (s *Server) getInterests(c *fiber.Ctx, who *caller) error {
	list, err := s.list(c, who)
	if err != nil {
		return err
	}
	cache(c, who, "")
	digest := list.Digest()
	if fresh(c, weak(digest^uint64(list.Revision)*0x9e3779b97f4a7c15)) {
		return nil
	}
	answer := struct {
		Revision  interests.Revision `json:"revision"`
		Digest    string             `json:"digest"`
		Interests []interestShape    `json:"interests"`
	}{list.Revision, fmt.Sprintf("%016x", digest), []interestShape{}}
	for _, i := range list.Interests() {
		answer.Interests = append(answer.Interests, s.interest(i))
	}
	return send(c, fiber.StatusOK, &answer)
}

func (s *Server) putInterest(c *fiber.Ctx, who *caller) error {
	t, err := s.topicOf(c, "topic")
	if err != nil {
		return err
	}
	var in struct {
		Level string `json:"level"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	level, err := interests.ParseLevel(in.Level)
	if err != nil {
		return &refusal{err: errBadBody, fields: []field{{"/level", "must be follow, favourite or mute"}}}
	}
	list, err := s.edit(c, who, t.ID, level)
	if err != nil {
		return err
	}
	return send(c, fiber.StatusOK, struct {
		Revision interests.Revision `json:"revision"`
		Interest interestShape      `json:"interest"`
	}{list.Revision, s.interest(interests.Interest{Topic: t.ID, Register: list.Topics[t.ID]})})
}

// deleteInterest removes a topic from the list. One that is not in it leaves a
// tombstone all the same, so that an older follow which arrives later loses; of
// one that nobody knows there can be no such follow, and nothing is written.
func (s *Server) deleteInterest(c *fiber.Ctx, who *caller) error {
	name, err := path(c, "topic")
	if err != nil {
		return err
	}
	id := topic.ID(name)
	if t, ok := s.Catalogue.Resolve(name); ok {
		id = t.ID
	} else {
		ctx, cancel := deadline()
		defer cancel()
		list, err := s.Lists.Get(ctx, who.session.Account)
		if err != nil {
			return fmt.Errorf("load the list of %s: %w", who.session.Account, err)
		}
		if _, held := list.Topics[id]; !held {
			return sendRevision(c, list.Revision)
		}
	}
	list, err := s.edit(c, who, id, interests.None)
	if err != nil {
		return err
	}
	return sendRevision(c, list.Revision)
}

func sendRevision(c *fiber.Ctx, r interests.Revision) error {
	tellRevision(c, r)
	return send(c, fiber.StatusOK, struct {
		Revision interests.Revision `json:"revision"`
	}{r})
}

// keep is called before what a person edits is stored: a guest's first edit keeps
// the guest, so that no edit is acknowledged whose owner is gone the next day.
func (s *Server) keep(ctx context.Context, who *caller) error {
	if !who.session.Guest || who.session.Kept {
		return nil
	}
	kept, err := s.People.Keep(ctx, who.token.Hash(), who.session)
	if err != nil {
		return fmt.Errorf("keep the guest %s: %w", who.session.Account, err)
	}
	who.session = kept
	return nil
}

// edit sets one topic.
func (s *Server) edit(c *fiber.Ctx, who *caller, id topic.ID, level interests.Level) (interests.List, error) {
	ctx, cancel := deadline()
	defer cancel()
	if err := s.keep(ctx, who); err != nil {
		return interests.List{}, err
	}
	set := func() (interests.List, error) {
		return s.Lists.Set(ctx, who.session.Account, id, level, who.session.Until())
	}
	if who.session.Use == account.UseWidget {
		set = func() (interests.List, error) { return s.editAsWidget(ctx, &who.session, id, level) }
	}
	list, err := set()
	if err != nil {
		return list, err
	}
	tellRevision(c, list.Revision)
	return list, nil
}

// topicOf returns the topic that a parameter of the path stands for.
func (s *Server) topicOf(c *fiber.Ctx, parameter string) (topic.Topic, error) {
	name, err := path(c, parameter)
	if err != nil {
		return topic.Topic{}, err
	}
	if t, ok := s.Catalogue.Resolve(name); ok {
		return t, nil
	}
	return topic.Topic{}, because(errUnknownTopic, s.unknown(name))
}

// unknown says that there is no topic of a name, and what may have been meant.
func (s *Server) unknown(name string) string {
	text := "there is no topic " + strconv.Quote(shorten(name, 80))
	for i, t := range s.Catalogue.Suggest(name, 3) {
		switch i {
		case 0:
			text += "; did you mean "
		default:
			text += " or "
		}
		text += string(t.ID)
	}
	if text[len(text)-1] != '"' {
		text += "?"
	}
	return text
}

// shorten cuts a text to at most n characters.
func shorten(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i] + "…"
		}
	}
	return text
}
