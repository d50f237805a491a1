// Package api is the JSON door of the service: routes, who may use them, the
// shapes that go in and out, and what is said when something is refused. The
// contract is ../shared/API.md; openapi.json says the same of what is built.
//
// A handler decodes, calls the domain once or twice in a row, and encodes. The
// package decides nothing about lists, articles or ranking, and makes no HTML
// but the page of its own documentation.
package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"newsfeed/cmd/newsfeed/origin"
	"newsfeed/cmd/newsfeed/syndication"
	"newsfeed/feed"
	"newsfeed/feed/live"
)

// Limits of the server.
const (
	maxBody       = 8 << 20  // bytes of any body
	maxPeopleBody = 64 << 10 // bytes of the body of a person's call but the two syncs, and of an editor's
	maxHeader     = 16 << 10 // bytes of request line and headers
	readTimeout   = time.Minute
	writeTimeout  = time.Minute
	idleTimeout   = 2 * time.Minute
	storeTimeout  = 5 * time.Second // of the calls to a store that one request makes
)

// Server is the door. Make it with New.
type Server struct {
	Deps
	app      *fiber.App
	limits   *limiter // nil when off
	mailroom mailroom
	meters   *meters
	cookie   string     // name of the reader's cookie
	own      origin.Own // where Settings.URL is
	origins  origins
	fixed    []byte        // body of /bench/fixed; nil when off
	exports  chan struct{} // has one in it for each that is made

	live      *live.Hub
	heartbeat time.Duration // of streams
}

// access says who may use a route.
type access uint8

const (
	operation access = iota // anyone; not counted against the rate limit
	public                  // anyone
	newcomer                // anyone, but cross-origin as a person's call
	entering                // newcomer, for whom a guest's token that is no more is no hindrance
	person                  // people, guests included
	linked                  // people, also by a link to their feed
	publisher               // keys of publishers and editors
	editor                  // keys of editors
)

// handler answers a request that may pass. Its error becomes a problem.
type handler func(*Server, *fiber.Ctx, *caller) error

// subject says what a route answers with, as far as the policy is concerned.
type subject uint8

const (
	nothing  subject = iota // that the policy judges
	articles                // or what follows from them: policy_test.go has rows for it
)

// route is one line of the table of routes.
type route struct {
	method string
	path   string // parameters as {name}
	access access
	shows  subject
	handle handler
}

// lastKnown reports whether a call may be answered from what was last known of a
// person, when the store of people is out of reach.
func (r *route) lastKnown() bool { return r.path == "/feed" }

// eventsPath is that of the streams.
const eventsPath = "/events"

// hasHead reports whether HEAD comes with a route: what never ends has no length.
func (r *route) hasHead() bool { return r.method == fiber.MethodGet && r.path != eventsPath }

// takesSpent reports whether a guest's token is taken that a sign-in has spent.
func (r *route) takesSpent() bool { return r.access == entering || r.path == "/merges/preview" }

