package storagetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"newsfeed/interests/account"
)

// Sessions proves that an implementation keeps the contract of [account.Store].
func Sessions(t *testing.T, fresh Fresh[account.Store]) {
	run(t, "account.Store", fresh, []testCase[account.Store]{
		{name: "a hash that was never stored has no session", run: sessionsNone},
		{name: "every field comes back as it was created", run: sessionsRoundTrip},
		{name: "a taken hash is ErrExists and stays as it was", run: sessionsExist},
		{name: "Renew replaces what is there, all of it, and makes nothing", run: sessionsRenew},
		{name: "End removes, and may be repeated", run: sessionsEnd},
		{name: "a session is gone when it has expired, not before, and its hash is free", run: sessionsExpire},
		{name: "a session that has expired already is gone at once", run: sessionsPast},
		{name: "a store that is opened again has what it had", run: sessionsReopen},
		{name: "what one node acknowledged every node reads at once", run: sessionsReadYourWrites},
		{name: "of 16 who create one session on several nodes one succeeds", run: sessionsRace},
		{name: "an ended session is not brought back by those who renew it", run: sessionsEndRace},
		{name: "a session is spent once, and what is spent is renewed by its own merge only", run: sessionsSpend},
		{name: "of 16 who spend one session on several nodes all get the first's", run: sessionsSpendRace},
		{name: "Of returns the live sessions of one member and of guests merged into it, and no other guest's", run: sessionsOf},
		{name: "a context that has ended ends every call", run: func(t *testing.T, h Harness[account.Store]) {
			store, _ := h.Start(t)
			wantContext(t, sessionCalls(t, store))
		}},
		{name: "a lost server is unavailable, and back when it is back", server: true, run: func(t *testing.T, h Harness[account.Store]) {
			store, _ := h.Start(t)
			wantLostAndBack(t, h.Lose, h.Heal, sessionCalls(t, store), account.ErrUnavailable)
		}},
		{name: "a killed server has every acknowledged session", server: true, run: sessionsKilled},
		{name: "a frozen server keeps no call beyond its deadline", server: true, run: func(t *testing.T, h Harness[account.Store]) {
			store, _ := h.Start(t)
			wantDeadlines(t, h.Freeze, h.Thaw, sessionCalls(t, store))
		}},
	})
	t.Run("random operations agree with the model", func(t *testing.T) { sessionsRandom(t, fresh) })
}

func sessionsNone(t *testing.T, h Harness[account.Store]) {
	store, _ := h.Start(t)
	wantNoSession(t, store, newHash())
}

func sessionsRoundTrip(t *testing.T, h Harness[account.Store]) {
	store, _ := h.Start(t)
	kept, zero := session(time.Hour), account.Session{Expires: inMillis(time.Hour)}
	kept.Kept, kept.Created = true, time.Date(2026, 2, 28, 23, 59, 59, 999_999_999, time.UTC)
	member := session(10 * 365 * 24 * time.Hour)
	member.Guest, member.Label = false, "Annas “Telefon” 📱"
	for _, s := range []account.Session{session(time.Hour), kept, member, zero} {
		h := newHash()
		mustCreate(t, store, h, s)
		wantSession(t, store, h, s)
	}
	last := account.Hash{}
	for i := range last {
		last[i] = 0xff
	}
	for _, h := range []account.Hash{{}, last} { // any hash will do
		s := session(time.Hour)
		if err := store.End(background(t), h); err != nil {
			t.Fatal(err)
		}
		mustCreate(t, store, h, s)
		wantSession(t, store, h, s)
	}
}

func sessionsExist(t *testing.T, h Harness[account.Store]) {
	store, _ := h.Start(t)
	hash, first := newHash(), session(time.Hour)
	mustCreate(t, store, hash, first)
	for _, s := range []account.Session{first, session(2 * time.Hour), session(-time.Hour)} {
		if err := store.Create(background(t), hash, s); !errors.Is(err, account.ErrExists) {
			t.Errorf("create what exists: %v, want ErrExists", err)
		}
		wantSession(t, store, hash, first)
	}
	wantNoSession(t, store, newHash())
}

func sessionsRenew(t *testing.T, h Harness[account.Store]) {
	store, _ := h.Start(t)
	hash, next := newHash(), session(time.Hour)
	if err := store.Renew(background(t), hash, next); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("renew nothing: %v, want ErrNoSession", err)
	}
	wantNoSession(t, store, hash)
	mustCreate(t, store, hash, session(time.Hour))
	for _, next := range []account.Session{session(2 * time.Hour), session(time.Minute)} {
		mustRenew(t, store, hash, next)
		wantSession(t, store, hash, next)
	}
	mustRenew(t, store, hash, session(-time.Minute)) // renewed into the past: ended
	wantNoSession(t, store, hash)
	if err := store.Renew(background(t), hash, next); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("renew what has expired: %v, want ErrNoSession", err)
	}
	wantNoSession(t, store, hash)
}

