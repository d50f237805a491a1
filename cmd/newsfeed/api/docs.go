package api

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"newsfeed/cmd/newsfeed/origin"
)

// openapi is the contract, written by hand; tests hold it and the handlers
// against each other.
//
//go:embed openapi.json
var openapi []byte

//go:embed docs
var docsFiles embed.FS

// docsKeep is how long anyone may keep the document and its page. Both have an
// ETag, so that asking again costs little.
const docsKeep = "public, max-age=300"

// constant answers with a body that changes with the program only.
func constant(body []byte, contentType string) fiber.Handler {
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, docsKeep)
		c.Set(fiber.HeaderETag, etag)
		if holds(c.Get(fiber.HeaderIfNoneMatch), etag) {
			c.Status(fiber.StatusNotModified)
			return nil
		}
		c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
		if contentType == fiber.MIMETextHTMLCharsetUTF8 {
			c.Set(fiber.HeaderContentSecurityPolicy, origin.Policy)
			c.Set(fiber.HeaderReferrerPolicy, "same-origin")
		}
		c.Set(fiber.HeaderContentType, contentType)
		return c.Send(body)
	}
}

// holds reports whether an If-None-Match names an ETag, by the weak comparison
// that RFC 9110 §13.1.2 asks for.
func holds(ifNoneMatch, etag string) bool {
	etag = strings.TrimPrefix(etag, "W/")
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// docsPage renders the document, and returns its style sheet.
func docsPage() (page, css []byte, err error) {
	if css, err = docsFiles.ReadFile("docs/docs.css"); err != nil {
		return nil, nil, err
	}
	doc, err := parseNode(jsontext.NewDecoder(bytes.NewReader(openapi)))
	if err != nil {
		return nil, nil, fmt.Errorf("read openapi.json: %w", err)
	}
	t, err := template.New("docs.html").Funcs(template.FuncMap{"prose": prose}).ParseFS(docsFiles, "docs/docs.html")
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, docsReader{doc}.document()); err != nil {
		return nil, nil, fmt.Errorf("render the docs: %w", err)
	}
	return b.Bytes(), css, nil
}

// node is a JSON value that remembers the order in which a person wrote it. A
// node that is not there is nil, and answers like an empty one.
type node struct {
	raw     []byte
	names   []string
	members map[string]*node
	items   []*node
}

func parseNode(d *jsontext.Decoder) (*node, error) {
	raw, err := d.ReadValue()
	if err != nil {
		return nil, err
	}
	n := &node{raw: bytes.Clone(raw)}
	inner := jsontext.NewDecoder(bytes.NewReader(n.raw))
	switch raw.Kind() {
	case '{':
		return n, n.parseObject(inner)
	case '[':
		return n, n.parseArray(inner)
	}
	return n, nil
}

func (n *node) parseObject(d *jsontext.Decoder) error {
	n.members = map[string]*node{}
	for d.ReadToken(); d.PeekKind() != '}'; {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		if n.members[key], err = parseNode(d); err != nil {
			return err
		}
		n.names = append(n.names, key)
	}
	return nil
}

func (n *node) parseArray(d *jsontext.Decoder) error {
	for d.ReadToken(); d.PeekKind() != ']'; {
		item, err := parseNode(d)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	return nil
}

// at walks down by the names of members.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		if n == nil {
			return nil
		}
		n = n.members[name]
	}
	return n
}

func (n *node) keys() []string {
	if n == nil {
		return nil
	}
	return n.names
}

func (n *node) list() []*node {
	if n == nil {
		return nil
	}
	return n.items
}

// text is the string of a node, or its JSON when it is something else.
func (n *node) text() string {
	if n == nil {
		return ""
	}
	var s string
	if json.Unmarshal(n.raw, &s) != nil {
		return string(n.raw)
	}
	return s
}

// indented is the node's JSON for people.
func (n *node) indented() string {
	if n == nil {
		return ""
	}
	value := jsontext.Value(bytes.Clone(n.raw))
	if value.Indent(jsontext.WithIndent("  ")) != nil {
		return string(n.raw)
	}
	return string(value)
}

