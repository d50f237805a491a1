package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newsfeed/interests/account"
)

// Accounts proves that an implementation keeps the contract of [account.Accounts].
func Accounts(t *testing.T, fresh Fresh[account.Accounts]) {
	run(t, "account.Accounts", fresh, []testCase[account.Accounts]{
		{name: "every field comes back as it was created, by id and by e-mail", run: accountsRoundTrip},
		{name: "a taken id or e-mail is ErrExists, and nothing changes", run: accountsExist},
		{name: "Change replaces the version before, and no other", run: accountsChange},
		{name: "an e-mail that was given up is free, one that is taken is not", run: accountsMove},
		{name: "Delete frees the e-mail and may be repeated", run: accountsDelete},
		{name: "an identity is one account's, whatever e-mail; many have none", run: accountsIdentity},
		{name: "a store that is opened again has what it had", run: accountsReopen},
		{name: "what one node acknowledged every node reads at once", run: accountsReadYourWrites},
		{name: "of 12 who sign up with one e-mail on several nodes one succeeds", run: accountsRace},
		{name: "of 12 who come in with one identity on several nodes one makes the account", run: accountsIdentityRace},
		{name: "of 12 who change one account on several nodes one succeeds", run: accountsChangeRace},
		{name: "a context that has ended ends every call", run: func(t *testing.T, h Harness[account.Accounts]) {
			store, _ := h.Start(t)
			wantContext(t, accountCalls(t, store))
		}},
		{name: "a lost server is unavailable, and back when it is back", server: true, run: func(t *testing.T, h Harness[account.Accounts]) {
			store, _ := h.Start(t)
			wantLostAndBack(t, h.Lose, h.Heal, accountCalls(t, store), account.ErrUnavailable)
		}},
		{name: "a frozen server keeps no call beyond its deadline", server: true, run: func(t *testing.T, h Harness[account.Accounts]) {
			store, _ := h.Start(t)
			wantDeadlines(t, h.Freeze, h.Thaw, accountCalls(t, store))
		}},
	})
	t.Run("random operations agree with the model", func(t *testing.T) { accountsRandom(t, fresh) })
}

func accountsRoundTrip(t *testing.T, h Harness[account.Accounts]) {
	store, _ := h.Start(t)
	plain, resetting := newAccount(), newAccount()
	resetting.Reset = account.Reset{Hash: newHash(), Expires: inMillis(time.Hour)}
	resetting.Email = account.Email("jürgen.o'hara+news@" + strings.Repeat("a", 60) + string(resetting.Email[5:]))
	for _, a := range []account.Account{plain, resetting} {
		wantNoAccount(t, store, a)
		mustSignUp(t, store, a)
		wantAccount(t, store, a)
	}
}

func accountsExist(t *testing.T, h Harness[account.Accounts]) {
	store, _ := h.Start(t)
	first, sameID, sameEmail := newAccount(), newAccount(), newAccount()
	mustSignUp(t, store, first)
	sameID.ID, sameEmail.Email = first.ID, first.Email
	for _, a := range []account.Account{first, sameID, sameEmail} {
		if err := store.Create(background(t), a); !errors.Is(err, account.ErrExists) {
			t.Errorf("create what is taken: %v, want ErrExists", err)
		} else if strings.Contains(err.Error(), string(a.Email)) {
			t.Errorf("an e-mail stands in an error: %v", err)
		}
		wantAccount(t, store, first)
	}
	if _, err := store.ByEmail(background(t), sameID.Email); !errors.Is(err, account.ErrNoAccount) {
		t.Errorf("by the e-mail of what was not created: %v", err)
	}
}

func accountsChange(t *testing.T, h Harness[account.Accounts]) {
	store, _ := h.Start(t)
	a := newAccount()
	next := a
	next.Version, next.Password = 2, "another hash"
	if err := store.Change(background(t), next); !errors.Is(err, account.ErrNoAccount) {
		t.Errorf("change nothing: %v, want ErrNoAccount", err)
	}
	mustSignUp(t, store, a)
	next.Reset = account.Reset{Hash: newHash(), Expires: inMillis(time.Hour)}
	if err := store.Change(background(t), next); err != nil {
		t.Fatal(err)
	}
	wantAccount(t, store, next)
	for _, version := range []int64{0, 1, 2, 4} {
		stale := next
		stale.Version, stale.Password = version, "stale"
		if err := store.Change(background(t), stale); !errors.Is(err, account.ErrChanged) {
			t.Errorf("to version %d from 2: %v, want ErrChanged", version, err)
		}
	}
	wantAccount(t, store, next)
	next.Version, next.Reset = 3, account.Reset{}
	if err := store.Change(background(t), next); err != nil {
		t.Fatal(err)
	}
	wantAccount(t, store, next)
}

