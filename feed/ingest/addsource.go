package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"newsfeed/feed"
	"newsfeed/feed/ingest/fetch"
	"newsfeed/interests/topic"
)

// ErrNoSource: there is no source of that id.
var ErrNoSource = errors.New("ingest: no such source")

// MaxListed is how many addresses AddAll takes at a time.
const MaxListed = 1000

// spreadFirst is the time over which the first polls of a list are spread.
const spreadFirst = time.Hour

// Listed is an address in a list of sources, as in OPML.
type Listed struct {
	URL  string
	Name string
}

// Add adds an address: that of a document, or of a page, whose document is found
// through what the page announces. source is the id of its source; "": its site
// decides. One that may not be fetched or that leads to no document is refused
// with [*Invalid]; one that does not answer is added, with the reason as its
// Fault. ErrAddressTaken when it is there already.
func (d *Desk) Add(ctx context.Context, address, source string) (Address, error) {
	if source != "" && string(topic.MakeID(source)) != source {
		return Address{}, invalid("/source", "is no id of a source: "+string(topic.MakeID(source))+" would be one")
	}
	known, err := d.All(ctx)
	if err != nil {
		return Address{}, err
	}
	found, document, err := d.find(ctx, address)
	if err != nil && document == nil && !isNoAnswer(err) {
		return Address{}, invalid("/url", err.Error())
	}
	a := d.newAddress(found, source, known, document)
	if err != nil {
		now := d.Now().UTC().Truncate(time.Millisecond)
		a.failed(now, err.Error(), 0)
		a.Polled = now
	}
	added, err := d.add(ctx, []Address{a})
	if err == nil && !added[0] {
		err = ErrAddressTaken
	}
	return a, err
}

// AddAll adds a list of addresses without asking them, and reports of each what
// was wrong, nil when it was added: [*Invalid], or ErrAddressTaken. Their first
// polls are spread over an hour.
func (d *Desk) AddAll(ctx context.Context, list []Listed) ([]error, error) {
	known, err := d.All(ctx)
	if err != nil {
		return nil, err
	}
	wrong, addresses, at := make([]error, len(list)), []Address(nil), []int(nil)
	for i, listed := range list {
		address, err := feedAddress(listed.URL)
		if err == nil {
			err = d.Client.Check(address)
		}
		if err != nil {
			wrong[i] = invalid("/url", err.Error())
			continue
		}
		a := d.newAddress(address, "", known, &Document{Title: shorten(Plain(bounded(listed.Name)), maxName)})
		a.Due = a.Due.Add(rand.N(spreadFirst)).Truncate(time.Millisecond)
		known = append(known, a)
		addresses, at = append(addresses, a), append(at, i)
	}
	added, err := d.add(ctx, addresses)
	for i, ok := range added {
		if !ok {
			wrong[at[i]] = ErrAddressTaken
		}
	}
	return wrong, err
}

func (d *Desk) add(ctx context.Context, addresses []Address) ([]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatient+time.Duration(len(addresses))*20*time.Millisecond)
	defer cancel()
	return d.Sources.Add(ctx, addresses)
}

// All returns every address, by source, then by URL.
func (d *Desk) All(ctx context.Context) ([]Address, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatient)
	defer cancel()
	return d.Sources.All(ctx)
}

// newAddress makes an address, due now. All addresses of a source have one name,
// so that an article that comes by two of them is the same.
func (d *Desk) newAddress(address, source string, known []Address, document *Document) Address {
	now := d.Now().UTC().Truncate(time.Millisecond)
	a := Address{ID: uuid.Must(uuid.NewV7()), URL: address, Source: cmp.Or(source, sourceOf(address)), Added: now, Due: now}
	if document != nil {
		a.Name, a.Site = document.Title, document.Site
	}
	for _, other := range known {
		if other.Source == a.Source {
			a.Name, a.Site = other.Name, other.Site
		}
	}
	a.Name = cmp.Or(a.Name, siteOf(address))
	return a
}

// find asks an address, and the document that a page announces: which is as little
// to be trusted as what was given. The document is nil when the address did not
// answer.
func (d *Desk) find(ctx context.Context, given string) (address string, document *Document, err error) {
	address, err = feedAddress(given)
	if err != nil {
		return "", nil, err
	}
	for asked := range 2 {
		v := visit{desk: d}
		answer, err := v.fetch(ctx, fetch.Request{URL: address})
		if errors.Is(err, fetch.ErrRefused) && asked > 0 {
			return "", nil, fmt.Errorf("announces %s as its document: %w", address, err)
		}
		if err != nil {
			return address, nil, noAnswer(err)
		}
		if answer.Status != http.StatusOK {
			return address, nil, &unanswered{&statusError{answer.Status}}
		}
		read, err := v.read(ctx, answer)
		if err == nil {
			return address, &read, nil
		}
		if address = announced(answer.Body, answer.URL); address == "" {
			return "", nil, fmt.Errorf("is neither an RSS, Atom or JSON Feed document (%w) nor a page that announces one", err)
		}
	}
	return "", nil, errors.New("leads to a page that announces another page as its document")
}

// unanswered: whether there is a document is not known.
type unanswered struct{ error }

func (u *unanswered) Unwrap() error { return u.error }

func isNoAnswer(err error) bool {
	var u *unanswered
	return errors.As(err, &u)
}

func noAnswer(err error) error {
	if errors.Is(err, fetch.ErrRefused) {
		return err
	}
	return &unanswered{err}
}

// feedAddress is an address as it is kept: https when no scheme is said.
func feedAddress(given string) (string, error) {
	given = strings.TrimSpace(given)
	if rest, ok := strings.CutPrefix(given, "feed:"); ok { // as some programs hand them over
		given = strings.TrimPrefix(rest, "//")
	}
	if !strings.Contains(given, "://") {
		given = "https://" + given
	}
	u, err := url.Parse(given)
	if err != nil {
		return "", errors.New("is no address that can be read")
	}
	u.Fragment, u.Host = "", strings.ToLower(u.Host)
	if u.Path == "" {
		u.Path = "/"
	}
	if len(u.String()) > feed.MaxURL {
		return "", fmt.Errorf("is longer than %d bytes", feed.MaxURL)
	}
	return u.String(), nil
}

func invalid(location, message string) error {
	return &Invalid{[]Field{{location, message}}}
}
