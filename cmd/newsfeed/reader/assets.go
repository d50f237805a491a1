package reader

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"path"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed assets templates/*.html
var files embed.FS

// asset is an embedded file: one of a page's parts, served under a name made of its
// content, or one that keeps its name and is asked about each time.
type asset struct {
	content     []byte
	contentType string
	path        string // "/assets/<hash>.css"
	tag         string // its ETag
}

const (
	scriptType   = "text/javascript; charset=utf-8"
	manifestType = "application/manifest+json"
)

// The parts. Those that name others name them as "./page.css", and are served with
// the names that these have here.
var (
	stylesheet = loadAsset("page.css", "text/css; charset=utf-8")
	icon       = loadAsset("icon.svg", "image/svg+xml")
	live       = loadAsset("live.js", scriptType)
	marksKept  = loadAsset("marks.js", scriptType)
	offline    = loadAsset("offline.js", scriptType, "marks.js", marksKept.path)
	find       = loadAsset("find.js", scriptType)
	bring      = loadAsset("bring.js", scriptType)
	script     = loadAsset("page.js", scriptType, "live.js", live.path, "offline.js", offline.path, "find.js", find.path, "bring.js", bring.path)

	parts = []asset{stylesheet, icon, live, marksKept, offline, find, bring, script}

	worker = loadAsset("sw.js", scriptType, "page.css", stylesheet.path, "icon.svg", icon.path,
		"live.js", live.path, "offline.js", offline.path, "marks.js", marksKept.path, "find.js", find.path, "page.js", script.path)
	manifest = loadAsset("manifest.webmanifest", manifestType, "icon.svg", icon.path)
)

// speakers are the parts that have their texts from the page's script.
var speakers = map[string][]string{"page.js": {"live.js", "offline.js", "find.js", "bring.js"}}

// remarks are the comments of a script that stand on lines of their own: a seventh of
// what would travel with each first page.
var remarks = regexp.MustCompile(`(?m)^ *//.*\n|^ *\/\*\*[\s\S]*?\*/\n`)

// loadAsset reads a file, in which names of other files are replaced by their paths,
// and names of texts by these.
func loadAsset(name, contentType string, names ...string) asset {
	content := read(name)
	switch contentType {
	case scriptType:
		var modules [][]byte
		for _, m := range speakers[name] {
			modules = append(modules, read(m))
		}
		content = remarks.ReplaceAll(withTexts(content, modules...), nil)
	case manifestType:
		content = place.ReplaceAllFunc(content, func(p []byte) []byte { return []byte(text(string(p[1 : len(p)-1]))) })
	}
	for i := 0; i < len(names); i += 2 {
		content = bytes.ReplaceAll(content, []byte("./"+names[i]), []byte(names[i+1]))
	}
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:8])
	return asset{content, contentType, "/assets/" + hash + path.Ext(name), `"` + hash + `"`}
}

func read(name string) []byte { return must(files.ReadFile("assets/" + name)) }

// asset serves a part for ever. A name of another build is answered with this one's
// style or icon, not to be kept: while nodes are being replaced, a page of the one
// may ask the other for its looks. A script of another build is not guessed.
func (r *Reader) asset(c *fiber.Ctx) error {
	for _, a := range parts {
		if c.Path() == a.path {
			return a.send(c, "public, max-age=31536000, immutable")
		}
	}
	for _, a := range []asset{stylesheet, icon} {
		if strings.HasSuffix(c.Path(), path.Ext(a.path)) {
			return a.send(c, "no-store")
		}
	}
	return c.Next()
}

func (a *asset) send(c *fiber.Ctx, keep string) error {
	setSafe(c)
	c.Set(fiber.HeaderCacheControl, keep)
	c.Set(fiber.HeaderContentType, a.contentType)
	return c.Send(a.content)
}

// named serves an asset under a name that stays, to be asked about each time.
func (a asset) named(c *fiber.Ctx) error {
	c.Set(fiber.HeaderETag, a.tag)
	if c.Get(fiber.HeaderIfNoneMatch) == a.tag {
		setSafe(c)
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.SendStatus(fiber.StatusNotModified)
	}
	return a.send(c, "no-cache")
}

// parseTemplates makes one template per page: the layout, the parts, and the
// page's own "main".
func parseTemplates() map[string]*template.Template {
	base := template.Must(template.New("layout.html").Funcs(template.FuncMap{
		"stylesheet": func() string { return stylesheet.path },
		"icon":       func() string { return icon.path },
		"script":     func() string { return script.path },
		"press":      newPress,
		"complaint":  newComplaint,
		"language":   func() string { return words.lang },
		"text":       text,
		"rich":       rich,
		"kind":       kind,
		"date":       date,
		"exact":      exact,
		"machine":    machine,
	}).ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/fields.html", "templates/share.html"))
	pages := map[string]*template.Template{}
	for _, name := range []string{"front", "topic", "search", "interests", "message", "password",
		"sign-in", "sign-up", "merge", "devices", "account", "links", "lost", "embed",
		"article", "story", "saved", "pick", "sources"} {
		pages[name] = template.Must(template.Must(base.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return pages
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
