package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

type importCommand struct {
	Files []string `arg:"" name:"file" help:"Files, folders (with all below that end in .ndjson .jsonl .json .xml .rss .atom), or - for standard input."`
}

func (importCommand) Help() string {
	return `The format is told from the content: NDJSON (one article a line), a JSON array or object, IPTC ninjs, or an RSS, Atom or JSON Feed document. An OPML file brings no articles: the addresses in it are polled from then on, the first time within an hour.

An article that is rejected is reported with its file and line, and the rest goes on; the program then ends with 1, and with 2 when nothing was stored.

Importing is resumable: send everything again after an interruption. What is stored already is recognised by its address, counted as unchanged, and quick.`
}

// A batch goes out when it is full in either way.
const (
	batchArticles = 500
	batchBytes    = 4 << 20
)

// batch is what one call sends, and what was broken on the way to it.
type batch struct {
	articles []raw
	bytes    int // of the articles, each with a line break
	broken   []brokenEntry
	done     int64 // bytes of input that it covers
}

type brokenEntry struct {
	place string
	err   error
}

func (b *batch) full(next raw) bool {
	return len(b.articles) >= batchArticles || len(b.articles) > 0 && b.bytes+len(next.text)+1 > batchBytes
}

func (c *importCommand) Run(ctx context.Context, p *program) error {
	files, err := inputFiles(c.Files)
	if err != nil {
		return err
	}
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.call(ctx, http.MethodGet, "/version", nil, nil); err != nil {
		return err // at once: a wrong address is no loss of connection
	}
	given := len(files)
	files, added, rejected, err := p.takeOPML(ctx, d, files)
	if err != nil {
		return err
	}
	if len(files) == 0 && given > 0 {
		return outcome(added, rejected)
	}
	im := &importer{door: d, stdin: p.stdin, progress: newProgress(p.stderr, files)}
	im.counts.rejected = rejected
	err = im.run(ctx, files)
	im.progress.finish(im.counts)
	return im.outcome(ctx, err)
}

// importer sends the articles of files. One call is under way at a time, so that
// versions of one article arrive in their order; the next batch is read meanwhile.
type importer struct {
	door     *door
	stdin    io.Reader
	progress *progress
	counts   counts
}

// counts are what became of the articles.
type counts struct {
	accepted, updated, unchanged, rejected int
	tooOld                                 int // accepted, but older than the horizon
}

func (c counts) stored() int { return c.accepted + c.updated + c.unchanged }
func (c counts) all() int    { return c.stored() + c.rejected }

func (im *importer) run(ctx context.Context, files []inputFile) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan batch, 1)
	go func() {
		defer close(batches)
		im.read(ctx, files, batches)
	}()
	// After an interruption the goroutine is not waited for: nothing interrupts a
	// read from a terminal. It ends with the program.
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b, more := <-batches:
			if !more {
				return nil
			}
			if err := im.take(ctx, b); err != nil {
				return err
			}
		}
	}
}

// read cuts the files into batches.
func (im *importer) read(ctx context.Context, files []inputFile, out chan<- batch) {
	var b batch
	flush := func() bool {
		select {
		case out <- b:
			b = batch{}
			return true
		case <-ctx.Done():
			return false
		}
	}
	for _, file := range files {
		read := int64(0)
		for entry, err := range im.articles(file) {
			if b.full(entry) && !flush() {
				return
			}
			b.done += entry.end - read
			read = max(read, entry.end)
			if err != nil {
				b.broken = append(b.broken, brokenEntry{entry.place(), err})
				continue
			}
			b.articles = append(b.articles, entry)
			b.bytes += len(entry.text) + 1
		}
		b.done += max(file.size-read, 0)
	}
	flush()
}

// articles yields the articles of one file; that it cannot be read is its last
// error.
func (im *importer) articles(file inputFile) func(yield func(raw, error) bool) {
	if file.path == "-" {
		return articlesIn(im.stdin, "standard input")
	}
	return func(yield func(raw, error) bool) {
		in, err := os.Open(file.path)
		if err != nil {
			yield(raw{file: file.path}, err)
			return
		}
		defer in.Close()
		articlesIn(in, file.path)(yield)
	}
}

