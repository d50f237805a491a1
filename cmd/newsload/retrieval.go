package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"newsfeed/feed"
)

// retrievalCommand asks every side the same question about the same corpus. Who
// answers anything else than the index ends the run: speed with other answers is
// not compared.
type retrievalCommand struct {
	Articles  int           `help:"Articles in the corpus." default:"1000000"`
	Topics    int           `help:"Topics in the corpus." default:"20000"`
	Seed      uint64        `help:"Another seed is another corpus." default:"1"`
	Interests []int         `help:"Interests of a person." default:"5,50,200"`
	People    int           `help:"People that are asked for in turn, in each row." default:"500"`
	Check     int           `help:"People of each row for whom all sides are compared first." default:"20"`
	Slices    int           `help:"Slices of each measurement; sides take turns." default:"7"`
	Slice     time.Duration `help:"Length of a slice." default:"300ms"`
	Rivals    []string      `help:"Of redis, sqlite, postgres, mongo. One that is not installed is left out." default:"redis,sqlite,postgres,mongo"`
	Strict    bool          `help:"A rival that is not installed is an error."`

	Redis     string `help:"A Redis to use (its keys newsload:… are overwritten); else redis-server is started." placeholder:"URL"`
	Postgres  string `help:"A PostgreSQL to use (its tables newsload_… are overwritten); else one is started." placeholder:"URL"`
	Mongo     string `help:"A MongoDB to use (its database newsload is overwritten); else $MONGOD, or $SECANTUSD, is started." env:"MONGODB_URI" placeholder:"URI"`
	MongoTime bool   `help:"The MongoDB at the URI is MongoDB's own: show its time. Of a mongod that is started here it is shown."`
	StandIn   int    `help:"Articles that a stand-in for MongoDB has to answer about: it is slow." default:"2000"`
	Work      string `help:"Where servers keep their files while this runs." placeholder:"FOLDER"`

	outputs
}

// Run builds, compares, measures, reports.
func (r *retrievalCommand) Run(ctx context.Context, t *tool) error {
	c := &Corpus{Articles: r.Articles, Topics: r.Topics, Seed: r.Seed, End: defaultEnd}
	report := newReport(t, fmt.Sprintf("%d articles of 30 days, 3 to %d of %d topics on each (Zipf, %g), seed %d",
		c.Articles, mostTopics, c.Topics, zipfExponent, c.Seed))
	dir, err := workFolder(r.Work)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sides, err := r.sides(ctx, t, c, dir)
	defer func() {
		for _, s := range slices.Backward(sides) {
			if err := s.close(); err != nil {
				t.say("%s: %v", s.name(), err)
			}
		}
	}()
	if err != nil {
		return err
	}
	proof, err := r.mongo(ctx, t, c, dir, &sides)
	if err != nil {
		return err
	}
	if err := r.measure(ctx, t, c, sides, report); err != nil {
		return err
	}
	if proof != "" {
		report.Tables[0].note("%s", proof)
	}
	return report.write(t, r.outputs)
}

// sides makes the index and all rivals but MongoDB. On an error those made so far
// are returned with it. The first side is the index.
func (r *retrievalCommand) sides(ctx context.Context, t *tool, c *Corpus, dir string) ([]side, error) {
	t.say("the index: %d articles", c.Articles)
	x, err := c.index(ctx)
	if err != nil {
		return nil, err
	}
	builder := feed.NewBuilder(x)
	sides := []side{&ours{builder}, &page{builder: builder, end: c.End}}
	all := c.postings()
	for _, rival := range []struct {
		name string
		make func(dir string) ([]side, error)
	}{
		{"redis", func(dir string) ([]side, error) {
			s, err := startRedis(ctx, r.Redis, dir, all)
			return []side{&redisMerge{redisServer: s}, &redisUnion{redisServer: s}}, err
		}},
		{"sqlite", func(dir string) ([]side, error) {
			s, err := openSQLite(ctx, dir, all)
			return []side{&sqliteIn{s}, &sqliteTops{s}, &sqliteNewest{s}}, err
		}},
		{"postgres", func(dir string) ([]side, error) {
			s, err := startPostgres(ctx, r.Postgres, dir, c, all)
			return []side{&postgresLateral{s}, &postgresOverlap{s}, &postgresNewest{s}}, err
		}},
	} {
		if !slices.Contains(r.Rivals, rival.name) {
			continue
		}
		t.say("%s: bringing %d postings", rival.name, len(all))
		sub, err := subfolder(dir, rival.name)
		if err != nil {
			return sides, err
		}
		made, err := rival.make(sub)
		if r.leftOut(t, err) {
			continue
		}
		if err != nil {
			return sides, err
		}
		sides = append(sides, made...)
	}
	return sides, nil
}

