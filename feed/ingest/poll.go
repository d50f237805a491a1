package ingest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"newsfeed/feed"
	"newsfeed/feed/ingest/fetch"
)

const (
	maxPolledItems = 1000    // of a document, the newest
	chunkArticles  = 500     // stored at once
	chunkBytes     = 1 << 20 // of their texts
	maxValidator   = 1 << 10 // bytes of an ETag or a Last-Modified that are kept
	ownRetry       = time.Minute
)

// Polled is what a poll came to.
type Polled struct {
	Address   Address // as it was saved
	Items     int     // in the document; 0 also when it had not changed
	New       int
	Updated   int
	Unchanged int
	Others    int           // that belong to other sources
	Rejected  int           // that cannot be used
	Why       error         // of the first of those; nil when there is none
	Fault     error         // nil: it was answered
	Flaw      string        // how the document is not as it should be; "" when it is
	Took      time.Duration // from its turn on: to be asked and read

	from string // the address's URL before
}

// poll asks an address that is leased, stores what it brings, and saves how it
// went. Cut short by ctx, or because the address is removed, it only gives the
// lease back.
func (d *Desk) poll(ctx context.Context, a Address) Polled {
	ctx, done := d.polls.begin(ctx, a.ID)
	defer done()
	result := Polled{Address: a, from: a.URL}
	document, header, err := d.ask(ctx, &result)
	if ctx.Err() == nil && err == nil && document != nil {
		err = d.publish(ctx, *document, &result)
	}
	now := d.Now().UTC().Truncate(time.Millisecond)
	saved := &result.Address
	switch {
	case ctx.Err() != nil:
		result = Polled{Address: a, Fault: ctx.Err()}
	case isOurs(err):
		result = Polled{Address: a, Fault: err}
		result.Address.Due = now.Add(jitter(ownRetry)).Truncate(time.Millisecond)
		d.Report(err)
	case errors.Is(err, errGone):
		saved.gone(now)
	case err != nil:
		saved.failed(now, err.Error(), retryAfter(header, now))
	default:
		keeps := time.Duration(0)
		if document != nil {
			keeps = document.Keeps
		}
		saved.answered(now, result.New, max(maxAge(header), keeps))
	}
	if result.Fault = errors.Join(result.Fault, err); ctx.Err() == nil {
		saved.Polled = now
	}
	d.count(&result)
	d.save(ctx, &result)
	return result
}

// save writes what a poll made of an address, also when it was cut short. That
// another has the lease by now, or the address was removed, is no failure.
func (d *Desk) save(ctx context.Context, result *Polled) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storePatient)
	defer cancel()
	err := d.Sources.Save(ctx, result.Address)
	if errors.Is(err, ErrAddressTaken) { // it moved to where another one is
		a := &result.Address
		a.Fault, a.Stopped = shorten("stopped: it has moved to "+a.URL+", which is polled already", maxFault), true
		a.URL = result.from
		err = d.Sources.Save(ctx, *a)
	}
	if err != nil && !errors.Is(err, ErrLeaseLost) {
		d.Report(err)
	}
}

func (d *Desk) count(r *Polled) {
	d.Counts.Polls.Add(1)
	d.Counts.Took.Add(int64(r.Took))
	switch {
	case r.Fault != nil:
		d.Counts.Faults.Add(1)
		d.Counts.Kinds[kindOf(r.Fault)].Add(1)
	case r.Items == 0:
		d.Counts.Unchanged.Add(1)
	}
	if kind := kindOfFlaw(r.Flaw); r.Fault == nil && kind != FaultNone {
		d.Counts.Kinds[kind].Add(1)
	}
	d.Counts.New.Add(int64(r.New))
	d.Counts.Updated.Add(int64(r.Updated))
	d.Counts.Rejected.Add(int64(r.Rejected))
}

// errSlowReading: what was answered could not be read in the time of a fetch that
// the answer left.
var errSlowReading = errors.New("the document takes too long to read")

// errGone: the answer was 410.
var errGone = errors.New("it says that it is gone for good (410)")

// ask fetches and reads the document; nil when it has not changed. It enters
// into the address what the answer says of it.
func (d *Desk) ask(ctx context.Context, r *Polled) (*Document, http.Header, error) {
	a, v := &r.Address, visit{desk: d}
	defer func() { r.Took = v.took }()
	answer, err := v.fetch(ctx, fetch.Request{URL: a.URL, ETag: a.ETag, LastModified: a.LastModified})
	if err != nil {
		return nil, http.Header{}, err
	}
	now := d.Now().UTC().Truncate(time.Millisecond)
	switch answer.Status {
	case http.StatusNotModified:
		a.moved(now, answer.Moved)
		return nil, answer.Header, nil
	case http.StatusOK:
	case http.StatusGone:
		return nil, answer.Header, errGone
	default:
		return nil, answer.Header, &statusError{answer.Status}
	}
	document, err := v.read(ctx, answer)
	if err != nil {
		return nil, answer.Header, err
	}
	a.moved(now, answer.Moved)
	a.ETag, a.LastModified = validator(answer.Header.Get("ETag")), validator(answer.Header.Get("Last-Modified"))
	return &document, answer.Header, nil
}

