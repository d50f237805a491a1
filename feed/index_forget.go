package feed

import (
	"math"
	"slices"
	"time"
)

// forget removes from the index the rows that nobody can name any more: versions
// superseded before a time, and articles beyond the horizon. It returns the
// editions superseded before that time, which the store need not keep. The
// writer's; readers go on with what they hold.
func (x *Index) forget(before time.Time) []Edition {
	c := x.corpus.Load()
	n, _ := slices.BinarySearchFunc(c.superseded, before, func(s supersededRow, t time.Time) int { return s.at.Compare(t) })
	editions := make([]Edition, n)
	for i, s := range c.superseded[:n] {
		editions[i] = s.edition
		c.deadUpTo = max(c.deadUpTo, c.short(s.by))
	}
	c.superseded = slices.Clone(c.superseded[n:])
	c.compact(x.oldest())
	if x.horizon > 0 {
		c.window.forgetBefore(x.now().Add(-x.horizon))
	}
	return editions
}

// remember takes back what forget returned, when the store could not prune it.
func (x *Index) remember(editions []Edition, at time.Time) {
	c := x.corpus.Load()
	rows := make([]supersededRow, 0, len(editions)+len(c.superseded))
	for _, e := range editions {
		rows = append(rows, supersededRow{edition: e, at: at})
	}
	c.superseded = append(rows, c.superseded...)
}

// oldest returns the publication, in seconds, before which articles are left out.
func (x *Index) oldest() uint32 {
	if x.horizon == 0 {
		return 0
	}
	return uint32(max(x.now().Add(-x.horizon).Unix(), 0))
}

// compact takes rows out of all lists: those closed up to deadUpTo, and those
// published before a second.
func (c *corpus) compact(oldest uint32) {
	if c.release != nil {
		if time.Now().Before(c.releaseAt) {
			return // the next call does the work of both
		}
		c.release()
		c.release = nil
	}
	v := c.view()
	dead, affected := make(map[row]bool), map[topicNum]bool{everything: true, covered: true}
	blocks := slices.Clone(v.blocks)
	for n, b := range v.blocks {
		if b == nil {
			continue
		}
		for _, r := range c.deadIn(v, row(n)<<blockBits, b, oldest) {
			dead[r] = true
			for t := range v.tagsOf(r).all() {
				affected[t.topic()] = true
			}
		}
		if b.left == 0 && uint32(n) < c.rows>>blockBits {
			blocks[n] = nil
		}
	}
	if len(dead) > 0 || len(c.stories.stale) > 0 {
		c.remove(&v, dead, affected, blocks)
	}
}

// deadIn returns the rows of a block that are to be taken out. Most blocks tell by
// their heads that there are none.
func (c *corpus) deadIn(v view, first row, b *block, oldest uint32) (dead []row) {
	if b.oldest >= oldest && !slices.ContainsFunc(load(&b.ends), func(e ending) bool { return e.to <= c.deadUpTo }) {
		return nil
	}
	b.oldest, b.left = math.MaxUint32, 0
	for i := range min(uint32(blockRows), c.rows-first) {
		r := first + i
		if c.isDropped(r) {
			continue
		}
		if published := v.published(r); b.to(i) > c.deadUpTo && published >= oldest {
			b.left++
			b.oldest = min(b.oldest, published)
		} else {
			dead = append(dead, r)
		}
	}
	ends := slices.DeleteFunc(slices.Clone(load(&b.ends)), func(e ending) bool { return e.to <= c.deadUpTo })
	b.ends.Store(&ends)
	return dead
}

// remove publishes lists and tables without the dead rows. Their cards and, where
// a block is all dead, its columns are let go after a time of grace.
func (c *corpus) remove(v *view, dead map[row]bool, affected map[topicNum]bool, blocks []*block) {
	for n := range affected {
		p := c.list(n)
		p.head.Store(p.load().without(func(r row) bool { return dead[r] }))
	}
	told := map[storyNum]bool{}
	for r := range dead {
		if n := v.story(r); n != 0 {
			told[n] = true
		}
		if v.to(r) != open {
			continue
		}
		c.list(everything).live.Add(-1)
		for t := range v.tagsOf(r).all() {
			c.list(t.topic()).live.Add(-1)
		}
	}
	gone := map[storyNum]bool{}
	for n := range told {
		for _, n := range c.stories.remove(n, func(r row) bool { return dead[r] }) {
			gone[n] = true
		}
	}
	c.stories.forget(gone)
	c.ids.keep(v, func(r row) bool { return !dead[r] })
	for r := range dead {
		c.drop(r)
	}
	// Last: what a reader keeps under a number it read before may hold rows that are
	// gone, what it keeps under one it read after does not.
	c.compactions.Add(1)
	c.releaseAt = time.Now().Add(grace)
	letGo := c.stories.letGo()
	c.release = func() {
		letGo()
		for r := range dead {
			c.cards.drop(uint64(v.at(r).card) * cardUnit)
			c.tags.drop(uint64(v.at(r).tags))
		}
		current := slices.Clone(load(&c.blocks))
		for i, b := range blocks {
			if b == nil {
				current[i] = nil
			}
		}
		c.blocks.Store(&current)
	}
}

// grace is how long a reader may take between loading a posting list and loading
// the view: only after it is what the lists no longer name let go.
const grace = time.Minute

func (c *corpus) drop(r row) {
	for int(r/64) >= len(c.dropped) {
		c.dropped = append(c.dropped, 0)
	}
	c.dropped[r/64] |= 1 << (r % 64)
}

func (c *corpus) isDropped(r row) bool {
	return int(r/64) < len(c.dropped) && c.dropped[r/64]&(1<<(r%64)) != 0
}
