package reader

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed assets/page.css assets/icon.svg templates/*.html
var files embed.FS

// asset is an embedded file, served under a name made of its content.
type asset struct {
	content     []byte
	contentType string
	path        string // "/assets/<hash>.css"
}

var (
	stylesheet = loadAsset("assets/page.css", "text/css; charset=utf-8")
	icon       = loadAsset("assets/icon.svg", "image/svg+xml")
)

func loadAsset(name, contentType string) asset {
	content := must(files.ReadFile(name))
	sum := sha256.Sum256(content)
	return asset{content, contentType, "/assets/" + hex.EncodeToString(sum[:8]) + path.Ext(name)}
}

// asset serves the stylesheet and the icon, for ever. A name of another build is
// answered with this one's file, not to be kept: while nodes are being replaced,
// a page of the one may ask the other for its looks.
func (r *Reader) asset(c *fiber.Ctx) error {
	for _, a := range []asset{stylesheet, icon} {
		if !strings.HasSuffix(c.Path(), path.Ext(a.path)) {
			continue
		}
		keep := "no-store"
		if c.Path() == a.path {
			keep = "public, max-age=31536000, immutable"
		}
		setSafe(c)
		c.Set(fiber.HeaderCacheControl, keep)
		c.Set(fiber.HeaderContentType, a.contentType)
		return c.Send(a.content)
	}
	return c.Next()
}

// parseTemplates makes one template per page: the layout, the parts, and the
// page's own "main".
func parseTemplates() map[string]*template.Template {
	base := template.Must(template.New("layout.html").Funcs(template.FuncMap{
		"stylesheet": func() string { return stylesheet.path },
		"icon":       func() string { return icon.path },
		"press":      newPress,
		"count":      count,
		"complaint":  newComplaint,
	}).ParseFS(files, "templates/layout.html", "templates/parts.html", "templates/fields.html", "templates/share.html"))
	pages := map[string]*template.Template{}
	for _, name := range []string{"front", "topic", "search", "interests", "message", "password",
		"sign-in", "sign-up", "merge", "devices", "account", "lost",
		"article", "story", "saved", "pick"} {
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
