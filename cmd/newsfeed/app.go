package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"newsfeed/cmd/newsfeed/api"
	"newsfeed/cmd/newsfeed/mail"
	"newsfeed/cmd/newsfeed/reader"
	"newsfeed/config"
	"newsfeed/feed"
	"newsfeed/feed/ingest"
	"newsfeed/feed/ingest/fetch"
	"newsfeed/interests"
	"newsfeed/interests/account"
	"newsfeed/interests/athand"
	"newsfeed/interests/topic"
	"newsfeed/storage"
)

// App is the whole program, wired: stores, log, index, builder, door. It is a
// value that a test can build.
type App struct {
	cfg    config.Config
	log    *slog.Logger
	stores *storage.Stores

	people     *account.People
	members    *account.Members
	belongings *feed.Belongings // lists and marks
	eraser     *feed.Eraser
	catalogue  *topic.Catalogue
	sown       topic.Sown // what the store knew of seeds when the catalogue was read
	untold     []topic.Topic
	index      *feed.Index
	feedLog    *feed.Log
	desk       *ingest.Desk
	door       *api.Server
	own        account.Secret // an editor key for this process's own use

	warm   atomic.Bool
	health healthWatch

	background sync.WaitGroup
	cancel     context.CancelFunc
}

// NewApp opens the stores and wires everything. The index is not warm yet.
func NewApp(ctx context.Context, cfg config.Config, log *slog.Logger) (*App, error) {
	stores, err := storage.Open(ctx, storage.Addresses{
		Data: cfg.Data, MongoURI: string(cfg.MongoURI), RedisURL: string(cfg.RedisURL)})
	if err != nil {
		return nil, err
	}
	for _, line := range stores.Migrated {
		log.Info("migrated", "store", line)
	}
	known, sown, err := topic.CurrentSeed().Sow(ctx, stores.Topics)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the topics: %w", err), stores.Close())
	}
	a := &App{cfg: cfg, log: log, stores: stores, own: account.NewSecret(), sown: sown, untold: sown.Untold(known)}
	a.catalogue = topic.NewCatalogue(known)
	if cfg.Tagger {
		a.background.Go(func() { a.catalogue.Tagger() }) // compiled beside all that follows
	}
	a.index = feed.NewIndex(cfg.Horizon, time.Now, a.noteTopic)
	a.feedLog = feed.NewLog(stores.Articles, a.index, stores.Announcements, feed.LogOptions{
		HalfLife: cfg.HalfLife,
		Report:   func(err error) { log.Error("the log", "error", err) },
	})
	a.remember()
	if err := a.newDoor(); err != nil {
		a.background.Wait()
		a.forget()
		return nil, errors.Join(err, stores.Close())
	}
	return a, nil
}

// remember wires what knows of people, and keeps those at hand who were here
// lately.
func (a *App) remember() {
	a.people = account.NewPeople(a.stores.Sessions, time.Now)
	a.members = account.NewMembers(a.stores.Accounts, a.people, account.NewPasswords(account.StandardCost), a.stores.Limits,
		account.Allowance(a.cfg.SignInLimit), time.Now)
	lists, marks := interests.NewLists(a.stores.Lists, time.Now), feed.NewMarkSets(a.stores.Marks, time.Now)
	a.people.MindRoom(a.stores.Fill)
	if a.cfg.RateLimit.Calls > 0 {
		a.people.LimitGuests(a.stores.Limits)
	}
	a.people.Remember(a.stores.Changes, a.cfg.PeopleAtHand)
	lists.Remember(a.stores.Changes, a.cfg.PeopleAtHand)
	marks.Remember(a.stores.Changes, a.cfg.PeopleAtHand)
	a.belongings = &feed.Belongings{Lists: lists, Marks: marks, Together: a.stores.Together,
		Merger: interests.NewMerger(lists, a.stores.Merges)}
	a.eraser = &feed.Eraser{Accounts: a.stores.Accounts, Erasures: a.stores.Erasures, People: a.people, Belongings: a.belongings,
		Now: time.Now, Settle: athand.MaxAge}
}

