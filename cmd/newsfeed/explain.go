package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"newsfeed/feed/ingest"
	"newsfeed/feed/ingest/fetch"
	"newsfeed/interests/topic"
)

// explainTopics shows what a text is tagged with.
type explainTopics struct {
	From string `arg:"" name:"file|url" help:"A text whose first line is its title, an HTML page, or an article as JSON; - is standard input."`
	JSON bool   `name:"json" help:"As JSON: with the facts that countries are judged by."`
}

func (explainTopics) Help() string {
	return `Tells which topics the text is tagged with, where their names stand in it, and why each counts or does not. Nothing is stored.`
}

const (
	maxExplainedFile = 4 << 20  // bytes that are read of a file
	maxExplainedText = 96 << 10 // and of its text that are explained
)

// explanation is the server's answer.
type explanation struct {
	Tags []struct {
		ID        topic.ID `json:"id"`
		Name      string   `json:"name"`
		Salience  float64  `json:"salience"`
		Inherited bool     `json:"inherited"`
	} `json:"tags"`
	topic.Explanation
}

func (c *explainTopics) Run(ctx context.Context, p *program) error {
	page, err := c.read(ctx, p)
	if err != nil {
		return err
	}
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if len(page.Text) > maxExplainedText {
		p.note("only the first %d KB of the text are looked at", maxExplainedText>>10)
		page.Text = strings.ToValidUTF8(page.Text[:maxExplainedText], "")
	}
	var raw json.RawMessage
	if err := d.call(ctx, http.MethodPost, "/topics/explain", page, &raw); err != nil {
		return fmt.Errorf("explain %s: %w", c.From, err)
	}
	if c.JSON {
		_, err := fmt.Fprintf(p.stdout, "%s\n", raw)
		return err
	}
	var e explanation
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("read the explanation of %s: %w", c.From, err)
	}
	return e.write(p.stdout)
}

// read brings the text, from wherever it is. What is fetched is fetched as sources
// are: from public addresses only, unless the settings say else.
func (c *explainTopics) read(ctx context.Context, p *program) (ingest.Page, error) {
	if strings.HasPrefix(c.From, "http://") || strings.HasPrefix(c.From, "https://") {
		client := fetch.New(fetch.Options{Agent: "newsfeed/" + version(), Timeout: p.config.FetchTimeout, AllowPrivate: p.config.AllowPrivateSources})
		defer client.Close()
		answer, err := client.Get(ctx, fetch.Request{URL: c.From})
		if err != nil {
			return ingest.Page{}, fmt.Errorf("fetch %s: %w", c.From, err)
		}
		if answer.Status != http.StatusOK {
			return ingest.Page{}, fmt.Errorf("%s answers %d", c.From, answer.Status)
		}
		return ingest.ReadPage(answer.Body, answer.Header.Get("Content-Type")), nil
	}
	in := io.NopCloser(p.stdin)
	if c.From != "-" {
		file, err := os.Open(c.From)
		if err != nil {
			return ingest.Page{}, err
		}
		in = file
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxExplainedFile))
	if err != nil {
		return ingest.Page{}, fmt.Errorf("read %s: %w", c.From, err)
	}
	if strings.HasPrefix(strings.TrimSpace(string(b)), "{") {
		return articlePage(b)
	}
	return ingest.ReadPage(b, ""), nil
}

// articlePage reads an article as POST /articles takes it.
func articlePage(b []byte) (ingest.Page, error) {
	items, _, err := ingest.ParseJSON(b)
	if err != nil {
		return ingest.Page{}, err
	}
	if items[0].Err != nil {
		return ingest.Page{}, items[0].Err
	}
	d := items[0].Draft
	return ingest.Page{Title: d.Title, Summary: d.Summary, Text: ingest.Text(d.BodyHTML)}, nil
}

func (e *explanation) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TAG\tSALIENCE\tMENTIONS IN TITLE, LEAD, BODY")
	for _, tag := range e.Tags {
		why := "above what is found"
		if i := slices.IndexFunc(e.Topics, func(v topic.Verdict) bool { return v.Topic == tag.ID }); i >= 0 && !tag.Inherited {
			v := e.Topics[i]
			why = fmt.Sprintf("%d, %d, %d", v.Title, v.Lead, v.Body)
		}
		fmt.Fprintf(table, "%s\t%.2f\t%s\n", tag.ID, tag.Salience, why)
	}
	fmt.Fprintln(table, "\nNO TAG\tSALIENCE\tNEEDS")
	for _, v := range e.Topics {
		if !v.Tagged {
			fmt.Fprintf(table, "%s\t%.2f\t%.2f\n", v.Topic, v.Salience, v.Least)
		}
	}
	fmt.Fprintln(table, "\nFOUND\tAT\tNAMES\tSPEAKS FOR\tBECAUSE")
	for _, s := range e.Spans {
		var speaks []string
		for _, id := range s.For {
			speaks = append(speaks, string(id))
		}
		fmt.Fprintf(table, "%s\t%s %d-%d\t%s\t%s\t%s\n", strings.Join(strings.Fields(s.Text), " "), s.Part, s.Start, s.End,
			cmp.Or(string(s.Topic), "-"), cmp.Or(strings.Join(speaks, ", "), "-"), s.Because)
	}
	return table.Flush()
}
