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
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

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

	"newsfeed/cmd/newsfeed/origin"
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

// unavailable and broken are how a gate can be closed.
const (
	isOpen      = ""
	unavailable = "unavailable"
	broken      = "broken"
)