// The views are what the template shows.
type (
	documentView struct {
		Title, Version, Summary, Description string
		Groups                               []groupView
		Schemas                              []namedSchema
	}
	groupView struct {
		Name, Anchor, Description string
		Calls                     []callView
	}
	callView struct {
		Method, Path, Anchor, Summary, Description, Who string
		Parameters                                      []parameterView
		Bodies                                          []contentView
		Answers                                         []answerView
	}
	parameterView struct {
		Name, In, Description string
		Required              bool
		Schema                schemaView
	}
	contentView struct {
		MediaType string
		Schema    schemaView
		Examples  []exampleView
	}
	exampleView struct{ Name, JSON string }
	answerView  struct {
		Status, Description string
		Headers             []string
		Bodies              []contentView
	}
	namedSchema struct {
		Name   string
		Schema schemaView
	}
	schemaView struct {
		Ref, Type, Limits, Description string // Ref is the name of a schema of the document
		Fields                         []fieldView
		Items                          *schemaView
		Choices                        []schemaView
	}
	fieldView struct {
		Name     string
		Required bool
		Schema   schemaView
	}
)

// docsReader makes views of the document.
type docsReader struct{ doc *node }

// methods in the order in which the page shows them.
var methods = []string{"get", "post", "put", "delete"}

func (r docsReader) document() documentView {
	info := r.doc.at("info")
	view := documentView{
		Title: info.at("title").text(), Version: info.at("version").text(),
		Summary: info.at("summary").text(), Description: info.at("description").text(),
	}
	for _, tag := range r.doc.at("tags").list() {
		name := tag.at("name").text()
		view.Groups = append(view.Groups, groupView{name, "tag-" + name, tag.at("description").text(), r.calls(name)})
	}
	schemas := r.doc.at("components", "schemas")
	for _, name := range schemas.keys() {
		view.Schemas = append(view.Schemas, namedSchema{name, r.schema(schemas.at(name))})
	}
	return view
}

func (r docsReader) calls(tag string) (calls []callView) {
	paths := r.doc.at("paths")
	for _, path := range paths.keys() {
		for _, method := range methods {
			call := paths.at(path, method)
			if call == nil || call.at("tags").list()[0].text() != tag {
				continue
			}
			parameters := slices.Concat(paths.at(path, "parameters").list(), call.at("parameters").list())
			calls = append(calls, callView{
				Method: strings.ToUpper(method), Path: path, Anchor: call.at("operationId").text(),
				Summary: call.at("summary").text(), Description: call.at("description").text(),
				Who: r.who(call), Parameters: r.parameters(parameters),
				Bodies:  r.contents(call.at("requestBody", "content")),
				Answers: r.answers(call.at("responses")),
			})
		}
	}
	return calls
}

// who says in words who may call.
func (r docsReader) who(call *node) string {
	security := call.at("security")
	if security == nil {
		security = r.doc.at("security")
	}
	if len(security.list()) == 0 {
		return "anyone"
	}
	var ways []string
	open := false
	for _, way := range security.list() {
		open = open || len(way.keys()) == 0
		ways = append(ways, way.keys()...)
	}
	if open {
		return "anyone; " + strings.Join(ways, " or ") + " if you like"
	}
	return strings.Join(ways, " or ")
}

// resolve follows a reference within the document, and returns the last part of
// its name, "" when there was none.
func (r docsReader) resolve(n *node) (*node, string) {
	ref := n.at("$ref").text()
	if ref == "" {
		return n, ""
	}
	parts := strings.Split(strings.TrimPrefix(ref, "#/"), "/")
	return r.doc.at(parts...), parts[len(parts)-1]
}

func (r docsReader) parameters(in []*node) (out []parameterView) {
	for _, n := range in {
		p, _ := r.resolve(n)
		out = append(out, parameterView{
			Name: p.at("name").text(), In: p.at("in").text(), Description: p.at("description").text(),
			Required: p.at("required").text() == "true", Schema: r.schema(p.at("schema")),
		})
	}
	return out
}

