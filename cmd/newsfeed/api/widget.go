package api

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/gofiber/fiber/v2"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// A widget's token is bound to an account and to an origin whose pages the operator
// lets add topics to people's lists. It is held by a page that is not ours, so it is
// good for what the button needs and for nothing else.

// mayWidget says whether a widget's token is good for a call.
func (s *Server) mayWidget(c *fiber.Ctx, r *route, session *account.Session) error {
	from := c.Request().Header.Peek(fiber.HeaderOrigin)
	if string(from) != session.Origin || !s.origins.named[session.Origin] {
		return errOtherOrigin
	}
	switch r.method + " " + r.path {
	case "GET /topics/{id}", "PUT /interests/{topic}", "DELETE /interests/{topic}":
		return nil
	}
	return errOneUse
}

// editAsWidget is edit by a widget's token, which follows and takes back what it
// followed.
func (s *Server) editAsWidget(ctx context.Context, session *account.Session, id topic.ID, level interests.Level) (interests.List, error) {
	by := widgetDevice(session)
	switch level {
	case interests.Follow:
		return s.Lists.Add(ctx, session.Account, by, id, session.Until())
	case interests.None:
		return s.Lists.Take(ctx, session.Account, by, id, session.Until())
	}
	return interests.List{}, errOneUse
}

// widgetDevice is the device in the stamps of an origin's edits of a list. It is the
// same for each token of that origin, so that what one added another may take back.
func widgetDevice(session *account.Session) interests.Device {
	sum := sha256.Sum256([]byte("widget\x00" + session.Account.String() + "\x00" + session.Origin))
	return interests.Device(max(1, binary.BigEndian.Uint64(sum[:8])))
}
