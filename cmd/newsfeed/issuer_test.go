package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// testIssuer is the smallest issuer of OpenID Connect that is one: discovery, keys,
// the code flow with PKCE, each code good once. Whoever comes is signed in as
// subject, without being asked.
type testIssuer struct {
	testing.TB
	url string

	down    atomic.Bool
	fetches atomic.Int64 // of the keys

	mu      sync.Mutex // guards below
	keys    []jose.JSONWebKey
	subject string
	spoil   func(claims map[string]any)              // what the next id tokens say
	sign    func(claims map[string]any) (jwt string) // signs the next id tokens; nil: as it should be
	codes   map[string]url.Values                    // what each code was asked for with
}

const (
	testClient   = "reader"
	testSecret   = "a secret of the reader's"
	testAudience = "https://news.example/api"
)

func newTestIssuer(t testing.TB) *testIssuer {
	i := &testIssuer{TB: t, subject: "ann", codes: map[string]url.Values{}}
	i.rotate("first")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.publish)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.down.Load() {
			http.Error(w, "closed for today", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

// rotate makes a new key, which signs from now on; the one before is published still.
func (i *testIssuer) rotate(kid string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		i.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append([]jose.JSONWebKey{{Key: key, KeyID: kid, Algorithm: "RS256", Use: "sig"}}, i.keys...)
}

func (i *testIssuer) key() jose.JSONWebKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[0]
}

func (i *testIssuer) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (i *testIssuer) discovery(w http.ResponseWriter, _ *http.Request) {
	i.answer(w, map[string]any{
		"issuer": i.url, "authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token", "jwks_uri": i.url + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	})
}

func (i *testIssuer) publish(w http.ResponseWriter, _ *http.Request) {
	i.fetches.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, k := range i.keys {
		set.Keys = append(set.Keys, k.Public())
	}
	i.answer(w, set)
}

func (i *testIssuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != testClient || q.Get("response_type") != "code" || q.Get("scope") != "openid" ||
		q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("nonce") == "" || q.Get("state") == "" {
		http.Error(w, "a bad request for a code: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = q
	i.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.url}}.Encode(), http.StatusFound)
}

func (i *testIssuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	asked, ok := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	i.mu.Unlock()
	client, secret, _ := r.BasicAuth()
	if secret, _ = url.QueryUnescape(secret); client == "" {
		client, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || client != testClient || secret != testSecret || r.FormValue("redirect_uri") != asked.Get("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") {
		w.WriteHeader(http.StatusBadRequest)
		i.answer(w, map[string]any{"error": "invalid_grant"})
		return
	}
	claims := i.claims(testClient)
	claims["nonce"] = asked.Get("nonce")
	i.mu.Lock()
	spoil, sign := i.spoil, i.sign
	i.mu.Unlock()
	if spoil != nil {
		spoil(claims)
	}
	if sign == nil {
		sign = i.signed
	}
	i.answer(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 300, "id_token": sign(claims)})
}

// claims are those of a token that is good.
func (i *testIssuer) claims(audience string) map[string]any {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	return map[string]any{"iss": i.url, "sub": i.subject, "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"email": "ann@example.org", "email_verified": true}
}

func (i *testIssuer) signed(claims map[string]any) string {
	return i.signedBy(jose.RS256, i.key(), claims)
}

func (i *testIssuer) signedBy(alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		i.Fatal(err)
	}
	text, _ := json.Marshal(claims)
	jws, err := signer.Sign(text)
	if err != nil {
		i.Fatal(err)
	}
	jwt, err := jws.CompactSerialize()
	if err != nil {
		i.Fatal(err)
	}
	return jwt
}

// unsigned is a token of the algorithm "none".
func (i *testIssuer) unsigned(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(text) + "."
}

// bearer is an access token of somebody, with claims that are different.
func (i *testIssuer) bearer(subject string, different map[string]any) string {
	claims := i.claims(testAudience)
	claims["sub"] = subject
	maps.Copy(claims, different)
	return i.signed(claims)
}
