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
		line.What, line.Topic = text("term-interest"), &t
		if t.Level == "favourite" {
			line.What = text("term-favourite")
		}
		return line
	}
	line.What = term.Name
	if name := "term-" + term.Name; words.byName[name] != nil {
		line.What = text(name)
	}
	return line
}

// absence says why an article is not in the feed; "" where that is no news to the
// visitor.
func (r *Reader) absence(receipt *feed.Receipt) string {
	switch receipt.Rule {
	case feed.RuleMuted:
		return text("absent-muted", "name", r.named(receipt.Topic).Name)
	case feed.RuleHidden:
		return text("absent-hidden")
	case feed.RuleNotFollowed:
		return text("absent-not-followed")
	case feed.RuleSameStory:
		return text("absent-same-story")
	case feed.RuleTooOld:
		return text("absent-too-old")
	}
	return ""
}
