package feed

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"newsfeed/interests/topic"
)

// card is the JSON of an article on a card.
type card struct {
	ID        ArticleID   `json:"id"`
	URL       string      `json:"url"`
	Title     string      `json:"title"`
	Summary   string      `json:"summary,omitempty"`
	Kind      Kind        `json:"kind"`
	Language  string      `json:"language,omitempty"`
	Byline    string      `json:"byline,omitempty"`
	Source    cardSource  `json:"source"`
	Image     *Image      `json:"image,omitempty"`
	Published time.Time   `json:"published_at"`
	Updated   time.Time   `json:"updated_at,omitzero"`
	Topics    []cardTopic `json:"topics"`
}

type cardSource struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type cardTopic struct {
	ID   topic.ID `json:"id"`
	Name string   `json:"name"`
}

// encodeCard makes the part of a card that is the same for everybody, once. It
// is an open JSON object: what differs from person to person follows.
func encodeCard(e *Entry) []byte {
	a := &e.Article
	c := card{a.ID, a.URL, a.Title, a.Summary, a.Kind, a.Language, a.Byline,
		cardSource{a.Source.ID, a.Source.Name}, a.Image, a.Published, a.Updated, []cardTopic{}}
	own := topic.SourceTopicID(a.Source.ID)
	for _, t := range a.Tags {
		if t.Topic != own {
			c.Topics = append(c.Topics, cardTopic{t.Topic, t.Name})
		}
	}
	b, err := json.Marshal(&c)
	if err != nil {
		panic(fmt.Sprintf("card of article %s: %v", a.ID, err)) // strings and times of a stored article always encode
	}
	out := make([]byte, 0, len(b)+128)
	out = append(out, cardStart...)
	out = append(out, e.Story.String()...)
	out = append(out, `","article":`...)
	out = append(out, b...)
	return out
}

// cardStart is how an encoded card begins; the story's id follows.
const cardStart = `{"story":"`

// rename writes another story's id into an encoded card.
func rename(card []byte, story StoryID) {
	text := card[len(cardStart):][:0]
	for i, part := range [...][]byte{story[:4], story[4:6], story[6:8], story[8:10], story[10:]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, part)
	}
}
