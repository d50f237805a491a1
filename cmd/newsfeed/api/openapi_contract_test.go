package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"
	liberrors "github.com/pb33f/libopenapi-validator/errors"
	"github.com/pb33f/libopenapi-validator/paths"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/orderedmap"

	"newsfeed/cmd/newsfeed/api"
	"newsfeed/cmd/newsfeed/origin"
	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/embedded"
)

// contract holds every call made through it against openapi.json, and remembers
// which operations were called and which statuses they answered.
type contract struct {
	validator validator.Validator
	options   *config.ValidationOptions
	doc       *v3.Document
	problem   *base.Schema

	mu   sync.Mutex                // guards below
	seen map[string]map[string]int // "GET /feed" → "200" → times
}

func newContract(t testing.TB) *contract {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	lines := config.WithBodyDecoder("application/x-ndjson", content.DecoderFunc(decodeLines))
	v, errs := validator.NewValidator(document, lines, config.WithFormatAssertions())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	problem, ok := model.Model.Components.Schemas.Get("Problem")
	if !ok {
		t.Fatal("the document has no schema Problem")
	}
	return &contract{
		validator: v, doc: &model.Model, problem: problem.Schema(),
		options: config.NewValidationOptions(lines, config.WithFormatAssertions()),
		seen:    map[string]map[string]int{},
	}
}

// decodeLines reads NDJSON as the array that the document describes it by.
func decodeLines(in *content.DecodeInput) (any, error) {
	values := []any{}
	for d := json.NewDecoder(in.Body); ; {
		var v any
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
}

// operation finds the operation of a request; nil when the document has none.
func (c *contract) operation(r *http.Request) (name string, op *v3.Operation) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	plain := r.Clone(r.Context())
	plain.Method = method
	item, errs, path := paths.FindPath(plain, c.doc, c.options)
	if item == nil || len(errs) > 0 {
		return "", nil
	}
	return method + " " + path, item.GetOperations().GetOrZero(strings.ToLower(method))
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body []byte
}

// checkRequest says what the document finds wrong with a request.
func (c *contract) checkRequest(r *http.Request) []error {
	ok, errs := c.validator.ValidateHttpRequestSync(r)
	if ok {
		return nil
	}
	return explain(errs)
}

// checkResponse says what the document finds wrong with a response. A response
// to what it does not know must be a problem, or have no body.
func (c *contract) checkResponse(r *http.Request, a answer) []error {
	name, op := c.operation(r)
	if op == nil {
		return c.checkStranger(a)
	}
	c.note(name, a.StatusCode)
	declared, found := op.Responses.Codes.Get(strconv.Itoa(a.StatusCode))
	if !found {
		return []error{fmt.Errorf("%s: status %d is not documented: %.300s", name, a.StatusCode, a.body)}
	}
	wrong := undeclared(name, a, declared)
	if r.Method == http.MethodHead {
		return wrong // the headers; there is no body to look at
	}
	response := *a.Response
	response.Body = io.NopCloser(bytes.NewReader(a.body))
	// By name: of two paths the validator's own search may find the more general one.
	path := strings.TrimPrefix(name, r.Method+" ")
	if ok, errs := c.validator.GetResponseBodyValidator().ValidateResponseBodyWithPathItem(r, &response, c.doc.Paths.PathItems.GetOrZero(path), path); !ok {
		wrong = append(wrong, explain(errs)...)
	}
	if orderedmap.Len(declared.Content) == 0 && len(a.body) > 0 {
		wrong = append(wrong, fmt.Errorf("%s: status %d has a body of %d bytes, and none is documented", name, a.StatusCode, len(a.body)))
	}
	return wrong
}

// checkStranger looks at the answer to a call that is not documented.
func (c *contract) checkStranger(a answer) []error {
	if a.StatusCode < 400 || len(a.body) == 0 {
		return nil // a preflight, a page of the reader, a HEAD
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		return []error{fmt.Errorf("status %d is %q, not a problem: %.200s", a.StatusCode, got, a.body)}
	}
	return c.check(c.problem, a.body)
}

// check holds JSON against a schema of the document.
func (c *contract) check(schema *base.Schema, body []byte) []error {
	ok, errs := schema_validation.NewSchemaValidator(config.WithFormatAssertions()).ValidateSchemaBytesWithVersion(schema, body, 3.1)
	if ok {
		return nil
	}
	return explain(errs)
}

// general headers may stand on any answer and are described in the document's
// prose or by HTTP itself.
var general = []string{
	"Connection", "Content-Length", "Content-Type", "Date", "Server", "Transfer-Encoding", "Vary",
	"Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
	"Cache-Control", "Ratelimit", "Ratelimit-Policy",
}

// undeclared are the headers that the document does not name for a response.
func undeclared(name string, a answer, declared *v3.Response) (wrong []error) {
	known := slices.Clone(general)
	for header := range declared.Headers.FromOldest() {
		known = append(known, http.CanonicalHeaderKey(header))
	}
	for header := range a.Header {
		if !slices.Contains(known, header) {
			wrong = append(wrong, fmt.Errorf("%s: header %s of status %d is not documented", name, header, a.StatusCode))
		}
	}
	return wrong
}

func (c *contract) note(name string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[name] == nil {
		c.seen[name] = map[string]int{}
	}
	c.seen[name][strconv.Itoa(status)]++
}

// coverage says which operations were never called, and which documented
// statuses were never seen.
func (c *contract) coverage() (neverCalled, neverSeen []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for path, item := range c.doc.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			name := strings.ToUpper(method) + " " + path
			if len(c.seen[name]) == 0 {
				neverCalled = append(neverCalled, name)
				continue
			}
			for status := range op.Responses.Codes.FromOldest() {
				if c.seen[name][status] == 0 {
					neverSeen = append(neverSeen, name+" "+status)
				}
			}
		}
	}
	return neverCalled, neverSeen
}

func explain(errs []*liberrors.ValidationError) (out []error) {
	for _, e := range errs {
		text := e.Message + ": " + e.Reason
		for _, s := range e.SchemaValidationErrors {
			text += fmt.Sprintf("\n\t%s: %s", s.FieldPath, s.Reason)
		}
		out = append(out, errors.New(text))
	}
	return out
}

// The document is OpenAPI 3.1, and its examples are what its schemas say.
func TestDocumentIsValid(t *testing.T) {
	c := newContract(t)
	if ok, errs := c.validator.ValidateDocument(); !ok {
		t.Fatal(errors.Join(explain(errs)...))
	}
	examples := 0
	look := func(where string, content *v3.MediaType) {
		bodies := [][]byte{}
		if content.Example != nil {
			bodies = append(bodies, asJSON(t, content.Example))
		}
		for _, example := range content.Examples.FromOldest() {
			bodies = append(bodies, asJSON(t, example.Value))
		}
		for _, body := range bodies {
			examples++
			for _, err := range c.check(content.Schema.Schema(), body) {
				t.Errorf("%s: the example %s\n%v", where, body, err)
			}
		}
	}
	for path, item := range c.doc.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			if op.RequestBody != nil {
				for mediaType, content := range op.RequestBody.Content.FromOldest() {
					look(method+" "+path+" body "+mediaType, content)
				}
			}
			for status, response := range op.Responses.Codes.FromOldest() {
				for mediaType, content := range response.Content.FromOldest() {
					look(method+" "+path+" "+status+" "+mediaType, content)
				}
			}
		}
	}
	if examples < 10 {
		t.Errorf("looked at %d examples: that cannot be all", examples)
	}
}

