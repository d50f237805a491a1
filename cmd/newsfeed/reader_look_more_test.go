package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
)

// Nor does axe-core find anything on the pages that one seldom sees: those of a merge,
// of a lost password, of the popup and of editors, those that say that something is
// wrong or that nothing is here, and the one without the service.
func TestSeldomPagesAreAccessible(t *testing.T) {
	source, j := axe(t), &journey{serve(t, "NEWSFEED_SMTP_URL=smtp://127.0.0.1:1", "NEWSFEED_MAIL_FROM=news@example.com", "NEWSFEED_ALLOW_PRIVATE_SOURCES=true"), t, browser(t)}
	b := j.device(390)
	look := func(name, path string) {
		t.Helper()
		b.do(chromedp.EmulateViewport(390, 900))
		b.visit(j.url + path)
		b.lookAt("seldom-"+name, source)
	}
	look("no-sources", "/")
	look("no-interests", "/my/interests")
	look("nothing-saved", "/my/saved")
	look("lost-password", "/my/password")
	look("unknown-address", "/my/no/such/page")
	look("unknown-article", "/a/00000000-0000-5000-8000-000000000000")
	look("nothing-found", "/search?q=zzzzqqqq")
	look("popup-alone", "/embed/sign-in")
	b.run(nil, `for (const part of document.querySelectorAll('[data-part]')) part.hidden = part.dataset.part !== 'ask';
		document.querySelector('[data-site]').textContent = 'paper.example'`)
	b.lookAt("seldom-popup-asks", source)
	b.lookAtEditors(j, source)

	j.publish(about(1, "Talks resume", "North Korea"), about(2, "Cup final", "Tennis"))
	for _, topic := range []string{"north-korea", "tennis"} {
		b.visit(j.url + "/t/" + topic)
		b.press(".levels button[name=mute]")
	}
	look("all-muted", "/")
	look("all-read", "/?unread=true")
	look("muted-topic", "/t/tennis")
	look("expired", "/?cursor=of-long-ago")
	b.lookAtMerge(j, source)
	b.lookAtReset(j, source)
	b.lookAtForeignForm(j, source)

	b.visit(j.url + "/")
	b.press(".plain") // nothing is kept for nobody
	b.run(nil, `await navigator.serviceWorker.ready`)
	j.kill()
	look("offline", "/")
}

func (b *tab) lookAtEditors(j *journey, source string) {
	b.t.Helper()
	publisher := httptest.NewServer(http.NotFoundHandler())
	b.t.Cleanup(publisher.Close)
	b.visit(j.url + "/admin/sources")
	b.lookAt("seldom-editors-key", source)
	b.fill("main form", "key", testKey)
	b.lookAt("seldom-no-source", source)
	b.fill("form[action='/admin/sources/add']", "url", publisher.URL)
	b.lookAt("seldom-failing-source", source)
	b.fill("form[action='/admin/sources/add']", "url", "ftp://example.com/")
	b.lookAt("seldom-wrong-address", source)
}

func (b *tab) lookAtMerge(j *journey, source string) {
	b.t.Helper()
	j.device(390).signUp(j.process, "ann@example.com")
	b.visit(j.url + "/sign-in")
	b.enters("ann@example.com")
	b.lookAt("seldom-preview", source)
	b.press("main form button")
	b.lookAt("seldom-merge", source)
	b.press(".acts form button")
	b.lookAt("seldom-merge-undone", source)
}

func (b *tab) lookAtReset(j *journey, source string) {
	b.t.Helper()
	var made struct{ Link string }
	if status := j.call("POST", "/accounts/resets", testKey, map[string]any{"email": "ann@example.com"}, &made); status != 201 {
		b.t.Fatalf("POST /accounts/resets: %d", status)
	}
	b.visit(made.Link)
	b.lookAt("seldom-new-password", source)
	b.visit(made.Link + "x")
	b.fill("main form", "password", "correct horse battery")
	b.sees("dead-link", "", "This link is no longer good")
	b.lookAt("seldom-dead-link", source)
}

// lookAtForeignForm has another site send a form of ours: nothing is changed by it.
func (b *tab) lookAtForeignForm(j *journey, source string) {
	b.t.Helper()
	url := publisher(b.t, `<!doctype html><title>x</title><form method="post" action="http://127.0.0.1:8080/my/interests"><button name="follow" value="iran">x</button></form>`, &j.url)
	b.visit(url)
	b.press("button")
	b.sees("foreign-form", "", "That did not come from this page", "Nothing was changed")
	b.lookAt("seldom-foreign-form", source)
	b.visit(j.url + "/t/iran")
	b.sees("foreign-form-did", "", "Add interest")
}
