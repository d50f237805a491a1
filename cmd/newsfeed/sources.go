package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"

	"newsfeed/cmd/newsfeed/demo"
	"newsfeed/feed/ingest"
)

type sourcesCommand struct {
	Add    addSources    `cmd:"" help:"Poll an RSS, Atom or JSON Feed address, or the one that a page announces."`
	List   listSources   `cmd:"" help:"List what is polled, and how it goes."`
	Remove removeSources `cmd:"" help:"Poll sources no more."`
	Poll   pollSources   `cmd:"" help:"Poll now, whatever the schedule says; wakes what was stopped."`
}

// shownSource is a source as the API shows it.
type shownSource struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Addresses []shownAddress `json:"addresses"`
}

type shownAddress struct {
	URL      string    `json:"url"`
	State    string    `json:"state"`
	Due      time.Time `json:"due_at"`
	Answered time.Time `json:"answered_at"`
	Fault    string    `json:"fault"`
}

type addSources struct {
	URLs   []string `arg:"" name:"url" help:"Addresses of documents, or of pages that announce them."`
	Source string   `placeholder:"ID" help:"The source that they belong to. By default those of one site (registrable domain) are one source."`
}

func (c *addSources) Run(ctx context.Context, p *program) error {
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	added := 0
	for _, address := range c.URLs {
		wanted := struct {
			URL    string `json:"url"`
			Source string `json:"source,omitempty"`
		}{address, c.Source}
		var source shownSource
		if err := d.call(ctx, http.MethodPost, "/sources", wanted, &source); err != nil {
			p.note("%s was not added: %v", address, err)
			continue
		}
		added++
		for _, a := range source.Addresses {
			if a.Fault != "" {
				p.note("%s was added, but it does not answer: %s", a.URL, a.Fault)
			}
			fmt.Fprintf(p.stdout, "%s\t%s\n", source.ID, a.URL)
		}
	}
	return outcome(added, len(c.URLs)-added)
}

// polledSources asks for all of them, page by page.
func (d *door) polledSources(ctx context.Context) ([]shownSource, error) {
	var all []shownSource
	for cursor := ""; ; {
		var page struct {
			Sources []shownSource `json:"sources"`
			Next    string        `json:"next"`
		}
		if err := d.call(ctx, http.MethodGet, "/sources?limit=100"+cursor, nil, &page); err != nil {
			return nil, fmt.Errorf("list sources: %w", err)
		}
		if all = append(all, page.Sources...); page.Next == "" {
			return all, nil
		}
		cursor = "&cursor=" + url.QueryEscape(page.Next)
	}
}

type listSources struct {
	OPML bool `name:"opml" help:"As an OPML file, for newsfeed import and other programs."`
}

func (c *listSources) Run(ctx context.Context, p *program) error {
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.polledSources(ctx)
	if err != nil {
		return err
	}
	if c.OPML {
		var list []ingest.Listed
		for _, s := range all {
			for _, a := range s.Addresses {
				list = append(list, ingest.Listed{URL: a.URL, Name: s.Name})
			}
		}
		return ingest.WriteOPML(p.stdout, list)
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tANSWERED\tNEXT POLL\tADDRESS\tFAULT")
	stopped := false
	for _, s := range all {
		for _, a := range s.Addresses {
			answered, due := "never", a.Due.Format(time.RFC3339)
			if !a.Answered.IsZero() {
				answered = a.Answered.Format(time.RFC3339)
			}
			if a.State == "stopped" {
				stopped, due = true, "-"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, a.State, answered, due, a.URL, a.Fault)
		}
	}
	if stopped {
		p.note("newsfeed sources poll ID wakes what was stopped, if it answers")
	}
	return table.Flush()
}

type removeSources struct {
	IDs      []string `arg:"" name:"id" help:"As sources list shows it; demo stands for those of serve --demo."`
	Withdraw bool     `help:"Also withdraw all of their articles."`
}

func (c *removeSources) Run(ctx context.Context, p *program) error {
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	removed, ids := 0, withDemo(c.IDs)
	for _, id := range ids {
		var answer struct {
			Addresses int `json:"addresses"`
			Withdrawn int `json:"withdrawn"`
		}
		if err := d.call(ctx, http.MethodDelete, "/sources/"+url.PathEscape(id)+fmt.Sprintf("?withdraw=%t", c.Withdraw), nil, &answer); err != nil {
			p.note("source %s was not removed: %v", id, err)
			continue
		}
		removed++
		p.note("source %s: %d addresses removed, %d articles withdrawn", id, answer.Addresses, answer.Withdrawn)
	}
	return outcome(removed, len(ids)-removed)
}

// withDemo puts the demo's sources in the place of their common name.
func withDemo(ids []string) (all []string) {
	for _, id := range ids {
		if id == "demo" {
			all = append(all, demo.Sources()...)
		} else {
			all = append(all, id)
		}
	}
	return all
}

type pollSources struct {
	IDs []string `arg:"" optional:"" name:"id" help:"As sources list shows it; all when none is given."`
}

// pollChunk is how many sources are polled by one call.
const pollChunk = 16

func (c *pollSources) Run(ctx context.Context, p *program) error {
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	ids := c.IDs
	if len(ids) == 0 {
		all, err := d.polledSources(ctx)
		if err != nil {
			return err
		}
		for _, s := range all {
			ids = append(ids, s.ID)
		}
		if len(ids) == 0 {
			return errors.New("there are no sources: newsfeed sources add URL adds one")
		}
	}
	answered, failed := 0, 0
	for chunk := range slices.Chunk(ids, pollChunk) {
		well, ill := p.pollSources(ctx, d, chunk)
		answered, failed = answered+well, failed+ill
	}
	return outcome(answered, failed)
}

// shownPoll is what the poll of an address came to.
type shownPoll struct {
	Source   string `json:"source"`
	URL      string `json:"url"`
	Items    int    `json:"items"`
	New      int    `json:"new"`
	Updated  int    `json:"updated"`
	Rejected int    `json:"rejected"`
	Why      string `json:"why"`
	Fault    string `json:"fault"`
}

// pollSources polls a few sources and prints a line for each address. An unknown
// id spoils the call for the others, so then they are asked for one by one.
func (p *program) pollSources(ctx context.Context, d *door, ids []string) (answered, failed int) {
	var answer struct {
		Results []shownPoll `json:"results"`
	}
	wanted := struct {
		Sources []string `json:"sources"`
	}{ids}
	var refused *refusal
	err := d.call(ctx, http.MethodPost, "/sources/poll", wanted, &answer)
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound && len(ids) > 1:
		for _, id := range ids {
			well, ill := p.pollSources(ctx, d, []string{id})
			answered, failed = answered+well, failed+ill
		}
		return answered, failed
	case err != nil:
		p.note("%v was not polled: %v", ids, err)
		return 0, len(ids)
	}
	for _, r := range answer.Results {
		fmt.Fprintf(p.stdout, "%s\t%s\titems %d\tnew %d\tupdated %d\t%s\n", r.Source, r.URL, r.Items, r.New, r.Updated, cmp.Or(r.Fault, "-"))
		if r.Rejected > 0 {
			p.note("%s: %d items cannot be used, the first: %s", r.URL, r.Rejected, r.Why)
		}
		if r.Fault != "" {
			failed++
		} else {
			answered++
			failed += min(r.Rejected, 1)
		}
	}
	return answered, failed
}
