package main

import (
	"strings"
	"testing"
)

// onLine opens a device behind a line of its own that can be cut, signed in.
func (j *journey) onLine(width int64) (*tab, *gate) {
	j.t.Helper()
	d, line := j.device(width), newGate(j.t, j.url)
	d.signInAs(&process{url: line.URL}, "ann@example.com")
	for _, path := range []string{"/my/interests", "/"} {
		d.visit(line.URL + path)
		d.kept(path)
	}
	return d, line
}

// listed is what the page of one's interests says, as "topic level".
func (b *tab) listed() (list []string) {
	b.t.Helper()
	b.run(&list, `return [...document.querySelectorAll('main h2')].flatMap((h) => [...h.parentElement.querySelectorAll('ul.rows')].filter((u) =>
		[u.previousElementSibling, u.previousElementSibling.previousElementSibling].includes(h)).flatMap((u) => [...u.querySelectorAll('.row > a')].map((a) => a.textContent + ' ' + h.textContent)))`)
	return list
}

func (b *tab) wantListed(what string, want ...string) {
	b.t.Helper()
	if got := b.listed(); strings.Join(got, ", ") != strings.Join(want, ", ") {
		b.t.Errorf("%s: listed are %q, want %q", what, got, want)
	}
}

// Two devices are cut off, and edit: other topics, and one topic differently. When the
// line is back both show what both have done, and of the one topic what was said last.
func TestJourneyOffline(t *testing.T) {
	onBothStores(t, browser(t), func(j *journey) {
		j.publish(about(1, "Talks resume", "North Korea"), about(2, "Cup final", "Tennis"), about(3, "Oil slips", "Crude Oil"), about(4, "Talks again", "North Korea"))
		made := j.device(390)
		made.signUp(j.process, "ann@example.com")
		for _, topic := range []string{"north-korea", "tennis", "crude-oil"} {
			made.visit(j.url + "/t/" + topic)
			made.press(".levels button[name=follow]")
		}
		phone, line := j.onLine(390)
		desk, otherLine := j.onLine(1280)
		line.cutOff()
		otherLine.cutOff()
		phone.visit(line.URL + "/")
		phone.until(`document.querySelector('.note')?.textContent.startsWith('The service cannot be reached. This is how it was on ')`)
		phone.click(".chip.on button[value=tennis]")
		phone.until(`document.querySelector('.toast')?.textContent.includes('kept on this device')`)
		phone.click(".chip.on button[value=north-korea]")
		phone.until(`document.querySelectorAll('.chip.on button[value=north-korea]').length === 0`)
		phone.shootIf("offline-edit-390")

		desk.visit(otherLine.URL + "/") // later than the phone: what is said here counts
		desk.click(".card:nth-child(1) .menu summary")
		desk.click(".card:nth-child(1) button[name=mute][value=north-korea]")
		desk.until(`document.querySelector('.toast')?.textContent.includes('kept on this device')`)
		desk.wantTitles("Cup final", "Oil slips")
		desk.visit(otherLine.URL + "/")
		desk.until(`document.querySelectorAll('.card[hidden]').length === 2`)
		desk.visit(otherLine.URL + "/my/interests")
		desk.click("button[name=favourite][value=crude-oil]")
		desk.until(`document.querySelector('.row.waiting')`)
		desk.shootIf("offline-list-1280")

		for _, on := range []struct {
			*tab
			line *gate
		}{{phone, line}, {desk, otherLine}} {
			on.line.cut.Store(false)
			on.visit(on.line.URL + "/")
			on.until(`!localStorage.getItem('waiting')`)
		}
		for name, on := range map[string]struct {
			*tab
			line *gate
		}{"phone": {phone, line}, "desk": {desk, otherLine}} {
			on.visit(on.line.URL + "/my/interests")
			on.wantListed(name, "Crude Oil Favourites", "North Korea Muted")
			on.visit(on.line.URL + "/")
			on.wantTitles("Oil slips")
		}
	})
}

// The service goes away while a page is open: what is pressed is kept and says so, and
// comes through by itself when the service is back.
func TestJourneyServerDown(t *testing.T) {
	j := &journey{serve(t), t, browser(t)}
	j.publish(about(1, "Talks resume", "North Korea"), about(2, "Cup final", "Tennis"))
	b := j.device(390)
	b.signUp(j.process, "ann@example.com")
	b.visit(j.url + "/t/north-korea")
	b.press(".levels button[name=follow]")
	b.visit(j.url + "/")
	b.kept("/")
	j.kill()
	b.click(".chip.on button[value=north-korea]")
	b.until(`document.querySelector('.toast')?.textContent.includes('kept on this device')`)
	b.shootIf("server-down-390")
	b.visit(j.url + "/s/00000000-0000-0000-0000-000000000000") // not kept: the last feed is shown in its place
	b.until(`document.querySelector('.note')?.textContent.startsWith('The service cannot be reached.')`)
	b.until(`document.querySelector('.chip:not(.on) button[value=north-korea]')`)
	j.start()
	b.until(`!localStorage.getItem('waiting')`)
	b.until(`document.querySelector('.toast')?.textContent.startsWith('What you changed offline is saved')`)
	b.press(".toast a")
	b.sees("server-back-390", "", "Make this front page yours")
	stranger := j.device(390)
	stranger.visit(j.url + "/")
	stranger.run(nil, `await navigator.serviceWorker.ready`)
	j.kill()
	stranger.visit(j.url + "/")
	stranger.sees("offline-390", "", "You are offline", "Try again")
}
