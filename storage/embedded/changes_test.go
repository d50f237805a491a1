package embedded

import (
	"testing"

	"newsfeed/storage/storagetest"
)

func TestChanges(t *testing.T) { storagetest.Changes(t, contract(people)) }

func TestAtHand(t *testing.T) { storagetest.AtHand(t, contract(people)) }

func people(s *Store) storagetest.People {
	return storagetest.People{Lists: s.Lists(), Marks: s.Marks(), Sessions: s.Sessions(), Together: s.Together(), Changes: s.Changes()}
}