// validator is a header that can be sent back.
func validator(s string) string {
	if len(s) > maxValidator {
		return ""
	}
	return s
}

// publish stores a document's entries as they would be stored if they were
// pushed. An entry that cannot be used does not stop the others.
func (d *Desk) publish(ctx context.Context, document Document, r *Polled) error {
	r.Items, r.Flaw = len(document.Items), document.Flaw
	items := d.prepare(document.Items, r)
	for chunk := range chunks(items) {
		changes := make([]feed.Change, 0, len(chunk))
		for _, draft := range chunk {
			var invalid *Invalid
			switch err := d.Tagger.Tag(ctx, draft, ""); {
			case errors.As(err, &invalid):
				r.reject(err)
				continue
			case err != nil:
				return &ownFault{err}
			}
			changes = append(changes, d.change(&r.Address, draft))
		}
		results, _, err := d.Log.Put(ctx, changes)
		for i := range results {
			r.note(&results[i])
		}
		if err != nil {
			return &ownFault{err}
		}
	}
	return nil
}

// change says what a poll may do: an article on the source's own host becomes
// the source's, one on another's only if it is nobody's yet.
func (d *Desk) change(a *Address, draft *feed.Draft) feed.Change {
	if a.owns(draft.URL) {
		return feed.Change{Draft: draft, Own: true, Repeats: true}
	}
	return feed.Change{Draft: draft, Right: feed.Right{Sources: []string{a.Source}}, Repeats: true}
}

// prepare makes the drafts that are stored: the newest, each address once (the
// first entry of it counts), under the source, with dates for those that the
// first poll brings without.
func (d *Desk) prepare(items []Item, r *Polled) []*feed.Draft {
	first, now := r.Address.Answered.IsZero(), d.Now()
	seen := map[string]bool{}
	var drafts []*feed.Draft
	for i := range items {
		draft := &items[i].Draft
		if items[i].Err != nil {
			r.reject(items[i].Err)
			continue
		}
		if seen[draft.URL] {
			r.Unchanged++
			continue
		}
		seen[draft.URL] = true
		draft.Source = feed.Source{ID: r.Address.Source, Name: r.Address.Name, URL: r.Address.Site}
		if first && draft.Published.IsZero() {
			draft.Presumed = now.Add(-24*time.Hour - time.Duration(i)*time.Minute)
		}
		drafts = append(drafts, draft)
	}
	return newest(drafts, now)
}

// newest keeps as many drafts as a poll may bring. One without a date counts as
// new, or as what it is presumed to be.
func newest(drafts []*feed.Draft, now time.Time) []*feed.Draft {
	if len(drafts) <= maxPolledItems {
		return drafts
	}
	date := func(d *feed.Draft) time.Time {
		switch {
		case !d.Published.IsZero():
			return d.Published
		case !d.Presumed.IsZero():
			return d.Presumed
		}
		return now
	}
	slices.SortStableFunc(drafts, func(a, b *feed.Draft) int { return date(b).Compare(date(a)) })
	return drafts[:maxPolledItems]
}

// chunks cuts drafts into what is stored at once.
func chunks(drafts []*feed.Draft) func(yield func([]*feed.Draft) bool) {
	return func(yield func([]*feed.Draft) bool) {
		from, size := 0, 0
		for i, draft := range drafts {
			size += len(draft.BodyHTML) + len(draft.Summary) + len(draft.Title)
			if i+1 == len(drafts) || i+1-from == chunkArticles || size >= chunkBytes {
				if !yield(drafts[from : i+1]) {
					return
				}
				from, size = i+1, 0
			}
		}
	}
}

func (r *Polled) reject(err error) {
	if r.Rejected++; r.Why == nil {
		r.Why = err
	}
}

// note counts what the log answered about one article.
func (r *Polled) note(result *feed.Result) {
	switch {
	case result.Outcome == feed.Accepted:
		r.New++
	case result.Outcome == feed.Updated:
		r.Updated++
	case result.Outcome == feed.Unchanged:
		r.Unchanged++
	case errors.Is(result.Err, feed.ErrNotYours):
		r.Others++
	case result.Err != nil:
		r.reject(result.Err)
	}
}
