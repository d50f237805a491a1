package api

import (
	"context"
	"strings"
	"testing"

	"newsfeed/interests/account"
)

const embedding = "https://paper.example"

func (h *House) widget(id account.ID) account.Secret {
	h.Helper()
	_, token, err := h.People.NewWidget(context.Background(), id, embedding)
	if err != nil {
		h.Fatal(err)
	}
	return token
}

// A widget's token follows topics and takes back what it followed, from its origin. It
// lifts no mute, touches nothing that somebody else added, and nothing else is its own.
func TestWidgetToken(t *testing.T) {
	h := NewHouse(t, func(d *Deps) { d.Settings.AllowedOrigins = []string{embedding, "https://other.example"} })
	ann := h.enter(201, "/accounts", "", creds("ann@example.org"))
	token := h.widget(ann.Account.ID)
	h.Must(200, "PUT", "/interests/cuba", ann.Token, `{"level":"mute"}`)
	h.Must(200, "PUT", "/interests/tennis", ann.Token, `{"level":"favourite"}`)
	from := "Origin: " + embedding
	for _, call := range []struct {
		method, path, body, origin string
		want                       int
	}{
		{"GET", "/topics/iran", "", from, 200},
		{"PUT", "/interests/iran", `{"level":"follow"}`, from, 200},
		{"PUT", "/interests/iran", `{"level":"favourite"}`, from, 403},
		{"PUT", "/interests/iran", `{"level":"mute"}`, from, 403},
		{"PUT", "/interests/cuba", `{"level":"follow"}`, from, 403},
		{"PUT", "/interests/tennis", `{"level":"follow"}`, from, 200},
		{"DELETE", "/interests/tennis", "", from, 403},
		{"DELETE", "/interests/cuba", "", from, 403},
		{"DELETE", "/interests/iran", "", from, 200},
		{"DELETE", "/interests/iran", "", from, 200},
		{"PUT", "/interests/iran", `{"level":"follow"}`, "Origin: https://other.example", 403},
		{"PUT", "/interests/iran", `{"level":"follow"}`, "Origin: null", 403},
		{"GET", "/topics/iran", "", "", 403},
	} {
		var headers []string
		if call.origin != "" {
			headers = []string{call.origin}
		}
		if got := h.Call(call.method, call.path, token, call.body, headers...); got.StatusCode != call.want {
			t.Errorf("%s %s %s from %q answered %d, want %d: %s", call.method, call.path, call.body, call.origin, got.StatusCode, call.want, got.Body)
		}
	}
	var list struct {
		Interests []struct{ Topic, Level string }
	}
	h.Must(200, "GET", "/interests", ann.Token, "").JSON(t, &list)
	if len(list.Interests) != 2 || list.Interests[0].Level != "mute" || list.Interests[1].Level != "favourite" {
		t.Errorf("afterwards the list is %+v", list)
	}
	// What one token added another one of its origin takes back; what its person
	// touched since is theirs.
	h.Call("PUT", "/interests/iran", token, `{"level":"follow"}`, from).Want(t, 200)
	h.Call("DELETE", "/interests/iran", h.widget(ann.Account.ID), "", from).Want(t, 200)
	h.Call("PUT", "/interests/iran", token, `{"level":"follow"}`, from).Want(t, 200)
	h.Must(200, "PUT", "/interests/iran", ann.Token, `{"level":"follow"}`)
	h.Call("DELETE", "/interests/iran", token, "", from).Want(t, 403)

	tried := 0
	for _, r := range routes() {
		switch r.method + " " + r.path {
		case "GET /topics/{id}", "PUT /interests/{topic}", "DELETE /interests/{topic}":
			continue
		}
		path := strings.NewReplacer("{id}", "iran", "{topic}", "iran", "{story}", "x", "{article}", "x").Replace(r.path)
		if got := h.Call(r.method, path, token, "", from); got.StatusCode != 403 {
			t.Errorf("%s %s by a widget's token answered %d, want 403", r.method, path, got.StatusCode)
		}
		if got := h.Call(r.method, path, "", "", "Cookie: __Host-newsfeed="+string(token), "Sec-Fetch-Site: same-origin"); got.StatusCode != 401 && r.access != operation && r.access != entering {
			t.Errorf("%s %s by a cookie with a widget's token answered %d, want 401", r.method, path, got.StatusCode)
		}
		tried++
	}
	if tried < 50 {
		t.Errorf("%d calls were tried: that cannot be all", tried)
	}
	h.Must(204, "PUT", "/account/password", ann.Token, `{"current":"correct horse","new":"battery staple"}`)
	h.Call("GET", "/topics/iran", token, "", from).Want(t, 401) // as all other sessions
}
