package topic

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// What the log says is compiled in the background: the tagger that is there serves
// meanwhile, many changes are compiled together, and in the end all are known. What
// an editor was answered is known at once.
func TestTaggerFollows(t *testing.T) {
	c := NewCatalogue(Seed())
	defer c.Close()
	c.Learn(Topic{ID: "zero", Name: "Zorblax Zero", Kind: KindSubject})
	first := c.Tagger()
	if got := found(first, Text{Title: "Zorblax Zero"}); !slices.Contains(got, "zero") {
		t.Errorf("the first tagger finds %v", got)
	}
	c.compile.Lock() // whoever compiles now has to wait
	for i := range 1000 {
		c.Learn(Topic{ID: ID(fmt.Sprint("z-", i)), Name: fmt.Sprint("Zorblax N", i), Kind: KindSubject})
	}
	c.Learn(Topic{ID: "tag", Name: "Tag", Kind: KindTag})
	if c.Tagger() != first {
		t.Error("the tagger changed while none was compiled")
	}
	c.compile.Unlock()
	taggers := map[*Tagger]bool{}
	for deadline := time.Now().Add(time.Minute); c.isStale() && time.Now().Before(deadline); {
		taggers[c.Tagger()] = true
	}
	taggers[c.Tagger()] = true
	delete(taggers, first)
	if got := found(c.Tagger(), Text{Title: "Zorblax N999"}); !slices.Contains(got, "z-999") || len(taggers) > 2 {
		t.Errorf("after %d compilations %v is found", len(taggers), got)
	}
	c.Learn(Topic{ID: "zorblax", Name: "Zorblax", Kind: KindSubject})
	c.Insist()
	if got := found(c.Tagger(), Text{Title: "Zorblax"}); !slices.Contains(got, "zorblax") {
		t.Errorf("what was insisted on is not known: %v", got)
	}
	c.Close()
	c.Learn(Topic{ID: "late", Name: "Zorblax Late", Kind: KindSubject}) // nothing starts any more
	c.done.Wait()
}

// Learning, tagging and closing at the same time is safe.
func TestTaggerTogether(t *testing.T) {
	c := NewCatalogue([]Topic{{ID: "a", Name: "Alpha", Kind: KindSubject}})
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 50 {
				c.Learn(Topic{ID: ID(fmt.Sprintf("t-%d-%d", g, i)), Name: fmt.Sprintf("Topic%d x%d", g, i), Kind: KindSubject})
				c.Tagger().Tags(Text{Title: "Alpha"})
			}
		})
	}
	all.Go(c.Close)
	all.Wait()
	c.Insist()
	if got := found(c.Tagger(), Text{Title: "Topic3 x49"}); !slices.Contains(got, "t-3-49") {
		t.Errorf("found %v", got)
	}
}
