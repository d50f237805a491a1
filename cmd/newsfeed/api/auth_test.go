package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"newsfeed/interests/account"
)

func TestBadAuthorization(t *testing.T) {
	h := NewHouse(t)
	guest := string(h.Guest())
	for _, value := range []string{"Basic " + guest, guest, "Bearer", "Bearer  ", "Bearer " + guest + "x", "Bearer " + guest[:42], "Bearer " + guest + " " + guest} {
		h.Must(401, "GET", "/topics", "", "", "Authorization: "+value)
	}
	h.Must(200, "GET", "/feed", "", "", "Authorization: bearer "+guest)
}

// A revoked key is refused at once.
func TestRevokedKey(t *testing.T) {
	h := NewHouse(t)
	var key keyShape
	h.Must(201, "POST", "/keys", h.Editor, `{"name":"desk"}`).JSON(t, &key)
	h.Must(200, "POST", "/articles", key.Key, `[]`)
	h.Must(204, "DELETE", "/keys/"+key.ID.String(), h.Editor, "")
	h.Must(401, "POST", "/articles", key.Key, `[]`)
	h.Must(404, "DELETE", "/keys/"+key.ID.String(), h.Editor, "")
}

// The reader's cookie stands for a person, and changes something only when a
// browser says that one of our own pages asks.
func TestCookie(t *testing.T) {
	h := NewHouse(t)
	cookie := "Cookie: __Host-newsfeed=" + string(h.Guest())
	tests := []struct {
		name, method, path string
		headers            []string
		status             int
	}{
		{"reading", "GET", "/feed", nil, 200},
		{"reading across sites", "GET", "/feed", []string{"Sec-Fetch-Site: cross-site", "Origin: https://app.example"}, 200},
		{"a change by our page", "PUT", "/interests/iran", []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"a change by an old browser", "PUT", "/interests/iran", []string{"Origin: https://news.example"}, 200},
		{"a change by no browser", "PUT", "/interests/iran", nil, 403},
		{"a change by another site", "PUT", "/interests/iran", []string{"Sec-Fetch-Site: cross-site", "Origin: https://news.example"}, 403},
		{"a change by a neighbour", "DELETE", "/interests/iran", []string{"Sec-Fetch-Site: same-site"}, 403},
		{"a change by another origin", "PUT", "/interests/iran", []string{"Origin: https://app.example"}, 403},
		{"a change by null", "PUT", "/interests/iran", []string{"Origin: null"}, 403},
	}
	for _, test := range tests {
		body := ""
		if test.method == "PUT" {
			body = `{"level":"mute"}`
		}
		r := h.Call(test.method, test.path, "", body, append(test.headers, cookie)...)
		if r.StatusCode != test.status {
			t.Errorf("%s: %d, want %d: %s", test.name, r.StatusCode, test.status, r.Body)
		}
		if r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: another origin may read what a cookie brought", test.name)
		}
	}
	h.Must(401, "GET", "/feed", "", "", "Cookie: __Host-newsfeed="+string(account.NewSecret()))
	h.Must(401, "GET", "/keys", "", "", "Cookie: __Host-newsfeed="+string(h.Editor)) // keys are no cookies
	h.Must(200, "GET", "/livez", "", "", "Cookie: __Host-newsfeed=old")
	h.Must(401, "GET", "/feed", "", "", strings.Replace(cookie, "__Host-", "", 1)) // not over plain HTTP here

	plain := NewHouse(t, func(d *Deps) { d.Settings.InsecureCookies = true })
	plain.Must(200, "GET", "/feed", "", "", "Cookie: newsfeed="+string(plain.Guest()))
}

// A change that is meant for one person is not made for another, whom another tab
// has signed in since; who says nothing means themselves.
func TestMeantForAnother(t *testing.T) {
	h := NewHouse(t)
	var made struct {
		Account struct{ ID string }
		Token   account.Secret
	}
	h.Must(201, "POST", "/guests", "", "").JSON(t, &made)
	mine, other := "X-Account: "+made.Account.ID, h.Guest()
	h.Must(200, "PUT", "/interests/iran", made.Token, `{"level":"follow"}`, mine)
	h.Must(200, "DELETE", "/interests/iran", made.Token, "", mine)
	if p := h.Must(401, "PUT", "/interests/iran", other, `{"level":"follow"}`, mine).Problem(t); p.Type != "other-account" {
		t.Errorf("the problem is %q, want other-account", p.Type)
	}
	h.Must(401, "DELETE", "/interests/iran", "", "", mine, "Cookie: __Host-newsfeed="+string(other), "Sec-Fetch-Site: same-origin")
	h.Must(200, "PUT", "/interests/iran", other, `{"level":"follow"}`)
	h.Must(200, "GET", "/interests", other, "", mine) // reading sends nothing
}

// A guest lives for a day; from the first edit on for 90 days after the last
// use, and the list a day longer than the guest.
func TestGuestLifetimes(t *testing.T) {
	h := NewHouse(t)
	session := func(token account.Secret) account.Session {
		t.Helper()
		s, err := h.Store.Sessions().Session(t.Context(), token.Hash())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	started := h.Clock.Now()
	unused, used := h.Guest(), h.Guest()
	h.Must(200, "GET", "/feed", unused, "")
	if s := session(unused); s.Kept || s.Expires.Sub(started).Round(time.Minute) != account.GuestUnused {
		t.Errorf("a guest without an edit: %+v", s)
	}

	h.Clock.Move(-80 * 24 * time.Hour) // the first edit was 80 days ago
	h.Follow(used, "iran")
	if s := session(used); !s.Kept || s.Expires.Sub(h.Clock.Now()).Round(time.Minute) != account.GuestKept {
		t.Errorf("a guest with an edit: %+v", s)
	}
	h.Clock.Move(time.Hour)
	h.Must(200, "GET", "/topics", used, "")
	if s := session(used); s.Expires.Sub(h.Clock.Now()).Round(time.Minute) != account.GuestKept-time.Hour {
		t.Errorf("prolonged within the day: %+v", s)
	}
	h.Clock.Move(80 * 24 * time.Hour)
	h.Must(200, "GET", "/topics", used, "") // any call is a use
	if s := session(used); s.Expires.Sub(h.Clock.Now()).Round(time.Minute) != account.GuestKept {
		t.Errorf("not prolonged by a use: %+v", s)
	}
	if p := h.GetPage("/feed", used); p.Cold {
		t.Error("the list is gone")
	}
	if errs := h.Reported(); len(errs) > 0 {
		t.Error(errs)
	}
}

// A guest who is gone when the first edit comes is told so, and nothing is stored.
func TestGuestGoneBeforeTheFirstEdit(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	who, err := h.person(guest, anybodys)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Store.Sessions().End(t.Context(), guest.Hash()); err != nil {
		t.Fatal(err)
	}
	h.Must(http.StatusUnauthorized, "PUT", "/interests/iran", guest, `{"level":"follow"}`)
	list, err := h.Lists.Get(t.Context(), who.session.Account)
	if err != nil || len(list.Topics) > 0 {
		t.Errorf("stored %+v, %v", list, err)
	}
}
