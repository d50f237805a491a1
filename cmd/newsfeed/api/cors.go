package api

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Headers that scripts of other origins may read and send.
const (
	exposedHeaders = "ETag, Link, Retry-After, RateLimit, RateLimit-Policy, Feed-Degraded, X-Interests-Revision"
	allowedHeaders = "Authorization, Content-Type, If-None-Match, X-Interests-Revision, Last-Event-ID"
	varyHeaders    = "Authorization, Cookie, Origin"
	preflightAge   = "7200" // seconds
)

// origins are those whose scripts may make people's calls.
type origins struct {
	any   bool
	named map[string]bool
}

func newOrigins(list []string) origins {
	o := origins{named: map[string]bool{}}
	for _, origin := range list {
		o.any = o.any || origin == "*"
		o.named[strings.TrimSuffix(strings.ToLower(origin), "/")] = true
	}
	return o
}

// allow returns the value of Access-Control-Allow-Origin for an origin; "" for none.
func (o origins) allow(origin string) string {
	switch {
	case o.any:
		return "*"
	case o.named[origin]:
		return origin
	}
	return ""
}

// anyOrigin reports whether a route answers scripts of every origin.
func (r *route) anyOrigin() bool { return r.access == public || r.access == operation }

// cross sets the cross-origin headers of an answer. Credentials are never
// allowed, so no other origin can read what a cookie brought.
func (s *Server) cross(c *fiber.Ctx, r *route) {
	h := &c.Response().Header
	if r.access != operation {
		h.Set(fiber.HeaderVary, varyHeaders)
	}
	if r.anyOrigin() {
		h.Set(fiber.HeaderAccessControlAllowOrigin, "*")
		h.Set(fiber.HeaderAccessControlExposeHeaders, exposedHeaders)
		return
	}
	request := &c.Request().Header
	origin := request.Peek(fiber.HeaderOrigin)
	if len(origin) == 0 || len(request.Peek(fiber.HeaderAuthorization)) == 0 && len(request.Cookie(s.cookie)) > 0 {
		return
	}
	if value := s.origins.allow(string(origin)); value != "" {
		h.Set(fiber.HeaderAccessControlAllowOrigin, value)
		h.Set(fiber.HeaderAccessControlExposeHeaders, exposedHeaders)
	}
}

// preflight answers OPTIONS for one path.
func (s *Server) preflight(table []*route) fiber.Handler {
	methods := methodsOf(table)
	return func(c *fiber.Ctx) error {
		h := &c.Response().Header
		h.Set(fiber.HeaderAllow, methods)
		h.Set(fiber.HeaderVary, "Origin, Access-Control-Request-Method")
		c.Response().SetStatusCode(fiber.StatusNoContent)
		asked := string(c.Request().Header.Peek(fiber.HeaderAccessControlRequestMethod))
		origin := string(c.Request().Header.Peek(fiber.HeaderOrigin))
		r := routeOf(table, asked)
		if r == nil || origin == "" {
			return nil
		}
		value := "*"
		if !r.anyOrigin() {
			value = s.origins.allow(origin)
		}
		if value != "" {
			h.Set(fiber.HeaderAccessControlAllowOrigin, value)
			h.Set(fiber.HeaderAccessControlAllowMethods, methods)
			h.Set(fiber.HeaderAccessControlAllowHeaders, allowedHeaders)
			h.Set(fiber.HeaderAccessControlMaxAge, preflightAge)
		}
		return nil
	}
}

// methodsOf lists the methods of a path, as in Allow.
func methodsOf(table []*route) string {
	var methods []string
	for _, r := range table {
		methods = append(methods, r.method)
		if r.hasHead() {
			methods = append(methods, fiber.MethodHead)
		}
	}
	return strings.Join(append(methods, fiber.MethodOptions), ", ")
}

// routeOf returns the route of a method, nil when there is none.
func routeOf(table []*route, method string) *route {
	for _, r := range table {
		if r.method == method || r.hasHead() && method == fiber.MethodHead {
			return r
		}
	}
	return nil
}
