package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

type keysCommand struct {
	Create createKey  `cmd:"" help:"Make a key and print it, alone, on standard output."`
	List   listKeys   `cmd:"" help:"List the keys, never their secrets."`
	Revoke revokeKeys `cmd:"" help:"End keys: at once on their server, within 2 s on the others."`
}

type createKey struct {
	Name    string   `arg:"" help:"Whose key it is."`
	Editor  bool     `help:"An editor's key: it may also change topics, sources and keys."`
	Sources []string `name:"source" placeholder:"ID" help:"Bind it to this source; may be repeated. Unbound, it writes for every source."`
	Hosts   []string `name:"host" placeholder:"HOST" help:"Bind it to addresses of this host and its subdomains; may be repeated."`
}

// shownKey is a key as the API shows it; Key only once.
type shownKey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Sources []string  `json:"sources"`
	Hosts   []string  `json:"hosts"`
	Created time.Time `json:"created_at"`
	Key     string    `json:"key"`
}

func (k shownKey) bound() string {
	if len(k.Sources)+len(k.Hosts) == 0 {
		return "nothing"
	}
	return strings.Join(append(prefixed("source ", k.Sources), prefixed("host ", k.Hosts)...), ", ")
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = prefix + name
	}
	return out
}

func (c *createKey) Run(ctx context.Context, p *program) error {
	if c.Editor && len(c.Sources)+len(c.Hosts) > 0 {
		return fmt.Errorf("an editor's key is bound to nothing: leave out --source and --host, or --editor")
	}
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	role := "publisher"
	if c.Editor {
		role = "editor"
	}
	wanted := struct {
		Name    string   `json:"name"`
		Role    string   `json:"role"`
		Sources []string `json:"sources,omitempty"`
		Hosts   []string `json:"hosts,omitempty"`
	}{c.Name, role, c.Sources, c.Hosts}
	var made shownKey
	if err := d.call(ctx, http.MethodPost, "/keys", wanted, &made); err != nil {
		return fmt.Errorf("create key %s: %w", c.Name, err)
	}
	p.note("%s key %s of %q, bound to: %s. It is shown only now:", made.Role, made.ID, made.Name, made.bound())
	_, err = fmt.Fprintln(p.stdout, made.Key)
	return err
}

type listKeys struct{}

func (listKeys) Run(ctx context.Context, p *program) error {
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	keys, err := d.keys(ctx)
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tROLE\tCREATED\tBOUND TO")
	for _, k := range keys {
		id, created := k.ID, k.Created.Format(time.DateOnly)
		if k.isFixed() {
			id, created = "-", "by settings"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", id, k.Name, k.Role, created, k.bound())
	}
	return table.Flush()
}

// isFixed is whether the key stands in the server's settings: it has no id and
// cannot be revoked.
func (k shownKey) isFixed() bool { return strings.Trim(k.ID, "0-") == "" }

func (d *door) keys(ctx context.Context) ([]shownKey, error) {
	var answer struct {
		Keys []shownKey `json:"keys"`
	}
	err := d.call(ctx, http.MethodGet, "/keys", nil, &answer)
	return answer.Keys, err
}

type revokeKeys struct {
	IDs []string `arg:"" name:"id" help:"As keys list shows it."`
}

func (c *revokeKeys) Run(ctx context.Context, p *program) error {
	d, err := p.openedDoor(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	revoked := 0
	for _, id := range c.IDs {
		if err := d.call(ctx, http.MethodDelete, "/keys/"+url.PathEscape(id), nil, nil); err != nil {
			p.note("key %s was not revoked: %v", id, err)
			continue
		}
		revoked++
	}
	return outcome(revoked, len(c.IDs)-revoked)
}

// outcome is how a command ends that did something with each of several items.
// What was wrong with which has been said.
func outcome(done, failed int) error {
	switch {
	case failed == 0:
		return nil
	case done == 0:
		return errSaid
	}
	return errRejected
}
