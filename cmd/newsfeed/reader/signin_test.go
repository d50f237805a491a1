package reader

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/interests/account"
)

const (
	annsEmail    = "ann@example.org"
	annsPassword = "correct horse battery"
)

// send sends a form of a page of ours.
func (b *browser) send(path string, fields ...string) answer {
	b.t.Helper()
	return b.sendFrom("same-origin", path, fields...)
}

func (b *browser) sendFrom(site, path string, fields ...string) answer {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	return b.sendForm(site, path, v)
}

func (b *browser) sendForm(site, path string, v url.Values) answer {
	b.t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(v.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", site)
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	a := b.do(req)
	if password := v.Get("password"); password != "" && strings.Contains(a.body, password) {
		b.t.Errorf("the password is in the answer of POST %s", path)
	}
	return a
}

// leads asserts a 303 and returns the page that it leads to.
func (b *browser) leads(a answer, to string) answer {
	b.t.Helper()
	a.want(b.t, 303)
	if got := a.Header.Get("Location"); !strings.HasPrefix(got, to) {
		b.t.Fatalf("led to %q, want %q", got, to)
	}
	return b.get(a.Header.Get("Location"))
}

func (b *browser) signUp(more ...string) answer {
	b.t.Helper()
	return b.send("/sign-up", append([]string{"email", annsEmail, "password", annsPassword}, more...)...)
}

func (b *browser) signIn(more ...string) answer {
	b.t.Helper()
	return b.send("/sign-in", append([]string{"email", annsEmail, "password", annsPassword}, more...)...)
}

// topics returns the visitor's list as its page shows it.
func (b *browser) topics() string {
	b.t.Helper()
	page := b.get("/my/interests").want(b.t, 200)
	var all []string
	for _, m := range regexp.MustCompile(`class="row"><a href="/t/([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
		all = append(all, m[1])
	}
	return fmt.Sprint(all)
}

func (b *browser) wantTopics(want string) {
	b.t.Helper()
	if got := b.topics(); got != want {
		b.t.Errorf("the list is %s, want %s", got, want)
	}
}

// A guest follows, signs up, and finds the same list on another device. Pages of
// who has signed in are kept nowhere, and their address is on their own ones only.
func TestGuestSignsUp(t *testing.T) {
	s := newSite(t)
	laptop, phone := &browser{site: s}, &browser{site: s}
	laptop.get("/").want(t, 200, ">Sign up<", ">Sign in<")
	laptop.press("iran", "follow", "/").want(t, 303)
	laptop.press("togo", "favourite", "/").want(t, 303)
	laptop.get("/").want(t, 200, "Keep your topics: sign up")
	laptop.get("/sign-up?back=/t/iran").want(t, 200, "The 2 topics of this device come along", `autocomplete="new-password"`, `lang="en"`)

	page := laptop.leads(laptop.signUp("back", "/t/iran"), "/t/iran").want(t, 200, "You have an account").lacks(t, annsEmail)
	if got := page.Header.Get("Cache-Control"); got != keepPrivate {
		t.Errorf("Cache-Control %q", got)
	}
	laptop.wantTopics("[togo iran]")
	laptop.get("/my/account").want(t, 200, annsEmail, "2 topics")

	phone.get("/sign-in").want(t, 200, `autocomplete="current-password"`).lacks(t, "Bring along")
	phone.leads(phone.signIn("back", "/"), "/").want(t, 200, "You are signed in").lacks(t, annsEmail)
	phone.wantTopics("[togo iran]")
	phone.leads(phone.send("/sign-out"), "/").want(t, 200, "You are signed out", ">Sign in<")
	phone.wantTopics("[]")
	if phone.cookie != "" {
		t.Errorf("the cookie is still %q", phone.cookie)
	}
	laptop.wantTopics("[togo iran]")
}

// What is wrong with a form is said beside the field, which has the focus; what was
// typed stands there again, but no password.
func TestSignMistakes(t *testing.T) {
	s := newSite(t)
	b := &browser{site: s}
	other := &browser{site: s}
	other.signUp().want(t, 303)
	for _, c := range []struct {
		path, email, password string
		status                int
		want, focus           string
	}{
		{"/sign-up", "ann", "correct horse", 422, badEmail(), "email"},
		{"/sign-up", "ben@example.org", "secret!", 422, badPassword(), "password"},
		{"/sign-up", annsEmail, "other horse", 409, emailTaken(), "email"},
		{"/sign-in", annsEmail, "wrong horse", 401, badEntry(), "email"},
		{"/sign-in", "nobody@example.org", "wrong horse", 401, badEntry(), "email"},
		{"/sign-in", "nobody", "wrong horse", 422, badEmail(), "email"},
	} {
		a := b.send(c.path, "email", c.email, "password", c.password).want(t, c.status, c.want, `value="`+c.email+`"`)
		if got := regexp.MustCompile(`<input id="(\w+)"[^>]* autofocus`).FindStringSubmatch(a.body); got == nil || got[1] != c.focus {
			t.Errorf("%s %s: the focus is on %v, want %s", c.path, c.email, got, c.focus)
		}
		if b.cookie != "" {
			t.Errorf("%s %s signs in", c.path, c.email)
		}
	}
}

// Who signs in as a guest is asked, brings the topics along or not, is told what
// became of them, and can take it back.
func TestSignInMerges(t *testing.T) {
	s := newSite(t)
	home := &browser{site: s}
	home.signUp().want(t, 303)
	home.press("chad", "follow", "/").want(t, 303)

	shared := &browser{site: s}
	shared.press("oman", "follow", "/").want(t, 303)
	shared.get("/sign-in").want(t, 200, "Bring along the 1 topic of this device", " checked")
	shared.send("/sign-in", "email", annsEmail, "password", "wrong horse").want(t, 401).lacks(t, " checked")
	shared.leads(shared.signIn(), "/?note=signed-in")
	shared.wantTopics("[chad]")

	phone := &browser{site: s}
	phone.press("togo", "follow", "/").want(t, 303)
	phone.press("chad", "mute", "/").want(t, 303)
	told := phone.signIn("merge", "yes")
	path := told.Header.Get("Location")
	phone.leads(told, mergesPath).want(t, 200, "Added from this device: 1 topic", "Togo", "muted, no longer followed", annsEmail)
	phone.wantTopics("[togo chad]")
	shared.wantTopics("[togo chad]")
	(&browser{site: s}).get(path).want(t, 303)

	path, _, _ = strings.Cut(path, "?")
	phone.sendFrom("cross-site", path).want(t, 403)
	phone.wantTopics("[togo chad]")
	phone.get("/my/interests").want(t, 200, "Brought along lately", "1 topic added · 1 that was different", `action="`+path+`"`)
	phone.leads(phone.send(path), path).want(t, 200, "is taken back").lacks(t, "Undo")
	phone.wantTopics("[chad]")
	phone.get("/my/interests").want(t, 200, "Brought along lately", "taken back").lacks(t, path+`"><input`)
}

// Another site can sign nobody in, up or out, nor change anything of an account.
func TestForeignAccountForms(t *testing.T) {
	s := newSite(t)
	b := &browser{site: s}
	b.signUp().want(t, 303)
	for _, path := range []string{"/sign-in", "/sign-up", "/sign-out", "/my/devices", "/my/account/password", "/my/account/erase", mergesPath + "x", "/my/password"} {
		for _, site := range []string{"cross-site", "same-site", "none"} {
			a := b.sendFrom(site, path, "email", annsEmail, "password", annsPassword, "session", "others", "sure", "yes").want(t, 403)
			if len(a.Cookies()) > 0 {
				t.Errorf("POST %s from another site sets a cookie", path)
			}
		}
	}
	b.get("/my/account").want(t, 200, annsEmail)
}

// A cookie whose session has ended makes no page fail: it is taken away, and said.
func TestEndedSession(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/sign-in", "/sign-up", "/my/interests", "/search"} {
		b := &browser{site: s, cookie: string(account.NewSecret())}
		b.get(path).want(t, 200, "not signed in on this browser any more")
		if b.cookie != "" {
			t.Errorf("GET %s keeps the cookie", path)
		}
	}
	for _, path := range []string{"/my/account", "/my/devices"} {
		b := &browser{site: s, cookie: string(account.NewSecret())}
		b.leads(b.get(path), "/sign-in?back="+url.QueryEscape(path)).want(t, 200)
	}
	b := &browser{site: s}
	b.signUp().want(t, 303)
	s.clock = s.clock.Add(account.MemberKept + time.Hour)
	b.get("/").want(t, 200, "not signed in on this browser any more")
}

// Devices are listed by what they are, and signed out one by one or all others.
func TestDevices(t *testing.T) {
	s := newSite(t)
	a, b, c := &browser{site: s}, &browser{site: s}, &browser{site: s}
	a.signUp().want(t, 303)
	b.signIn().want(t, 303)
	c.signIn().want(t, 303)
	page := a.get("/my/devices").want(t, 200, "Firefox on Linux", "this device", "3 devices")
	var other string
	for _, m := range regexp.MustCompile(`name="session" value="([^"]*)" aria-label="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
		if !strings.Contains(m[2], "this device") {
			other = m[1]
		}
	}
	a.leads(a.send("/my/devices", "session", other), "/my/devices").want(t, 200, "That is ended", "2 devices")
	a.leads(a.send("/my/devices", "session", "others"), "/my/devices").want(t, 200, "1 device.")
	b.get("/my/devices").want(t, 303)
	c.get("/my/devices").want(t, 303)
	a.send("/my/devices", "session", "x").want(t, 400)
}

// A new password is set by who knows the old one, and signs out all others.
func TestChangePassword(t *testing.T) {
	s := newSite(t)
	a, b := &browser{site: s}, &browser{site: s}
	a.signUp().want(t, 303)
	b.signIn().want(t, 303)
	a.send("/my/account/password", "current", annsPassword, "new", "short").want(t, 422, badPassword()).lacks(t, "short\"")
	a.send("/my/account/password", "current", "wrong horse", "new", "staple battery").want(t, 422, "This is not the password").lacks(t, "staple battery", "wrong horse")
	b.get("/my/account").want(t, 200)
	a.leads(a.send("/my/account/password", "current", annsPassword, "new", "staple battery"), "/my/account").want(t, 200, "The password is changed")
	b.get("/my/account").want(t, 303)
	b.signIn().want(t, 401)
	b.send("/sign-in", "email", annsEmail, "password", "staple battery").want(t, 303)
}

// What is kept of a person goes when they say so, with their password.
func TestErase(t *testing.T) {
	s := newSite(t)
	b := &browser{site: s}
	b.press("iran", "follow", "/").want(t, 303)
	b.signUp().want(t, 303)
	b.send("/my/account/erase", "password", annsPassword).want(t, 400)
	b.send("/my/account/erase", "password", "wrong horse", "sure", "yes").want(t, 403, "Nothing was erased", `href="/account/export"`)
	b.leads(b.send("/my/account/erase", "password", annsPassword, "sure", "yes"), "/").want(t, 200, "is erased")
	b.signIn().want(t, 401)
	b.wantTopics("[]")
}

// Where sign-up is closed nobody signs up, and no page says that one could.
func TestClosedSignUp(t *testing.T) {
	s := newSite(t, func(d *Deps) { d.SignUp = false })
	b := &browser{site: s}
	for _, path := range []string{"/", "/sign-in"} {
		b.get(path).want(t, 200, ">Sign in<").lacks(t, "/sign-up")
	}
	b.get("/sign-up").want(t, 403, "Sign-up is closed")
	b.signUp().want(t, 403)
}

// Tries are counted by account and by address, as at the API.
func TestTooManyTries(t *testing.T) {
	s := newSite(t, func(d *Deps) { d.Entries = account.Allowance{Calls: 3, Window: time.Hour} })
	b := &browser{site: s}
	for range 3 {
		b.signIn().want(t, 401)
	}
	if a := b.signIn().want(t, 429, "Too many tries", "minutes"); a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// A guest whose sign-in was interrupted keeps the cookie, whatever page they look at
// meanwhile, and finishes it by signing in again.
func TestInterruptedSignIn(t *testing.T) {
	s := newSite(t)
	home, phone := &browser{site: s}, &browser{site: s}
	home.signUp().want(t, 303)
	phone.press("togo", "follow", "/").want(t, 303)
	ctx, held := t.Context(), account.Secret(phone.cookie)
	a, err := s.members.Verify(ctx, annsEmail, annsPassword)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := s.people.Who(ctx, held)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.people.Spend(ctx, held, guest, account.Merged{Merge: uuid.Must(uuid.NewV7()), Account: a.ID}); err != nil {
		t.Fatal(err)
	}
	page := phone.get("/").want(t, 200, html.EscapeString(text("told-merged")))
	if got := page.Header.Get("Cache-Control"); got != keepPrivate || phone.cookie != string(held) {
		t.Errorf("Cache-Control %q; the cookie is kept: %v", got, phone.cookie == string(held))
	}
	phone.get("/sign-in").want(t, 200, `type="hidden" name="merge" value="yes"`)
	phone.leads(phone.signIn("merge", "yes"), mergesPath).want(t, 200, "Togo")
	home.wantTopics("[togo]")
}

// Who has lost a password says an address; the answer is the same whether or not
// that has an account. Where no mail is sent, the page says whom to ask.
func TestLostPassword(t *testing.T) {
	var asked []account.Email
	s := newSite(t, func(d *Deps) {
		d.SendReset = func(_ context.Context, e account.Email) error { asked = append(asked, e); return nil }
	})
	b := &browser{site: s}
	b.get("/sign-in").want(t, 200, `href="/my/password"`)
	b.get("/my/password").want(t, 200, `name="email"`)
	b.send("/my/password", "email", "ann").want(t, 422, badEmail())
	b.leads(b.send("/my/password", "email", " Ann@Example.org"), "/sign-in").want(t, 200, "If the address has an account")
	if fmt.Sprint(asked) != "[ann@example.org]" {
		t.Errorf("asked for %v", asked)
	}
	(&browser{site: newSite(t)}).get("/my/password").want(t, 404, "Ask who runs it")
}
