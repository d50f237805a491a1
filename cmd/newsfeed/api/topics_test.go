package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"newsfeed/interests/topic"
)

func mustTopic(h *House, name string) topic.ID {
	h.Helper()
	t, ok := h.Catalogue.Resolve(name)
	if !ok {
		h.Fatalf("no topic %q", name)
	}
	return t.ID
}

func TestTopics(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "DPRK", "a", "b")
	r := h.Must(200, "GET", "/topics?q=north&limit=3", "", "")
	var found struct {
		Topics []struct{ ID, Name, Kind string }
	}
	r.JSON(t, &found)
	if len(found.Topics) != 3 || !strings.HasPrefix(found.Topics[0].ID, "north") {
		t.Errorf("search: %s", r.Body)
	}
	if !strings.HasPrefix(r.Header.Get("Cache-Control"), "public, max-age=") {
		t.Errorf("Cache-Control %q", r.Header.Get("Cache-Control"))
	}
	h.Must(304, "GET", "/topics?q=north&limit=3", "", "", "If-None-Match: "+r.Header.Get("ETag"))
	if r := h.Must(200, "GET", "/topics?q=zzzzzzzz", "", ""); string(r.Body) != `{"topics":[]}` {
		t.Errorf("nothing found: %s", r.Body)
	}
	var one topicShape
	r = h.Must(200, "GET", "/topics/N.%20Korea", "", "")
	r.JSON(t, &one)
	if one.ID != "north-korea" || one.Articles != 2 || one.Kind != topic.KindCountry || !slices.Contains(one.Aliases, "DPRK") {
		t.Errorf("one topic: %s", r.Body)
	}
	if bytes.Contains(r.Body, []byte("null")) || !bytes.Contains(r.Body, []byte(`"narrower":[`)) {
		t.Errorf("one topic: %s", r.Body)
	}
	if p := h.Must(404, "GET", "/topics/noth-korea", "", "").Problem(t); !strings.Contains(p.Detail, "north-korea") || p.Type != "unknown-topic" {
		t.Errorf("unknown: %+v", p)
	}
}

// What an editor writes is known at once, by the log too, and after a restart.
func TestPutTopic(t *testing.T) {
	h := NewHouse(t)
	before := h.Index.Edition()
	var made topicShape
	h.Must(200, "PUT", "/topics/deep-sea-mining", h.Editor,
		`{"name":"Deep sea mining","kind":"subject","aliases":["Seabed mining"],"broader":["climate-and-environment"]}`).JSON(t, &made)
	if made.ID != "deep-sea-mining" || len(made.Aliases) != 1 || !slices.Equal(made.Broader, []topic.ID{"climate-and-environment"}) || made.Narrower == nil {
		t.Errorf("made %+v", made)
	}
	h.Must(200, "GET", "/topics/seabed%20mining", "", "")
	if h.Index.Edition() != before+1 {
		t.Errorf("edition %d after %d", h.Index.Edition(), before)
	}
	h.Must(200, "PUT", "/topics/deep-sea-mining", h.Editor, `{"name":"Deep-sea mining","kind":"subject"}`)
	h.Must(404, "GET", "/topics/seabed%20mining", "", "")
	stored, err := h.Topics.All(t.Context())
	if err != nil || len(stored) != 1 || stored[0].Name != "Deep-sea mining" {
		t.Errorf("stored %+v, %v", stored, err)
	}
}

