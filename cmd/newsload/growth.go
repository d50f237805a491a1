package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"newsfeed/feed"
)

// growthCommand measures how the cost of a page grows, one size at a time, and
// what the index takes.
type growthCommand struct {
	Articles  []int         `help:"Corpora that pages are made from." default:"10000,100000,1000000"`
	Bare      []int         `help:"Corpora without titles and summaries, where cards are as small as they get." default:"10000,100000,1000000,10000000"`
	People    []int         `help:"Numbers of distinct people, on a corpus of the middle size." default:"1000,10000,100000,1000000"`
	Interests []int         `help:"Interests of a person, on the largest corpus." default:"5,15,50,150,500"`
	Typical   int           `help:"Interests of a person elsewhere." default:"50"`
	Few       int           `help:"Interests of a person where a million people have to fit." default:"20"`
	Topics    int           `help:"Topics in a corpus." default:"20000"`
	Sample    int           `help:"People that pages are made for." default:"2000"`
	Seed      uint64        `help:"Another seed is another corpus." default:"1"`
	Slices    int           `help:"Slices of each measurement; sizes take turns." default:"7"`
	Slice     time.Duration `help:"Length of a slice." default:"300ms"`

	outputs
}

// Run measures one dimension after the other.
func (g *growthCommand) Run(ctx context.Context, t *tool) error {
	report := newReport(t, fmt.Sprintf("articles of 30 days, 3 to %d of %d topics on each (Zipf, %g), mainstream people, seed %d",
		mostTopics, g.Topics, zipfExponent, g.Seed))
	run := &growth{growthCommand: g, ctx: ctx, tool: t, report: report}
	run.exponents = report.table("Exponent of the cost: cost grows as size to the power of it", "of a page, in", "exponent", "smallest", "largest")
	for _, step := range []func() error{run.articles, run.bare, run.people} {
		if err := step(); err != nil {
			return err
		}
		debug.FreeOSMemory()
	}
	return report.write(t, g.outputs)
}

type growth struct {
	*growthCommand
	*tool
	ctx       context.Context
	report    *Report
	exponents *Table
}

// sized is something whose cost is measured at a size.
type sized struct {
	size float64
	ask  func(i int)
}

// measure lets the sizes take turns and reports each, and the exponent.
func (g *growth) measure(title, of string, cases []sized) error {
	all := make([]costs, len(cases))
	for slice := -1; slice < g.Slices; slice++ { // the first warms up
		for i, c := range cases {
			if err := g.ctx.Err(); err != nil {
				return err
			}
			runtime.GC() // what one leaves behind is not the next one's to sweep
			start := max(slice, 0) * 997
			cost, err := clocked(g.Slice, ownCPU, func(j int) error { c.ask(start + j); return nil })
			if err != nil {
				return err
			}
			if slice >= 0 {
				all[i] = append(all[i], cost)
			}
		}
	}
	table := g.report.table(title, of, "CPU", "wall")
	chart := g.report.chart(title, of, "s of CPU")
	var x, y []float64
	for i, c := range cases {
		cpu := figure("s", all[i].cpu()...)
		table.add(fmt.Sprintf("%.0f", c.size), cpu, figure("s", all[i].wall()...))
		chart.point(title, c.size, cpu.Median)
		x, y = append(x, c.size), append(y, cpu.Median)
	}
	if len(cases) > 1 {
		last := len(cases) - 1
		g.exponents.add(title, figure("", exponent(x, y)), figure("s", all[0].cpu()...), figure("s", all[last].cpu()...))
	}
	return nil
}

func (g *growth) corpus(articles int, bare bool) *Corpus {
	return &Corpus{Articles: articles, Topics: g.Topics, Seed: g.Seed, End: defaultEnd, Bare: bare}
}

// pages returns what makes a page for the people in turn.
func pages(b *feed.Builder, people []*feed.Person) func(i int) {
	body := make([]byte, 0, 256<<10)
	return func(i int) {
		body, _ = b.Page(body[:0], feed.Query{Person: people[i%len(people)], Limit: best, MustKnow: 1, Now: defaultEnd})
	}
}