// leftOut is whether an error says that a rival is not installed, and that is
// allowed.
func (r *retrievalCommand) leftOut(t *tool, err error) bool {
	if r.Strict || !errors.Is(err, errNotInstalled) {
		return false
	}
	t.say("left out: %v", err)
	return true
}

// mongo adds MongoDB to the sides. Of a stand-in for it, it proves that it
// answers the same about a small corpus, and tells so: its time is not MongoDB's.
func (r *retrievalCommand) mongo(ctx context.Context, t *tool, c *Corpus, dir string, sides *[]side) (string, error) {
	if !slices.Contains(r.Rivals, "mongo") {
		return "", nil
	}
	genuine := r.MongoTime
	if r.Mongo == "" {
		_, genuine = mongoBinary()
	}
	sub, err := subfolder(dir, "mongo")
	if err != nil {
		return "", err
	}
	small := *c
	if !genuine {
		small.Articles = min(c.Articles, r.StandIn)
	}
	t.say("mongo: bringing %d articles", small.Articles)
	s, err := startMongo(ctx, r.Mongo, sub, &small)
	if r.leftOut(t, err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if genuine {
		*sides = append(*sides, s)
		return "", nil
	}
	defer s.close()
	x, err := small.index(ctx)
	if err != nil {
		return "", err
	}
	compared := 0
	for _, taste := range tastes {
		for _, n := range r.Interests {
			people := small.maker().questions(taste, n, min(r.Check, 5))
			if err := compare(ctx, []side{&ours{feed.NewBuilder(x)}, s}, people); err != nil {
				return "", fmt.Errorf("%d articles, %s, %d interests: %w", small.Articles, taste, n, err)
			}
			compared += len(people)
		}
	}
	return fmt.Sprintf("%s: the server at hand speaks MongoDB's protocol and is not MongoDB: it gave the same answers for %d people "+
		"on %d articles, and its time is left out.", s.name(), compared, small.Articles), nil
}

// questions makes people that follow n topics.
func (m *maker) questions(t taste, n, people int) []question {
	out := make([]question, people)
	for j := range out {
		topics := m.person(t, j, n)
		out[j] = question{topics, m.ready(topics)}
	}
	return out
}

// compare asks all sides for all people. The page is another question.
func compare(ctx context.Context, sides []side, people []question) error {
	for j := range people {
		want, err := sides[0].ask(ctx, nil, &people[j])
		if err != nil {
			return err
		}
		for _, s := range sides[1:] {
			if _, other := s.(*page); other {
				continue
			}
			got, err := s.ask(ctx, nil, &people[j])
			if err != nil {
				return fmt.Errorf("%s: person %d: %w", s.name(), j, err)
			}
			if !slices.Equal(got, want) {
				return fmt.Errorf("%s answers person %d, who follows %v, otherwise than %s:\n got %v\nwant %v",
					s.name(), j, people[j].topics, sides[0].name(), got, want)
			}
		}
	}
	return nil
}

// measure fills the report, a row of people after the other.
func (r *retrievalCommand) measure(ctx context.Context, t *tool, c *Corpus, sides []side, report *Report) error {
	columns := []string{"people", "30 articles, wall", "30 articles, CPU", "whole page, wall", "whole page, CPU", "best rival, wall"}
	summary := report.table("How many times faster than the best rival", columns...)
	against := report.table("The same, with the rivals that know a further trick", columns...)
	for _, taste := range tastes {
		chart := report.chart(fmt.Sprintf("30 articles for a %s person: wall time of one question", taste), "interests", "s a question")
		for _, n := range r.Interests {
			people := c.maker().questions(taste, n, r.People)
			if err := compare(ctx, sides, people[:min(r.Check, len(people))]); err != nil {
				return fmt.Errorf("%s, %d interests: %w", taste, n, err)
			}
			t.say("%s, %d interests: the same answers for %d people; measuring", taste, n, min(r.Check, len(people)))
			all, err := r.row(ctx, sides, people)
			if err != nil {
				return err
			}
			name := fmt.Sprintf("%s, %d interests", taste, n)
			r.detail(report.table(name, "side", "wall", "CPU"), sides, all)
			summarise(summary, name, sides, all, func(s side) bool { _, is := s.(harder); return !is })
			summarise(against, name, sides, all, func(side) bool { return true })
			for i, s := range sides {
				chart.point(s.name(), float64(n), figure("s", all[i].wall()...).Median)
			}
		}
	}
	summary.note("Each slice is divided by the slice beside it. The best rival is the one of the smallest median, for wall and CPU apart. CPU is this process's and the server's together.")
	return nil
}

// row measures each side in slices that take turns.
func (r *retrievalCommand) row(ctx context.Context, sides []side, people []question) ([]costs, error) {
	all := make([]costs, len(sides))
	dst := make([]feed.ArticleID, 0, 2*best)
	for slice := -1; slice < r.Slices; slice++ { // the first warms up
		for i, s := range sides {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			known := true
			cpu := func() (time.Duration, error) {
				used, ok, err := s.cpu()
				known = known && ok
				return used, err
			}
			length := r.Slice
			if slice < 0 {
				length /= 4
			}
			start := max(slice, 0) * len(people) / max(r.Slices, 1)
			c, err := clocked(length, cpu, func(j int) (err error) {
				dst, err = s.ask(ctx, dst[:0], &people[(start+j)%len(people)])
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name(), err)
			}
			if slice < 0 {
				continue
			}
			if !known {
				c.cpu = -1
			}
			all[i] = append(all[i], c)
		}
	}
	return all, nil
}

func (r *retrievalCommand) detail(t *Table, sides []side, all []costs) {
	for i, s := range sides {
		t.add(s.name(), figure("s", all[i].wall()...), cpuFigure(all[i]))
	}
}

// cpuFigure is empty when a server's clock could not be read.
func cpuFigure(c costs) Figure {
	for _, slice := range c {
		if slice.cpu < 0 {
			return figure("s")
		}
	}
	return figure("s", c.cpu()...)
}

// summarise compares the index and the page, which are the first two sides, to the
// best of those rivals that count.
func summarise(t *Table, name string, sides []side, all []costs, counts func(side) bool) {
	wall := bestOf(sides, all, counts, func(c costs) Figure { return figure("s", c.wall()...) })
	cpu := bestOf(sides, all, counts, cpuFigure)
	ratio := func(rival int, of costs, series func(costs) []float64) Figure {
		if rival < 0 {
			return figure("×")
		}
		return figure("×", over(series(all[rival]), series(of))...)
	}
	row := []Figure{
		ratio(wall, all[0], costs.wall), ratio(cpu, all[0], costs.cpu),
		ratio(wall, all[1], costs.wall), ratio(cpu, all[1], costs.cpu), figure("s"),
	}
	if wall > 0 {
		name += " (best: " + sides[wall].name() + ")"
		row[len(row)-1] = figure("s", all[wall].wall()...)
	}
	t.add(name, row...)
}

// bestOf returns the rival of the smallest median, -1 when there is none.
func bestOf(sides []side, all []costs, counts func(side) bool, of func(costs) Figure) int {
	found, least := -1, math.Inf(1)
	for i := 2; i < len(sides); i++ {
		if m := of(all[i]).Median; counts(sides[i]) && m < least {
			found, least = i, m
		}
	}
	return found
}
