package feed_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/storage/storagetest"
)

// errCut is what a call says after the power is gone.
var errCut = errors.New("the power is gone")

// power lets so many calls to the stores through, then none; each cut falls before
// a call or after it was done and before it was answered.
type power struct {
	left  int // negative: for ever
	after bool
	calls int
}

func (p *power) call(do func() error) error {
	if p.left == 0 {
		return errCut
	}
	p.left--
	p.calls++
	if err := do(); err != nil || p.left != 0 || !p.after {
		return err
	}
	return errCut
}

type cutAccounts struct {
	account.Accounts
	*power
}

func (c cutAccounts) Delete(ctx context.Context, id account.ID) error {
	return c.call(func() error { return c.Accounts.Delete(ctx, id) })
}

type cutErasures struct {
	account.Erasures
	*power
}

func (c cutErasures) Begin(ctx context.Context, e account.Erasure) error {
	return c.call(func() error { return c.Erasures.Begin(ctx, e) })
}

func (c cutErasures) Done(ctx context.Context, id account.ID) error {
	return c.call(func() error { return c.Erasures.Done(ctx, id) })
}

type cutSessions struct {
	account.Store
	*power
}

func (c cutSessions) End(ctx context.Context, h account.Hash) error {
	return c.call(func() error { return c.Store.End(ctx, h) })
}

func (c cutSessions) Unlist(ctx context.Context, id account.ID) error {
	return c.call(func() error { return c.Store.Unlist(ctx, id) })
}

type cutLists struct {
	interests.Store
	*power
}

func (c cutLists) Delete(ctx context.Context, id account.ID) error {
	return c.call(func() error { return c.Store.Delete(ctx, id) })
}

type cutMarks struct {
	feed.Marks
	*power
}

func (c cutMarks) Delete(ctx context.Context, id account.ID) error {
	return c.call(func() error { return c.Marks.Delete(ctx, id) })
}

// erasing is a person with two devices, a list, marks and a merged guest, in
// stores whose power can be cut.
type erasing struct {
	*testing.T
	*power
	feed.Eraser
	accounts account.Accounts
	sessions account.Store
	lists    interests.Store
	marks    feed.Marks
	clock    time.Time

	id, guest, other account.ID
	tokens           []account.Secret // the last is the guest's
}

func newErasing(t *testing.T) *erasing {
	t.Helper()
	lists := storagetest.NewModelLists()
	e := &erasing{T: t, power: &power{left: -1}, accounts: new(storagetest.ModelAccounts), sessions: storagetest.NewModelSessions(),
		lists: lists, marks: storagetest.NewModelMarks(), clock: time.Now(), id: account.NewID(), other: account.NewID()}
	now := func() time.Time { return e.clock }
	people := account.NewPeople(cutSessions{e.sessions, e.power}, now)
	of := &feed.Belongings{Lists: interests.NewLists(cutLists{lists, e.power}, now), Marks: feed.NewMarkSets(cutMarks{e.marks, e.power}, now)}
	of.Merger = interests.NewMerger(of.Lists, lists)
	e.Eraser = feed.Eraser{Accounts: cutAccounts{e.accounts, e.power}, Erasures: cutErasures{new(storagetest.ModelErasures), e.power},
		People: people, Belongings: of, Now: now}
	for _, id := range []account.ID{e.id, e.other} {
		e.ok(e.accounts.Create(t.Context(), account.Account{ID: id, Version: 1, Email: account.Email(id.String() + "@example.org")}))
		for range 2 {
			_, token, err := people.SignIn(t.Context(), id, "Phone")
			e.ok(err)
			if id == e.id {
				e.tokens = append(e.tokens, token)
			}
		}
		e.fill(id)
	}
	s, token, err := people.NewGuest(t.Context())
	e.ok(err)
	e.guest, e.tokens = s.Account, append(e.tokens, token)
	e.fill(e.guest)
	merge := account.Merged{Merge: uuid.Must(uuid.NewV7()), Account: e.id}
	_, err = people.Spend(t.Context(), token, s, merge)
	e.ok(err)
	_, err = of.Merge(t.Context(), e.id, interests.Merge{ID: merge.Merge, Guest: e.guest, Token: token.Hash()})
	e.ok(err)
	return e
}

func (e *erasing) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *erasing) fill(id account.ID) {
	e.Helper()
	_, err := e.Belongings.Lists.Set(e.Context(), id, "iran", interests.Follow, time.Time{})
	e.ok(err)
	_, err = e.Belongings.Lists.Set(e.Context(), id, "chad", interests.None, time.Time{})
	e.ok(err)
	_, err = e.Belongings.Marks.Set(e.Context(), id, feed.StoryID(id), map[feed.Mark]bool{feed.Saved: true}, time.Time{})
	e.ok(err)
}

