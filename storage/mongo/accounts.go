package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"

	"newsfeed/interests/account"
)

// accountDoc is an account as a document.
type accountDoc struct {
	ID       string       `bson:"_id"`
	Version  int64        `bson:"version"`
	Email    string       `bson:"email"` // unique; of who has none "#" and the id, which is no address
	Password string       `bson:"password"`
	Identity *identityDoc `bson:"identity,omitempty"` // unique
	Created  time.Time    `bson:"created"`
	Reset    *resetDoc    `bson:"reset,omitempty"`
}

type identityDoc struct {
	Issuer  string `bson:"issuer"`
	Subject string `bson:"subject"`
}

type resetDoc struct {
	Hash    string    `bson:"hash"` // 64 hex digits
	Expires time.Time `bson:"expires"`
}

func docOf(a account.Account) accountDoc {
	doc := accountDoc{ID: a.ID.String(), Version: a.Version, Email: string(a.Email), Password: a.Password, Created: a.Created}
	if a.Email == "" {
		doc.Email = "#" + doc.ID
	}
	if !a.Identity.IsZero() {
		doc.Identity = &identityDoc{a.Identity.Issuer, a.Identity.Subject}
	}
	if a.Reset != (account.Reset{}) {
		doc.Reset = &resetDoc{a.Reset.Hash.String(), a.Reset.Expires}
	}
	return doc
}

func (doc accountDoc) account() (account.Account, error) {
	a := account.Account{Version: doc.Version, Password: doc.Password, Created: doc.Created}
	if strings.Contains(doc.Email, "@") {
		a.Email = account.Email(doc.Email)
	}
	if doc.Identity != nil {
		a.Identity = account.Identity{Issuer: doc.Identity.Issuer, Subject: doc.Identity.Subject}
	}
	id, err := uuid.Parse(doc.ID)
	a.ID = account.ID(id)
	if err == nil && doc.Reset != nil {
		a.Reset.Expires = doc.Reset.Expires
		err = a.Reset.Hash.UnmarshalText([]byte(doc.Reset.Hash))
	}
	if err != nil {
		return account.Account{}, fmt.Errorf("account %s is damaged: %w", doc.ID, err)
	}
	return a, nil
}

// Accounts returns the database's [account.Accounts].
func (s *Store) Accounts() account.Accounts {
	return &accounts{all: s.db.Collection(collectionAccounts)}
}

// accounts keeps account.Accounts.
type accounts struct{ all *driver.Collection }

// Create implements account.Accounts.
func (s *accounts) Create(ctx context.Context, a account.Account) error {
	_, err := s.all.InsertOne(ctx, docOf(a))
	if isDuplicate(err) {
		err = account.ErrExists // not the driver's own words, in which the e-mail stands
	}
	if err != nil {
		return fmt.Errorf("create account %s: %w", a.ID, translate(ctx, err, account.ErrUnavailable))
	}
	return nil
}

// Account implements account.Accounts.
func (s *accounts) Account(ctx context.Context, id account.ID) (account.Account, error) {
	a, err := s.find(ctx, bson.M{"_id": id.String()})
	if err != nil {
		return a, fmt.Errorf("load account %s: %w", id, err)
	}
	return a, nil
}

// ByEmail implements account.Accounts.
func (s *accounts) ByEmail(ctx context.Context, email account.Email) (account.Account, error) {
	a, err := s.find(ctx, bson.M{"email": string(email)})
	if err != nil {
		return a, fmt.Errorf("find an account by e-mail: %w", err)
	}
	return a, nil
}

// ByIdentity implements account.Accounts.
func (s *accounts) ByIdentity(ctx context.Context, who account.Identity) (account.Account, error) {
	a, err := s.find(ctx, bson.M{"identity.issuer": who.Issuer, "identity.subject": who.Subject})
	if err != nil {
		return a, fmt.Errorf("find an account by identity: %w", err)
	}
	return a, nil
}

func (s *accounts) find(ctx context.Context, filter bson.M) (account.Account, error) {
	var doc accountDoc
	err := s.all.FindOne(ctx, filter).Decode(&doc)
	if errors.Is(err, driver.ErrNoDocuments) {
		return account.Account{}, account.ErrNoAccount
	}
	if err != nil {
		return account.Account{}, translate(ctx, err, account.ErrUnavailable)
	}
	return doc.account()
}

// Change implements account.Accounts.
func (s *accounts) Change(ctx context.Context, next account.Account) error {
	res, err := s.all.ReplaceOne(ctx, bson.M{"_id": next.ID.String(), "version": next.Version - 1}, docOf(next))
	switch {
	case isDuplicate(err):
		err = account.ErrExists
	case err != nil:
		err = translate(ctx, err, account.ErrUnavailable)
	case res.MatchedCount == 0:
		if _, err = s.Account(ctx, next.ID); err == nil {
			err = account.ErrChanged
		}
	}
	if err != nil {
		return fmt.Errorf("change account %s: %w", next.ID, err)
	}
	return nil
}

// Delete implements account.Accounts.
func (s *accounts) Delete(ctx context.Context, id account.ID) error {
	if _, err := s.all.DeleteOne(ctx, bson.M{"_id": id.String()}); err != nil {
		return fmt.Errorf("delete account %s: %w", id, translate(ctx, err, account.ErrUnavailable))
	}
	return nil
}
