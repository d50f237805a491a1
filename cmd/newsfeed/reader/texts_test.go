package reader

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"html/template"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"
	"time"

	"golang.org/x/net/html"

	"newsfeed/feed"
	"newsfeed/interests/account"
)

// Values go into their places, as text or as markup; numbers choose the form.
func TestTexts(t *testing.T) {
	for want, got := range map[string]string{
		"1 article":                                text("articles", "n", 1),
		"0 articles":                               text("articles", "n", 0),
		"Add interest: <b>{name}":                  text("add-interest-in", "name", "<b>{name}"),
		"Interested in <bdi>&lt;b&gt;</bdi>?":      string(rich("interested-in", "name", "<b>")),
		"because you follow <a>":                   string(rich("because", "topics", template.HTML("<a>"))),
		"no-such-text":                             text("no-such-text", "n", 1),
		"A, B and C":                               list([]string{"A", "B", "C"}),
		"2 October 2026, 07:05 UTC":                exact(time.Date(2026, 10, 2, 7, 5, 0, 0, time.UTC)),
		`const x = {"undo":"Undo"}; text('undo');`: string(withTexts([]byte(`const x = TEXTS; text('undo');`))),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	polish, err := readTexts([]byte(`{"language": "pl", "articles": {"one": "{n} artykuł", "few": "{n} artykuły", "many": "{n} artykułów", "other": "{n} artykułu"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{1: "1 artykuł", 3: "3 artykuły", 5: "5 artykułów", 22: "22 artykuły"} {
		if got := polish.say("articles", plain, []any{"n", n}); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for _, bad := range []string{`{}`, `{"language": "en", "x": {"one": "1"}}`, `{"language": "en", "x": {"all": "1", "other": "2"}}`, `{"language": "en", "x": 1}`} {
		if _, err := readTexts([]byte(bad)); err == nil {
			t.Errorf("%s is taken for texts", bad)
		}
	}
}

// inTemplate, inGo and asked find the names by which texts are asked for; noted those
// of lines that an address asks for.
var (
	inTemplate = regexp.MustCompile(`\b(?:text|rich) "([^"]+)"`)
	inGo       = regexp.MustCompile(`\b(?:text|rich|say|label)\("([a-z0-9-]+)"[,)]`)
	noted      = regexp.MustCompile(`(?:withNote\([a-zA-Z.]+, "|note=)([a-z-]+)"`)
)

// made are the names that are put together, by what they begin or end with.
func made() (names []string) {
	for prefix, rest := range map[string]string{
		"kind-":  "news video analysis opinion live audio gallery country region city person organisation company sport team subject tag source",
		"month-": "1 2 3 4 5 6 7 8 9 10 11 12", "was-": "follow favourite mute none", "now-": "follow favourite mute none",
		"term-": "coverage kind fresh must_know",
	} {
		for _, r := range strings.Fields(rest) {
			names = append(names, prefix+r)
		}
	}
	for _, mark := range []string{"save", "unsave", "read", "unread"} {
		names = append(names, mark+"-of", mark+"-this")
	}
	for _, g := range pickGroups {
		names = append(names, g.name)
	}
	return append(names, "language", "following-topic", "following", "add-interest-in", "add-interest") // the last by markup.button
}

// Every text that is asked for is there, and every one that is there is asked for.
func TestTextsAreAskedFor(t *testing.T) {
	names := map[string]bool{}
	find := func(in string, patterns ...*regexp.Regexp) {
		for _, p := range patterns {
			for _, m := range p.FindAllStringSubmatch(in, -1) {
				names[m[1]] = true
			}
		}
	}
	for _, name := range made() {
		names[name] = true
	}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		switch path.Ext(name) {
		case ".html":
			find(string(content), inTemplate)
		case ".js":
			find(string(content), asked)
			for name := range names {
				if strings.HasSuffix(name, "-") { // those of a family, which are made
					delete(names, name)
				}
			}
		case ".webmanifest":
			find(string(content), regexp.MustCompile(`\{([a-z-]+)\}`))
		}
		return err
	})
	sources, globErr := filepath.Glob("*.go")
	if err != nil || globErr != nil {
		t.Fatal(err, globErr)
	}
	for _, name := range sources {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		find(string(content), inGo)
		for _, m := range noted.FindAllStringSubmatch(string(content), -1) {
			if !slices.Contains([]string{"hidden", "read"}, m[1]) && !strings.HasPrefix(name, "sources") {
				names["note-"+m[1]] = true // those have words of their own
			}
		}
	}
	for name := range names {
		if words.byName[name] == nil {
			t.Errorf("there is no text %q", name)
		}
	}
	for name := range words.byName {
		if !names[name] {
			t.Errorf("nobody asks for the text %q", name)
		}
	}
}

