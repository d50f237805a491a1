package api

import (
	"reflect"
	"strings"
	"testing"

	"newsfeed/interests/account"
)

func (h *House) imports(token account.Secret, kind, body string) (got struct {
	Added, Kept, Unknown []string
	LeftOut              []string `json:"left_out"`
}) {
	h.Helper()
	r := h.Call("POST", "/interests/import", token, body, "Content-Type: "+kind)
	r.Want(h, 200)
	r.JSON(h, &got)
	return got
}

// A list goes out as OPML and JSON and comes back the same; an import changes nothing
// that the list has.
func TestImport(t *testing.T) {
	h := NewHouse(t)
	from := h.Guest()
	h.Follow(from, "north-korea")
	h.Must(200, "PUT", "/interests/tennis", from, `{"level":"favourite"}`)
	h.Must(200, "PUT", "/interests/iran", from, `{"level":"mute"}`)
	levels := func(token account.Secret) map[string]string {
		var got struct {
			Interests []struct{ Topic, Level string }
		}
		h.Must(200, "GET", "/interests", token, "").JSON(t, &got)
		all := map[string]string{}
		for _, i := range got.Interests {
			all[i.Topic] = i.Level
		}
		return all
	}
	for kind, path := range map[string]string{"text/x-opml": "/interests.opml", "application/json": "/interests"} {
		body := string(h.Must(200, "GET", path, from, "").Body)
		to := h.Guest()
		if got := h.imports(to, kind, body); len(got.Added) != 3 || !reflect.DeepEqual(levels(from), levels(to)) {
			t.Errorf("%s: %+v, and the list is %v, want %v", kind, got, levels(to), levels(from))
		}
		if got := h.imports(to, kind, body); len(got.Kept) != 3 || len(got.Added) != 0 {
			t.Errorf("%s, again: %+v", kind, got)
		}
	}
	// Of another newsreader: folders, names, and what nobody knows here.
	theirs := `<opml version="1.0"><body><outline text="World"><outline text="Iran" xmlUrl="https://x.example/iran.xml"/>
		<outline title="Nobody knows this" text="x" xmlUrl="https://x.example/2"/></outline><outline text="cuba" xmlUrl="https://x.example/3"/></body></opml>`
	got := h.imports(from, "application/xml", theirs)
	if strings.Join(got.Kept, " ") != "iran" || strings.Join(got.Unknown, " ") != "Nobody knows this" || strings.Join(got.Added, " ") != "cuba" {
		t.Errorf("of another newsreader: %+v", got)
	}
	if levels(from)["iran"] != "mute" {
		t.Error("an import has lifted a mute")
	}
}
