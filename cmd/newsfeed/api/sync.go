package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/wire"
)

// postSync takes edits of the caller's list from a device, and tells it what it
// lacks.
func (s *Server) postSync(c *fiber.Ctx, who *caller) error {
	in, err := readSync(c)
	if err != nil {
		return err
	}
	b := readBatch(in.Ops, s.readOp)
	ctx, cancel := deadline()
	defer cancel()
	if len(b.ops) > 0 {
		if err := s.keep(ctx, who); err != nil {
			return err
		}
	}
	synced, err := s.Lists.Sync(ctx, who.session.Account, held(in), b.ops, who.session.Until())
	if err != nil {
		return fmt.Errorf("sync the list of %s: %w", who.session.Account, err)
	}
	b.answer(synced.Results, interests.ErrFull)
	changes := make([]wire.Change, len(synced.Changes))
	for i, change := range synced.Changes {
		changes[i] = wire.Change{Topic: change.Topic, Level: wire.Level(change.Level), At: change.At}
	}
	tellRevision(c, synced.List.Revision)
	return send(c, fiber.StatusOK, &wire.Synced[wire.Change]{
		Revision: synced.List.Revision, Now: wire.Moment{Time: s.Now()}, Full: synced.Full,
		Digest: wire.Hex(synced.List.Digest()), Changes: changes, Results: b.results,
	})
}

// readOp reads an edit. It names its topic by the id, under which the device
// keeps it too: a name would be another entry there. What nobody knows can be
// removed, and nothing else: it may have been followed where it was known.
func (s *Server) readOp(raw []byte) (string, interests.Op, error) {
	op, err := wire.ReadOp(raw)
	level := interests.Level(op.Level)
	if err == nil && level != interests.None {
		if _, ok := s.Catalogue.Get(op.Topic); !ok {
			err = because(errUnknownTopic, s.unknown(string(op.Topic)))
		}
	}
	return op.ID, interests.Op{ID: op.ID, Topic: op.Topic, Level: level, At: op.At}, err
}

// postMarksSync is postSync for marks.
func (s *Server) postMarksSync(c *fiber.Ctx, who *caller) error {
	in, err := readSync(c)
	if err != nil {
		return err
	}
	b := readBatch(in.Ops, readMarkOp)
	if err := s.refuseUnknownStories(b); err != nil {
		return err
	}
	one, err := s.mergedEach(storiesOf(b.ops))
	if err != nil {
		return err
	}
	ctx, cancel := deadline()
	defer cancel()
	if len(b.ops) > 0 {
		if err := s.keep(ctx, who); err != nil {
			return err
		}
	}
	ops := b.ops // and behind them the same for what was merged with their stories
	for _, op := range b.ops {
		story := op.Story
		for _, op.Story = range one[story] {
			if op.Story != story {
				ops = append(ops, op)
			}
		}
	}
	synced, err := s.Marks.Sync(ctx, who.session.Account, held(in), ops, who.session.Until())
	if err != nil {
		return fmt.Errorf("sync the marks of %s: %w", who.session.Account, err)
	}
	b.answer(synced.Results[:len(b.ops)], feed.ErrMarksFull)
	changes := make([]wire.MarkChange, len(synced.Changes))
	for i, change := range synced.Changes {
		changes[i] = wire.MarkChange{Story: change.Story.String(), Mark: change.Mark.String(), Value: change.Value, At: change.At}
	}
	return send(c, fiber.StatusOK, &wire.Synced[wire.MarkChange]{
		Revision: synced.Set.Revision, Now: wire.Moment{Time: s.Now()}, Full: synced.Full,
		Digest: wire.Hex(synced.Set.Digest()), Changes: changes, Results: b.results,
	})
}

func readMarkOp(raw []byte) (string, feed.MarkOp, error) {
	in, err := wire.ReadMarkOp(raw)
	op := feed.MarkOp{ID: in.ID, Value: in.Value, At: in.At}
	if err != nil {
		return in.ID, op, err
	}
	if op.Mark, err = feed.ParseMark(in.Mark); err != nil {
		return in.ID, op, &wire.Malformed{Location: "/mark", Message: "must be read, saved or hidden"}
	}
	id, err := feed.ParseArticleID(in.Story)
	if err != nil {
		return in.ID, op, errUnknownStory
	}
	op.Story = feed.StoryID(id)
	return in.ID, op, nil
}

