// The popup by which a page of another site gets a token for adding topics to one's
// list. Who opened it is known by the message that comes, never by an address; the
// first one counts. The token goes to exactly that origin.
const texts = TEXTS, text = (name) => texts[name];
const page = document.querySelector('[data-origins]');
const form = page.querySelector('form'), wrong = page.querySelector('[role=alert]');
const show = (part) => { for (const one of page.querySelectorAll('[data-part]')) one.hidden = one.dataset.part !== part; };
let site = null, guest = '';

addEventListener('message', (e) => {
  if (site !== null || e.source !== opener || e.data?.newsfeed !== 1) return;
  site = e.origin;
  if (!page.dataset.origins.split(' ').includes(site)) return show('refused');
  if (typeof e.data.guest === 'string') guest = e.data.guest;
  for (const name of page.querySelectorAll('[data-site]')) name.textContent = new URL(site).host;
  show('ask');
  form.querySelector('input, button').focus();
});

form.addEventListener('submit', async (e) => {
  e.preventDefault();
  if (site === null) return;
  const fields = new URLSearchParams(new FormData(form, e.submitter));
  fields.set('site', site);
  fields.set('guest', guest);
  wrong.textContent = '';
  try {
    const answer = await fetch('/embed/sign-in', { method: 'POST', body: fields });
    const said = await answer.text();
    if (answer.ok) {
      opener.postMessage({ token: JSON.parse(said).token }, site);
      close();
      return show('done');
    }
    wrong.textContent = answer.headers.get('Content-Type').startsWith('text/plain') ? said : text('did-not-work');
  } catch {
    wrong.textContent = text('no-answer');
  }
});

if (opener && self === top) opener.postMessage('newsfeed-ready', '*'); // says nothing but that
else show('alone');
