package feed

import (
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	"newsfeed/interests/topic"
)

var accepted = time.Date(2026, 6, 1, 12, 0, 0, 123456789, time.UTC).Truncate(time.Millisecond)

// history judges changes one after the other, as the writer does.
type history struct {
	judge
	entries []Entry
}

func newHistory() *history {
	return &history{judge: judge{at: accepted, halfLife: 12 * time.Hour, current: map[ArticleID]Entry{}}}
}

func (h *history) put(c Change) Result {
	e, r := h.decide(&c)
	if e != nil {
		e.Edition = Edition(len(h.entries) + 1)
		e.StoryNum = cmp.Or(e.StoryNum, e.Edition)
		h.entries = append(h.entries, *e)
		h.current[e.Article.ID] = *e
	}
	return r
}

func draft(change func(*Draft)) Change {
	d := &Draft{URL: "https://a.example/1", Title: "One", Kind: News, Source: Source{ID: "a", Name: "A"},
		Published: accepted.Add(-time.Hour), Tags: []Tag{{Topic: "iran", Name: "Iran", Salience: 1}, {Topic: "source-a", Name: "A", Salience: 1}}}
	if change != nil {
		change(d)
	}
	return Change{Draft: d}
}

func TestVersions(t *testing.T) {
	one := NewArticleID("https://a.example/1")
	withdrawn := func(d *Draft) { d.Status = Withdrawn }
	type step struct {
		change  Change
		outcome Outcome
	}
	for name, steps := range map[string][]step{
		"the same again is unchanged":        {{draft(nil), Accepted}, {draft(nil), Unchanged}},
		"other tags found are unchanged":     {{draft(nil), Accepted}, {draft(func(d *Draft) { d.Tags = nil }), Unchanged}},
		"another title is a version":         {{draft(nil), Accepted}, {draft(func(d *Draft) { d.Title = "Two" }), Updated}},
		"back to the first title is another": {{draft(nil), Accepted}, {draft(func(d *Draft) { d.Title = "Two" }), Updated}, {draft(nil), Updated}},
		"claiming another date alone":        {{draft(nil), Accepted}, {draft(func(d *Draft) { d.Published, d.Updated = accepted, accepted }), Unchanged}},
		"withdrawing twice":                  {{draft(nil), Accepted}, {Change{Withdraw: one}, Updated}, {Change{Withdraw: one}, Unchanged}},
		"withdrawing by status":              {{draft(nil), Accepted}, {draft(withdrawn), Updated}, {draft(withdrawn), Unchanged}},
		"withdrawn, sent again":              {{draft(nil), Accepted}, {Change{Withdraw: one}, Updated}, {draft(nil), Unchanged}},
		"withdrawn, other content":           {{draft(nil), Accepted}, {Change{Withdraw: one}, Updated}, {draft(func(d *Draft) { d.Title = "Two" }), Unchanged}},
		"withdrawn, usable said alone":       {{draft(nil), Accepted}, {Change{Withdraw: one}, Updated}, {draft(func(d *Draft) { d.Status = Usable }), Unchanged}},
		"back with other content": {{draft(nil), Accepted}, {Change{Withdraw: one}, Updated},
			{draft(func(d *Draft) { d.Status, d.Title = Usable, "Two" }), Updated}},
		"back with a newer updated_at": {{draft(nil), Accepted}, {Change{Withdraw: one}, Updated},
			{draft(func(d *Draft) { d.Status, d.Updated = Usable, accepted }), Updated}},
		"withdrawn before it came": {{draft(withdrawn), Accepted}, {draft(nil), Unchanged}},
		"unknown to withdraw":      {{Change{Withdraw: one}, Refused}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory()
			for i, s := range steps {
				before := len(h.entries)
				r := h.put(s.change)
				if r.Outcome != s.outcome {
					t.Fatalf("step %d: %s (%v), want %s", i, r.Outcome, r.Err, s.outcome)
				}
				if wrote := len(h.entries) > before; wrote != (s.outcome == Accepted || s.outcome == Updated) {
					t.Fatalf("step %d: %s and an entry: %v", i, s.outcome, wrote)
				}
			}
		})
	}
}

