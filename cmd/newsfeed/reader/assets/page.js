// The page's script. Everything works without it; with it a press does not load the
// page anew, times are in one's own zone, and there are keys. It makes no HTML from
// text (the policy of trusted types forbids it) and never sees a token: presses are
// the same forms, sent in the background with the cookie.

const texts = TEXTS;
const { lang } = document.documentElement;
const plural = new Intl.PluralRules(lang);

/** text is one of texts.en.json, with values in its places; n chooses the plural form. */
function text(name, values = {}) {
  const forms = texts[name] ?? name;
  return (forms[plural.select(values.n ?? 0)] ?? forms.other ?? forms).replace(/\{([a-z-]+)\}/g, (_, place) => values[place]);
}

const account = document.body.dataset.account;
const $ = (what, within = document) => within.querySelector(what);
const $$ = (what, within = document) => [...within.querySelectorAll(what)];

/** make makes an element with properties and children, which are text or elements. */
function make(name, properties = {}, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  e.append(...children);
  return e;
}

// Times, in words of one's own zone.

const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'always' });
const exact = new Intl.DateTimeFormat(text('dates'), { dateStyle: 'long', timeStyle: 'short' });
const long = new Intl.DateTimeFormat(text('dates'), { dateStyle: 'long' });
const clock = new Intl.DateTimeFormat(text('dates'), { timeStyle: 'short' });
const day = new Intl.DateTimeFormat(text('dates'), { day: 'numeric', month: 'long' });

const at = (time) => exact.format(new Date(time));

function tellTimes() {
  for (const t of $$('time[title]')) {
    const time = new Date(t.dateTime), s = (Date.now() - time) / 1000;
    t.title = exact.format(time);
    if (s < 60) continue;
    const [n, unit] = s < 3600 ? [s / 60, 'minute'] : s < 86400 ? [s / 3600, 'hour'] : [s / 86400, 'day'];
    if (s < 7 * 86400) t.textContent = relative.format(-Math.floor(n), unit);
    else if (time.getFullYear() === new Date().getFullYear()) t.textContent = day.format(time);
  }
  for (const t of $$('.asof time')) { // of the same parts as before, so that nothing moves
    const time = new Date(t.dateTime);
    t.title = exact.format(time);
    t.firstChild.textContent = `${long.format(time)}, `;
    t.lastChild.textContent = clock.format(time);
  }
}

// A line at the bottom says what was done, and takes it back.

let toast, fading;

/** say shows a line for a while; act, if given, is a button's text and what it does, or where its link leads. */
function say(text, label, act) {
  toast ??= document.body.appendChild(make('div', { className: 'toast', role: 'status' }));
  toast.replaceChildren(make('bdi', {}, text));
  if (typeof act === 'string') toast.append(make('a', { href: act, className: 'small' }, label));
  else if (act) toast.append(make('button', { className: 'small', onclick: () => { toast.replaceChildren(); act(); } }, label));
  clearTimeout(fading);
  const away = () => { if (toast.matches(':hover, :focus-within')) fading = setTimeout(away, 2e3); else toast.replaceChildren(); };
  fading = setTimeout(away, 12e3);
}

// Presses.

