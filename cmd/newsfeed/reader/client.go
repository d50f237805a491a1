package reader

import (
	"bytes"
	_ "embed"
)

// clientScript keeps a list of interests in a browser, offline too: a module of
// ours for our own pages and for those of others. It says itself how it is used.
//
//go:embed assets/client.js
var clientSource []byte

// clientScript is served without its comments, but for the first, which says how it is
// used.
var clientScript = func() []byte {
	head, rest, _ := bytes.Cut(clientSource, []byte("\n\n"))
	return append(append(head, "\n\n"...), remarks.ReplaceAll(rest, nil)...)
}()

var clientModule = newModule(clientScript)