func sessionsEnd(t *testing.T, h Harness[account.Store]) {
	store, _ := h.Start(t)
	hash, other := newHash(), newHash()
	mustEnd(t, store, hash)
	mustCreate(t, store, hash, session(time.Hour))
	stays := session(time.Hour)
	mustCreate(t, store, other, stays)
	for range 2 {
		mustEnd(t, store, hash)
		wantNoSession(t, store, hash)
	}
	if err := store.Renew(background(t), hash, session(time.Hour)); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("renew what was ended: %v, want ErrNoSession", err)
	}
	wantSession(t, store, other, stays)
	again := session(time.Hour)
	mustCreate(t, store, hash, again)
	wantSession(t, store, hash, again)
}

func sessionsExpire(t *testing.T, h Harness[account.Store]) {
	store, _ := h.Start(t)
	created, renewed, longer := newHash(), newHash(), newHash()
	brief, long := session(soon), session(time.Hour)
	mustCreate(t, store, renewed, long)
	mustCreate(t, store, longer, session(time.Minute))
	mustRenew(t, store, longer, long)
	mustRenew(t, store, renewed, brief)
	mustCreate(t, store, created, brief)
	for _, hash := range []account.Hash{created, renewed} {
		eventually(t, "the session has expired", func() bool {
			_, err := store.Session(background(t), hash)
			if err != nil && (!errors.Is(err, account.ErrNoSession) || time.Now().Before(brief.Expires)) {
				t.Fatalf("%v before its time: %v", time.Until(brief.Expires), err)
			}
			return err != nil
		})
		if err := store.Renew(background(t), hash, long); !errors.Is(err, account.ErrNoSession) {
			t.Errorf("renew what has expired: %v, want ErrNoSession", err)
		}
		again := session(time.Hour)
		mustCreate(t, store, hash, again)
		wantSession(t, store, hash, again)
	}
	wantSession(t, store, longer, long)
}

func sessionsPast(t *testing.T, h Harness[account.Store]) {
	store, _ := h.Start(t)
	for _, expires := range []time.Time{time.Now().Add(-time.Second), time.Unix(0, 0), time.Unix(-1, 0), {}} {
		hash, past := newHash(), session(0)
		past.Expires = expires
		mustCreate(t, store, hash, past)
		wantNoSession(t, store, hash)
		s := session(time.Hour)
		mustCreate(t, store, hash, s)
		wantSession(t, store, hash, s)
	}
}

func sessionsReopen(t *testing.T, h Harness[account.Store]) {
	store, stop := h.Start(t)
	created, renewed, ended := newHash(), newHash(), newHash()
	first, second := session(time.Hour), session(2*time.Hour)
	mustCreate(t, store, created, first)
	mustCreate(t, store, renewed, first)
	mustRenew(t, store, renewed, second)
	mustCreate(t, store, ended, first)
	mustEnd(t, store, ended)
	for range 2 {
		stop()
		store, stop = h.Start(t)
		wantSession(t, store, created, first)
		wantSession(t, store, renewed, second)
		wantNoSession(t, store, ended)
	}
}

func sessionsReadYourWrites(t *testing.T, h Harness[account.Store]) {
	nodes := h.Nodes(t, 2)
	for i := range 20 {
		hash, writer, reader := newHash(), nodes[i%2], nodes[(i+1)%2]
		first, second := session(time.Hour), session(2*time.Hour)
		mustCreate(t, writer, hash, first)
		wantSession(t, reader, hash, first)
		mustRenew(t, reader, hash, second)
		wantSession(t, writer, hash, second)
		mustEnd(t, writer, hash)
		wantNoSession(t, reader, hash)
	}
}

func sessionsRace(t *testing.T, h Harness[account.Store]) {
	nodes := h.Nodes(t, 4)
	for range 5 {
		hash := newHash()
		var won atomic.Pointer[account.Session]
		inParallel(16, func(i int) {
			s := session(time.Hour)
			switch err := nodes[i%len(nodes)].Create(background(t), hash, s); {
			case err == nil && !won.CompareAndSwap(nil, &s):
				t.Error("two have created one session")
			case err != nil && !errors.Is(err, account.ErrExists):
				t.Errorf("create: %v, want ErrExists", err)
			}
		})
		if won.Load() == nil {
			t.Fatal("nobody has created the session")
		}
		wantSession(t, nodes[0], hash, *won.Load())
	}
}

