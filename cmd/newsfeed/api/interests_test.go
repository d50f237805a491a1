package api

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"newsfeed/interests"
)

type listAnswer struct {
	Revision  uint64
	Digest    string
	Interests []struct{ Topic, Name, Level, Since string }
}

func TestInterests(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	var list listAnswer
	r := h.Must(200, "GET", "/interests", guest, "")
	r.JSON(t, &list)
	if list.Revision != 0 || list.Digest != "0000000000000000" || list.Interests == nil || r.Header.Get("X-Interests-Revision") != "0" {
		t.Errorf("a new guest's list: %s", r.Body)
	}
	before := r.Header.Get("ETag")

	var put struct {
		Revision uint64
		Interest struct{ Topic, Name, Level, Since string }
	}
	h.Must(200, "PUT", "/interests/dprk", guest, `{"level":"favourite"}`).JSON(t, &put)
	if put.Interest.Topic != "north-korea" || put.Interest.Name != "North Korea" || put.Interest.Level != "favourite" || put.Interest.Since == "" {
		t.Errorf("PUT: %+v", put)
	}
	h.Must(200, "PUT", "/interests/Iran", guest, `{"level":"mute"}`).JSON(t, &put)
	r = h.Must(200, "GET", "/interests", guest, "", "If-None-Match: "+before)
	r.JSON(t, &list)
	if list.Revision != put.Revision || len(list.Interests) != 2 || list.Interests[0].Topic != "iran" || len(list.Digest) != 16 {
		t.Errorf("GET: %s", r.Body)
	}
	if r.Header.Get("X-Interests-Revision") != strconv.FormatUint(put.Revision, 10) {
		t.Errorf("X-Interests-Revision %s, want %d", r.Header.Get("X-Interests-Revision"), put.Revision)
	}
	h.Must(304, "GET", "/interests", guest, "", "If-None-Match: "+r.Header.Get("ETag"))

	var topics struct {
		Topics []struct{ ID, Level string }
	}
	h.Must(200, "GET", "/topics?q=north+korea&limit=1", guest, "").JSON(t, &topics)
	if topics.Topics[0].Level != "favourite" {
		t.Errorf("GET /topics: %+v", topics)
	}
}

