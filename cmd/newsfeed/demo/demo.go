// Package demo holds some sixty short briefs, written for this program, so that
// a first page is alive before anybody has published anything. Their sources are
// invented and live on hosts that cannot exist (*.example, RFC 2606); nothing in
// them is a report of real events.
//
// It only makes articles. Whoever wants them stores them.
package demo

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Each line is an article as POST /articles takes it, but for two members: "age"
// in place of a date, and "source", a key of sources.
//
//go:embed briefs.ndjson
var briefs string

// source is as POST /articles takes it.
type source struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

var sources = map[string]source{
	"harbour":  {"harbour-post", "Harbour Post", "https://harbour-post.example/"},
	"northern": {"northern-wire", "Northern Wire", "https://northern-wire.example/"},
	"lab":      {"field-and-lab", "Field & Lab", "https://field-and-lab.example/"},
	"ledger":   {"ledger-daily", "Ledger Daily", "https://ledger-daily.example/"},
	"sport":    {"meridian-sport", "Meridian Sport", "https://meridian-sport.example/"},
	"stage":    {"stage-door", "Stage Door", "https://stage-door.example/"},
	"ribera":   {"la-ribera", "La Ribera", "https://la-ribera.example/"},
	"hochland": {"hochland-zeitung", "Hochland-Zeitung", "https://hochland-zeitung.example/"},
	"quai":     {"le-quai", "Le Quai", "https://le-quai.example/"},
	"manara":   {"al-manara", "المنارة", "https://al-manara.example/"},
	"hangang":  {"hangang-brief", "한강 브리프", "https://hangang-brief.example/"},
}

// Sources returns the ids of the demo's sources, sorted.
func Sources() (ids []string) {
	for _, s := range sources {
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return ids
}

// brief is a line of the file.
type brief struct {
	Age    string `json:"age"`
	Source string `json:"source"`
	article
}

type article struct {
	URL       string    `json:"url"`
	Title     string    `json:"title"`
	Summary   string    `json:"summary"`
	Byline    string    `json:"byline,omitempty"`
	Language  string    `json:"language"`
	Kind      string    `json:"kind"`
	Published time.Time `json:"published_at"`
	Source    source    `json:"source"`
	Topics    []string  `json:"topics"`
}

// Articles returns the briefs as NDJSON for POST /articles, dated over the two
// weeks before now and dense in the last two days, newest first.
func Articles(now time.Time) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	for line := range strings.Lines(briefs) {
		a, err := read(line, now)
		if err == nil {
			err = encoder.Encode(a)
		}
		if err != nil {
			panic(fmt.Sprintf("demo: %v in %s", err, line)) // the file is part of the program and read by every test
		}
	}
	return out.Bytes()
}

func read(line string, now time.Time) (article, error) {
	var b brief
	decoder := json.NewDecoder(strings.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil {
		return article{}, err
	}
	age, err := time.ParseDuration(b.Age)
	if err != nil {
		return article{}, err
	}
	from, known := sources[b.Source]
	if !known {
		return article{}, fmt.Errorf("unknown source %q", b.Source)
	}
	b.article.Published = now.Add(-age).UTC().Truncate(time.Second)
	b.article.Source = from
	return b.article, nil
}
