package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/topic"
)

// gate stands before all stores, and closes when a test says so.
type gate struct {
	closed atomic.Pointer[string]
	last   atomic.Bool // the next Append is the last before the gate closes
}

func (g *gate) set(how string) { g.closed.Store(&how) }

// pass is nil, the contract's own "unavailable", or an error that no contract knows.
func (g *gate) pass(contracts error) error {
	how := g.closed.Load()
	switch {
	case how == nil || *how == isOpen:
		return nil
	case *how == unavailable:
		return fmt.Errorf("gate: %w", contracts)
	}
	return errors.New("gate: the disk at /secret/path is on fire")
}

type gatedArticles struct {
	feed.Articles
	*gate
}

func (g gatedArticles) Top(ctx context.Context) (feed.Edition, time.Time, error) {
	if err := g.pass(feed.ErrUnavailable); err != nil {
		return 0, time.Time{}, err
	}
	return g.Articles.Top(ctx)
}

func (g gatedArticles) Append(ctx context.Context, entries []feed.Entry) (int, error) {
	if err := g.pass(feed.ErrUnavailable); err != nil {
		return 0, err
	}
	if g.last.CompareAndSwap(true, false) {
		defer g.set(unavailable)
	}
	return g.Articles.Append(ctx, entries)
}

func (g gatedArticles) Current(ctx context.Context, ids []feed.ArticleID) (map[feed.ArticleID]feed.Entry, error) {
	if err := g.pass(feed.ErrUnavailable); err != nil {
		return nil, err
	}
	return g.Articles.Current(ctx, ids)
}

type gatedTopics struct {
	topic.Store
	*gate
}

func (g gatedTopics) All(ctx context.Context) ([]topic.Topic, error) {
	if err := g.pass(topic.ErrUnavailable); err != nil {
		return nil, err
	}
	return g.Store.All(ctx)
}

func (g gatedTopics) Put(ctx context.Context, t topic.Topic) error {
	if err := g.pass(topic.ErrUnavailable); err != nil {
		return err
	}
	return g.Store.Put(ctx, t)
}

type gatedLists struct {
	interests.Store
	*gate
}

func (g gatedLists) Load(ctx context.Context, id account.ID) (interests.List, error) {
	if err := g.pass(interests.ErrUnavailable); err != nil {
		return interests.List{}, err
	}
	return g.Store.Load(ctx, id)
}

type gatedMarks struct {
	feed.Marks
	*gate
}

func (g gatedMarks) Load(ctx context.Context, id account.ID) (feed.MarkSet, error) {
	if err := g.pass(feed.ErrMarksUnavailable); err != nil {
		return feed.MarkSet{}, err
	}
	return g.Marks.Load(ctx, id)
}

type gatedSessions struct {
	account.Store
	*gate
}

func (g gatedSessions) Create(ctx context.Context, h account.Hash, s account.Session) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.Store.Create(ctx, h, s)
}

func (g gatedSessions) Session(ctx context.Context, h account.Hash) (account.Session, error) {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return account.Session{}, err
	}
	return g.Store.Session(ctx, h)
}

type gatedAccounts struct {
	account.Accounts
	*gate
}

func (g gatedAccounts) Create(ctx context.Context, a account.Account) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.Accounts.Create(ctx, a)
}

func (g gatedAccounts) Account(ctx context.Context, id account.ID) (account.Account, error) {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return account.Account{}, err
	}
	return g.Accounts.Account(ctx, id)
}

func (g gatedAccounts) ByEmail(ctx context.Context, email account.Email) (account.Account, error) {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return account.Account{}, err
	}
	return g.Accounts.ByEmail(ctx, email)
}

type gatedErasures struct {
	account.Erasures
	*gate
}

func (g gatedErasures) Begin(ctx context.Context, e account.Erasure) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.Erasures.Begin(ctx, e)
}

type keyStore = account.Keys // under another name, since it has a method Keys

type gatedSources struct {
	ingest.Sources
	*gate
}

func (g gatedSources) Add(ctx context.Context, addresses []ingest.Address) ([]bool, error) {
	if err := g.pass(ingest.ErrSourcesUnavailable); err != nil {
		return nil, err
	}
	return g.Sources.Add(ctx, addresses)
}

func (g gatedSources) All(ctx context.Context) ([]ingest.Address, error) {
	if err := g.pass(ingest.ErrSourcesUnavailable); err != nil {
		return nil, err
	}
	return g.Sources.All(ctx)
}

func (g gatedSources) Remove(ctx context.Context, source string) (int, error) {
	if err := g.pass(ingest.ErrSourcesUnavailable); err != nil {
		return 0, err
	}
	return g.Sources.Remove(ctx, source)
}

type gatedKeys struct {
	keyStore
	*gate
}

func (g gatedKeys) Keys(ctx context.Context) ([]account.Key, error) {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return nil, err
	}
	return g.keyStore.Keys(ctx)
}

func (g gatedKeys) CreateKey(ctx context.Context, k account.Key) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.keyStore.CreateKey(ctx, k)
}

func (g gatedKeys) RevokeKey(ctx context.Context, id uuid.UUID) error {
	if err := g.pass(account.ErrUnavailable); err != nil {
		return err
	}
	return g.keyStore.RevokeKey(ctx, id)
}

// walkOutages: with the stores away every call that needs one is 503, and with
// stores that fail in their own words 500, which tells nobody why.
func walkOutages(t *testing.T, n *node) {
	samples := n.samples(t)
	defer n.gate.set(isOpen)
	var lines strings.Builder
	for i := range 600 {
		lines.WriteString(article(1000+i, "") + "\n")
	}
	n.gate.last.Store(true)
	got := n.want(t, 503, call{method: "POST", path: "/articles", token: n.publisher, kind: "application/x-ndjson", body: lines.String()})
	if got["accepted"] != 500.0 || len(got["results"].([]any)) != 500 {
		t.Errorf("the store went away after 500 of 600 articles: accepted %v, %d results", got["accepted"], len(got["results"].([]any)))
	}
	n.gate.set(isOpen)
	got = n.want(t, 200, call{method: "POST", path: "/articles", token: n.publisher, kind: "application/x-ndjson", body: lines.String()})
	if got["unchanged"] != 500.0 || got["accepted"] != 100.0 {
		t.Errorf("sent again: %v unchanged, %v accepted", got["unchanged"], got["accepted"])
	}
	for status, how := range map[int]string{503: unavailable, 500: broken} {
		n.gate.set(how)
		for name, sample := range samples {
			if !n.documents(name, status) {
				continue
			}
			if name != "POST /guests" && name != "GET /readyz" {
				n.want(t, status, sample.with(func(c *call) { c.token = "never-seen-" + how }))
			}
			if name == "GET /backup" {
				continue // it has begun by then, and holds what the store holds
			}
			a := n.do(t, sample)
			// Who is known needs no store to have a text explained.
			if name != "POST /topics/explain" && a.StatusCode != status || name != "GET /readyz" && bytes.Contains(a.body, []byte("secret")) {
				t.Errorf("%s with stores %s → %d %s", name, how, a.StatusCode, a.body)
			}
		}
	}
}
