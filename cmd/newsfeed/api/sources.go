package api

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed/ingest"
)

const (
	addTimeout    = 75 * time.Second // of an address and of the document that its page announces
	pollTimeout   = 90 * time.Second
	maxPolledIDs  = 100       // sources polled by one call
	maxSourceList = 256 << 10 // bytes of a list
)

// sourceShape is a source as editors see it.
type sourceShape struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Site      string         `json:"site,omitempty"`
	Addresses []addressShape `json:"addresses"`
}

// addressShape is one of its addresses, and how polling it goes.
type addressShape struct {
	URL      string    `json:"url"`
	State    string    `json:"state"` // waiting, polled, failing or stopped
	Added    time.Time `json:"added_at"`
	Due      time.Time `json:"due_at"`
	Polled   time.Time `json:"polled_at,omitzero"`
	Answered time.Time `json:"answered_at,omitzero"`
	Failing  time.Time `json:"failing_since,omitzero"`
	Faults   int       `json:"faults,omitempty"`
	Fault    string    `json:"fault,omitempty"`
	MovedTo  string    `json:"moved_to,omitempty"`
}

func shapeOfAddress(a *ingest.Address) addressShape {
	return addressShape{
		URL: a.URL, State: stateOf(a), Added: a.Added, Due: a.Due, Polled: a.Polled, Answered: a.Answered,
		Failing: a.Failing, Faults: a.Faults, Fault: a.Fault, MovedTo: a.MovedTo,
	}
}

func stateOf(a *ingest.Address) string {
	switch {
	case a.Stopped:
		return "stopped"
	case !a.Failing.IsZero():
		return "failing"
	case a.Polled.IsZero():
		return "waiting"
	}
	return "polled"
}

// shapesOfSources puts addresses, which come by source, together.
func shapesOfSources(all []ingest.Address) []sourceShape {
	shapes := []sourceShape{}
	for i := range all {
		a := &all[i]
		if n := len(shapes); n == 0 || shapes[n-1].ID != a.Source {
			shapes = append(shapes, sourceShape{ID: a.Source, Name: a.Name, Site: a.Site})
		}
		last := &shapes[len(shapes)-1]
		last.Addresses = append(last.Addresses, shapeOfAddress(a))
	}
	return shapes
}

// getSources lists sources by id.
func (s *Server) getSources(c *fiber.Ctx, _ *caller) error {
	size, after := 100, ""
	err := query(c, func(name, value []byte) string {
		switch string(name) {
		case "limit":
			return limit(&size, value)
		case "cursor":
			id, err := base64.RawURLEncoding.DecodeString(string(value))
			if after = string(id); err != nil || len(id) == 0 {
				return "is damaged"
			}
		}
		return ""
	})
	if err != nil {
		return err
	}
	all, err := s.Desk.All(context.Background())
	if err != nil {
		return err
	}
	answer := struct {
		Sources []sourceShape `json:"sources"`
		Next    string        `json:"next,omitempty"`
	}{Sources: []sourceShape{}}
	for _, shape := range shapesOfSources(all) {
		if shape.ID <= after {
			continue
		}
		if len(answer.Sources) == size {
			answer.Next = base64.RawURLEncoding.EncodeToString([]byte(answer.Sources[size-1].ID))
			break
		}
		answer.Sources = append(answer.Sources, shape)
	}
	linkNext(c, []byte(answer.Next))
	return send(c, fiber.StatusOK, &answer)
}

