package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"newsfeed/feed"
)

// latency asks for feeds at a rate, each by another person.
func (r *httpRun) latency() error {
	if err := r.touchAll(); err != nil {
		return err
	}
	took := newLatencies()
	load := openLoop{rate: r.Rate, duration: r.Duration, callers: 256, do: func(c *caller, i int, intended time.Time) error {
		err := c.must(200, feedPath, r.guests[i%len(r.guests)].token, nil)
		took.since(intended)
		return err
	}}
	if err := load.run(r.ctx, r.door); err != nil {
		return err
	}
	title := fmt.Sprintf("GET /feed at %d a second, from the intended start to the last byte", r.Rate)
	t := r.report.table(title, percentileColumns("")...)
	t.add("feed", took.figures()...)
	took.draw(r.report.chart(title, "one request in … takes longer", "s "), "feed")
	return nil
}

// visible publishes articles one by one at a rate, and lets a person who follows
// the article's topic look for it.
func (r *httpRun) visible() error {
	const watchers = 64
	topic := func(n int) string { return fmt.Sprintf("visible-%d", n%watchers) }
	if err := r.introduce(watchers, topic); err != nil {
		return err
	}
	people, err := r.door.welcome(r.ctx, watchers, func(j int) []string { return []string{topic(j)} })
	if err != nil {
		return err
	}
	answered, seen, all := newLatencies(), newLatencies(), newLatencies()
	var again atomic.Int64
	load := openLoop{rate: r.Visible, duration: r.Duration, callers: 256, do: func(c *caller, i int, intended time.Time) error {
		id, err := r.publishOne(c, "visible", i, topic(i))
		if err != nil {
			return err
		}
		answered.since(intended)
		accepted := time.Now()
		for looks := 0; ; looks++ {
			if err := c.must(200, "/feed?limit=100", people[i%watchers].token, nil); err != nil {
				return err
			}
			if bytes.Contains(c.res.Body(), []byte(id)) {
				break
			}
			if again.Add(1); time.Since(accepted) > 5*time.Second {
				return fmt.Errorf("article %s was accepted and is in no feed after %d looks", id, looks)
			}
		}
		seen.since(accepted)
		all.since(intended)
		return nil
	}}
	if err := load.run(r.ctx, r.door); err != nil {
		return err
	}
	title := fmt.Sprintf("%d articles a second, one by one: when they are seen", r.Visible)
	t := r.report.table(title, percentileColumns("")...)
	t.add("intended start to acceptance", answered.figures()...)
	t.add("acceptance to a feed that shows it", seen.figures()...)
	t.add("intended start to a feed that shows it", all.figures()...)
	t.note("%d looks found the article not there yet.", again.Load())
	chart := r.report.chart(title, "one article in … takes longer", "s ")
	answered.draw(chart, "to acceptance")
	seen.draw(chart, "from acceptance to seen")
	all.draw(chart, "to seen")
	return nil
}

// introduce makes topics known.
func (r *httpRun) introduce(n int, topic func(int) string) error {
	c := r.door.caller()
	for i := range n {
		if _, err := r.publishOne(c, "introduction", i, topic(i)); err != nil {
			return err
		}
	}
	return nil
}

// publishOne sends one article on one topic, published now, and returns its id
// when it was accepted.
func (r *httpRun) publishOne(c *caller, what string, i int, topic string) (string, error) {
	address := fmt.Sprintf("https://news.example/%s/%d/%d", what, r.End.UnixNano(), i)
	body, err := json.Marshal(map[string]any{"url": address, "title": fmt.Sprintf("Article %s-%d", what, i), "topics": []string{topic}})
	if err != nil {
		return "", err
	}
	err = c.must(200, "/articles", r.door.keys[len(r.door.keys)-1], body, "Content-Type", "application/json")
	if err == nil && !bytes.Contains(c.res.Body(), []byte(`"accepted":1`)) {
		err = fmt.Errorf("article %s was not accepted: %.300s", address, c.res.Body())
	}
	return feed.NewArticleID(address).String(), err
}

// ingest compares the rate of feeds while articles come in to that without: each
// request is another person's, and all were touched before. The loops share the
// machine with this tool.
func (r *httpRun) ingest() error {
	var quiet, busy costs
	var came []float64
	for slice := -1; slice < r.Slices; slice++ { // the first warms up
		without, err := r.feeds()
		if err != nil {
			return err
		}
		articles := r.ingesting()
		with, err := r.feeds()
		perSecond, err2 := articles()
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if slice >= 0 {
			quiet, busy, came = append(quiet, without), append(busy, with), append(came, perSecond)
		}
	}
	t := r.report.table(fmt.Sprintf("Feeds while %d articles a second come in, every request judged anew", r.Ingest),
		"", "feeds", "CPU of the server for each, ingest included", "articles")
	t.add("without", rate(quiet), figure("s", quiet.cpu()...), figure(" /s", 0))
	t.add("while ingesting", rate(busy), figure("s", busy.cpu()...), figure(" /s", came...))
	t.add("while ingesting / without", figure("×", over(quiet.wall(), busy.wall())...), figure("×", over(busy.cpu(), quiet.cpu())...), figure(""))
	t.note("%d connections, each asking as soon as it is answered; articles in calls of %d.", r.Connections, r.Batch)
	return nil
}

// feeds lets people ask, each for the first time since all was touched.
func (r *httpRun) feeds() (cost, error) {
	if err := r.touchAll(); err != nil {
		return cost{}, err
	}
	return r.slice(r.next(2*r.Requests), r.askFeed)
}

// ingesting publishes at a rate until the function returned is called, which
// returns the rate that was reached.
func (r *httpRun) ingesting() (stop func() (float64, error)) {
	ended, quit := make(chan error, 1), make(chan struct{})
	began, sent := time.Now(), 0
	go func() {
		c := r.door.caller()
		every := time.Duration(float64(r.Batch) / float64(r.Ingest) * float64(time.Second))
		for {
			select {
			case <-quit:
				ended <- nil
				return
			case <-time.After(time.Until(began.Add(time.Duration(sent/r.Batch) * every))):
			}
			var part []any
			for range r.Batch {
				r.later++
				part = append(part, r.draft(r.httpCommand.Articles+r.later))
			}
			if err := c.publish(r.door.keys[0], part); err != nil {
				ended <- err
				return
			}
			sent += r.Batch
		}
	}()
	return func() (float64, error) {
		close(quit)
		err := <-ended
		return float64(sent) / time.Since(began).Seconds(), err
	}
}