/** send sends a form in the background. True when it was accepted; it rejects when there was no answer. */
async function send(action, fields, more = {}) {
  const response = await fetch(action, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual', ...more });
  return response.type === 'opaqueredirect';
}

const levels = ['follow', 'favourite', 'mute', 'none'];
const nameOf = (button) => button.closest('li')?.querySelector('bdi')?.textContent ?? button.querySelector('bdi')?.textContent ?? button.value;

function icon(button, name) { $('use', button)?.setAttribute('href', `#i-${name}`); }

/** show makes all buttons of a topic, in cards and among the choices, say how it stands. */
function show(topic, level) {
  const on = level === 'follow' || level === 'favourite';
  for (const b of $$('.chip button, .pick')) {
    if (b.value !== topic) continue;
    const name = nameOf(b), chip = b.closest('.chip') ?? b;
    if (chip === b && b.classList.contains('on') !== on) chose(on ? 1 : -1);
    chip.classList.toggle('on', on);
    chip.classList.toggle('favourite', level === 'favourite');
    b.name = on ? 'none' : 'follow';
    icon(b, on ? 'check' : 'plus');
    b.setAttribute('aria-label', on ? text('following-topic', { name }) : text('add-interest-in', { name }));
    if (b.title) b.title = b.getAttribute('aria-label');
    if ($('span', b)) $('span', b).textContent = on ? text('following') : text('add-interest');
  }
}

/** chose says how many topics the feed is made of, where they are chosen. */
function chose(step) {
  const button = $('[data-chosen]');
  if (!button) return;
  const n = button.dataset.chosen = Number(button.dataset.chosen) + step;
  button.textContent = n ? text('show-my-feed', { n }) : text('back-to-the-feed');
}

let answered; // once all presses on topics are: until then nobody knows whose edit an event tells of

/** muting returns the cards that a mute of a topic takes away. */
const muting = (topic) => cards().filter((card) => $$('button[name=mute]', card).some((b) => b.value === topic));

/** focusOn gives a card the focus, as j and k do. */
function focusOn(card) {
  if (!card || card.hidden) return;
  card.tabIndex = -1;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: 'nearest', behavior: 'instant' });
}

/** putAway hides cards. From one of them the focus goes on to the next that stays. */
function putAway(gone, from) {
  const all = cards(), n = all.indexOf(from);
  for (const card of gone) card.hidden = true;
  if (gone.includes(from)) focusOn([...all.slice(n), ...all.slice(0, n).reverse()].find((card) => !card.hidden));
}

/**
 * edit sets a topic's level, here and at the service, for a press in a card or elsewhere.
 * True when that is done, false when the service does not take it, undefined when it
 * cannot be reached and the person was told so.
 */
async function edit(topic, level, name, from, undone) {
  const on = $(`.chip.on button[value="${CSS.escape(topic)}"], .pick.on[value="${CSS.escape(topic)}"]`);
  const was = on ? (on.closest('.favourite') ? 'favourite' : 'follow') : 'none';
  let away = false;
  try {
    const sent = send('/my/interests', { [level]: topic, back: '/' });
    answered = Promise.allSettled([answered, sent.then((taken) => { if (taken) document.body.dataset.revision++; })]);
    if (!await sent) return false;
  } catch {
    if (!account) return say(text('away'));
    away = true;
  }
  const gone = level === 'mute' ? muting(topic) : [];
  const undo = async () => {
    if (!await edit(topic, was, name, from, true)) return;
    for (const card of gone) card.hidden = false;
    focusOn(from);
  };
  if (away) await (await offline()).edit(topic, level === 'none' ? null : level, name, ...(level === 'mute' ? [text('undo'), undo] : []));
  show(topic, level);
  putAway(gone, from);
  if (away) return true;
  if (level === 'mute') say(text('now-mute', { name }), text('undo'), undo);
  else if (!undone && !location.pathname.startsWith('/pick')) say(level === 'none' ? text('you-no-longer-follow', { name }) : text('now-follow', { name }), text('show-the-new-feed'), '/');
  return true;
}

// What a press of a mark makes of its button: its name, its label, and whether it is lit.
const marks = {
  save: ['unsave', (title) => text('unsave-of', { title }), true], unsave: ['save', (title) => text('save-of', { title }), false],
  read: ['unread', (title) => text('unread-of', { title }), true], unread: ['read', (title) => text('read-of', { title }), false],
};

// What the service calls the marks that buttons set.
const named = { save: ['saved', true], unsave: ['saved', false], read: ['read', true], unread: ['read', false], hide: ['hidden', true], unhide: ['hidden', false] };

/** markStory sets a mark: 'sent' or, where the service cannot be reached, 'kept'; else what edit returns. */
async function markStory(name, story) {
  try {
    return await send('/my/marks', { [name]: story, back: '/' }) && 'sent';
  } catch {
    if (!account) return say(text('away'));
    await (await offline()).mark(story, ...named[name]);
    return 'kept';
  }
}