func sessionsEndRace(t *testing.T, h Harness[account.Store]) {
	nodes := h.Nodes(t, 4)
	for range 5 {
		hash := newHash()
		mustCreate(t, nodes[0], hash, session(time.Hour))
		inParallel(16, func(i int) {
			node := nodes[i%len(nodes)]
			if i == 7 {
				if err := node.End(background(t), hash); err != nil {
					t.Errorf("end: %v", err)
				}
				return
			}
			if err := node.Renew(background(t), hash, session(time.Hour)); err != nil && !errors.Is(err, account.ErrNoSession) {
				t.Errorf("renew: %v", err)
			}
		})
		wantNoSession(t, nodes[0], hash)
	}
}

func sessionsSpend(t *testing.T, h Harness[account.Store]) {
	store, _ := h.Start(t)
	hash, was := newHash(), session(time.Hour)
	if _, err := store.Spend(background(t), hash, spent(was)); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("spend nothing: %v, want ErrNoSession", err)
	}
	mustCreate(t, store, hash, was)
	first := spent(was)
	for _, s := range []account.Session{first, first, spent(was)} {
		got, err := store.Spend(background(t), hash, s)
		if err != nil || got != first {
			t.Fatalf("spend: %+v, %v, want the first's %+v", got, err, first)
		}
		wantSession(t, store, hash, first)
	}
	for _, s := range []account.Session{was, spent(was)} {
		if err := store.Renew(background(t), hash, s); !errors.Is(err, account.ErrMerged) || !errors.Is(err, account.ErrNoSession) {
			t.Errorf("renew what was merged: %v, want ErrMerged", err)
		}
	}
	wantSession(t, store, hash, first)
	first.Merged.Done = true
	mustRenew(t, store, hash, first)
	wantSession(t, store, hash, first)
	mustEnd(t, store, hash)
	if _, err := store.Spend(background(t), hash, first); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("spend what was ended: %v, want ErrNoSession", err)
	}
}

func sessionsSpendRace(t *testing.T, h Harness[account.Store]) {
	nodes := h.Nodes(t, 4)
	hash, was := newHash(), session(time.Hour)
	mustCreate(t, nodes[0], hash, was)
	var got [16]account.Session
	inParallel(len(got), func(i int) {
		var err error
		if got[i], err = nodes[i%len(nodes)].Spend(background(t), hash, spent(was)); err != nil {
			t.Errorf("spend: %v", err)
		}
	})
	for _, s := range got {
		if s != got[0] {
			t.Fatalf("two have spent one session: %+v, %+v", s, got[0])
		}
	}
	wantSession(t, nodes[0], hash, got[0])
}

// spent is a session after a merge of its own.
func spent(s account.Session) account.Session {
	s.Merged = account.Merged{Merge: uuid.Must(uuid.NewV7()), Account: account.NewID()}
	return s
}

func sessionsOf(t *testing.T, h Harness[account.Store]) {
	nodes := h.Nodes(t, 2)
	ann, ben := account.NewID(), account.NewID()
	want := map[account.Hash]account.Session{}
	for i, expires := range []time.Duration{time.Hour, 2 * time.Hour, time.Hour, -time.Hour} {
		s, hash := session(expires), newHash()
		s.Guest, s.Account = false, ann
		mustCreate(t, nodes[i%2], hash, s)
		if expires > 0 {
			want[hash] = s
		}
		if i == 0 {
			s.Expires = inMillis(3 * time.Hour)
			mustRenew(t, nodes[1], hash, s)
			want[hash] = s
		}
		if i == 2 {
			mustEnd(t, nodes[1], hash)
			delete(want, hash)
		}
	}
	merged, hash := session(time.Hour), newHash()
	merged.Guest = true
	mustCreate(t, nodes[0], hash, merged)
	merged.Merged = account.Merged{Merge: uuid.Must(uuid.NewV7()), Account: ann}
	for i, into := range []account.ID{ann, ben} { // who comes second spends nothing
		s := merged
		s.Merged.Account = into
		if _, err := nodes[i].Spend(background(t), hash, s); err != nil {
			t.Fatal(err)
		}
	}
	want[hash] = merged
	link, hash := session(time.Hour), newHash() // a guest's, and for one thing only
	link.Account, link.Use, link.Origin, link.Maker, link.Used = ann, account.UseFeed, "https://paper.example", newHash(), inMillis(0)
	mustCreate(t, nodes[1], hash, link)
	want[hash] = link
	other, guest := session(time.Hour), session(time.Hour)
	other.Guest, other.Account, guest.Account = false, ben, ann
	mustCreate(t, nodes[0], newHash(), other)
	mustCreate(t, nodes[0], newHash(), guest)
	for _, node := range nodes {
		held, err := node.Of(background(t), ann)
		got := map[account.Hash]account.Session{}
		for _, h := range held {
			got[h.Hash] = h.Session
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" || len(held) != len(want) {
			t.Fatalf("sessions of a member: %v (-want +got)\n%s", err, diff)
		}
		if held, err := node.Of(background(t), account.NewID()); err != nil || len(held) != 0 {
			t.Fatalf("sessions of nobody: %v, %v", held, err)
		}
	}
	if held, err := nodes[0].Of(background(t), ben); err != nil || len(held) != 1 {
		t.Fatalf("sessions of another: %v, %v", held, err)
	}
	for hash := range want {
		mustEnd(t, nodes[1], hash)
	}
	if err := nodes[0].Unlist(background(t), ann); err != nil {
		t.Fatal(err)
	}
	if held, err := nodes[1].Of(background(t), ann); err != nil || len(held) != 0 {
		t.Fatalf("sessions of who has none: %v, %v", held, err)
	}
}

