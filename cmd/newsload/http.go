package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// httpCommand measures a server through its door.
type httpCommand struct {
	URL      string   `help:"A running server with NEWSFEED_BENCH=true, NEWSFEED_RATE_LIMIT=off, NEWSFEED_TAGGER=off, NEWSFEED_HORIZON=0, an empty store; else one is started." placeholder:"URL"`
	PID      int      `help:"The process of the server at the URL, on this machine."`
	Keys     []string `help:"Publishers' keys of the server at the URL: one for each 5,000 topics." placeholder:"KEY"`
	Newsfeed string   `help:"The binary to start; else it is built." placeholder:"FILE"`
	Work     string   `help:"Where the server keeps its data while this runs." placeholder:"FOLDER"`

	Articles    int    `help:"Articles in the corpus." default:"1000000"`
	Topics      int    `help:"Topics in the corpus." default:"20000"`
	People      int    `help:"Distinct people." default:"20000"`
	Least       int    `help:"Interests of a person, at least." default:"5"`
	Most        int    `help:"Interests of a person, at most." default:"200"`
	Seed        uint64 `help:"Another seed is another corpus." default:"1"`
	Slices      int    `help:"Slices of each measurement; sides take turns." default:"7"`
	Requests    int    `help:"Requests in a slice, each of another person." default:"2500"`
	Connections int    `help:"Connections that ask at once." default:"8"`

	Parts    []string      `help:"Of rows, latency, visible, ingest." default:"rows,latency,visible,ingest"`
	Rate     int           `help:"Feeds per second, where latency is measured." default:"1000"`
	Duration time.Duration `help:"How long the open loops run." default:"20s"`
	Visible  int           `help:"Articles per second, sent one by one, where the time to be seen is measured." default:"500"`
	Ingest   int           `help:"Articles per second, where the rate of feeds meanwhile is measured." default:"1000"`
	Batch    int           `help:"Articles in a call, there." default:"50"`

	outputs
}

// Run brings the corpus and the people, then measures one part after the other.
func (h *httpCommand) Run(ctx context.Context, t *tool) error {
	c := &Corpus{Articles: h.Articles, Topics: h.Topics, Seed: h.Seed, End: time.Now().UTC()}
	run := &httpRun{httpCommand: h, tool: t, ctx: ctx, maker: c.maker()}
	run.report = newReport(t, fmt.Sprintf("%d articles of 30 days, 3 to %d of %d topics on each (Zipf, %g); %d people of %d to %d interests, every fourth niche; seed %d",
		c.Articles, mostTopics, c.Topics, zipfExponent, h.People, h.Least, h.Most, c.Seed))
	dir, err := workFolder(h.Work)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if h.URL != "" {
		run.door = newDoor(h.URL, h.Keys, h.PID)
	} else if run.door, err = startDoor(ctx, h.Newsfeed, dir, c.Topics); err != nil {
		return err
	}
	err = run.all()
	return errors.Join(err, run.door.close())
}

// httpRun is one run against one server.
type httpRun struct {
	*httpCommand
	*tool
	*maker
	ctx    context.Context
	door   *door
	guests []guest
	report *Report
	round  int // of people that take their turn
	touch  int // versions of the touchers published
	later  int // articles published after the corpus
}