var (
	letters = regexp.MustCompile(`[A-Za-z]`)
	tag     = regexp.MustCompile(`<[^>]*>`)
)

// strayWords are those words in markup that stand outside of texts: all letters but
// those within code and within what people and publishers wrote.
func strayWords(markup string, attributes bool, known ...string) (stray []string) {
	z := html.NewTokenizer(strings.NewReader(markup))
	said := func(s string) string {
		for _, k := range known {
			s = strings.ReplaceAll(s, k, "")
		}
		return s
	}
	depth, open := 0, ""
	for {
		kind := z.Next()
		token := z.Token()
		switch kind {
		case html.ErrorToken:
			return stray
		case html.StartTagToken:
			own := slices.ContainsFunc(token.Attr, func(a html.Attribute) bool { return a.Key == "dir" })
			if depth > 0 && token.Data == open {
				depth++
			} else if depth == 0 && (own || slices.Contains([]string{"code", "bdi", "script", "style"}, token.Data)) {
				depth, open = 1, token.Data
			}
			fallthrough
		case html.SelfClosingTagToken:
			for _, a := range token.Attr {
				if attributes && slices.Contains([]string{"aria-label", "title", "placeholder"}, a.Key) && letters.MatchString(said(a.Val)) {
					stray = append(stray, a.Key+": "+a.Val)
				}
			}
			if token.Data == "img" || token.Data == "input" {
				if open == token.Data {
					depth = 0
				}
			}
		case html.EndTagToken:
			if depth > 0 && token.Data == open {
				depth--
			}
		case html.TextToken:
			if depth == 0 && letters.MatchString(said(tag.ReplaceAllString(token.Data, ""))) { // noscript has tags in its text
				stray = append(stray, strings.TrimSpace(token.Data))
			}
		}
	}
}

// No template has a word of its own.
func TestTemplatesHaveNoWords(t *testing.T) {
	pages, err := fs.Glob(files, "templates/*.html")
	if err != nil || len(pages) == 0 {
		t.Fatal(err)
	}
	for _, name := range pages {
		content, _ := files.ReadFile(name)
		trees, err := parse.Parse(name, string(content), "", "", anyFunctions(string(content)))
		if err != nil {
			t.Fatal(err)
		}
		for _, tree := range trees {
			for _, stray := range strayWords(literal(tree.Root), true) {
				t.Errorf("%s: %q belongs in texts.en.json", name, stray)
			}
		}
	}
}

// anyFunctions lets a template be parsed that calls functions of ours.
func anyFunctions(content string) map[string]any {
	all := map[string]any{}
	for _, m := range regexp.MustCompile(`[a-z]+`).FindAllString(content, -1) {
		all[m] = fmt.Sprint
	}
	return all
}

// literal is what a template says itself, with a digit for each action.
func literal(n parse.Node) string {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return ""
		}
		var b strings.Builder
		for _, one := range n.Nodes {
			b.WriteString(literal(one))
		}
		return b.String()
	case *parse.TextNode:
		return string(n.Text)
	case *parse.IfNode:
		return literal(n.List) + literal(n.ElseList)
	case *parse.RangeNode:
		return literal(n.List) + literal(n.ElseList)
	case *parse.WithNode:
		return literal(n.List) + literal(n.ElseList)
	}
	return "0"
}

// otherwise is a language that has no letters of ours: whatever is read in them on its
// pages is no text.
func otherwise() *texts {
	kept := regexp.MustCompile(`<code>.*?</code>|<[^>]*>|\{[a-z-]+\}|[^<{]+`)
	odd := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < 128 && letters.MatchString(string(r)) {
				return 'ж'
			}
			return r
		}, s)
	}
	s := &texts{tag: words.tag, lang: words.lang, byName: map[string]forms{}}
	for name, of := range words.byName {
		s.byName[name] = forms{}
		for form, p := range of {
			var all string
			for _, piece := range p {
				if all += piece.text; piece.place != "" {
					all += "{" + piece.place + "}"
				}
			}
			s.byName[name][form] = cut(kept.ReplaceAllStringFunc(all, func(part string) string {
				if part[0] == '<' || part[0] == '{' {
					return part
				}
				return odd(part)
			}))
		}
	}
	return s
}

