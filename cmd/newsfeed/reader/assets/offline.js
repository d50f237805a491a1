// Reading and editing without the service: the worker keeps the last pages, the
// client's list keeps edits of topics, and marks.js marks, until they are sent. Both are one account's.

let account, text, at, make, say, show, showMark, mute, opening, failures = 0, timer;

/** meet tells what the page has for this module. */
export function meet(page) { ({ account, text, at, make, say, show, showMark, mute } = page); }

/** list opens the account's list on this device. */
function list() {
  opening ??= import('/client.js').then(async ({ open }) => {
    const l = await open({ account });
    l.subscribe(({ problems }) => {
      if (problems?.length) say(text('edits-refused', { n: problems.length }));
      settled(l);
    });
    return l;
  });
  return opening;
}

const marks = () => import('./marks.js');

// settled says that all is sent, when it is.
async function settled(l) {
  if (l.waiting || localStorage.getItem('waiting') !== account || (await (await marks()).waiting(account)).length) return;
  if (l.waiting || !localStorage.getItem('waiting')) return; // meanwhile
  localStorage.removeItem('waiting');
  say(text('edits-sent'), text('show-the-new-feed'), '/');
}

/** mark keeps a mark of a story on this device until it is sent. */
export async function mark(story, what, value) {
  localStorage.setItem('waiting', account);
  await (await marks()).keep(account, story, what, value);
  clearTimeout(timer);
  timer = setTimeout(sendMarks, 2e3);
}

// sendMarks sends the marks that wait, and tries again when the service is away: after
// two seconds, and twice as long each time, up to five minutes.
async function sendMarks() {
  clearTimeout(timer);
  try {
    const refused = await (await marks()).send(account);
    failures = 0;
    if (refused) say(text('edits-refused', { n: refused }));
    await settled(await list());
  } catch (error) {
    if (error.status === 401 || error.status === 403) return; // it is somebody else who is signed in, or nobody
    timer = setTimeout(sendMarks, Math.min(300e3, 2e3 * 2 ** failures++) * (0.5 + Math.random() / 2));
  }
}

addEventListener('online', () => { if (account && localStorage.getItem('waiting') === account) sendMarks(); });

/** edit keeps an edit of a topic on this device until it is sent, and says so; label and act as say has them. */
export async function edit(topic, level, name, label, act) {
  localStorage.setItem('waiting', account);
  const l = await list();
  await l.set(topic, level);
  waits(topic, level);
  say(text('edit-kept', { name }), label, act);
}

// waits makes the page show a topic as an edit has it that is not sent yet.
function waits(topic, level) {
  show(topic, level ?? 'none');
  for (const row of document.querySelectorAll('.row')) {
    if ([...row.querySelectorAll('button')].some((b) => b.value === topic)) row.classList.add('waiting');
  }
}

// ask lets a form that ends the account's stay here go on only when nothing unsent
// is lost by it, or its person says so.
addEventListener('submit', async (event) => {
  const form = event.target;
  if (!['/sign-out', '/my/account/erase'].includes(form.getAttribute('action')) || form.dataset.sure || localStorage.getItem('waiting') !== account) return;
  event.preventDefault();
  const l = await list(), m = await marks();
  await Promise.allSettled([l.sync(), m.send(account)]);
  const n = l.waiting + (await m.waiting(account)).length;
  if (n && !confirm(text('edits-unsent', { n }))) return;
  await l.forget();
  await m.drop(account);
  localStorage.removeItem('waiting');
  form.dataset.sure = 'yes';
  form.requestSubmit(event.submitter);
}, true);

// abandoned asks about what another account left unsent on this device.
async function abandoned(whose) {
  const { indexedStore } = await import('/client.js');
  const store = await indexedStore(`newsfeed ${location.origin}`);
  const state = await store.read(whose);
  const m = await marks(), n = (state?.pending.length ?? 0) + (await m.waiting(whose)).length;
  const drop = async () => { await store.remove(whose); await m.drop(whose); localStorage.removeItem('waiting'); };
  if (!n) return drop();
  say(text('edits-of-others', { n }), text('drop'), drop);
  if (!account) document.querySelector('.toast')?.append(make('a', { href: '/sign-in', className: 'small' }, text('sign-in-to-send')));
}

/** begin says whether the page was kept, sends what waits, and starts the worker. */
export async function begin() {
  const { offline } = document.body.dataset;
  if (offline) {
    const line = make('div', { className: 'note', role: 'status' }, make('p', {}, text('kept-page', { time: at(offline) })));
    document.querySelector('.masthead').after(line);
  }
  const waiting = localStorage.getItem('waiting');
  if (waiting && waiting === account) {
    const l = await list();
    for (const { topic, level } of l.edits()) {
      waits(topic, level);
      if (level === 'mute') mute(topic);
    }
    const kept = await (await marks()).waiting(account);
    for (const { story, mark: what, value } of kept) showMark(story, what, value);
    if (kept.length) sendMarks();
    else if (!l.waiting) localStorage.removeItem('waiting');
  } else if (waiting) {
    await abandoned(waiting);
  }
  const policy = globalThis.trustedTypes?.createPolicy('newsfeed', { createScriptURL: (url) => {
    if (url !== '/sw.js') throw new TypeError('no script but the worker');
    return url;
  } });
  const begun = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register(policy ? policy.createScriptURL('/sw.js') : '/sw.js', { type: 'classic', updateViaCache: 'none' });
  // The page that starts the worker did not come through it.
  if (begun && account) (await navigator.serviceWorker.ready).active.postMessage(location.pathname);
}
