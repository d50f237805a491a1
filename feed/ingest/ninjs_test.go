package ingest

import (
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newsfeed/feed"
	"newsfeed/interests/wire"
)

func TestNinjs3(t *testing.T) {
	item := one(t, `{"standard":{"name":"ninjs","version":"3.0","schema":"https://x"},"uri":"http://n.example/1","type":"video","pubStatus":"usable","language":"sv",
		"altIds":[{"role":"x","value":"abc"}],"firstCreated":"2026-05-17T20:00:00+02:00","versionCreated":"2026-05-17T21:00:00+02:00","unused":{"a":[1]},
		"title":"Working title","by":"Ann","headlines":[{"role":"sub","value":"Sub"},{"role":"main","value":"Main & <b>only</b>"}],
		"descriptions":[{"role":"caption","value":"Caption"},{"role":"summary","value":"Summary"}],
		"bodies":[{"contentType":"application/nitf+xml","value":"<nitf/>"},{"contentType":"text/plain","value":"Plain"},{"contentType":"text/html","value":"<p onclick=x>HTML</p>"}],
		"subjects":[{"name":"War","relevance":98},{"uri":"x"},{"name":""}],"people":[{"name":"Ann Lee"}],"organisations":[{"name":"UN"}],"places":[{"name":"Iran"}],
		"associations":[{"type":"text"},{"type":"picture","descriptions":[{"value":"Alt"}],"renditions":[
			{"href":"https://i.example/big","width":4000,"height":3000,"contentType":"image/jpeg"},{"href":"https://i.example/mid","width":1024,"height":768},
			{"href":"https://i.example/film","width":1500,"contentType":"video/mp4"},{"href":"https://i.example/small","width":100}]}]}`)
	salience := 0.98
	want := feed.Draft{
		URL: "https://n.example/1", Title: "Main & only", Summary: "Summary", BodyHTML: "<p>HTML</p>", Byline: "Ann", Language: "sv", Kind: feed.Video,
		Published: time.Date(2026, 5, 17, 18, 0, 0, 0, time.UTC), Updated: time.Date(2026, 5, 17, 19, 0, 0, 0, time.UTC),
		Source: feed.Source{ID: "n-example", Name: "n.example"}, Image: &feed.Image{URL: "https://i.example/mid", Alt: "Alt", Width: 1024, Height: 768},
		Labels:     []feed.Label{{Name: "War", Salience: salience}, {Name: "Ann Lee"}, {Name: "UN"}, {Name: "Iran"}},
		ExternalID: "abc", Status: feed.Usable,
	}
	if diff := cmp.Diff(want, item.Draft); diff != "" || item.Err != nil {
		t.Errorf("%v\n%s", item.Err, diff)
	}
}

// In 1.x several things are objects by name, or have other names.
func TestNinjs1(t *testing.T) {
	draft, err := ParseNinjs([]byte(`{"$standard":{"name":"ninjs"},"uri":"urn:x:1","altids":{"web":"unused"},"url":"https://n.example/1","pubstatus":"canceled","headline":"H",
		"description_text":"D","body_xhtml":"<p>B</p>","byline":"Ann","person":[{"name":"P","rel":"about"}],"versioncreated":"2026-05-17T20:00:00Z",
		"associations":{"main":{"type":"picture","renditions":{"a":{"href":"https://i.example/a","mimetype":"image/jpg","width":5}}}}}`))
	want := feed.Draft{
		URL: "https://n.example/1", Title: "H", Summary: "D", BodyHTML: "<p>B</p>", Byline: "Ann", Kind: feed.News, Status: feed.Withdrawn, ExternalID: "urn:x:1",
		Published: time.Date(2026, 5, 17, 20, 0, 0, 0, time.UTC), Updated: time.Date(2026, 5, 17, 20, 0, 0, 0, time.UTC),
		Source: feed.Source{ID: "n-example", Name: "n.example"}, Image: &feed.Image{URL: "https://i.example/a", Width: 5}, Labels: []feed.Label{{Name: "P"}},
	}
	if diff := cmp.Diff(want, draft); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestNinjsRefuses(t *testing.T) {
	start := `{"standard":{"name":"ninjs"},"headlines":[{"value":"x"}],`
	tests := []struct{ name, body, location, message string }{
		{"no address", start + `"uri":"urn:x:1"}`, "/uri", "must begin with"},
		{"nothing", `{"standard":{"name":"ninjs"}}`, "/headlines", "is required"},
		{"another standard", `{"standard":{"name":"NewsML"},"uri":"https://a.example/","title":"x"}`, "/standard/name", "must be ninjs"},
		{"embargo", start + `"uri":"https://a.example/","embargoedUntil":"2999-01-01T00:00:00Z"}`, "/embargoedUntil", "is not over"},
		{"embargo that is none", start + `"uri":"https://a.example/","embargoed":"later"}`, "/embargoedUntil", "must be a date"},
		{"bad date", start + `"uri":"https://a.example/","firstCreated":"then"}`, "/firstCreated", "must be a date"},
		{"bad status", start + `"uri":"https://a.example/","pubStatus":"x"}`, "/pubStatus", "must be"},
		{"standard that is a string", `{"standard":"ninjs","uri":"https://a.example/"}`, "/standard", "must be an object"},
		{"duplicate key", start + `"uri":"https://a.example/","uri":"https://a.example/"}`, "/uri", "duplicate key"},
		{"operator", start + `"uri":{"$gt":""}}`, "/uri", "must be a string"},
		{"too deep", start + `"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}", "", "nests deeper"},
	}
	for _, test := range tests {
		item := one(t, test.body)
		var fields []Field
		var invalid *Invalid
		var malformed *wire.Malformed
		if errors.As(item.Err, &invalid) {
			fields = invalid.Fields
		} else if errors.As(item.Err, &malformed) {
			fields = []Field{{malformed.Location, malformed.Message}}
		}
		found := false
		for _, field := range fields {
			found = found || field.Location == test.location && strings.Contains(field.Message, test.message)
		}
		if !found {
			t.Errorf("%s: %v, want %q at %q", test.name, item.Err, test.message, test.location)
		}
	}
}

// Every document that IPTC's suite says is good is read or refused for a
// reason of ours, and what names its standard is known as ninjs at the door.
func TestNinjsSuite(t *testing.T) {
	read, refused := 0, map[string]int{}
	for name, content := range pack(t, "ninjs") {
		if path.Ext(name) != ".json" || strings.Contains(name, "should_fail") || strings.Contains(name, "schema") {
			continue
		}
		draft, err := ParseNinjs(content)
		var invalid *Invalid
		switch {
		case err == nil:
			read++
			checkDraft(t, Item{Draft: draft})
		case errors.As(err, &invalid):
			for _, field := range invalid.Fields {
				refused[field.Location+" "+field.Message]++
			}
		default:
			t.Logf("%s: %v", name, err)
			refused["malformed"]++
		}
	}
	t.Logf("%d read; refused: %v", read, refused)
	if read < 40 {
		t.Errorf("only %d documents were read", read)
	}
}
