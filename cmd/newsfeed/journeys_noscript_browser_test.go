package main

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// withoutScript opens a device that runs no script of pages.
func (j *journey) withoutScript(width int64) *tab {
	j.t.Helper()
	d := j.device(width)
	d.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	return d
}

// says asserts what a page says, and what it does not.
func (b *tab) says(what string, not ...string) {
	b.t.Helper()
	var text string
	b.run(&text, `return document.body.innerText`)
	if !strings.Contains(text, what) {
		b.t.Errorf("%q is not in the page:\n%.2000s", what, text)
	}
	for _, n := range not {
		if strings.Contains(text, n) {
			b.t.Errorf("%q is in the page:\n%.2000s", n, text)
		}
	}
}

// Without a script every press is a form, and what it took away can be undone: choose,
// follow, mute, star, hide, mark as read, search, sign up, and as another device's guest
// sign in with the box ticked and take that back.
func TestJourneysWithoutScript(t *testing.T) {
	j := &journey{serve(t), t, browser(t)}
	j.publish(about(1, "Talks resume", "North Korea"), about(2, "Oil slips", "Crude Oil"), about(3, "Cup final", "Tennis"))
	b := j.withoutScript(390)
	b.visit(j.url + "/")
	b.press(".welcome .button")
	b.press(".pick[value=tennis]")
	b.press(".pick[value=north-korea]")
	b.press(".done .button")
	b.wantTitles("Talks resume", "Cup final")
	b.visit(j.url + "/t/crude-oil")
	b.press(".card .chip button[name=follow]")
	b.visit(j.url + "/")
	b.wantTitles("Talks resume", "Oil slips", "Cup final")

	b.press(".card:first-child button[name=save]")
	b.visit(j.url + "/my/saved")
	b.wantTitles("Talks resume")
	b.press("button[name=unsave]")
	b.says("Nothing saved yet")
	b.visit(j.url + "/")
	b.press(".allread button")
	b.says("3 stories marked as read")
	b.press(".note button")
	b.press(".card:first-child button[name=read]")
	b.visit(j.url + "/?unread=true")
	b.wantTitles("Oil slips", "Cup final")
	b.click(".card:first-child .menu summary")
	b.press(".card:first-child button[name=hide]")
	b.wantTitles("Cup final")
	b.press(".note button") // the undo
	b.wantTitles("Oil slips", "Cup final")
	b.click(".card:first-child .menu summary")
	b.press(".card:first-child button[name=mute][value=crude-oil]")
	b.says("You muted Crude Oil")
	b.wantTitles("Cup final")
	b.press(".note button")
	b.wantTitles("Oil slips", "Cup final")

	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "iran"))
	b.press(".find button")
	b.press(".row button[name=follow][value=iran]")
	b.visit(j.url + "/my/interests")
	b.wantListed("without a script", "Crude Oil Following", "Iran Following", "North Korea Following", "Tennis Following")
	b.press(".entrance .who")
	b.fill("main form", "email", "ann@example.com", "password", "correct horse battery")
	b.says("You have an account")
	b.shootIf("no-script-signed-up-390")
	j.bringsWithoutScript()
}

// bringsWithoutScript signs a guest in with the box ticked, and takes that back.
func (j *journey) bringsWithoutScript() {
	j.t.Helper()
	b := j.withoutScript(1280)
	b.visit(j.url + "/t/togo")
	b.press(".levels button[name=follow]")
	b.press(".entrance a[href^='/sign-in']")
	b.says("Bring along the 1 topic of this device")
	var ticked bool
	if b.run(&ticked, `return document.querySelector('#merge').checked`); !ticked {
		j.t.Error("the box is not ticked")
	}
	b.fill("main form", "email", "ann@example.com", "password", "correct horse battery")
	b.says("Added from this device: 1 topic")
	b.press(".acts form button")
	b.says("is taken back")
	b.shootIf("no-script-undone-1280")
	b.visit(j.url + "/my/interests")
	b.says("Iran", "Togo")
}