/** mark sets or takes back a mark of a story. It returns what edit returns. */
async function mark(button) {
  const card = button.closest('[data-story]'), { name, value } = button;
  const done = await markStory(name, value);
  if (!done) return done;
  if (name === 'hide') {
    putAway([card], card);
    say(done === 'kept' ? text('mark-kept') : text('story-hidden'), text('undo'), async () => {
      const back = await markStory('unhide', value);
      if (!back) return back === false && say(text('away'));
      card.hidden = false;
      focusOn(card);
    });
    return true;
  }
  light(button, card);
  if (done === 'kept') say(text('mark-kept'));
  return true;
}

/** showMark makes the page's cards of a story say how a mark of it stands. */
function showMark(story, mark, value) {
  for (const card of $$('.card')) {
    if (card.dataset.story !== story) continue;
    if (mark === 'hidden') card.hidden = value;
    const button = $$('button', card).find((b) => named[b.name]?.[0] === mark && named[b.name][1] === value);
    if (button && marks[button.name]) light(button, card);
  }
}

/** light makes the button of a mark that was set say so, and take it back. */
function light(button, card) {
  const { name } = button, [opposite, label, on] = marks[name], title = $('h2', card)?.textContent ?? '';
  button.name = opposite;
  button.classList.toggle('on', on);
  button.setAttribute('aria-pressed', on);
  button.setAttribute('aria-label', label(title));
  if (name.endsWith('read')) card.classList.toggle('read', on);
}

addEventListener('submit', async (event) => {
  const form = event.target, button = event.submitter;
  if (!button?.name || !form.closest('.card, .picks')) return;
  const action = button.getAttribute('formaction') ?? form.getAttribute('action');
  if (!(action === '/my/interests' && levels.includes(button.name)) && action !== '/my/marks') return;
  event.preventDefault();
  if (button.disabled) return;
  const menu = button.closest('details');
  menu?.removeAttribute('open');
  button.disabled = true;
  const done = action === '/my/marks' ? await mark(button) : await edit(button.value, button.name, nameOf(button), button.closest('.card'));
  button.disabled = false;
  if (document.activeElement === document.body && !button.closest('[hidden]')) (menu ? $('summary', menu) : button).focus({ preventScroll: true });
  if (done === false) {
    form.append(make('input', { type: 'hidden', name: button.name, value: button.value })); // the service says in words what is wrong
    form.action = action;
    form.submit();
  }
});

// Without a card of its own a press loads the page anew; offline it is kept.
addEventListener('submit', async (event) => {
  const form = event.target, button = event.submitter;
  if (event.defaultPrevented || !account || navigator.onLine && !document.body.dataset.offline) return;
  if (form.getAttribute('action') !== '/my/interests' || !levels.includes(button?.name)) return;
  event.preventDefault();
  await (await offline()).edit(button.value, button.name === 'none' ? null : button.name, nameOf(button));
});

// What a sign-in brings along is shown before.

addEventListener('submit', async (event) => {
  const form = event.target;
  if (form.getAttribute('action') !== '/sign-in' || !form.elements.merge?.checked || form.dataset.shown || !$('.held', form)) return;
  event.preventDefault();
  form.dataset.shown = 'yes';
  if (!await import('./bring.js').then((m) => m.preview(page, form)).catch(() => false)) form.requestSubmit();
});

// What is opened is read. Nobody has nothing to keep that in.

function sawStory(story) {
  if (!account || !story) return;
  const keep = async () => (await offline()).mark(story, 'read', true);
  if (document.body.dataset.offline) keep();
  else send('/my/marks', { read: story, back: '/' }, { keepalive: true }).catch(keep);
}

for (const kind of ['click', 'auxclick']) addEventListener(kind, (event) => {
  const link = event.target.closest?.('.card h2 a, .reports h2 a, .whole .out a, .whole .source, .story h2 a');
  if (!link || event.button > 1) return;
  const card = link.closest('[data-story]');
  sawStory(card?.dataset.story ?? $('[data-story]')?.dataset.story);
  card?.classList.add('read');
});
if (/^\/[as]\//.test(location.pathname)) sawStory($('[data-story]:not(.read)')?.dataset.story);

// Pictures that do not come take no room.

function broken(img) { img.closest('.pictured')?.classList.remove('pictured', 'lead-pictured'); img.remove(); }
addEventListener('error', (event) => { if (event.target instanceof HTMLImageElement) broken(event.target); }, true);
for (const img of document.images) if (img.complete && !img.naturalWidth) broken(img);

// Menus close by themselves.

addEventListener('click', (event) => { for (const d of $$('details.menu[open]')) if (!d.contains(event.target)) d.open = false; });
addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const d of $$('details.menu[open]')) { d.open = false; $('summary', d).focus(); }
});