// Removing is a success whether or not the topic is there or known.
func TestDeleteInterest(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	h.Follow(guest, "iran")
	who, err := h.person(guest, anybodys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Lists.Set(t.Context(), who.session.Account, "long-gone", interests.Follow, who.session.Until()); err != nil {
		t.Fatal(err)
	}
	var last uint64
	for _, test := range []struct {
		topic string
		edits bool
	}{{"Iran", true}, {"iran", true}, {"tennis", true}, {"long-gone", true}, {"long-gone", true}, {"never-was", false}} {
		var got struct{ Revision uint64 }
		r := h.Must(200, "DELETE", "/interests/"+test.topic, guest, "")
		r.JSON(t, &got)
		if got.Revision == 0 || (got.Revision > last) != test.edits {
			t.Errorf("DELETE %s: revision %d after %d", test.topic, got.Revision, last)
		}
		last = got.Revision
	}
	var list listAnswer
	h.Must(200, "GET", "/interests", guest, "").JSON(t, &list)
	if len(list.Interests) != 0 {
		t.Errorf("left: %+v", list)
	}
}

func TestBadInterests(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	tests := []struct {
		name, topic, body string
		status            int
		location          string
	}{
		{"unknown topic", "noth-korea", `{"level":"follow"}`, 404, ""},
		{"a long name", url.PathEscape(strings.Repeat("x", 10_000)), `{"level":"follow"}`, 404, ""},
		{"no body", "iran", ``, 400, ""},
		{"no level", "iran", `{}`, 400, "/level"},
		{"no such level", "iran", `{"level":"adore"}`, 400, "/level"},
		{"a removal", "iran", `{"level":"none"}`, 400, "/level"},
		{"null", "iran", `{"level":null}`, 400, "/level"},
		{"an operator", "iran", `{"level":{"$gt":""}}`, 400, "/level"},
		{"unknown field", "iran", `{"level":"follow","account":"x"}`, 400, "/account"},
		{"twice", "iran", `{"level":"follow","level":"mute"}`, 400, "/level"},
		{"too large", "iran", `{"level":"` + strings.Repeat("x", maxPeopleBody) + `"}`, 413, ""},
	}
	for _, test := range tests {
		r := h.Call("PUT", "/interests/"+test.topic, guest, test.body)
		if r.StatusCode != test.status {
			t.Errorf("%s: %d, want %d: %.300s", test.name, r.StatusCode, test.status, r.Body)
			continue
		}
		p := r.Problem(t)
		if test.location != "" && (len(p.Errors) != 1 || p.Errors[0].Location != test.location) {
			t.Errorf("%s: errors %v, want one at %s", test.name, p.Errors, test.location)
		}
		if len(p.Detail) > 500 {
			t.Errorf("%s: a detail of %d bytes", test.name, len(p.Detail))
		}
	}
	if p := h.Must(404, "PUT", "/interests/noth-korea", guest, `{"level":"follow"}`).Problem(t); !strings.Contains(p.Detail, "north-korea") {
		t.Errorf("no suggestion in %q", p.Detail)
	}
	h.Must(415, "PUT", "/interests/iran", guest, `level=follow`, "Content-Type: application/x-www-form-urlencoded")
	h.Must(415, "PUT", "/interests/iran", guest, `{"level":"follow"}`, "Content-Encoding: gzip")
	for _, value := range []string{"x", "-1", "1.5", "99999999999999999999"} {
		for _, path := range []string{"/feed", "/interests", "/topics", "/topics/iran", "/topics/iran/articles", "/marks", "/saved"} {
			p := h.Must(400, "GET", path, guest, "", "X-Interests-Revision: "+value).Problem(t)
			if len(p.Errors) != 1 || p.Errors[0].Location != "X-Interests-Revision" {
				t.Errorf("GET %s with revision %s: %+v", path, value, p)
			}
		}
	}
	h.Must(200, "GET", "/feed", guest, "", "X-Interests-Revision: 99999999999999999") // the record is older: it lost edits
}

// The 501st followed topic is refused, and so is the 501st muted one.
func TestFullList(t *testing.T) {
	h := NewHouse(t)
	var lines strings.Builder
	for i := range interests.MaxFollowed + 1 {
		fmt.Fprintf(&lines, `{"url":"https://news.example/%d","title":"t","topics":["tag %d"]}`+"\n", i, i)
	}
	h.Must(200, "POST", "/articles", h.Publisher, lines.String(), "Content-Type: application/x-ndjson")
	guest := h.Guest()
	who, err := h.person(guest, anybodys)
	if err != nil {
		t.Fatal(err)
	}
	h.Follow(guest, "tag-0")
	list, err := h.Lists.Get(t.Context(), who.session.Account)
	if err != nil {
		t.Fatal(err)
	}
	ops := make([]interests.Op, interests.MaxFollowed-1)
	for i := range ops {
		ops[i] = interests.Op{Topic: mustTopic(h, fmt.Sprintf("tag %d", i+1)), Level: interests.Follow, At: list.NextStamp(h.Clock.Now())}
	}
	full, _ := interests.Apply(list, ops, h.Clock.Now())
	if err := h.Store.Lists().Swap(t.Context(), who.session.Account, list.Revision, full, who.session.Until()); err != nil {
		t.Fatal(err)
	}
	if p := h.Must(409, "PUT", "/interests/tag-500", guest, `{"level":"follow"}`).Problem(t); p.Type != "list-full" {
		t.Errorf("%+v", p)
	}
	h.Must(200, "PUT", "/interests/tag-500", guest, `{"level":"mute"}`)
	h.Must(200, "PUT", "/interests/tag-0", guest, `{"level":"favourite"}`)
}
