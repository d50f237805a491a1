package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/interests/account"
)

// in is the answer to who signs up or in.
type in struct {
	Account accountShape
	Token   account.Secret
	Merge   *mergeShape
}

func (h *House) enter(status int, path string, token account.Secret, body string) (got in) {
	h.Helper()
	r := h.Must(status, "POST", path, token, body)
	if status == http.StatusCreated {
		r.JSON(h, &got)
	}
	return got
}

func creds(email string, more ...string) string {
	return `{"email":"` + email + `","password":"correct horse"` + strings.Join(more, "") + `}`
}

// levels returns a list as topic → level.
func (h *House) levels(token account.Secret) map[string]string {
	h.Helper()
	var got struct {
		Interests []struct{ Topic, Level string }
	}
	h.Must(200, "GET", "/interests", token, "").JSON(h, &got)
	levels := map[string]string{}
	for _, i := range got.Interests {
		levels[i.Topic] = i.Level
	}
	return levels
}

func (h *House) set(token account.Secret, level string, topics ...string) {
	h.Helper()
	for _, t := range topics {
		h.Must(200, "PUT", "/interests/"+t, token, `{"level":"`+level+`"}`)
	}
}

func (h *House) wantLevels(token account.Secret, want map[string]string) {
	h.Helper()
	if got := h.levels(token); fmt.Sprint(got) != fmt.Sprint(want) {
		h.Fatalf("the list is %v, want %v", got, want)
	}
}

// A guest who signs up stays who it was: id, list, marks and walks; the old token
// is good for nothing but signing up again, which is answered alike.
func TestGuestSignsUp(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a", "b", "c")
	guest := h.Guest()
	var before accountShape
	h.Must(200, "GET", "/account", guest, "").JSON(t, &before)
	h.Follow(guest, "iran", "chad")
	h.Must(200, "DELETE", "/interests/chad", guest, "")
	h.Must(200, "PUT", "/marks/"+ids[0], guest, `{"saved":true}`)
	walk := h.GetPage("/feed?limit=1", guest)

	me := h.enter(201, "/accounts", guest, creds("Ann@Example.org"))
	if me.Account.ID != before.ID || me.Account.Guest || me.Account.Email != "ann@example.org" || !me.Account.Expires.IsZero() {
		t.Errorf("the account: %+v, want the guest's id %s", me.Account, before.ID)
	}
	if me.Merge == nil || fmt.Sprint(me.Merge.Added) != "[iran]" {
		t.Errorf("the merge: %+v", me.Merge)
	}
	h.wantLevels(me.Token, map[string]string{"iran": "follow"})
	if next := h.GetPage("/feed?limit=1&cursor="+walk.Next, me.Token); len(next.Items) != 1 || next.Items[0].Article.ID != ids[1] {
		t.Errorf("the walk goes on with %v, want %s", next.Items, ids[1])
	}
	if saved := h.GetPage("/saved", me.Token); len(saved.Items) != 1 {
		t.Errorf("saved: %v", saved.Titles())
	}
	for _, path := range []string{"/interests", "/feed", "/account", "/topics"} {
		if p := h.Must(401, "GET", path, guest, "").Problem(t); p.Type != "merged" {
			t.Errorf("GET %s with the spent token: type %s, want merged", path, p.Type)
		}
	}
	again := h.enter(201, "/accounts", guest, creds("ann@example.org"))
	if again.Account.ID != before.ID || again.Merge == nil || again.Merge.ID != me.Merge.ID {
		t.Errorf("signed up again: %+v", again)
	}
	if p := h.Must(401, "POST", "/accounts", guest, creds("ben@example.org")).Problem(t); p.Type != "merged" {
		t.Errorf("another sign-up: %s", p.Type)
	}
	if p := h.Must(409, "POST", "/accounts", "", creds("ANN@example.org")).Problem(t); p.Type != "taken" {
		t.Errorf("a taken address: %s", p.Type)
	}
	// In two years: what belongs to a member is kept for good.
	h.Clock.Move(170 * 24 * time.Hour)
	h.Must(200, "GET", "/interests", me.Token, "")
	h.Clock.Move(170 * 24 * time.Hour)
	h.wantLevels(me.Token, map[string]string{"iran": "follow"})
}

