// Package ingest turns what publishers send into drafts, cleaned and tagged:
// one file per format (article.go, ninjs.go, feedfile.go), the cleaning of
// text and HTML (clean.go, body.go), and the tagger (tag.go).
//
// It takes everything for hostile. It does not fetch anything, and it stores
// nothing but new topics.
package ingest
