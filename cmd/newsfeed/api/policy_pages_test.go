package api

import (
	"io"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"newsfeed/cmd/newsfeed/reader"
	"newsfeed/feed"
	"newsfeed/interests/account"
)

// The pages of the reader, as surfaces of the policy.

var pageSurfaces = []surface{
	{"front page", "GET /", "unread", false, func(w *policyWorld, query string) []string { return w.page("/?"+query, w.fan) }},
	{"front page, must know", "GET /", "unread", false, func(w *policyWorld, query string) []string { return w.page("/?"+query, w.other) }},
	{"topic's page", "GET /t/:topic", "", false, func(w *policyWorld, _ string) []string { return w.page("/t/north-korea", w.fan) }},
	{"topic's page for nobody", "GET /t/:topic", "", true, func(w *policyWorld, _ string) []string { return w.page("/t/north-korea", "") }},
	{"story's page", "GET /s/:story", "", false, func(w *policyWorld, _ string) []string { return w.page("/s/"+w.x, w.fan) }},
	{"story's page for nobody", "GET /s/:story", "", true, func(w *policyWorld, _ string) []string { return w.page("/s/"+w.x, "") }},
	{"saved page", "GET /my/saved", "", false, func(w *policyWorld, _ string) []string { return w.page("/my/saved", w.fan) }},
	{"article's page", "GET /a/:article", "", true, func(w *policyWorld, _ string) []string {
		var ids []string
		for _, id := range append([]string{w.x}, w.rest...) {
			ids = append(ids, w.page("/a/"+id, w.fan)...) // the same to everybody
		}
		return ids
	}},
}

// pagesWithoutArticles show none, so that the policy has nothing to say of them.
var pagesWithoutArticles = []string{
	"/search", "/pick", "/my/interests", "/sign-in", "/sign-up", "/my/merges/:id", "/my/devices", "/my/account",
	"/my/password", "/my/password/:token", "/assets/:file", "/client.js", "/widget.js", "/embed/sign-in", "/embed/sign-in.js", "/sw.js", "/manifest.webmanifest",
	"/robots.txt", "/sitemap.xml",
	"/admin/sources", "/admin/sources.opml", "/my/links",
	"/my/*", "/t/*", "/s/*", "/a/*", "/admin/*", // addresses of nothing
}

// pages is the reader on a house's stores.
func (h *House) pages() *fiber.App {
	app := fiber.New(fiber.Config{Immutable: true, StreamRequestBody: true, DisableStartupMessage: true})
	reader.New(reader.Deps{
		People: h.People, Members: h.Members, Lists: h.Lists, Limits: h.Limits, Eraser: h.Eraser,
		Belongs:   &feed.Belongings{Lists: h.Lists, Marks: h.Marks, Merger: h.Merger},
		Catalogue: h.Catalogue, Index: h.Index, Builder: h.Builder, Articles: h.Articles,
		Now: h.Now, Warm: h.Warm, Cookie: "newsfeed", URL: h.Settings.URL, SignUp: true,
		Network: func(*fiber.Ctx) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
	}).Routes(app)
	return app
}

var cardOfPage = regexp.MustCompile(`<(?:article|li)[^>]* id="([0-9a-f-]{36})"`)

// page returns the articles that a page shows.
func (w *policyWorld) page(path string, token account.Secret) (ids []string) {
	w.Helper()
	if w.reader == nil {
		w.reader = w.pages()
	}
	r := httptest.NewRequest("GET", path, nil)
	if token != "" {
		r.Header.Set("Cookie", "newsfeed="+string(token))
	}
	response, err := w.reader.Test(r, -1)
	if err != nil {
		w.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 500 {
		w.Fatalf("GET %s: %d, %v\n%.500s", path, response.StatusCode, err, body)
	}
	for _, m := range cardOfPage.FindAllStringSubmatch(string(body), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

// Every page is a surface, or shows no articles and says so here.
func TestPagesAreSurfaces(t *testing.T) {
	app := fiber.New()
	reader.New(reader.Deps{}).Routes(app)
	for _, route := range app.GetRoutes(true) {
		is := func(s surface) bool { return s.route == "GET "+route.Path }
		if route.Method == "GET" && !slices.ContainsFunc(pageSurfaces, is) && !slices.Contains(pagesWithoutArticles, strings.TrimSpace(route.Path)) {
			t.Errorf("the page %s is not known to keep the policy: add a surface for it", route.Path)
		}
	}
}
