package reader

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// What people read stands in texts.en.json, by name: what templates say, what Go says,
// and what scripts say. A text has places, "{name}", into which values go; one that
// counts is an object of the plural forms of its language (one, other, …), chosen by
// the value of "n". To translate the reader is to translate that file. What publishers
// and people wrote, names of topics and commands to type are no texts.

//go:embed texts.en.json
var english []byte

// words are the texts that pages are made of.
var words = must(readTexts(english))

// texts are those of one language.
type texts struct {
	tag    language.Tag
	lang   string // the tag, as pages say it
	byName map[string]forms
	source map[string]json.RawMessage // as they stand in the file, for scripts
}

// forms are a text in the plural forms of its language; of one that counts nothing
// plural.Other alone.
type forms map[plural.Form]phrase

// phrase is a text, cut behind its places.
type phrase []piece

// piece is some text and the place behind it; "": there is none.
type piece struct{ text, place string }

// formNames are those of CLDR (https://cldr.unicode.org/index/cldr-spec/plural-rules).
var formNames = map[string]plural.Form{"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other}

func readTexts(file []byte) (*texts, error) {
	t := &texts{byName: map[string]forms{}}
	if err := json.Unmarshal(file, &t.source); err != nil {
		return nil, fmt.Errorf("read the texts: %w", err)
	}
	for name, raw := range t.source {
		counted := map[string]string{}
		if raw[0] == '"' {
			raw = append(append([]byte(`{"other":`), raw...), '}')
		}
		if err := json.Unmarshal(raw, &counted); err != nil {
			return nil, fmt.Errorf("read the text %s: %w", name, err)
		}
		if _, ok := counted["other"]; !ok {
			return nil, fmt.Errorf("the text %s has no form for other numbers", name)
		}
		t.byName[name] = forms{}
		for form, text := range counted {
			f, ok := formNames[form]
			if !ok {
				return nil, fmt.Errorf("the text %s has the form %q, which is none", name, form)
			}
			t.byName[name][f] = cut(text)
		}
	}
	var err error
	t.lang = t.say("language", plain, nil)
	t.tag, err = language.Parse(t.lang)
	return t, err
}

var place = regexp.MustCompile(`\{[a-z-]+\}`)

func cut(text string) (p phrase) {
	for {
		at := place.FindStringIndex(text)
		if at == nil {
			return append(p, piece{text: text})
		}
		p = append(p, piece{text[:at[0]], text[at[0]+1 : at[1]-1]})
		text = text[at[1]:]
	}
}

// phrase returns a text in the form for a number. A name that there is not is its own
// text, so that a page says too little rather than nothing.
func (t *texts) phrase(name string, n int) phrase {
	f, ok := t.byName[name]
	if !ok {
		return phrase{{text: name}}
	}
	if len(f) > 1 {
		if p, ok := f[plural.Cardinal.MatchPlural(t.tag, n%10_000_000, 0, 0, 0, 0)]; ok {
			return p
		}
	}
	return f[plural.Other]
}

// say puts values, pairs of a place's name and what goes there, into a text.
func (t *texts) say(name string, form func(any) string, values []any) string {
	n := 0
	for i := 0; i+1 < len(values); i += 2 {
		if count, ok := values[i+1].(int); ok && values[i] == "n" {
			n = count
		}
	}
	p := t.phrase(name, n)
	if len(p) == 1 {
		return p[0].text
	}
	var b strings.Builder
	b.Grow(64)
	for _, piece := range p {
		b.WriteString(piece.text)
		for i := 0; i+1 < len(values); i += 2 {
			if values[i] == piece.place {
				b.WriteString(form(values[i+1]))
			}
		}
	}
	return b.String()
}

func plain(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	}
	return fmt.Sprint(value)
}

// escaped is a value within markup: markup of ours, or text.
func escaped(value any) string {
	if h, ok := value.(template.HTML); ok {
		return string(h)
	}
	return template.HTMLEscapeString(plain(value))
}

// text returns a text. It is not escaped.
func text(name string, values ...any) string { return words.say(name, plain, values) }

// rich returns a text that has markup in it, with its values escaped.
func rich(name string, values ...any) template.HTML {
	return template.HTML(words.say(name, escaped, values))
}

// kind is what a topic or an article is, in words.
func kind(of string) string {
	if name := "kind-" + of; words.byName[name] != nil {
		return text(name)
	}
	return of
}

// list says things one after the other.
func list(things []string) string {
	last := len(things) - 1
	if last < 1 {
		return strings.Join(things, "")
	}
	return text("list", "list", strings.Join(things[:last], ", "), "last", things[last])
}

// date is a day in words.
func date(t time.Time) string {
	return text("date", "day", t.Day(), "month", month(t), "year", t.Year())
}

func month(t time.Time) string { return text("month-" + strconv.Itoa(int(t.Month()))) }

// exact is a moment in words, in UTC.
func exact(t time.Time) string {
	return text("moment", "date", date(t), "clock", t.Format("15:04"))
}

// machineTime is how a time is written for machines.
const machineTime = "2006-01-02T15:04:05Z"

func machine(t time.Time) string { return t.Format(machineTime) }

// asked finds the texts that a script asks for; with a plus behind it, all those whose
// names begin so.
var asked = regexp.MustCompile(`\btext\('([a-z0-9-]+)'( \+)?`)

// withTexts puts into a script the texts that it asks for, and those that modules ask
// it for.
func withTexts(script []byte, modules ...[]byte) []byte {
	own := map[string]json.RawMessage{}
	for _, s := range append(modules, script) {
		for _, m := range asked.FindAllSubmatch(s, -1) {
			for name, raw := range words.source {
				if name == string(m[1]) || m[2] != nil && strings.HasPrefix(name, string(m[1])) {
					own[name] = raw
				}
			}
		}
	}
	table := must(json.Marshal(own))
	return []byte(strings.Replace(string(script), "TEXTS", string(table), 1))
}