// Whoever repeats what was sent before flips no article back, unless the document
// says that it is later; the last 16 contents are known again.
func TestRepeats(t *testing.T) {
	say := func(title string, updated time.Time) Change {
		c := draft(func(d *Draft) { d.Title, d.Updated = title, updated })
		c.Repeats = true
		return c
	}
	one, two, never := accepted.Add(time.Minute), accepted.Add(2*time.Minute), time.Time{}
	h := newHistory()
	put := func(c Change, want Outcome) {
		t.Helper()
		if r := h.put(c); r.Outcome != want {
			t.Fatalf("%q of %v: %s, want %s", c.Draft.Title, c.Draft.Updated, r.Outcome, want)
		}
	}
	put(say("A", one), Accepted)
	put(say("B", two), Updated)
	put(say("A", one), Unchanged)
	put(say("A", two), Unchanged)
	put(say("A", two.Add(time.Second)), Updated)
	put(say("B", two), Unchanged)
	put(say("C", never), Updated)
	put(say("A", never), Unchanged)
	put(draft(func(d *Draft) { d.Title = "A" }), Updated) // who publishes means it
	for i := range maxPast {
		put(say(string(rune('a'+i)), never), Updated)
	}
	newest := h.entries[len(h.entries)-1]
	if len(newest.Past) != maxPast || slices.Contains(newest.Past, newest.Content) {
		t.Errorf("%d contents are remembered: %v", len(newest.Past), newest.Past)
	}
	put(say("A", never), Unchanged)
	put(say("B", never), Updated) // seventeenth from the end
	h.put(Change{Withdraw: newest.Article.ID})
	if withdrawn := h.entries[len(h.entries)-1]; len(withdrawn.Past) != maxPast {
		t.Errorf("once withdrawn %d contents are remembered", len(withdrawn.Past))
	}
}

func TestVersionKeepsStoryAndDate(t *testing.T) {
	h := newHistory()
	h.put(draft(func(d *Draft) { d.Published = time.Time{} }))
	h.judge.at = accepted.Add(time.Hour)
	if r := h.put(draft(func(d *Draft) { d.Published = time.Time{} })); r.Outcome != Unchanged {
		t.Fatalf("without a date, sent again: %s", r.Outcome)
	}
	h.put(draft(func(d *Draft) { d.Published, d.Title, d.Tags = accepted.Add(time.Minute), "Two", d.Tags[1:] })) // it moves nothing
	first, second := h.entries[0], h.entries[1]
	if !second.Article.Published.Equal(accepted) || second.Key != first.Key {
		t.Errorf("the second version is dated %s, key %d", second.Article.Published, second.Key)
	}
	if second.Previous != 1 || second.StoryNum != 1 || second.Story != first.Story {
		t.Errorf("previous %d, story %d %s", second.Previous, second.StoryNum, second.Story)
	}
	if !slices.Equal(second.Left, []topic.ID{"iran"}) {
		t.Errorf("left %v", second.Left)
	}
}

