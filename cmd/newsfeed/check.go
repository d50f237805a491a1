package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"newsfeed/interests/account"
	"newsfeed/interests/topic"
	"newsfeed/storage"
)

type checkCommand struct{}

func (checkCommand) toleratesProblems() {}

func (checkCommand) Help() string {
	return `If a server answers at the address of the settings, it is asked whether it is ready, within 2 s: so check is a container's health check too. Else the stores are opened and looked at.

Ends with 0 when all is fit (warnings are no hindrance) and with 1 when something is not.`
}

// storesPatience is how long servers may take to be reached.
const storesPatience = 8 * time.Second

// findings are lines on standard output: they are what check is for.
type findings struct {
	out   io.Writer
	unfit bool
}

func (f *findings) fine(format string, args ...any) { f.line("ok  ", format, args) }
func (f *findings) warn(format string, args ...any) { f.line("warn", format, args) }
func (f *findings) bad(format string, args ...any)  { f.unfit = true; f.line("BAD ", format, args) }

func (f *findings) line(mark, format string, args []any) {
	fmt.Fprintf(f.out, "%s  %s\n", mark, fmt.Sprintf(format, args...))
}

func (checkCommand) Run(ctx context.Context, p *program) error {
	f := &findings{out: p.stdout}
	p.checkSettings(f)
	if len(p.problems) == 0 {
		if listens(ctx, p.config.LocalURL()) {
			p.checkServer(ctx, f)
			p.checkIssuer(ctx, f, glance, f.warn) // no reason to stop a server that runs
		} else {
			f.fine("no server answers at %s, so the stores are looked at", p.config.LocalURL())
			p.checkStores(ctx, f)
			p.checkIssuer(ctx, f, storesPatience, f.bad)
		}
	}
	if f.unfit {
		return errRejected // 1, as Docker keeps 2 for itself
	}
	return nil
}

func (p *program) checkSettings(f *findings) {
	for _, problem := range p.problems {
		f.bad("%s", problem.Error())
	}
	if len(p.problems) == 0 {
		f.fine("settings")
		f.fine("all absolute addresses begin with NEWSFEED_URL, %s", p.config.URL)
	}
	for _, warning := range p.config.Warnings() {
		f.warn("%s", warning)
	}
}

// listens is whether anything accepts connections there.
func listens(ctx context.Context, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	dialer := net.Dialer{Timeout: glance}
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// readiness is what /readyz says.
type readiness struct {
	Ready        bool         `json:"ready"`
	Warm         *bool        `json:"warm"` // nil: whoever answers is not us
	Dependencies []dependency `json:"dependencies"`
}

type dependency struct {
	Name  string    `json:"name"`
	Kind  string    `json:"kind"`
	OK    bool      `json:"ok"`
	Since time.Time `json:"since"`
	Risks []string  `json:"risks"`
	Error string    `json:"error"`
}

// checkServer asks the server that runs: it holds the stores and knows them best.
func (p *program) checkServer(ctx context.Context, f *findings) {
	d := newDoor(p.config.LocalURL(), "")
	defer d.Close()
	state, err := d.readiness(ctx)
	switch {
	case err != nil:
		f.bad("the server at %s: %v", d.url, err)
		return
	case state.Warm == nil:
		f.bad("something else than newsfeed answers at %s: give another address with NEWSFEED_ADDR or --addr", d.url)
		return
	case state.Ready:
		f.fine("the server at %s is ready", d.url)
	case !*state.Warm:
		f.bad("the server at %s is not ready: it is warming its index; wait", d.url)
	default:
		f.bad("the server at %s is not ready", d.url)
	}
	for _, dep := range state.Dependencies {
		f.dependency(dep)
	}
	if own := p.doorOfThisMachine(ctx); own != nil {
		defer own.Close()
		own.checkKeys(ctx, f)
	}
}

func (d *door) readiness(ctx context.Context) (readiness, error) {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	var state readiness
	response, err := d.send(ctx, http.MethodGet, "/readyz", "", nil)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		_ = json.Unmarshal(refused.body, &state) // what is not ours has no "warm"
		return state, nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return state, fmt.Errorf("it took the connection and did not answer within %s: it hangs or is overloaded; see its log, restart it", glance)
	}
	if err != nil {
		return state, err
	}
	defer response.Body.Close()
	_ = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&state) // as above
	return state, nil
}

func (f *findings) dependency(d dependency) {
	if d.OK {
		f.fine("%s (%s)", d.Name, d.Kind)
	} else {
		f.bad("%s (%s)%s: %s; %s", d.Name, d.Kind, sinceText(d.Since), d.Error, mendStore(d.Kind))
	}
	for _, risk := range d.Risks {
		f.warn("%s (%s): %s", d.Name, d.Kind, risk)
	}
}

