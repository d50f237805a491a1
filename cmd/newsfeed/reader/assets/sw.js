// The worker keeps what the pages are made of, and the last feed and list of whoever
// is signed in, to be read when the service cannot be reached. The answers say in
// X-Account whose they are: what is another's, or nobody's, ends what was kept.

const SHELL = ['./page.css', './icon.svg', './page.js', './live.js', './offline.js', './find.js', './marks.js', '/client.js', '/manifest.webmanifest'];
const texts = TEXTS, text = (name) => texts[name];
const shell = `shell ${SHELL.join(' ')}`;
const KEPT = ['/', '/my/interests', '/my/saved'];

addEventListener('install', (event) => event.waitUntil((async () => {
  const cache = await caches.open(shell);
  await cache.addAll(SHELL);
  await skipWaiting();
})()));

addEventListener('activate', (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith('shell ') && name !== shell) await caches.delete(name);
  await clients.claim();
})()));

addEventListener('fetch', (event) => {
  const { request } = event, url = new URL(request.url);
  if (url.origin !== location.origin || request.method !== 'GET') return;
  if (request.mode === 'navigate') event.respondWith(page(event, url));
  else if (SHELL.includes(url.pathname)) event.respondWith(part(request, url));
});

addEventListener('message', (event) => {
  if (KEPT.includes(event.data)) event.waitUntil(fetch(event.data).then((r) => keep(event.data, r.headers.get('X-Account') ?? '', r.status, r.ok ? r : null)));
});

async function part(request, url) {
  const cache = await caches.open(shell);
  if (url.pathname.startsWith('/assets/')) return await cache.match(request) ?? fetch(request);
  return fetch(request).catch(async () => await cache.match(request) ?? Response.error());
}

async function page(event, url) {
  let response;
  try {
    response = await fetch(event.request);
  } catch {
    return await kept(url.pathname) ?? await kept('/') ?? away();
  }
  const copy = response.ok && KEPT.includes(url.pathname) && !url.search ? response.clone() : null;
  event.waitUntil(keep(url.pathname, response.headers.get('X-Account') ?? '', response.status, copy));
  return response;
}

// keep keeps a page of an account, and nothing of any other.
async function keep(path, account, status, copy) {
  if (status >= 500) return; // it says nothing of who asks
  const mine = `pages ${account}`;
  for (const name of await caches.keys()) if (name.startsWith('pages ') && name !== mine) await caches.delete(name);
  if (!account || !copy) return;
  const cache = await caches.open(mine);
  await cache.put(path, new Response(await copy.text(), { headers: { 'Content-Type': 'text/html; charset=utf-8', 'X-Kept': new Date().toISOString(), 'Content-Security-Policy': copy.headers.get('Content-Security-Policy') } }));
}

// kept returns a page that was kept, which says since when.
async function kept(path) {
  const name = (await caches.keys()).find((n) => n.startsWith('pages '));
  const response = name && await (await caches.open(name)).match(path);
  if (!response) return;
  const html = (await response.text()).replace('<body', `<body data-offline="${response.headers.get('X-Kept')}"`);
  return new Response(html, { headers: response.headers });
}

function away() {
  return new Response('<!doctype html><html lang="' + text('language') + '"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>' + text('offline') + '</title><link rel="stylesheet" href="./page.css"><main class="message"><h1>' + text('you-are-offline') + '</h1><p>' + text('nothing-kept') + '</p><ul class="ways"><li><a href="">' + text('try-again') + '</a></li></ul></main>',
    { status: 503, headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': "default-src 'none'; style-src 'self'" } });
}
