package topic

import (
	"cmp"
	"slices"
)

// span is what was found at a place of a text.
type span struct {
	pattern    *pattern
	topic      int32 // notTopic: only a hint, or a phrase that is no topic
	part       int   // the text it stands in
	counts     int   // the part it counts in: the first words of a body are its lead
	start, end int
	doubtful   bool
	within     inside
	where      bool // the word before says that a place is meant
}

// isTeam reports whether a place stands for its team: in a report from a game,
// unless the word before says that the place is meant.
func (t *Tagger) isTeam(r *reading, s span) bool {
	return r.sport >= sportWords && t.isPlace(s.topic) && !s.where
}

// sportWords make a text a report from a game.
const sportWords = 2

// lastSpan is the place of the span found last.
func (r *reading) lastSpan() int {
	if r.spans == nil {
		return 0
	}
	return len(*r.spans) - 1
}

// Span is what the tagger found at a place of a text, and what it made of it.
type Span struct {
	Part    string `json:"part"`  // "title", "summary" or "body"
	Start   int    `json:"start"` // bytes from the beginning of that part
	End     int    `json:"end"`
	Text    string `json:"text"`
	Lead    bool   `json:"lead,omitempty"`  // it stands in the first words of a body that has no summary
	Topic   ID     `json:"topic,omitempty"` // the topic it names
	For     []ID   `json:"for,omitempty"`   // topics it speaks for without naming them
	Because string `json:"because"`
}

// Explanation is what the tagger saw in a text: what was found, in the order of
// the text, and for each topic in question what was judged, tags first.
type Explanation struct {
	Spans  []Span    `json:"spans"`
	Topics []Verdict `json:"topics"`
}

// Verdict says why a topic is a tag of a text, or why it is none.
type Verdict struct {
	Topic    ID                 `json:"topic"`
	Tagged   bool               `json:"tagged"`
	Salience float64            `json:"salience"` // what it has, or would need Least for
	Least    float64            `json:"least"`    // from where on it is a tag
	Title    int                `json:"title"`    // mentions that count, by part
	Lead     int                `json:"lead"`
	Body     int                `json:"body"`
	Facts    map[string]float64 `json:"facts,omitempty"` // of a country: what the model knows, zeros left out
}

// Explain tells how Tags comes to its answer. Its tags are those of Tags.
func (t *Tagger) Explain(x Text) Explanation {
	r := t.scratch.Get().(*reading)
	defer t.scratch.Put(r)
	var spans []span
	r.spans = &spans
	defer func() { r.spans, r.sport = nil, 0 }()
	length := t.readAll(r, x)
	r.settleShorts()
	var e Explanation
	for _, s := range spans {
		e.Spans = append(e.Spans, t.explainSpan(r, x, s))
	}
	t.eachInQuestion(r, length, func(topic int32, salience, least float64, f *facts) {
		e.Topics = append(e.Topics, t.verdict(r, topic, rounded(salience), salience >= least, least, f))
	})
	slices.SortFunc(e.Topics, func(a, b Verdict) int {
		return cmp.Or(-cmp.Compare(truth(a.Tagged), truth(b.Tagged)), cmp.Compare(b.Salience, a.Salience), cmp.Compare(a.Topic, b.Topic))
	})
	r.clear()
	return e
}

var partNames = [parts]string{"title", "summary", "body"}

func (t *Tagger) explainSpan(r *reading, x Text, s span) Span {
	text := [parts]string{x.Title, x.Summary, x.Body}[s.part]
	e := Span{Part: partNames[s.part], Start: s.start, End: s.end, Text: text[s.start:s.end], Lead: s.part == inBody && s.counts == inLead}
	for _, other := range s.pattern.also {
		if t.isSupported(r, other) {
			s.topic = other
			break
		}
	}
	if s.topic != notTopic && s.doubtful && !t.isSupported(r, s.topic) {
		e.Because = "may be " + string(t.topics[s.topic]) + ", but nothing beside it says so"
		return e
	}
	if s.within == ofPerson && t.isPlace(s.topic) {
		e.Because = "part of a person's name"
		return e
	}
	for _, h := range s.pattern.hints {
		e.speaksFor(t.topics[h.country])
	}
	switch {
	case s.topic == notTopic && len(e.For) == 0:
		e.Because = "known for something that is no topic"
	case s.topic == notTopic:
		e.Because = "speaks for its country"
	case s.pattern.speaks:
		e.Because = "goes with it"
		e.speaksFor(t.topics[s.topic])
	case t.kinds[s.topic] == KindSubject || t.kinds[s.topic] == KindSport:
		e.Because = "a word of the subject"
		e.speaksFor(t.topics[s.topic])
	case t.isPlace(s.topic) && (s.within == ofBody && !t.isCountry[s.topic] || s.within == ofAddress && t.kinds[s.topic] == KindCity):
		e.Because = "part of a longer name, which speaks for the country"
		for _, country := range t.countries[s.topic] {
			e.speaksFor(t.topics[country])
		}
	case s.within != itself:
		e.Because = "part of a longer name"
		e.speaksFor(t.topics[s.topic])
	case t.isTeam(r, s):
		e.Because = "a team of it, as it seems"
		e.speaksFor(t.topics[s.topic])
	case s.topic != s.pattern.topic:
		e.Topic, e.Because = t.topics[s.topic], "a short form of what is named in full"
	case s.doubtful:
		e.Topic, e.Because = t.topics[s.topic], "doubtful, but something beside it says so"
	case s.pattern.words != nil:
		e.Topic, e.Because = t.topics[s.topic], "a name of it, so written"
	default:
		e.Topic, e.Because = t.topics[s.topic], "a name of it"
	}
	return e
}

func (s *Span) speaksFor(id ID) {
	if !slices.Contains(s.For, id) {
		s.For = append(s.For, id)
	}
}

func (t *Tagger) verdict(r *reading, topic int32, salience float64, tagged bool, least float64, f *facts) Verdict {
	counted := t.counted(r, topic)
	v := Verdict{
		Topic: t.topics[topic], Tagged: tagged, Salience: salience, Least: least,
		Title: int(counted[inTitle]), Lead: int(counted[inLead]), Body: int(counted[inBody]),
	}
	if f != nil {
		v.Facts = map[string]float64{}
		for i, value := range f {
			if value != 0 {
				v.Facts[factNames[i]] = value
			}
		}
	}
	return v
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// factNames are the features in words.
var factNames = [features]string{
	"named in title", "named in lead", "named in body",
	"narrower in title", "narrower in lead", "narrower in body",
	"hints in title", "hints in lead", "hints in body",
	"money in title", "money in lead", "money in body",
	"exchange codes", "first word", "words", "countries named", "countries in title or lead",
	"percent of mentions", "mentions of others", "United States in title or lead", "United States in body", "economy",
	"company names in brackets in title or lead", "company names in brackets in body",
}