// retrievals returns what retrieves 30 articles for the people in turn.
func retrievals(b *feed.Builder, people []*feed.Person) func(i int) {
	dst := make([]feed.ArticleID, 0, best)
	return func(i int) { dst = b.Retrieve(dst[:0], people[i%len(people)], best) }
}

func (m *maker) readyPeople(t taste, n, interests int) []*feed.Person {
	out := make([]*feed.Person, n)
	for j := range out {
		out[j] = m.ready(m.person(t, j, interests))
	}
	return out
}

// builders makes an index of each size.
func (g *growth) builders(sizes []int, bare bool) ([]*feed.Index, []*feed.Builder, error) {
	var indexes []*feed.Index
	var builders []*feed.Builder
	for _, n := range sizes {
		g.say("an index of %d articles", n)
		x, err := g.corpus(n, bare).index(g.ctx)
		if err != nil {
			return nil, nil, err
		}
		indexes, builders = append(indexes, x), append(builders, feed.NewBuilder(x))
	}
	return indexes, builders, nil
}

// articles measures pages by the size of the corpus; and, on the largest, what it
// takes, pages by interests, and the tenth page beside the first.
func (g *growth) articles() error {
	indexes, builders, err := g.builders(g.Articles, false)
	if err != nil {
		return err
	}
	m := g.corpus(g.Articles[0], false).maker()
	var whole, stage1 []sized
	for i, n := range g.Articles {
		people := m.readyPeople(mainstream, g.Sample, g.Typical)
		whole = append(whole, sized{float64(n), pages(builders[i], people)})
		stage1 = append(stage1, sized{float64(n), retrievals(builders[i], people)})
	}
	if err := g.measure("Page of 30, by articles", "articles", whole); err != nil {
		return err
	}
	if err := g.measure("Stage 1 alone, by articles", "articles", stage1); err != nil {
		return err
	}
	last := len(builders) - 1
	if err := g.interests(m, builders[last]); err != nil {
		return err
	}
	if err := g.depth(m, builders[last]); err != nil {
		return err
	}
	x := indexes[last]
	indexes, builders, whole, stage1 = nil, nil, nil, nil
	g.memory(m, x)
	return nil
}

func (g *growth) interests(m *maker, b *feed.Builder) error {
	for _, taste := range tastes {
		var whole []sized
		for _, n := range g.Interests {
			whole = append(whole, sized{float64(n), pages(b, m.readyPeople(taste, min(g.Sample, 500), n))})
		}
		if err := g.measure(fmt.Sprintf("Page of 30, by interests, %s", taste), "interests", whole); err != nil {
			return err
		}
	}
	return nil
}

// depth compares the tenth page of a walk to its first.
func (g *growth) depth(m *maker, b *feed.Builder) error {
	const deep = 10
	people := m.readyPeople(mainstream, min(g.Sample, 500), g.Typical)
	cursors := make([]*feed.Cursor, len(people))
	for j, p := range people {
		q := feed.Query{Person: p, Limit: best, MustKnow: 1, Now: defaultEnd}
		for range deep - 1 {
			body, page := b.Page(nil, q)
			next := page.Next(body)
			if len(next) == 0 {
				break
			}
			c, err := feed.ParseCursor(string(next), defaultEnd)
			if err != nil {
				return fmt.Errorf("the cursor of a page just made: %w", err)
			}
			q.Cursor = &c
		}
		cursors[j] = q.Cursor
	}
	body := make([]byte, 0, 256<<10)
	tenth := func(i int) {
		i %= len(people)
		body, _ = b.Page(body[:0], feed.Query{Person: people[i], Cursor: cursors[i], Limit: best, MustKnow: 1, Now: defaultEnd})
	}
	var first, last costs
	for slice := -1; slice < g.Slices; slice++ {
		for _, c := range []struct {
			ask func(int)
			to  *costs
		}{{pages(b, people), &first}, {tenth, &last}} {
			cost, err := clocked(g.Slice, ownCPU, func(j int) error { c.ask(j); return nil })
			if err != nil {
				return err
			}
			if slice >= 0 {
				*c.to = append(*c.to, cost)
			}
		}
	}
	t := g.report.table("Page 10 of a walk beside page 1", "", "CPU")
	t.add("page 1", figure("s", first.cpu()...))
	t.add("page 10", figure("s", last.cpu()...))
	t.add("page 10 / page 1", figure("×", over(last.cpu(), first.cpu())...))
	return nil
}

