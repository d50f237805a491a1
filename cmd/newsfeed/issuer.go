package main

import (
	"context"
	"errors"
	"time"

	"newsfeed/cmd/newsfeed/identity"
	"newsfeed/config"
)

// issuerOf returns the issuer of the settings; nil when there is none.
func issuerOf(cfg config.Config) *identity.Issuer {
	if cfg.OIDC.Issuer == "" {
		return nil
	}
	return identity.New(identity.Settings{
		Issuer: cfg.OIDC.Issuer, ClientID: cfg.OIDC.ClientID, ClientSecret: string(cfg.OIDC.ClientSecret),
		Audience: cfg.OIDC.Audience, URL: cfg.URL,
	}, time.Now)
}

// checkIssuer says whether people who have accounts elsewhere can come in. An
// issuer that is away makes the program no less fit: it waits for it. Of one that
// is another than the settings say it is told by unfit.
func (p *program) checkIssuer(ctx context.Context, f *findings, patience time.Duration, unfit func(string, ...any)) {
	issuer := issuerOf(p.config)
	if issuer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := issuer.Check(ctx)
	switch {
	case errors.Is(err, identity.ErrUnfit):
		unfit("NEWSFEED_OIDC_ISSUER: %v", err)
	case err != nil:
		f.warn("NEWSFEED_OIDC_ISSUER: %v; until it answers, nobody signs in there", err)
	case issuer.SignsIn():
		f.fine("the issuer %s; it must know the redirect address %s", p.config.OIDC.Issuer, p.config.URL+identity.CallbackPath)
	default:
		f.fine("the issuer %s", p.config.OIDC.Issuer)
	}
}