func TestDates(t *testing.T) {
	for name, c := range map[string]struct{ sent, want time.Time }{
		"absent":     {time.Time{}, accepted},
		"the future": {time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC), accepted},
		"1970":       {time.Unix(1, 0), time.Unix(1, 0)},
		"precise":    {accepted.Add(-time.Minute + 999), accepted.Add(-time.Minute)},
	} {
		h := newHistory()
		h.put(draft(func(d *Draft) { d.Published = c.sent }))
		if got := h.entries[0].Article.Published; !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A key of A against what belongs to B, and the other way round.
func TestRights(t *testing.T) {
	a, b := Right{Sources: []string{"a"}}, Right{Sources: []string{"b"}}
	host := Right{Hosts: []string{"a.example"}}
	asB := func(d *Draft) { d.Source, d.Title = Source{ID: "b", Name: "B"}, "By B" }
	with := func(c Change, r Right) Change { c.Right = r; return c }
	one := NewArticleID("https://a.example/1")
	for name, c := range map[string]struct {
		change Change
		ok     bool
	}{
		"A's own":                        {with(draft(func(d *Draft) { d.Title = "Two" }), a), true},
		"B takes A's over":               {with(draft(asB), b), false},
		"B writes as A":                  {with(draft(func(d *Draft) { d.Title = "Two" }), b), false},
		"A writes as B":                  {with(draft(asB), a), false},
		"A writes as B elsewhere":        {with(draft(func(d *Draft) { asB(d); d.URL = "https://a.example/2" }), a), false},
		"B withdraws A's":                {with(Change{Withdraw: one}, b), false},
		"A withdraws A's":                {with(Change{Withdraw: one}, a), true},
		"the host's key":                 {with(draft(func(d *Draft) { d.Title = "Two" }), host), true},
		"a subdomain":                    {with(draft(func(d *Draft) { d.URL = "https://www.a.example/9" }), host), true},
		"another host":                   {with(draft(func(d *Draft) { d.URL = "https://nota.example/9" }), host), false},
		"unbound":                        {with(draft(asB), Right{}), true},
		"of two sources, as the other":   {with(draft(asB), Right{Sources: []string{"a", "b"}}), true},
		"right source, wrong host":       {with(draft(func(d *Draft) { d.URL = "https://b.example/9" }), Right{Sources: []string{"a"}, Hosts: []string{"a.example"}}), false},
		"B withdraws by status":          {with(draft(func(d *Draft) { d.Status = Withdrawn }), b), false},
		"B sends the very same as A did": {with(draft(nil), b), false},
	} {
		h := newHistory()
		h.put(draft(nil))
		r := h.put(c.change)
		if ok := r.Outcome != Refused; ok != c.ok || !ok && !errors.Is(r.Err, ErrNotYours) {
			t.Errorf("%s: %s %v, want allowed %v", name, r.Outcome, r.Err, c.ok)
		}
	}
}

func TestKey(t *testing.T) {
	half := 12 * time.Hour
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	if d := Key(1, at.Add(half), half) - Key(1, at, half); d != Unit {
		t.Errorf("one half-life later: %d, want %d", d, Unit)
	}
	if d := Key(2, at, half) - Key(1, at, half); d != Unit {
		t.Errorf("twice the quality: %d, want %d", d, Unit)
	}
	if Key(1, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Minute) >= Key(1, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Minute) {
		t.Error("the year 1 is not before 9999")
	}
}

func TestCursorText(t *testing.T) {
	c := Cursor{Edition: 7, At: accepted, Revision: 42, Started: accepted, First: -5, FirstID: NewArticleID("a"), Key: 1 << 40, ID: NewArticleID("b")}
	text := c.String()
	if got, err := ParseCursor(text, accepted); err != nil || got != c {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := ParseCursor(text, accepted.Add(CursorLife+1)); !errors.Is(err, ErrCursorExpired) {
		t.Errorf("a day later: %v", err)
	}
	for i := range len(text) {
		b := []byte(text)
		if b[i]++; b[i] == 'z'+1 || b[i] == '9'+1 || b[i] == 'Z'+1 {
			b[i] = 'A'
		}
		if _, err := ParseCursor(string(b), accepted); !errors.Is(err, ErrCursorDamaged) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	for _, bad := range []string{"", "x", text[:len(text)-1], text + "A", text + text} {
		if _, err := ParseCursor(bad, accepted); !errors.Is(err, ErrCursorDamaged) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(Cursor{Edition: 1}.String())
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseCursor(text, time.Unix(0, 0)); err == nil && c.String() != text {
			t.Errorf("%q reads as %q", text, c.String())
		}
	})
}