func accountsMove(t *testing.T, h Harness[account.Accounts]) {
	store, _ := h.Start(t)
	a, b := newAccount(), newAccount()
	mustSignUp(t, store, a)
	mustSignUp(t, store, b)
	moved := a
	moved.Version, moved.Email = 2, b.Email
	if err := store.Change(background(t), moved); !errors.Is(err, account.ErrExists) {
		t.Errorf("to a taken e-mail: %v, want ErrExists", err)
	}
	wantAccount(t, store, a)
	wantAccount(t, store, b)
	moved.Email = newAccount().Email
	if err := store.Change(background(t), moved); err != nil {
		t.Fatal(err)
	}
	wantAccount(t, store, moved)
	heir := newAccount()
	heir.Email = a.Email
	mustSignUp(t, store, heir)
	wantAccount(t, store, heir)
}

func accountsDelete(t *testing.T, h Harness[account.Accounts]) {
	store, _ := h.Start(t)
	a, stays := newAccount(), newAccount()
	mustSignUp(t, store, a)
	mustSignUp(t, store, stays)
	for range 2 {
		if err := store.Delete(background(t), a.ID); err != nil {
			t.Fatal(err)
		}
		wantNoAccount(t, store, a)
	}
	wantAccount(t, store, stays)
	mustSignUp(t, store, a)
	wantAccount(t, store, a)
}

func accountsIdentity(t *testing.T, h Harness[account.Accounts]) {
	store, _ := h.Start(t)
	ann, ben, both := newOutsider("https://id.example", "ann"), newOutsider("https://id.example", "ben"), newAccount()
	elsewhere := newOutsider("https://other.example", "ann")
	both.Identity = account.Identity{Issuer: "https://id.example", Subject: "both"}
	all := []account.Account{ann, ben, elsewhere, both}
	for _, a := range all {
		wantNoIdentity(t, store, a.Identity)
		mustSignUp(t, store, a)
	}
	taken := newAccount()
	taken.Identity = ann.Identity
	if err := store.Create(background(t), taken); !errors.Is(err, account.ErrExists) {
		t.Errorf("create with a taken identity: %v, want ErrExists", err)
	}
	moved := ben
	moved.Version, moved.Identity = 2, ann.Identity
	if err := store.Change(background(t), moved); !errors.Is(err, account.ErrExists) {
		t.Errorf("change to a taken identity: %v, want ErrExists", err)
	}
	for _, a := range all {
		wantIdentity(t, store, a)
	}
	if err := store.Delete(background(t), ann.ID); err != nil {
		t.Fatal(err)
	}
	wantNoIdentity(t, store, ann.Identity)
	if err := store.Change(background(t), moved); err != nil {
		t.Fatal(err)
	}
	wantIdentity(t, store, moved)
	wantNoIdentity(t, store, ben.Identity)
}

func accountsIdentityRace(t *testing.T, h Harness[account.Accounts]) {
	nodes := h.Nodes(t, 3)
	var won atomic.Pointer[account.Account]
	inParallel(12, func(i int) {
		a := newOutsider("https://id.example", "ann")
		switch err := nodes[i%len(nodes)].Create(background(t), a); {
		case err == nil && !won.CompareAndSwap(nil, &a):
			t.Error("two accounts have one identity")
		case err != nil && !errors.Is(err, account.ErrExists):
			t.Errorf("create: %v, want ErrExists", err)
		}
	})
	if won.Load() == nil {
		t.Fatal("nobody has come in")
	}
	wantIdentity(t, nodes[0], *won.Load())
}

// newOutsider is an account without an e-mail address.
func newOutsider(issuer, subject string) account.Account {
	return account.Account{ID: account.NewID(), Version: 1, Identity: account.Identity{Issuer: issuer, Subject: subject}, Created: inMillis(0)}
}