// asJSON encodes an example as the library holds it, a node of YAML.
func asJSON(t *testing.T, node interface{ Decode(any) error }) []byte {
	t.Helper()
	var v any
	if err := node.Decode(&v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The page shows every call and loads nothing but its style sheet, as the policy of
// all pages has it.
func TestDocsPage(t *testing.T) {
	c := newContract(t)
	n := openNode(t, c, nil)
	a := n.do(t, call{method: "GET", path: "/docs"})
	for path, item := range c.doc.Paths.PathItems.FromOldest() {
		for _, op := range item.GetOperations().FromOldest() {
			if !bytes.Contains(a.body, []byte(`<article id="`+op.OperationId+`">`)) {
				t.Errorf("%s of %s is not on the page", op.OperationId, path)
			}
		}
	}
	for schema := range c.doc.Components.Schemas.FromOldest() {
		if !bytes.Contains(a.body, []byte(`<article id="schema-`+schema+`">`)) {
			t.Errorf("the schema %s is not on the page", schema)
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllSubmatch(a.body, -1) {
		if !bytes.Contains(a.body, []byte(`id="`+string(link[1])+`"`)) {
			t.Errorf("a link leads to #%s, which is not there", link[1])
		}
	}
	for _, forbidden := range []string{"<script", " src=", " style=", "<style", "@import", "url(", `href="http`, "ZgotmplZ"} {
		if bytes.Contains(a.body, []byte(forbidden)) {
			t.Errorf("the page has %s in it", forbidden)
		}
	}
	if got := a.Header.Get("Content-Security-Policy"); got != origin.Policy {
		t.Errorf("the policy is %s", got)
	}
	style := regexp.MustCompile(`<link rel="stylesheet" href="([^"]*)">`).FindAllSubmatch(a.body, -1)
	if len(style) != 1 {
		t.Fatalf("the page has %d style sheets", len(style))
	}
	sheet := n.do(t, call{method: "GET", path: string(style[0][1])})
	if sheet.StatusCode != 200 || sheet.Header.Get("Content-Type") != "text/css; charset=utf-8" || bytes.Contains(sheet.body, []byte("url(")) {
		t.Errorf("the style sheet → %d %s", sheet.StatusCode, sheet.Header.Get("Content-Type"))
	}
}

// The examples of docs/api.md are calls of the document.
func TestExamplesAreCalls(t *testing.T) {
	c := newContract(t)
	text, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, line := range regexp.MustCompile(`curl [^\n]*\$API(/[^" ?)\s]*)`).FindAllSubmatch(text, -1) {
		method, path := http.MethodGet, regexp.MustCompile(`\$(ID|STORY)\b`).ReplaceAllString(string(line[1]), idOf(t, "https://example.com/"))
		if set := regexp.MustCompile(`-X (\w+)`).FindSubmatch(line[0]); set != nil {
			method = string(set[1])
		} else if path == "/articles" {
			method = http.MethodPost
		}
		r := httptest.NewRequestWithContext(context.Background(), method, "http://example.com"+path, nil)
		if name, op := c.operation(r); op == nil {
			t.Errorf("%s: %s %s %s is not documented", line[0], method, path, name)
		}
		found++
	}
	if found < 20 {
		t.Errorf("found %d examples: that cannot be all", found)
	}
}

// Every mistake that is planted in an answer or a request is caught, so that a
// contract test that passes means something.
func TestContractCatchesMistakes(t *testing.T) {
	const page = `{"as_of":{"edition":1,"revision":0,"time":"2026-05-17T21:31:04Z"},"items":[],"newer":0}`
	good := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"private, no-cache"}}
	tests := []struct {
		name    string
		status  int
		body    string
		headers http.Header
		want    string // "" when nothing is wrong
	}{
		{"as documented", 200, page, nil, ""},
		{"a field too many", 200, strings.Replace(page, `"newer"`, `"colder":1,"newer"`, 1), nil, "additional properties 'colder'"},
		{"a field too many inside", 200, strings.Replace(page, `"edition"`, `"epoch":1,"edition"`, 1), nil, "additional properties 'epoch'"},
		{"a field missing", 200, strings.Replace(page, `,"newer":0`, "", 1), nil, "missing property 'newer'"},
		{"null for a list", 200, strings.Replace(page, "[]", "null", 1), nil, "got null, want array"},
		{"no date", 200, strings.Replace(page, "2026-05-17T", "yesterday ", 1), nil, "date-time"},
		{"a status that is not documented", 418, page, nil, "not documented"},
		{"a header that is not documented", 200, page, http.Header{"X-Secret": {"1"}}, "X-Secret"},
		{"a header missing", 200, page, http.Header{"Cache-Control": nil}, "Cache-Control"},
		{"a header of the wrong form", 200, page, http.Header{"Etag": {"bare"}}, "pattern"},
		{"another content type", 200, page, http.Header{"Content-Type": {"text/html"}}, "text/html"},
		{"a problem with a field too many", 400, `{"type":"about:blank","title":"t","status":400,"stack":"…"}`, http.Header{"Content-Type": {"application/problem+json"}}, "additional properties 'stack'"},
		{"a 401 without a challenge", 401, `{"type":"about:blank","title":"t","status":401}`, http.Header{"Content-Type": {"application/problem+json"}}, "WWW-Authenticate"},
		{"a body on 304", 304, page, nil, "none is documented"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newContract(t)
			h := maps.Clone(good)
			maps.Copy(h, test.headers)
			maps.DeleteFunc(h, func(_ string, values []string) bool { return values == nil })
			r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "http://example.com/feed", nil)
			wrong := c.checkResponse(r, answer{&http.Response{StatusCode: test.status, Header: h}, []byte(test.body)})
			expect(t, errors.Join(wrong...), test.want)
		})
	}
	requests := []struct{ name, method, target, contentType, body, want string }{
		{"as documented", "PUT", "/interests/iran", "application/json", `{"level":"mute"}`, ""},
		{"a level that is none", "PUT", "/interests/iran", "application/json", `{"level":"love"}`, "value must be one of"},
		{"a field too many", "PUT", "/interests/iran", "application/json", `{"level":"mute","me":1}`, "additional properties 'me'"},
		{"another content type", "PUT", "/interests/iran", "text/plain", `follow`, "text/plain"},
		{"a limit too high", "GET", "/feed?limit=101", "", "", "maximum"},
		{"a line too poor", "POST", "/articles", "application/x-ndjson", `{"url":"https://example.com/"}`, "title"},
		{"no such call", "GET", "/nothing", "", "", "not found"},
	}
	for _, test := range requests {
		t.Run("request: "+test.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(context.Background(), test.method, "http://example.com"+test.target, strings.NewReader(test.body))
			r.Header.Set("Authorization", "Bearer x")
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			expect(t, errors.Join(newContract(t).checkRequest(r)...), test.want)
		})
	}
}

func expect(t *testing.T, got error, want string) {
	t.Helper()
	switch {
	case got == nil && want != "":
		t.Errorf("nothing was caught, want something about %q", want)
	case got != nil && (want == "" || !strings.Contains(got.Error(), want)):
		t.Errorf("caught %v, want %q", got, want)
	}
}

// node is a House, every call to which is held against the contract. Its stores
// are behind a gate, and it can be cold.
type node struct {
	*contract
	*api.House
	gate gate
	warm atomic.Bool

	editor, publisher, bound string // keys; bound to the source "example-news"
}

// openNode opens a node; change alters what the door is given. People and keys
// have a store of their own, for a House has no way to put a gate before its.
func openNode(t testing.TB, c *contract, change func(*api.Deps)) *node {
	t.Helper()
	people, err := embedded.Open(filepath.Join(t.TempDir(), "people.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := people.Close(); err != nil {
			t.Error(err)
		}
	})
	n := &node{contract: c}
	n.warm.Store(true)
	n.House = api.NewHouse(t, func(d *api.Deps) {
		d.Articles = gatedArticles{d.Articles, &n.gate}
		d.Topics = gatedTopics{d.Topics, &n.gate}
		d.Tagger = ingest.NewTagger(d.Catalogue, d.Topics, true)
		d.Lists = interests.NewLists(gatedLists{people.Lists(), &n.gate}, d.Now)
		d.Merger = interests.NewMerger(d.Lists, people.Merges())
		d.Marks = feed.NewMarkSets(gatedMarks{people.Marks(), &n.gate}, d.Now)
		d.People = account.NewPeople(gatedSessions{people.Sessions(), &n.gate}, d.Now)
		d.Members = account.NewMembers(gatedAccounts{people.Accounts(), &n.gate}, d.People, account.NewPasswords(account.Cost{Memory: 64, Passes: 1, Lanes: 1}),
			people.Limits(), account.Allowance{}, d.Now)
		d.Eraser = api.EraserOf(people, d.People, &feed.Belongings{Lists: d.Lists, Marks: d.Marks, Merger: d.Merger}, d.Now)
		d.Eraser.Erasures = gatedErasures{d.Eraser.Erasures, &n.gate}
		d.Keyring = account.NewKeyring(gatedKeys{people.Keys(), &n.gate}, d.Now, n.keys()...)
		d.Desk = api.NewDesk(gatedSources{people.Sources(), &n.gate})
		d.Warm, d.Settings.Bench = n.warm.Load, true
		d.Mail = func(context.Context, string, string, string) error { return nil }
		articles, since := d.Articles, d.Now().UTC()
		d.Health = func(ctx context.Context) []api.Dependency {
			store := api.Dependency{Name: "articles and interests", Kind: "embedded", OK: true, Since: since}
			if _, _, err := articles.Top(ctx); err != nil {
				store.OK, store.Error = false, err.Error()
			}
			return []api.Dependency{store}
		}
		if change != nil {
			change(d)
		}
	})
	return n
}

// keys makes the operator's keys.
func (n *node) keys() []account.Key {
	key := func(name string, role account.Role, secret *string, sources ...string) account.Key {
		s := account.NewSecret()
		*secret = string(s)
		return account.Key{Name: name, Role: role, Hash: s.Hash(), Sources: sources}
	}
	return []account.Key{
		key("editor", account.Editor, &n.editor),
		key("publisher", account.Publisher, &n.publisher),
		key("example news", account.Publisher, &n.bound, "example-news"),
	}
}

// gate stands before all stores, and closes when a test says so.
type gate struct {
	closed atomic.Pointer[string]
	last   atomic.Bool // the next Append is the last before the gate closes
}

func (g *gate) set(how string) { g.closed.Store(&how) }

// unavailable and broken are how a gate can be closed.
const (
	isOpen      = ""
	unavailable = "unavailable"
	broken      = "broken"
)

// pass is nil, the contract's own "unavailable", or an error that no contract knows.
func (g *gate) pass(contracts error) error {
	how := g.closed.Load()
	switch {
	case how == nil || *how == isOpen:
		return nil
	case *how == unavailable:
		return fmt.Errorf("gate: %w", contracts)
	}
	return errors.New("gate: the disk at /secret/path is on fire")
}

type gatedArticles struct {
	feed.Articles
	*gate
}

func (g gatedArticles) Top(ctx context.Context) (feed.Edition, time.Time, error) {
	if err := g.pass(feed.ErrUnavailable); err != nil {
		return 0, time.Time{}, err
	}
	return g.Articles.Top(ctx)
}

func (g gatedArticles) Append(ctx context.Context, entries []feed.Entry) (int, error) {
	if err := g.pass(feed.ErrUnavailable); err != nil {
		return 0, err
	}
	if g.last.CompareAndSwap(true, false) {
		defer g.set(unavailable)
	}
	return g.Articles.Append(ctx, entries)
}

func (g gatedArticles) Current(ctx context.Context, ids []feed.ArticleID) (map[feed.ArticleID]feed.Entry, error) {
	if err := g.pass(feed.ErrUnavailable); err != nil {
		return nil, err
	}
	return g.Articles.Current(ctx, ids)
}

type gatedTopics struct {
	topic.Store
	*gate
}

func (g gatedTopics) All(ctx context.Context) ([]topic.Topic, error) {
	if err := g.pass(topic.ErrUnavailable); err != nil {
		return nil, err
	}
	return g.Store.All(ctx)
}

func (g gatedTopics) Put(ctx context.Context, t topic.Topic) error {
	if err := g.pass(topic.ErrUnavailable); err != nil {
		return err
	}
	return g.Store.Put(ctx, t)
}

type gatedLists struct {
	interests.Store
	*gate
}

func (g gatedLists) Load(ctx context.Context, id account.ID) (interests.List, error) {
	if err := g.pass(interests.ErrUnavailable); err != nil {
		return interests.List{}, err
	}
	return g.Store.Load(ctx, id)
}

