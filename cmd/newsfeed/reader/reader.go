// Package reader is the web page: server-rendered, embedded files, no build step.
// It works without a script.
//
// A page is made of three things: who looks at it (visitor.go), what they are
// shown (front.go, topic.go, search.go, interests.go; signin.go and account.go for who
// has signed up), and how it looks
// (templates, assets). What every page needs around it, headers, the guard
// against other sites, and what becomes of an error, is in wrap.go. The package
// decides nothing about lists or order; it asks the same packages as the API
// does, and never calls the API.
package reader

import (
	"bytes"
	"context"
	"html/template"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/cmd/newsfeed/identity"
	"newsfeed/cmd/newsfeed/origin"
	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// Deps is what the pages are made from.
type Deps struct {
	People    *account.People
	Members   *account.Members
	Lists     *interests.Lists
	Belongs   *feed.Belongings // what a guest's sign-in merges
	Eraser    *feed.Eraser
	Limits    account.Limits
	Elsewhere *identity.Issuer // where people sign in; nil: nowhere
	Catalogue *topic.Catalogue
	Index     *feed.Index
	Builder   *feed.Builder
	Articles  feed.Articles
	Keyring   *account.Keyring
	Desk      *ingest.Desk // what editors see; nil: no page for them

	Entries account.Allowance // sign-ups and sign-ins from one address, as at the API
	SignUp  bool              // anyone may

	// SendReset sends the link to a new password to an address that has an account;
	// nil where no mail server is set.
	SendReset func(context.Context, account.Email) error

	Now             func() time.Time
	Warm            func() bool                 // the index has reached the horizon
	Network         func(*fiber.Ctx) netip.Addr // which a request comes from
	Cookie          string                      // name of the reader's cookie
	URL             string                      // the one source of absolute addresses
	AllowedOrigins  []string                    // whose scripts may make people's calls
	InsecureCookies bool                        // the cookie may travel over plain HTTP
	NoImages        bool                        // no pictures of others are shown
	NoBodies        bool                        // articles are shown by their summaries only
	Report          func(error)                 // told of every error that became a page with a 5xx; may be nil
}

// Reader answers for the pages. Safe for concurrent use.
type Reader struct {
	deps  Deps
	own   origin.Own // where deps.URL is
	pages map[string]*template.Template

	embedders []string // origins whose pages may have a token for people's lists
}

// New returns a reader. It panics when an embedded template is broken, which a
// test of the package would have seen.
func New(d Deps) *Reader {
	if d.Report == nil {
		d.Report = func(error) {}
	}
	return &Reader{deps: d, own: origin.Of(d.URL), pages: parseTemplates(), embedders: namedOrigins(d.AllowedOrigins)}
}

// Routes mounts the pages. The door calls it after its own routes, so that no
// page can stand in the way of a call.
func (r *Reader) Routes(router fiber.Router) {
	router.Get("/", r.page(r.front))
	router.Get("/t/:topic", r.page(r.topic))
	router.Get("/search", r.page(r.search))
	router.Get("/my/interests", r.page(r.interests))
	router.Post("/my/interests", r.page(r.guarded(r.edit)))
	router.Get("/s/:story", r.page(r.story))
	router.Get("/a/:article", r.page(r.article))
	router.Get("/pick", r.page(r.pick))
	router.Get("/my/saved", r.page(r.saved))
	router.Post("/my/marks", r.page(r.guarded(r.mark)))
	if r.deps.Elsewhere.SignsIn() {
		router.Get(signInPath, r.page(r.signIn))
		router.Get(identity.CallbackPath, r.page(r.signedIn))
	}
	router.Get("/sign-in", r.page(r.signInPage))
	router.Post("/sign-in", r.page(r.guarded(r.postSignIn)))
	router.Get("/sign-up", r.page(r.signUpPage))
	router.Post("/sign-up", r.page(r.guarded(r.postSignUp)))
	router.Post(signOutPath, r.page(r.guarded(r.signOut)))
	router.Get(mergesPath+":id", r.page(r.merge))
	router.Post(mergesPath+":id", r.page(r.guarded(r.undoMerge)))
	router.Get("/my/devices", r.page(r.devices))
	router.Post("/my/devices", r.page(r.guarded(r.endDevice)))
	router.Get(linksPath, r.page(r.links))
	router.Post(linksPath, r.page(r.guarded(r.makeLink)))
	router.Post(linksPath+"/end", r.page(r.guarded(r.endLink)))
	router.Post("/my/interests/import", r.page(r.guarded(r.importInterests)))
	router.Get("/my/account", r.page(r.account))
	router.Post("/my/account/password", r.page(r.guarded(r.changePassword)))
	router.Post("/my/account/erase", r.page(r.guarded(r.erase)))
	router.Get("/my/password", r.page(r.lostPassword))
	router.Post("/my/password", r.page(r.guarded(r.sendReset)))
	router.Get("/my/password/:token", r.page(r.newPassword))
	router.Post("/my/password/:token", r.page(r.guarded(r.setPassword)))
	if r.deps.Desk != nil {
		router.Get(sourcesPath, r.page(r.sources))
		router.Get(sourcesPath+".opml", r.page(r.sourcesFile))
		router.Post("/admin/enter", r.page(r.guarded(r.enterEditor)))
		router.Post("/admin/leave", r.page(r.guarded(r.leaveEditor)))
		router.Post(sourcesPath+"/add", r.editing(r.addSource))
		router.Post(sourcesPath+"/opml", r.editing(r.listSources))
		router.Post(sourcesPath+"/poll", r.editing(r.pollSource))
		router.Post(sourcesPath+"/remove", r.editing(r.removeSource))
	}
	for _, under := range []string{"/my/*", "/t/*", "/s/*", "/a/*", "/admin/*"} {
		router.Get(under, r.page(func(*fiber.Ctx) error { return errNoPage }))
	}
	router.Get("/assets/:file", r.asset)
	router.Get("/client.js", clientModule.serve)
	router.Get("/widget.js", widgetModule.serve)
	router.Get("/embed/sign-in.js", popupModule.serve)
	router.Get("/embed/sign-in", r.page(r.embedSignIn))
	router.Post("/embed/sign-in", r.page(r.guarded(r.postEmbedSignIn)))
	router.Get("/robots.txt", r.page(r.robots))
	router.Get("/sitemap.xml", r.page(r.sitemap))
	router.Get("/sw.js", worker.named)
	router.Get("/manifest.webmanifest", manifest.named)
}

// render sends a page of a template with a status.
func (r *Reader) render(c *fiber.Ctx, status int, name string, data any) error {
	var b bytes.Buffer
	if err := r.pages[name].Execute(&b, data); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/html; charset=utf-8")
	return c.Status(status).Send(b.Bytes())
}
