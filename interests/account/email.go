package account

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Email is an e-mail address in its normal form, by which an account is found:
// NFKC, lower case, the domain as the name system has it (xn--…). Few servers
// tell Ann@ from ann@, and a person who types either means one account.
type Email string

// ErrEmail: a text is no e-mail address.
var ErrEmail = errors.New("account: not an e-mail address")

// Limits of an address (RFC 5321 §4.5.3.1), in bytes.
const (
	maxEmail = 254
	maxLocal = 64
)

// ParseEmail returns the normal form of an address as people type it. ErrEmail
// when it cannot be one that mail reaches: quoted local parts, comments, literal
// addresses and domains without a dot are refused too. Dots and "+…" are left
// alone, since what they mean is for each server to say.
func ParseEmail(text string) (Email, error) {
	text = strings.ToLower(norm.NFKC.String(strings.TrimSpace(text)))
	local, domain, ok := cutLast(text, "@")
	if !ok || len(local) > maxLocal || !isLocal(local) {
		return "", ErrEmail
	}
	domain, err := idna.Lookup.ToASCII(domain)
	if err != nil || !isDomain(domain) || len(local)+1+len(domain) > maxEmail {
		return "", ErrEmail
	}
	return Email(local + "@" + domain), nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// isLocal: a dot-atom of RFC 5322 §3.2.3, with the letters and digits of RFC 6531.
func isLocal(local string) bool {
	if local == "" || !utf8.ValidString(local) || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for _, r := range local {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", r) {
			return false
		}
	}
	return true
}

func isDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && strings.Trim(last, "0123456789") != "" // not an IPv4 address
}
