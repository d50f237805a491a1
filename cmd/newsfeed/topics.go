package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"newsfeed/interests/topic"
)

type topicsCommand struct {
	Import importTopics `cmd:"" help:"Make topics or change them."`
	Export exportTopics `cmd:"" help:"Write all topics to standard output, one JSON object a line."`

	Explain explainTopics `cmd:"" help:"Show what a text is tagged with, and why."`
}

type exportTopics struct{}

func (exportTopics) Run(ctx context.Context, p *program) error {
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	response, err := d.send(ctx, http.MethodGet, "/topics.ndjson", "", nil)
	if err != nil {
		return fmt.Errorf("export topics: %w", err)
	}
	defer response.Body.Close()
	_, err = io.Copy(p.stdout, response.Body)
	return err
}

type importTopics struct {
	File string `arg:"" help:"NDJSON or a JSON array, as export writes it; - is standard input."`
}

func (importTopics) Help() string {
	return `Each topic is an object with name and kind, and perhaps id (by default made from the name), aliases and broader. It replaces the topic of that id. Broader topics should stand before those below them.`
}

func (c *importTopics) Run(ctx context.Context, p *program) error {
	in := io.NopCloser(p.stdin)
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		in = file
	}
	defer in.Close()
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	done, failed := 0, 0
	fileName := cmp.Or(map[string]string{"-": "standard input"}[c.File], c.File)
	for raw, err := range entries(in, fileName) {
		if err == nil {
			err = d.putTopic(ctx, raw.text)
		}
		if wrong := (*refusal)(nil); err != nil && (errors.As(err, &wrong) && wrong.Status != http.StatusUnauthorized && wrong.Status != http.StatusForbidden || errors.Is(err, errBroken)) {
			p.note("%s: %v", raw.place(), err)
			failed++
			continue
		}
		if err != nil {
			p.note("%v", err)
			failed++
			break
		}
		done++
	}
	p.note("%d topics imported, %d rejected", done, failed)
	if done+failed == 0 {
		return fmt.Errorf("%s holds no topics", fileName)
	}
	return outcome(done, failed)
}

// putTopic sends one topic as it stands, to where its id or its name leads.
func (d *door) putTopic(ctx context.Context, line []byte) error {
	var named struct {
		ID   topic.ID `json:"id"`
		Name string   `json:"name"`
	}
	// What else is wrong with it, the server says.
	if err := json.Unmarshal(line, &named); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	id := cmp.Or(named.ID, topic.MakeID(named.Name))
	if id == "" {
		return fmt.Errorf("%w: it has neither an id nor a name that makes one", errBroken)
	}
	return retrying(ctx, func() error {
		response, err := d.send(ctx, http.MethodPut, "/topics/"+url.PathEscape(string(id)), "application/json", bytes.TrimSpace(line))
		if err == nil {
			response.Body.Close()
		}
		return err
	}, nil)
}