// routes is everything the door opens on to. HEAD comes with GET, but for streams, OPTIONS with each path.
func routes() []route {
	page, css, err := docsPage()
	if err != nil {
		panic(err) // both files are part of the program; a test renders them
	}
	return []route{
		{"POST", "/guests", newcomer, nothing, (*Server).postGuest},
		{"POST", "/accounts", entering, nothing, (*Server).postAccount},
		{"GET", "/account", person, nothing, (*Server).getAccount},
		{"GET", "/account/export", person, nothing, (*Server).getExport},
		{"DELETE", "/account", person, nothing, (*Server).deleteAccount},
		{"PUT", "/account/password", person, nothing, (*Server).putPassword},
		{"POST", "/account/password/reset", newcomer, nothing, (*Server).postReset},
		{"PUT", "/account/password/reset", newcomer, nothing, (*Server).putReset},
		{"POST", "/accounts/resets", editor, nothing, (*Server).postMemberReset},
		{"POST", "/sessions", entering, nothing, (*Server).postSession},
		{"GET", "/sessions", person, nothing, (*Server).getSessions},
		{"DELETE", "/sessions/{id}", person, nothing, (*Server).deleteSession},
		{"POST", "/merges/preview", person, nothing, (*Server).postMergePreview},
		{"POST", "/merges/{id}/undo", person, nothing, (*Server).postMergeUndo},

		{"GET", "/topics", public, nothing, (*Server).getTopics},
		{"GET", "/topics.ndjson", public, nothing, (*Server).exportTopics},
		{"GET", "/topics/{id}.rss", public, articles, getTopicAs(syndication.RSS)},
		{"GET", "/topics/{id}.atom", public, articles, getTopicAs(syndication.Atom)},
		{"GET", "/topics/{id}.json", public, articles, getTopicAs(syndication.JSONFeed)},
		{"GET", "/topics/trending", public, articles, (*Server).getTrending},
		{"GET", "/topics/suggested", public, articles, (*Server).getSuggested},
		{"POST", "/topics/explain", editor, nothing, (*Server).postExplain},
		{"GET", "/topics/{id}", public, nothing, (*Server).getTopic},
		{"PUT", "/topics/{id}", editor, nothing, (*Server).putTopic},
		{"GET", "/topics/{id}/articles", public, articles, (*Server).getTopicPage},

		{"GET", "/interests", person, nothing, (*Server).getInterests},
		{"GET", "/interests.opml", person, nothing, (*Server).getInterestsAsOPML},
		{"POST", "/interests/import", person, nothing, (*Server).postImport},
		{"POST", "/interests/preview", person, articles, (*Server).postPreview},
		{"POST", "/interests/sync", person, nothing, (*Server).postSync},
		{"PUT", "/interests/{topic}", person, nothing, (*Server).putInterest},
		{"DELETE", "/interests/{topic}", person, nothing, (*Server).deleteInterest},

		{"GET", "/feed", person, articles, (*Server).getFeed},
		{"POST", "/feed/tokens", person, nothing, (*Server).postLink},
		{"GET", "/feed.rss", linked, articles, getFeedAs(syndication.RSS)},
		{"GET", "/feed.atom", linked, articles, getFeedAs(syndication.Atom)},
		{"GET", "/feed.json", linked, articles, getFeedAs(syndication.JSONFeed)},
		{"GET", "/feed/newer", person, articles, (*Server).getNewer},
		{"GET", "/feed/why/{article}", person, articles, (*Server).getWhy},
		{"GET", "/stories/{id}", public, articles, (*Server).getStory},

		{"GET", eventsPath, person, articles, (*Server).getEvents},

		{"GET", "/marks", person, nothing, (*Server).getMarks},
		{"POST", "/marks/sync", person, nothing, (*Server).postMarksSync},
		{"PUT", "/marks/{story}", person, nothing, (*Server).putMark},
		{"GET", "/saved", person, articles, (*Server).getSaved},

		{"POST", "/articles", publisher, nothing, (*Server).postArticles},
		{"GET", "/articles/{id}", public, articles, (*Server).getArticle},
		{"DELETE", "/articles/{id}", publisher, nothing, (*Server).deleteArticle},

		{"POST", "/keys", editor, nothing, (*Server).postKey},
		{"GET", "/keys", editor, nothing, (*Server).getKeys},
		{"DELETE", "/keys/{id}", editor, nothing, (*Server).deleteKey},

		{"POST", "/sources", editor, nothing, (*Server).postSource},
		{"GET", "/sources", editor, nothing, (*Server).getSources},
		{"POST", "/sources/list", editor, nothing, (*Server).postSourceList},
		{"POST", "/sources/poll", editor, nothing, (*Server).postSourcePoll},
		{"DELETE", "/sources/{id}", editor, nothing, (*Server).deleteSource},

		{"GET", "/livez", operation, nothing, (*Server).getLivez},
		{"GET", "/readyz", operation, nothing, (*Server).getReadyz},
		{"GET", "/metrics", operation, nothing, (*Server).getMetrics},
		{"GET", "/version", operation, nothing, (*Server).getVersion},
		{"GET", "/openapi.json", operation, nothing, plain(constant(openapi, fiber.MIMEApplicationJSONCharsetUTF8))},
		{"GET", "/docs", operation, nothing, plain(constant(page, fiber.MIMETextHTMLCharsetUTF8))},
		{"GET", "/docs.css", operation, nothing, plain(constant(css, "text/css; charset=utf-8"))},
		{"GET", "/backup", editor, nothing, (*Server).getBackup},
		{"GET", "/bench/fixed", public, nothing, (*Server).getFixed},
	}
}

// plain makes a handler of one of Fiber's, which needs neither server nor caller.
func plain(h fiber.Handler) handler {
	return func(_ *Server, c *fiber.Ctx, _ *caller) error { return h(c) }
}

// New returns the door over d. Each mount hangs routes of its own onto it, after
// the API's: they are reached by paths that the API does not have.
func New(d Deps, mount ...func(fiber.Router)) *Server {
	s := &Server{
		Deps:    d.withDefaults(),
		cookie:  CookieName(d.Settings.InsecureCookies),
		own:     origin.Of(d.Settings.URL),
		origins: newOrigins(d.Settings.AllowedOrigins),
		exports: make(chan struct{}, maxExports),
	}
	s.heartbeat = heartbeat
	s.live = live.New(live.Deps{People: s.People, Lists: s.Lists, Marks: s.Marks, Builder: s.Builder, Index: s.Index, Changes: s.Changes, Now: s.Now})
	s.limits = newLimiter(s.Settings.RateLimit, s.Settings.RateWindow)
	s.mailroom.places = make(chan struct{}, letters)
	s.mailroom.ended, s.mailroom.end = context.WithCancel(context.Background())
	s.meters = newMeters(s)
	if s.Settings.Bench {
		s.fixed = newFixed()
	}
	s.app = fiber.New(fiber.Config{
		AppName:                      "newsfeed",
		Immutable:                    true,
		CaseSensitive:                true,
		BodyLimit:                    maxBody,
		ReadBufferSize:               maxHeader,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		StreamRequestBody:            true, // so that a body can be refused before it is read
		DisablePreParseMultipartForm: true,
		DisableStartupMessage:        true,
		ErrorHandler:                 s.unrouted,
	})
	s.wrap()
	s.hang(routes())
	s.app.Use(s.mounted) // after our own routes: they have theirs
	for _, m := range mount {
		m(s.app)
	}
	return s
}

