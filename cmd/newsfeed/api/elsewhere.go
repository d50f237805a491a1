package api

import (
	"context"
	"errors"
	"fmt"

	"newsfeed/cmd/newsfeed/identity"
	"newsfeed/interests/account"
)

// elsewhere returns whose an issuer's JWT is. The account is made at the first use.
func (s *Server) elsewhere(token account.Secret, r *route) (caller, error) {
	ctx, cancel := deadline()
	defer cancel()
	b, err := s.Elsewhere.Bearer(ctx, token, !isSafe(r.method), func(who account.Identity) (account.ID, error) {
		return s.enter(ctx, who)
	})
	switch {
	case errors.Is(err, identity.ErrToken):
		return caller{}, errBadToken
	case err != nil:
		return caller{}, fmt.Errorf("find whose a JWT is: %w", err)
	}
	return caller{kind: aPerson, byJWT: true, token: token, lastKnown: r.lastKnown(),
		session: account.Session{Account: b.Account, Expires: b.Expires}}, nil
}

func (s *Server) enter(ctx context.Context, who account.Identity) (account.ID, error) {
	a, err := s.Members.Enter(ctx, account.NewID(), who)
	return a.ID, err
}
