package api

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	h := NewHouse(t)
	r := h.Must(201, "POST", "/keys", h.Editor, `{"name":" News desk ","sources":["ABC News"],"hosts":["WWW.Example.ORG.","[2001:db8::1]"]}`)
	var key keyShape
	r.JSON(t, &key)
	if key.Name != "News desk" || key.Role != "publisher" || !slices.Equal(key.Sources, []string{"abc-news"}) ||
		!slices.Equal(key.Hosts, []string{"www.example.org", "2001:db8::1"}) || len(key.Key) != 43 || key.Created.IsZero() {
		t.Errorf("made %s", r.Body)
	}
	if r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control %q", r.Header.Get("Cache-Control"))
	}
	list := h.Must(200, "GET", "/keys", h.Editor, "")
	var keys struct{ Keys []keyShape }
	list.JSON(t, &keys)
	if len(keys.Keys) != 3 || keys.Keys[2].ID != key.ID {
		t.Errorf("list %s", list.Body)
	}
	if strings.Contains(string(list.Body), string(key.Key)) || strings.Contains(string(list.Body), key.Key.Hash().String()) || bytes.Contains(list.Body, []byte("null")) {
		t.Errorf("list %s", list.Body)
	}
	h.Must(404, "DELETE", "/keys/"+keys.Keys[0].ID.String(), h.Editor, "") // of the settings
	h.Must(404, "DELETE", "/keys/x", h.Editor, "")
}

func TestBadKeys(t *testing.T) {
	h := NewHouse(t)
	for body, location := range map[string]string{
		`{"name":""}`:                                  "/name",
		`{"name":"a","role":"king"}`:                   "/role",
		`{"name":"a","role":"editor","sources":["a"]}`: "/role",
		`{"name":"a","sources":["ok","!"]}`:            "/sources/1",
		`{"name":"a","hosts":["https://a.example"]}`:   "/hosts/0",
		`{"name":"a","hosts":["a.example:8080"]}`:      "/hosts/0",
		`{"name":"a","hosts":["a.example/path"]}`:      "/hosts/0",
		`{"name":"a","hosts":["*.a.example"]}`:         "/hosts/0",
		`{"name":"a","hosts":[" "]}`:                   "/hosts/0",
		`{"name":"a","hosts":["user@a.example"]}`:      "/hosts/0",
		`{"name":"` + strings.Repeat("x", 200) + `"}`:  "/name",
	} {
		p := h.Must(422, "POST", "/keys", h.Editor, body).Problem(t)
		if len(p.Errors) != 1 || p.Errors[0].Location != location {
			t.Errorf("%s: errors %v, want one at %s", body, p.Errors, location)
		}
	}
	h.Must(400, "POST", "/keys", h.Editor, `{"name":"a","hash":"x"}`)
}