func TestBadTopics(t *testing.T) {
	h := NewHouse(t)
	h.Must(200, "PUT", "/topics/below", h.Editor, `{"name":"Below","kind":"subject","broader":["iran"]}`)
	long := strings.Repeat("x", 200)
	tests := []struct {
		id, body string
		status   int
		location string
	}{
		{"New%20Thing", `{"name":"New Thing","kind":"subject"}`, 422, "id"},
		{"trending", `{"name":"Trending","kind":"subject"}`, 422, "id"},
		{"source-x", `{"name":"X","kind":"subject"}`, 422, "/kind"},
		{"new-thing", `{"name":"New Thing","kind":"source"}`, 422, "/kind"},
		{"new-thing", `{"name":"New Thing","kind":"thing"}`, 422, "/kind"},
		{"new-thing", `{"name":"New Thing"}`, 422, "/kind"},
		{"new-thing", `{"kind":"subject"}`, 422, "/name"},
		{"new-thing", `{"name":"!!","kind":"subject"}`, 422, "/name"},
		{"new-thing", `{"name":"` + long + `","kind":"subject"}`, 422, "/name"},
		{"new-thing", `{"name":"a\u202eb","kind":"subject"}`, 422, "/name"},
		{"new-thing", `{"name":"New Thing","kind":"subject","aliases":["ok",""]}`, 422, "/aliases/1"},
		{"new-thing", `{"name":"New Thing","kind":"subject","broader":["nowhere"]}`, 422, "/broader/0"},
		{"new-thing", `{"name":"New Thing","kind":"subject","id":"other"}`, 422, "/id"},
		{"iran", `{"name":"Iran","kind":"country","broader":["iran"]}`, 422, "/broader/0"},
		{"iran", `{"name":"Iran","kind":"country","broader":["below"]}`, 422, "/broader/0"},
		{"new-thing", `{"name":"New Thing","kind":"subject","aliases":[` + strings.Repeat(`"a",`, 100) + `"a"]}`, 422, "/aliases"},
		{"new-thing", `{"name":{"$gt":""},"kind":"subject"}`, 400, "/name"},
		{"new-thing", `{"name":"iran","kind":"subject"}`, 409, ""},  // of the seed
		{"new-thing", `{"name":"BELOW","kind":"subject"}`, 409, ""}, // of the store
	}
	edition := h.Index.Edition()
	for _, test := range tests {
		r := h.Call("PUT", "/topics/"+test.id, h.Editor, test.body)
		if r.StatusCode != test.status {
			t.Errorf("PUT %s %.80s: %d, want %d: %s", test.id, test.body, r.StatusCode, test.status, r.Body)
			continue
		}
		if p := r.Problem(t); test.location != "" && (len(p.Errors) == 0 || p.Errors[0].Location != test.location) {
			t.Errorf("PUT %s %.80s: errors %v, want one at %s", test.id, test.body, p.Errors, test.location)
		}
	}
	if got := h.Index.Edition(); got != edition {
		t.Errorf("a refused topic is in the log: edition %d after %d", got, edition)
	}
}

// What was exported can be put back line by line, in its order.
func TestExportTopics(t *testing.T) {
	h := NewHouse(t)
	h.Sow()
	h.Must(200, "PUT", "/topics/zz-top", h.Editor, `{"name":"ZZ top","kind":"subject"}`)
	h.Must(200, "PUT", "/topics/a-below", h.Editor, `{"name":"A below","kind":"subject","broader":["zz-top"]}`)
	h.Publish(h.Publisher, "some tag", "a")
	r := h.Must(200, "GET", "/topics.ndjson", "", "")
	if r.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("Content-Type %s", r.Header.Get("Content-Type"))
	}
	lines := strings.Split(strings.TrimSpace(string(r.Body)), "\n")
	if len(lines) != h.Catalogue.Len() {
		t.Errorf("%d lines, %d topics", len(lines), h.Catalogue.Len())
	}
	fresh := NewHouse(t)
	fresh.Sow()
	for _, line := range lines {
		var exported topic.Topic
		if err := json.Unmarshal([]byte(line), &exported); err != nil {
			t.Fatal(err)
		}
		if known, ok := fresh.Catalogue.Get(exported.ID); ok && fmt.Sprint(known) == fmt.Sprint(exported) {
			continue
		}
		fresh.Must(200, "PUT", "/topics/"+string(exported.ID), fresh.Editor, line)
	}
	again := fresh.Must(200, "GET", "/topics.ndjson", "", "")
	if !bytes.Equal(again.Body, r.Body) {
		t.Error("an export of what was put back is another")
	}
}
