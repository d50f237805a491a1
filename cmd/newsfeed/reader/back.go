package reader

import (
	"net/url"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// maxBack is the longest path that a form may lead back to.
const maxBack = 2048

// backOf returns the address of the page asked for, for its forms to lead back
// to: path and query, without the line that it was asked to show.
func backOf(c *fiber.Ctx) string {
	return localPath(c.OriginalURL())
}

// localPath returns s when it leads to a page of ours, else "/". It is made anew
// from its parts, so that no two programs can read it differently.
func localPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxBack || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !isPage(u.Path) {
		return "/"
	}
	q := u.Query()
	for _, name := range noteParameters {
		q.Del(name)
	}
	clean := url.URL{Path: u.Path, RawQuery: q.Encode(), Fragment: u.Fragment}
	return clean.String()
}

// isPage reports whether a path is one of the reader's.
func isPage(p string) bool {
	if p != path.Clean(p) || strings.ContainsAny(p, "\\") {
		return false
	}
	switch p {
	case "/", "/search", "/pick", "/my/interests", "/my/saved", "/my/account", "/my/devices", linksPath:
		return true
	}
	for _, prefix := range []string{"/t/", "/s/", "/a/", mergesPath} {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return false
}

// withNote adds a line to a local path, and what the line is about.
func withNote(p, note string, about ...string) string {
	u, err := url.Parse(p)
	if err != nil {
		return "/?note=" + note
	}
	q := u.Query()
	q.Set("note", note)
	for i := 0; i < len(about); i += 2 {
		q.Set(about[i], about[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String()
}
