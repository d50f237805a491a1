package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/interests/wire"
)

// maxExports is how many exports a node makes at a time: one of 30,000 marked
// stories takes some 30 MB while it is made.
const maxExports = 2

// exportShape is everything that is kept about a person. What stands in ops is
// what POST /interests/sync and POST /marks/sync take, in calls of at most
// [wire.MaxOps]: sent in this order to an account that has nothing they restore
// list and marks with the same digests.
type exportShape struct {
	Account   accountShape          `json:"account"`
	Sessions  []sessionShape        `json:"sessions"`
	Interests exportedList          `json:"interests"`
	Marks     exported[wire.MarkOp] `json:"marks"`
	Merges    []exportedMerge       `json:"merges"`
	Journal   []exportedUndo        `json:"journal"`
}

type exported[O any] struct {
	Revision interests.Revision `json:"revision"`
	Digest   wire.Hex           `json:"digest"`
	Floor    *interests.Stamp   `json:"floor,omitempty"` // no removal with a later stamp was forgotten
	Ops      []O                `json:"ops"`
}

type exportedList struct {
	exported[wire.Op]
	Since map[topic.ID]time.Time `json:"since"` // when each topic entered the list
}

// exportedMerge is a merge, with when it was and what it wrote.
type exportedMerge struct {
	*mergeShape
	At      time.Time      `json:"at"`
	Guest   account.ID     `json:"guest"`
	Written []exportedEdit `json:"written"`
}

type exportedEdit struct {
	Topic  topic.ID         `json:"topic"`
	Before *interests.Level `json:"before"`
	At     interests.Stamp  `json:"at"`
}

// exportedUndo is an edit of the last day: what the topics it changed were before.
type exportedUndo struct {
	Revision interests.Revision `json:"revision"`
	Previous interests.Revision `json:"previous"`
	At       time.Time          `json:"at"`
	Before   []exportedRegister `json:"before"`
}

// exportedRegister is a topic of an earlier list; without a stamp it was not there.
type exportedRegister struct {
	Topic topic.ID         `json:"topic"`
	Level *interests.Level `json:"level"`
	At    *interests.Stamp `json:"at,omitempty"`
}

// getExport answers with all that is kept about who asks.
func (s *Server) getExport(c *fiber.Ctx, who *caller) error {
	ctx, cancel := deadline()
	defer cancel()
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	case <-ctx.Done():
		return errExporting
	}
	shape, err := s.export(ctx, who)
	if err != nil {
		return fmt.Errorf("export %s: %w", who.session.Account, err)
	}
	cache(c, who, "")
	if err := sendTagged(c, shape); err != nil {
		return err
	}
	if c.Response().StatusCode() == fiber.StatusOK {
		c.Response().Header.Set(fiber.HeaderContentDisposition, `attachment; filename="newsfeed-account.json"`)
	}
	return nil
}

func (s *Server) export(ctx context.Context, who *caller) (*exportShape, error) {
	shape := &exportShape{Account: guestShape(who.session)}
	if !who.session.Guest {
		a, err := s.Members.Account(ctx, who.session.Account)
		if errors.Is(err, account.ErrNoAccount) {
			return nil, errBadToken // it was erased, and its sessions are about to be
		}
		if err != nil {
			return nil, err
		}
		shape.Account = memberShape(a)
	}
	var err error
	if shape.Sessions, err = s.sessionsOf(ctx, who); err != nil {
		return nil, err
	}
	taken, err := s.Together.Take(ctx, who.session.Account)
	if err != nil {
		return nil, err
	}
	shape.Interests, shape.Marks = exportList(taken.List), exportMarks(taken.Marks)
	shape.Merges, shape.Journal = exportMerges(taken.Merges), exportJournal(taken.Journal)
	return shape, nil
}

