package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"newsfeed/config"
)

// house is the whole App in this process, and the issuer whose people come in.
type house struct {
	testing.TB
	url    string
	issuer *testIssuer
}

func newHouse(t testing.TB, issuer *testIssuer, change ...func(*config.Config)) *house {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Data, cfg.Addr, cfg.URL, cfg.InsecureCookies, cfg.RateLimit = t.TempDir(), l.Addr().String(), "http://"+l.Addr().String(), true, config.RateLimit{}
	cfg.OIDC = config.OIDC{Issuer: issuer.url, ClientID: testClient, ClientSecret: testSecret, Audience: testAudience}
	for _, c := range change {
		c(&cfg)
	}
	a, err := NewApp(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- a.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
		<-served
	})
	return &house{t, "http://" + l.Addr().String(), issuer}
}

// api makes a call with a bearer token, or none, and returns status and body.
func (h *house) api(method, path, token, body string) (int, string) {
	h.Helper()
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Content-Type", "application/json")
	return send(h, http.DefaultClient, r)
}

func send(t testing.TB, client *http.Client, r *http.Request) (int, string) {
	t.Helper()
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func (h *house) want(status int, method, path, token, body string, in ...string) string {
	h.Helper()
	got, text := h.api(method, path, token, body)
	if got != status {
		h.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	for _, part := range in {
		if !strings.Contains(text, part) {
			h.Errorf("%s %s: no %q in %s", method, path, part, text)
		}
	}
	return text
}

// whose returns the account of a bearer token.
func (h *house) whose(token string) (id string) {
	h.Helper()
	return idIn(h, h.want(200, "GET", "/account", token, ""))
}

func idIn(t testing.TB, text string) string {
	t.Helper()
	var a struct{ ID string }
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.ID == "" {
		t.Fatalf("no account: %s", text)
	}
	return a.ID
}

// visitor is a browser.
type visitor struct {
	*house
	client *http.Client
	last   *url.URL // where it has come to
	seen   []*url.URL
}

func (h *house) visitor() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.Fatal(err)
	}
	v := &visitor{house: h}
	v.client = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		v.seen = append(v.seen, r.URL)
		return nil
	}}
	return v
}

func (v *visitor) get(path string) (int, string) {
	v.Helper()
	if strings.HasPrefix(path, "/") {
		path = v.url + path
	}
	v.seen = nil
	response, err := v.client.Get(path)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		v.Fatal(err)
	}
	v.last = response.Request.URL
	return response.StatusCode, string(text)
}

// post sends a form of one of our pages.
func (v *visitor) post(path string, form url.Values) {
	v.Helper()
	r, _ := http.NewRequest("POST", v.url+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if status, text := send(v, v.client, r); status != 200 {
		v.Fatalf("POST %s: %d %s", path, status, text)
	}
}

func (v *visitor) follow(topic string) {
	v.Helper()
	v.post("/my/interests", url.Values{"follow": {topic}, "back": {"/"}})
}

func (v *visitor) signIn(query string) {
	v.Helper()
	if status, text := v.get("/sign-in/oidc" + query); status != 200 {
		v.Fatalf("sign in: %d at %s: %s", status, v.last, text)
	}
}

// account returns who the browser is, and what they follow.
func (v *visitor) account() (id, text string, follows []string) {
	v.Helper()
	status, text := v.get("/account")
	if status != 200 {
		v.Fatalf("account: %d %s", status, text)
	}
	_, listed := v.get("/interests")
	var list interestsAnswer
	if err := json.Unmarshal([]byte(listed), &list); err != nil {
		v.Fatal(err)
	}
	for _, i := range list.Interests {
		follows = append(follows, i.Topic)
	}
	slices.Sort(follows)
	return idIn(v, text), text, follows
}

func (v *visitor) isOut() bool {
	status, _ := v.get("/account")
	return status == http.StatusUnauthorized
}

func (i *testIssuer) is(subject string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.subject = subject
}

// begin begins a sign-in and stays here; it returns what the issuer would be asked.
func (v *visitor) begin() url.Values {
	v.Helper()
	follow := v.client.CheckRedirect
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { v.client.CheckRedirect = follow }()
	response, err := v.client.Get(v.url + "/sign-in/oidc")
	if err != nil {
		v.Fatal(err)
	}
	response.Body.Close()
	to, err := response.Location()
	if err != nil {
		v.Fatal(err)
	}
	return to.Query()
}