func (r docsReader) answers(in *node) (out []answerView) {
	for _, status := range in.keys() {
		answer, _ := r.resolve(in.at(status))
		out = append(out, answerView{status, answer.at("description").text(), answer.at("headers").keys(), r.contents(answer.at("content"))})
	}
	return out
}

func (r docsReader) contents(in *node) (out []contentView) {
	for _, mediaType := range in.keys() {
		content := in.at(mediaType)
		view := contentView{MediaType: mediaType, Schema: r.schema(content.at("schema"))}
		if example := content.at("example"); example != nil {
			view.Examples = append(view.Examples, exampleView{"Example", example.indented()})
		}
		examples := content.at("examples")
		for _, name := range examples.keys() {
			view.Examples = append(view.Examples, exampleView{examples.at(name, "summary").text(), examples.at(name, "value").indented()})
		}
		out = append(out, view)
	}
	return out
}

func (r docsReader) schema(n *node) schemaView {
	if _, name := r.resolve(n); name != "" {
		return schemaView{Ref: name, Description: n.at("description").text()}
	}
	if all := n.at("allOf").list(); len(all) == 1 {
		view := r.schema(all[0])
		view.Description = n.at("description").text()
		return view
	}
	view := schemaView{Type: typeName(n), Limits: limits(n), Description: n.at("description").text()}
	properties := n.at("properties")
	for _, name := range properties.keys() {
		view.Fields = append(view.Fields, fieldView{name, contains(n.at("required"), name), r.schema(properties.at(name))})
	}
	if items := n.at("items"); items != nil {
		of := r.schema(items)
		view.Items = &of
	}
	for _, word := range []string{"anyOf", "oneOf"} {
		for _, choice := range n.at(word).list() {
			if choice.at("required") == nil || choice.at("type") != nil || choice.at("$ref") != nil {
				view.Choices = append(view.Choices, r.schema(choice))
			}
		}
	}
	return view
}

func typeName(n *node) string {
	var names []string
	for _, t := range n.at("type").list() {
		names = append(names, t.text())
	}
	switch {
	case len(names) > 0:
		return strings.Join(names, " or ")
	case n.at("type") != nil:
		return n.at("type").text()
	case n.at("const") != nil:
		return n.at("const").text()
	case n.at("anyOf") != nil || n.at("oneOf") != nil:
		return "one of"
	}
	return "anything"
}

// limits puts what a schema demands beside its type into one line.
func limits(n *node) string {
	var parts []string
	for _, l := range []struct{ word, text string }{
		{"format", "%s"}, {"enum", "%s"}, {"minimum", "at least %s"}, {"exclusiveMinimum", "over %s"}, {"maximum", "at most %s"},
		{"minLength", "at least %s long"}, {"maxLength", "at most %s long"}, {"maxItems", "at most %s"},
		{"pattern", "matches %s"}, {"default", "%s when absent"},
	} {
		v := n.at(l.word)
		switch {
		case v == nil:
		case l.word == "enum":
			words := make([]string, len(v.list()))
			for i, word := range v.list() {
				words[i] = word.text()
			}
			parts = append(parts, strings.Join(words, ", "))
		default:
			parts = append(parts, fmt.Sprintf(l.text, v.text()))
		}
	}
	return strings.Join(parts, "; ")
}

func contains(list *node, word string) bool {
	for _, item := range list.list() {
		if item.text() == word {
			return true
		}
	}
	return false
}

var (
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	strongSpan = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// prose renders the little Markdown that the document uses: paragraphs, `code`
// and **strong**.
func prose(text string) template.HTML {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		safe := template.HTMLEscapeString(paragraph)
		safe = codeSpan.ReplaceAllString(safe, "<code>$1</code>")
		out.WriteString("<p>" + strongSpan.ReplaceAllString(safe, "<strong>$1</strong>") + "</p>\n")
	}
	return template.HTML(out.String())
}
