package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"newsfeed/feed"
	"newsfeed/interests/account"
)

// callers are the columns of the table below: nobody; a guest; Ann, to whom what
// is in a path or a body belongs; Ben, another member; a token that was good and is
// so no more, or never was; a key of a publisher and of an editor; the token of a
// guest that was merged into Ann's account.
var callers = []string{"nobody", "guest", "Ann", "Ben", "revoked", "publisher", "editor", "spent"}

// whoMay says what each call of the document answers to whom. In a path or a body
// stand {session}, {merge}, {reset} and {ann} (an e-mail address) for what is Ann's,
// {new} for an address that nobody has, {article}, {gone} and {key} for one that there
// is, the last two for one that is used up.
var whoMay = map[string]struct {
	path, body string
	statuses   string // in the order of callers
}{
	// call                       path, body                                                                       nobody guest Ann Ben revoked publisher editor spent
	"POST /guests":                 {"/guests", "", "201 201 201 201 401 201 201 401"},
	"POST /accounts":               {"/accounts", `{"email":"{new}","password":"correct horse"}`, "201 201 201 201 201 201 201 401"},
	"GET /account":                 {"/account", "", "401 200 200 200 401 403 403 401"},
	"DELETE /account":              {"/account", `{"password":"correct horse"}`, "401 200 200 200 401 403 403 401"},
	"GET /account/export":          {"/account/export", "", "401 200 200 200 401 403 403 401"},
	"PUT /account/password":        {"/account/password", `{"current":"correct horse","new":"battery staple"}`, "401 403 204 204 401 403 403 401"},
	"POST /account/password/reset": {"/account/password/reset", `{"email":"{new}"}`, "202 202 202 202 401 202 202 401"},
	"PUT /account/password/reset":  {"/account/password/reset", `{"token":"{reset}","password":"battery staple"}`, "204 204 204 204 401 204 204 401"},
	"POST /accounts/resets":        {"/accounts/resets", `{"email":"{ann}"}`, "401 403 403 403 401 403 201 401"},
	"POST /sessions":               {"/sessions", `{"email":"{ann}","password":"correct horse"}`, "201 201 201 201 201 201 201 201"},
	"GET /sessions":                {"/sessions", "", "401 200 200 200 401 403 403 401"},
	"DELETE /sessions/{id}":        {"/sessions/{session}", "", "401 404 204 404 401 403 403 401"},
	"POST /merges/preview":         {"/merges/preview", `{"email":"{ann}","password":"correct horse"}`, "401 200 403 403 401 403 403 200"},
	"POST /merges/{id}/undo":       {"/merges/{merge}/undo", "", "401 404 200 404 401 403 403 401"},
	"GET /topics":                  {"/topics", "", "200 200 200 200 401 200 200 401"},
	"GET /topics.ndjson":           {"/topics.ndjson", "", "200 200 200 200 401 200 200 401"},
	"GET /topics/{id}.rss":         {"/topics/iran.rss", "", "200 200 200 200 401 200 200 401"},
	"GET /topics/{id}.atom":        {"/topics/iran.atom", "", "200 200 200 200 401 200 200 401"},
	"GET /topics/{id}.json":        {"/topics/iran.json", "", "200 200 200 200 401 200 200 401"},
	"POST /feed/tokens":            {"/feed/tokens", `{"label":"Desk"}`, "401 201 201 201 401 403 403 401"},
	"GET /feed.rss":                {"/feed.rss", "", "401 200 200 200 401 403 403 401"},
	"GET /feed.atom":               {"/feed.atom", "", "401 200 200 200 401 403 403 401"},
	"GET /feed.json":               {"/feed.json", "", "401 200 200 200 401 403 403 401"},
	"GET /topics/trending":         {"/topics/trending", "", "200 200 200 200 401 200 200 401"},
	"GET /topics/suggested":        {"/topics/suggested", "", "200 200 200 200 401 200 200 401"},
	"POST /topics/explain":         {"/topics/explain", `{"title":"Iran"}`, "401 403 403 403 401 403 200 401"},
	"GET /topics/{id}":             {"/topics/iran", "", "200 200 200 200 401 200 200 401"},
	"PUT /topics/{id}":             {"/topics/iran", `{"name":"Iran","kind":"country"}`, "401 403 403 403 401 403 200 401"},
	"GET /topics/{id}/articles":    {"/topics/iran/articles", "", "200 200 200 200 401 200 200 401"},
	"GET /interests":               {"/interests", "", "401 200 200 200 401 403 403 401"},
	"GET /interests.opml":          {"/interests.opml", "", "401 200 200 200 401 403 403 401"},
	"POST /interests/import":       {"/interests/import", `{"interests":[{"topic":"iran","level":"mute"}]}`, "401 200 200 200 401 403 403 401"},
	"POST /interests/preview":      {"/interests/preview", `{"ops":[{"topic":"iran","level":"mute"}]}`, "401 200 200 200 401 403 403 401"},
	"POST /interests/sync":         {"/interests/sync", `{"device":"00000000000000a1","ops":[]}`, "401 200 200 200 401 403 403 401"},
	"PUT /interests/{topic}":       {"/interests/iran", `{"level":"follow"}`, "401 200 200 200 401 403 403 401"},
	"DELETE /interests/{topic}":    {"/interests/iran", "", "401 200 200 200 401 403 403 401"},
	"GET /feed":                    {"/feed", "", "401 200 200 200 401 403 403 401"},
	"GET /feed/newer":              {"/feed/newer?cursor=" + feed.Cursor{Started: time.Now()}.String(), "", "401 200 200 200 401 403 403 401"},
	"GET /feed/why/{article}":      {"/feed/why/{article}", "", "401 200 200 200 401 403 403 401"},
	"GET /stories/{id}":            {"/stories/{article}", "", "200 200 200 200 401 200 200 401"},
	"GET /events":                  {"/events", "", "401 200 200 200 401 403 403 401"},
	"GET /marks":                   {"/marks", "", "401 200 200 200 401 403 403 401"},
	"POST /marks/sync":             {"/marks/sync", `{"device":"00000000000000a1","ops":[]}`, "401 200 200 200 401 403 403 401"},
	"PUT /marks/{story}":           {"/marks/{article}", `{"read":true}`, "401 200 200 200 401 403 403 401"},
	"GET /saved":                   {"/saved", "", "401 200 200 200 401 403 403 401"},
	"POST /articles":               {"/articles", `[]`, "401 403 403 403 401 200 200 401"},
	"GET /articles/{id}":           {"/articles/{article}", "", "200 200 200 200 401 200 200 401"},
	"DELETE /articles/{id}":        {"/articles/{gone}", "", "401 403 403 403 401 204 204 401"},
	"POST /sources":                {"/sources", `{"url":"http://127.0.0.1:1/"}`, "401 403 403 403 401 403 201 401"},
	"GET /sources":                 {"/sources", "", "401 403 403 403 401 403 200 401"},
	"POST /sources/list":           {"/sources/list", `{"sources":[]}`, "401 403 403 403 401 403 200 401"},
	"POST /sources/poll":           {"/sources/poll", `{"sources":["x"]}`, "401 403 403 403 401 403 404 401"},
	"DELETE /sources/{id}":         {"/sources/x", "", "401 403 403 403 401 403 404 401"},
	"POST /keys":                   {"/keys", `{"name":"a"}`, "401 403 403 403 401 403 201 401"},
	"GET /keys":                    {"/keys", "", "401 403 403 403 401 403 200 401"},
	"DELETE /keys/{id}":            {"/keys/{key}", "", "401 403 403 403 401 403 204 401"},
	"GET /livez":                   {"/livez", "", "200 200 200 200 401 200 200 200"},
	"GET /readyz":                  {"/readyz", "", "200 200 200 200 401 200 200 200"},
	"GET /metrics":                 {"/metrics", "", "200 200 200 200 401 200 200 200"},
	"GET /version":                 {"/version", "", "200 200 200 200 401 200 200 200"},
	"GET /openapi.json":            {"/openapi.json", "", "200 200 200 200 401 200 200 200"},
	"GET /docs.css":                {"/docs.css", "", "200 200 200 200 401 200 200 200"},
	"GET /docs":                    {"/docs", "", "200 200 200 200 401 200 200 200"},
	"GET /backup":                  {"/backup", "", "401 403 403 403 401 403 200 401"},
	"GET /bench/fixed":             {"/bench/fixed", "", "200 200 200 200 401 200 200 401"},
}