// left says what the stores still have of somebody.
func (e *erasing) left(id account.ID) (found []string) {
	e.Helper()
	ctx := context.Background()
	note := func(what string, n int, err error) {
		if err != nil && !errors.Is(err, account.ErrNoAccount) {
			e.Fatal(err)
		}
		if n > 0 {
			found = append(found, fmt.Sprint(what, " ", n))
		}
	}
	a, err := e.accounts.Account(ctx, id)
	note("account", int(a.Version), err)
	held, err := e.sessions.Of(ctx, id)
	note("sessions", len(held), err)
	list, err := e.lists.Load(ctx, id)
	note("list", len(list.Topics), err)
	undos, err := e.lists.Undos(ctx, id)
	note("journal", len(undos), err)
	merges, err := e.Belongings.Merger.All(ctx, id)
	note("merges", len(merges), err)
	set, err := e.marks.Load(ctx, id)
	note("marks", len(set.Stories), err)
	pending, err := e.Erasures.Pending(ctx)
	note("erasures", len(pending), err)
	return found
}

func (e *erasing) wantGone(when string) {
	e.Helper()
	if found := append(e.left(e.id), e.left(e.guest)...); len(found) > 0 {
		e.Errorf("%s there is left: %v", when, found)
	}
	for i, token := range e.tokens {
		if s, err := e.sessions.Session(e.Context(), token.Hash()); !errors.Is(err, account.ErrNoSession) {
			e.Errorf("%s token %d is a session: %+v, %v", when, i, s, err)
		}
	}
	if found := e.left(e.other); len(found) != 5 {
		e.Errorf("%s somebody else has only %v", when, found)
	}
}

// An erasure removes everything of a person and of the guest that was merged, and
// nothing of anybody else, and says how much that was.
func TestErase(t *testing.T) {
	e := newErasing(t)
	if found := append(e.left(e.id), e.left(e.guest)...); len(found) != 9 {
		t.Fatalf("before it there is %v, which is not all", found)
	}
	removed, err := e.Erase(t.Context(), e.id, e.tokens[0].Hash())
	e.ok(err)
	want := feed.Erased{Accounts: 1, Sessions: 3, Interests: 4, Journal: 4, Marks: 3, Merges: 1, Guests: 1}
	if removed != want {
		t.Errorf("removed %+v, want %+v", removed, want)
	}
	e.wantGone("after it")
	again, err := e.Erase(t.Context(), e.id, e.tokens[0].Hash())
	if err != nil || again != (feed.Erased{}) {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// Wherever an erasure is interrupted, before a write or after one whose answer was
// lost, it is finished when it is repeated, as long as the session lives; and by
// Finish in any case, but not while somebody may be at it.
func TestEraseInterrupted(t *testing.T) {
	whole := newErasing(t)
	_, err := whole.Erase(t.Context(), whole.id, whole.tokens[0].Hash())
	whole.ok(err)
	if whole.calls < 15 {
		t.Fatalf("an erasure makes %d writes: that cannot be all", whole.calls)
	}
	for cut := range whole.calls {
		for _, after := range []bool{false, true} {
			for _, by := range []string{"repeated", "finished"} {
				when := fmt.Sprintf("cut at write %d (after it: %t) and %s", cut, after, by)
				e := newErasing(t)
				e.power.left, e.power.after = cut, after
				if after {
					e.power.left++
				}
				_, err := e.Erase(t.Context(), e.id, e.tokens[0].Hash())
				if !errors.Is(err, errCut) {
					t.Fatalf("%s: %v", when, err)
				}
				e.power.left = -1
				began, err := e.Pending(t.Context(), e.id)
				e.ok(err)
				switch {
				case by == "repeated":
					_, err = e.Erase(t.Context(), e.id, e.tokens[0].Hash())
					e.ok(err)
				case !began && cut == 0:
					continue // nothing was done
				case began:
					if n, err := e.Finish(t.Context()); n != 0 || err != nil {
						t.Errorf("%s: finished %d at once, %v", when, n, err)
					}
					e.clock = e.clock.Add(2 * time.Minute)
					if n, err := e.Finish(t.Context()); n != 1 || err != nil {
						t.Errorf("%s: finished %d, %v", when, n, err)
					}
				}
				e.wantGone(when)
			}
		}
	}
}

// A guest is found by the token alone, also when the erasure was interrupted.
func TestEraseGuest(t *testing.T) {
	e := newErasing(t)
	s, token, err := e.People.NewGuest(t.Context())
	e.ok(err)
	e.fill(s.Account)
	e.power.left = 3
	if _, err := e.Erase(t.Context(), s.Account, token.Hash()); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	e.power.left = -1
	e.clock = e.clock.Add(time.Hour)
	if n, err := e.Finish(t.Context()); n != 1 || err != nil {
		t.Fatalf("finished %d, %v", n, err)
	}
	if found := e.left(s.Account); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
	if _, err := e.sessions.Session(t.Context(), token.Hash()); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("the token is a session: %v", err)
	}
}
