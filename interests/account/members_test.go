package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"newsfeed/interests/account"
	"newsfeed/storage/storagetest"
)

// An address has one form however it is typed, and what is none is refused.
func TestParseEmail(t *testing.T) {
	for text, want := range map[string]account.Email{
		" Ann@Example.ORG ":     "ann@example.org",
		"ａｎｎ@example.org":       "ann@example.org",
		"ann+news@example.org":  "ann+news@example.org",
		"jürgen@BÜCHER.example": "jürgen@xn--bcher-kva.example",
		"o'hara@example.co.uk":  "o'hara@example.co.uk",
	} {
		if got, err := account.ParseEmail(text); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "ann", "@example.org", "ann@", "ann@localhost", "ann@@example.org", "a b@example.org", "ann@exa mple.org",
		"ann@192.0.2.1", "ann@[192.0.2.1]", `"ann"@example.org`, "ann.@example.org", "a..b@example.org", "Ann <ann@example.org>",
		"ann@example.org\r\nBcc: ben@example.org", "ann\x00@example.org", "ann@-example.org", "ann@example..org",
		strings.Repeat("a", 65) + "@example.org", "ann@" + strings.Repeat("a.", 130) + "org",
	} {
		if got, err := account.ParseEmail(text); !errors.Is(err, account.ErrEmail) || got != "" {
			t.Errorf("%q: %q, %v, want ErrEmail", text, got, err)
		}
	}
}

// A password is the same from every keyboard, and never printed.
func TestPassword(t *testing.T) {
	for text, ok := range map[account.Password]bool{
		"1234567": false, "12345678": true, "aaaaaaaa": true, "ｐａｓｓｗｏｒｄ": true, "  spaces  ": true,
		account.Password(strings.Repeat("ä", 256)): true, account.Password(strings.Repeat("ä", 257)): false,
		account.Password(strings.Repeat("x", 1<<20)): false, "12345678\xff": false,
	} {
		if _, err := text.Normal(); (err == nil) != ok {
			t.Errorf("%.20q: %v, want ok %v", string(text), err, ok)
		}
	}
	if got := fmt.Sprintf("%v %s %+v %#v %q", account.Password("hunter22"), account.Password("hunter22"), struct{ P account.Password }{"hunter22"},
		account.Password("hunter22"), account.Password("hunter22")); strings.Contains(got, "hunter22") {
		t.Errorf("a password was printed: %s", got)
	}
	p := account.NewPasswords(account.StandardCost)
	normal, _ := account.Password("ｐａｓｓｗｏｒｄ").Normal()
	hash, err := p.Hash(ctx, normal)
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%q, %v", hash, err)
	}
	for password, want := range map[account.Password]bool{"password": true, "Password": false, "": false} {
		if ok, err := p.Verify(ctx, hash, password); ok != want || err != nil {
			t.Errorf("verify %q: %v, %v, want %v", string(password), ok, err, want)
		}
	}
	if ok, err := p.Verify(ctx, "", "password"); ok || err != nil {
		t.Errorf("nobody's password: %v, %v", ok, err)
	}
	for _, damaged := range []string{"x", "$argon2id$v=19$m=4294967295,t=2,p=1$YWFhYWFhYWE$YWFhYWFhYWFhYWFhYWFhYWE", hash[:len(hash)-30]} {
		if ok, err := p.Verify(ctx, damaged, "password"); ok || err == nil {
			t.Errorf("verify with the hash %q: %v, %v", damaged, ok, err)
		}
	}
}

// members are those of model stores, with a clock.
func members(t *testing.T, guesses account.Allowance) (*account.Members, *account.People, *clock) {
	t.Helper()
	c := &clock{time.Now()}
	people := account.NewPeople(storagetest.NewModelSessions(), c.now)
	cheap := account.NewPasswords(account.Cost{Memory: 64, Passes: 1, Lanes: 1})
	return account.NewMembers(new(storagetest.ModelAccounts), people, cheap, new(storagetest.ModelLimits), guesses, c.now), people, c
}