// forget ends what remember began.
func (a *App) forget() {
	a.people.Close()
	a.belongings.Lists.Close()
	a.belongings.Marks.Close()
}

// newDoor wires what answers calls.
func (a *App) newDoor() error {
	people, lists := a.people, a.belongings.Lists
	builder := feed.NewBuilder(a.index)
	tagger := ingest.NewTagger(a.catalogue, a.stores.Topics, a.cfg.Tagger)
	a.desk = a.newDesk(tagger)
	letters, err := a.mailer()
	if err != nil {
		return err
	}
	settings := api.Settings{
		Version: version(), URL: a.cfg.URL, RateLimit: a.cfg.RateLimit.Calls, RateWindow: a.cfg.RateLimit.Window,
		Entries: account.Allowance{Calls: 10 * a.cfg.SignInLimit.Calls, Window: a.cfg.SignInLimit.Window}, SignUp: a.cfg.SignUp,
		Resets:         account.Allowance{Calls: a.cfg.SignInLimit.Calls, Window: 4 * a.cfg.SignInLimit.Window},
		AllowedOrigins: a.cfg.AllowedOrigins, Proxies: a.cfg.Proxies,
		Bench: a.cfg.Bench, InsecureCookies: a.cfg.InsecureCookies,
	}
	elsewhere := issuerOf(a.cfg)
	var sendReset func(context.Context, account.Email) error
	if letters != nil {
		sendReset = func(ctx context.Context, to account.Email) error { return a.door.SendReset(ctx, to) }
	}
	keyring := account.NewKeyring(a.stores.Keys, time.Now, a.fixedKeys()...)
	page := reader.New(reader.Deps{
		Keyring: keyring, Desk: a.desk,
		SendReset: sendReset,
		People:    people, Members: a.members, Lists: lists, Catalogue: a.catalogue, Index: a.index, Builder: builder, Articles: a.stores.Articles,
		Belongs: a.belongings, Eraser: a.eraser, Limits: a.stores.Limits, Elsewhere: elsewhere,
		Entries: settings.Entries, SignUp: settings.SignUp,
		Now: time.Now, Warm: a.warm.Load,
		Network: api.NetworkFrom(a.cfg.Proxies),
		Cookie:  api.CookieName(a.cfg.InsecureCookies), URL: a.cfg.URL, InsecureCookies: a.cfg.InsecureCookies, AllowedOrigins: a.cfg.AllowedOrigins,
		NoImages: a.cfg.NoImages, NoBodies: a.cfg.NoBodies,
		Report: func(err error) { a.log.Error("the reader", "error", err) },
	})
	a.door = api.New(api.Deps{
		Elsewhere: elsewhere,
		Mail:      letters,
		Lists:     lists, Marks: a.belongings.Marks, Together: a.belongings, Changes: a.stores.Changes, People: people, Members: a.members, Eraser: a.eraser, Limits: a.stores.Limits, Keyring: keyring,
		Catalogue: a.catalogue, Topics: a.stores.Topics, Index: a.index, Builder: builder,
		Log: a.feedLog, Articles: a.stores.Articles,
		Tagger: tagger, Desk: a.desk,
		Now: time.Now, Warm: a.warm.Load, Health: a.dependencies, Backup: a.stores.Backup,
		Log500: func(id string, err error) { a.log.Error("call failed", "request_id", id, "error", err) },

		Settings: settings,
	}, page.Routes)
	return nil
}

// newDesk wires what polls the sources.
func (a *App) newDesk(tagger *ingest.Tagger) *ingest.Desk {
	client := fetch.New(fetch.Options{Agent: fmt.Sprintf("newsfeed/%s (+%s)", version(), a.cfg.URL),
		Timeout: a.cfg.FetchTimeout, AllowPrivate: a.cfg.AllowPrivateSources})
	return ingest.NewDesk(ingest.DeskDeps{
		Sources: a.stores.Sources, Client: client, Timeout: a.cfg.FetchTimeout, Tagger: tagger, Log: a.feedLog, Articles: a.stores.Articles,
		Now: time.Now, Report: func(err error) { a.log.Error("the desk", "error", err) },
	})
}

