package account

import (
	"context"
	"sync/atomic"
	"time"
)

// RoomForPeople is how full the store of people's lists may be before no more
// guests are made: the rest is for the edits of those who are here already.
const RoomForPeople = 0.85

// roomAge is for how long it is believed that there is room, or is none.
const roomAge = 5 * time.Second

// Fill says how full a store is: from 0 to 1, and 0 for one without a limit.
type Fill func(context.Context) (float64, error)

// room knows whether there is room for one more guest. It asks once in roomAge,
// not at each call; while one call asks, others go by what was known. Safe for
// concurrent use; the zero value has room.
type room struct {
	fill  Fill // nil: there is no limit
	asked atomic.Int64
	full  atomic.Bool
}

// isFull goes on with what was known when the store does not answer: then nobody
// can be made in it either.
func (r *room) isFull(ctx context.Context, now time.Time) bool {
	if r.fill == nil {
		return false
	}
	asked := r.asked.Load()
	if now.UnixNano()-asked > int64(roomAge) && r.asked.CompareAndSwap(asked, now.UnixNano()) {
		if share, err := r.fill(ctx); err == nil {
			r.full.Store(share >= RoomForPeople)
		}
	}
	return r.full.Load()
}
