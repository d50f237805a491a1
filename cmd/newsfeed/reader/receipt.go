package reader

import (
	"fmt"
	"strings"

	"newsfeed/feed"
	"newsfeed/interests/topic"
)

// whyLine is one term of a receipt, in words.
type whyLine struct {
	What  string
	Topic *topicView
	Value string // half-lives, with a sign
}

// receipt says why an article is in a visitor's feed, or in words why it is not.
func (r *Reader) receipt(v *visitor, id feed.ArticleID) ([]whyLine, string) {
	q := feed.Query{Person: v.person(), Marks: v.marks, Limit: feed.DefaultLimit, MustKnow: feed.DefaultMustKnow, Now: r.deps.Now()}
	receipt := r.deps.Builder.Why(q, id, feed.RuleTooOld)
	if !receipt.Shown {
		return nil, r.absence(&receipt)
	}
	var lines []whyLine
	for _, term := range receipt.Why {
		if term.Name == "published" {
			continue // the same for everybody: when it was published
		}
		lines = append(lines, r.whyLine(v, term))
	}
	return lines, ""
}

func (r *Reader) whyLine(v *visitor, term feed.Term) whyLine {
	line := whyLine{Value: fmt.Sprintf("%+.2f", float64(term.Value)/feed.Unit)}
	if id, ok := strings.CutPrefix(term.Name, "interest:"); ok {
		t := r.topicView(v, r.named(topic.ID(id)))
		line.What, line.Topic = "You follow", &t
		if t.Level == "favourite" {
			line.What = "Your favourite"
		}
		return line
	}
	line.What = termWords[term.Name]
	if line.What == "" {
		line.What = term.Name
	}
	return line
}

// termWords are the terms of docs/ranking.md in words.
var termWords = map[string]string{
	"coverage":  "Several independent sources report it",
	"kind":      "The kind of article",
	"fresh":     "You added the topic in the last days",
	"must_know": "Many sources report it, whatever you follow",
}

// absence says why an article is not in the feed; "" where that is no news to the
// visitor.
func (r *Reader) absence(receipt *feed.Receipt) string {
	switch receipt.Rule {
	case feed.RuleMuted:
		return "It is not in your feed, because you muted " + r.named(receipt.Topic).Name + "."
	case feed.RuleHidden:
		return "It is not in your feed, because you hid this story."
	case feed.RuleNotFollowed:
		return "It is not in your feed: it is about nothing that you follow."
	case feed.RuleSameStory:
		return "Another article of the same story stands in your feed for it."
	case feed.RuleTooOld:
		return "It is older than what feeds are made of."
	}
	return ""
}
