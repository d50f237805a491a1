package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"newsfeed/cmd/newsfeed/demo"
	"newsfeed/config"
)

// serveCommand runs everything until it is told to stop.
type serveCommand struct {
	Demo bool `help:"With an empty store: begin with sixty demo articles, so that the first page is alive."`
}

// shutdownPatience is how long calls may take to end when the program stops.
const shutdownPatience = 10 * time.Second

// Run listens first, so that /livez and /readyz answer while the index is warmed.
func (s *serveCommand) Run(ctx context.Context, p *program) error {
	log := slog.Default()
	p.sayDefaults(log)
	a, err := NewApp(ctx, p.config, log)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.config.Addr)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w; another address: --addr or NEWSFEED_ADDR", err), a.Close(ctx))
	}
	served := make(chan error, 1)
	go func() { served <- a.Serve(l) }()
	ended := context.AfterFunc(ctx, func() { log.Info("stopping") })
	defer ended()
	err = s.run(ctx, p, a, l, served)
	stop, cancel := context.WithTimeout(context.Background(), shutdownPatience)
	defer cancel()
	return errors.Join(err, a.Close(stop))
}

func (s *serveCommand) run(ctx context.Context, p *program, a *App, l net.Listener, served <-chan error) error {
	if err := a.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := os.MkdirAll(p.config.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	if err := WriteDoorFile(p.config.Data, l.Addr(), string(a.own)); err != nil {
		return err
	}
	defer func() { _ = RemoveDoorFile(p.config.Data, string(a.own)) }() // a stale one is recognised
	a.sayRisks(ctx)
	if s.Demo {
		if err := a.bringDemo(ctx, p, l.Addr()); err != nil {
			return err
		}
	}
	a.desk.Start()
	slog.Default().Info("ready", "addresses_begin_with", p.config.URL, "page", p.config.URL+"/", "api", p.config.URL+"/docs", "articles", a.index.Articles())
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		return err
	}
}

// bringDemo imports the demo articles through the door, if there are no others.
func (a *App) bringDemo(ctx context.Context, p *program, listens net.Addr) error {
	if !a.index.HasOnlyTopics() {
		slog.Default().Info("the store is not empty: no demo articles are brought")
		return nil
	}
	file, err := readDoorFile(p.config.Data)
	if err != nil {
		return err
	}
	d := newDoor(file.URL, file.Key)
	defer d.Close()
	response, err := d.send(ctx, http.MethodPost, "/articles", "application/x-ndjson", demo.Articles(time.Now()))
	if err != nil {
		return fmt.Errorf("bring the demo articles: %w", err)
	}
	return response.Body.Close()
}

// sayDefaults says which defaults were chosen, and which settings are unfit for
// production.
func (p *program) sayDefaults(log *slog.Logger) {
	store := "embedded, in " + p.config.Data
	if !p.config.Embedded() {
		store = "MongoDB and Redis"
	}
	log.Info("newsfeed", "version", version(), "store", store, "horizon", p.config.Horizon, "half_life", p.config.HalfLife)
	var defaults []any
	for _, setting := range config.Settings {
		if _, given := p.config.Given(setting); !given && !setting.Door && setting.Default != "" {
			defaults = append(defaults, setting.Name, setting.Default)
		}
	}
	log.Info("defaults chosen", defaults...)
	for _, w := range p.config.Warnings() {
		log.Warn(w)
	}
}

// sayRisks warns of what the stores' own settings put at risk.
func (a *App) sayRisks(ctx context.Context) {
	for _, d := range a.dependencies(ctx) {
		for _, risk := range d.Risks {
			a.log.Warn("data is at risk", "store", d.Kind, "keeps", d.Name, "risk", risk)
		}
	}
}
