package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"newsfeed/feed/ingest"
)

// listChunk is how many addresses one call adds.
const listChunk = 100

// takeOPML adds the sources of the OPML files among those that are named, and
// returns the other files and what was added and rejected. Standard input is
// articles.
func (p *program) takeOPML(ctx context.Context, d *door, files []inputFile) (others []inputFile, added, rejected int, err error) {
	for _, file := range files {
		list, isOPML, err := readOPML(file.path)
		if !isOPML {
			others = append(others, file)
			continue
		}
		if err != nil {
			p.note("%s: %v", file.path, err)
			rejected++
		}
		for chunk := range slices.Chunk(list, listChunk) {
			well, ill, err := p.addListed(ctx, d, file.path, chunk)
			if added, rejected = added+well, rejected+ill; err != nil {
				return nil, added, rejected, fmt.Errorf("%s: %w", file.path, err)
			}
		}
		p.note("%s: %d addresses are polled from now on, %d cannot be", file.path, added, rejected)
	}
	return others, added, rejected, nil
}

// readOPML reads a file if it is OPML. What cannot be opened is for who reads
// articles to report.
func readOPML(path string) (list []ingest.Outline, isOPML bool, err error) {
	if path == "-" {
		return nil, false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false, nil //nolint:nilerr // see above
	}
	defer f.Close()
	start := make([]byte, 4<<10)
	n, _ := io.ReadFull(f, start) // a short file is one
	if !ingest.IsOPML(start[:n]) {
		return nil, false, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, true, err
	}
	list, err = ingest.ParseOPML(f)
	return list, true, err
}

// addListed adds some addresses and says which cannot be, or are there already,
// by their lines.
func (p *program) addListed(ctx context.Context, d *door, path string, chunk []ingest.Outline) (added, rejected int, err error) {
	type listed struct {
		URL  string `json:"url"`
		Name string `json:"name"`
	}
	wanted := map[string][]listed{}
	for _, o := range chunk {
		wanted["sources"] = append(wanted["sources"], listed{o.URL, o.Name})
	}
	var answer struct {
		Results []struct {
			Index   int      `json:"index"`
			Outcome string   `json:"outcome"`
			Problem *refusal `json:"problem"`
		} `json:"results"`
	}
	if err := d.call(ctx, http.MethodPost, "/sources/list", wanted, &answer); err != nil {
		return 0, 0, err
	}
	for _, r := range answer.Results {
		line := chunk[r.Index]
		switch r.Outcome {
		case "accepted":
			added++
		case "unchanged":
			added++
			p.note("%s:%d: %s is polled already", path, line.Line, line.URL)
		default:
			rejected++
			p.note("%s:%d: %s: %s", path, line.Line, line.URL, r.Problem.reason())
		}
	}
	return added, rejected, nil
}
