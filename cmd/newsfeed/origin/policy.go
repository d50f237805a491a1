package origin

// Policy is the content security policy of every page of ours, the reader's and
// that of the API's documentation: what comes from here, pictures and media of
// others over TLS, and no script but our own files. "newsfeed" is the one policy
// of trusted types, which names the service worker and nothing else.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; media-src https:; " +
	"connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types newsfeed"