// Who was told that they are signed in when the server was killed, is.
func sessionsKilled(t *testing.T, h Harness[account.Store]) {
	const devices = 4
	store, stop := h.Start(t)
	var acked [devices][]account.Hash
	same := session(time.Hour)
	writeUntilKilled(t, h.Lose, devices, account.ErrUnavailable, func(ctx context.Context, d, _ int) error {
		hash := newHash()
		err := store.Create(ctx, hash, same)
		if err == nil {
			acked[d] = append(acked[d], hash)
		}
		return err
	})
	h.Heal(t)
	stop()
	store, _ = h.Start(t)
	for _, hashes := range acked {
		for _, hash := range hashes {
			wantSession(t, store, hash, same)
		}
	}
}

func sessionCalls(t *testing.T, store account.Store) []storeCall {
	hash, spent := newHash(), newHash()
	mustCreate(t, store, hash, session(time.Hour))
	mustCreate(t, store, spent, session(time.Hour))
	return []storeCall{
		{"Create", func(ctx context.Context) error { return store.Create(ctx, newHash(), session(time.Hour)) }},
		{"Session", func(ctx context.Context) error { _, err := store.Session(ctx, hash); return err }},
		{"Renew", func(ctx context.Context) error { return store.Renew(ctx, hash, session(time.Hour)) }},
		{"Spend", func(ctx context.Context) error { _, err := store.Spend(ctx, spent, session(time.Hour)); return err }},
		{"End", func(ctx context.Context) error { return store.End(ctx, newHash()) }},
		{"Of", func(ctx context.Context) error { _, err := store.Of(ctx, account.NewID()); return err }},
		{"Unlist", func(ctx context.Context) error { return store.Unlist(ctx, account.NewID()) }},
	}
}

// session is a guest's that expires after a time.
func session(expires time.Duration) account.Session {
	return account.Session{
		ID:      uuid.Must(uuid.NewV7()),
		Account: account.NewID(),
		Guest:   true,
		Created: time.Now().UTC().Truncate(time.Millisecond),
		Expires: inMillis(expires),
	}
}

func inMillis(d time.Duration) time.Time { return time.Now().Add(d).UTC().Truncate(time.Millisecond) }

func newHash() account.Hash { return account.NewSecret().Hash() }

// inParallel starts n at the same moment and waits for all.
func inParallel(n int, do func(i int)) {
	var group sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		group.Go(func() {
			<-begin
			do(i)
		})
	}
	close(begin)
	group.Wait()
}

func mustCreate(t testing.TB, store account.Store, h account.Hash, s account.Session) {
	t.Helper()
	if err := store.Create(background(t), h, s); err != nil {
		t.Fatalf("create session: %v", err)
	}
}

func mustRenew(t testing.TB, store account.Store, h account.Hash, s account.Session) {
	t.Helper()
	if err := store.Renew(background(t), h, s); err != nil {
		t.Fatalf("renew session: %v", err)
	}
}

func mustEnd(t testing.TB, store account.Store, h account.Hash) {
	t.Helper()
	if err := store.End(background(t), h); err != nil {
		t.Fatalf("end session: %v", err)
	}
}

func wantSession(t testing.TB, store account.Store, h account.Hash, want account.Session) {
	t.Helper()
	got, err := store.Session(background(t), h)
	if err != nil {
		t.Fatalf("session: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the session is another (-want +got):\n%s", diff)
	}
}

func wantNoSession(t testing.TB, store account.Store, h account.Hash) {
	t.Helper()
	if got, err := store.Session(background(t), h); !errors.Is(err, account.ErrNoSession) || got != (account.Session{}) {
		t.Fatalf("session: %+v, %v, want ErrNoSession", got, err)
	}
}