func sinceText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + t.Format(time.RFC3339)
}

func mendStore(kind string) string {
	switch kind {
	case "mongodb":
		return "does MongoDB run, and is MONGODB_URI right?"
	case "redis":
		return "does Redis run, and is REDIS_URL right?"
	}
	return "is the disk full or read-only? A damaged file is replaced by the last copy that newsfeed backup made"
}

// checkStores opens the stores and closes them again. A store that is not there
// yet is not made.
func (p *program) checkStores(ctx context.Context, f *findings) {
	ctx, cancel := context.WithTimeout(ctx, storesPatience)
	defer cancel()
	if p.config.Embedded() && !p.checkFolder(f) {
		return
	}
	stores, err := storage.Open(ctx, storage.Addresses{Data: p.config.Data, MongoURI: string(p.config.MongoURI), RedisURL: string(p.config.RedisURL)})
	if err != nil {
		f.bad("the stores cannot be opened: %v", err)
		return
	}
	defer func() { _ = stores.Close() }() // nothing was written
	for _, line := range stores.Migrated {
		f.fine("%s", line)
	}
	for _, h := range stores.Health(ctx) {
		d := dependency{Name: h.Name, Kind: h.Kind, OK: h.Err == nil, Risks: h.Risks}
		if h.Err != nil {
			d.Error = h.Err.Error()
		}
		f.dependency(d)
	}
	if !f.unfit {
		p.checkStoredKeys(ctx, f, stores)
	}
}

// checkFolder reports whether there is an embedded store to be opened.
func (p *program) checkFolder(f *findings) bool {
	_, err := os.Stat(filepath.Join(p.config.Data, storage.File))
	if err == nil {
		return true
	}
	if !errors.Is(err, fs.ErrNotExist) {
		f.bad("the data folder cannot be read: %v", err)
		return false
	}
	folder := nearestFolder(p.config.Data)
	part, err := os.CreateTemp(folder, ".check-*")
	if err != nil {
		f.bad("the data folder cannot be written: %v; give another with NEWSFEED_DATA or --data, or change its owner", err)
		return false
	}
	if err := errors.Join(part.Close(), os.Remove(part.Name())); err != nil {
		f.bad("the data folder: %v", err)
		return false
	}
	f.fine("no store yet: serve makes it in %s", p.config.Data)
	return false
}

// nearestFolder is the folder itself, or the first above it that is there.
func nearestFolder(path string) string {
	for path = filepath.Clean(path); ; path = filepath.Dir(path) {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
	}
}

func (p *program) checkStoredKeys(ctx context.Context, f *findings, stores *storage.Stores) {
	keys, err := stores.Keys.Keys(ctx)
	if err != nil {
		f.bad("the keys cannot be read: %v", err)
		return
	}
	var unbound []string
	for _, k := range p.config.PublisherKeys {
		unbound = append(unbound, k.Name)
	}
	for _, k := range keys {
		if k.Role == account.Publisher && len(k.Sources)+len(k.Hosts) == 0 {
			unbound = append(unbound, k.Name)
		}
	}
	topics, err := stores.Topics.All(ctx)
	if err != nil {
		f.bad("the topics cannot be read: %v", err)
		return
	}
	sources := 0
	for _, t := range topics {
		if t.Kind == topic.KindSource {
			sources++
		}
	}
	f.unboundKeys(unbound, sources)
}

// checkKeys is checkStoredKeys of a server that runs.
func (d *door) checkKeys(ctx context.Context, f *findings) {
	keys, err := d.keys(ctx)
	if err != nil {
		f.bad("the keys cannot be read: %v", err)
		return
	}
	var unbound []string
	for _, k := range keys {
		if k.Role == string(account.Publisher) && len(k.Sources)+len(k.Hosts) == 0 {
			unbound = append(unbound, k.Name)
		}
	}
	if len(unbound) == 0 {
		return
	}
	sources, err := d.sources(ctx)
	if err != nil {
		f.bad("the topics cannot be read: %v", err)
		return
	}
	f.unboundKeys(unbound, sources)
}

// sources counts the topics of kind source.
func (d *door) sources(ctx context.Context) (count int, err error) {
	response, err := d.send(ctx, http.MethodGet, "/topics.ndjson", "", nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if bytes.Contains(lines.Bytes(), []byte(`"kind":"source"`)) {
			count++
		}
	}
	return count, lines.Err()
}

func (f *findings) unboundKeys(names []string, sources int) {
	if sources > 1 && len(names) > 0 {
		f.warn("publishers' keys bound to no source may write for all %d: %s; make bound ones with newsfeed keys create NAME --source ID", sources, strings.Join(names, ", "))
	}
}
