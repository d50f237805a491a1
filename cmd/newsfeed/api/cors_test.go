package api

import (
	"testing"
)

// Public calls answer every origin, people's only the origins listed, and never
// with credentials.
func TestCrossOrigin(t *testing.T) {
	h := NewHouse(t)
	guest := h.Guest()
	const listed, other = "https://app.example", "https://other.example"
	tests := []struct {
		method, path, origin string
		want                 string
	}{
		{"GET", "/topics", other, "*"},
		{"GET", "/topics/iran/articles", other, "*"},
		{"GET", "/articles/x", other, "*"}, // 404, which scripts may read too
		{"GET", "/livez", other, "*"},
		{"GET", "/nothing", other, "*"},
		{"GET", "/feed", listed, listed},
		{"GET", "/feed", other, ""},
		{"GET", "/feed", "", ""},
		{"GET", "/interests", listed, listed},
		{"DELETE", "/interests/iran", other, ""},
		{"POST", "/guests", listed, listed},
		{"POST", "/guests", other, ""},
		{"POST", "/articles", listed, listed}, // 403
	}
	for _, test := range tests {
		var headers []string
		if test.origin != "" {
			headers = append(headers, "Origin: "+test.origin)
		}
		r := h.Call(test.method, test.path, guest, "", headers...)
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != test.want {
			t.Errorf("%s %s from %q: allowed %q, want %q", test.method, test.path, test.origin, got, test.want)
		}
		if test.want != "" && test.path != "/nothing" && r.Header.Get("Access-Control-Expose-Headers") != exposedHeaders {
			t.Errorf("%s %s: exposes %q", test.method, test.path, r.Header.Get("Access-Control-Expose-Headers"))
		}
		if r.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s %s allows credentials", test.method, test.path)
		}
		if test.path == "/feed" && r.Header.Get("Vary") != varyHeaders {
			t.Errorf("%s %s varies by %q", test.method, test.path, r.Header.Get("Vary"))
		}
	}
	any := NewHouse(t, func(d *Deps) { d.Settings.AllowedOrigins = []string{"*"} })
	if got := any.Call("GET", "/feed", "", "", "Origin: "+other).Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("with *: allowed %q", got)
	}
}

func TestPreflight(t *testing.T) {
	h := NewHouse(t)
	const listed, other = "https://app.example", "https://other.example"
	tests := []struct{ path, method, origin, want string }{
		{"/topics/iran", "GET", other, "*"},
		{"/topics/iran", "PUT", other, ""},
		{"/topics/iran", "PUT", listed, listed},
		{"/feed", "GET", listed, listed},
		{"/feed", "HEAD", listed, listed},
		{"/feed", "GET", other, ""},
		{"/feed", "POST", listed, ""}, // no such call
		{"/interests/iran", "DELETE", listed, listed},
		{"/interests/preview", "POST", listed, listed},
		{"/interests/preview", "PUT", listed, listed}, // of a topic with that name
	}
	for _, test := range tests {
		r := h.Must(204, "OPTIONS", test.path, "", "", "Origin: "+test.origin, "Access-Control-Request-Method: "+test.method)
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != test.want {
			t.Errorf("%s %s from %s: allowed %q, want %q", test.method, test.path, test.origin, got, test.want)
		}
		if test.want == "" {
			continue
		}
		if r.Header.Get("Access-Control-Allow-Headers") != allowedHeaders || r.Header.Get("Access-Control-Max-Age") != "7200" {
			t.Errorf("%s %s: %v", test.method, test.path, r.Header)
		}
	}
	h.Must(404, "OPTIONS", "/nothing", "", "")
}