type gatedMarks struct {
	feed.Marks
	*gate
}

func (g gatedMarks) Load(ctx context.Context, id account.ID) (feed.MarkSet, error) {
	if err := g.pass(feed.ErrMarksUnavailable); err != nil {
		return feed.MarkSet{}, err
	}
	return g.Marks.Load(ctx, id)
}

type gatedSessions struct {
	account.Store
	*gate
}

func (g gatedSessions) Create(ctx context.Context, h account.Hash, s account.Session) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.Store.Create(ctx, h, s)
}

func (g gatedSessions) Session(ctx context.Context, h account.Hash) (account.Session, error) {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return account.Session{}, err
	}
	return g.Store.Session(ctx, h)
}

type gatedAccounts struct {
	account.Accounts
	*gate
}

func (g gatedAccounts) Create(ctx context.Context, a account.Account) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.Accounts.Create(ctx, a)
}

func (g gatedAccounts) Account(ctx context.Context, id account.ID) (account.Account, error) {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return account.Account{}, err
	}
	return g.Accounts.Account(ctx, id)
}

func (g gatedAccounts) ByEmail(ctx context.Context, email account.Email) (account.Account, error) {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return account.Account{}, err
	}
	return g.Accounts.ByEmail(ctx, email)
}

type gatedErasures struct {
	account.Erasures
	*gate
}

func (g gatedErasures) Begin(ctx context.Context, e account.Erasure) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.Erasures.Begin(ctx, e)
}

type keyStore = account.Keys // under another name, since it has a method Keys

type gatedSources struct {
	ingest.Sources
	*gate
}

func (g gatedSources) Add(ctx context.Context, addresses []ingest.Address) ([]bool, error) {
	if err := g.pass(ingest.ErrSourcesUnavailable); err != nil {
		return nil, err
	}
	return g.Sources.Add(ctx, addresses)
}

func (g gatedSources) All(ctx context.Context) ([]ingest.Address, error) {
	if err := g.pass(ingest.ErrSourcesUnavailable); err != nil {
		return nil, err
	}
	return g.Sources.All(ctx)
}

func (g gatedSources) Remove(ctx context.Context, source string) (int, error) {
	if err := g.pass(ingest.ErrSourcesUnavailable); err != nil {
		return 0, err
	}
	return g.Sources.Remove(ctx, source)
}

type gatedKeys struct {
	keyStore
	*gate
}

func (g gatedKeys) Keys(ctx context.Context) ([]account.Key, error) {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return nil, err
	}
	return g.keyStore.Keys(ctx)
}

func (g gatedKeys) CreateKey(ctx context.Context, k account.Key) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.keyStore.CreateKey(ctx, k)
}

func (g gatedKeys) RevokeKey(ctx context.Context, id uuid.UUID) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.keyStore.RevokeKey(ctx, id)
}

// call is a request to make. One that is wrong on purpose is not held against
// the document; its answer is.
type call struct {
	method, path string
	token        string // "" is nobody
	kind         string // Content-Type; "" is JSON where there is a body
	body         string
	header       map[string]string
	wrong        bool
}

func (c call) with(change func(*call)) call {
	c.header = maps.Clone(c.header)
	change(&c)
	return c
}

func (c call) request(server string) (*http.Request, error) {
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r, err := http.NewRequestWithContext(context.Background(), c.method, server+c.path, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.kind == "" && c.body != "" {
		c.kind = "application/json"
	}
	if c.kind != "" {
		r.Header.Set("Content-Type", c.kind)
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	return r, nil
}

// do makes a call and holds both sides of it against the contract. A GET is
// made again as HEAD, which must answer alike.
func (n *node) do(t testing.TB, c call) answer {
	t.Helper()
	r, err := c.request(n.URL)
	if err != nil {
		t.Fatal(err)
	}
	if !c.wrong {
		for _, err := range n.checkRequest(r) {
			t.Errorf("%s %.200s: the request: %v", c.method, c.path, err)
		}
	}
	a := n.send(t, c)
	for _, err := range n.checkResponse(r, a) {
		t.Errorf("%s %.200s → %d: the answer: %v", c.method, c.path, a.StatusCode, err)
	}
	if c.method == http.MethodGet {
		n.checkHead(t, c, a)
	}
	return a
}

// send makes a call without looking at it.
func (n *node) send(t testing.TB, c call) answer {
	t.Helper()
	r, err := c.request(n.URL)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(r) // no redirects, no cookies
	if err != nil {
		t.Fatalf("%s %.200s: %v", c.method, c.path, err)
	}
	defer response.Body.Close()
	body, err := api.ReadAnswer(response)
	if err != nil {
		t.Fatalf("%s %.200s: read the answer: %v", c.method, c.path, err)
	}
	return answer{response, body}
}

// passing headers differ from one call to the next, or when a body is streamed.
var passing = []string{"Date", "Ratelimit", "Retry-After", "Transfer-Encoding"}

func (n *node) checkHead(t testing.TB, c call, got answer) {
	t.Helper()
	head := n.send(t, c.with(func(c *call) { c.method = http.MethodHead }))
	if head.StatusCode == http.StatusTooManyRequests {
		return
	}
	if strings.HasPrefix(c.path, "/events") {
		if head.StatusCode != http.StatusMethodNotAllowed || head.Header.Get("Allow") != "GET, OPTIONS" {
			t.Errorf("HEAD %s → %d, Allow %q: what does not end has none", c.path, head.StatusCode, head.Header.Get("Allow"))
		}
		return
	}
	if len(head.body) > 0 || head.StatusCode != got.StatusCode {
		t.Errorf("HEAD %s → %d with %d bytes, want %d and none", c.path, head.StatusCode, len(head.body), got.StatusCode)
	}
	grows := c.path == "/metrics" || c.path == "/backup"
	for name, values := range got.Header {
		if !slices.Contains(passing, name) && !slices.Equal(head.Header[name], values) && (name != "Content-Length" || !grows) {
			t.Errorf("HEAD %s: %s is %q, GET said %q", c.path, name, head.Header[name], values)
		}
	}
}

// want makes a call that must answer with a status, and reads the answer's JSON.
func (n *node) want(t testing.TB, status int, c call) (v map[string]any) {
	t.Helper()
	a := n.do(t, c)
	if a.StatusCode != status {
		t.Fatalf("%s %.200s → %d, want %d: %.500s", c.method, c.path, a.StatusCode, status, a.body)
	}
	if len(a.body) > 0 && strings.Contains(a.Header.Get("Content-Type"), "json") && a.body[0] == '{' {
		if err := json.Unmarshal(a.body, &v); err != nil && !strings.Contains(a.Header.Get("Content-Type"), "ndjson") {
			t.Fatalf("%s %.200s: %v", c.method, c.path, err)
		}
	}
	return v
}

// guest makes a guest and returns the token.
func (n *node) guest(t testing.TB) string {
	t.Helper()
	return n.want(t, 201, call{method: "POST", path: "/guests"})["token"].(string)
}

// follow sets an interest of a guest.
func (n *node) follow(t testing.TB, token, level string, topics ...string) {
	t.Helper()
	for _, name := range topics {
		n.want(t, 200, call{method: "PUT", path: "/interests/" + url.PathEscape(name), token: token, body: `{"level":"` + level + `"}`})
	}
}

// article is an article as a publisher sends it.
func article(number int, more string) string {
	return fmt.Sprintf(`{"url":"https://news.example.com/%[1]d","title":"Ferry %[1]d"%[2]s}`, number, more)
}

func idOf(t testing.TB, address string) string {
	t.Helper()
	canonical, err := feed.CanonicalURL(address)
	if err != nil {
		t.Fatal(err)
	}
	return feed.NewArticleID(canonical).String()
}

// A long walk through the whole API: every operation is called, every request
// and every answer is what openapi.json says, and every status that it names is
// seen, but for those listed.
func TestJourneyKeepsTheContract(t *testing.T) {
	c := newContract(t)
	n := openNode(t, c, nil)
	t.Run("routes", func(t *testing.T) { sameRoutes(t, n) })
	t.Run("operations", func(t *testing.T) { walkOperations(t, n) })
	t.Run("articles", func(t *testing.T) { walkArticles(t, n) })
	t.Run("topics", func(t *testing.T) { walkTopics(t, n) })
	t.Run("people", func(t *testing.T) { walkPeople(t, n) })
	t.Run("accounts", func(t *testing.T) { walkAccounts(t, n) })
	t.Run("feed", func(t *testing.T) { walkFeed(t, n) })
	t.Run("feed elsewhere", func(t *testing.T) { walkLinks(t, n) })
	t.Run("stories and marks", func(t *testing.T) { walkMarks(t, n) })
	t.Run("streams", func(t *testing.T) { walkStreams(t, n) })
	t.Run("preview", func(t *testing.T) { walkPreview(t, n) })
	t.Run("syncs", func(t *testing.T) { walkSyncs(t, n) })
	t.Run("sources", func(t *testing.T) { walkSources(t, n) })
	t.Run("keys", func(t *testing.T) { walkKeys(t, n) })
	t.Run("refusals", func(t *testing.T) { walkRefusals(t, n) })
	t.Run("rates", func(t *testing.T) { walkRates(t, c) })
	t.Run("a full list", func(t *testing.T) { walkFullList(t, n) })
	t.Run("outages", func(t *testing.T) { walkOutages(t, n) })

	neverCalled, neverSeen := c.coverage()
	for _, name := range neverCalled {
		t.Errorf("%s was never called", name)
	}
	for _, name := range neverSeen {
		if !strings.HasSuffix(name, " 408") { // takes a minute of waiting
			t.Errorf("%s is documented and was never seen", name)
		}
	}
}

// sameRoutes: the document has the routes of the program, and no others.
func sameRoutes(t *testing.T, n *node) {
	inProgram := map[string]bool{}
	for _, r := range n.App().GetRoutes(true) {
		if r.Method != http.MethodHead && r.Method != http.MethodOptions {
			inProgram[r.Method+" "+regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.Path, "{$1}")] = true
		}
	}
	inDocument := map[string]bool{}
	for path, item := range n.doc.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().FromOldest() {
			inDocument[strings.ToUpper(method)+" "+path] = true
		}
	}
	for name := range inProgram {
		if !inDocument[name] {
			t.Errorf("%s is a route and not in the document", name)
		}
	}
	for name := range inDocument {
		if !inProgram[name] {
			t.Errorf("%s is in the document and no route", name)
		}
	}
	if len(inProgram) < 20 {
		t.Errorf("found %d routes: that cannot be all", len(inProgram))
	}
}

