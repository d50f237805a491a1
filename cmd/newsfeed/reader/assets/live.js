// What happens elsewhere: new stories, and edits on other devices. A pill says so,
// and never moves what is being read. Of all tabs of a browser one holds the stream
// (the lock says which) and tells the others; hidden tabs let go.

const feed = document.querySelector('[data-since]');
let name, channel, text, make, answered, pill, release, changed = false, asking = 0;

function showPill(text) {
  if (!pill) {
    pill = document.body.appendChild(make('p', { className: 'pill', role: 'status' }));
    pill.append(make('a', { href: location.pathname === '/' ? location.pathname + location.search.replace(/[?&]cursor=[^&]*/, '') || '/' : '/' }));
  }
  pill.firstChild.textContent = text;
}

async function countNewer() {
  if (!feed || document.hidden || asking++) return;
  try {
    do {
      asking = 1;
      const response = await fetch(`/feed/newer?cursor=${encodeURIComponent(feed.dataset.since)}`);
      if (!response.ok) continue;
      const { count } = await response.json();
      if (count > 0 && !changed) showPill(count >= 99 ? text('new-stories-or-more', { n: count }) : text('new-stories', { n: count }));
    } while (asking > 1);
  } catch {
    // The stream comes back, and asks again.
  } finally {
    asking = 0;
  }
}

// happened takes in an event. A stream that begins tells the revision that there is:
// only a list that is newer than the page's is news.
async function happened([what, revision]) {
  if (what === 'feed') countNewer();
  await answered();
  if (what === 'interests' && revision > Number(document.body.dataset.revision)) {
    if (location.pathname === '/my/interests' && !document.querySelector('.toast button')) location.reload();
    else if (feed) { changed = true; showPill(text('topics-changed')); }
  }
}

function listen() {
  const events = new EventSource('/events');
  for (const what of ['feed', 'interests', 'marks']) events.addEventListener(what, (event) => {
    const told = [what, JSON.parse(event.data).revision];
    channel.postMessage(told);
    happened(told);
  });
  events.onopen = () => happened(['feed']); // what came between the page and its stream is told by no event
  return events;
}

async function hold() {
  if (document.hidden || release) return;
  const ended = new Promise((resolve) => { release = resolve; });
  const within = async () => {
    if (document.hidden) return;
    const stream = listen();
    await ended;
    stream.close();
  };
  if (!navigator.locks) return within(); // plain HTTP on a network: each visible tab for itself
  await navigator.locks.request(name, { signal: signalOf(ended) }, within).catch(() => {});
}

// signalOf ends the waiting for a lock when a promise is settled.
function signalOf(promise) {
  const abort = new AbortController();
  promise.then(() => abort.abort());
  return abort.signal;
}

function letGo() {
  release?.();
  release = undefined;
}

/** begin listens for an account, whenever its page is seen. */
export function begin(page) {
  ({ text, make, answered } = page);
  name = `newsfeed live ${page.account}`;
  channel = new BroadcastChannel(name);
  channel.onmessage = (event) => happened(event.data);
  addEventListener('visibilitychange', () => {
    if (document.hidden) return letGo();
    hold();
    countNewer();
  });
  addEventListener('pagehide', letGo);
  addEventListener('pageshow', (event) => { if (event.persisted) { hold(); countNewer(); } });
  hold();
}