// mailer returns what sends letters; nil where no mail server is set.
func (a *App) mailer() (func(ctx context.Context, to, subject, text string) error, error) {
	if a.cfg.SMTP == "" {
		return nil, nil
	}
	from := a.cfg.MailFrom
	if u, err := url.Parse(a.cfg.URL); from == "" && err == nil {
		from = "no-reply@" + u.Hostname()
	}
	sender, err := mail.New(string(a.cfg.SMTP), from)
	if err != nil {
		return nil, fmt.Errorf("NEWSFEED_SMTP_URL, NEWSFEED_MAIL_FROM: %w", err)
	}
	return sender.Send, nil
}

// fixedKeys are the keys of the settings, and this process's own.
func (a *App) fixedKeys() []account.Key {
	keys := []account.Key{{Name: "this process", Role: account.Editor, Hash: a.own.Hash()}}
	for _, k := range a.cfg.PublisherKeys {
		keys = append(keys, account.Key{Name: k.Name, Role: account.Publisher, Hash: account.Secret(k.Secret).Hash()})
	}
	for _, k := range a.cfg.EditorKeys {
		keys = append(keys, account.Key{Name: k.Name, Role: account.Editor, Hash: account.Secret(k.Secret).Hash()})
	}
	return keys
}

// noteTopic adds what an entry of the log says of a topic to the catalogue. What
// the catalogue knows of a topic already is better than an article's word for it.
func (a *App) noteTopic(t topic.Topic) {
	if t.Kind == topic.KindTag || t.Kind == topic.KindSource {
		if _, known := a.catalogue.Get(t.ID); known {
			return
		}
	}
	a.catalogue.Learn(t)
}

// Start warms the index, telling of it now and then, and starts what works in
// the background.
func (a *App) Start(ctx context.Context) error {
	began := time.Now()
	if err := a.feedLog.Warm(ctx, a.progress()); err != nil {
		return err
	}
	a.feedLog.Start()
	if err := a.tellSown(ctx); err != nil {
		return err
	}
	if a.cfg.Tagger {
		a.catalogue.Tagger()
	}
	a.warm.Store(true)
	ctx, a.cancel = context.WithCancel(context.Background())
	a.background.Go(func() { a.sweep(ctx) })
	size := a.index.Size()
	a.log.Info("the index is warm", "articles", size.Articles, "edition", a.index.Edition(), "took", time.Since(began).Round(time.Millisecond),
		"bytes_per_article", int(size.PerArticle()), "card_bytes_per_article", size.Cards/max(size.Articles, 1))
	return nil
}

// tellSown makes entries of the log of what was sown in the store and is not in the
// log yet, and notes that it is. An editor's change may have come between what was
// read and its entry: what was told is read again, until it is what is stored.
func (a *App) tellSown(ctx context.Context) error {
	seed := topic.CurrentSeed()
	if a.sown.Number >= seed.Number {
		return nil
	}
	told := map[topic.ID]topic.Topic{}
	for untold := a.untold; len(untold) > 0; {
		if err := a.tell(ctx, untold); err != nil {
			return err
		}
		for _, t := range untold {
			told[t.ID] = t
		}
		stored, err := a.stores.Topics.All(ctx)
		if err != nil {
			return fmt.Errorf("read the topics that were sown: %w", err)
		}
		untold = slices.DeleteFunc(a.sown.Untold(stored), func(t topic.Topic) bool {
			last, ok := told[t.ID]
			return ok && last.Equal(t)
		})
	}
	a.log.Info("the topics of this version are written", "seed", seed.Number, "topics", len(told))
	return seed.Settle(ctx, a.stores.Topics, a.sown)
}

