package api

import (
	"context"
	"fmt"
	"testing"
	"time"

	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/storagetest"
)

// One address that makes guests without end is told to wait; where only room for
// edits is left there are no more guests at all, and people go on.
func TestGuestsAreBounded(t *testing.T) {
	fill := 0.5
	h := NewHouse(t, func(d *Deps) {
		d.People.LimitGuests(new(storagetest.ModelLimits))
		d.People.MindRoom(func(context.Context) (float64, error) { return fill, nil })
	})
	var token account.Secret
	for range 60 {
		token = h.Guest()
	}
	r := h.Must(429, "POST", "/guests", "", "")
	r.Problem(t)
	if r.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", r.Header)
	}
	fill = 0.86
	h.Clock.Move(time.Minute)
	h.Must(429, "POST", "/guests", "", "")
	h.Must(200, "PUT", "/interests/iran", token, `{"level":"follow"}`)

	h = NewHouse(t, func(d *Deps) {
		d.People.MindRoom(func(context.Context) (float64, error) { return fill, nil })
	})
	r = h.Must(503, "POST", "/guests", "", "")
	if p := r.Problem(t); p.Type != "no-room" || r.Header.Get("Retry-After") != "60" {
		t.Errorf("%+v, Retry-After %q", p, r.Header.Get("Retry-After"))
	}
}

// An edit that was stored and not confirmed by replicas says so: it may have been
// kept.
func TestUnconfirmed(t *testing.T) {
	h := NewHouse(t, func(d *Deps) {
		d.Lists = interests.NewLists(unconfirming{storagetest.NewModelLists()}, time.Now)
	})
	r := h.Must(503, "PUT", "/interests/iran", h.Guest(), `{"level":"follow"}`)
	if p := r.Problem(t); p.Type != "unconfirmed" || r.Header.Get("Retry-After") == "" {
		t.Errorf("%+v, %v", p, r.Header)
	}
}

// unconfirming is a store of lists whose replicas are gone.
type unconfirming struct{ interests.Store }

func (unconfirming) Swap(context.Context, account.ID, interests.Revision, interests.List, time.Time, ...interests.Undo) error {
	return fmt.Errorf("%w: %w", interests.ErrUnavailable, interests.ErrUnconfirmed)
}