func TestSignUpAndIn(t *testing.T) {
	m, people, _ := members(t, account.Allowance{})
	id := account.NewID()
	a, err := m.SignUp(ctx, id, "ann@example.org", "correct horse")
	if err != nil || a.ID != id {
		t.Fatalf("%+v, %v", a, err)
	}
	if again, err := m.SignUp(ctx, id, "ann@example.org", "correct horse"); err != nil || again != a {
		t.Errorf("repeated: %+v, %v", again, err)
	}
	for what, err := range map[string]error{
		"another's address": func() error { _, err := m.SignUp(ctx, account.NewID(), "ann@example.org", "correct horse"); return err }(),
		"another password":  func() error { _, err := m.SignUp(ctx, id, "ann@example.org", "another horse"); return err }(),
	} {
		if !errors.Is(err, account.ErrEmailTaken) {
			t.Errorf("%s: %v, want ErrEmailTaken", what, err)
		}
	}
	if _, err := m.SignUp(ctx, id, "ben@example.org", "correct horse"); !errors.Is(err, account.ErrMerged) {
		t.Errorf("a guest who has signed up: %v, want ErrMerged", err)
	}
	if _, err := m.Verify(ctx, "ann@example.org", "wrong horse"); !errors.Is(err, account.ErrWrong) {
		t.Errorf("wrong password: %v", err)
	}
	if _, err := m.Verify(ctx, "ben@example.org", "correct horse"); !errors.Is(err, account.ErrWrong) {
		t.Errorf("unknown address: %v", err)
	}
	var first account.Session
	for i := range account.MaxSessions + 1 {
		s, _, err := m.SignIn(ctx, a, fmt.Sprint("device ", i))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = s
		}
	}
	held, err := people.Sessions(ctx, id)
	if err != nil || len(held) != account.MaxSessions {
		t.Fatalf("%d sessions, %v", len(held), err)
	}
	for _, h := range held {
		if h.ID == first.ID {
			t.Error("the oldest session is still there")
		}
	}
}

// A password that changes while somebody signs in with the old one leaves them out.
func TestChangePassword(t *testing.T) {
	m, people, _ := members(t, account.Allowance{})
	a, err := m.SignUp(ctx, account.NewID(), "ann@example.org", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	_, here, err := m.SignIn(ctx, a, "here")
	_, there, err2 := m.SignIn(ctx, a, "there")
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if err := m.ChangePassword(ctx, a.ID, here.Hash(), "wrong horse", "staple battery"); !errors.Is(err, account.ErrWrong) {
		t.Errorf("wrong current: %v", err)
	}
	if err := m.ChangePassword(ctx, a.ID, here.Hash(), "correct horse", "staple battery"); err != nil {
		t.Fatal(err)
	}
	if _, err := people.Who(ctx, here); err != nil {
		t.Errorf("the device that changed it: %v", err)
	}
	if _, err := people.Who(ctx, there); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("the other device: %v", err)
	}
	if _, _, err := m.SignIn(ctx, a, "late"); !errors.Is(err, account.ErrWrong) {
		t.Errorf("a sign-in that was verified before: %v", err)
	}
	if held, err := people.Sessions(ctx, a.ID); err != nil || len(held) != 1 {
		t.Errorf("%d sessions, %v", len(held), err)
	}
}

func TestGuesses(t *testing.T) {
	m, _, _ := members(t, account.Allowance{Calls: 3, Window: time.Hour})
	for i, email := range []account.Email{"ann@example.org", "nobody@example.org"} {
		if i == 0 {
			if _, err := m.SignUp(ctx, account.NewID(), email, "correct horse"); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if _, err := m.Verify(ctx, email, "wrong horse"); !errors.Is(err, account.ErrWrong) {
				t.Errorf("%s: %v", email, err)
			}
		}
		var often *account.TooOften
		if _, err := m.Verify(ctx, email, "correct horse"); !errors.As(err, &often) || often.Wait <= 0 {
			t.Errorf("%s, the fourth time: %v", email, err)
		}
	}
}

// A reset is good for an hour, for one password, and only the newest is.
func TestReset(t *testing.T) {
	m, people, c := members(t, account.Allowance{})
	a, err := m.SignUp(ctx, account.NewID(), "ann@example.org", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	_, token, err := m.SignIn(ctx, a, "")
	if err != nil {
		t.Fatal(err)
	}
	reset := func() account.Secret {
		t.Helper()
		secret, expires, err := m.NewReset(ctx, "ann@example.org")
		if err != nil || expires.Sub(c.at) > account.ResetLife {
			t.Fatalf("%v, %v", expires, err)
		}
		return secret
	}
	old, secret := reset(), reset()
	for _, bad := range []account.Secret{"", "x", old, secret + "x", secret[:63], account.NewSecret()} {
		if err := m.Reset(ctx, bad, "staple battery"); !errors.Is(err, account.ErrBadReset) {
			t.Errorf("reset by %q: %v, want ErrBadReset", bad, err)
		}
	}
	if err := m.Reset(ctx, secret, "short"); !errors.Is(err, account.ErrPassword) {
		t.Errorf("a short password: %v", err)
	}
	if err := m.Reset(ctx, secret, "staple battery"); err != nil {
		t.Fatal(err)
	}
	if err := m.Reset(ctx, secret, "staple battery"); !errors.Is(err, account.ErrBadReset) {
		t.Errorf("reset twice: %v", err)
	}
	if _, err := people.Who(ctx, token); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("a session from before: %v", err)
	}
	if _, err := m.Verify(ctx, "ann@example.org", "staple battery"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	late := reset()
	c.at = c.at.Add(account.ResetLife)
	if err := m.Reset(ctx, late, "another battery"); !errors.Is(err, account.ErrBadReset) {
		t.Errorf("after an hour: %v", err)
	}
	if _, _, err := m.NewReset(ctx, "nobody@example.org"); !errors.Is(err, account.ErrNoAccount) {
		t.Errorf("nobody's: %v", err)
	}
}
