package interests_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage/storagetest"
)

// Edits of one list by many at once: all are in the list, each with a revision of
// its own.
func TestConcurrentEdits(t *testing.T) {
	lists := interests.NewLists(storagetest.NewModelLists(), time.Now)
	id := account.NewID()
	var mu sync.Mutex
	revisions := map[interests.Revision]bool{}
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 20 {
				l, err := lists.Set(context.Background(), id, topic.ID(fmt.Sprintf("t%d-%d", w, i)), interests.Follow, time.Time{})
				if err != nil {
					t.Errorf("writer %d, edit %d: %v", w, i, err)
					return
				}
				mu.Lock()
				if revisions[l.Revision] {
					t.Errorf("revision %d was given twice", l.Revision)
				}
				revisions[l.Revision] = true
				mu.Unlock()
			}
		})
	}
	writers.Wait()
	l, err := lists.Get(context.Background(), id)
	if err != nil || len(l.Topics) != 160 {
		t.Fatalf("%d topics, want 160; %v", len(l.Topics), err)
	}
}
