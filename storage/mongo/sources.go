package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"newsfeed/feed/ingest"
)

// addressDoc is an address of a source as a document.
type addressDoc struct {
	ID             string `bson:"_id"`
	ingest.Address `bson:",inline"`
}

func (doc addressDoc) address() (ingest.Address, error) {
	a := doc.Address
	var err error
	if a.ID, err = uuid.Parse(doc.ID); err != nil {
		return a, fmt.Errorf("address %s of a source is damaged: %w", doc.ID, err)
	}
	return a, nil
}

// Sources returns the database's addresses that are polled.
func (s *Store) Sources() ingest.Sources {
	return &sources{all: s.db.Collection(collectionSources)}
}

// sources keeps ingest.Sources.
type sources struct{ all *driver.Collection }

// Add implements ingest.Sources.
func (s *sources) Add(ctx context.Context, addresses []ingest.Address) ([]bool, error) {
	added := make([]bool, len(addresses))
	for i, a := range addresses {
		_, err := s.all.InsertOne(ctx, addressDoc{a.ID.String(), a})
		if err != nil && !isDuplicate(err) {
			return nil, fmt.Errorf("add the address %s: %w", a.URL, translate(ctx, err, ingest.ErrSourcesUnavailable))
		}
		added[i] = err == nil
	}
	return added, nil
}

// All implements ingest.Sources.
func (s *sources) All(ctx context.Context) ([]ingest.Address, error) {
	cursor, err := s.all.Find(ctx, bson.M{},
		options.Find().SetSort(bson.D{{Key: "source", Value: 1}, {Key: "url", Value: 1}}))
	if err != nil {
		return nil, fmt.Errorf("load sources: %w", translate(ctx, err, ingest.ErrSourcesUnavailable))
	}
	var docs []addressDoc
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, fmt.Errorf("load sources: %w", translate(ctx, err, ingest.ErrSourcesUnavailable))
	}
	all := make([]ingest.Address, len(docs))
	for i, doc := range docs {
		if all[i], err = doc.address(); err != nil {
			return nil, fmt.Errorf("load sources: %w", err)
		}
	}
	return all, nil
}

// Lease implements ingest.Sources, one address at a time: each is found and
// taken in one step, so that no two nodes get the same.
func (s *sources) Lease(ctx context.Context, now, until time.Time, limit int, ids ...uuid.UUID) ([]ingest.Address, error) {
	var leased []ingest.Address
	for len(leased) < limit && (len(ids) == 0 || len(leased) < len(ids)) {
		free := bson.M{"stopped": false, "due": bson.M{"$lte": now}, "until": bson.M{"$lte": now}}
		if len(ids) > 0 {
			free = bson.M{"_id": bson.M{"$in": others(ids, leased)}}
		}
		var doc addressDoc
		err := s.all.FindOneAndUpdate(ctx, free,
			bson.M{"$inc": bson.M{"lease": 1}, "$set": bson.M{"until": until}},
			options.FindOneAndUpdate().SetSort(bson.D{{Key: "due", Value: 1}}).SetReturnDocument(options.After)).Decode(&doc)
		if errors.Is(err, driver.ErrNoDocuments) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("lease sources: %w", translate(ctx, err, ingest.ErrSourcesUnavailable))
		}
		a, err := doc.address()
		if err != nil {
			return nil, fmt.Errorf("lease sources: %w", err)
		}
		leased = append(leased, a)
	}
	return leased, nil
}

// others are the ids without those that are leased already.
func others(ids []uuid.UUID, leased []ingest.Address) []string {
	taken := map[uuid.UUID]bool{}
	for _, a := range leased {
		taken[a.ID] = true
	}
	left := []string{}
	for _, id := range ids {
		if !taken[id] {
			left = append(left, id.String())
		}
	}
	return left
}

// Save implements ingest.Sources.
func (s *sources) Save(ctx context.Context, a ingest.Address) error {
	a.Until = time.Time{}
	res, err := s.all.ReplaceOne(ctx, bson.M{"_id": a.ID.String(), "lease": a.Lease}, addressDoc{a.ID.String(), a})
	switch {
	case isDuplicate(err):
		err = ingest.ErrAddressTaken
	case err != nil:
		err = translate(ctx, err, ingest.ErrSourcesUnavailable)
	case res.MatchedCount == 0:
		err = ingest.ErrLeaseLost
	default:
		return nil
	}
	return fmt.Errorf("save the address %s: %w", a.URL, err)
}

// Remove implements ingest.Sources.
func (s *sources) Remove(ctx context.Context, source string) (int, error) {
	res, err := s.all.DeleteMany(ctx, bson.M{"source": source})
	if err != nil {
		return 0, fmt.Errorf("remove source %s: %w", source, translate(ctx, err, ingest.ErrSourcesUnavailable))
	}
	return int(res.DeletedCount), nil
}
