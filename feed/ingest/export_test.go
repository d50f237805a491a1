package ingest

// What the tests of this package share with those that open a store.
var (
	Pack           = pack
	HarmlessBody   = checkHarmless
	HostileSources = hostileSources
	PayloadsOf     = payloadsOf
)
