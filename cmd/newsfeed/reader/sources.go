package reader

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"newsfeed/feed/ingest"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// The editors' page: the sources that are polled. Who enters an editor's key holds
// it in a cookie of its own until the browser is closed, or until they leave. It is
// good for this page only, no script can read it, and no other site's link sends it.

const (
	sourcesPath  = "/admin/sources"
	maxOPMLForm  = 512 << 10        // bytes of a form with an OPML file; a source is some 100 bytes
	askPatience  = 75 * time.Second // for an address and the document that its page announces
	pollPatience = 90 * time.Second
	sourcesShown = 100 // on a page
)

// sourcesPage is what an editor sees; or, without a key, where it is entered.
type sourcesPage struct {
	layout
	Editor  bool
	Sources []sourceView
	Next    string // where the list goes on; "": it ends
	Said    string // what has just been done
	Refused []string
	Wrong   complaints
	URL     string // that was refused
}

type sourceView struct {
	ID, Name, Site string
	Topic          topic.ID
	Articles       int // in the index
	Addresses      []ingest.Address
}

func (p *sourcesPage) wrongs() complaints { return p.Wrong }

// sources answers GET /admin/sources.
func (r *Reader) sources(c *fiber.Ctx) error {
	return r.sourcesPage(c, fiber.StatusOK, &sourcesPage{Said: saidOfSources(c)})
}

// saidOfSources is what the page before this one has done.
func saidOfSources(c *fiber.Ctx) string {
	n, err := strconv.Atoi(c.Query("count", "0"))
	if err != nil || n < 0 {
		return ""
	}
	switch c.Query("note") {
	case "added":
		return text("source-added")
	case "there":
		return text("source-there")
	case "listed":
		return text("sources-listed", "n", n)
	case "polled":
		return text("source-polled", "n", n)
	case "removed":
		return text("source-removed", "n", n)
	}
	return ""
}

// sourcesPage shows the page, or where the key is entered.
func (r *Reader) sourcesPage(c *fiber.Ctx, status int, p *sourcesPage) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	v, err := r.visitor(ctx, c)
	if err != nil {
		return err
	}
	p.layout = r.layout(c, &v, text("sources"))
	c.Set(fiber.HeaderCacheControl, keepPrivate)
	if p.Editor, err = r.isEditor(ctx, c); err != nil {
		return err
	}
	if p.Editor {
		all, err := r.deps.Desk.All(ctx)
		if err != nil {
			return err
		}
		p.Sources, p.Next = r.sourceViews(all, c.Query("after"))
	}
	return r.render(c, status, "sources", p)
}

// sourceViews are the sources after an id, by id, as many as a page shows.
func (r *Reader) sourceViews(all []ingest.Address, after string) (views []sourceView, next string) {
	for _, a := range all {
		if a.Source <= after {
			continue
		}
		if n := len(views); n == 0 || views[n-1].ID != a.Source {
			if n == sourcesShown {
				return views, sourcesPath + "?after=" + views[n-1].ID
			}
			own := topic.SourceTopicID(a.Source)
			views = append(views, sourceView{ID: a.Source, Name: a.Name, Site: a.Site, Topic: own, Articles: r.deps.Index.Count(own)})
		}
		last := &views[len(views)-1]
		last.Addresses = append(last.Addresses, a)
	}
	return views, ""
}

// isEditor reports whether the browser holds an editor's key. One that is no key
// any more is taken away.
func (r *Reader) isEditor(ctx context.Context, c *fiber.Ctx) (bool, error) {
	secret := account.Secret(c.Cookies(r.editorCookie()))
	if secret == "" {
		return false, nil
	}
	key, err := r.deps.Keyring.Find(ctx, secret)
	if errors.Is(err, account.ErrNoKey) {
		r.setEditor(c, "", time.Unix(1, 0))
		return false, nil
	}
	return key.Role == account.Editor, err
}

func (r *Reader) editorCookie() string { return r.deps.Cookie + "-editor" }

func (r *Reader) setEditor(c *fiber.Ctx, secret string, until time.Time) {
	cookie := r.cookie()
	cookie.Name, cookie.Value, cookie.Expires, cookie.SameSite = r.editorCookie(), secret, until, fiber.CookieSameSiteStrictMode
	c.Cookie(cookie)
}

// enterEditor answers POST /admin/enter. Tries count with those of signing in.
func (r *Reader) enterEditor(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := r.enters(ctx, c); err != nil {
		return err
	}
	secret := strings.TrimSpace(fields.Get("key"))
	key, err := r.deps.Keyring.Find(ctx, account.Secret(secret))
	switch {
	case errors.Is(err, account.ErrNoKey):
		return r.sourcesPage(c, fiber.StatusForbidden, &sourcesPage{Wrong: complaints{"key": text("no-key")}})
	case err != nil:
		return err
	case key.Role != account.Editor:
		return r.sourcesPage(c, fiber.StatusForbidden, &sourcesPage{Wrong: complaints{"key": text("publishers-key")}})
	}
	r.setEditor(c, secret, time.Time{})
	return c.Redirect(sourcesPath, fiber.StatusSeeOther)
}

// leaveEditor answers POST /admin/leave.
func (r *Reader) leaveEditor(c *fiber.Ctx) error {
	r.setEditor(c, "", time.Unix(1, 0))
	return c.Redirect(sourcesPath, fiber.StatusSeeOther)
}