// Preview, decline, merge, merge twice, undo: a guest's list in an account that is
// there already.
func TestMergeIntoAccount(t *testing.T) {
	h := NewHouse(t)
	ids := h.Publish(h.Publisher, "Iran", "a", "b")
	ann := h.enter(201, "/accounts", "", creds("ann@example.org")).Token
	h.set(ann, "follow", "iran", "chad", "mali", "peru")
	h.set(ann, "mute", "fiji")
	h.Must(200, "PUT", "/marks/"+ids[0], ann, `{"read":true}`)
	h.Clock.Move(time.Second)
	guest := h.Guest()
	h.set(guest, "follow", "iran", "togo", "cuba", "oman")
	h.set(guest, "mute", "chad")
	h.Must(200, "DELETE", "/interests/mali", guest, "")
	h.Must(200, "PUT", "/marks/"+ids[1], guest, `{"saved":true,"read":true}`)
	h.Clock.Move(time.Second)
	h.Must(200, "DELETE", "/interests/cuba", ann, "") // later than the guest
	h.set(ann, "favourite", "peru")
	h.Clock.Move(time.Second)
	before := h.levels(ann)

	var preview struct{ Merge mergeShape }
	h.Must(200, "POST", "/merges/preview", guest, creds("ann@example.org")).JSON(t, &preview)
	if got := fmt.Sprint(preview.Merge.Added, preview.Merge.Unchanged, preview.Merge.LeftOut); got != "[oman togo] [iran] []" {
		t.Errorf("preview: %s", got)
	}
	text, _ := json.Marshal(preview.Merge.Overridden)
	if got := string(text); got != `[{"topic":"chad","kept":"mute","dropped":"follow"},{"topic":"cuba","kept":null,"dropped":"follow"}]` {
		t.Errorf("preview, overridden: %s", got)
	}
	h.wantLevels(ann, before)
	if p := h.Must(401, "POST", "/merges/preview", guest, `{"email":"ann@example.org","password":"wrong horse"}`).Problem(t); p.Type != "credentials" {
		t.Errorf("preview with a wrong password: %s", p.Type)
	}

	if declined := h.enter(201, "/sessions", guest, creds("ann@example.org", `,"merge":false`)); declined.Merge != nil {
		t.Errorf("declined: %+v", declined.Merge)
	}
	h.wantLevels(ann, before)
	h.Must(200, "GET", "/interests", guest, "")

	merged := h.enter(201, "/sessions", guest, creds("ann@example.org", `,"label":"Phone"`))
	preview.Merge.ID = merged.Merge.ID
	if got, want := fmt.Sprintf("%+v", *merged.Merge), fmt.Sprintf("%+v", preview.Merge); len(got) != len(want) {
		t.Errorf("merged %s, previewed %s", got, want)
	}
	after := map[string]string{"iran": "follow", "chad": "mute", "mali": "follow", "peru": "favourite", "fiji": "mute", "togo": "follow", "oman": "follow"}
	h.wantLevels(merged.Token, after)
	if saved := h.GetPage("/saved", ann); len(saved.Items) != 1 {
		t.Errorf("saved: %v", saved.Titles())
	}

	again := h.enter(201, "/sessions", guest, creds("ann@example.org"))
	if again.Merge == nil || again.Merge.ID != merged.Merge.ID {
		t.Errorf("merged twice: %+v", again.Merge)
	}
	h.wantLevels(ann, after)
	h.enter(201, "/accounts", "", creds("ben@example.org"))
	if p := h.Must(401, "POST", "/sessions", guest, creds("ben@example.org")).Problem(t); p.Type != "merged" {
		t.Errorf("into another account: %s", p.Type)
	}

	h.Clock.Move(time.Second)
	var undone struct{ Revision uint64 }
	h.Must(200, "POST", "/merges/"+merged.Merge.ID.String()+"/undo", ann, "").JSON(t, &undone)
	h.wantLevels(ann, before)
	if saved := h.GetPage("/saved", ann); len(saved.Items) != 0 {
		t.Errorf("saved after the undo: %v", saved.Titles())
	}
	h.Must(200, "POST", "/merges/"+merged.Merge.ID.String()+"/undo", ann, "")
	if again := h.enter(201, "/sessions", guest, creds("ann@example.org")); again.Merge == nil || !again.Merge.Undone {
		t.Errorf("after the undo: %+v", again.Merge)
	}
	h.wantLevels(ann, before)
	ben := h.enter(201, "/sessions", "", creds("ben@example.org")).Token
	h.Must(404, "POST", "/merges/"+merged.Merge.ID.String()+"/undo", ben, "")
}