// tell makes entries of the log of topics of which it does not say the same already.
func (a *App) tell(ctx context.Context, topics []topic.Topic) error {
	for part := range slices.Chunk(topics, toldAtOnce) {
		changes := make([]feed.Change, len(part))
		for i := range part {
			changes[i].Topic = &part[i]
		}
		_, _, err := a.feedLog.Put(ctx, changes)
		for try := 1; try < tellTries && (errors.Is(err, feed.ErrUnavailable) || errors.Is(err, feed.ErrContended)); try++ {
			_, _, err = a.feedLog.Put(ctx, changes) // what is in the log is not said again
		}
		if err != nil {
			return fmt.Errorf("tell of the topics that were sown: %w", err)
		}
	}
	return nil
}

// toldAtOnce is how many topics are told in one call: the writer makes one insert of it.
const toldAtOnce = 250

// tellTries is how often a slow store is asked, seconds each time, before the start
// is given up.
const tellTries = 10

// progress returns a function that logs how far the index is, once a second.
func (a *App) progress() func(done, total int) {
	next := time.Now().Add(time.Second)
	return func(done, total int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(time.Second)
			a.log.Info("warming the index", "read", done, "of", total)
		}
	}
}

// sweep removes what has expired, every hour, and finishes every minute what was
// interrupted while people were erased.
func (a *App) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for minute := 0; ; minute++ {
		if _, err := a.eraser.Finish(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("finish to erase people", "error", err)
		}
		if minute%60 == 0 {
			if _, err := a.stores.Sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
				a.log.Error("sweep what has expired", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Serve answers calls on a listener until it is closed.
func (a *App) Serve(l net.Listener) error { return a.door.Serve(l) }

// Close stops everything, in reverse, and reports all errors.
func (a *App) Close(ctx context.Context) error {
	err := a.door.Shutdown(ctx)
	if a.cancel != nil {
		a.cancel()
	}
	a.background.Wait()
	a.desk.Stop()
	a.feedLog.Stop()
	a.catalogue.Close()
	a.forget()
	return errors.Join(err, a.stores.Close())
}

// dependencies asks the stores how they are, and knows since when.
func (a *App) dependencies(ctx context.Context) []api.Dependency {
	return a.health.watch(a.stores.Health(ctx), a.feedLog.Err())
}

// healthWatch remembers since when a store is as it is.
type healthWatch struct {
	mu    sync.Mutex // guards below
	state map[string]bool
	since map[string]time.Time
}

func (w *healthWatch) watch(health []storage.Health, damaged error) []api.Dependency {
	if damaged != nil {
		health[0].Err = damaged
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == nil {
		w.state, w.since = map[string]bool{}, map[string]time.Time{}
	}
	out := make([]api.Dependency, len(health))
	for i, h := range health {
		ok := h.Err == nil
		if was, seen := w.state[h.Name]; !seen || was != ok {
			w.state[h.Name], w.since[h.Name] = ok, time.Now().UTC()
		}
		out[i] = api.Dependency{Name: h.Name, Kind: h.Kind, OK: ok, Since: w.since[h.Name], Risks: h.Risks}
		if !ok {
			out[i].Error = h.Err.Error()
		}
	}
	return out
}

// openDoor opens the App on the stores for this process's own use, on a free port
// of this machine, and returns its address and an editor key.
func openDoor(ctx context.Context, cfg config.Config) (url, key string, closeDoor func() error, err error) {
	cfg.RateLimit = config.RateLimit{}
	a, err := NewApp(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", "", nil, err
	}
	closeApp := func() error { return a.Close(context.Background()) }
	if err := a.Start(ctx); err != nil {
		return "", "", nil, errors.Join(err, closeApp())
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", nil, errors.Join(err, closeApp())
	}
	a.background.Go(func() { _ = a.Serve(l) })
	return "http://" + l.Addr().String(), string(a.own), closeApp, nil
}