func walkOperations(t *testing.T, n *node) {
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/version", "/openapi.json", "/docs", "/docs.css", "/bench/fixed?bytes=100"} {
		n.want(t, 200, call{method: "GET", path: path})
	}
	for _, path := range []string{"/openapi.json", "/docs", "/docs.css"} {
		tag := n.do(t, call{method: "GET", path: path}).Header.Get("ETag")
		n.want(t, 304, call{method: "GET", path: path, header: map[string]string{"If-None-Match": tag}})
	}
	n.want(t, 400, call{method: "GET", path: "/bench/fixed?bytes=-1", wrong: true})
	a := n.do(t, call{method: "GET", path: "/backup", token: n.editor})
	if a.StatusCode != 200 || len(a.body) < 1000 {
		t.Errorf("a backup → %d, %d bytes", a.StatusCode, len(a.body))
	}
	n.warm.Store(false)
	for path, token := range map[string]string{"/readyz": "", "/topics/iran/articles": "", "/feed": n.guest(t), "/stories/" + idOf(t, "https://news.example.com/1"): ""} {
		n.want(t, 503, call{method: "GET", path: path, token: token})
	}
	n.warm.Store(true)
	bare := openNode(t, n.contract, func(d *api.Deps) { d.Backup, d.Settings.Bench = nil, false })
	bare.want(t, 404, call{method: "GET", path: "/backup", token: bare.editor})
	bare.want(t, 404, call{method: "GET", path: "/bench/fixed"})
}

func walkArticles(t *testing.T, n *node) {
	post := call{method: "POST", path: "/articles", token: n.publisher}
	send := func(status int, kind, body string) map[string]any {
		t.Helper()
		return n.want(t, status, post.with(func(c *call) { c.kind, c.body = kind, body }))
	}
	full := article(1, `,"summary":"North Korea and Iran agree.","body_html":"<p>It <b>sails</b>.</p><script>x</script>","byline":"A. Writer","language":"en-GB",
		"kind":"analysis","published_at":"`+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)+`","updated_at":"2026-05-17T21:31:04.5+02:00",
		"source":{"id":"example-news","name":"Example News","url":"https://news.example.com/"},"image":{"url":"https://img.example.com/1.jpg","alt":"A ferry","width":640,"height":480},
		"topics":["North Korea",{"id":"trade","salience":0.4},"Ferry lines of the north"],"external_id":"e-1","status":"usable"`)
	send(200, "application/json", full)
	if got := send(200, "application/json", full); got["unchanged"] != 1.0 {
		t.Errorf("sent again: %v", got)
	}
	send(200, "application/json; charset=utf-8", "["+article(2, `,"summary":null,"topics":null,"image":null`)+","+article(3, "")+"] ")
	send(200, "application/x-ndjson", article(4, `,"topics":["Iran"]`)+"\n"+article(5, `,"kind":"video","language":"ko","topics":["Iran"]`)+"\n")
	send(200, "application/json", `{"uri":"https://news.example.com/ninjs","standard":{"name":"ninjs","version":"3.0","schema":"http://www.iptc.org/std/ninjs/ninjs-schema_3.0.json"},"type":"text","language":"en","headlines":[{"role":"main","value":"A ferry in ninjs"}],"unused":{"deep":[1]}}`)
	send(200, "application/json", `[]`)
	if got := send(200, "application/json", article(6, `,"published_at":"1970-01-01T00:00:00Z"`)); got["results"].([]any)[0].(map[string]any)["in_index"] != false {
		t.Errorf("an article of 1970: %v", got)
	}

	id := idOf(t, "https://news.example.com/1")
	read := call{method: "GET", path: "/articles/" + id}
	tag := n.do(t, read).Header.Get("ETag")
	n.want(t, 304, read.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
	n.want(t, 200, read.with(func(c *call) { c.token = n.guest(t) }))
	n.want(t, 404, call{method: "GET", path: "/articles/" + idOf(t, "https://news.example.com/none")})
	n.want(t, 404, call{method: "GET", path: "/articles/none", wrong: true})
	n.want(t, 400, call{method: "GET", path: "/articles/%ff", wrong: true})
	n.want(t, 400, call{method: "DELETE", path: "/articles/%ff", token: n.publisher, wrong: true})

	gone := idOf(t, "https://news.example.com/3")
	for range 2 {
		n.want(t, 204, call{method: "DELETE", path: "/articles/" + gone, token: n.publisher})
	}
	n.want(t, 410, call{method: "GET", path: "/articles/" + gone})
	n.want(t, 404, call{method: "DELETE", path: "/articles/" + idOf(t, "https://news.example.com/none"), token: n.publisher})
	n.want(t, 403, call{method: "DELETE", path: "/articles/" + idOf(t, "https://news.example.com/2"), token: n.bound})
	n.want(t, 403, call{method: "POST", path: "/articles", token: n.bound, body: article(2, `,"summary":"mine"`)})
	if got := n.want(t, 200, call{method: "POST", path: "/articles", token: n.bound, body: "[" + article(2, `,"summary":"mine"`) + "," + article(1, `,"source":{"id":"example-news"}`) + "]"}); got["rejected"] != 1.0 || got["updated"] != 1.0 {
		t.Errorf("a bound key: %v", got)
	}
	send(422, "application/json", article(7, `,"topics":[" "]`))
	n.want(t, 400, post.with(func(c *call) { c.body, c.wrong = `{"url":`, true }))
	n.want(t, 422, post.with(func(c *call) { c.body, c.wrong = `{"url":"https://news.example.com/8"}`, true }))
	many := strings.Repeat(article(9, "")+"\n", 1001)
	if got := n.want(t, 413, post.with(func(c *call) { c.kind, c.body, c.wrong = "application/x-ndjson", many, true })); got["results"] == nil {
		t.Error("1,001 lines: the answer does not say what became of the first")
	}
	n.want(t, 413, post.with(func(c *call) {
		c.body, c.wrong = "["+strings.TrimSuffix(strings.ReplaceAll(many, "\n", ","), ",")+"]", true
	}))
}

func walkTopics(t *testing.T, n *node) {
	me := n.guest(t)
	n.follow(t, me, "favourite", "North Korea")
	for _, token := range []string{"", me, n.publisher} {
		for _, path := range []string{"/topics?q=north&limit=5", "/topics", "/topics/north-korea", "/topics/DPRK", "/topics/NORTH%20KOREA", "/topics/iran/articles", "/topics/ferry-lines-of-the-north", "/topics/trending", "/topics/suggested?limit=3"} {
			get := call{method: "GET", path: path, token: token}
			tag := n.do(t, get).Header.Get("ETag")
			n.want(t, 304, get.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
		}
		n.want(t, 200, call{method: "GET", path: "/topics.ndjson", token: token})
	}
	if got := n.want(t, 200, call{method: "GET", path: "/topics/dprk", token: me}); got["level"] != "favourite" {
		t.Errorf("my topic: %v", got)
	}
	lines := n.do(t, call{method: "GET", path: "/topics.ndjson"}).body
	if got := bytes.Count(lines, []byte("\n")); got < 400 {
		t.Errorf("%d topics in all", got)
	}
	n.want(t, 400, call{method: "GET", path: "/topics?limit=0", wrong: true})
	explain := call{method: "POST", path: "/topics/explain", token: n.editor, body: `{"title":"Seoul protests","summary":"Pyongyang fired a missile.","text":"The North said nothing. Robert Jordan did."}`}
	if got := n.want(t, 200, explain); len(got["tags"].([]any)) == 0 || len(got["spans"].([]any)) < 5 {
		t.Errorf("explained: %v", got)
	}
	n.want(t, 400, explain.with(func(c *call) { c.body, c.wrong = `{"title":7}`, true }))
	n.want(t, 413, explain.with(func(c *call) { c.body = `{"title":"` + strings.Repeat("x", 1<<20) + `"}` }))
	n.want(t, 415, explain.with(func(c *call) { c.kind, c.wrong = "text/plain", true }))
	n.want(t, 422, explain.with(func(c *call) { c.body = `{"title":""}` }))
	n.want(t, 400, call{method: "GET", path: "/topics/trending?limit=101", wrong: true})
	n.want(t, 400, call{method: "GET", path: "/topics/suggested?limit=x", wrong: true})
	n.want(t, 400, call{method: "GET", path: "/topics/%ff", wrong: true})
	n.want(t, 400, call{method: "GET", path: "/topics/iran/articles?limit=x", wrong: true})
	n.want(t, 404, call{method: "GET", path: "/topics/norht-korea/articles"})
	if got := n.want(t, 404, call{method: "GET", path: "/topics/norht%20korea"}); !strings.Contains(got["detail"].(string), "north-korea") {
		t.Errorf("no suggestion: %v", got)
	}
	put := call{method: "PUT", path: "/topics/ferries", token: n.editor, body: `{"name":"Ferries","kind":"subject","aliases":["ferry boats"],"broader":["transport"]}`}
	if n.do(t, call{method: "GET", path: "/topics/transport"}).StatusCode != 200 {
		put.body = `{"name":"Ferries","kind":"subject","aliases":["ferry boats"]}`
	}
	n.want(t, 200, put)
	n.want(t, 200, call{method: "PUT", path: "/topics/iran", token: n.editor, body: string(lineOf(t, lines, "iran"))})
	n.want(t, 409, put.with(func(c *call) { c.path, c.body = "/topics/other", `{"name":"Iran","kind":"subject"}` }))
	n.want(t, 422, put.with(func(c *call) { c.path, c.wrong = "/topics/trending", true }))
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{"name":"Ferries","kind":"subject","colour":"blue"}`, true }))
}

// lineOf returns the line of a topic in an export.
func lineOf(t testing.TB, lines []byte, id string) []byte {
	t.Helper()
	for line := range bytes.Lines(lines) {
		if bytes.Contains(line, []byte(`"id":"`+id+`"`)) {
			return line
		}
	}
	t.Fatalf("the export has no topic %s", id)
	return nil
}

func walkPeople(t *testing.T, n *node) {
	me := n.guest(t)
	list := call{method: "GET", path: "/interests", token: me}
	if got := n.want(t, 200, list); got["digest"] != "0000000000000000" || got["revision"] != 0.0 {
		t.Errorf("a new guest's list: %v", got)
	}
	n.follow(t, me, "follow", "north-korea", "Iran")
	n.follow(t, me, "mute", "iran")
	tag := n.do(t, list).Header.Get("ETag")
	n.want(t, 304, list.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag, "X-Interests-Revision": "1"} }))
	n.want(t, 400, list.with(func(c *call) { c.header, c.wrong = map[string]string{"X-Interests-Revision": "soon"}, true }))
	put := call{method: "PUT", path: "/interests/iran", token: me, body: `{"level":"follow"}`}
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{"level":"love"}`, true }))
	n.want(t, 404, put.with(func(c *call) { c.path = "/interests/norht-korea" }))
	for _, path := range []string{"/interests/iran", "/interests/iran", "/interests/nobody-knows-this"} {
		n.want(t, 200, call{method: "DELETE", path: path, token: me})
	}
	n.want(t, 400, call{method: "DELETE", path: "/interests/%ff", token: me, wrong: true})
}

