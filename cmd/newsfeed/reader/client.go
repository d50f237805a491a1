package reader

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"

	"github.com/gofiber/fiber/v2"
)

// clientScript keeps a list of interests in a browser, offline too: a module of
// ours for our own pages and for those of others. It says itself how it is used.
//
//go:embed assets/client.js
var clientScript []byte

var clientTag = func() string {
	sum := sha256.Sum256(clientScript)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}()

// client serves the module under a name that stays, to any origin.
func (r *Reader) client(c *fiber.Ctx) error {
	setSafe(c)
	c.Set(fiber.HeaderCacheControl, "public, max-age=300")
	c.Set(fiber.HeaderAccessControlAllowOrigin, "*")
	c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	c.Set(fiber.HeaderETag, clientTag)
	if c.Get(fiber.HeaderIfNoneMatch) == clientTag {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, "text/javascript; charset=utf-8")
	return c.Send(clientScript)
}
