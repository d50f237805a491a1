package topic

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// What is explained is what is done: the topics tagged are the tags, with their
// saliences, and every span is where it says.
func TestExplainIsWhatTagsDoes(t *testing.T) {
	tagger := NewCatalogue(Seed()).Tagger()
	random := rand.New(rand.NewPCG(7, 7))
	topics := Seed()
	for range 200 {
		x := article(random, topics)
		if random.IntN(3) == 0 {
			x.Summary = ""
		}
		e := tagger.Explain(x)
		var tagged []Tag
		for _, v := range e.Topics {
			if v.Tagged {
				tagged = append(tagged, Tag{Topic: v.Topic, Salience: v.Salience})
			}
		}
		slices.SortFunc(tagged, bySalience)
		if tags := tagger.Tags(x); !slices.Equal(tags, tagged[:min(len(tagged), maxTags)]) {
			t.Fatalf("%+v\ntags      %v\nexplained %v", x, tags, tagged)
		}
		for _, s := range e.Spans {
			part := map[string]string{"title": x.Title, "summary": x.Summary, "body": x.Body}[s.Part]
			if s.Text == "" || part[s.Start:s.End] != s.Text || s.Because == "" {
				t.Fatalf("%+v in %q", s, part)
			}
		}
	}
}

// Names within longer ones, short forms and doubts are told as what they are.
func TestExplainSaysWhy(t *testing.T) {
	tagger := NewCatalogue(Seed()).Tagger()
	for _, c := range []struct{ text, span, names, because string }{
		{"Margaret Hamburg spoke.", "Hamburg", "", "part of a person's name"},
		{"The port of Hamburg grew.", "Hamburg", "hamburg", "a name of it"},
		{"Staff of Boston University met.", "Boston", "", "part of a longer name, which speaks for the country"},
		{"The Chilean Navy sailed.", "Chilean", "", "part of a longer name"},
		{"CSKA Moscow signed him.", "Moscow", "", "part of a longer name, which speaks for the country"},
		{"She lives in Poughkeepsie, New York.", "New York", "", "part of a longer name, which speaks for the country"},
		{"The Bank of England met.", "Bank of England", "bank-of-england", "a name of it"},
		{"Boston scored twice; the coach of the team smiled.", "Boston", "", "a team of it, as it seems"},
		{"The fans of the team are in Boston, its coach said.", "Boston", "boston", "a name of it"},
		{"Georgia was quiet.", "Georgia", "", "may be georgia, but nothing beside it says so"},
		{"Georgia was quiet, Tbilisi too.", "Georgia", "georgia", "doubtful, but something beside it says so"},
		{"Hillary Clinton rose. Then Clinton sat.", "Clinton", "hillary-clinton", "a short form of what is named in full"},
		{"The US agreed.", "US", "united-states", "a name of it, so written"},
		{"An iPhone rang.", "iPhone", "", "goes with it"},
		{"The election is on.", "election", "", "a word of the subject"},
		{"It paid in yen.", "yen", "", "speaks for its country"},
		{"A guinea pig squeaked.", "guinea pig", "", "known for something that is no topic"},
	} {
		spans := tagger.Explain(Text{Body: c.text}).Spans
		i := slices.IndexFunc(spans, func(s Span) bool { return s.Text == c.span })
		if i < 0 || string(spans[i].Topic) != c.names || spans[i].Because != c.because {
			t.Errorf("%q: %q should name %q: %s; got %+v", c.text, c.span, c.names, c.because, spans)
		}
	}
}