// memory reports allocations, bytes and collection, with one index in memory.
func (g *growth) memory(m *maker, x *feed.Index) {
	people := m.readyPeople(mainstream, g.Sample, g.Typical)
	size := x.Size()
	t := g.report.table(fmt.Sprintf("The index of %d articles", size.Articles), "", "")
	t.add("allocations a page", figure("", allocations(pages(feed.NewBuilder(x), people), g.Sample)))
	per := func(bytes int) Figure { return figure(" B", float64(bytes)/float64(max(size.Articles, 1))) }
	t.add("bytes an article, cards apart", figure(" B", size.PerArticle()))
	for _, part := range []struct {
		name  string
		bytes int
	}{{"columns", size.Columns}, {"forward index", size.Tags}, {"posting lists", size.Postings}, {"table of ids", size.IDs}, {"cards", size.Cards}} {
		t.add("  "+part.name, per(part.bytes))
	}
	people = nil
	debug.FreeOSMemory()
	var mark, wall, cpu []float64
	for range max(g.Slices, 5) {
		before := marking()
		c, err := clocked(0, ownCPU, func(int) error { runtime.GC(); return nil })
		if err != nil {
			continue
		}
		mark, wall, cpu = append(mark, marking()-before), append(wall, c.wall.Seconds()), append(cpu, c.cpu.Seconds())
	}
	t.add("marking of a full collection, CPU", figure("s", mark...))
	t.add("all of it with sweeping, wall", figure("s", wall...))
	t.add("all of it with sweeping, CPU", figure("s", cpu...))
	runtime.KeepAlive(x)
}

// marking is the processor time that this process has spent on marking so far, in
// seconds, by the runtime's own clock.
func marking() (seconds float64) {
	samples := []metrics.Sample{
		{Name: "/cpu/classes/gc/mark/assist:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/dedicated:cpu-seconds"},
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
	}
	metrics.Read(samples)
	for _, s := range samples {
		seconds += s.Value.Float64()
	}
	return seconds
}

// allocations counts them for a page, collections and their effects included.
func allocations(ask func(int), n int) float64 {
	for i := range n {
		ask(i)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range n {
		ask(i)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

// bare measures with cards as small as they get, where ten million articles fit.
func (g *growth) bare() error {
	if len(g.Bare) == 0 {
		return nil
	}
	_, builders, err := g.builders(g.Bare, true)
	if err != nil {
		return err
	}
	people := g.corpus(g.Bare[0], true).maker().readyPeople(mainstream, g.Sample, g.Typical)
	var whole, stage1 []sized
	for i, n := range g.Bare {
		whole = append(whole, sized{float64(n), pages(builders[i], people)})
		stage1 = append(stage1, sized{float64(n), retrievals(builders[i], people)})
	}
	if err := g.measure("Page of 30, by articles, smallest cards", "articles", whole); err != nil {
		return err
	}
	return g.measure("Stage 1 alone, by articles, smallest cards", "articles", stage1)
}

// people measures by how many distinct people take turns: what grows is what the
// processor's caches do not hold.
func (g *growth) people() error {
	if len(g.People) == 0 {
		return nil
	}
	c := g.corpus(g.Articles[len(g.Articles)/2], false)
	x, err := c.index(g.ctx)
	if err != nil {
		return err
	}
	b, m, most := feed.NewBuilder(x), c.maker(), 0
	for _, n := range g.People {
		most = max(most, n)
	}
	g.say("%d people", most)
	people := m.readyPeople(mainstream, most, g.Few)
	first := retrievals(b, people)
	for i := range people {
		first(i) // the person's topics are looked up once
	}
	var whole []sized
	for _, n := range g.People {
		ask := pages(b, people[:n])
		const stride = 7919 // a prime: neighbours in memory are not neighbours in time
		whole = append(whole, sized{float64(n), func(i int) { ask(i * stride % n) }})
	}
	return g.measure("Page of 30, by distinct people", "people", whole)
}
