package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var shots = flag.String("shots", "", "folder into which TestAccountsInBrowser puts pictures of its pages")

// tabPatience is how long a person waits for what does not come.
const tabPatience = 20 * time.Second

// do acts as a person does.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, tabPatience)
	defer cancel()
	for _, a := range actions {
		if err := chromedp.Do(ctx, a); err != nil {
			b.t.Fatal(err)
		}
	}
}

// colours sets what the person prefers, light or dark, and that nothing moves.
func colours(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	})
}

// fill types into the fields of a form and sends it.
func (b *tab) fill(form string, fields ...string) {
	b.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		b.run(nil, `document.querySelector(%s).value = ''`, form+" [name="+fields[i]+"]")
		b.do(chromedp.SendKeys(chromedp.CSS(form+" [name="+fields[i]+"]"), fields[i+1]))
	}
	b.press(form + " button")
}

// enters fills in the form of sign-in, whose first press shows what would be merged.
func (b *tab) enters(email string) {
	b.t.Helper()
	b.run(nil, `document.querySelector('#email').value = ''`)
	b.do(chromedp.SendKeys(chromedp.CSS("#email"), email))
	b.do(chromedp.SendKeys(chromedp.CSS("#password"), "correct horse battery"))
	b.click("main form button")
	b.until(`document.activeElement.className === 'preview'`)
}

// press presses a button or a link and waits for the next page.
func (b *tab) press(what string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, tabPatience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(what))); err != nil {
		b.t.Fatalf("press %s: %v", what, err)
	}
}

// sees asserts what a page says, that it fits the screen, and where the focus is.
func (b *tab) sees(name, focus string, texts ...string) {
	b.t.Helper()
	var page struct {
		Text, Focus    string
		Width, Visible int
	}
	// The field that asks for the focus gets it when the page is first drawn.
	b.run(&page, `if (document.readyState !== 'complete') await new Promise((done) => addEventListener('load', done));
		for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
		return {Text: document.body.innerText, Focus: document.activeElement.id,
		Width: document.documentElement.scrollWidth, Visible: document.documentElement.clientWidth}`)
	for _, text := range texts {
		if !strings.Contains(page.Text, text) {
			b.t.Errorf("%s: %q is not in the page:\n%.2000s", name, text, page.Text)
		}
	}
	if page.Width > page.Visible {
		b.t.Errorf("%s is %d wide, the screen %d", name, page.Width, page.Visible)
	}
	if page.Focus != focus {
		b.t.Errorf("%s: the focus is on %q, want %q", name, page.Focus, focus)
	}
	if *shots == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A guest signs up on a phone, makes a mistake, and signs in on a desk as another
// guest, whose topics come along and are taken back.
func TestAccountsInBrowser(t *testing.T) {
	p := serve(t)
	phone := browser(t)
	phone.do(chromedp.EmulateViewport(390, 844), colours("dark"))
	phone.visit(p.url + "/t/iran")
	phone.press("button[name=follow]")
	phone.sees("topic-390", "", "Keep your topics: sign up")
	phone.press(".entrance .who")
	phone.sees("sign-up-390", "email", "The 1 topic of this device comes along")
	phone.fill("main form", "email", "ann@example.com", "password", "correct horse battery")
	phone.sees("signed-up-390", "", "You have an account", "Sign out")

	phone.visit(p.url + "/my/account")
	phone.fill("form[action='/my/account/password']", "current", "wrong horse", "new", "staple battery")
	phone.sees("account-390", "current", "This is not the password", "ann@example.com")
	phone.press(".entrance form button")
	phone.sees("signed-out-390", "", "You are signed out")

	desk := phone // the same browser, which was left by everybody
	desk.do(chromedp.EmulateViewport(1280, 800), colours("light"))
	desk.visit(p.url + "/t/togo")
	desk.press("button[name=follow]")
	desk.visit(p.url + "/sign-in")
	desk.fill("main form", "email", "ann@example.com", "password", "wrong horse")
	desk.sees("sign-in-1280", "email", "The e-mail address or the password is wrong", "Bring along the 1 topic of this device")
	desk.enters("ann@example.com")
	desk.sees("preview-1280", "", "1 topic will be added to your account", "Togo")
	desk.press("main form button")
	desk.sees("merge-1280", "", "Added from this device: 1 topic", "Togo", "ann@example.com")
	desk.press(".acts form button")
	desk.sees("undone-1280", "", "is taken back")
	desk.visit(p.url + "/my/devices")
	desk.sees("devices-1280", "", "this device")
	desk.do(chromedp.EmulateViewport(390, 844))
	desk.sees("devices-390", "", "Chrome on Linux")
	desk.visit(p.url + "/my/interests")
	desk.sees("interests-390", "", "Iran")
}