func wantIdentity(t testing.TB, store account.Accounts, want account.Account) {
	t.Helper()
	byID, err := store.Account(background(t), want.ID)
	byIdentity, err2 := store.ByIdentity(background(t), want.Identity)
	if err = errors.Join(err, err2); err != nil {
		t.Fatalf("account: %v", err)
	}
	if diff := cmp.Diff([]account.Account{want, want}, []account.Account{byID, byIdentity}); diff != "" {
		t.Fatalf("the account is another (-want +got, by id and by identity):\n%s", diff)
	}
}

func wantNoIdentity(t testing.TB, store account.Accounts, who account.Identity) {
	t.Helper()
	if got, err := store.ByIdentity(background(t), who); !errors.Is(err, account.ErrNoAccount) || got != (account.Account{}) {
		t.Fatalf("by identity %v: %+v, %v; want ErrNoAccount", who, got, err)
	}
}

func accountsReopen(t *testing.T, h Harness[account.Accounts]) {
	store, stop := h.Start(t)
	a := newAccount()
	mustSignUp(t, store, a)
	stop()
	store, _ = h.Start(t)
	wantAccount(t, store, a)
}

func accountsReadYourWrites(t *testing.T, h Harness[account.Accounts]) {
	nodes := h.Nodes(t, 2)
	for i := range 6 {
		writer, reader := nodes[i%2], nodes[(i+1)%2]
		a := newAccount()
		mustSignUp(t, writer, a)
		wantAccount(t, reader, a)
		a.Version, a.Password = 2, "another hash"
		if err := reader.Change(background(t), a); err != nil {
			t.Fatal(err)
		}
		wantAccount(t, writer, a)
	}
}

func accountsRace(t *testing.T, h Harness[account.Accounts]) {
	nodes := h.Nodes(t, 3)
	email := newAccount().Email
	var won atomic.Pointer[account.Account]
	inParallel(12, func(i int) {
		a := newAccount()
		a.Email = email
		switch err := nodes[i%len(nodes)].Create(background(t), a); {
		case err == nil && !won.CompareAndSwap(nil, &a):
			t.Error("two have signed up with one e-mail")
		case err != nil && !errors.Is(err, account.ErrExists):
			t.Errorf("create: %v, want ErrExists", err)
		}
	})
	if won.Load() == nil {
		t.Fatal("nobody has signed up")
	}
	wantAccount(t, nodes[0], *won.Load())
}

func accountsChangeRace(t *testing.T, h Harness[account.Accounts]) {
	nodes := h.Nodes(t, 3)
	a := newAccount()
	mustSignUp(t, nodes[0], a)
	var won atomic.Pointer[account.Account]
	inParallel(12, func(i int) {
		next := a
		next.Version, next.Password = 2, fmt.Sprint("hash ", i)
		switch err := nodes[i%len(nodes)].Change(background(t), next); {
		case err == nil && !won.CompareAndSwap(nil, &next):
			t.Error("two have made version 2")
		case err != nil && !errors.Is(err, account.ErrChanged):
			t.Errorf("change: %v, want ErrChanged", err)
		}
	})
	if won.Load() == nil {
		t.Fatal("nobody has changed the account")
	}
	wantAccount(t, nodes[0], *won.Load())
}

func accountCalls(t *testing.T, store account.Accounts) []storeCall {
	a := newAccount()
	mustSignUp(t, store, a)
	return []storeCall{
		{"Create", func(ctx context.Context) error { return store.Create(ctx, newAccount()) }},
		{"Account", func(ctx context.Context) error { _, err := store.Account(ctx, a.ID); return err }},
		{"ByEmail", func(ctx context.Context) error { _, err := store.ByEmail(ctx, a.Email); return err }},
		{"ByIdentity", func(ctx context.Context) error {
			_, err := store.ByIdentity(ctx, account.Identity{Issuer: "https://id.example", Subject: "nobody"})
			if errors.Is(err, account.ErrNoAccount) { // it was asked, and so was there
				return nil
			}
			return err
		}},
		{"Change", func(ctx context.Context) error {
			err := store.Change(ctx, account.Account{ID: a.ID, Version: 7, Email: a.Email})
			if errors.Is(err, account.ErrChanged) { // it was asked, and so was there
				return nil
			}
			return err
		}},
		{"Delete", func(ctx context.Context) error { return store.Delete(ctx, account.NewID()) }},
	}
}