// operations are the calls of the OpenAPI document.
func operations(t *testing.T) (names []string) {
	t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openapi, &document); err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths {
		for method := range item {
			if method != "parameters" {
				names = append(names, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(names)
	return names
}

// cast is a set of callers, with what is Ann's.
type cast struct {
	*House
	ann    account.Email
	tokens map[string][]account.Secret
	fill   *strings.Replacer
}

// newCast makes all anew, since some calls use their callers up.
func newCast(h *House, expired account.Secret) cast {
	h.Helper()
	n := account.NewID().String()
	ann, guest := "ann-"+n+"@example.org", h.Guest()
	h.enter(201, "/accounts", "", creds(ann))
	h.Follow(guest, "iran")
	merged := h.enter(201, "/sessions", guest, creds(ann))
	phone, ended := h.enter(201, "/sessions", "", creds(ann)).Token, h.enter(201, "/sessions", "", creds(ann)).Token
	h.Must(204, "DELETE", "/sessions/current", ended, "")
	ben := h.enter(201, "/accounts", "", creds("ben-"+n+"@example.org"))
	return cast{h, account.Email(ann), map[string][]account.Secret{
		"nobody": {""}, "guest": {h.Guest()}, "Ann": {merged.Token}, "Ben": {ben.Token},
		"revoked":   {ended, expired, account.NewSecret()},
		"publisher": {h.Publisher}, "editor": {h.Editor}, "spent": {guest},
	}, strings.NewReplacer("{session}", h.sessionID(phone), "{merge}", merged.Merge.ID.String(), "{ann}", ann)}
}

// once fills in what a call uses up.
func (c cast) once(text string) string {
	c.Helper()
	n := account.NewID().String()
	text = strings.ReplaceAll(text, "{new}", "new-"+n+"@example.org")
	if strings.Contains(text, "{gone}") {
		text = strings.ReplaceAll(text, "{gone}", c.Publish(c.House.Publisher, "Iran", n)[0])
	}
	if strings.Contains(text, "{key}") {
		var key keyShape
		c.Must(201, "POST", "/keys", c.Editor, `{"name":"desk"}`).JSON(c, &key)
		text = strings.ReplaceAll(text, "{key}", key.ID.String())
	}
	if strings.Contains(text, "{reset}") {
		secret, _, err := c.Members.NewReset(context.Background(), c.ann)
		if err != nil {
			c.Fatal(err)
		}
		text = strings.ReplaceAll(text, "{reset}", string(secret))
	}
	return text
}

// sessionID returns the id of a token's session.
func (h *House) sessionID(token account.Secret) string {
	h.Helper()
	var got struct{ Sessions []sessionShape }
	h.Must(200, "GET", "/sessions", token, "").JSON(h, &got)
	for _, s := range got.Sessions {
		if s.Current {
			return s.ID.String()
		}
	}
	h.Fatal("a device is not among its own sessions")
	return ""
}

// Every call of the document answers everybody as the table says: what is Ann's is
// not there for anybody else. A call without a row fails, and so does a row without
// a call.
func TestWhoMay(t *testing.T) {
	h := NewHouse(t, func(d *Deps) {
		d.Settings.Bench = true
		d.Mail = func(context.Context, string, string, string) error { return nil }
	})
	h.Clock.Move(-account.GuestUnused - time.Minute)
	expired := h.Guest() // the store's clock is a day ahead of it
	h.Clock.Move(account.GuestUnused + time.Minute)
	article := h.Publish(h.Publisher, "Iran", "a")[0]
	names := operations(t)
	for name := range maps.Keys(whoMay) {
		if !slices.Contains(names, name) {
			t.Errorf("%s has a row and is not in the document", name)
		}
	}
	fixed := strings.NewReplacer("{article}", article)
	used, rows := newCast(h, expired), 0
	for _, name := range names {
		row, ok := whoMay[name]
		if !ok {
			t.Errorf("%s has no row in whoMay: say there what each caller is answered", name)
			continue
		}
		want := strings.Fields(row.statuses)
		if len(want) != len(callers) {
			t.Fatalf("%s: %d statuses for %d callers", name, len(want), len(callers))
		}
		method, _, _ := strings.Cut(name, " ")
		if method != "GET" { // others may use their callers up
			used = newCast(h, expired)
		}
		for _, i := range strangersFirst() {
			if callers[i] == "Ann" && method != "GET" { // finds her things as they were
				used = newCast(h, expired)
			}
			for _, token := range used.tokens[callers[i]] {
				fill := func(text string) string { return used.once(fixed.Replace(used.fill.Replace(text))) }
				wantAnswer(t, name, callers[i], want[i], h.Call(method, fill(row.path), token, fill(row.body)))
				rows++
			}
		}
	}
	t.Logf("%d calls × %d callers: %d answers", len(names), len(callers), rows)
	for _, err := range h.Reported() {
		t.Errorf("an operator was told: %v", err)
	}
}

// strangersFirst are the columns, Ann's last: what is hers is there until then.
func strangersFirst() []int {
	order := []int{}
	for i, caller := range callers {
		if caller != "Ann" {
			order = append(order, i)
		}
	}
	return append(order, slices.Index(callers, "Ann"))
}

func wantAnswer(t *testing.T, name, caller, want string, reply Reply) {
	t.Helper()
	if fmt.Sprint(reply.StatusCode) != want {
		t.Errorf("%s by %s answered %d, want %s: %.200s", name, caller, reply.StatusCode, want, reply.Body)
	}
	if reply.StatusCode >= 400 {
		if p := reply.Problem(t); reply.StatusCode == 401 && caller == "spent" && p.Type != "merged" {
			t.Errorf("%s by %s: the problem is %q, want merged", name, caller, p.Type)
		}
	}
	if got := reply.Header.Get("WWW-Authenticate"); (reply.StatusCode == 401) != strings.HasPrefix(got, "Bearer") {
		t.Errorf("%s by %s answered %d with WWW-Authenticate %q", name, caller, reply.StatusCode, got)
	}
	if reply.Header.Get("Cache-Control") == "" {
		t.Errorf("%s by %s: no Cache-Control", name, caller)
	}
}