// exportList puts what is held before what was removed, and removals in the order
// of their stamps: the oldest may be forgotten as they are restored, which refuses
// what is older still.
func exportList(list interests.List) exportedList {
	out := exportedList{Since: map[topic.ID]time.Time{}}
	out.Revision, out.Digest, out.Floor, out.Ops = list.Revision, wire.Hex(list.Digest()), stampOrNone(list.Floor), []wire.Op{}
	for id, r := range list.Topics {
		out.Ops = append(out.Ops, wire.Op{Topic: id, Level: wire.Level(r.Level), At: r.At})
		if r.Level != interests.None {
			out.Since[id] = r.Since
		}
	}
	slices.SortFunc(out.Ops, func(a, b wire.Op) int {
		return cmp.Or(compareBool(interests.Level(a.Level) == interests.None, interests.Level(b.Level) == interests.None),
			a.At.Compare(b.At), cmp.Compare(a.Topic, b.Topic))
	})
	for i := range out.Ops {
		out.Ops[i].ID = strconv.Itoa(i + 1)
	}
	return out
}

// exportMarks is exportList for marks.
func exportMarks(set feed.MarkSet) exported[wire.MarkOp] {
	out := exported[wire.MarkOp]{Revision: set.Revision, Digest: wire.Hex(set.Digest()), Floor: stampOrNone(set.Floor), Ops: []wire.MarkOp{}}
	for _, m := range set.All() {
		out.Ops = append(out.Ops, wire.MarkOp{Story: m.Story.String(), Mark: m.Mark.String(), Value: m.Value, At: m.At})
	}
	slices.SortStableFunc(out.Ops, func(a, b wire.MarkOp) int {
		return cmp.Or(compareBool(!a.Value, !b.Value), a.At.Compare(b.At))
	})
	for i := range out.Ops {
		out.Ops[i].ID = strconv.Itoa(i + 1)
	}
	return out
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func stampOrNone(s interests.Stamp) *interests.Stamp {
	if s.IsZero() {
		return nil
	}
	return &s
}

func exportMerges(merges []interests.Merge) []exportedMerge {
	out := []exportedMerge{}
	for _, m := range merges {
		shape := exportedMerge{mergeShape: shapeOfMerge(m), At: m.At, Guest: m.Guest, Written: []exportedEdit{}}
		for _, w := range m.Written {
			shape.Written = append(shape.Written, exportedEdit{w.Topic, levelOrNull(w.Before), w.At})
		}
		out = append(out, shape)
	}
	return out
}

func exportJournal(undos []interests.Undo) []exportedUndo {
	out := []exportedUndo{}
	for _, u := range undos {
		shape := exportedUndo{Revision: u.Revision, Previous: u.Previous, At: u.At, Before: []exportedRegister{}}
		for id, r := range u.Topics {
			was := exportedRegister{Topic: id, At: stampOrNone(r.At)}
			if r.Level != 0 {
				was.Level = levelOrNull(r.Level)
			}
			shape.Before = append(shape.Before, was)
		}
		slices.SortFunc(shape.Before, func(a, b exportedRegister) int { return cmp.Compare(a.Topic, b.Topic) })
		out = append(out, shape)
	}
	return out
}

// deleteAccount erases who asks, and answers with what was removed from each store.
func (s *Server) deleteAccount(c *fiber.Ctx, who *caller) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout+s.Eraser.Settle)
	defer cancel()
	if err := s.mayErase(ctx, c, who); err != nil {
		return err
	}
	removed, err := s.Eraser.Erase(ctx, who.session.Account, who.token.Hash())
	if err != nil {
		return fmt.Errorf("erase %s: %w", who.session.Account, err)
	}
	if who.byJWT {
		s.Elsewhere.Forget(who.token)
	}
	return send(c, fiber.StatusOK, struct {
		Removed feed.Erased `json:"removed"`
	}{removed})
}

// mayErase asks for the password of an account that has one. Where the account is
// gone and its erasure was interrupted, the password was right the first time.
func (s *Server) mayErase(ctx context.Context, c *fiber.Ctx, who *caller) error {
	if who.session.Guest {
		return skipBody(c)
	}
	a, err := s.Members.Account(ctx, who.session.Account)
	switch {
	case errors.Is(err, account.ErrNoAccount):
		pending, err := s.Eraser.Pending(ctx, who.session.Account)
		if err == nil && !pending {
			err = errBadToken
		}
		return err
	case err != nil:
		return err
	case a.Password == "":
		return skipBody(c)
	}
	var in struct {
		Password account.Password `json:"password"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	if _, err = s.Members.Verify(ctx, a.Email, in.Password); errors.Is(err, account.ErrWrong) {
		return errNotPassword
	}
	return err
}