// In a language without our letters no page has any, but in names.
func TestPagesInAnotherLanguage(t *testing.T) {
	before := words
	words = otherwise()
	t.Cleanup(func() { words = before })
	s := newSite(t, func(d *Deps) { d.SendReset = func(context.Context, account.Email) error { return nil } })
	a := s.publish(feed.Article{Title: "Talks resume", Summary: "What happened.", Byline: "Ann"}, "north-korea", "iran")
	s.reports(a, "Talks again", "Watch the talks")
	s.publish(feed.Article{Title: "Oil slips"}, "japan")
	nobody, member := &browser{site: s}, &browser{site: s}
	member.signUp()
	for topic, level := range map[string]string{"north-korea": "favourite", "japan": "follow", "france": "mute"} {
		member.press(topic, level, "/")
	}
	paths := []string{"/", "/?unread=true", "/t/north-korea", "/t/france", "/s/" + a.ID.String(), "/a/" + a.ID.String(), "/a/x", "/search", "/search?q=0", "/search?q=north",
		"/pick", "/my/interests", "/my/saved", "/my/account", "/my/devices", "/my/links", "/sign-in", "/sign-up", "/my/password", "/my/password/0", "/embed/sign-in",
		"/?note=signed-out", "/?note=mute&of=france&was=follow", "/t/0000000000000000"}
	for _, path := range paths {
		for who, b := range map[string]*browser{"nobody": nobody, "a member": member} {
			if page := b.get(path); page.StatusCode != 303 {
				s.wantNoWords(path+" of "+who, page)
			}
		}
	}
	s.wantNoWords("a bad form", nobody.send("/my/marks", "save", "x"))
	s.wantNoWords("a bad sign-in", nobody.send("/sign-in", "email", "0", "password", "wrong horse battery"))
	s.wantNoWords("a bad sign-up", nobody.send("/sign-up", "email", "0", "password", "wrong horse battery"))
}

var named = regexp.MustCompile(`<bdi>([^<]*)</bdi>|dir="auto">(?:<a [^>]*>)?([^<]*)`)

func (s *site) wantNoWords(name string, page answer) {
	s.t.Helper()
	known := []string{"Other 0", "Other 1"}
	for _, m := range named.FindAllStringSubmatch(page.body, -1) {
		known = append(known, html.UnescapeString(m[1]+m[2]))
	}
	if _, query, ok := strings.Cut(name, "?q="); ok {
		query, _, _ = strings.Cut(query, " of ")
		text, _ := url.QueryUnescape(query)
		known = append(known, text)
	}
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) })
	for _, stray := range strayWords(page.body, true, slices.DeleteFunc(known, func(k string) bool { return k == "" })...) {
		s.t.Errorf("%s: %q", name, stray)
	}
}

// prose is what looks like a sentence: words side by side.
var prose = regexp.MustCompile(`[A-Za-z]{2,} [a-z]{2,}`)

// Neither Go nor scripts have sentences of their own.
func TestCodeHasNoSentences(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				switch fmt.Sprint(call.Fun) {
				case "&{errors New}", "&{fmt Errorf}", "&{account LimitKey}", "&{regexp MustCompile}", "panic":
					return false // for a log
				}
			}
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			said, _ := strconv.Unquote(lit.Value)
			if said = regexp.MustCompile(`<[^>]*(>|$)|^[^<]*>`).ReplaceAllString(said, ""); prose.MatchString(said) && said != "tool on" { // a class
				t.Errorf("%s: %q belongs in texts.en.json", positions.Position(lit.Pos()), said)
			}
			return true
		})
	}
	comment := regexp.MustCompile(`(?m)(^|\s)//.*$|/\*[\s\S]*?\*/`)
	sentence := regexp.MustCompile("['\"`>]([A-Z][a-z]+)[ .,?!'\"`<]")
	scripts, _ := fs.Glob(files, "assets/*.js")
	for _, name := range scripts {
		content, _ := files.ReadFile(name)
		for _, said := range sentence.FindAllStringSubmatch(comment.ReplaceAllString(string(content), ""), -1) {
			if !slices.Contains([]string{"Bearer", "Enter", "Escape"}, said[1]) {
				t.Errorf("%s: what begins with %q belongs in texts.en.json", name, said[1])
			}
		}
	}
}