// member signs somebody up and returns their e-mail address and token.
func (n *node) member(t testing.TB) (email, token string) {
	t.Helper()
	id := account.NewID()
	email = "ann-" + id.String() + "@example.org"
	got := n.want(t, 201, call{method: "POST", path: "/accounts", body: `{"email":"` + email + `","password":"correct horse"}`,
		header: map[string]string{"X-Forwarded-For": fmt.Sprintf("2001:db8:%x:%x::1", id[12:14], id[14:])}})
	return email, got["token"].(string)
}

func walkAccounts(t *testing.T, n *node) {
	email, token := n.member(t)
	n.want(t, 409, call{method: "POST", path: "/accounts", body: `{"email":"` + strings.ToUpper(email) + `","password":"correct horse"}`})
	n.want(t, 422, call{method: "POST", path: "/accounts", body: `{"email":"` + email + `","password":"short"}`, wrong: true})
	n.want(t, 400, call{method: "POST", path: "/accounts", body: `{"email":"` + email + `"`, wrong: true})
	closed := openNode(t, n.contract, func(d *api.Deps) { d.Settings.SignUp = false })
	closed.want(t, 403, call{method: "POST", path: "/guests"})
	closed.want(t, 403, call{method: "POST", path: "/accounts", body: `{"email":"` + email + `","password":"correct horse"}`})
	for path, asks := range map[string][]string{"/account": {token, n.guest(t)}, "/sessions": {token, n.guest(t)}} {
		for _, who := range asks {
			get := call{method: "GET", path: path, token: who}
			n.want(t, 200, get)
			tag := n.do(t, get).Header.Get("ETag")
			n.want(t, 304, get.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
		}
	}
	guest := n.guest(t)
	n.follow(t, guest, "favourite", "iran")
	preview := call{method: "POST", path: "/merges/preview", token: guest, body: `{"email":"` + email + `","password":"correct horse"}`}
	n.want(t, 200, preview)
	n.want(t, 422, preview.with(func(c *call) { c.body = `{"email":"ann","password":"correct horse"}` }))
	n.want(t, 400, preview.with(func(c *call) { c.body, c.wrong = `{"email":1}`, true }))
	in := n.want(t, 201, call{method: "POST", path: "/sessions", token: guest, body: preview.body})
	merge := in["merge"].(map[string]any)["id"].(string)
	n.want(t, 401, call{method: "GET", path: "/interests", token: guest})
	n.want(t, 401, call{method: "POST", path: "/accounts", token: guest, body: `{"email":"other-` + email + `","password":"correct horse"}`})
	undo := call{method: "POST", path: "/merges/" + merge + "/undo", token: token}
	n.want(t, 200, undo)
	n.want(t, 404, undo.with(func(c *call) { c.path = "/merges/" + account.NewID().String() + "/undo" }))
	n.want(t, 400, undo.with(func(c *call) { c.path, c.wrong = "/merges/%ff/undo", true }))
	reset := call{method: "POST", path: "/account/password/reset", body: `{"email":"` + email + `"}`}
	n.want(t, 202, reset)
	n.want(t, 422, reset.with(func(c *call) { c.body = `{"email":"ann"}` }))
	n.want(t, 400, reset.with(func(c *call) { c.body, c.wrong = `{}x`, true }))
	mute := openNode(t, n.contract, func(d *api.Deps) { d.Mail = nil })
	mute.want(t, 404, reset)
	link := call{method: "POST", path: "/accounts/resets", token: n.editor, body: `{"email":"` + email + `"}`}
	parts := strings.Split(n.want(t, 201, link)["link"].(string), "/")
	n.want(t, 409, link.with(func(c *call) { c.body = `{"email":"` + email + `","create":true}` }))
	n.want(t, 404, link.with(func(c *call) { c.body = `{"email":"none-` + email + `"}` }))
	n.want(t, 422, link.with(func(c *call) { c.body = `{"email":"ann"}` }))
	n.want(t, 400, link.with(func(c *call) { c.body, c.wrong = `{}x`, true }))
	set := call{method: "PUT", path: "/account/password/reset", body: `{"token":"` + parts[len(parts)-1] + `","password":"correct horse"}`}
	n.want(t, 422, set.with(func(c *call) { c.body, c.wrong = `{"token":"x","password":"short"}`, true }))
	n.want(t, 400, set.with(func(c *call) { c.body, c.wrong = `{}x`, true }))
	n.want(t, 204, set)
	n.want(t, 410, set)
	n.want(t, 401, call{method: "GET", path: "/account", token: token})
	token = n.want(t, 201, call{method: "POST", path: "/sessions", body: `{"email":"` + email + `","password":"correct horse"}`})["token"].(string)
	export := call{method: "GET", path: "/account/export", token: token}
	n.want(t, 200, export)
	exported := n.do(t, export).Header.Get("ETag")
	n.want(t, 304, export.with(func(c *call) { c.header = map[string]string{"If-None-Match": exported} }))
	gone, left := n.member(t)
	erase := call{method: "DELETE", path: "/account", token: left, body: `{"password":"correct horse"}`}
	n.want(t, 403, erase.with(func(c *call) { c.body = `{"password":"wrong horse"}` }))
	n.want(t, 400, erase.with(func(c *call) { c.body, c.wrong = `{"me":1}`, true }))
	n.want(t, 200, erase)
	n.want(t, 401, call{method: "GET", path: "/account", token: left})
	n.want(t, 201, call{method: "POST", path: "/accounts", body: `{"email":"` + gone + `","password":"correct horse"}`})
	signIn := call{method: "POST", path: "/sessions", body: `{"email":"` + email + `","password":"correct horse","label":"Phone"}`}
	phone := n.want(t, 201, signIn)["token"].(string)
	n.want(t, 401, signIn.with(func(c *call) { c.body = `{"email":"` + email + `","password":"wrong horse"}` }))
	n.want(t, 422, signIn.with(func(c *call) { c.body = `{"email":"ann","password":"correct horse"}` }))
	n.want(t, 400, signIn.with(func(c *call) { c.body, c.wrong = `{"email":1}`, true }))
	put := call{method: "PUT", path: "/account/password", token: token, body: `{"current":"correct horse","new":"staple battery"}`}
	n.want(t, 422, put.with(func(c *call) { c.body = `{"current":"wrong horse","new":"staple battery"}` }))
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{}x`, true }))
	n.want(t, 204, put)
	n.want(t, 401, call{method: "GET", path: "/account", token: phone})
	n.want(t, 400, call{method: "DELETE", path: "/sessions/%ff", token: token, wrong: true})
	n.want(t, 404, call{method: "DELETE", path: "/sessions/" + account.NewID().String(), token: token})
	n.want(t, 204, call{method: "DELETE", path: "/sessions/current", token: token})
}

func walkFeed(t *testing.T, n *node) {
	me := n.guest(t)
	page := call{method: "GET", path: "/feed?limit=2", token: me}
	if got := n.want(t, 200, page); got["cold"] != true || len(got["items"].([]any)) == 0 {
		t.Errorf("a cold feed: %v", got)
	}
	n.follow(t, me, "follow", "iran", "north-korea", "source-news-example-com")
	n.follow(t, me, "mute", "cuba")
	pages, next := 0, "/feed?limit=1&language=en&language=ko&kind=news&kind=video&kind=analysis"
	for next != "" {
		a := n.do(t, call{method: "GET", path: next, token: me})
		var p struct{ Next string }
		if err := json.Unmarshal(a.body, &p); err != nil || a.StatusCode != 200 {
			t.Fatalf("page %d → %d: %s", pages, a.StatusCode, a.body)
		}
		link, _, _ := strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
		if (p.Next == "") != (link == "") || !strings.Contains(link, p.Next) || link != "" && !strings.Contains(link, "language=ko") {
			t.Errorf("next is %q, Link %q", p.Next, link)
		}
		if next, pages = link, pages+1; pages > 20 {
			t.Fatal("the walk does not end")
		}
	}
	a := n.do(t, call{method: "GET", path: "/feed?topic=DPRK&topic=Iran", token: me, header: map[string]string{"X-Interests-Revision": "1"}})
	n.want(t, 304, call{method: "GET", path: "/feed?topic=DPRK&topic=Iran", token: me, header: map[string]string{"If-None-Match": a.Header.Get("ETag")}})
	if a.Header.Get("Cache-Control") != "private, no-cache" || a.Header.Get("Vary") != "Authorization, Cookie, Origin" || a.Header.Get("X-Interests-Revision") == "" {
		t.Errorf("headers of a feed: %v", a.Header)
	}
	if got := n.want(t, 200, call{method: "GET", path: "/feed?language=tlh", token: me}); len(got["items"].([]any)) != 0 {
		t.Errorf("a feed in Klingon: %v", got)
	}
	n.want(t, 400, call{method: "GET", path: "/feed?kind=rumour", token: me, wrong: true})
	n.want(t, 400, call{method: "GET", path: "/feed?topic=norht-korea", token: me})
	for _, path := range []string{"/feed", "/topics/iran/articles", "/feed/newer"} {
		n.want(t, 400, call{method: "GET", path: path + "?cursor=AAAA", token: me})
		n.want(t, 410, call{method: "GET", path: path + "?cursor=" + expiredCursor(), token: me})
	}
	n.want(t, 503, call{method: "GET", path: "/feed?cursor=" + futureCursor(), token: me}) // after a second of waiting
	n.want(t, 200, call{method: "GET", path: "/topics/iran/articles?limit=1"})
	walkReceipts(t, n)
}

// walkReceipts: why what is there is there, and what is not is not.
func walkReceipts(t *testing.T, n *node) {
	me, muted := n.guest(t), n.guest(t)
	n.follow(t, me, "follow", "iran")
	n.follow(t, muted, "mute", "iran")
	first := n.want(t, 200, call{method: "GET", path: "/feed?limit=1&why=true&unread=false&must_know=3", token: me})
	if first["must_know"] == nil || first["items"].([]any)[0].(map[string]any)["why"] == nil {
		t.Errorf("a first page with receipts: %v", first)
	}
	article := first["items"].([]any)[0].(map[string]any)["article"].(map[string]any)["id"].(string)
	newer := call{method: "GET", path: "/feed/newer?kind=news&cursor=" + first["next"].(string), token: me}
	if got := n.want(t, 200, newer); got["count"] != 0.0 {
		t.Errorf("newer: %v", got)
	}
	why := call{method: "GET", path: "/feed/why/" + article + "?kind=news&kind=video&kind=analysis&must_know=0&unread=true", token: me}
	if got := n.want(t, 200, why); got["shown"] != true || got["position"] != 1.0 || got["why"] == nil {
		t.Errorf("why the first card: %v", got)
	}
	if got := n.want(t, 200, why.with(func(c *call) { c.token = muted })); got["shown"] != false {
		t.Errorf("why a muted one: %v", got)
	}
	for _, c := range []call{newer, why} {
		tag := n.do(t, c).Header.Get("ETag")
		n.want(t, 304, c.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
	}
	n.want(t, 400, newer.with(func(c *call) { c.path, c.wrong = "/feed/newer", true }))
	n.want(t, 400, why.with(func(c *call) { c.path, c.wrong = "/feed/why/%ff", true }))
	n.want(t, 404, why.with(func(c *call) { c.path, c.wrong = "/feed/why/none", true }))
}

func walkMarks(t *testing.T, n *node) {
	made := n.want(t, 201, call{method: "POST", path: "/guests"})
	me, id := made["token"].(string), idOf(t, "https://news.example.com/4")
	story := call{method: "GET", path: "/stories/" + id}
	for _, token := range []string{"", me} {
		get := story.with(func(c *call) { c.token = token })
		if got := n.want(t, 200, get); got["story"] != id || len(got["articles"].([]any)) != 1 {
			t.Errorf("a story: %v", got)
		}
		tag := n.do(t, get).Header.Get("ETag")
		n.want(t, 304, get.with(func(c *call) { c.header = map[string]string{"If-None-Match": tag} }))
	}
	none := idOf(t, "https://news.example.com/none")
	n.want(t, 404, story.with(func(c *call) { c.path = "/stories/" + none }))
	n.want(t, 404, story.with(func(c *call) { c.path, c.wrong = "/stories/none", true }))
	n.want(t, 400, story.with(func(c *call) { c.path, c.wrong = "/stories/%ff", true }))

	put := call{method: "PUT", path: "/marks/" + id, token: me, body: `{"saved":true}`}
	n.want(t, 200, put)
	n.want(t, 200, put.with(func(c *call) {
		c.path = "/marks/" + idOf(t, "https://news.example.com/5")
		c.body = `{"read":true,"saved":true,"hidden":false}`
	}))
	n.want(t, 200, put.with(func(c *call) { c.path = "/marks/" + idOf(t, "https://news.example.com/6") })) // beyond the horizon
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{}`, true }))
	n.want(t, 400, put.with(func(c *call) { c.body, c.wrong = `{"read":"yes"}`, true }))
	n.want(t, 404, put.with(func(c *call) { c.path = "/marks/" + none }))

	marks := call{method: "GET", path: "/marks?limit=1", token: me}
	a := n.do(t, marks)
	if !strings.Contains(a.Header.Get("Link"), "/marks?limit=1&cursor=") {
		t.Errorf("Link %q", a.Header.Get("Link"))
	}
	n.want(t, 304, marks.with(func(c *call) { c.header = map[string]string{"If-None-Match": a.Header.Get("ETag")} }))
	if got := n.want(t, 200, marks.with(func(c *call) { c.path = "/marks?story=" + none + "&story=" + id })); len(got["marks"].([]any)) != 2 {
		t.Errorf("named: %v", got)
	}
	n.want(t, 400, marks.with(func(c *call) { c.path, c.wrong = "/marks?story=x", true }))

	saved, seen := call{method: "GET", path: "/saved?limit=1", token: me}, 0
	for ; saved.path != "" && seen < 5; seen++ {
		a := n.do(t, saved)
		n.want(t, 304, saved.with(func(c *call) { c.header = map[string]string{"If-None-Match": a.Header.Get("ETag")} }))
		saved.path, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
	}
	if seen != 3 {
		t.Errorf("%d pages of saved stories, want 3", seen)
	}
	n.want(t, 400, call{method: "GET", path: "/saved?cursor=AAAA", token: me})
	n.want(t, 200, call{method: "GET", path: "/saved", token: n.guest(t)})
	fillMarks(t, n, made)
	if got := n.want(t, 409, put.with(func(c *call) { c.path = "/marks/" + idOf(t, "https://news.example.com/1") })); got["type"] != "list-full" {
		t.Errorf("the 10,001st saved story: %v", got)
	}
}

