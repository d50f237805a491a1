// <add-interest topic="north-korea"></add-interest> adds a topic to its reader's list.
// How it is used stands in docs/embed.md. It keeps nothing before the first press.
const base = new URL(import.meta.url).origin, key = 'newsfeed ' + base, all = new Set();
const texts = TEXTS, text = (name, of) => texts[name].replace('{name}', () => of);
const css = new CSSStyleSheet();
css.replaceSync(`:host{display:block;min-height:var(--add-interest-height,2.75rem);--c:var(--add-interest-color,#0b57d0);--b:var(--add-interest-background,#fff)}
button,span{font:inherit;min-height:2.75rem;box-sizing:border-box;margin:0 .5rem 0 0;color:var(--c)}
button{cursor:pointer;padding:.5rem 1rem;border:1px solid;border-radius:var(--add-interest-radius,1.4rem);background:var(--b)}
button[aria-pressed=true]{background:var(--c);border-color:var(--c);color:var(--b)}
button.offer{border:0;padding:.5rem 0;background:none;text-decoration:underline}
:focus-visible{outline:3px solid;outline-offset:2px}`);

let held = null, popup = null;
const read = () => { try { held = JSON.parse(localStorage.getItem(key)); } catch { /* as long as the page */ } };
const hold = (value) => {
  held = value;
  try { value ? localStorage.setItem(key, JSON.stringify(value)) : localStorage.removeItem(key); } catch { /* the same */ }
};
const call = (method, path, level) => fetch(base + path, {
  method, credentials: 'omit', referrerPolicy: 'no-referrer', body: level && JSON.stringify({ level }),
  headers: { ...held && { Authorization: 'Bearer ' + held.token }, ...level && { 'Content-Type': 'application/json' } },
});
const get = async (name) => {
  let answer = await call('GET', '/topics/' + encodeURIComponent(name));
  if (answer.status == 401 && held) { hold(null); return get(name); }
  return answer.ok ? answer.json() : null;
};

// What the page says that it is about: news_keywords, and schema.org's NewsArticle.
const metadata = () => {
  const names = [];
  const add = (is) => {
    if (typeof is == 'string') names.push(...is.split(','));
    else if (Array.isArray(is)) is.forEach(add);
    else if (is) add(is.name);
  };
  const walk = (node) => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (!node || typeof node != 'object') return;
    if ([node['@type']].flat().some((type) => /NewsArticle$/.test(type))) { add(node.keywords); add(node.about); }
    walk(node['@graph']);
  };
  for (const meta of document.querySelectorAll('meta[name=news_keywords i]')) add(meta.content);
  for (const script of document.querySelectorAll('script[type="application/ld+json"]')) {
    try { walk(JSON.parse(script.textContent)); } catch { /* broken: as if it were not there */ }
  }
  return [...new Set(names.map((name) => name.trim()).filter((name) => name && name.length < 100))].slice(0, 12);
};

addEventListener('message', (e) => {
  if (!popup || e.source != popup || e.origin != base) return;
  if (e.data == 'newsfeed-ready') popup.postMessage({ newsfeed: 1, guest: held?.guest ? held.token : '' }, base);
  else if (e.data?.token) { popup = null; hold({ token: e.data.token }); all.forEach((one) => one.load()); }
});
addEventListener('storage', (e) => { if (e.key == key) { read(); all.forEach((one) => one.load()); } });
read();

const make = (tag, textContent, props) => Object.assign(document.createElement(tag), { textContent }, props);

customElements.get('add-interest') || customElements.define('add-interest', class extends HTMLElement {
  static observedAttributes = ['topic'];
  connectedCallback() {
    if (!this.shadowRoot) this.attachShadow({ mode: 'open' }).adoptedStyleSheets = [css];
    all.add(this);
    this.load();
  }
  disconnectedCallback() { all.delete(this); }
  attributeChangedCallback() { if (this.isConnected && this.shadowRoot) this.load(); }
  async load() {
    const turn = this.turn = {}, topic = this.getAttribute('topic');
    try {
      const found = new Map();
      for (const one of await Promise.all((topic ? [topic] : metadata()).map(get))) if (one) found.set(one.id, one);
      if (turn != this.turn) return;
      this.topics = [...found.values()].slice(0, 3);
      this.show();
    } catch { /* the service is away */ }
  }
  show(said = '') {
    const focus = this.shadowRoot.activeElement?.name;
    this.shadowRoot.replaceChildren(...this.topics.map((topic) => {
      if (topic.level == 'mute') return make('span', text('now-mute', topic.name), { dir: 'auto' });
      const button = make('button', topic.level ? text('interest-added-in', topic.name) : text('add-interest-in', topic.name), { name: topic.id, dir: 'auto', onclick: () => this.press(topic) });
      button.setAttribute('aria-pressed', !!topic.level);
      return button;
    }), make('span', said, { role: 'status' }));
    if (held?.guest && this.topics.some((topic) => topic.level)) {
      this.shadowRoot.append(make('button', text('save-across'), { className: 'offer', name: '', onclick: () => {
        popup = open(base + '/embed/sign-in', '_blank', 'popup,width=480,height=680');
      } }));
    }
    focus && [...this.shadowRoot.children].find((one) => one.name == focus)?.focus();
  }
  async press(topic) {
    const { id } = topic, was = topic.level;
    if (this.busy) return;
    this.busy = true;
    try {
      const now = held ? await get(id) : topic;
      if (now && now.level != was) { topic.level = now.level; return this.show(); }
      if (!held) {
        const made = await call('POST', '/guests');
        if (!made.ok) throw 0;
        hold({ token: (await made.json()).token, guest: true });
      }
      const answer = await call(was ? 'DELETE' : 'PUT', '/interests/' + encodeURIComponent(id), was ? undefined : 'follow');
      if (!answer.ok) throw 0;
      topic.level = was ? undefined : 'follow';
      this.show();
      this.dispatchEvent(new CustomEvent(was ? 'interest-removed' : 'interest-added', { detail: { topic: id }, bubbles: true, composed: true }));
    } catch {
      this.show(text('nothing-changed'));
    } finally { this.busy = false; }
  }
});