func accountsRandom(t *testing.T, fresh Fresh[account.Accounts]) {
	checkRandom(t, fresh, 15, func(r *rapid.T, h Harness[account.Accounts]) {
		store, stop := h.Start(t)
		defer func() { stop() }()
		model, ids, emails := new(ModelAccounts), []account.ID{account.NewID(), account.NewID(), account.NewID()},
			[]account.Email{newAccount().Email, newAccount().Email, ""}
		identities := []account.Identity{{}, {Issuer: "https://id.example", Subject: "ann"}, {Issuer: "https://id.example", Subject: "ben"}}
		drawn := func() account.Account {
			a := newAccount()
			a.ID, a.Email = rapid.SampledFrom(ids).Draw(r, "id"), rapid.SampledFrom(emails).Draw(r, "e-mail")
			a.Identity = rapid.SampledFrom(identities).Draw(r, "identity")
			a.Version = rapid.Int64Range(1, 3).Draw(r, "version")
			return a
		}
		agree := func(what string, do func(account.Accounts) error) {
			want, got := do(model), do(store)
			for _, named := range []error{account.ErrExists, account.ErrNoAccount, account.ErrChanged, nil} {
				if errors.Is(want, named) != errors.Is(got, named) {
					r.Fatalf("%s: %v, the model says %v", what, got, want)
				}
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"create": func(*rapid.T) {
				a := drawn()
				agree("Create", func(s account.Accounts) error { return s.Create(context.Background(), a) })
			},
			"change": func(*rapid.T) {
				a := drawn()
				agree("Change", func(s account.Accounts) error { return s.Change(context.Background(), a) })
			},
			"delete": func(*rapid.T) {
				id := rapid.SampledFrom(ids).Draw(r, "id")
				agree("Delete", func(s account.Accounts) error { return s.Delete(context.Background(), id) })
			},
			"": func(*rapid.T) {
				var found [2][]account.Account
				for i, s := range []account.Accounts{model, store} {
					for _, id := range ids {
						a, err := s.Account(context.Background(), id)
						if err != nil && !errors.Is(err, account.ErrNoAccount) {
							r.Fatal(err)
						}
						found[i] = append(found[i], a)
					}
					for _, who := range identities[1:] {
						a, err := s.ByIdentity(context.Background(), who)
						if err != nil && !errors.Is(err, account.ErrNoAccount) {
							r.Fatal(err)
						}
						found[i] = append(found[i], a)
					}
					for _, email := range emails {
						a, err := s.ByEmail(context.Background(), email)
						if err != nil && !errors.Is(err, account.ErrNoAccount) {
							r.Fatal(err)
						}
						found[i] = append(found[i], a)
					}
				}
				if diff := cmp.Diff(found[0], found[1]); diff != "" {
					r.Fatalf("the accounts are not the model's (-model +store):\n%s", diff)
				}
			},
		})
	})
}

func newAccount() account.Account {
	id := account.NewID()
	return account.Account{ID: id, Version: 1, Email: account.Email("ann-" + id.String() + "@example.org"),
		Password: "$argon2id$…", Created: inMillis(0)}
}

func mustSignUp(t testing.TB, store account.Accounts, a account.Account) {
	t.Helper()
	if err := store.Create(background(t), a); err != nil {
		t.Fatalf("create account: %v", err)
	}
}

func wantAccount(t testing.TB, store account.Accounts, want account.Account) {
	t.Helper()
	byID, err := store.Account(background(t), want.ID)
	byEmail, err2 := store.ByEmail(background(t), want.Email)
	if err = errors.Join(err, err2); err != nil {
		t.Fatalf("account: %v", err)
	}
	if diff := cmp.Diff([]account.Account{want, want}, []account.Account{byID, byEmail}); diff != "" {
		t.Fatalf("the account is another (-want +got, by id and by e-mail):\n%s", diff)
	}
}

func wantNoAccount(t testing.TB, store account.Accounts, a account.Account) {
	t.Helper()
	got, err := store.Account(background(t), a.ID)
	got2, err2 := store.ByEmail(background(t), a.Email)
	if !errors.Is(err, account.ErrNoAccount) || !errors.Is(err2, account.ErrNoAccount) || got != (account.Account{}) || got2 != got {
		t.Fatalf("account: %+v, %v; %+v, %v; want ErrNoAccount", got, err, got2, err2)
	}
}