// fillMarks saves as many stories for a guest as may be.
func fillMarks(t *testing.T, n *node, guest map[string]any) {
	t.Helper()
	id, err := uuid.Parse(guest["account"].(map[string]any)["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	ops := make([]feed.MarkOp, feed.MaxSaved-3)
	for i := range ops {
		ops[i] = feed.MarkOp{Story: feed.StoryID(uuid.New()), Mark: feed.Saved, Value: true, At: interests.NewStamp(n.Clock.Now(), uint16(i), 0)}
	}
	if _, _, err := n.Marks.Apply(t.Context(), account.ID(id), ops, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

func walkStreams(t *testing.T, n *node) {
	me := n.guest(t)
	n.follow(t, me, "follow", "iran")
	next := n.want(t, 200, call{method: "GET", path: "/feed?limit=1", token: me})["next"].(string)
	stream := call{method: "GET", path: "/events?kind=news&cursor=" + next, token: me,
		header: map[string]string{"Last-Event-ID": "1-2-1-0", "X-Interests-Revision": "1"}}
	n.want(t, 200, stream)
	n.want(t, 400, stream.with(func(c *call) { c.path, c.wrong = "/events?kind=rumour", true }))
	n.want(t, 400, stream.with(func(c *call) { c.header["X-Interests-Revision"], c.wrong = "soon", true }))
	n.want(t, 410, stream.with(func(c *call) { c.path = "/events?cursor=" + expiredCursor() }))
}

func walkPreview(t *testing.T, n *node) {
	me := n.guest(t)
	n.follow(t, me, "follow", "iran")
	post := call{method: "POST", path: "/interests/preview", token: me, body: `{"ops":[{"topic":"Iran","level":null},{"topic":"north-korea","level":"favourite"}]}`}
	if got := n.want(t, 200, post); len(got["leaves"].([]any)) == 0 {
		t.Errorf("a preview: %v", got)
	}
	n.want(t, 200, post.with(func(c *call) { c.body = `{"ops":[]}` }))
	n.want(t, 404, post.with(func(c *call) { c.body = `{"ops":[{"topic":"norht-korea","level":"follow"}]}` }))
	n.want(t, 200, post.with(func(c *call) { c.body = `{"ops":[{"topic":"norht-korea","level":null}]}` }))
	for _, body := range []string{`{}`, `{"ops":[{"topic":"iran"}]}`, `{"ops":[{"level":"mute"}]}`, `{"ops":[{"topic":"iran","level":"none"}]}`,
		`{"ops":[` + strings.Repeat(`{"topic":"iran","level":"mute"},`, 200) + `{"topic":"iran","level":"mute"}]}`} {
		n.want(t, 400, post.with(func(c *call) { c.body, c.wrong = body, true }))
	}
}

// walkSyncs: both syncs, with every outcome of an edit, and with bodies that are none.
func walkSyncs(t *testing.T, n *node) {
	me, at := n.guest(t), `"`+interests.NewStamp(n.Clock.Now(), 0, 7).String()+`"`
	for path, ops := range map[string][]string{
		"/interests/sync": {
			`{"id":"1","topic":"iran","level":"follow","at":` + at + `}`, `{"id":"2","topic":"iran","level":"follow","at":` + at + `}`,
			`{"id":"3","topic":"iran","level":null,"at":"0192f0c1a2b30000a1b2c3d4e5f60718"}`, `{"id":"4","topic":"cuba","level":null,"at":"ffff` + at[5:] + `}`,
		},
		"/marks/sync": {
			`{"id":"1","story":"` + idOf(t, "https://news.example.com/4") + `","mark":"read","value":true,"at":` + at + `}`,
			`{"id":"2","story":"` + idOf(t, "https://news.example.com/4") + `","mark":"read","value":true,"at":` + at + `}`,
			`{"id":"3","story":"` + idOf(t, "https://news.example.com/4") + `","mark":"read","value":false,"at":"0192f0c1a2b30000a1b2c3d4e5f60718"}`,
			`{"id":"4","story":"` + idOf(t, "https://news.example.com/none") + `","mark":"hidden","value":false,"at":` + at + `}`,
		},
	} {
		post := call{method: "POST", path: path, token: me, body: `{"device":"00000000000000a1","since":0,"digest":"0000000000000000","ops":[` + strings.Join(ops, ",") + `]}`}
		got := n.want(t, 200, post)
		var statuses []any
		for _, r := range got["results"].([]any) {
			statuses = append(statuses, r.(map[string]any)["status"])
		}
		if fmt.Sprint(statuses) != "[applied duplicate superseded rejected]" || got["full"] != false || len(got["changes"].([]any)) != 1 {
			t.Errorf("%s: %v", path, got)
		}
		n.want(t, 200, post.with(func(c *call) { c.body = `{"device":"00000000000000a1","ops":[]}` }))
		for _, body := range []string{`{}`, `{"device":"00000000000000a1","ops":[` + strings.Repeat("{},", 200) + `{}]}`} {
			n.want(t, 400, post.with(func(c *call) { c.body, c.wrong = body, true }))
		}
		n.want(t, 200, post.with(func(c *call) { c.body, c.wrong = `{"device":"00000000000000a1","ops":[{},null,7]}`, true }))
	}
}

// expiredCursor is a cursor of a walk that began 25 hours ago.
func expiredCursor() string {
	return feed.Cursor{Edition: 1, Started: time.Now().Add(-25 * time.Hour)}.String()
}

// futureCursor names an edition that this node has not reached.
func futureCursor() string {
	return feed.Cursor{Edition: 1 << 30, Started: time.Now()}.String()
}

func walkSources(t *testing.T, n *node) {
	document := `<rss version="2.0"><channel><title>Example</title><link>http://127.1.0.1/</link><ttl>60</ttl>
		<item><title>One</title><link>http://127.1.0.1/one</link></item><item><title>No address</title></item></channel></rss>`
	publisher := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			_, _ = io.WriteString(w, `<html><head><link rel="alternate" type="application/rss+xml" href="/rss"></head></html>`)
			return
		}
		_, _ = io.WriteString(w, document)
	}))
	defer publisher.Close()
	add := call{method: "POST", path: "/sources", token: n.editor, body: `{"url":"` + publisher.URL + `/page","source":"example-rss"}`}
	if got := fmt.Sprint(n.want(t, 201, add)); !strings.Contains(got, publisher.URL+"/rss") {
		t.Errorf("a page's document was not found: %v", got)
	}
	n.want(t, 409, add)
	n.want(t, 422, add.with(func(c *call) { c.body = `{"url":"ftp://example.org/"}` }))
	n.want(t, 422, add.with(func(c *call) { c.body = `{"url":"https://example.org/","source":"Not An Id"}` }))
	list := call{method: "POST", path: "/sources/list", token: n.editor, body: `{"sources":[{"url":"http://127.0.0.1:1/x","name":"X"},{"url":"http://127.0.0.1:1/x"},{"url":"mailto:x"}]}`}
	if got := fmt.Sprint(n.want(t, 200, list)); strings.Count(got, "accepted") != 1 || strings.Count(got, "unchanged") != 1 || strings.Count(got, "rejected") != 1 {
		t.Errorf("a list: %v", got)
	}
	n.want(t, 422, list.with(func(c *call) {
		c.body, c.wrong = `{"sources":[`+strings.Repeat(`{"url":"x"},`, 1000)+`{"url":"x"}]}`, true
	}))
	poll := call{method: "POST", path: "/sources/poll", token: n.editor, body: `{"sources":["example-rss","127-0-0-1"]}`}
	results := n.want(t, 200, poll)["results"].([]any)
	if first := results[0].(map[string]any); first["new"] != 1.0 || first["rejected"] != 1.0 || first["fault"] != nil {
		t.Errorf("polled: %v", first)
	}
	if second := results[1].(map[string]any); second["fault"] == nil {
		t.Errorf("nobody answers there, and yet: %v", second)
	}
	n.want(t, 404, poll.with(func(c *call) { c.body = `{"sources":["nobody"]}` }))
	n.want(t, 422, poll.with(func(c *call) { c.body, c.wrong = `{"sources":[]}`, true }))
	page := n.want(t, 200, call{method: "GET", path: "/sources?limit=1", token: n.editor})
	second := n.want(t, 200, call{method: "GET", path: "/sources?limit=1&cursor=" + page["next"].(string), token: n.editor})
	if second["next"] != nil || fmt.Sprint(second["sources"]) == fmt.Sprint(page["sources"]) {
		t.Errorf("the second page: %v", second)
	}
	n.want(t, 400, call{method: "GET", path: "/sources?cursor=%21", token: n.editor, wrong: true})
	if got := n.want(t, 200, call{method: "DELETE", path: "/sources/example-rss?withdraw=true", token: n.editor}); got["addresses"] != 1.0 || got["withdrawn"] != 1.0 {
		t.Errorf("removed: %v", got)
	}
	n.want(t, 404, call{method: "DELETE", path: "/sources/example-rss", token: n.editor})
	n.want(t, 400, call{method: "DELETE", path: "/sources/x?withdraw=maybe", token: n.editor, wrong: true})
	n.want(t, 400, call{method: "DELETE", path: "/sources/%ff", token: n.editor, wrong: true})
	n.want(t, 400, add.with(func(c *call) { c.body, c.wrong = `{"url":7}`, true }))
	n.want(t, 400, list.with(func(c *call) { c.body, c.wrong = `{"sources":7}`, true }))
	n.want(t, 400, poll.with(func(c *call) { c.body, c.wrong = `{"sources":7}`, true }))
}