// An undo leaves alone what was edited since.
func TestUndoKeepsLaterEdits(t *testing.T) {
	h := NewHouse(t)
	ann := h.enter(201, "/accounts", "", creds("ann@example.org")).Token
	guest := h.Guest()
	h.set(guest, "follow", "iran", "togo", "oman")
	m := h.enter(201, "/sessions", guest, creds("ann@example.org")).Merge
	h.set(ann, "follow", "iran") // the same level, and an edit all the same
	h.set(ann, "mute", "togo")
	h.Must(200, "POST", "/merges/"+m.ID.String()+"/undo", ann, "")
	h.wantLevels(ann, map[string]string{"iran": "follow", "togo": "mute"})

	guest = h.Guest()
	h.set(guest, "follow", "oman")
	m = h.enter(201, "/sessions", guest, creds("ann@example.org")).Merge
	h.Clock.Move(account.MergeLife + time.Minute)
	h.Must(404, "POST", "/merges/"+m.ID.String()+"/undo", ann, "")
}

// A guest's token that is unknown or has expired does not hinder a sign-in.
func TestUnknownGuestIsNoHindrance(t *testing.T) {
	h := NewHouse(t)
	for i, token := range []account.Secret{account.NewSecret(), "garbage", h.Guest()} {
		if i == 2 {
			h.Must(204, "DELETE", "/sessions/current", token, "")
		}
		email := fmt.Sprintf("ann%d@example.org", i)
		if got := h.enter(201, "/accounts", token, creds(email)); got.Merge != nil {
			t.Errorf("a merge of nobody: %+v", got.Merge)
		}
		if got := h.enter(201, "/sessions", token, creds(email)); got.Merge != nil {
			t.Errorf("a merge of nobody: %+v", got.Merge)
		}
	}
}

// Devices are listed, named, and signed out by their person only.
func TestDevices(t *testing.T) {
	h := NewHouse(t)
	ann := h.enter(201, "/accounts", "", creds("ann@example.org")).Token
	phone := h.enter(201, "/sessions", "", creds("ann@example.org", `,"label":" Phone "`)).Token
	ben := h.enter(201, "/accounts", "", creds("ben@example.org")).Token
	var list struct{ Sessions []sessionShape }
	h.Must(200, "GET", "/sessions", ann, "").JSON(t, &list)
	i := slices.IndexFunc(list.Sessions, func(s sessionShape) bool { return s.Label == "Phone" && !s.Current })
	if len(list.Sessions) != 2 || i < 0 || !list.Sessions[1-i].Current {
		t.Fatalf("devices: %+v", list.Sessions)
	}
	id := list.Sessions[i].ID.String()
	h.Must(404, "DELETE", "/sessions/"+id, ben, "")
	h.Must(200, "GET", "/feed", phone, "")
	h.Must(204, "DELETE", "/sessions/"+id, ann, "")
	h.Must(401, "GET", "/feed", phone, "")
	h.Must(404, "DELETE", "/sessions/"+id, ann, "")
	h.Must(204, "DELETE", "/sessions/current", ann, "")
	h.Must(401, "GET", "/account", ann, "")
}