// Keys.

function cards() { return $$('.card:not([hidden])'); }

function next(card, step) {
  const all = cards(), n = all.indexOf(card);
  return n < 0 ? all.find((c) => c.getBoundingClientRect().bottom > 60) : all[n + step];
}

function go(step) {
  const card = next(document.activeElement.closest?.('.card'), step);
  focusOn(card);
  card?.scrollIntoView({ block: 'start', behavior: 'instant' });
}

function press(what) { $(what, document.activeElement.closest?.('.card') ?? undefined)?.click(); }

const keys = {
  j: () => go(1), k: () => go(-1),
  o: () => press('.card h2 a'), s: () => press('button[name=save], button[name=unsave]'),
  r: () => press('button[name=read], button[name=unread]'),
  m: () => { const menu = $('.menu', document.activeElement.closest?.('.card') ?? undefined); if (menu) { menu.open = true; $('button', menu).focus(); } },
  u: () => $('.toast button')?.click(),
  '/': () => $('#q')?.focus(), '?': help,
};

const helps = () => ({
  j: text('key-next'), k: text('key-before'), o: text('key-open'), s: text('key-star'), r: text('mark-as-read'),
  m: text('key-mute'), u: text('undo'), '/': text('find-a-topic'), '?': text('key-help'),
});

const keysOff = () => localStorage.getItem('keys') === 'off';

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input, textarea, select, dialog') || !Object.hasOwn(keys, event.key)) return;
  if (keysOff() && event.key !== '?') return;
  event.preventDefault();
  keys[event.key]();
});

function help() {
  const box = make('input', { type: 'checkbox', checked: !keysOff() });
  box.onchange = () => { if (box.checked) localStorage.removeItem('keys'); else localStorage.setItem('keys', 'off'); };
  const dialog = make('dialog', { className: 'help' },
    make('h2', {}, text('keys')),
    make('dl', {}, ...Object.entries(helps()).flatMap(([key, does]) => [make('dt', {}, make('kbd', {}, key)), make('dd', {}, does)])),
    make('p', {}, make('label', { className: 'tick' }, box, text('keys-on'))),
    make('form', { method: 'dialog' }, make('button', { className: 'button main' }, text('close'))));
  dialog.setAttribute('aria-label', text('keys'));
  dialog.onclose = () => dialog.remove();
  document.body.append(dialog);
  dialog.showModal();
}

// Topics are found while one types.

$('#q')?.addEventListener('focus', async ({ target }) => (await import('./find.js')).begin(page, target), { once: true });

// The place is kept: also where the page is not to be kept by the browser.

const place = `place ${location.pathname}${location.search}`;
addEventListener('pagehide', () => {
  const card = cards().find((c) => c.getBoundingClientRect().bottom > 0);
  if (card) sessionStorage.setItem(place, JSON.stringify([card.id, card.getBoundingClientRect().top]));
});
if (performance.getEntriesByType('navigation')[0]?.type === 'back_forward') {
  const [id, top] = JSON.parse(sessionStorage.getItem(place) ?? '[]');
  const card = id && document.getElementById(id);
  if (card) {
    history.scrollRestoration = 'manual';
    scrollTo({ top: scrollY + card.getBoundingClientRect().top - top, behavior: 'instant' });
  }
}

// What a page needs a little later, or seldom, is loaded then.

const page = { account, answered: () => answered, showMark, text, make, say, show, at, mute: (topic) => putAway(muting(topic)) };

async function offline() {
  const module = await import('./offline.js');
  module.meet(page);
  return module;
}

tellTimes();
setInterval(tellTimes, 60e3);
(globalThis.requestIdleCallback ?? ((f) => setTimeout(f, 200)))(async () => {
  if (account) (await import('./live.js')).begin(page);
  if (navigator.serviceWorker) await (await offline()).begin();
});