func walkKeys(t *testing.T, n *node) {
	post := call{method: "POST", path: "/keys", token: n.editor, body: `{"name":"desk","role":"publisher","sources":["example-news"],"hosts":["News.Example.com"]}`}
	made := n.want(t, 201, post)
	key := made["key"].(string)
	n.want(t, 201, post.with(func(c *call) { c.body = `{"name":"second editor","role":"editor"}` }))
	if got := n.want(t, 200, call{method: "GET", path: "/keys", token: n.editor}); len(got["keys"].([]any)) != 5 || strings.Contains(fmt.Sprint(got), key) {
		t.Errorf("the keys: %v", got)
	}
	mine := call{method: "POST", path: "/articles", token: key, body: article(20, `,"source":{"id":"example-news"}`)}
	n.want(t, 200, mine)
	n.want(t, 204, call{method: "DELETE", path: "/keys/" + made["id"].(string), token: n.editor})
	n.want(t, 404, call{method: "DELETE", path: "/keys/" + made["id"].(string), token: n.editor})
	n.want(t, 401, mine)
	n.want(t, 422, post.with(func(c *call) { c.body, c.wrong = `{"name":"x","role":"king"}`, true }))
	n.want(t, 400, post.with(func(c *call) { c.body, c.wrong = `{"name":["x"]}`, true }))
	n.want(t, 400, call{method: "DELETE", path: "/keys/%ff", token: n.editor, wrong: true})
}

// walkFullList: a list takes 500 followed topics and no more, and 500 muted ones beside.
func walkFullList(t *testing.T, n *node) {
	me := n.guest(t)
	ids := topicIDs(t, n, 502)
	n.follow(t, me, "follow", ids[:interests.MaxFollowed]...)
	put := call{method: "PUT", path: "/interests/" + ids[500], token: me, body: `{"level":"favourite"}`}
	if got := n.want(t, 409, put); got["type"] != "list-full" {
		t.Errorf("the 501st interest: %v", got)
	}
	preview := call{method: "POST", path: "/interests/preview", token: me, body: `{"ops":[{"topic":"` + ids[500] + `","level":"follow"}]}`}
	if got := n.want(t, 409, preview); got["type"] != "list-full" {
		t.Errorf("a preview of the 501st interest: %v", got)
	}
	n.follow(t, me, "favourite", ids[0])
	n.follow(t, me, "mute", ids[501])
	if got := n.want(t, 200, call{method: "GET", path: "/interests", token: me}); len(got["interests"].([]any)) != 501 {
		t.Errorf("a full list has %d interests", len(got["interests"].([]any)))
	}
	n.want(t, 200, call{method: "DELETE", path: "/interests/" + ids[1], token: me})
	n.want(t, 200, put)
}

// topicIDs returns the ids of so many topics.
func topicIDs(t testing.TB, n *node, most int) (ids []string) {
	t.Helper()
	for line := range bytes.Lines(n.do(t, call{method: "GET", path: "/topics.ndjson"}).body) {
		var in struct{ ID string }
		if err := json.Unmarshal(line, &in); err != nil {
			t.Fatal(err)
		}
		if ids = append(ids, in.ID); len(ids) == most {
			return ids
		}
	}
	t.Fatalf("there are %d topics, want %d", len(ids), most)
	return nil
}