// postSource adds an address. What its source is called and whether it answers
// is found out by asking it.
func (s *Server) postSource(c *fiber.Ctx, _ *caller) error {
	var in struct {
		URL    string `json:"url"`
		Source string `json:"source"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), addTimeout)
	defer cancel()
	added, err := s.Desk.Add(ctx, in.URL, in.Source)
	if err != nil {
		return sourceError(err)
	}
	return send(c, fiber.StatusCreated, &shapesOfSources([]ingest.Address{added})[0])
}

// sourceError says of a source what the table would say of an article.
func sourceError(err error) error {
	var invalid *ingest.Invalid
	if !errors.As(err, &invalid) {
		return err
	}
	refused := &refusal{err: errInvalid, detail: "the source is not valid"}
	for _, f := range invalid.Fields {
		refused.fields = append(refused.fields, field(f))
	}
	return refused
}

// listedResult is what became of one address of a list.
type listedResult struct {
	Index   int      `json:"index"`
	Outcome string   `json:"outcome"` // accepted, unchanged or rejected
	Problem *problem `json:"problem,omitempty"`
}

// postSourceList adds a list of addresses, without asking them first.
func (s *Server) postSourceList(c *fiber.Ctx, _ *caller) error {
	var in struct {
		Sources []struct {
			URL  string `json:"url"`
			Name string `json:"name"`
		} `json:"sources"`
	}
	if err := decodeUpTo(c, maxSourceList, &in); err != nil {
		return err
	}
	if len(in.Sources) > ingest.MaxListed {
		return &refusal{err: errInvalid, fields: []field{{"/sources", fmt.Sprintf("are more than %d", ingest.MaxListed)}}, detail: "the list is too long"}
	}
	list := make([]ingest.Listed, len(in.Sources))
	for i, one := range in.Sources {
		list[i] = ingest.Listed{URL: one.URL, Name: one.Name}
	}
	wrong, err := s.Desk.AddAll(context.Background(), list)
	if err != nil {
		return err
	}
	answer := struct {
		Results []listedResult `json:"results"`
	}{make([]listedResult, len(wrong))}
	for i, err := range wrong {
		answer.Results[i] = listedResult{Index: i, Outcome: "accepted"}
		switch {
		case errors.Is(err, ingest.ErrAddressTaken):
			answer.Results[i].Outcome = "unchanged"
		case err != nil:
			answer.Results[i].Outcome, answer.Results[i].Problem = "rejected", problemOf(sourceError(err))
		}
	}
	return send(c, fiber.StatusOK, &answer)
}

// polledShape is what the poll of one address came to.
type polledShape struct {
	Source    string `json:"source"`
	URL       string `json:"url"`
	Items     int    `json:"items"`
	New       int    `json:"new"`
	Updated   int    `json:"updated"`
	Unchanged int    `json:"unchanged"`
	Others    int    `json:"others"`
	Rejected  int    `json:"rejected"`
	Why       string `json:"why,omitempty"` // the first was rejected
	Fault     string `json:"fault,omitempty"`
}

// postSourcePoll polls sources now, and answers when what they bring is in this
// node's index.
func (s *Server) postSourcePoll(c *fiber.Ctx, _ *caller) error {
	var in struct {
		Sources []string `json:"sources"`
	}
	if err := decode(c, &in); err != nil {
		return err
	}
	if len(in.Sources) == 0 || len(in.Sources) > maxPolledIDs {
		return &refusal{err: errInvalid, detail: "which sources?", fields: []field{{"/sources", fmt.Sprintf("must be 1 to %d ids", maxPolledIDs)}}}
	}
	addresses, err := s.addressesOf(in.Sources)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pollTimeout)
	defer cancel()
	polled, err := s.Desk.Poll(ctx, addresses)
	if err != nil {
		return err
	}
	answer := struct {
		Results []polledShape `json:"results"`
	}{[]polledShape{}}
	for i := range polled {
		answer.Results = append(answer.Results, shapeOfPolled(&polled[i]))
	}
	return send(c, fiber.StatusOK, &answer)
}

// addressesOf returns the addresses of sources. ErrNoSource when one has none.
func (s *Server) addressesOf(sources []string) ([]ingest.Address, error) {
	all, err := s.Desk.All(context.Background())
	if err != nil {
		return nil, err
	}
	var found []ingest.Address
	for _, source := range sources {
		before := len(found)
		for _, a := range all {
			if a.Source == source {
				found = append(found, a)
			}
		}
		if len(found) == before {
			return nil, because(ingest.ErrNoSource, fmt.Sprintf("there is no source %q", source))
		}
	}
	return found, nil
}

func shapeOfPolled(p *ingest.Polled) polledShape {
	shape := polledShape{
		Source: p.Address.Source, URL: p.Address.URL, Items: p.Items, New: p.New, Updated: p.Updated,
		Unchanged: p.Unchanged, Others: p.Others, Rejected: p.Rejected,
	}
	if p.Why != nil {
		shape.Why = p.Why.Error()
	}
	if p.Fault != nil {
		shape.Fault = p.Fault.Error()
	}
	return shape
}

// deleteSource stops polling a source and, if asked to, withdraws its articles.
func (s *Server) deleteSource(c *fiber.Ctx, _ *caller) error {
	id, err := path(c, "id")
	if err != nil {
		return err
	}
	withdraw := false
	err = query(c, func(name, value []byte) string {
		if string(name) == "withdraw" {
			return boolean(&withdraw, value)
		}
		return ""
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pollTimeout)
	defer cancel()
	addresses, withdrawn, err := s.Desk.Remove(ctx, id, withdraw)
	if err != nil {
		return err
	}
	return send(c, fiber.StatusOK, &struct {
		Addresses int `json:"addresses"`
		Withdrawn int `json:"withdrawn"`
	}{addresses, withdrawn})
}
