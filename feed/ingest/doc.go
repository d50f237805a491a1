// Package ingest turns what publishers send into drafts, cleaned and tagged:
// one file per format (article.go, ninjs.go, feedfile.go), what goes before the
// parser of documents (encoding.go, prescan.go), the cleaning of text and HTML
// (clean.go, body.go, links.go), and the tagger (tag.go).
//
// The desk (desk.go, poll.go, schedule.go) polls the addresses of sources, which
// are behind the contract [Sources], and stores what it finds as if it were pushed.
//
// It takes everything for hostile. All asking of addresses goes through
// feed/ingest/fetch.
package ingest