// samples are a good call of every operation.
func (n *node) samples(t testing.TB) map[string]call {
	t.Helper()
	me, id := n.guest(t), idOf(t, "https://news.example.com/1")
	email, member := n.member(t)
	_, leaving := n.member(t)
	samples := map[string]call{}
	for _, c := range []call{
		{method: "POST", path: "/guests"},
		{method: "POST", path: "/accounts", token: me, body: `{"email":"sample-` + account.NewID().String() + `@example.org","password":"correct horse"}`},
		{method: "POST", path: "/sessions", body: `{"email":"` + email + `","password":"correct horse"}`},
		{method: "GET", path: "/sessions", token: member},
		{method: "DELETE", path: "/sessions/" + account.NewID().String(), token: member},
		{method: "POST", path: "/merges/preview", token: me, body: `{"email":"` + email + `","password":"correct horse"}`},
		{method: "POST", path: "/merges/" + account.NewID().String() + "/undo", token: member},
		{method: "GET", path: "/account", token: member},
		{method: "POST", path: "/account/password/reset", token: me, body: `{"email":"` + email + `"}`},
		{method: "PUT", path: "/account/password/reset", token: me, body: `{"token":"` + resetToken() + `","password":"correct horse"}`},
		{method: "POST", path: "/accounts/resets", token: n.editor, body: `{"email":"` + email + `"}`},
		{method: "GET", path: "/account/export", token: member},
		{method: "DELETE", path: "/account", token: leaving, body: `{"password":"correct horse"}`},
		{method: "PUT", path: "/account/password", token: member, body: `{"current":"correct horse","new":"correct horse"}`},
		{method: "GET", path: "/topics?q=iran", token: me},
		{method: "GET", path: "/topics.ndjson", token: me},
		{method: "GET", path: "/topics/iran", token: me},
		{method: "GET", path: "/topics/trending", token: me},
		{method: "GET", path: "/topics/suggested", token: me},
		{method: "POST", path: "/topics/explain", token: n.editor, body: `{"title":"Iran"}`},
		{method: "PUT", path: "/topics/barges", token: n.editor, body: `{"name":"Barges","kind":"subject"}`},
		{method: "GET", path: "/topics/iran/articles", token: me},
		{method: "GET", path: "/interests", token: me},
		{method: "PUT", path: "/interests/iran", token: me, body: `{"level":"follow"}`},
		{method: "DELETE", path: "/interests/iran", token: me},
		{method: "POST", path: "/interests/preview", token: me, body: `{"ops":[{"topic":"iran","level":"mute"}]}`},
		{method: "POST", path: "/interests/sync", token: me, body: `{"device":"00000000000000a1","ops":[]}`},
		{method: "GET", path: "/feed", token: me},
		{method: "GET", path: "/interests.opml", token: me},
		{method: "POST", path: "/interests/import", token: me, body: `{"interests":[{"topic":"iran","level":"follow"}]}`},
		{method: "POST", path: "/feed/tokens", token: me, body: `{"label":"Newsreader"}`},
		{method: "GET", path: "/feed.rss", token: me},
		{method: "GET", path: "/feed.atom", token: me},
		{method: "GET", path: "/feed.json", token: me},
		{method: "GET", path: "/topics/iran.rss", token: me},
		{method: "GET", path: "/topics/iran.atom", token: me},
		{method: "GET", path: "/topics/iran.json", token: me},
		{method: "GET", path: "/feed/newer?cursor=" + feed.Cursor{Edition: 1, Started: time.Now()}.String(), token: me},
		{method: "GET", path: "/feed/why/" + id, token: me},
		{method: "GET", path: "/events", token: me},
		{method: "GET", path: "/stories/" + id, token: me},
		{method: "GET", path: "/marks", token: me},
		{method: "PUT", path: "/marks/" + id, token: me, body: `{"read":true}`},
		{method: "POST", path: "/marks/sync", token: me, body: `{"device":"00000000000000a1","ops":[]}`},
		{method: "GET", path: "/saved", token: me},
		{method: "POST", path: "/articles", token: n.publisher, body: article(30, "")},
		{method: "GET", path: "/articles/" + id, token: me},
		{method: "DELETE", path: "/articles/" + id, token: n.publisher},
		{method: "POST", path: "/sources", token: n.editor, body: `{"url":"http://127.0.0.1:1/sample"}`},
		{method: "GET", path: "/sources", token: n.editor},
		{method: "POST", path: "/sources/list", token: n.editor, body: `{"sources":[]}`},
		{method: "POST", path: "/sources/poll", token: n.editor, body: `{"sources":["nobody"]}`},
		{method: "DELETE", path: "/sources/nobody", token: n.editor},
		{method: "POST", path: "/keys", token: n.editor, body: `{"name":"sample"}`},
		{method: "GET", path: "/keys", token: n.editor},
		{method: "DELETE", path: "/keys/" + account.NewID().String(), token: n.editor},
		{method: "GET", path: "/backup", token: n.editor},
		{method: "GET", path: "/livez"}, {method: "GET", path: "/readyz"}, {method: "GET", path: "/metrics"},
		{method: "GET", path: "/openapi.json"}, {method: "GET", path: "/docs"}, {method: "GET", path: "/docs.css"}, {method: "GET", path: "/version"},
		{method: "GET", path: "/bench/fixed", token: me},
	} {
		r, err := c.request(n.URL)
		if err != nil {
			t.Fatal(err)
		}
		name, op := n.operation(r)
		if op == nil {
			t.Fatalf("%s %s is not documented", c.method, c.path)
		}
		samples[name] = c
	}
	return samples
}

// resetToken is one that has the form, and is no account's.
func resetToken() string { return strings.Repeat("A", 64) }

// documents reports whether an operation names a status.
func (n *node) documents(name string, status int) bool {
	method, path, _ := strings.Cut(name, " ")
	item := n.doc.Paths.PathItems.GetOrZero(path)
	_, ok := item.GetOperations().GetOrZero(strings.ToLower(method)).Responses.Codes.Get(strconv.Itoa(status))
	return ok
}

// walkRefusals: every call refuses a wrong token, a token of the wrong kind, a
// body that is too large and one of the wrong type.
func walkRefusals(t *testing.T, n *node) {
	me := n.guest(t)
	for name, sample := range n.samples(t) {
		if entering := name == "POST /accounts" || name == "POST /sessions"; !entering { // whom it does not hinder
			n.want(t, 401, sample.with(func(c *call) { c.token = "wrong" }))
		}
		if n.documents(name, 403) && name != "POST /accounts" && name != "POST /guests" { // theirs is that signing up is closed
			n.want(t, 401, sample.with(func(c *call) { c.token, c.wrong = "", true }))
			other := me
			if sample.token != n.editor && sample.token != n.publisher {
				other = n.publisher
			}
			n.want(t, 403, sample.with(func(c *call) { c.token = other }))
		}
		if n.documents(name, 415) {
			n.want(t, 415, sample.with(func(c *call) { c.header, c.wrong = map[string]string{"Content-Encoding": "gzip"}, true }))
			if name != "POST /guests" && name != "POST /merges/{id}/undo" { // they need no body
				n.want(t, 415, sample.with(func(c *call) { c.kind, c.wrong = "text/plain", true }))
			}
		}
		if n.documents(name, 413) && name != "POST /articles" {
			n.want(t, 413, sample.with(func(c *call) { c.body, c.wrong = strings.Repeat(" ", 257<<10)+c.body, true }))
		}
	}
	broken := "POST /guests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"
	if a, err := n.raw(t, broken); err != nil || a.StatusCode != 400 {
		t.Errorf("a body of broken chunks: %v, %+v", err, a)
	} else {
		r, _ := call{method: "POST", path: "/guests"}.request(n.URL)
		for _, err := range n.checkResponse(r, a) {
			t.Error(err)
		}
	}
	for _, c := range []call{
		{method: "PATCH", path: "/feed"}, {method: "DELETE", path: "/feed"}, {method: "POST", path: "/livez"},
	} {
		if a := n.do(t, c.with(func(c *call) { c.wrong = true })); a.StatusCode != 405 || !strings.Contains(a.Header.Get("Allow"), "GET") {
			t.Errorf("%s %s → %d, Allow %q", c.method, c.path, a.StatusCode, a.Header.Get("Allow"))
		}
	}
	for _, path := range []string{"/nothing", "/Feed", "/feed.xml", "/v2/feed"} {
		n.want(t, 404, call{method: "GET", path: path, wrong: true})
	}
	n.want(t, 501, call{method: "BREW", path: "/feed", wrong: true})
}

// walkRates: with one call a minute the second one is refused, on every call
// that counts.
func walkRates(t *testing.T, c *contract) {
	// A new address for each: who has no token is counted by it.
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	n := openNode(t, c, func(d *api.Deps) {
		d.Settings.RateLimit, d.Settings.RateWindow, d.Settings.Proxies = 1, time.Minute, proxies
	})
	from := 0
	for name, sample := range n.samples(t) {
		if !n.documents(name, 429) {
			continue
		}
		from++
		sample.token, sample.wrong = "", true
		sample.header = map[string]string{"X-Forwarded-For": fmt.Sprintf("192.0.2.%d", from)}
		n.send(t, sample)
		a := n.do(t, sample)
		if a.StatusCode != 429 || a.Header.Get("Retry-After") == "" || a.Header.Get("RateLimit") == "" || a.Header.Get("RateLimit-Policy") == "" {
			t.Errorf("%s, the second call in a minute → %d, %v", name, a.StatusCode, a.Header)
		}
	}
}

// walkOutages: with the stores away every call that needs one is 503, and with
// stores that fail in their own words 500, which tells nobody why.
func walkOutages(t *testing.T, n *node) {
	samples := n.samples(t)
	defer n.gate.set(isOpen)
	var lines strings.Builder
	for i := range 600 {
		lines.WriteString(article(1000+i, "") + "\n")
	}
	n.gate.last.Store(true)
	got := n.want(t, 503, call{method: "POST", path: "/articles", token: n.publisher, kind: "application/x-ndjson", body: lines.String()})
	if got["accepted"] != 500.0 || len(got["results"].([]any)) != 500 {
		t.Errorf("the store went away after 500 of 600 articles: accepted %v, %d results", got["accepted"], len(got["results"].([]any)))
	}
	n.gate.set(isOpen)
	got = n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, kind: "application/x-ndjson", body: lines.String()})
	if got["unchanged"] != 500.0 || got["accepted"] != 100.0 {
		t.Errorf("sent again: %v unchanged, %v accepted", got["unchanged"], got["accepted"])
	}
	for status, how := range map[int]string{503: unavailable, 500: broken} {
		n.gate.set(how)
		for name, sample := range samples {
			if !n.documents(name, status) {
				continue
			}
			if name != "POST /guests" && name != "GET /readyz" {
				n.want(t, status, sample.with(func(c *call) { c.token = "never-seen-" + how }))
			}
			a := n.do(t, sample)
			// A backup has begun by then; who is known needs no store to have a text explained.
			if name != "GET /backup" && name != "POST /topics/explain" && a.StatusCode != status || name != "GET /readyz" && bytes.Contains(a.body, []byte("secret")) {
				t.Errorf("%s with stores %s → %d %s", name, how, a.StatusCode, a.body)
			}
		}
	}
}
