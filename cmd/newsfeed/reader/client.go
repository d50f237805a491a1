package reader

import _ "embed"

// clientScript keeps a list of interests in a browser, offline too: a module of
// ours for our own pages and for those of others. It says itself how it is used.
//
//go:embed assets/client.js
var clientScript []byte

var clientModule = newModule(clientScript)
