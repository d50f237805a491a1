package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"newsfeed/config"
)

// A guest signs in at the issuer and becomes the account; from a second browser its
// list is merged; who declines merges nothing; another subject is another account,
// and nobody is joined by e-mail.
func TestSignInElsewhere(t *testing.T) {
	h := newHouse(t, newTestIssuer(t))
	phone := h.visitor()
	if _, text := phone.get("/sign-in?back=%2Ft%2Firan"); !strings.Contains(text, `href="/sign-in/oidc?back=%2Ft%2Firan"`) {
		t.Fatal("no page leads to the sign-in")
	}
	phone.follow("iran")
	guest, _, _ := phone.account()
	phone.signIn("?back=/t/iran")
	if phone.last.Path != "/t/iran" {
		t.Errorf("it leads back to %s", phone.last)
	}
	ann, text, follows := phone.account()
	if ann != guest || !strings.Contains(text, `"guest":false`) || !strings.Contains(text, `"identity":{"issuer":"`+h.issuer.url+`","subject":"ann"}`) ||
		strings.Contains(text, "email") || fmt.Sprint(follows) != "[iran]" {
		t.Errorf("the guest %s became %s, who follows %v", guest, text, follows)
	}

	laptop := h.visitor()
	laptop.follow("chad")
	if _, text := laptop.get("/sign-in?back=%2F"); !strings.Contains(text, `href="/sign-in/oidc?back=%2F"`) || !strings.Contains(text, `href="/sign-in/oidc?back=%2F&amp;merge=false"`) {
		t.Error("who has topics here cannot say whether they come along")
	}
	laptop.signIn("")
	if id, _, follows := laptop.account(); id != ann || fmt.Sprint(follows) != "[chad iran]" {
		t.Errorf("on a second device: %s follows %v, want %s", id, follows, ann)
	}
	shared := h.visitor()
	shared.follow("peru")
	shared.signIn("?merge=false&back=https://evil.example/")
	if id, _, follows := shared.account(); id != ann || fmt.Sprint(follows) != "[chad iran]" {
		t.Errorf("declined: %s follows %v", id, follows)
	}
	for _, evil := range []string{"//evil.example", "https://evil.example", "/\\evil.example", "/sign-in/oidc", "/openapi.json"} {
		shared.signIn("?back=" + url.QueryEscape(evil))
		if at := shared.last.String(); at != h.url+"/" {
			t.Errorf("back=%s leads to %s", evil, at)
		}
	}
	h.issuer.is("ben")
	other := h.visitor()
	other.signIn("")
	ben, _, _ := other.account()
	if ben == ann {
		t.Error("two subjects with one e-mail address are one account")
	}
	if jwt := h.issuer.bearer("ann", nil); h.whose(jwt) != ann {
		t.Error("an app's user is another than the reader's")
	}
	laptop.post("/sign-out", nil)
	if !laptop.isOut() || phone.isOut() {
		t.Error("signing out one device")
	}
}

// Where sign-up is closed, who has an account elsewhere comes in all the same.
func TestSignInElsewhereWithoutSignUp(t *testing.T) {
	h := newHouse(t, newTestIssuer(t), func(c *config.Config) { c.SignUp = false })
	v := h.visitor()
	v.signIn("")
	if id, text, _ := v.account(); id == "" || !strings.Contains(text, `"guest":false`) {
		t.Errorf("who comes from elsewhere is %s", text)
	}
}

// An account with a password and the same address is never joined, and who came
// from elsewhere has no password to change.
func TestElsewhereIsNotJoinedByEmail(t *testing.T) {
	h := newHouse(t, newTestIssuer(t))
	var local entered
	if err := json.Unmarshal([]byte(h.want(201, "POST", "/accounts", "", `{"email":"ann@example.org","password":"correct horse"}`)), &local); err != nil {
		t.Fatal(err)
	}
	jwt := h.issuer.bearer("ann", nil)
	if h.whose(jwt) == local.Account.ID {
		t.Error("a JWT was joined to an account by e-mail")
	}
	v := h.visitor()
	v.signIn("")
	if id, _, _ := v.account(); id == local.Account.ID || id != h.whose(jwt) {
		t.Errorf("the reader's account is %s", id)
	}
	h.want(403, "PUT", "/account/password", jwt, `{"current":"correct horse","new":"horse correct"}`, `"elsewhere"`)
	h.want(403, "DELETE", "/sessions/current", jwt, "", `"elsewhere"`)
	h.want(404, "DELETE", "/sessions/00000000-0000-0000-0000-000000000000", jwt, "")
}