// take reports what is broken and sends the rest.
func (im *importer) take(ctx context.Context, b batch) error {
	for _, broken := range b.broken {
		im.reject(broken.place, broken.err.Error())
	}
	if err := im.send(ctx, b.articles); err != nil {
		return err
	}
	im.progress.add(b.done, im.counts)
	return nil
}

func (im *importer) reject(place, why string) {
	im.counts.rejected++
	im.progress.say("%s: rejected: %s", place, why)
}

// send sends articles until each has its outcome.
func (im *importer) send(ctx context.Context, articles []raw) error {
	for len(articles) > 0 {
		answer, err := im.post(ctx, articles)
		if isTooLarge(err) {
			return im.sendHalves(ctx, articles, err)
		}
		if err != nil {
			return err
		}
		if len(answer) == 0 {
			return fmt.Errorf("%s answered about none of %d articles: it is no server of this version", im.door.url, len(articles))
		}
		for i, result := range answer[:min(len(answer), len(articles))] {
			im.count(articles[i], result)
		}
		articles = articles[min(len(answer), len(articles)):]
	}
	return nil
}

// isTooLarge is whether something on the way, most often a proxy, takes less at a
// time than the server does.
func isTooLarge(err error) bool {
	var refused *refusal
	return errors.As(err, &refused) && refused.Status == http.StatusRequestEntityTooLarge
}

func (im *importer) sendHalves(ctx context.Context, articles []raw, why error) error {
	if len(articles) == 1 {
		im.reject(articles[0].place(), why.Error())
		return nil
	}
	half := len(articles) / 2
	if err := im.send(ctx, articles[:half]); err != nil {
		return err
	}
	return im.send(ctx, articles[half:])
}

// result is what became of one article.
type result struct {
	Index   int      `json:"index"`
	Outcome string   `json:"outcome"`
	InIndex *bool    `json:"in_index"`
	Problem *refusal `json:"problem"`
}

// post makes one call, again and again if need be. The results are those of the
// first articles; the server may have gone away before it came to the others.
func (im *importer) post(ctx context.Context, articles []raw) ([]result, error) {
	size := 0
	for _, article := range articles {
		size += len(article.text) + 1
	}
	body := make([]byte, 0, size)
	for _, article := range articles {
		body = append(append(body, article.text...), '\n')
	}
	var answer struct {
		Results []result `json:"results"`
	}
	err := retrying(ctx, func() error {
		response, err := im.door.send(ctx, http.MethodPost, "/articles?repeats=true", "application/x-ndjson", body)
		if refused := (*refusal)(nil); errors.As(err, &refused) && refused.mayPass() {
			if json.Unmarshal(refused.body, &answer) == nil && len(answer.Results) > 0 {
				return nil // some were stored: that is progress
			}
		}
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil {
			return &noAnswer{im.door.url, err} // cut off in the middle
		}
		return nil
	}, func(wait time.Duration, why error) {
		im.progress.say("waiting %s: %v", wait.Round(time.Millisecond), why)
	})
	return inOrder(answer.Results), err
}

// inOrder is the longest beginning of results that leaves no article out.
func inOrder(results []result) []result {
	for i := range results {
		if results[i].Index != i {
			return results[:i]
		}
	}
	return results
}

func (im *importer) count(article raw, r result) {
	switch r.Outcome {
	case "accepted":
		im.counts.accepted++
	case "updated":
		im.counts.updated++
	case "unchanged":
		im.counts.unchanged++
	default:
		why := r.Outcome
		if r.Problem != nil {
			why = r.Problem.reason()
		}
		im.reject(article.place(), why)
		return
	}
	if r.InIndex != nil && !*r.InIndex {
		im.counts.tooOld++
	}
}

// outcome is how the command ends, given the error that ended it early.
func (im *importer) outcome(ctx context.Context, err error) error {
	switch {
	case err != nil && ctx.Err() != nil:
		im.progress.say("interrupted: the same command again goes on from here")
	case err != nil && im.counts.stored() == 0:
		return err
	case err != nil:
		im.progress.say("newsfeed: %v; the same command again goes on from here", err)
	case im.counts.all() == 0:
		return errors.New("there are no articles in it")
	}
	failed := im.counts.rejected
	if err != nil {
		failed++
	}
	return outcome(im.counts.stored(), failed)
}