func (r *httpRun) all() error {
	if len(r.door.keys) < 1+(r.httpCommand.Topics-1)/newTopicsPerKey {
		return fmt.Errorf("%d topics need more publishers' keys than %d", r.httpCommand.Topics, len(r.door.keys))
	}
	if _, err := r.door.get("/bench/fixed?bytes=10", ""); err != nil {
		return fmt.Errorf("the yardstick: %w; the server needs NEWSFEED_BENCH=true", err)
	}
	r.say("bringing %d articles and %d people", r.httpCommand.Articles, r.People)
	if err := r.door.bring(r.ctx, r.tool, r.maker); err != nil {
		return err
	}
	follows := make([][]string, r.People)
	for j := range follows {
		follows[j] = r.names(r.anyone(j, r.Least, r.Most))
	}
	began := time.Now()
	var err error
	if r.guests, err = r.door.welcome(r.ctx, r.People, func(j int) []string { return follows[j] }); err != nil {
		return err
	}
	r.say("%d people in %v", r.People, time.Since(began).Round(time.Second))
	rand.New(rand.NewPCG(r.httpCommand.Seed, 7)).Shuffle(len(r.guests), func(i, j int) {
		r.guests[i], r.guests[j] = r.guests[j], r.guests[i]
	})
	for _, part := range []struct {
		name    string
		measure func() error
	}{{"rows", r.rows}, {"latency", r.latency}, {"visible", r.visible}, {"ingest", r.ingest}} {
		if !slices.Contains(r.Parts, part.name) {
			continue
		}
		r.say("measuring: %s", part.name)
		if err := part.measure(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return r.report.write(r.tool, r.outputs)
}

// touchAll makes every feed one that has to be judged anew.
func (r *httpRun) touchAll() error {
	r.touch++
	return r.door.touch(r.maker, r.touch)
}

// next returns the people whose turn it is: others at each call, as long as there
// are others.
func (r *httpRun) next(n int) []*guest {
	out := make([]*guest, min(n, len(r.guests)))
	for i := range out {
		out[i] = &r.guests[(r.round+i)%len(r.guests)]
	}
	r.round += len(out)
	return out
}

const feedPath = "/feed?limit=30"

// askFeed reads a person's feed and remembers its size and version.
func (r *httpRun) askFeed(c *caller, g *guest) error {
	if err := c.must(fasthttp.StatusOK, feedPath, g.token, nil); err != nil {
		return err
	}
	g.page = len(c.res.Body())
	g.etag = string(c.res.Header.Peek(fasthttp.HeaderETag))
	return nil
}

func (r *httpRun) askFixed(c *caller, g *guest) error {
	return c.must(fasthttp.StatusOK, "/bench/fixed?bytes="+strconv.Itoa(g.page), g.token, nil)
}

func (r *httpRun) askAgain(c *caller, g *guest) error {
	return c.must(fasthttp.StatusNotModified, feedPath, g.token, nil, fasthttp.HeaderIfNoneMatch, g.etag)
}

// slice lets each of the people ask once.
func (r *httpRun) slice(people []*guest, ask func(*caller, *guest) error) (cost, error) {
	before, err := r.door.cpu()
	if err != nil {
		return cost{}, err
	}
	began := time.Now()
	if err := parallel(r.ctx, r.Connections, len(people), func(c *caller, j int) error { return ask(c, people[j]) }, r.door); err != nil {
		return cost{}, err
	}
	wall := time.Since(began)
	after, err := r.door.cpu()
	if err == nil && after == before {
		err = fmt.Errorf("process %d used no processor while %d requests were answered: it is not the server's", r.door.process, len(people))
	}
	return cost{len(people), wall, after - before}, err
}

// sides of the rows, in the order of the table.
var httpSides = []string{
	"fixed body of as many bytes",
	"feed, nothing changed since the last request",
	"feed, every request must judge anew",
	"304",
}

// rows compares the feed to a fixed body of the same size: same process, same
// people, same connections. In each round all feeds are touched, so that the
// first request of each person is judged anew; then the same people ask again.
func (r *httpRun) rows() error {
	all := make([]costs, len(httpSides))
	bytes := 0
	var before []*guest
	for round := -1; round < r.Slices; round++ { // the first warms up
		people := r.next(r.Requests)
		if round < 0 {
			if _, err := r.slice(people, r.askFeed); err != nil {
				return err
			}
		}
		if err := r.touchAll(); err != nil {
			return err
		}
		if err := r.provesAnew(before); err != nil {
			return err
		}
		before = people
		anew, err := r.slice(people, r.askFeed)
		if err != nil {
			return err
		}
		costs := []cost{2: anew, 3: {}}
		asks := []func(*caller, *guest) error{r.askFixed, r.askFeed, nil, r.askAgain}
		for turn := range asks { // another one begins in each round
			side := (turn + max(round, 0)) % len(asks)
			if asks[side] == nil {
				continue
			}
			if costs[side], err = r.slice(people, asks[side]); err != nil && side == 3 {
				// The quarter of an hour that is part of an ETag may have ended.
				if _, err = r.slice(people, r.askFeed); err == nil {
					costs[side], err = r.slice(people, asks[side])
				}
			}
			if err != nil {
				return err
			}
		}
		if round < 0 {
			continue
		}
		for side := range all {
			all[side] = append(all[side], costs[side])
		}
		for _, g := range people {
			bytes += g.page
		}
	}
	t := r.report.table("One request, by the clock of the server's process", "", "CPU", "fixed body's CPU / this", "requests a second", "rate / fixed body's rate")
	for side, name := range httpSides {
		t.add(name, figure("s", all[side].cpu()...), figure("×", over(all[0].cpu(), all[side].cpu())...),
			rate(all[side]), figure("×", over(all[0].wall(), all[side].wall())...))
	}
	t.note("%d rounds of %d people, each once a row, %d connections; a page is %d bytes on average.",
		r.Slices, len(r.next(r.Requests)), r.Connections, bytes/max(1, r.Slices*min(r.Requests, len(r.guests))))
	return nil
}

// rate is how many requests were answered in a second.
func rate(c costs) Figure {
	return figure(" /s", c.each(func(c cost) float64 { return 1 / c.wallEach() })...)
}

// provesAnew checks that what a few people of the round before knew is no longer
// the version of their feed.
func (r *httpRun) provesAnew(people []*guest) error {
	c := r.door.caller()
	for _, g := range people[:min(5, len(people))] {
		if err := c.must(fasthttp.StatusOK, feedPath, g.token, nil, fasthttp.HeaderIfNoneMatch, g.etag); err != nil {
			return fmt.Errorf("a feed all of whose topics were touched: %w", err)
		}
	}
	return nil
}