// badTokens are what no issuer would give for us.
func (i *testIssuer) badTokens(claims func() map[string]any) map[string]func() string {
	with := func(different map[string]any) func() string {
		return func() string {
			c := claims()
			maps.Copy(c, different)
			return i.signed(c)
		}
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.Fatal(err)
	}
	return map[string]func() string{
		"another issuer":   with(map[string]any{"iss": "https://id.example"}),
		"another audience": with(map[string]any{"aud": "another"}),
		"no audience":      with(map[string]any{"aud": nil}),
		"expired":          with(map[string]any{"exp": time.Now().Add(-2 * time.Minute).Unix()}),
		"no expiry":        with(map[string]any{"exp": nil}),
		"not yet":          with(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"no subject":       with(map[string]any{"sub": ""}),
		"a long subject":   with(map[string]any{"sub": strings.Repeat("a", 256)}),
		"unsigned":         func() string { return i.unsigned(claims()) },
		"signed by the public key": func() string {
			own := i.key()
			key := own.Public()
			der, _ := x509.MarshalPKIXPublicKey(key.Key)
			public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
			return i.signedBy(jose.HS256, jose.JSONWebKey{Key: public, KeyID: key.KeyID}, claims())
		},
		"signed by a stranger": func() string {
			return i.signedBy(jose.RS256, jose.JSONWebKey{Key: stranger, KeyID: i.key().KeyID}, claims())
		},
		"changed": func() string {
			parts := strings.Split(i.signed(claims()), ".")
			other := claims()
			other["sub"] = "somebody else"
			return parts[0] + "." + strings.Split(i.unsigned(other), ".")[1] + "." + parts[2]
		},
	}
}

// What an issuer would not send ends a sign-in without a session, and is said in
// words.
func TestSignInElsewhereRefused(t *testing.T) {
	h := newHouse(t, newTestIssuer(t))
	refused := func(name string, v *visitor, status int, text string) {
		t.Helper()
		if status < 400 || !strings.Contains(text, "<h1>") || !strings.Contains(text, `href="/`) || !v.isOut() {
			t.Errorf("%s: %d at %s\n%s", name, status, v.last, text)
		}
	}
	spoil := func(spoil func(map[string]any), sign func(map[string]any) string) {
		h.issuer.mu.Lock()
		defer h.issuer.mu.Unlock()
		h.issuer.spoil, h.issuer.sign = spoil, sign
	}
	var said map[string]any // of the sign-in under way
	for name, token := range h.issuer.badTokens(func() map[string]any { return maps.Clone(said) }) {
		spoil(nil, func(claims map[string]any) string { said = claims; return token() })
		v := h.visitor()
		status, text := v.get("/sign-in/oidc")
		refused(name, v, status, text)
	}
	for name, different := range map[string]map[string]any{
		"another nonce": {"nonce": "another"}, "no nonce": {"nonce": nil}, "another party": {"azp": "another"}, "for several": {"aud": []string{testClient, "another"}},
	} {
		spoil(func(claims map[string]any) { maps.Copy(claims, different) }, nil)
		v := h.visitor()
		status, text := v.get("/sign-in/oidc")
		refused(name, v, status, text)
	}
	spoil(nil, nil)
	for name, callback := range map[string]func(begun url.Values) string{
		"another state":  func(url.Values) string { return "code=x&state=another" },
		"no state":       func(url.Values) string { return "code=x" },
		"another issuer": func(q url.Values) string { return "code=x&iss=https://id.example&state=" + q.Get("state") },
		"another code":   func(q url.Values) string { return "code=x&state=" + q.Get("state") },
		"declined":       func(q url.Values) string { return "error=access_denied&state=" + q.Get("state") },
	} {
		v := h.visitor()
		status, text := v.get("/sign-in/oidc/callback?" + callback(v.begin()))
		refused(name, v, status, text)
	}
	v := h.visitor()
	status, text := v.get("/sign-in/oidc/callback?code=x&state=y")
	refused("a callback out of nowhere", v, status, text)
}

// A callback is good once, in the browser that began it, whatever that keeps; and
// over TLS what it keeps is for this host and no script.
func TestCallbackIsGoodOnce(t *testing.T) {
	h := newHouse(t, newTestIssuer(t))
	v := h.visitor()
	v.begin()
	home, _ := url.Parse(h.url)
	kept := v.client.Jar.Cookies(home)
	v = h.visitor()
	v.signIn("")
	at := slices.IndexFunc(v.seen, func(u *url.URL) bool { return strings.HasSuffix(u.Path, "/callback") })
	callback := v.seen[at].String()
	if len(v.client.Jar.Cookies(home)) != 1 {
		t.Errorf("after the sign-in the browser keeps %v", v.client.Jar.Cookies(home))
	}
	for name, cookies := range map[string][]*http.Cookie{"none": nil, "another sign-in's": kept} {
		thief := h.visitor()
		thief.client.Jar.SetCookies(home, cookies)
		if status, text := thief.get(callback); status != 400 || !thief.isOut() {
			t.Errorf("the callback with cookie %s: %d %s", name, status, text)
		}
	}
	// The same browser with what it kept, and a code that the issuer would redeem.
	twice := h.visitor()
	asked := twice.begin()
	saved := twice.client.Jar.Cookies(home)
	finish := func() int {
		h.issuer.mu.Lock()
		h.issuer.codes["code"] = asked
		h.issuer.mu.Unlock()
		twice.client.Jar.SetCookies(home, saved)
		status, _ := twice.get("/sign-in/oidc/callback?code=code&state=" + asked.Get("state"))
		return status
	}
	if first, second := finish(), finish(); first != 200 || second != 400 {
		t.Errorf("finished twice: %d, %d", first, second)
	}

	// A code that the issuer would redeem, but not with the state of this sign-in.
	forged := h.visitor()
	asked = forged.begin()
	h.issuer.mu.Lock()
	h.issuer.codes["forged"] = asked
	h.issuer.mu.Unlock()
	if status, text := forged.get("/sign-in/oidc/callback?code=forged&state=another"); status != 400 || !forged.isOut() {
		t.Errorf("another state: %d %s", status, text)
	}

	secure := newHouse(t, h.issuer, func(c *config.Config) { c.InsecureCookies = false })
	response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(secure.url + "/sign-in/oidc")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	c := response.Cookies()[0]
	if c.Name != "__Host-newsfeed-sign-in" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || time.Until(c.Expires) > 11*time.Minute {
		t.Errorf("the cookie: %v", c)
	}
	for _, secret := range []string{"verifier", "nonce", "back"} {
		if strings.Contains(c.Value, secret) {
			t.Errorf("the cookie can be read: %s", c.Value)
		}
	}
}

// A JWT of the issuer is a person's token: made an account at the first use, the
// same one at all others; one that is not the issuer's is 401.
func TestJWT(t *testing.T) {
	h := newHouse(t, newTestIssuer(t))
	jwt := h.issuer.bearer("ann", nil)
	ids := make([]string, 8)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() { ids[i] = h.whose(h.issuer.bearer("carol", map[string]any{"jti": i})) })
	}
	all.Wait()
	if len(slices.Compact(ids)) != 1 {
		t.Errorf("eight at once made the accounts %v", ids)
	}
	ann := h.whose(jwt)
	h.want(200, "PUT", "/interests/iran", jwt, `{"level":"follow"}`)
	later := h.issuer.bearer("ann", map[string]any{"jti": "later", "aud": []string{"another", testAudience}})
	h.want(200, "GET", "/interests", later, "", `"iran"`)
	if h.whose(later) != ann || h.whose(h.issuer.bearer("ben", nil)) == ann {
		t.Error("accounts are mixed up")
	}
	h.want(200, "GET", "/feed", jwt, "")
	h.want(403, "POST", "/articles", jwt, `{}`)
	for name, token := range h.issuer.badTokens(func() map[string]any { return h.issuer.claims(testAudience) }) {
		if status, text := h.api("GET", "/account", token(), ""); status != 401 {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	h.want(200, "GET", "/account/export", jwt, "", `"subject":"ann"`, `"iran"`)
	h.want(200, "DELETE", "/account", jwt, "", `"accounts":1`)
	if again := h.whose(jwt); again == ann {
		t.Error("an account that was erased is there still")
	}
	reader := h.issuer.claims(testClient)
	h.want(401, "GET", "/account", h.issuer.signed(reader), "", `"token"`)
	off := newHouse(t, h.issuer, func(c *config.Config) { c.OIDC.Audience = "" })
	off.want(401, "GET", "/account", jwt, "")
}

// A stream ends when its JWT can be used no more. Clocks may differ by a minute.
func TestJWTEndsStream(t *testing.T) {
	h := newHouse(t, newTestIssuer(t))
	end := time.Now().Add(2 * time.Second)
	jwt := h.issuer.bearer("ann", map[string]any{"exp": end.Add(-time.Minute).Unix()})
	if text := h.want(200, "GET", "/events", jwt, "", "event: interests"); strings.Count(text, "event:") == 0 {
		t.Errorf("the stream: %s", text)
	}
	h.want(401, "GET", "/account", jwt, "")
}

// A new key is known when a token of it comes; tokens of keys that nobody has make
// us fetch no more than a few times.
func TestKeysRotate(t *testing.T) {
	h := newHouse(t, newTestIssuer(t))
	old := h.issuer.bearer("ann", nil)
	ann := h.whose(old)
	h.issuer.rotate("second")
	if h.whose(h.issuer.bearer("ann", nil)) != ann || h.whose(old) != ann {
		t.Error("after a rotation ann is another")
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		h.want(401, "GET", "/account", h.issuer.signedBy(jose.RS256, jose.JSONWebKey{Key: stranger, KeyID: rand.Text()}, h.issuer.claims(testAudience)), "")
	}
	if n := h.issuer.fetches.Load(); n < 2 || n > 4 {
		t.Errorf("the keys were fetched %d times", n)
	}
	if h.whose(h.issuer.bearer("ann", map[string]any{"jti": "after"})) != ann {
		t.Error("after the flood ann is another")
	}
}

// While the issuer is away the program starts, and nothing but signing in there is
// concerned; when it is back, so is that.
func TestIssuerAway(t *testing.T) {
	issuer := newTestIssuer(t)
	issuer.down.Store(true)
	h := newHouse(t, issuer)
	jwt := issuer.bearer("ann", nil)
	h.want(503, "GET", "/account", jwt, "", `"issuer"`)
	var guest entered
	if err := json.Unmarshal([]byte(h.want(201, "POST", "/guests", "", "")), &guest); err != nil {
		t.Fatal(err)
	}
	h.want(200, "GET", "/feed", guest.Token, "")
	v := h.visitor()
	if status, text := v.get("/sign-in/oidc"); status != 503 || !strings.Contains(text, "does not answer") || strings.Contains(text, "closed for today") {
		t.Errorf("sign in: %d %s", status, text)
	}
	issuer.down.Store(false)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if status, text := h.api("GET", "/account", jwt, ""); status == 200 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the issuer is back: %d %s", status, text)
		}
	}
	v.signIn("")
	issuer.down.Store(true)
	h.want(200, "GET", "/account", jwt, "")
	h.want(200, "GET", "/account", issuer.bearer("ben", nil), "")
	issuer.rotate("second")
	h.want(503, "GET", "/account", issuer.bearer("ann", nil), "", `"issuer"`)
}

// Check says whether the issuer can be read, and what is wrong with it.
func TestCheckIssuer(t *testing.T) {
	issuer, free := newTestIssuer(t), freeAddr(t)
	for _, test := range []struct {
		name, issuer string
		down         bool
		code         int
		want         string
	}{
		{"well", issuer.url, false, 0, "/sign-in/oidc/callback"},
		{"away", issuer.url, true, 0, "warn  NEWSFEED_OIDC_ISSUER: identity: the issuer does not answer"},
		{"a slash too many", issuer.url + "/", false, 1, "BAD   NEWSFEED_OIDC_ISSUER: identity: the issuer is not what the settings say"},
		{"plain HTTP", "http://id.example", false, 1, "plain HTTP"},
	} {
		issuer.down.Store(test.down)
		code, out, _ := newsfeed(t, "", "check", "--addr", free, "--data", t.TempDir(), "--oidc-issuer", test.issuer, "--oidc-client-id", testClient, "--oidc-client-secret", testSecret)
		if code != test.code || !strings.Contains(out, test.want) || strings.Contains(out, testSecret) {
			t.Errorf("%s: ended with %d, want %d and %q in\n%s", test.name, code, test.code, test.want, out)
		}
	}
}
