package mongo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"newsfeed/interests/account"
)

// erasureDoc is an erasure as a document.
type erasureDoc struct {
	ID    string    `bson:"_id"`   // of the account
	Token string    `bson:"token"` // 64 hex digits
	Begun time.Time `bson:"begun"`
}

// Erasures returns the database's [account.Erasures].
func (s *Store) Erasures() account.Erasures {
	return &erasures{all: s.db.Collection(collectionErasures)}
}

// erasures keeps account.Erasures.
type erasures struct{ all *driver.Collection }

// Begin implements account.Erasures.
func (s *erasures) Begin(ctx context.Context, e account.Erasure) error {
	doc := erasureDoc{e.Account.String(), e.Token.String(), e.Begun}
	_, err := s.all.ReplaceOne(ctx, bson.M{"_id": doc.ID}, doc, options.Replace().SetUpsert(true))
	if isDuplicate(err) {
		return nil // of two that begin at once the other's stands
	}
	if err != nil {
		return fmt.Errorf("begin to erase %s: %w", e.Account, translate(ctx, err, account.ErrUnavailable))
	}
	return nil
}

// Pending implements account.Erasures.
func (s *erasures) Pending(ctx context.Context) ([]account.Erasure, error) {
	cursor, err := s.all.Find(ctx, bson.M{})
	var docs []erasureDoc
	if err == nil {
		err = cursor.All(ctx, &docs)
	}
	if err != nil {
		return nil, fmt.Errorf("erasures under way: %w", translate(ctx, err, account.ErrUnavailable))
	}
	var all []account.Erasure
	for _, doc := range docs {
		e := account.Erasure{Begun: doc.Begun.UTC()}
		id, err := uuid.Parse(doc.ID)
		e.Account = account.ID(id)
		if err == nil {
			err = e.Token.UnmarshalText([]byte(doc.Token))
		}
		if err != nil {
			return nil, fmt.Errorf("erasure %s is damaged: %w", doc.ID, err)
		}
		all = append(all, e)
	}
	return all, nil
}

// Done implements account.Erasures.
func (s *erasures) Done(ctx context.Context, id account.ID) error {
	if _, err := s.all.DeleteOne(ctx, bson.M{"_id": id.String()}); err != nil {
		return fmt.Errorf("note that %s is erased: %w", id, translate(ctx, err, account.ErrUnavailable))
	}
	return nil
}