// Sign-ins are counted per account and per address, and none who is over the limit
// learns more than that.
func TestSignInLimits(t *testing.T) {
	h := NewHouse(t, func(d *Deps) { d.Settings.Entries = account.Allowance{Calls: 4, Window: time.Hour} })
	h.enter(201, "/accounts", "", creds("ann@example.org"))
	for range 3 {
		h.Must(401, "POST", "/sessions", "", creds("nobody@example.org"))
	}
	r := h.Must(429, "POST", "/sessions", "", creds("ann@example.org"))
	if p := r.Problem(t); r.Header.Get("Retry-After") == "" || strings.Contains(p.Detail, "ann") {
		t.Errorf("%+v, Retry-After %q", p, r.Header.Get("Retry-After"))
	}
}

// Neither passwords nor addresses nor tokens are in what the operator is told.
func TestNothingSecretIsReported(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/accounts", "/sessions", "/merges/preview"} {
		h.Must(503, "POST", path, guest, creds("ann@example.org"))
	}
	for _, err := range h.Reported() {
		for _, secret := range []string{"ann", "correct horse", string(guest)} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q is told: %v", secret, err)
			}
		}
	}
	if len(h.Reported()) != 3 {
		t.Errorf("%d errors were told", len(h.Reported()))
	}
}

// A lost password: a letter to who has an account and to nobody else, with the same
// answer; its link is good once.
func TestLostPassword(t *testing.T) {
	sent := make(chan [2]string, 4)
	h := NewHouse(t, func(d *Deps) {
		d.Mail = func(_ context.Context, to, _, text string) error { sent <- [2]string{to, text}; return nil }
	})
	ann := h.enter(201, "/accounts", "", creds("ann@example.org")).Token
	unknown := h.Must(202, "POST", "/account/password/reset", "", `{"email":"nobody@example.org"}`)
	known := h.Must(202, "POST", "/account/password/reset", "", `{"email":"Ann@Example.org"}`)
	if string(unknown.Body) != string(known.Body) || len(unknown.Header) != len(known.Header) {
		t.Errorf("known %v %q, unknown %v %q", known.Header, known.Body, unknown.Header, unknown.Body)
	}
	letter := <-sent
	_, rest, _ := strings.Cut(letter[1], "https://news.example/my/password/")
	token := strings.Fields(rest)[0]
	if letter[0] != "ann@example.org" || len(sent) > 0 {
		t.Errorf("letter to %s, and %d more", letter[0], len(sent))
	}
	h.Must(204, "PUT", "/account/password/reset", "", `{"token":"`+token+`","password":"staple battery"}`)
	h.Must(410, "PUT", "/account/password/reset", "", `{"token":"`+token+`","password":"staple battery"}`)
	h.Must(401, "GET", "/account", ann, "")
	h.Must(401, "POST", "/sessions", "", creds("ann@example.org"))
	h.Must(201, "POST", "/sessions", "", `{"email":"ann@example.org","password":"staple battery"}`)

	var made keyShape
	h.Must(201, "POST", "/keys", h.Editor, `{"name":"second","role":"editor"}`).JSON(t, &made)
	h.Must(403, "POST", "/accounts/resets", made.Key, `{"email":"ann@example.org"}`)
	var link struct{ Link string }
	h.Must(201, "POST", "/accounts/resets", h.Editor, `{"email":"ben@example.org","create":true}`).JSON(t, &link)
	if !strings.HasPrefix(link.Link, "https://news.example/my/password/") {
		t.Errorf("link %s", link.Link)
	}
}
