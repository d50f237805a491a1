package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"time"
)

// corpusCommand writes a corpus for other tools. The other commands make theirs
// by themselves.
type corpusCommand struct {
	What     string    `arg:"" enum:"articles,people" help:"articles (as POST /articles takes them), or people (a line: number and topics)."`
	Articles int       `help:"How many." default:"100000"`
	People   int       `help:"How many." default:"20000"`
	Topics   int       `help:"How many, of Zipf's distribution." default:"20000"`
	Least    int       `help:"Interests of a person, at least." default:"5"`
	Most     int       `help:"Interests of a person, at most." default:"200"`
	Seed     uint64    `help:"Another seed is another corpus." default:"1"`
	End      time.Time `help:"When the newest article was published (RFC 3339); now by default."`
}

// Run writes to standard output.
func (c *corpusCommand) Run(t *tool) error {
	if c.End.IsZero() {
		c.End = time.Now()
	}
	m := (&Corpus{Articles: c.Articles, Topics: c.Topics, Seed: c.Seed, End: c.End.UTC()}).maker()
	out := bufio.NewWriter(t.stdout)
	lines := json.NewEncoder(out)
	n, line := c.Articles, func(i int) any { return m.draft(i + 1) }
	if c.What == "people" {
		n, line = c.People, func(j int) any { return person{j, m.names(m.anyone(j, c.Least, c.Most))} }
	}
	for i := range n {
		if err := lines.Encode(line(i)); err != nil {
			return fmt.Errorf("write %s: %w", c.What, err)
		}
	}
	return out.Flush()
}

type person struct {
	Person int      `json:"person"`
	Topics []string `json:"topics"`
}

func (m *maker) names(topics []int32) []string {
	out := make([]string, len(topics))
	for i, t := range topics {
		out[i] = string(m.ids[t])
	}
	return out
}
