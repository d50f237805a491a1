package storagetest

import (
	"testing"
	"time"

	"newsfeed/feed"
)

// Announcements proves that an implementation keeps the contract of
// [feed.Announcements].
func Announcements(t *testing.T, fresh Fresh[feed.Announcements]) {
	run(t, "feed.Announcements", fresh, []testCase[feed.Announcements]{
		{name: "a node hears its own announcements", run: announcementsOwn},
		{name: "every node hears every other", run: announcementsAll},
		{name: "nobody waits for one who does not listen, who finds the greatest", run: announcementsSlow},
		{name: "many may announce at once", run: announcementsParallel},
		{name: "Close closes the channel, and what is announced later is nothing", run: announcementsClose},
		{name: "a lost server keeps nobody waiting, and nodes hear each other when it is back", server: true, run: announcementsLost},
		{name: "a frozen server keeps nobody waiting, not even Close", server: true, run: announcementsFrozen},
	})
}

func announcementsOwn(t *testing.T, h Harness[feed.Announcements]) {
	node, _ := h.Start(t)
	if first, second := node.Editions(), node.Editions(); first != second {
		t.Error("Editions returns another channel at each call")
	}
	for _, e := range []feed.Edition{1, 2, 3, 1 << 40, feed.LastEdition} {
		node.Announce(e)
		wantHeard(t, node, e)
	}
}

func announcementsAll(t *testing.T, h Harness[feed.Announcements]) {
	const n = 3
	if !h.Shared {
		t.Log("only one process may have the data: there is no other node")
		return
	}
	nodes := h.Nodes(t, n)
	for i, from := range nodes {
		for j, to := range nodes {
			wantReached(t, from, to, feed.Edition(1000*i+j+1))
		}
	}
}

func announcementsSlow(t *testing.T, h Harness[feed.Announcements]) {
	node, _ := h.Start(t)
	const last = 100_000
	begin := time.Now()
	for e := range feed.Edition(last) {
		node.Announce(e + 1)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("%d announcements took %v", last, took)
	}
	if first := wantHeard(t, node, last); first != last {
		t.Errorf("a slow listener hears %d first, want the greatest, %d", first, last)
	}
}

func announcementsParallel(t *testing.T, h Harness[feed.Announcements]) {
	nodes := h.Nodes(t, 2)
	inParallel(16, func(i int) {
		for k := range 50 {
			nodes[i%2].Announce(feed.Edition(1 + 16*k + i))
		}
	})
	wantHeard(t, nodes[1], 16*50)
}

func announcementsClose(t *testing.T, h Harness[feed.Announcements]) {
	node, stop := h.Start(t)
	node.Announce(1)
	stop()
	node.Announce(2)
	wantClosed(t, node)
	node.Announce(3)
	again, _ := h.Start(t)
	again.Announce(4)
	wantHeard(t, again, 4)
}

func announcementsLost(t *testing.T, h Harness[feed.Announcements]) {
	nodes := h.Nodes(t, 2)
	wantReached(t, nodes[0], nodes[1], 1)
	h.Lose(t)
	wantPrompt(t, nodes[0])
	h.Heal(t)
	wantReached(t, nodes[0], nodes[1], 2000)
	wantReached(t, nodes[1], nodes[0], 3000)
}

func announcementsFrozen(t *testing.T, h Harness[feed.Announcements]) {
	node, stop := h.Start(t)
	other, _ := h.Start(t)
	wantReached(t, node, other, 1)
	h.Freeze(t)
	wantPrompt(t, node)
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
	wantClosed(t, node)
	h.Thaw(t)
	node, _ = h.Start(t)
	wantReached(t, node, other, 5000)
	wantReached(t, other, node, 6000)
}

// wantPrompt announces 1000 editions and hears the last of its own at least.
func wantPrompt(t *testing.T, node feed.Announcements) {
	t.Helper()
	begin := time.Now()
	for e := range feed.Edition(1000) {
		node.Announce(e + 1)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("1000 announcements without a server took %v", took)
	}
}

// wantHeard waits for an edition and returns the first that was heard.
func wantHeard(t *testing.T, node feed.Announcements, want feed.Edition) (first feed.Edition) {
	t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case got, open := <-node.Editions():
			if !open {
				t.Fatalf("the channel was closed, edition %d not heard", want)
			}
			if first == 0 {
				first = got
			}
			if got == want {
				return first
			}
		case <-deadline:
			t.Fatalf("edition %d was not heard", want)
		}
	}
}

// wantReached announces an edition on a node until it is heard on another: one
// announcement alone may be lost.
func wantReached(t *testing.T, from, to feed.Announcements, e feed.Edition) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	from.Announce(e)
	for deadline := time.After(patience); ; {
		select {
		case got, open := <-to.Editions():
			if !open {
				t.Fatalf("the channel was closed, edition %d not heard", e)
			}
			if got == e {
				return
			}
		case <-again.C:
			from.Announce(e)
		case <-deadline:
			t.Fatalf("edition %d was never heard", e)
		}
	}
}

func wantClosed(t *testing.T, node feed.Announcements) {
	t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case _, open := <-node.Editions():
			if !open {
				return
			}
		case <-deadline:
			t.Fatal("Close did not close the channel of editions")
		}
	}
}
