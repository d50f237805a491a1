package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"newsfeed/storage/storagetest/servers"
)

// lookWorld is a service with the articles that the pages are looked at with.
type lookWorld struct {
	*process
	article, story string // ids, of a story that three sources report
}

func newLookWorld(t *testing.T) *lookWorld {
	w := &lookWorld{process: serve(t)}
	from := func(i int, source string) map[string]any {
		a := about(i, "Envoys return to the table as North Korea signals a pause in missile tests", "North Korea")
		a["source"], a["external_id"] = map[string]string{"id": strings.ToLower(source), "name": source}, "urn:story:1"
		a["summary"] = "Negotiators from three countries met in Geneva on Thursday for the first time in two years. Officials spoke of a narrow opening."
		return a
	}
	whole := from(1, "Harbour")
	whole["body_html"] = "<p>Officials spoke of a narrow opening, and warned that it would not stay open for long.</p><h2>What comes next</h2><ul><li>Talks on Friday</li></ul><blockquote><p>We are here.</p></blockquote><table><tr><th>Year</th><td>2026</td></tr></table>"
	german := about(20, "Rechtsschutzversicherungsgesellschaften streiten über Entschädigungszahlungen nach Hochwasserkatastrophe", "Germany")
	german["language"], german["kind"] = "de", "analysis"
	arabic := about(30, "محادثات جديدة في جنيف بشأن وقف إطلاق النار وسط تفاؤل حذر", "Iran")
	arabic["language"], arabic["summary"], arabic["kind"] = "ar", "قال دبلوماسيون إن الوفود ستبقى حتى نهاية الأسبوع على الأقل.", "video"
	articles := []map[string]any{whole, from(2, "Ledger"), from(3, "Northern"), german, arabic}
	for i := range 40 {
		articles = append(articles, about(40+i, fmt.Sprintf("Crude oil slips for a third day, report %d", i), "Crude Oil"))
	}
	w.publish(articles...)
	page := w.process.feed(w.guest("north-korea"), 10)
	w.article, w.story = page.Items[0].Article.ID, page.Items[0].Story
	return w
}

// lookedAt are the pages that nobody sees, and those of who has signed in.
func (w *lookWorld) pages(member bool) map[string]string {
	pages := map[string]string{
		"feed": "/", "topic": "/t/north-korea", "story": "/s/" + w.story, "article": "/a/" + w.article, "search": "/search?q=korea",
		"pick": "/pick", "lost": "/t/no-such-topic-at-all", "interests": "/my/interests", "links": "/my/links", "saved": "/my/saved",
	}
	if member {
		for name, path := range map[string]string{"unread": "/?unread=true", "account": "/my/account", "devices": "/my/devices"} {
			pages[name] = path
		}
		return pages
	}
	for name, path := range map[string]string{"sign-in": "/sign-in", "sign-up": "/sign-up", "docs": "/docs"} {
		pages[name] = path
	}
	return pages
}

// axe is the source of axe-core, from the file that NEWSFEED_AXE names.
func axe(t *testing.T) string {
	t.Helper()
	file := os.Getenv("NEWSFEED_AXE")
	if file == "" {
		servers.Missing(t, "axe", "NEWSFEED_AXE names axe.min.js of the package axe-core, version 4.14.1, from npm; .ci/run brings it")
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// wantNoViolations runs axe on the page that a tab shows.
func (b *tab) wantNoViolations(name, source string) {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`globalThis.axe ??= (() => {`+source+`;return globalThis.axe})();axe.run().then((r) => JSON.stringify(r.violations.map((v) => [v.id, v.help, ...v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ' ' + n.failureSummary.slice(0, 300))])))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: axe: %v", name, err)
	}
	var violations [][]string
	if err := json.Unmarshal([]byte(text), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		b.t.Errorf("%s: %s", name, strings.Join(v, "\n\t"))
	}
}

// axe-core finds nothing to complain of on any page, light and dark, for nobody on a
// small screen and for a member on a large one.
func TestPagesAreAccessible(t *testing.T) {
	source, w := axe(t), newLookWorld(t)
	b := browser(t)
	b.look(w, "nobody", w.pages(false), source, 390)
	b.signUp(w.process, "ann@example.com")
	for topic, button := range map[string]string{"north-korea": "favourite", "germany": "follow", "iran": "follow", "crude-oil": "follow", "tennis": "mute"} {
		b.visit(w.url + "/t/" + topic)
		b.press(".levels button[name=" + button + "]")
	}
	b.visit(w.url + "/s/" + w.story)
	b.press("button[name=save]")
	b.look(w, "member", w.pages(true), source, 1280)
}

func (b *tab) look(w *lookWorld, who string, pages map[string]string, source string, width int64) {
	b.t.Helper()
	for name, path := range pages {
		b.do(chromedp.EmulateViewport(width, 900))
		b.visit(w.url + path)
		b.lookAt(who+"-"+name, source)
	}
}

// lookAt runs axe on what a tab shows, light and dark. With -shots pictures are taken
// of both, as wide as a phone and a desk.
func (b *tab) lookAt(name, source string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.do(colours(scheme))
		b.run(nil, settledLooks)
		b.wantNoViolations(name+", "+scheme, source)
	}
	if *shots == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, wide := range []int64{390, 1280} {
			b.do(chromedp.EmulateViewport(wide, 900), colours(scheme))
			b.shoot(fmt.Sprintf("%s-%d-%s", name, wide, scheme))
		}
	}
}

// settledLooks waits until the page is drawn with its new colours.
const settledLooks = `for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame)`

// shootIf takes a picture where -shots asks for them.
func (b *tab) shootIf(name string) {
	b.t.Helper()
	if *shots != "" {
		b.shoot(name)
	}
}

// shoot takes a picture of what is seen, into the folder of -shots.
func (b *tab) shoot(name string) {
	b.t.Helper()
	b.run(nil, settledLooks)
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