// refuseUnknownStories rejects the edits of what never was a story.
func (s *Server) refuseUnknownStories(b *batch[feed.MarkOp]) error {
	elsewhere := slices.DeleteFunc(storiesOf(b.ops), s.Index.HasStory)
	stored, err := s.stored(elsewhere)
	if err != nil {
		return fmt.Errorf("look for stories: %w", err)
	}
	for _, story := range stored {
		if err := s.reach(story.First.Edition); err != nil {
			return err
		}
	}
	b.refuse(func(op feed.MarkOp) error {
		if _, ok := stored[op.Story]; ok || s.Index.HasStory(op.Story) {
			return nil
		}
		return errUnknownStory
	})
	return nil
}

// storiesOf returns the stories that edits are of.
func storiesOf(ops []feed.MarkOp) []feed.StoryID {
	ids := make([]feed.StoryID, len(ops))
	for i, op := range ops {
		ids[i] = op.Story
	}
	return ids
}

// readSync reads what a device sends, but for the edits, each of which is refused
// by itself. Device 0 is the server.
func readSync(c *fiber.Ctx) (in wire.Sync[json.RawMessage], err error) {
	if err := decodeUpTo(c, wire.MaxSyncBody, &in); err != nil {
		return in, err
	}
	var fields []field
	if in.Device == 0 {
		fields = append(fields, field{Location: "/device", Message: "is needed: 16 hex digits, not all 0"})
	}
	switch {
	case in.Ops == nil:
		fields = append(fields, field{Location: "/ops", Message: "is needed: a list"})
	case len(in.Ops) > wire.MaxOps:
		fields = append(fields, field{Location: "/ops", Message: fmt.Sprintf("are more than %d", wire.MaxOps)})
	}
	if fields != nil {
		return in, &refusal{err: errBadBody, fields: fields}
	}
	return in, nil
}

// held is what a device says that it has; nil when it does not say.
func held(in wire.Sync[json.RawMessage]) *interests.Known {
	if in.Since == nil || in.Digest == nil {
		return nil
	}
	return &interests.Known{Revision: *in.Since, Digest: uint64(*in.Digest)}
}

// batch is the edits of a call, with an answer to each.
type batch[O any] struct {
	ops     []O   // those that were not refused
	places  []int // of each of ops in results
	results []wire.Result
}

// readBatch reads edits, and refuses what is none.
func readBatch[O any](raws []json.RawMessage, read func([]byte) (id string, op O, err error)) *batch[O] {
	b := &batch[O]{results: make([]wire.Result, len(raws))}
	for i, raw := range raws {
		id, op, err := read(raw)
		if b.results[i] = (wire.Result{ID: id}); err != nil {
			b.results[i] = rejected(id, err)
			continue
		}
		b.ops, b.places = append(b.ops, op), append(b.places, i)
	}
	return b
}

// refuse refuses those edits of which why says why.
func (b *batch[O]) refuse(why func(O) error) {
	ops, places := b.ops, b.places
	b.ops, b.places = nil, nil
	for i, op := range ops {
		if err := why(op); err != nil {
			b.results[places[i]] = rejected(b.results[places[i]].ID, err)
			continue
		}
		b.ops, b.places = append(b.ops, op), append(b.places, places[i])
	}
}

// answer notes what became of the edits that were not refused; full is the error
// of a list that is.
func (b *batch[O]) answer(results []interests.Result, full error) {
	for i, r := range results {
		result := wire.Result{ID: r.ID, Status: r.Status}
		switch r.Reason {
		case interests.ClockAhead:
			result = rejected(r.ID, errClockAhead)
		case interests.TooOld:
			result = rejected(r.ID, errTooOld)
		case interests.ListFull:
			result = rejected(r.ID, full)
		}
		b.results[b.places[i]] = result
	}
}

func rejected(id string, err error) wire.Result {
	var malformed *wire.Malformed
	if errors.As(err, &malformed) {
		err = &refusal{err: errBadBody, detail: "this is no edit that can be made", fields: []field{{Location: malformed.Location, Message: malformed.Message}}}
	}
	return wire.Result{ID: id, Status: interests.Rejected, Problem: &problemOf(err).Problem}
}
