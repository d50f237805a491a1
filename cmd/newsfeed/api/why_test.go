package api

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Each rule says what a person understands, and names what it is about.
func TestWhy(t *testing.T) {
	h := NewHouse(t)
	old := h.Clock.Now().Add(-1000 * time.Hour).UTC().Format(time.RFC3339)
	for _, source := range []string{"alpha", "beta", "gamma"} {
		post(t, h, h.Publisher, `{"url":"https://news.example/`+source+`","title":"x","topics":["Iran"],"external_id":"urn:s","source":{"id":"`+source+`"}}`)
		post(t, h, h.Publisher, `{"url":"https://news.example/to-know-`+source+`","title":"x","topics":["Golf"],"external_id":"urn:g","source":{"id":"`+source+`"}}`)
	}
	h.Publish(h.Publisher, "Tennis", "tennis", "gone")
	h.Publish(h.Publisher, "Cuba", "cuba", "hidden", "read")
	post(t, h, h.Publisher, `{"url":"https://news.example/old","title":"old","topics":["Iran"],"published_at":"`+old+`"}`)
	h.Must(204, "DELETE", "/articles/"+idAt("https://news.example/gone"), h.Publisher, "")
	guest := h.Guest()
	h.Follow(guest, "iran", "cuba")
	h.Must(200, "PUT", "/interests/Tennis", guest, `{"level":"mute"}`)
	h.Must(200, "PUT", "/marks/"+idAt("https://news.example/hidden"), guest, `{"hidden":true}`)
	h.Must(200, "PUT", "/marks/"+idAt("https://news.example/read"), guest, `{"read":true}`)
	tests := []struct{ name, query, rule, detail string }{
		{"cuba", "", "", ""},
		{"read", "", "", ""},
		{"tennis", "", "muted", "You muted Tennis."},
		{"hidden", "", "hidden", "hid"},
		{"read", "?unread=true", "read", "unread"},
		{"gone", "", "withdrawn", "withdrew"},
		{"old", "", "too_old", "30 days"},
		{"never", "", "unknown", "no such article"},
		{"cuba", "?kind=video", "filtered", "asked for"},
		{"cuba", "?topic=iran", "filtered", "asked for"},
		{"to-know-alpha", "?must_know=0", "not_followed", "follow"},
	}
	for _, test := range tests {
		r := h.Must(200, "GET", "/feed/why/"+idAt("https://news.example/"+test.name)+test.query, guest, "")
		var got receipt
		r.JSON(t, &got)
		if got.Shown != (test.rule == "") || got.Because.Rule != test.rule || !strings.Contains(got.Because.Detail, test.detail) ||
			got.Shown != (got.Position > 0) || got.Shown != (got.Why != nil) {
			t.Errorf("why %s%s: %s", test.name, test.query, r.Body)
		}
		h.Must(304, "GET", "/feed/why/"+idAt("https://news.example/"+test.name)+test.query, guest, "", "If-None-Match: "+r.Header.Get("ETag"))
	}
	rules := map[string]int{}
	for _, prefix := range []string{"", "to-know-"} {
		for _, source := range []string{"alpha", "beta", "gamma"} {
			var got receipt
			r := h.Must(200, "GET", "/feed/why/"+idAt("https://news.example/"+prefix+source), guest, "")
			r.JSON(t, &got)
			rules[prefix+got.Because.Rule]++
			if got.Because.Rule == "same_story" && got.Because.Story != idAt("https://news.example/"+prefix+"alpha") {
				t.Errorf("why %s: %s", source, r.Body)
			}
			if prefix != "" && got.Shown && (got.Position != 0 || len(got.Why.Terms) != 1 || got.Why.Terms[0].Name != "must_know") {
				t.Errorf("of the shelf: %s", r.Body)
			}
		}
	}
	if rules[""] != 1 || rules["same_story"] != 2 || rules["to-know-"] != 1 || rules["to-know-same_story"] != 2 {
		t.Errorf("of two stories of three articles: %v", rules)
	}
}

// A receipt is that of the card, at its position.
func TestWhyAgreesWithTheFeed(t *testing.T) {
	h := NewHouse(t)
	h.Publish(h.Publisher, "Iran", "a", "b", "c")
	h.Publish(h.Publisher, "Cuba", "d", "e")
	guest := h.Guest()
	h.Follow(guest, "iran", "cuba")
	var p struct {
		Items []struct {
			Article struct{ ID string }
			Why     struct {
				Score float64
				Terms []struct {
					Name  string
					Value float64
				}
			}
		}
	}
	h.Must(200, "GET", "/feed?why=true", guest, "").JSON(t, &p)
	for i, card := range p.Items {
		var got receipt
		h.Must(200, "GET", "/feed/why/"+card.Article.ID, guest, "").JSON(t, &got)
		sum := 0.0
		for _, term := range got.Why.Terms {
			sum += term.Value
		}
		if got.Position != i+1 || got.Why.Score != card.Why.Score || sum != card.Why.Score || !slices.Equal(got.Why.Terms, card.Why.Terms) {
			t.Errorf("card %d: %+v, receipt %+v", i, card, got)
		}
	}
	if len(p.Items) != 5 {
		t.Errorf("%d cards", len(p.Items))
	}
}
