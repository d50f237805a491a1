// The popup by which a page of another site gets a token for adding topics to one's
// list. Who opened it is known by the message that comes, never by an address; the
// first one counts. The token goes to exactly that origin.
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
    const text = await answer.text();
    if (answer.ok) {
      opener.postMessage({ token: JSON.parse(text).token }, site);
      close();
      return show('done');
    }
    wrong.textContent = answer.headers.get('Content-Type').startsWith('text/plain') ? text : 'That did not work. Try again in a moment.';
  } catch {
    wrong.textContent = 'The service does not answer. Try again in a moment.';
  }
});

if (opener && self === top) opener.postMessage('newsfeed-ready', '*'); // says nothing but that
else show('alone');