// editing wraps what only an editor may do.
func (r *Reader) editing(h fiber.Handler) fiber.Handler {
	return r.page(r.guarded(func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
		defer cancel()
		ok, err := r.isEditor(ctx, c)
		if err != nil {
			return err
		}
		if !ok {
			return c.Redirect(sourcesPath, fiber.StatusSeeOther)
		}
		return h(c)
	}))
}

// addSource answers POST /admin/sources/add, and polls what it added.
func (r *Reader) addSource(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), askPatience+pollPatience)
	defer cancel()
	added, err := r.deps.Desk.Add(ctx, fields.Get("url"), strings.TrimSpace(fields.Get("source")))
	var invalid *ingest.Invalid
	switch {
	case errors.Is(err, ingest.ErrAddressTaken):
		return c.Redirect(sourcesPath+"?note=there", fiber.StatusSeeOther)
	case errors.As(err, &invalid):
		wrong := complaints{}
		for _, f := range invalid.Fields {
			wrong[strings.TrimPrefix(f.Location, "/")] = text("the-address", "fault", f.Message)
			if f.Location == "/source" {
				wrong["source"] = text("the-id", "fault", f.Message)
			}
		}
		return r.sourcesPage(c, fiber.StatusUnprocessableEntity, &sourcesPage{Wrong: wrong, URL: fields.Get("url")})
	case err != nil:
		return err
	}
	if added.Fault == "" {
		if _, err := r.deps.Desk.Poll(ctx, []ingest.Address{added}); err != nil {
			return err
		}
	}
	return c.Redirect(sourcesPath+"?note=added", fiber.StatusSeeOther)
}

// listSources answers POST /admin/sources/opml: the addresses of an OPML file.
func (r *Reader) listSources(c *fiber.Ctx) error {
	fields, err := readFieldsUpTo(c, maxOPMLForm)
	if err != nil {
		return err
	}
	outlines, err := ingest.ParseOPML(strings.NewReader(fields.Get("opml")))
	if err == nil && len(outlines) == 0 {
		err = errors.New(text("opml-without-address"))
	}
	if err != nil {
		return r.sourcesPage(c, fiber.StatusUnprocessableEntity, &sourcesPage{Wrong: complaints{"opml": text("no-opml", "fault", err.Error())}})
	}
	ctx, cancel := context.WithTimeout(context.Background(), pollPatience)
	defer cancel()
	added, refused := 0, []string(nil)
	for len(outlines) > 0 {
		chunk := outlines[:min(len(outlines), ingest.MaxListed)]
		outlines = outlines[len(chunk):]
		list := make([]ingest.Listed, len(chunk))
		for i, o := range chunk {
			list[i] = o.Listed
		}
		wrong, err := r.deps.Desk.AddAll(ctx, list)
		if err != nil {
			return err
		}
		for i, err := range wrong {
			if err == nil {
				added++
			} else if !errors.Is(err, ingest.ErrAddressTaken) {
				refused = append(refused, text("line-refused", "line", chunk[i].Line, "url", shorten(chunk[i].URL), "fault", reasonOf(err)))
			}
		}
	}
	if len(refused) > 0 {
		return r.sourcesPage(c, fiber.StatusUnprocessableEntity, &sourcesPage{Refused: refused,
			Said: text("sources-refused", "n", added, "refused", len(refused))})
	}
	return c.Redirect(sourcesPath+"?note=listed&count="+strconv.Itoa(added), fiber.StatusSeeOther)
}

// reasonOf says in words why an address was refused.
func reasonOf(err error) string {
	var invalid *ingest.Invalid
	if errors.As(err, &invalid) && len(invalid.Fields) > 0 {
		return invalid.Fields[0].Message
	}
	return err.Error()
}

// pollSource answers POST /admin/sources/poll.
func (r *Reader) pollSource(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pollPatience)
	defer cancel()
	all, err := r.deps.Desk.All(ctx)
	if err != nil {
		return err
	}
	var addresses []ingest.Address
	for _, a := range all {
		if a.Source == fields.Get("source") {
			addresses = append(addresses, a)
		}
	}
	polled, err := r.deps.Desk.Poll(ctx, addresses)
	if err != nil {
		return err
	}
	brought := 0
	for _, p := range polled {
		brought += p.New + p.Updated
	}
	return c.Redirect(sourcesPath+"?note=polled&count="+strconv.Itoa(brought), fiber.StatusSeeOther)
}

// removeSource answers POST /admin/sources/remove.
func (r *Reader) removeSource(c *fiber.Ctx) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), pollPatience)
	defer cancel()
	_, withdrawn, err := r.deps.Desk.Remove(ctx, fields.Get("source"), fields.Get("withdraw") == "yes")
	if err != nil && !errors.Is(err, ingest.ErrNoSource) { // removed meanwhile: removed all the same
		return err
	}
	return c.Redirect(sourcesPath+"?note=removed&count="+strconv.Itoa(withdrawn), fiber.StatusSeeOther)
}

// sourcesFile answers GET /admin/sources.opml with the addresses that are polled.
func (r *Reader) sourcesFile(c *fiber.Ctx) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	ok, err := r.isEditor(ctx, c)
	if err != nil {
		return err
	}
	if !ok {
		return c.Redirect(sourcesPath, fiber.StatusSeeOther)
	}
	all, err := r.deps.Desk.All(ctx)
	if err != nil {
		return err
	}
	list := make([]ingest.Listed, len(all))
	for i, a := range all {
		list[i] = ingest.Listed{URL: a.URL, Name: a.Name}
	}
	var b bytes.Buffer
	if err := ingest.WriteOPML(&b, list); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "text/x-opml; charset=utf-8")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="newsfeed-sources.opml"`)
	return c.Send(b.Bytes())
}