// Serve answers requests from a listener until Shutdown.
func (s *Server) Serve(l net.Listener) error { return s.app.Listener(lingeringListener{l}) }

// Shutdown ends the streams, stops accepting, and waits for running requests as
// long as ctx allows.
func (s *Server) Shutdown(ctx context.Context) error {
	s.live.Close()
	err := s.app.ShutdownWithContext(ctx)
	defer context.AfterFunc(ctx, s.mailroom.end)()
	s.mailroom.sending.Wait()
	return err
}

// App is the Fiber application, for tests.
func (s *Server) App() *fiber.App { return s.app }

func (d Deps) withDefaults() Deps {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Warm == nil {
		d.Warm = func() bool { return true }
	}
	if d.Together == nil {
		d.Together = &feed.Belongings{Lists: d.Lists, Marks: d.Marks, Merger: d.Merger}
	}
	if d.Health == nil {
		d.Health = func(context.Context) []Dependency { return nil }
	}
	if d.Log500 == nil {
		d.Log500 = func(string, error) {}
	}
	return d
}

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// hang registers routes with Fiber.
func (s *Server) hang(table []route) {
	methods := map[string][]*route{}
	var paths []string
	for i := range table {
		r := &table[i]
		path := parameter.ReplaceAllString(r.path, ":$1")
		s.app.Add(r.method, path, s.door(r, r.method))
		if r.hasHead() {
			s.app.Add(fiber.MethodHead, path, s.door(r, fiber.MethodHead))
		}
		if methods[path] == nil {
			paths = append(paths, path)
		}
		methods[path] = append(methods[path], r)
	}
	for _, path := range paths {
		of := methods[path]
		for _, pattern := range paths {
			if pattern != path && fiber.RoutePatternMatch(path, pattern) {
				of = append(of, methods[pattern]...) // PUT /interests/preview is of a topic with that name
			}
		}
		s.app.Options(path, s.preflight(of))
	}
}

// door is what every request to a route passes through, in this order:
// cross-origin headers, who asks, rate limit, may they, the handler.
func (s *Server) door(r *route, method string) fiber.Handler {
	meter := s.meters.of(r.path, method)
	return func(c *fiber.Ctx) error {
		began := time.Now()
		if err := s.pass(c, r); err != nil {
			s.refuse(c, err)
		}
		meter.note(c.Response().StatusCode(), time.Since(began))
		return nil
	}
}

// pass answers a request or says why not.
func (s *Server) pass(c *fiber.Ctx, r *route) (err error) {
	defer catch(&err)
	c.Response().Header.Set(fiber.HeaderCacheControl, "no-store")
	s.cross(c, r)
	who, err := s.who(c, r)
	if err := s.count(c, r, &who); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	if err := s.may(c, r, &who); err != nil {
		return err
	}
	return r.handle(s, c, &who)
}

// catch makes an error of a panic. It is deferred.
func catch(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

// anybodys stands for the routes that others mount: of the calls to them we know
// no more than that they count.
var anybodys = &route{access: public}

// mounted is what every request passes through that reaches none of our routes:
// the rate limit, by person where the request names one. Who may do what is for
// the mounted routes to say. A panic in one does not end the program.
func (s *Server) mounted(c *fiber.Ctx) (err error) {
	defer catch(&err)
	if s.limits != nil {
		who, err := s.identify(c, anybodys)
		if err != nil {
			who = caller{}
		}
		if err := s.count(c, anybodys, &who); err != nil {
			return err
		}
	}
	return c.Next()
}

// wrap answers what Fiber would answer in plain text: methods that it does not know.
func (s *Server) wrap() {
	server := s.app.Server()
	inner := server.Handler
	known := s.app.Config().RequestMethods
	server.Handler = func(ctx *fasthttp.RequestCtx) {
		if slices.Contains(known, string(ctx.Method())) {
			inner(ctx)
			return
		}
		c := s.app.AcquireCtx(ctx)
		defer s.app.ReleaseCtx(c)
		_ = s.unrouted(c, fiber.ErrNotImplemented)
	}
}

// unrouted is Fiber's error handler: it answers what reached no route of ours.
func (s *Server) unrouted(c *fiber.Ctx, err error) error {
	c.Response().Header.Set(fiber.HeaderCacheControl, "no-store")
	c.Response().Header.Set(fiber.HeaderAccessControlAllowOrigin, "*")
	s.refuse(c, err)
	s.meters.unrouted.note(c.Response().StatusCode(), 0)
	return nil
}

// deadline returns the context for the calls to a store.
func deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), storeTimeout)
}

// isFiber returns the status of an error that Fiber made.
func isFiber(err error) (status int, ok bool) {
	var f *fiber.Error
	if errors.As(err, &f) {
		return f.Code, true
	}
	return 0, false
}
